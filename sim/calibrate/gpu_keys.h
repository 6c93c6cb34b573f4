/* SPDX-License-Identifier: MIT
 * Constants of a GPU by the keys of its file, and which group of a fit each belongs to. Pure. */
#ifndef CPSIM_SIM_CALIBRATE_GPU_KEYS_H
#define CPSIM_SIM_CALIBRATE_GPU_KEYS_H

#include "sim/base/arena.h"

#include <stddef.h>

/* The key of the value at `offset` of struct gpu: "matmul.tile.row". */
const char *gpu_key(struct arena *arena, size_t offset);

struct fit_place {
    size_t group, constant; /* of gpu_fit_groups; group GPU_FIT_GROUP_COUNT: nothing fits it */
};

struct fit_place gpu_fit_place(size_t offset);

#endif
