/* SPDX-License-Identifier: MIT
 * All layouts that a plan chooses from. A shape says how many GPUs share what (GPUs, tensor,
 * context, expert, pipeline; replicas follow); a variant of it says how the step is run on them
 * (schedule, micro-batch, recomputation ...). Layouts are numbered: shape, then variant. What has
 * no effect on a shape is not turned on it, so no layout is there twice. */
#ifndef CPSIM_SIM_PLAN_LAYOUTS_SPACE_H
#define CPSIM_SIM_PLAN_LAYOUTS_SPACE_H

#include "sim/plan/layouts/layout_file.h"
#include "sim/plan/layouts/lever.h"

enum shape_axis { SHAPE_TENSOR, SHAPE_CONTEXT, SHAPE_EXPERT, SHAPE_PIPELINE, SHAPE_AXIS_COUNT };

enum { AXES_MOST = 32 };

struct axis {
    struct lever lever;
    uint32_t *values; /* [count] */
    uint32_t count;
    /* Whether it has an effect on a scenario all of whose earlier axes are set; NULL: always. */
    bool (*matters)(const struct scenario *scenario);
    uint32_t idle; /* its value where it does not matter */
};

struct shape {
    uint32_t gpus, values[SHAPE_AXIS_COUNT], data;
};

struct layout_space {
    struct axis shape_axes[SHAPE_AXIS_COUNT], axes[AXES_MOST];
    uint32_t axis_count;
    struct shape *shapes;           /* [shape_count] */
    uint64_t shape_count, variants; /* of each shape; some may not matter */
    struct lever data;
};

/* Of the file over its base, resolved. NULL after at least one error. */
const struct layout_space *layout_space_create(const struct layout_file *file,
                                               const struct scenario *base, struct arena *arena,
                                               struct diagnostics *diagnostics);

/* Sets all of a shape's; then a variant's. The second says false where the variant turns what has
 * no effect: another one is the same. */
void space_set_shape(const struct layout_space *space, uint64_t shape, struct scenario *scenario);
bool space_set_variant(const struct layout_space *space, uint64_t variant,
                       struct scenario *scenario);

#endif
