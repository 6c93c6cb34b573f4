/* SPDX-License-Identifier: MIT */
#include "models/laws/failures.h"

#include <math.h>
#include <stdbool.h>

/* Until a run counts as hopeless: times the work; interruptions, stragglers and checkpoints, of
 * each. */
static const double patience = 1000.0;
static const uint64_t most_events = 5000000;

struct run {
    const struct failure_question *question;
    struct random_stream *streams;
    double *next_seconds;
    uint64_t *struck;
    struct failure_answer answer;
    double slow_from, slow_until; /* the next or present straggler */
};

static size_t next_source(const struct run *run)
{
    size_t first = 0;
    for (size_t i = 1; i < run->question->source_count; i++) {
        first = run->next_seconds[i] < run->next_seconds[first] ? i : first;
    }
    return first;
}

static double next_strike(const struct run *run)
{
    return run->question->source_count > 0 ? run->next_seconds[next_source(run)] : (double)INFINITY;
}

static void plan_straggler(struct run *run)
{
    const struct failure_question *question = run->question;
    run->slow_from = (double)INFINITY;
    if (question->straggler_mean_seconds > 0.0 && question->straggler_slowdown > 1.0) {
        run->slow_from =
            run->answer.seconds + random_exponential(&run->streams[question->source_count],
                                                     question->straggler_mean_seconds);
    }
    run->slow_until = run->slow_from + question->straggler_seconds;
}

static bool is_hopeless(const struct run *run)
{
    const struct failure_answer *answer = &run->answer;
    return answer->seconds >= patience * run->question->work_seconds ||
           answer->interruptions >= most_events || answer->stragglers >= most_events ||
           answer->checkpoints >= most_events;
}

/* Works until `work` is done or something strikes; what was done. Time under a straggler counts
 * apart. */
static double work(struct run *run, double wanted)
{
    struct failure_answer *answer = &run->answer;
    double done = 0.0, strike = next_strike(run);
    while (done < wanted && answer->seconds < strike && !is_hopeless(run)) {
        if (answer->seconds >= run->slow_until) {
            plan_straggler(run);
        }
        bool slow = answer->seconds >= run->slow_from;
        double rate = slow ? 1.0 / run->question->straggler_slowdown : 1.0;
        double change = slow ? run->slow_until : run->slow_from;
        double step = fmin(fmin(change, strike) - answer->seconds, (wanted - done) / rate);
        if (slow && answer->seconds <= run->slow_from) {
            answer->stragglers++;
        }
        bool ends = step >= (wanted - done) / rate;
        answer->seconds += step;
        answer->straggler_seconds += step * (1.0 - rate);
        done = ends ? wanted : done + step * rate;
    }
    return done;
}

/* An interruption while the last one is being dealt with begins the restart anew: where they come
 * faster than a restart takes, for ever. */
static void recover(struct run *run)
{
    struct failure_answer *answer = &run->answer;
    while (answer->seconds >= next_strike(run) && !is_hopeless(run)) {
        size_t source = next_source(run);
        const struct failure_source *struck = &run->question->sources[source];
        double strike = run->next_seconds[source];
        run->next_seconds[source] =
            strike + random_exponential(&run->streams[source], struck->mean_seconds);
        run->struck[source]++;
        answer->interruptions++;
        double until = fmin(strike + struck->detection_seconds, next_strike(run));
        answer->detection_seconds += fmax(until - answer->seconds, 0.0);
        answer->seconds = fmax(answer->seconds, until);
        until =
            fmin(strike + struck->detection_seconds + struck->restart_seconds, next_strike(run));
        answer->restart_seconds += fmax(until - answer->seconds, 0.0);
        answer->seconds = fmax(answer->seconds, until);
    }
}

struct failure_answer failures_play(const struct failure_question *question,
                                    struct random_stream *streams, double *next_seconds,
                                    uint64_t *struck)
{
    struct run run = {
        .question = question, .streams = streams, .next_seconds = next_seconds, .struck = struck};
    struct failure_answer *answer = &run.answer;
    for (size_t i = 0; i < question->source_count; i++) {
        next_seconds[i] = random_exponential(&streams[i], question->sources[i].mean_seconds);
        struck[i] = 0;
    }
    plan_straggler(&run);
    while (answer->work_seconds < question->work_seconds && !is_hopeless(&run)) {
        double wanted =
            fmin(question->interval_seconds, question->work_seconds - answer->work_seconds);
        bool last = wanted >= question->work_seconds - answer->work_seconds;
        double done = work(&run, wanted);
        double written = 0.0;
        if (done >= wanted && !last) { /* what ends the run is not counted as a checkpoint */
            written = fmin(question->checkpoint_seconds, next_strike(&run) - answer->seconds);
            answer->seconds += fmax(written, 0.0);
            answer->checkpoint_seconds += fmax(written, 0.0);
        }
        bool kept = done >= wanted && (last || written >= question->checkpoint_seconds);
        if (kept) {
            answer->work_seconds = last ? question->work_seconds : answer->work_seconds + wanted;
            answer->checkpoints += !last;
        } else {
            answer->lost_seconds += done;
            recover(&run);
        }
    }
    return *answer;
}
