/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/fold.h"

#include <math.h>

static void open_part(struct fold_part *part, struct arena *arena)
{
    *part = (struct fold_part){.tally = tally_open()};
    for (int i = 0; i < LATENCY_COUNT; i++) {
        if (i != LATENCY_ITL) { /* whose gaps the run adds up in any case */
            part->latencies[i] = batched_histogram_create(arena);
        }
    }
}

struct fold *fold_open(const struct serving_run *run)
{
    struct fold *fold = ARENA_NEW(run->arena, struct fold);
    size_t count = run->serving->class_count;
    fold->classes = ARENA_ARRAY(run->arena, struct fold_part, count);
    fold->there = levels_open(run->arena);
    fold->answered = levels_open(run->arena);
    open_part(&fold->all, run->arena);
    for (size_t i = 0; i < count; i++) {
        open_part(&fold->classes[i], run->arena);
    }
    return fold;
}

static void add_part(struct fold_part *part, const struct serving_run *run,
                     const struct request *request)
{
    tally_add(&part->tally, run, request);
    for (int i = 0; tally_measures(run, request) && i < LATENCY_COUNT; i++) {
        double seconds = serving_latency_seconds(request, (enum latency)i);
        if (seconds >= 0.0) {
            batched_histogram_add(&part->latencies[i], seconds, 1);
            part->most[i] = fmax(part->most[i], seconds);
        }
    }
}

void fold_add(struct fold *fold, const struct serving_run *run, const struct request *request)
{
    double from = run->serving->warm_up_seconds;
    double begin = request->arrival_seconds, end = request->last_token_seconds;
    add_part(&fold->all, run, request);
    if (run->serving->class_count > 0) {
        add_part(&fold->classes[request->class_index], run, request);
    }
    if (tally_was_there(request)) {
        levels_add(&fold->there, begin, end);
    }
    if (request->state == REQUEST_DONE) {
        levels_add(&fold->answered, begin, end);
        fold->answered_seconds += begin >= from ? end - begin : 0.0;
    }
}
