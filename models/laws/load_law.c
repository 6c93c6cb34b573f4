/* SPDX-License-Identifier: MIT */
#include "models/laws/load_law.h"

#include <math.h>

double load_wait_seconds(double rate, double mean_seconds, double square_mean_seconds)
{
    double load = rate * mean_seconds;
    return load < 1.0 ? rate * square_mean_seconds / (2.0 * (1.0 - load)) : (double)INFINITY;
}

double load_shared_number(double rate, const double *rates, size_t count)
{
    double last = rate / rates[count - 1];
    if (!(last < 1.0)) {
        return (double)INFINITY;
    }
    double weight = 1.0, sum = 1.0, number = 0.0; /* over the weight of none */
    for (size_t n = 1; n <= count; n++) {
        weight *= rate / rates[n - 1];
        sum += weight;
        number += (double)n * weight;
        if (sum > 1e200) { /* only ratios count */
            weight /= sum;
            number /= sum;
            sum = 1.0;
        }
    }
    /* From count + 1 on the weights fall by `last` each: k of them more, over all k. */
    double tail = weight * last / (1.0 - last);
    sum += tail;
    number += tail * ((double)count + 1.0 / (1.0 - last));
    return number / sum;
}

struct fluid_mix fluid_mix(const struct fluid_batch *batch)
{
    struct fluid_mix mix = {0};
    double prompt = batch->prompt_tokens;
    if (batch->decodes <= 0.0) { /* whole steps of prompts, or the part of one that fits */
        double prompts = fmin(batch->seats, batch->step_tokens / prompt);
        mix.steps = mix.prompt_steps = mix.waited_steps = 1.0 / prompts;
        mix.prompt_tokens = prompt * prompts;
        return mix;
    }
    double parts = prompt > 0.0 ? 1.0 : 0.0, room = batch->step_tokens;
    for (int i = 0; i < 2; i++) { /* seats of those whose prompt is under way decode nothing */
        double held = batch->decodes + parts + batch->empty_steps;
        mix.decoding = batch->seats * batch->decodes / held;
        room = batch->step_tokens - mix.decoding * batch->decode_tokens;
        if (room <= 0.0) {
            return (struct fluid_mix){0};
        }
        parts = ceil(prompt / room);
    }
    double steps = batch->decodes / mix.decoding;
    double share = fmax(-expm1(-parts / steps), prompt / room / steps);
    if (share > 1.0) {
        return (struct fluid_mix){0};
    }
    mix.steps = steps;
    mix.prompt_steps = steps * share;
    mix.prompt_tokens = share > 0.0 ? prompt / mix.prompt_steps : 0.0;
    mix.waited_steps = steps * (1.0 - pow(1.0 - share, batch->ranks));
    return mix;
}
