/* SPDX-License-Identifier: MIT
 * Where results go, and whether they may be coloured. */
#include "sim/cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *style(FILE *stream, const char *code)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    bool refused = no_color != NULL && no_color[0] != '\0';
    bool dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;
    return !refused && !dumb && isatty(fileno(stream)) ? code : "";
}

int result_write(const struct invocation *invocation, const char *text)
{
    const char *path = invocation->output;
    FILE *stream = path == NULL ? stdout : fopen(path, "wb");
    bool written = stream != NULL && fputs(text, stream) >= 0 && fflush(stream) == 0;
    int reason = errno;
    if (path != NULL && stream != NULL) {
        written = fclose(stream) == 0 && written;
    }
    if (!written) {
        fprintf(stderr, "%s: error: cannot be written: %s\n", path == NULL ? "stdout" : path,
                strerror(reason));
        return EXIT_RUN_FAILED;
    }
    return EXIT_DONE;
}
