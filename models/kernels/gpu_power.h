/* SPDX-License-Identifier: MIT
 * The clock under a power limit. Dynamic power goes with rate x voltage squared, voltage falls with
 * the clock, so a GPU that computes sinks its clock until its average power meets the limit: a long
 * prefill on an H100 runs at 1.3 to 1.5 GHz of 1.98, decode at full clock.
 *
 * Two limiters act on a GPU. The fast one caps the power of any moment at gpu->burst_watts. The
 * slow one pulls the average down to gpu->power_limit_watts; before it has acted a run may draw
 * gpu->burst_joules more than the limit allows. A micro-benchmark of milliseconds sees only the
 * fast one, a run of seconds the slow one: hence `run_seconds`. */
#ifndef CPSIM_MODELS_KERNELS_GPU_POWER_H
#define CPSIM_MODELS_KERNELS_GPU_POWER_H

#include "models/kernels/gpu_kernel.h"

#include <stddef.h>

/* Works that repeat for the length of a run: `count` times each, and idle seconds between. */
struct power_load {
    const struct kernel_work *works; /* [work_count] */
    const double *counts;            /* [work_count], or NULL: once each */
    size_t work_count;
    double idle_seconds;
    const struct kernel_cost *at_boost; /* [work_count], what each costs at boost clock, or NULL:
                                           that is worked out when it is asked for */
};

struct power_state {
    double clock_hertz;
    double watts;   /* average, idle power included */
    double seconds; /* of the load once through, idle seconds included */
};

/* Average power that a run of `run_seconds` may draw, watts. INFINITY seconds: the limit. */
double power_allowance_watts(const struct gpu *gpu, double run_seconds);

/* The load's average power and seconds at a given clock. */
struct power_state power_at_clock(const struct gpu *gpu, const struct power_load *load,
                                  double clock_hertz);

/* The highest clock at which the load's average power stays within `allowance_watts`; the lowest
 * clock when none does. */
struct power_state power_settle(const struct gpu *gpu, const struct power_load *load,
                                double allowance_watts);

/* Voltage at `clock_hertz` relative to that at boost clock. */
double power_relative_voltage(const struct gpu *gpu, double clock_hertz);

#endif
