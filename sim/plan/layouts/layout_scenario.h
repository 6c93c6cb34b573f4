/* SPDX-License-Identifier: MIT
 * A layout that a search found, as a scenario. */
#ifndef CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_SCENARIO_H
#define CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_SCENARIO_H

#include "sim/plan/layouts/layout_search.h"

/* Sets a scenario to a layout, as answer_variant() saw it. */
void layout_set(const struct layout_job *job, const struct answer *answer,
                struct scenario *scenario);

/* What a layout lays over the base: the job's overrides, then every key whose value differs. */
const struct override *layout_overrides(const struct layout_job *job, const struct answer *answer,
                                        struct arena *arena, size_t *count);

/* The winner, as YAML: what differs from the base. NULL after an error. */
const char *layout_winner_yaml(const struct layout_job *job, const struct layout_found *found);

#endif
