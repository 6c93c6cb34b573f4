/* SPDX-License-Identifier: MIT
 * A model's published config.json, as a scenario names it. */
#include "fuzz.h"

#include "sim/scenario/load.h"
#include "sim/scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char scenario[] = "schema: 1\ncluster: dgx-h100\nworkload: {kind: conversation, "
                                   "turns: [{prompt: 9 tokens}]}\n";
    char model[300], path[256];
    snprintf(path, sizeof path, "%s",
             fuzz_file((const uint8_t *)scenario, sizeof scenario - 1, "yaml"));
    const char *config = fuzz_file(bytes, size, "json");
    snprintf(model, sizeof model, "model=%s", config);
    const struct override override = {.text = model};
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *loaded = scenario_load(arena, path, &override, 1, diagnostics);
    FUZZ_EXPECT((loaded == NULL) == (diagnostics_error_count(diagnostics) > 0),
                "a scenario with errors, or none without");
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    unlink(config);
    unlink(path);
    return 0;
}
