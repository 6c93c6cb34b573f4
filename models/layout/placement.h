/* SPDX-License-Identifier: MIT
 * Which GPU each rank sits on and whom it talks to. Ranks are numbered tensor-fastest and fill the
 * cluster's GPUs in order, so a tensor group lies in a node while it fits. Pure. */
#ifndef CPSIM_MODELS_LAYOUT_PLACEMENT_H
#define CPSIM_MODELS_LAYOUT_PLACEMENT_H

#include "models/layout/replica.h"

struct rank_role {
    uint32_t rank, gpu;
    uint32_t tensor_rank, context_rank, replica;
    uint32_t group[GROUP_COUNT];  /* number of the group it belongs to */
    uint32_t member[GROUP_COUNT]; /* its place there */
};

/* The role of rank `rank` of layout_gpus(). */
struct rank_role placement_role(const struct layout *layout, uint32_t rank);

/* Groups of a kind in the layout. */
uint32_t placement_group_count(const struct layout *layout, enum group group);

/* The member that the flow of `member` along `edge` ends on. */
uint32_t placement_edge_member(uint32_t member, struct group_shape shape,
                               enum collective_edge edge);

/* The GPU that the flow of `role` along `edge` ends on. */
uint32_t placement_edge_gpu(const struct layout *layout, const struct rank_role *role,
                            enum group group, struct group_shape shape, enum collective_edge edge);

/* Folding: of what is identical, one is played. Tensor ranks of a node never share a link unless
 * they share a network card, so the first gpus_per_node / nics_per_node of a group stand for all;
 * replicas stand for each other when no card joins them. A folded rank's stand-in: */
uint32_t placement_stand_in(const struct layout *layout, const struct cluster *cluster,
                            uint32_t rank);

#endif
