/* SPDX-License-Identifier: MIT */
#include "models/kernels/measurement.h"

#include <math.h>

/* Fitted with the GPU's constants on tests/validation/silicon/h100_gemm.csv and
 * h100_attention_prefill.csv: kernels of 1 ms and more ran with a lower clock than those of 0.1 ms,
 * for their benchmark outlasted the first tenth of a second. */
static const double kernel_replays = 250.0, kernel_longest_seconds = 0.1,
                    kernel_least_replays = 16.0;
/* A pass of milliseconds to seconds; a round guess. Of h100_layers.csv and h100_train_layers.csv, 5
 * moves one row by 8 % and 20 one by 5 %, the median error by nothing. */
static const double stack_passes = 10.0;

double measurement_kernel_run_seconds(double kernel_seconds)
{
    double run = fmin(kernel_replays * kernel_seconds, kernel_longest_seconds);
    return fmax(run, kernel_least_replays * kernel_seconds);
}

double measurement_stack_run_seconds(double pass_seconds)
{
    return stack_passes * pass_seconds;
}

struct power_state measurement_of_kernel(const struct gpu *gpu, const struct kernel_work *work)
{
    double alone = kernel_cost_at(gpu, work, gpu->boost_clock_hertz).seconds;
    double run = measurement_kernel_run_seconds(alone);
    struct power_load load = {.works = work, .work_count = 1};
    return power_settle(gpu, &load, power_allowance_watts(gpu, run));
}

struct power_state measurement_of_stack(const struct gpu *gpu, const struct power_load *load,
                                        double passes)
{
    double alone = power_at_clock(gpu, load, gpu->boost_clock_hertz).seconds;
    double run = measurement_stack_run_seconds(passes * alone);
    return power_settle(gpu, load, power_allowance_watts(gpu, run));
}
