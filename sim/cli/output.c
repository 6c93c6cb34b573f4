/* SPDX-License-Identifier: MIT
 * Where results go, and whether they may be coloured. */
#include "sim/base/terminal.h"
#include "sim/cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *style(FILE *stream, const char *code)
{
    return terminal_takes_escapes(stream) ? code : "";
}

static int complain_of_output(const struct invocation *invocation, int reason)
{
    fprintf(stderr, "%s: error: cannot be written: %s\n",
            invocation->output == NULL ? "stdout" : invocation->output, strerror(reason));
    return EXIT_RUN_FAILED;
}

FILE *result_open(const struct invocation *invocation)
{
    FILE *stream = invocation->output == NULL ? stdout : fopen(invocation->output, "wb");
    if (stream == NULL) {
        complain_of_output(invocation, errno);
    }
    return stream;
}

int result_close(const struct invocation *invocation, FILE *stream)
{
    errno = 0;
    bool written = fflush(stream) == 0 && ferror(stream) == 0;
    int reason = errno != 0 ? errno : EIO;
    if (stream != stdout && fclose(stream) != 0) {
        written = false;
    }
    return written ? EXIT_DONE : complain_of_output(invocation, reason);
}

int result_write(const struct invocation *invocation, const char *text)
{
    FILE *stream = result_open(invocation);
    if (stream == NULL) {
        return EXIT_RUN_FAILED;
    }
    fputs(text, stream);
    return result_close(invocation, stream);
}

int result_replace(const struct invocation *invocation, struct arena *arena, const char *text)
{
    const struct invocation to_part = {.output =
                                           arena_printf(arena, "%s.part", invocation->output)};
    int status = result_write(&to_part, text);
    if (status == EXIT_DONE && rename(to_part.output, invocation->output) != 0) {
        status = complain_of_output(invocation, errno);
    }
    if (status != EXIT_DONE) {
        remove(to_part.output);
    }
    return status;
}
