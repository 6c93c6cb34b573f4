/* SPDX-License-Identifier: MIT
 * How the columns of a trace tell of the classes of a rank's time: said once for all workloads. */
#ifndef CPSIM_SIM_TRACE_TRACE_TIME_H
#define CPSIM_SIM_TRACE_TRACE_TIME_H

#include "models/layout/context_parallel.h"
#include "models/step/breakdown.h"
#include "sim/trace/trace.h"

/* The seven parts of a phase that lasts so long; `other` is what six of them leave, time beyond the
 * breakdown (exchanges between replicas, a pipeline's bubble) included. */
void trace_phase_time(struct trace_phase *phase, const struct breakdown *breakdown,
                      double beyond_seconds);

/* What ring attention passed round. */
enum trace_ring trace_ring_of(enum ring_variant variant);

/* What kept a GPU busy. */
void trace_gpu_time(struct trace_gpu *gpu, const struct breakdown *breakdown);

#endif
