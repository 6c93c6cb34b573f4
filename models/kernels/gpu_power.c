/* SPDX-License-Identifier: MIT */
#include "models/kernels/gpu_power.h"

#include <assert.h>
#include <math.h>

enum { BISECTIONS = 40 }; /* the clock to 1e-12 of its range */

double power_relative_voltage(const struct gpu *gpu, double clock_hertz)
{
    double drop = gpu->voltage_slope * (1.0 - clock_hertz / gpu->boost_clock_hertz);
    return fmax(gpu->voltage_floor, 1.0 - drop);
}

double power_allowance_watts(const struct gpu *gpu, double run_seconds)
{
    assert(run_seconds > 0.0 && "a run takes time");
    return fmin(gpu->burst_watts, gpu->power_limit_watts + gpu->burst_joules / run_seconds);
}

struct power_state power_at_clock(const struct gpu *gpu, const struct power_load *load,
                                  double clock_hertz)
{
    double seconds = load->idle_seconds;
    double joules = 0.0;
    for (size_t i = 0; i < load->work_count; i++) {
        double count = load->counts != NULL ? load->counts[i] : 1.0;
        struct kernel_cost cost = kernel_cost_at(gpu, &load->works[i], clock_hertz);
        seconds += count * cost.seconds;
        joules += count * cost.joules;
    }
    double above_idle = seconds > 0.0 ? joules / seconds : 0.0;
    return (struct power_state){
        .clock_hertz = clock_hertz, .watts = gpu->idle_watts + above_idle, .seconds = seconds};
}

struct power_state power_settle(const struct gpu *gpu, const struct power_load *load,
                                double allowance_watts)
{
    struct power_state state = power_at_clock(gpu, load, gpu->boost_clock_hertz);
    if (state.watts <= allowance_watts) {
        return state;
    }
    double low = gpu->generation.lowest_clock_share * gpu->boost_clock_hertz;
    double high = gpu->boost_clock_hertz;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = 0.5 * (low + high);
        if (power_at_clock(gpu, load, middle).watts <= allowance_watts) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return power_at_clock(gpu, load, low);
}
