/* SPDX-License-Identifier: MIT
 * Where results go, and whether they may be coloured. */
#include "sim/base/fold.h"
#include "sim/base/printable.h"
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

int refusal(const struct diagnostics *diagnostics)
{
    return diagnostics_failure_count(diagnostics) > 0 ? EXIT_RUN_FAILED : EXIT_WRONG_INPUT;
}

int stdout_close(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return EXIT_DONE;
    }
    fprintf(stderr, "stdout: error: cannot be written: %s\n",
            strerror(output_reason(STDOUT_FILENO, errno)));
    return EXIT_RUN_FAILED;
}

/* What is wrong with the file is said at once. */
static int end_file(struct result *result, bool written)
{
    if (!written) {
        print_safely(stderr, "%s: error: %s\n", result->path, diagnostics_first(result->faults));
    }
    diagnostics_destroy(result->faults);
    return written ? EXIT_DONE : EXIT_RUN_FAILED;
}

int result_open(struct result *result, const char *path, struct diagnostics *diagnostics)
{
    *result = (struct result){.stream = stdout};
    if (path == NULL) {
        return EXIT_DONE;
    }
    if (!output_is_no_input(path, diagnostics)) {
        return EXIT_WRONG_INPUT;
    }
    result->path = path;
    result->faults = diagnostics_create();
    result->file = output_open(path, result->faults);
    if (result->file == NULL) {
        return end_file(result, false);
    }
    result->stream = output_stream(result->file);
    return EXIT_DONE;
}

int result_close(struct result *result)
{
    if (result->file == NULL) {
        return stdout_close();
    }
    return end_file(result, output_close(result->file, 0));
}

void result_abandon(struct result *result)
{
    if (result->file != NULL) {
        output_abandon(result->file);
        diagnostics_destroy(result->faults);
    }
}

void page_open(struct page *page, size_t columns)
{
    *page = (struct page){.columns = columns};
    page->stream = open_memstream(&page->bytes, &page->size);
    if (page->stream == NULL) {
        page->stream = stdout; /* as it comes, rather than not at all */
    }
}

void page_close(struct page *page)
{
    if (page->stream == stdout) {
        return;
    }
    fclose(page->stream);
    struct arena *arena = arena_create();
    struct text text = {.arena = arena};
    fold(&text, page->bytes, page->columns);
    fputs(text.bytes, stdout);
    arena_destroy(arena);
    free(page->bytes);
}

int result_write_folded(const struct invocation *invocation, const char *text,
                        struct diagnostics *diagnostics)
{
    struct arena *arena = arena_create();
    struct text folded = {.arena = arena};
    fold(&folded, text, invocation->columns);
    int status = result_write(invocation->output, folded.bytes, diagnostics);
    arena_destroy(arena);
    return status;
}

int result_write(const char *path, const char *text, struct diagnostics *diagnostics)
{
    struct result result;
    int status = result_open(&result, path, diagnostics);
    if (status == EXIT_DONE) {
        struct arena *arena = arena_create();
        fputs(printable(arena, text), result.stream);
        arena_destroy(arena);
        status = result_close(&result);
    }
    return status;
}
