/* SPDX-License-Identifier: MIT */
#include "models/step/critical_path.h"

#include "models/step/step_overlap.h"

#include <assert.h>
#include <math.h>

/* What a stream runs, or waits to run. */
struct lane {
    uint32_t index;                 /* of the operator; the segment's count: none is left */
    const struct step_operator *op; /* NULL while it waits */
    double latency_seconds;         /* of a collective, still to pass */
    double remaining_seconds;       /* alone */
};

/* The stream's next operator at or after `from`. */
static uint32_t next_of(const struct step_segment *segment, enum stream stream, uint32_t from)
{
    while (from < segment->count && segment->operators[from].stream != stream) {
        from++;
    }
    return from;
}

static bool is_ready(const struct step_segment *segment, uint32_t index, const struct span *spans)
{
    const struct step_operator *op = &segment->operators[index];
    for (uint32_t i = 0; i < op->after_count; i++) {
        if (isnan(spans[op->after[i]].end_seconds)) {
            return false;
        }
    }
    return true;
}

static void start(const struct step_segment *segment, struct lane *lane, double now,
                  struct span *spans)
{
    const struct step_operator *op = &segment->operators[lane->index];
    lane->op = op;
    lane->remaining_seconds = op->cost.seconds;
    lane->latency_seconds = 0.0;
    if (op->kind == OPERATOR_COLLECTIVE) {
        lane->latency_seconds = op->plan.latency_seconds;
        lane->remaining_seconds -= op->plan.latency_seconds;
    }
    spans[lane->index].start_seconds = now;
}

/* Seconds until a lane's next event at the pace that its neighbour leaves it. */
static double seconds_left(const struct lane *lane, double pace)
{
    if (lane->op == NULL) {
        return INFINITY;
    }
    return lane->latency_seconds > 0.0 ? lane->latency_seconds : lane->remaining_seconds * pace;
}

/* `last`: this lane's event is the one that has come. */
static bool advance(struct lane *lane, double seconds, double pace, bool last)
{
    if (lane->op == NULL) {
        return false;
    }
    if (lane->latency_seconds > 0.0) {
        lane->latency_seconds = last ? 0.0 : lane->latency_seconds - seconds;
        return last && lane->remaining_seconds <= 0.0;
    }
    lane->remaining_seconds = last ? 0.0 : lane->remaining_seconds - seconds / pace;
    return last;
}

double segment_play(const struct step_program *program, const struct step_segment *segment,
                    struct span *spans)
{
    struct lane lanes[STREAM_COUNT];
    for (uint32_t i = 0; i < segment->count; i++) {
        spans[i].end_seconds = NAN;
    }
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        lanes[stream] = (struct lane){.index = next_of(segment, (enum stream)stream, 0)};
    }
    double now = 0.0;
    for (uint32_t ended = 0; ended < segment->count;) {
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            struct lane *lane = &lanes[stream];
            if (lane->op == NULL && lane->index < segment->count &&
                is_ready(segment, lane->index, spans)) {
                start(segment, lane, now, spans);
            }
        }
        struct step_overlap overlap =
            step_overlap(program, lanes[STREAM_COMPUTE].op, lanes[STREAM_COMMUNICATION].op);
        const double paces[STREAM_COUNT] = {
            [STREAM_COMPUTE] = overlap.kernel, [STREAM_COMMUNICATION] = overlap.transfer};
        double compute = seconds_left(&lanes[STREAM_COMPUTE], paces[STREAM_COMPUTE]);
        double communication =
            seconds_left(&lanes[STREAM_COMMUNICATION], paces[STREAM_COMMUNICATION]);
        double step = fmin(compute, communication);
        assert(isfinite(step) && "operators that wait for each other, or have no time");
        const bool last[STREAM_COUNT] = {[STREAM_COMPUTE] = compute <= communication,
                                         [STREAM_COMMUNICATION] = communication <= compute};
        now += step;
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            struct lane *lane = &lanes[stream];
            if (advance(lane, step, paces[stream], last[stream])) {
                spans[lane->index].end_seconds = now;
                lane->op = NULL;
                lane->index = next_of(segment, (enum stream)stream, lane->index + 1);
                ended++;
            }
        }
    }
    return now;
}

double program_seconds(const struct step_program *program, struct span *scratch)
{
    double seconds = 0.0;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        const struct step_segment *segment = &program->segments[i];
        seconds += segment->repeat * segment_play(program, segment, scratch);
    }
    return seconds;
}
