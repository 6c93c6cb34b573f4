/* SPDX-License-Identifier: MIT */
#include "models/machine/overlap.h"

#include <math.h>

/* `together`: the collective's seconds while the kernel runs. */
static double kernel_factor(const struct overlap_constants *constants, double multiprocessors,
                            const struct overlap_kernel *kernel,
                            const struct overlap_collective *collective, double together)
{
    if (collective->fabric) {
        return kernel->memory_bound
                   ? 1.0
                   : 1.0 / (1.0 - constants->fabric_multiprocessors / multiprocessors);
    }
    double share = kernel->memory_bound ? constants->memory_share
                                        : constants->node_multiprocessors / multiprocessors;
    share = together > 0.0 ? share * (1.0 + constants->start_seconds / together)
                           : constants->largest_share;
    double late = constants->extra_waves * kernel->wave_seconds / kernel->seconds;
    return 1.0 / (1.0 - fmin(share, constants->largest_share)) + late;
}

static double collective_factor(const struct overlap_constants *constants,
                                const struct overlap_kernel *kernel,
                                const struct overlap_collective *collective)
{
    if (collective->fabric) {
        return 1.0;
    }
    if (kernel->memory_bound) {
        return constants->memory_slowdown;
    }
    double waiting = constants->waiting_share * kernel->seconds;
    return constants->compute_slowdown + waiting / collective->seconds;
}

struct overlap_factors overlap_slowdown(const struct overlap_constants *constants,
                                        uint32_t streaming_multiprocessors,
                                        const struct overlap_kernel *kernel,
                                        const struct overlap_collective *collective)
{
    struct overlap_factors factors = {.kernel = 1.0, .collective = 1.0};
    if (kernel->seconds > 0.0 && collective->seconds > 0.0) {
        factors.collective = collective_factor(constants, kernel, collective);
        factors.kernel = kernel_factor(constants, streaming_multiprocessors, kernel, collective,
                                       collective->seconds * factors.collective);
    }
    return factors;
}

double overlap_gemm_wave_seconds(const struct overlap_constants *constants, uint64_t m, uint64_t n,
                                 double seconds, uint32_t streaming_multiprocessors)
{
    double blocks =
        ceil((double)m / constants->wave_rows) * ceil((double)n / constants->wave_columns);
    return seconds / ceil(blocks / streaming_multiprocessors);
}
