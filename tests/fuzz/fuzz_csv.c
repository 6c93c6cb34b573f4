/* SPDX-License-Identifier: MIT
 * Measured tables: read, recognised and predicted, or refused with a sentence. */
#include "fuzz.h"

#include "sim/compare/comparison.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(bytes, size, "csv");
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct comparison_request request = {
        .files = &path, .file_count = 1, .gpu = "h100-sxm", .cluster = "dgx-h100"};
    struct comparison comparison;
    if (!comparison_run(arena, &request, &comparison, diagnostics)) {
        FUZZ_EXPECT(diagnostics_error_count(diagnostics) > 0, "refused without a word");
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    unlink(path);
    return 0;
}
