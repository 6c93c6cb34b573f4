/* SPDX-License-Identifier: MIT */
#include "sim/base/output_file.h"

#include "sim/base/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct output_file {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *path;
    struct part_file part;
    bool direct; /* what is there is no file: it is written to as it is */
    FILE *stream;
};

int output_reason(int descriptor, int reason)
{
    bool told = reason != 0 || write(descriptor, "\n", 1) < 0;
    return reason != 0 ? reason : told ? errno : EIO;
}

bool output_is_no_input(const char *path, struct diagnostics *diagnostics)
{
    const char *input = diagnostics_input(diagnostics, path);
    if (input == NULL) {
        return true;
    }
    if (strcmp(input, path) == 0) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = path}),
                       "cannot be written: it is an input of this run; name another file");
    } else {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = path}),
                       "cannot be written: it is the same file as %s, an input of this run; name "
                       "another file",
                       input);
    }
    return false;
}

static void complain(const struct output_file *output, int reason)
{
    DIAGNOSE_SYSTEM(output->diagnostics, ((struct mark){.file = output->path}), reason,
                    "cannot be written: %s", strerror(reason));
}

static bool open_stream(struct output_file *output)
{
    struct stat status;
    output->direct =
        stat(output->path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
    if (output->direct) {
        output->stream = fopen(output->path, "wb");
        return output->stream != NULL;
    }
    if (!part_file_create(&output->part, output->arena, output->path, PART_OWN,
                          output->diagnostics)) {
        return false;
    }
    int descriptor = fcntl(output->part.descriptor, F_DUPFD_CLOEXEC, 0);
    output->stream = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (output->stream == NULL) {
        int reason = errno;
        if (descriptor >= 0) {
            close(descriptor);
        }
        part_file_remove(&output->part);
        errno = reason;
    }
    return output->stream != NULL;
}

struct output_file *output_open(const char *path, struct diagnostics *diagnostics)
{
    if (!output_is_no_input(path, diagnostics)) {
        return NULL;
    }
    struct arena *arena = arena_create();
    struct output_file *output = ARENA_NEW(arena, struct output_file);
    output->arena = arena;
    output->diagnostics = diagnostics;
    output->path = arena_strdup(arena, path);
    if (!open_stream(output)) {
        complain(output, errno);
        arena_destroy(arena);
        return NULL;
    }
    return output;
}

FILE *output_stream(struct output_file *output)
{
    return output->stream;
}

bool output_close(struct output_file *output, mode_t mode)
{
    errno = 0;
    bool written = fflush(output->stream) == 0 && ferror(output->stream) == 0;
    int reason = written ? 0 : output_reason(fileno(output->stream), errno);
    if (fclose(output->stream) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (!output->direct && !written) {
        part_file_remove(&output->part);
    } else if (!output->direct) {
        if (mode != 0) {
            fchmod(output->part.descriptor, mode);
        }
        written = part_file_keep(&output->part);
        reason = errno;
    }
    if (!written) {
        complain(output, reason);
    }
    arena_destroy(output->arena);
    return written;
}

void output_abandon(struct output_file *output)
{
    fclose(output->stream);
    if (!output->direct) {
        part_file_remove(&output->part);
    }
    arena_destroy(output->arena);
}

bool output_write(const char *path, const char *text, mode_t mode, struct diagnostics *diagnostics)
{
    struct output_file *output = output_open(path, diagnostics);
    if (output == NULL) {
        return false;
    }
    fputs(text, output->stream);
    return output_close(output, mode);
}
