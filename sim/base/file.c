/* SPDX-License-Identifier: MIT */
#include "sim/base/file.h"

#include "sim/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 16 * 1024, KIB = 1024, MIB = 1024 * KIB };

static const char *kind_fault(mode_t mode)
{
    return S_ISREG(mode)    ? NULL
           : S_ISDIR(mode)  ? "is a directory"
           : S_ISFIFO(mode) ? "is a pipe"
           : S_ISSOCK(mode) ? "is a socket"
                            : "is a device";
}

bool file_is_regular(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

const char *file_fault(const char *path)
{
    struct stat status;
    return stat(path, &status) != 0 ? strerror(errno) : kind_fault(status.st_mode);
}

/* Open for reading; negative after an error. Without O_NONBLOCK a pipe would wait for a writer;
 * once it is open it shall wait for what its writer has not written yet. */
static int open_input(const char *path, const char *expected, struct stat *status,
                      struct diagnostics *diagnostics)
{
    struct mark mark = {.file = path};
    bool there = stat(path, status) == 0;
    if (there && !S_ISREG(status->st_mode) && !S_ISFIFO(status->st_mode)) {
        DIAGNOSE_ERROR(diagnostics, mark, "%s; expected %s", kind_fault(status->st_mode), expected);
        return -1;
    }
    int descriptor = there ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
    if (descriptor < 0) {
        int reason = errno;
        DIAGNOSE_SYSTEM(diagnostics, mark, reason, "cannot be opened: %s", strerror(reason));
        return -1;
    }
    diagnostics_add_input(diagnostics, path);
    fcntl(descriptor, F_SETFL, O_RDONLY);
    return descriptor;
}

char *file_read(struct arena *arena, const char *path, size_t most, const char *expected,
                size_t *size, struct diagnostics *diagnostics)
{
    struct mark mark = {.file = path};
    struct stat status;
    int descriptor = open_input(path, expected, &status, diagnostics);
    if (descriptor < 0) {
        return NULL;
    }
    struct text text = {.arena = arena};
    size_t told = S_ISREG(status.st_mode) && status.st_size > 0 ? (size_t)status.st_size : 0;
    text_reserve(&text, (told <= most ? told : 0) + BLOCK_BYTES);
    text_add(&text, "");
    char block[BLOCK_BYTES];
    ssize_t count = 1;
    while (told <= most && text.length <= most && count != 0 && !(count < 0 && errno != EINTR)) {
        count = read(descriptor, block, sizeof block);
        text_append(&text, block, count > 0 ? (size_t)count : 0);
    }
    int reason = errno;
    close(descriptor);
    if (count < 0) {
        DIAGNOSE_ERROR(diagnostics, mark, "cannot be read: %s", strerror(reason));
        return NULL;
    }
    if (told > most || text.length > most) {
        bool small = most < 10 * (size_t)MIB;
        DIAGNOSE_ERROR(diagnostics, mark, "larger than %zu %s; expected %s",
                       most / (small ? KIB : MIB), small ? "KiB" : "MiB", expected);
        return NULL;
    }
    if (size != NULL) {
        *size = text.length;
    }
    return text.bytes;
}

const char *file_absolute(struct arena *arena, const char *path)
{
    char *absolute = realpath(path, NULL);
    const char *kept = arena_strdup(arena, absolute == NULL ? path : absolute);
    free(absolute);
    return kept;
}
