/* SPDX-License-Identifier: MIT
 * Command lines of engines and trainers: a scenario or an error. The first byte picks whose. */
#include "fuzz.h"

#include "sim/arguments/dialect.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1 || memchr(bytes, '\0', size) != NULL) {
        return 0;
    }
    size_t count = 0;
    while (dialects[count] != NULL) {
        count++;
    }
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const char *text = arena_printf(arena, "%.*s", (int)(size - 1), (const char *)bytes + 1);
    const char *scenario =
        arguments_import(arena, dialects[bytes[0] % count], "arguments", text, diagnostics);
    FUZZ_EXPECT((scenario == NULL) == (diagnostics_error_count(diagnostics) > 0),
                "a scenario with errors, or none without");
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return 0;
}
