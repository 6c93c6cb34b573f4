/* SPDX-License-Identifier: MIT */
#include "sim/plan/layouts/layout_scenario.h"

#include "sim/base/file.h"
#include "sim/base/quantity.h"
#include "sim/plan/layouts/layout_order.h"
#include "sim/scenario/load.h"

#include <string.h>

void layout_set(const struct layout_job *job, const struct answer *answer,
                struct scenario *scenario)
{
    space_set_shape(job->space, answer->shape, scenario);
    space_set_variant(job->space, answer->variant, scenario);
}

static void lay_over(const struct layout_job *job, const struct lever *lever,
                     const struct scenario *scenario, struct arena *arena,
                     struct override *overrides, size_t *count)
{
    uint32_t value = lever_get(lever, scenario);
    if (value != lever_get(lever, job->base)) {
        overrides[(*count)++].text =
            arena_printf(arena, "%s=%s", lever->key, lever_text(lever, value, arena));
    }
}

const struct override *layout_overrides(const struct layout_job *job, const struct answer *answer,
                                        struct arena *arena, size_t *count)
{
    const struct layout_space *space = job->space;
    struct scenario *scenario = ARENA_NEW(arena, struct scenario);
    size_t most = job->override_count + SHAPE_AXIS_COUNT + 1 + space->axis_count;
    struct override *overrides = ARENA_ARRAY(arena, struct override, most);
    *scenario = *job->base;
    layout_set(job, answer, scenario);
    if (job->override_count > 0) {
        memcpy(overrides, job->overrides, job->override_count * sizeof *overrides);
    }
    *count = job->override_count;
    for (int i = 0; i < SHAPE_AXIS_COUNT; i++) {
        lay_over(job, &space->shape_axes[i].lever, scenario, arena, overrides, count);
    }
    lay_over(job, &space->data, scenario, arena, overrides, count);
    for (uint32_t i = 0; i < space->axis_count; i++) {
        lay_over(job, &space->axes[i].lever, scenario, arena, overrides, count);
    }
    return overrides;
}

const char *layout_winner_yaml(const struct layout_job *job, const struct layout_found *found)
{
    static const char *const aims[] = {
        [AIM_TIME] = "the fastest", [AIM_COST] = "the cheapest", [AIM_MEMORY] = "least memory"};
    struct arena *arena = job->arena;
    const struct answer *answer = &found->answers[found->winner];
    size_t count = 0;
    const struct override *overrides = layout_overrides(job, answer, arena, &count);
    const char *title = arena_printf(arena, "%s: %s", job->file->title, aims[job->file->aim]);
    const char *yaml = scenario_difference(arena, file_absolute(arena, job->file->base), title,
                                           overrides, count, job->diagnostics);
    return arena_printf(
        arena, "# Found by cpsim plan among %llu layouts: a step takes %s%s.\n%s",
        (unsigned long long)(job->space->shape_count * job->space->variants -
                             found->states[ANSWER_SAME]),
        quantity_seconds(layout_step_seconds(found, found->winner)).text,
        found->played[found->winner].done ? ", played on the simulated network" : "", yaml);
}
