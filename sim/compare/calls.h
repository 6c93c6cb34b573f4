/* SPDX-License-Identifier: MIT
 * Collective calls as the tables write them. */
#ifndef CPSIM_SIM_COMPARE_CALLS_H
#define CPSIM_SIM_COMPARE_CALLS_H

#include "models/collectives/collective.h"
#include "sim/compare/measurement.h"

/* A group of the `ranks` that `column` says, over `nodes`; 0: they fill the cluster's nodes.
 * Complains where a node has fewer GPUs, or where nodes would not be alike. */
struct group_shape row_group(struct measurement *row, const char *column, uint32_t ranks,
                             uint32_t nodes);

/* Columns `collective` (PyTorch's and nccl-tests' names) and bytes. `member_bytes`: those of
 * all-gather and reduce-scatter are one member's share, as PyTorch counts; otherwise the whole, as
 * nccl-tests do. */
struct collective_call row_call(struct measurement *row, struct group_shape group,
                                bool member_bytes);

/* Microseconds of the call on the row's machine; marks the row when it lies outside the data. */
double row_call_microseconds(struct measurement *row, const struct collective_call *call);

/* "all-reduce on 2 to 8 GPUs of a node", "custom all-reduce", ...: by what the call crosses. */
const char *call_class(const struct measurement *row, const struct collective_call *call);

#endif
