/* SPDX-License-Identifier: MIT
 * A plan file over a training scenario: how many GPUs, what to make least, and which values of
 * which keys to choose from. Owner of all memory: the arena given to layout_file_load(). */
#ifndef CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_FILE_H
#define CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_FILE_H

#include "sim/config/field.h"

#include <stdint.h>

enum layout_aim { AIM_TIME, AIM_COST, AIM_MEMORY };

struct layout_file {
    const char *path, *title, *base; /* base: the path of a scenario */
    uint32_t *gpus;                  /* [gpu_count]; none: those of the base's layout */
    size_t gpu_count;
    enum layout_aim aim;
    double most_dollars, most_seconds; /* of the run; 0: no limit */
    const struct node *axes;           /* keys with lists of values; NULL: none */
    uint32_t played;                   /* of the best, on the simulated network */
    bool prune;
    const struct node *tree;
};

extern const struct field layout_plan_fields[]; /* struct layout_file */

/* NULL after at least one error. */
const struct layout_file *layout_file_load(struct arena *arena, const char *path,
                                           struct diagnostics *diagnostics);

#endif
