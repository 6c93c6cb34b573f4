/* SPDX-License-Identifier: MIT
 * What clients of services write: recognised and read, or errors, never both. */
#include "fuzz.h"

#include "sim/clients/client_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(bytes, size, "json");
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct client_file file = {.case_count = 0};
    client_file_is_one(path);
    bool read = client_file_read(arena, path, &file, diagnostics);
    FUZZ_EXPECT(read == (diagnostics_error_count(diagnostics) == 0), "read with errors, or none");
    for (size_t i = 0; read && i < file.case_count; i++) {
        FUZZ_EXPECT(file.cases[i].name != NULL && file.cases[i].model != NULL, "a case of no name");
        for (size_t j = 0; j < file.cases[i].count; j++) {
            FUZZ_EXPECT(file.cases[i].requests[j].e2e_seconds >= 0, "an answer before its request");
        }
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    unlink(path);
    return 0;
}
