/* SPDX-License-Identifier: MIT
 * A service's rows of the trace: requests, steps, series. */
#ifndef CPSIM_SIM_SERVING_SERVING_TRACE_H
#define CPSIM_SIM_SERVING_SERVING_TRACE_H

#include "sim/serving/server.h"

struct serving_trace;

/* One row of /steps: `steps` alike, one after the other. Called inside actors: it only copies. */
void serving_trace_step(struct serving_trace *trace, const struct server *server,
                        const struct step_shape *shape, double start_seconds, double seconds,
                        const struct step_cost *cost, uint32_t steps);

#endif
