/* SPDX-License-Identifier: MIT */
#include "models/kernels/gpu_kernel.h"

#include "models/kernels/gpu_power.h"

#include <assert.h>
#include <math.h>

double overlapped_seconds(const struct gpu *gpu, double sm_seconds, double memory_seconds)
{
    double longer = fmax(sm_seconds, memory_seconds);
    double shorter = fmin(sm_seconds, memory_seconds);
    if (shorter <= 0.0) { /* the powers would say the same */
        return fmax(longer, 0.0);
    }
    double p = gpu->overlap_exponent;
    return longer * pow(1.0 + pow(shorter / longer, p), 1.0 / p);
}

struct kernel_cost kernel_cost_at(const struct gpu *gpu, const struct kernel_work *work,
                                  double clock_hertz)
{
    assert(clock_hertz > 0.0 && clock_hertz <= gpu->boost_clock_hertz && "not a clock of this GPU");
    double sm_seconds = work->sm_cycles / clock_hertz;
    double busy = overlapped_seconds(gpu, sm_seconds, work->memory_seconds);
    double voltage = power_relative_voltage(gpu, clock_hertz);
    double clock_watts = gpu->clock_watts * clock_hertz / gpu->boost_clock_hertz;
    struct kernel_cost cost = {
        .seconds = work->fixed_seconds + busy, .flops = work->flops, .bytes = work->bytes};
    cost.joules =
        voltage * voltage * (work->core_joules + clock_watts * cost.seconds) + work->memory_joules;
    cost.bound = work->fixed_seconds > busy           ? BOUND_LAUNCH
                 : sm_seconds >= work->memory_seconds ? BOUND_COMPUTE
                                                      : BOUND_MEMORY;
    return cost;
}

struct kernel_cost gemm_cost(const struct gpu *gpu, const struct gemm_shape *shape,
                             double clock_hertz)
{
    struct kernel_work work = gemm_work(gpu, shape);
    return kernel_cost_at(gpu, &work, clock_hertz);
}

struct kernel_cost attention_cost(const struct gpu *gpu, const struct attention_shape *shape,
                                  double clock_hertz)
{
    struct kernel_work work = attention_work(gpu, shape, 1);
    return kernel_cost_at(gpu, &work, clock_hertz);
}

struct kernel_cost memory_kernel_cost(const struct gpu *gpu, const struct memory_shape *shape,
                                      double clock_hertz)
{
    struct kernel_work work = memory_kernel_work(gpu, shape);
    return kernel_cost_at(gpu, &work, clock_hertz);
}

const char *bound_name(enum bound bound)
{
    static const char *const names[] = {[BOUND_COMPUTE] = "compute",
                                        [BOUND_MEMORY] = "memory",
                                        [BOUND_LAUNCH] = "launch",
                                        [BOUND_NETWORK] = "network"};
    assert((unsigned)bound < sizeof names / sizeof *names && "not a bound");
    return names[bound];
}
