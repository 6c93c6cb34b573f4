/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace_groups.h"

static void add(struct trace *trace, enum trace_group kind, uint32_t size, uint32_t stride)
{
    if (size > 1) {
        trace_add_group_dimension(
            trace, &(struct trace_group_dimension){.group = kind, .size = size, .stride = stride});
    }
}

void trace_groups_write(struct trace *trace, const struct placement *placement)
{
    for (int group = 0; group < GROUP_COUNT; group++) {
        for (int i = 0; i < DIMENSION_COUNT; i++) {
            if (placement->spans[group][i]) {
                add(trace, TRACE_GROUP(group), placement->size[i], placement->stride[i]);
            }
        }
    }
    add(trace, TRACE_GROUP_STAGES, placement->size[DIMENSION_PIPELINE],
        placement->stride[DIMENSION_PIPELINE]);
    add(trace, TRACE_GROUP_ALL, placement->ranks, 1);
}

struct trace_groups trace_groups_read(struct trace_reader *reader)
{
    struct trace_groups groups = {.ranks = 0};
    if (!trace_reader_has(reader, TRACE_GROUPS)) {
        return groups;
    }
    TRACE_READ_EACH(reader, TRACE_GROUPS, struct trace_group_dimension, row)
    {
        uint32_t *count = &groups.count[row->group];
        if (*count < DIMENSION_COUNT && row->size > 0 && row->stride > 0) {
            groups.of[row->group][(*count)++] = *row;
        }
    }
    groups.ranks = trace_group_size(&groups, TRACE_GROUP_ALL);
    return groups;
}

uint32_t trace_group_size(const struct trace_groups *groups, enum trace_group kind)
{
    uint32_t size = 1;
    for (uint32_t i = 0; i < groups->count[kind]; i++) {
        size *= groups->of[kind][i].size;
    }
    return size;
}

uint32_t trace_group_member(const struct trace_groups *groups, enum trace_group kind, uint32_t rank)
{
    uint32_t member = 0, times = 1;
    for (uint32_t i = 0; i < groups->count[kind]; i++) {
        const struct trace_group_dimension *along = &groups->of[kind][i];
        member += times * (rank / along->stride % along->size);
        times *= along->size;
    }
    return member;
}

uint32_t trace_group_number(const struct trace_groups *groups, enum trace_group kind, uint32_t rank)
{
    /* Ranks without their coordinates in the group, the farthest dimension first. */
    for (uint32_t i = groups->count[kind]; i > 0; i--) {
        const struct trace_group_dimension *along = &groups->of[kind][i - 1];
        rank = rank / (along->stride * along->size) * along->stride + rank % along->stride;
    }
    return rank;
}

uint32_t trace_group_rank(const struct trace_groups *groups, enum trace_group kind, uint32_t rank,
                          uint32_t member)
{
    for (uint32_t i = 0; i < groups->count[kind]; i++) {
        const struct trace_group_dimension *along = &groups->of[kind][i];
        uint32_t here = rank / along->stride % along->size;
        rank = rank - here * along->stride + member % along->size * along->stride;
        member /= along->size;
    }
    return rank;
}
