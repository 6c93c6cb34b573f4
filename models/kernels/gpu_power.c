/* SPDX-License-Identifier: MIT */
#include "models/kernels/gpu_power.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

enum { BISECTIONS = 40, ESTIMATES = 8 }; /* the clock to 1e-12 of its range */
#define WIDTH 1e-9                       /* of the range, where false position ends */

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
    bool known = load->at_boost != NULL && clock_hertz >= gpu->boost_clock_hertz;
    for (size_t i = 0; i < load->work_count; i++) {
        double count = load->counts != NULL ? load->counts[i] : 1.0;
        if (count <= 0.0) {
            continue;
        }
        struct kernel_cost cost =
            known ? load->at_boost[i] : kernel_cost_at(gpu, &load->works[i], clock_hertz);
        seconds += count * cost.seconds;
        joules += count * cost.joules;
    }
    double above_idle = seconds > 0.0 ? joules / seconds : 0.0;
    return (struct power_state){
        .clock_hertz = clock_hertz, .watts = gpu->idle_watts + above_idle, .seconds = seconds};
}

/* Clocks between which the power passes the allowance. */
struct bracket {
    double low, high;               /* within it, beyond it */
    double low_margin, high_margin; /* allowance less power: >= 0, < 0 */
};

static bool within(const struct gpu *gpu, const struct power_load *load, double allowance_watts,
                   double clock_hertz, struct bracket *bracket)
{
    double margin = allowance_watts - power_at_clock(gpu, load, clock_hertz).watts;
    if (margin >= 0.0) {
        bracket->low = clock_hertz;
        bracket->low_margin = margin;
    } else {
        bracket->high = clock_hertz;
        bracket->high_margin = margin;
    }
    return margin >= 0.0;
}

/* Draws the ends of a bracket near to each other by false position, whose error goes with the
 * square of the width: each estimate is stepped over by so much, so that both ends move. */
static void narrow(const struct gpu *gpu, const struct power_load *load, double allowance_watts,
                   struct bracket *bracket)
{
    double whole = bracket->high - bracket->low, width = whole;
    for (int i = 0; i < ESTIMATES && width > WIDTH * whole; i++) {
        double part = bracket->low_margin / (bracket->low_margin - bracket->high_margin);
        double clock = bracket->low + part * width, step = 0.25 * width * (width / whole);
        clock += within(gpu, load, allowance_watts, clock, bracket) ? step : -step;
        if (clock > bracket->low && clock < bracket->high) {
            within(gpu, load, allowance_watts, clock, bracket);
        }
        width = bracket->high - bracket->low;
    }
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
    struct power_state least = power_at_clock(gpu, load, low);
    if (least.watts > allowance_watts) {
        return least;
    }
    struct bracket bracket = {.low = low,
                              .high = high,
                              .low_margin = allowance_watts - least.watts,
                              .high_margin = allowance_watts - state.watts};
    narrow(gpu, load, allowance_watts, &bracket);
    /* Of most middles it is known by now on which side they are. */
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = 0.5 * (low + high);
        if (middle <= bracket.low ||
            (middle < bracket.high && within(gpu, load, allowance_watts, middle, &bracket))) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return power_at_clock(gpu, load, low);
}
