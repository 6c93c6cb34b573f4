/* SPDX-License-Identifier: MIT
 * Pipeline schedules as tables: one that comes to its end, or errors. */
#include "fuzz.h"

#include "sim/scenario/schedule_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(bytes, size, "csv");
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct schedule_file *file = schedule_file_read(arena, path, diagnostics);
    FUZZ_EXPECT((file == NULL) == (diagnostics_error_count(diagnostics) > 0),
                "a schedule with errors, or none without");
    FUZZ_EXPECT(file == NULL || (file->stages > 0 && file->chunks > 0 && file->micro_batches > 0),
                "a schedule of nothing");
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    unlink(path);
    return 0;
}
