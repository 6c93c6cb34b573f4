/* SPDX-License-Identifier: MIT
 * Scenario files: a scenario or an error, never both and never neither; and what is shown of one is
 * printable and a scenario again. */
#include "fuzz.h"

#include "sim/scenario/load.h"
#include "sim/scenario/scenario.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(bytes, size, "yaml");
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(arena, path, NULL, 0, diagnostics);
    FUZZ_EXPECT((scenario == NULL) == (diagnostics_error_count(diagnostics) > 0),
                "a scenario with errors, or none without");
    if (scenario != NULL) {
        const char *yaml = scenario_yaml(arena, scenario);
        struct diagnostics *again = diagnostics_create();
        path = fuzz_file((const uint8_t *)yaml, strlen(yaml), "yaml");
        FUZZ_EXPECT(scenario_load(arena, path, NULL, 0, again) != NULL,
                    "what a scenario resolves to is none");
        diagnostics_destroy(again);
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    unlink(path);
    return 0;
}
