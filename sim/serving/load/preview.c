/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/preview.h"

#include "sim/serving/load/source.h"

#include <math.h>

static bool is_open(const struct serving *serving)
{
    return serving->session_turns <= 0.0 &&
           (serving->arrival == ARRIVAL_POISSON || serving->arrival == ARRIVAL_GAMMA ||
            serving->arrival == ARRIVAL_CONSTANT);
}

struct serving_preview serving_preview(const struct scenario *scenario, struct arena *arena,
                                       uint32_t most, struct diagnostics *diagnostics)
{
    const struct serving *serving = &scenario->serving;
    struct source source;
    struct requests drawn;
    if (!is_open(serving) || !source_create(&source, scenario, NULL, arena, &drawn, diagnostics)) {
        return (struct serving_preview){.count = 0};
    }
    struct previewed_request *requests = ARENA_ARRAY(arena, struct previewed_request, most + 1);
    uint32_t count = 0;
    for (; count < most; count++) {
        double seconds = source.policy->next(&source.arrivals);
        if (!isfinite(seconds) ||
            (serving->duration_seconds > 0.0 && seconds > serving->duration_seconds)) {
            break;
        }
        requests[count] = (struct previewed_request){
            .arrival_seconds = seconds,
            .prompt_tokens = length_draw(&source.prompts),
            .output_tokens = length_draw(&source.outputs),
        };
        source.arrivals.clock_seconds = seconds;
        source.arrivals.count++;
    }
    return (struct serving_preview){.requests = requests, .count = count};
}
