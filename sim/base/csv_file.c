/* SPDX-License-Identifier: MIT */
#include "sim/base/csv.h"

#include "sim/base/file.h"

struct csv *csv_load(struct arena *arena, const char *path, struct diagnostics *diagnostics)
{
    size_t size = 0;
    const char *bytes = file_read(arena, path, CSV_MAX_BYTES, "a table as CSV", &size, diagnostics);
    return bytes == NULL ? NULL : csv_parse(arena, path, bytes, size, diagnostics);
}
