/* SPDX-License-Identifier: MIT
 * Fits a GPU's constants to measured kernels. Constants that show in the same kernels are a group,
 * fitted together, each by a factor. What no measurement shows stays as the GPU came: a constant
 * that moves too few of them, a group with too few of them. The error that is minimised is the
 * logarithm of predicted over measured, its tails counted straight, so that one bad row weighs as
 * one row. Pure. */
#ifndef CPSIM_MODELS_KERNELS_GPU_FIT_H
#define CPSIM_MODELS_KERNELS_GPU_FIT_H

#include "models/kernels/kernel_measurement.h"
#include "models/machine/gpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GPU_FIT_GROUP_COUNT = 13,
    GPU_FIT_MAX_CONSTANTS = 8,
    GPU_FIT_LEAST_ROWS = 3 /* measurements a constant, below which it isn't fitted */
};

struct gpu_fit_constant {
    size_t offset;          /* of a double in struct gpu */
    size_t twin;            /* of one that is always the same; 0: none */
    double lowest, highest; /* a share of a peak can't pass 1; 0, 0: no bounds */
};

struct gpu_fit_group {
    const char *name;
    uint32_t classes; /* bits: the kernels that show it */
    bool power; /* fitted on rows with power, by power and clock too; others on rows without */
    struct gpu_fit_constant constants[GPU_FIT_MAX_CONSTANTS]; /* up to the first with no offset */
};

/* In an order in which a later group does not spoil an earlier one. */
extern const struct gpu_fit_group gpu_fit_groups[GPU_FIT_GROUP_COUNT];

/* Whether a group is fitted on such a measurement. */
bool gpu_fit_uses(const struct gpu_fit_group *group, const struct kernel_measurement *measurement);

struct gpu_fit_report {
    size_t rows;                         /* that the group is fitted on, if it is */
    size_t moved[GPU_FIT_MAX_CONSTANTS]; /* of them: rows whose prediction moves with a constant */
    bool fitted[GPU_FIT_MAX_CONSTANTS];  /* false: too few rows */
    double before, after;                /* mean cost: about the mean error, less 0.03 */
};

/* Is told how far a fit is, of 1. */
struct gpu_fit_listener {
    void (*told)(void *context, double done);
    void *context;
};

/* Fits `gpu` in place. `scratch` [count] is the caller's; `listener` may be NULL. */
void gpu_fit(struct gpu *gpu, const struct kernel_measurement *measurements, size_t count,
             const struct kernel_measurement **scratch, const struct gpu_fit_listener *listener,
             struct gpu_fit_report reports[GPU_FIT_GROUP_COUNT]);

#endif
