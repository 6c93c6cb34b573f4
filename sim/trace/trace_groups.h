/* SPDX-License-Identifier: MIT
 * Who talks to whom: the rows of /groups, and what they say of a rank. */
#ifndef CPSIM_SIM_TRACE_TRACE_GROUPS_H
#define CPSIM_SIM_TRACE_TRACE_GROUPS_H

#include "models/layout/placement.h"
#include "sim/trace/trace.h"
#include "sim/trace/trace_read.h"

/* A placement's groups of every kind, its stages and all its ranks. */
void trace_groups_write(struct trace *trace, const struct placement *placement);

enum { TRACE_GROUP_KINDS = TRACE_GROUP_ALL + 1 };

/* The dimensions of each kind. */
struct trace_groups {
    struct trace_group_dimension of[TRACE_GROUP_KINDS][DIMENSION_COUNT];
    uint32_t count[TRACE_GROUP_KINDS];
    uint32_t ranks; /* 0: the trace does not say */
};
struct trace_groups trace_groups_read(struct trace_reader *reader);

/* Members of a group of a kind; 1 where the trace has none. */
uint32_t trace_group_size(const struct trace_groups *groups, enum trace_group kind);
/* Which member a rank is, the nearest dimension first. */
uint32_t trace_group_member(const struct trace_groups *groups, enum trace_group kind,
                            uint32_t rank);
/* Which of the groups of a kind is a rank's, in the order of their first ranks, from 0. */
uint32_t trace_group_number(const struct trace_groups *groups, enum trace_group kind,
                            uint32_t rank);
/* The rank that is member number `member` of the group of `rank`. */
uint32_t trace_group_rank(const struct trace_groups *groups, enum trace_group kind, uint32_t rank,
                          uint32_t member);

#endif
