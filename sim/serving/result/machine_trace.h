/* SPDX-License-Identifier: MIT
 * What a service made of its GPUs and links: rows of /gpus and /links. */
#ifndef CPSIM_SIM_SERVING_RESULT_MACHINE_TRACE_H
#define CPSIM_SIM_SERVING_RESULT_MACHINE_TRACE_H

#include "sim/serving/serving.h"
#include "sim/trace/trace.h"

void machine_trace_write(struct trace *trace, const struct serving_run *run);

#endif
