/* SPDX-License-Identifier: MIT */
#include "sim/base/csv.h"

#include "sim/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct csv *csv_load(struct arena *arena, const char *path, struct diagnostics *diagnostics)
{
    struct mark mark = {.file = path};
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        DIAGNOSE_ERROR(diagnostics, mark, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    struct text text = {.arena = arena};
    text_add(&text, "");
    char block[65536];
    size_t count;
    while (text.length <= CSV_MAX_BYTES && (count = fread(block, 1, sizeof block, stream)) > 0) {
        text_append(&text, block, count);
    }
    bool failed = ferror(stream) != 0;
    int reason = errno;
    fclose(stream);
    if (failed) {
        DIAGNOSE_ERROR(diagnostics, mark, "cannot be read: %s", strerror(reason));
        return NULL;
    }
    if (text.length > CSV_MAX_BYTES) {
        DIAGNOSE_ERROR(diagnostics, mark, "larger than %zu MiB", CSV_MAX_BYTES / 1024 / 1024);
        return NULL;
    }
    return csv_parse(arena, path, text.bytes, text.length, diagnostics);
}
