/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/preview.h"

#include "sim/serving/load/source.h"

#include <math.h>

static bool is_open(const struct serving *serving)
{
    for (size_t i = 0; i < serving_class_count(serving); i++) {
        const struct request_class *of = serving_class(serving, i);
        enum arrival_kind kind = serving_caller(serving, of)->arrival;
        if (of->session_turns > 0.0 || (kind != ARRIVAL_POISSON && kind != ARRIVAL_GAMMA &&
                                        kind != ARRIVAL_CONSTANT && kind != ARRIVAL_RAMP)) {
            return false;
        }
    }
    return true;
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
    for (size_t i = 0; i < source.stream_count; i++) { /* `most` says how many */
        bool limited = source.streams[i].caller->requests > 0;
        source.streams[i].left = limited ? source.streams[i].left : UINT64_MAX;
    }
    struct previewed_request *requests = ARENA_ARRAY(arena, struct previewed_request, most + 1);
    uint32_t count = 0;
    for (; count < most; count++) {
        struct request request;
        double seconds = source_draw(&source, &request);
        if (!isfinite(seconds) ||
            (serving->duration_seconds > 0.0 && seconds > serving->duration_seconds)) {
            break;
        }
        requests[count] = (struct previewed_request){
            .arrival_seconds = seconds,
            .prompt_tokens = request.prompt_tokens,
            .output_tokens = request.output_tokens,
        };
    }
    return (struct serving_preview){.requests = requests, .count = count};
}
