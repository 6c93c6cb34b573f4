/* SPDX-License-Identifier: MIT */
#include "sim/serving/serving_trace.h"

void serving_trace_step(struct serving_trace *trace, const struct server *server,
                        const struct step_shape *shape, double start_seconds, double seconds,
                        const struct step_cost *cost, uint32_t steps)
{
    (void)trace;
    (void)server;
    (void)shape;
    (void)start_seconds;
    (void)seconds;
    (void)cost;
    (void)steps;
}
