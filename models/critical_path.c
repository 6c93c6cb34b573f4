/* SPDX-License-Identifier: MIT */
#include "models/critical_path.h"

double operator_seconds(const struct cluster *cluster, const struct step_operator *op)
{
    return op->kind == OPERATOR_COLLECTIVE ? collective_seconds(cluster, &op->plan)
                                           : op->cost.seconds;
}

double segment_play(const struct cluster *cluster, const struct step_segment *segment,
                    struct span *spans)
{
    double stream_free[STREAM_COUNT] = {0.0};
    double end = 0.0;
    for (uint32_t i = 0; i < segment->count; i++) {
        const struct step_operator *op = &segment->operators[i];
        double start = stream_free[op->stream];
        for (uint32_t j = 0; j < op->after_count; j++) {
            double ready = spans[op->after[j]].end_seconds;
            start = ready > start ? ready : start;
        }
        spans[i].start_seconds = start;
        spans[i].end_seconds = start + operator_seconds(cluster, op);
        stream_free[op->stream] = spans[i].end_seconds;
        end = spans[i].end_seconds > end ? spans[i].end_seconds : end;
    }
    return end;
}

double program_seconds(const struct cluster *cluster, const struct step_program *program,
                       struct span *scratch)
{
    double seconds = 0.0;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        const struct step_segment *segment = &program->segments[i];
        seconds += segment->repeat * segment_play(cluster, segment, scratch);
    }
    return seconds;
}
