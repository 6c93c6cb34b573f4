/* SPDX-License-Identifier: MIT
 * What a user should know of a scenario that is right: what of it lies outside what was measured,
 * or is not done as it was asked for. A note goes to `diagnostics` (cpsim check and run print it)
 * and into the JSON. */
#ifndef CPSIM_SIM_SCENARIO_NOTES_H
#define CPSIM_SIM_SCENARIO_NOTES_H

#include "sim/base/json.h"
#include "sim/config/yaml_tree.h"
#include "sim/scenario/scenario.h"

/* Why the generation's kernels say little of this GPU; NULL: they were measured on such ones. */
const char *gpu_generation_note(struct arena *arena, const struct gpu *gpu);

/* Shapes beyond those that the GPU's constants were fitted on: keys of a rank's attention,
 * sequences that decode together. NULL: none. */
const char *gpu_shape_note(struct arena *arena, const struct gpu *gpu, double keys,
                           double sequences);

/* That the loss law of a training run is asked beyond the runs that it was fitted on, where losses
 * or tokens come of it; NULL: it is not. */
const char *scenario_law_note(struct arena *arena, const struct scenario *scenario);

/* Fills scenario->notes and tells `diagnostics`. */
void scenario_note(struct scenario *scenario, const struct node *tree, struct arena *arena,
                   struct diagnostics *diagnostics);

/* "notes": [...], with `count` more of the run; nothing where there are none. */
void scenario_notes_print_json(struct json *json, const struct scenario *scenario,
                               const char *const *more, size_t count);

/* Whether the scenario or --set says model.context, not just the model's file, and where. */
bool scenario_says_context(const struct scenario *scenario, struct mark *mark);

#endif
