/* SPDX-License-Identifier: MIT */
#include "models/kernels/gpu_power.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

enum { BISECTIONS = 40, ESTIMATES = 8 }; /* the clock to 1e-12 of its range */

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
    double low, high;        /* within it, beyond it */
    struct power_state best; /* at `low` */
};

/* A clock that was tried, and the allowance less the power there: >= 0, within. */
struct tried {
    double clock_hertz, margin;
};

static bool within(const struct gpu *gpu, const struct power_load *load, double allowance_watts,
                   double clock_hertz, struct bracket *bracket, struct tried *tried)
{
    struct power_state state = power_at_clock(gpu, load, clock_hertz);
    *tried = (struct tried){.clock_hertz = clock_hertz, .margin = allowance_watts - state.watts};
    if (tried->margin >= 0.0) {
        bracket->low = clock_hertz;
        bracket->best = state;
    } else {
        bracket->high = clock_hertz;
    }
    return tried->margin >= 0.0;
}

/* Where the margin is 0 on the parabola clock(margin) through the last three, or the line through
 * the last two: the error goes with the product of the last three's. */
static double estimate(const struct tried tried[3], size_t count)
{
    const struct tried *a = &tried[0], *b = &tried[1], *c = &tried[2];
    bool apart = a->margin < b->margin || a->margin > b->margin;
    if (!apart) {
        return 0.0; /* nowhere */
    }
    double ab = (b->clock_hertz - a->clock_hertz) / (b->margin - a->margin);
    double line = a->clock_hertz - a->margin * ab;
    bool three = count == 3 && (c->margin < b->margin || c->margin > b->margin) &&
                 (c->margin < a->margin || c->margin > a->margin);
    if (!three) {
        return line;
    }
    double bc = (c->clock_hertz - b->clock_hertz) / (c->margin - b->margin);
    return line + a->margin * b->margin * (bc - ab) / (c->margin - a->margin);
}

/* The neighbours, of the clocks that BISECTIONS halvings of the range can end at, between which a
 * clock lies. */
static void cell_of(double clock_hertz, double *low, double *high)
{
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = 0.5 * (*low + *high);
        *(middle <= clock_hertz ? low : high) = middle;
    }
}

/* Draws the ends of a bracket near to each other: estimates, until the next would move by less
 * than there is between two clocks that count, then those two. `tried`: two, the last first. */
static void narrow(const struct gpu *gpu, const struct power_load *load, double allowance_watts,
                   struct bracket *bracket, struct tried tried[3])
{
    double low = gpu->generation.lowest_clock_share * gpu->boost_clock_hertz;
    double high = gpu->boost_clock_hertz;
    double step = ldexp(high - low, -BISECTIONS);
    size_t count = 2;
    double clock = estimate(tried, count);
    for (int i = 0; i < ESTIMATES && fabs(clock - tried[0].clock_hertz) > 0.25 * step; i++) {
        if (!(clock > bracket->low && clock < bracket->high)) {
            clock = 0.5 * (bracket->low + bracket->high);
        }
        tried[2] = tried[1];
        tried[1] = tried[0];
        within(gpu, load, allowance_watts, clock, bracket, &tried[0]);
        count = 3;
        clock = estimate(tried, count);
    }
    if (clock > bracket->low && clock < bracket->high) {
        struct tried end;
        cell_of(clock, &low, &high);
        if (low > bracket->low) {
            within(gpu, load, allowance_watts, low, bracket, &end);
        }
        if (low <= bracket->low && high < bracket->high) {
            within(gpu, load, allowance_watts, high, bracket, &end);
        }
    }
}

/* A first guess: the power above idle goes with nearly the square of the clock. */
static double first_guess(const struct gpu *gpu, const struct power_state *at_boost,
                          double allowance_watts)
{
    double share = (allowance_watts - gpu->idle_watts) / (at_boost->watts - gpu->idle_watts);
    return gpu->boost_clock_hertz * sqrt(fmax(share, 0.0));
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
    struct tried tried[3] = {{high, allowance_watts - state.watts}};
    struct bracket bracket = {.low = low, .high = high};
    double guess = first_guess(gpu, &state, allowance_watts);
    tried[1] = tried[0];
    if (!(guess > low && guess < high) ||
        !within(gpu, load, allowance_watts, guess, &bracket, &tried[0])) {
        struct tried beyond = tried[0];
        if (!within(gpu, load, allowance_watts, low, &bracket, &tried[0])) {
            return power_at_clock(gpu, load, low);
        }
        tried[1] = beyond;
    }
    narrow(gpu, load, allowance_watts, &bracket, tried);
    /* Of most middles it is known by now on which side they are. */
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = 0.5 * (low + high);
        if (middle <= bracket.low ||
            (middle < bracket.high &&
             within(gpu, load, allowance_watts, middle, &bracket, &tried[0]))) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return bracket.best.clock_hertz == low ? bracket.best : power_at_clock(gpu, load, low);
}
