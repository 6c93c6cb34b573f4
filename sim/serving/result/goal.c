/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/goal.h"

#include "sim/serving/result/metrics.h"

#include <math.h>

uint64_t goal_misses_allowed(uint64_t count)
{
    return count == 0 ? 0 : count - (uint64_t)ceil(0.99 * (double)count);
}

struct goal_watch goal_watch_begin(const struct serving_goal *goal, uint64_t requests)
{
    return (struct goal_watch){.goal = goal, .allowed = goal_misses_allowed(requests)};
}

static bool is_measured(const struct serving_run *run, const struct request *request)
{
    return request->arrival_seconds >= run->serving->warm_up_seconds;
}

void goal_watch_clock(struct goal_watch *watch, const struct serving_run *run, double now_seconds)
{
    while (watch->goal != NULL && watch->judged < run->requests.count) {
        const struct request *request = &run->requests.all[watch->judged];
        bool answered = request->generated_tokens > 0;
        double first = answered ? request->first_token_seconds : now_seconds; /* at the earliest */
        double seconds = serving_ttft_seconds(request, first);
        bool late = seconds > watch->goal->ttft_seconds;
        if (!answered && !late) {
            return; /* not yet known, and those behind it came later */
        }
        watch->late += late && is_measured(run, request);
        watch->judged++;
        watch->missed = watch->missed || watch->late > watch->allowed;
    }
}

void goal_watch_end(struct goal_watch *watch, const struct serving_run *run,
                    const struct request *request)
{
    if (watch->goal == NULL) {
        return;
    }
    bool done = request->state == REQUEST_DONE;
    watch->slow += done && is_measured(run, request) &&
                   serving_tpot_seconds(request) > watch->goal->tpot_seconds;
    watch->missed = watch->missed || !done || watch->slow > watch->allowed;
}
