/* SPDX-License-Identifier: MIT */
#include "sim/base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool terminal_rewrites(FILE *stream)
{
    const char *terminal = getenv("TERM");
    return terminal != NULL && strcmp(terminal, "dumb") != 0 && isatty(fileno(stream));
}

bool terminal_takes_escapes(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    return (no_color == NULL || no_color[0] == '\0') && terminal_rewrites(stream);
}
