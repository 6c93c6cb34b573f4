/* SPDX-License-Identifier: MIT */
#include "sim/engine/made_nodes.h"

struct made_nodes made_nodes_none(const struct placement *placement, struct arena *arena)
{
    uint32_t nodes = placement_nodes(placement);
    return (struct made_nodes){.placement = placement,
                               .nodes = ARENA_ARRAY(arena, uint32_t, nodes),
                               .there = ARENA_ARRAY(arena, bool, nodes)};
}

void made_nodes_add(struct made_nodes *made, uint32_t gpu)
{
    uint32_t node = placement_node(made->placement, gpu);
    if (!made->there[node]) {
        made->there[node] = true;
        made->nodes[made->count++] = node;
    }
}

void made_nodes_add_peer(struct made_nodes *made, uint32_t gpu, enum group group,
                         struct group_shape shape, enum collective_edge edge)
{
    made_nodes_add(made, placement_edge_gpu(made->placement, gpu, group, shape, edge));
}

void made_nodes_sort(struct made_nodes *made)
{
    uint32_t count = 0;
    for (uint32_t node = 0; count < made->count; node++) {
        if (made->there[node]) {
            made->nodes[count++] = node;
        }
    }
}
