/* SPDX-License-Identifier: MIT
 * A sweep's journal as a crash, a full disk or another program may leave it: what is whole is read,
 * the rest passed over. */
#include "fuzz.h"

#include "sim/sweep/journal.h"

#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char folder[300], path[400];
    const char *temporary = fuzz_file(bytes, size, "part");
    snprintf(folder, sizeof folder, "%s.folder", temporary);
    snprintf(path, sizeof path, "%s/points-0-of-1.journal", folder);
    mkdir(folder, 0700);
    FUZZ_EXPECT(rename(temporary, path) == 0, "no folder");
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct journal_contents contents;
    bool read = journal_read_all(arena, folder, &contents, diagnostics);
    FUZZ_EXPECT(read == (diagnostics_error_count(diagnostics) == 0), "read with errors, or none");
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    unlink(path);
    rmdir(folder);
    return 0;
}
