/* SPDX-License-Identifier: MIT
 * What a service made of its GPUs and links: rows of /gpus and /links. */
#ifndef CPSIM_SIM_SERVING_RESULT_MACHINE_TRACE_H
#define CPSIM_SIM_SERVING_RESULT_MACHINE_TRACE_H

#include "sim/serving/serving.h"
#include "sim/trace/trace.h"

/* Of all runs [count] on the cluster, which `scenario` describes; `end_seconds`: of the last. */
void machine_trace_write(struct trace *trace, const struct scenario *scenario,
                         const struct serving_run *runs, size_t count, double end_seconds);

#endif
