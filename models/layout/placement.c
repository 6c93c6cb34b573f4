/* SPDX-License-Identifier: MIT */
#include "models/layout/placement.h"

#include <assert.h>

struct rank_role placement_role(const struct layout *layout, uint32_t rank)
{
    struct rank_role role = {
        .rank = rank,
        .gpu = rank,
        .tensor_rank = rank % layout->tensor,
        .context_rank = rank / layout->tensor % layout->context,
        .replica = rank / (layout->tensor * layout->context),
    };
    role.group[GROUP_TENSOR] = rank / layout->tensor;
    role.member[GROUP_TENSOR] = role.tensor_rank;
    role.group[GROUP_CONTEXT] = role.tensor_rank + layout->tensor * role.replica;
    role.member[GROUP_CONTEXT] = role.context_rank;
    return role;
}

uint32_t placement_group_count(const struct layout *layout, enum group group)
{
    return layout_gpus(layout) / (group == GROUP_TENSOR ? layout->tensor : layout->context);
}

uint32_t placement_edge_member(uint32_t member, struct group_shape shape, enum collective_edge edge)
{
    uint32_t in_node = shape.ranks_per_node;
    switch (edge) {
    case EDGE_NODE_NEXT:
        return member / in_node * in_node + (member % in_node + 1) % in_node;
    case EDGE_FABRIC_NEXT:
        return (member + in_node) % shape.ranks;
    case EDGE_FABRIC_FAR:
        return (member + shape.ranks / in_node / 2 * in_node) % shape.ranks;
    case EDGE_RING_NEXT:
        return (member + 1) % shape.ranks;
    case EDGE_COUNT:
        break;
    }
    assert(false && "not an edge");
    return member;
}

uint32_t placement_edge_gpu(const struct layout *layout, const struct rank_role *role,
                            enum group group, struct group_shape shape, enum collective_edge edge)
{
    uint32_t member = role->member[group];
    uint32_t stride = group == GROUP_TENSOR ? 1 : layout->tensor;
    return role->gpu - member * stride + placement_edge_member(member, shape, edge) * stride;
}

uint32_t placement_stand_in(const struct layout *layout, const struct cluster *cluster,
                            uint32_t rank)
{
    uint32_t gpus_per_nic = cluster->gpus_per_node / cluster->nics_per_node;
    uint32_t replica_gpus = layout->tensor * layout->context;
    uint32_t first_of_replica = gpus_per_nic == 1 ? 0 : rank / replica_gpus * replica_gpus;
    uint32_t context_rank = rank / layout->tensor % layout->context;
    uint32_t tensor_rank = rank % layout->tensor % gpus_per_nic;
    return first_of_replica + context_rank * layout->tensor + tensor_rank;
}
