/* SPDX-License-Identifier: MIT */
#include "models/layout/placement.h"

#include "models/numeric/whole.h"

#include <assert.h>
#include <string.h>

/* --- the table --- */

/* The dimensions of each kind of group, the nearest first. Context ranks belong to the experts'
 * group where that reaches over replicas, to those with the same experts otherwise. */
static const bool group_spans[GROUP_COUNT][DIMENSION_COUNT] = {
    [GROUP_TENSOR] = {[DIMENSION_TENSOR] = true},
    [GROUP_CONTEXT] = {[DIMENSION_CONTEXT] = true},
    [GROUP_DATA] = {[DIMENSION_CONTEXT] = true, [DIMENSION_SHARE] = true, [DIMENSION_DATA] = true},
    [GROUP_EXPERT] = {[DIMENSION_TENSOR] = true, [DIMENSION_SHARE] = true},
    [GROUP_ATTENTION] = {[DIMENSION_SHARE] = true},
    [GROUP_EXPERT_DATA] = {[DIMENSION_DATA] = true},
};

struct placement placement_of(const struct layout *layout, const struct cluster *cluster,
                              enum stage_order order)
{
    /* From the nearest to the farthest. */
    static const enum dimension nearest[][DIMENSION_COUNT] = {
        [STAGES_INSIDE] = {DIMENSION_TENSOR, DIMENSION_CONTEXT, DIMENSION_SHARE, DIMENSION_PIPELINE,
                           DIMENSION_DATA},
        [STAGES_OUTSIDE] = {DIMENSION_TENSOR, DIMENSION_CONTEXT, DIMENSION_SHARE, DIMENSION_DATA,
                            DIMENSION_PIPELINE},
    };
    bool over_data = layout_experts_over_data(layout);
    uint32_t sharers = layout_sharers(layout);
    struct placement placement = {
        .size = {[DIMENSION_TENSOR] = layout->tensor,
                 [DIMENSION_CONTEXT] = layout->context,
                 [DIMENSION_SHARE] = sharers,
                 [DIMENSION_PIPELINE] = layout->pipeline,
                 [DIMENSION_DATA] = over_data ? layout->data / sharers : layout->data},
        .ranks = 1,
        .shares_replicas = over_data,
        .flat_fabric = cluster->nodes_per_leaf == 0,
        .gpus_per_node = cluster->gpus_per_node,
        .gpus_per_nic =
            cluster->nics_per_node > 0 ? cluster->gpus_per_node / cluster->nics_per_node : 1,
    };
    for (int i = 0; i < DIMENSION_COUNT; i++) {
        enum dimension dimension = nearest[order][i];
        placement.stride[dimension] = placement.ranks;
        placement.ranks *= placement.size[dimension];
    }
    memcpy(placement.spans, group_spans, sizeof placement.spans);
    placement.spans[GROUP_EXPERT][DIMENSION_CONTEXT] = over_data;
    placement.spans[GROUP_EXPERT_DATA][DIMENSION_CONTEXT] = !over_data;
    return placement;
}

/* --- one rank --- */

uint32_t placement_coordinate(const struct placement *placement, uint32_t rank,
                              enum dimension dimension)
{
    return rank / placement->stride[dimension] % placement->size[dimension];
}

uint32_t placement_move(const struct placement *placement, uint32_t rank, enum dimension dimension,
                        uint32_t coordinate)
{
    uint32_t stride = placement->stride[dimension];
    return rank - placement_coordinate(placement, rank, dimension) * stride + coordinate * stride;
}

/* Number `index` of the ranks whose coordinates along `along` vary, others as those of `rank`. */
static uint32_t nth_rank(const struct placement *placement, uint32_t rank,
                         const bool along[DIMENSION_COUNT], uint32_t index)
{
    for (int i = 0; i < DIMENSION_COUNT; i++) {
        if (along[i]) {
            rank = placement_move(placement, rank, (enum dimension)i, index % placement->size[i]);
            index /= placement->size[i];
        }
    }
    return rank;
}

/* The other way round: which of them it is. */
static uint32_t index_along(const struct placement *placement, uint32_t rank,
                            const bool along[DIMENSION_COUNT], bool wanted)
{
    uint32_t index = 0, times = 1;
    for (int i = 0; i < DIMENSION_COUNT; i++) {
        if (along[i] == wanted) {
            index += times * placement_coordinate(placement, rank, (enum dimension)i);
            times *= placement->size[i];
        }
    }
    return index;
}

static const bool in_stage[DIMENSION_COUNT] = {[DIMENSION_TENSOR] = true,
                                               [DIMENSION_CONTEXT] = true,
                                               [DIMENSION_SHARE] = true,
                                               [DIMENSION_PIPELINE] = false,
                                               [DIMENSION_DATA] = true};

uint32_t placement_stage_rank(const struct placement *placement, uint32_t stage, uint32_t instance)
{
    return nth_rank(placement, stage * placement->stride[DIMENSION_PIPELINE], in_stage, instance);
}

uint32_t placement_stage_instance(const struct placement *placement, uint32_t rank)
{
    return index_along(placement, rank, in_stage, true);
}

uint32_t placement_stage_ranks(const struct placement *placement)
{
    return placement->ranks / placement->size[DIMENSION_PIPELINE];
}

uint32_t placement_node(const struct placement *placement, uint32_t gpu)
{
    return gpu / placement->gpus_per_node;
}

uint32_t placement_nodes(const struct placement *placement)
{
    return (uint32_t)divide_up(placement->ranks, placement->gpus_per_node);
}

bool placement_in_node(const struct placement *placement, uint32_t from_gpu, uint32_t to_gpu)
{
    return placement_node(placement, from_gpu) == placement_node(placement, to_gpu);
}

/* --- groups --- */

struct rank_role placement_role(const struct placement *placement, uint32_t rank)
{
    struct rank_role role = {
        .rank = rank,
        .gpu = rank,
        .tensor_rank = placement_coordinate(placement, rank, DIMENSION_TENSOR),
        .context_rank = placement_coordinate(placement, rank, DIMENSION_CONTEXT),
        .stage = placement_coordinate(placement, rank, DIMENSION_PIPELINE),
        .replica = placement_coordinate(placement, rank, DIMENSION_DATA),
    };
    uint32_t share = placement_coordinate(placement, rank, DIMENSION_SHARE);
    if (placement->shares_replicas) {
        role.replica = role.replica * placement->size[DIMENSION_SHARE] + share;
    } else {
        role.attention_rank = share;
    }
    for (int group = 0; group < GROUP_COUNT; group++) {
        role.group[group] = index_along(placement, rank, placement->spans[group], false);
        role.member[group] = index_along(placement, rank, placement->spans[group], true);
    }
    return role;
}

uint32_t placement_group_size(const struct placement *placement, enum group group)
{
    uint32_t size = 1;
    for (int i = 0; i < DIMENSION_COUNT; i++) {
        size *= placement->spans[group][i] ? placement->size[i] : 1;
    }
    return size;
}

uint32_t placement_group_count(const struct placement *placement, enum group group)
{
    return placement->ranks / placement_group_size(placement, group);
}

/* --- evenness --- */

/* Blocks of so many ranks lie alike on nodes. */
static bool blocks_lie_alike(const struct placement *placement, uint32_t block)
{
    uint32_t gpus = placement->gpus_per_node;
    return placement->ranks <= gpus || block % gpus == 0 || gpus % block == 0;
}

bool placement_is_even(const struct placement *placement)
{
    bool even = blocks_lie_alike(placement, placement->ranks);
    for (int i = 0; i < DIMENSION_COUNT; i++) {
        even = even && blocks_lie_alike(placement, placement->stride[i]);
    }
    return even;
}

/* --- shapes --- */

/* Members are runs of ranks at one distance; a run in a run where something lies between. */
static uint32_t even_in_node(const struct placement *placement, enum group group)
{
    uint32_t stride = 0, run = 1, in_node = 1;
    bool whole = true; /* everything nearer lies in one node */
    for (int i = 0; i <= DIMENSION_COUNT; i++) {
        if (i < DIMENSION_COUNT && (!placement->spans[group][i] || placement->size[i] == 1)) {
            continue;
        }
        bool goes_on = i < DIMENSION_COUNT && stride * run == placement->stride[i];
        if (!goes_on && stride > 0 && whole) {
            uint32_t fit = placement->gpus_per_node / stride;
            fit = fit > 0 ? fit : 1;
            whole = fit >= run;
            in_node *= whole ? run : fit;
        }
        if (i < DIMENSION_COUNT) {
            stride = goes_on ? stride : placement->stride[i];
            run = goes_on ? run * placement->size[i] : placement->size[i];
        }
    }
    return in_node;
}

/* The fewest members of any group on a node, of the groups that reach over nodes; all where none
 * does. Members come in the order of their GPUs. */
static uint32_t fewest_in_node(const struct placement *placement, enum group group)
{
    uint32_t size = placement_group_size(placement, group), fewest = size;
    for (uint32_t first = 0; first < placement->ranks; first++) {
        if (index_along(placement, first, placement->spans[group], true) != 0) {
            continue;
        }
        uint32_t here = 0, node = placement_node(placement, first);
        for (uint32_t member = 0; member < size; member++) {
            uint32_t rank = nth_rank(placement, first, placement->spans[group], member);
            if (placement_node(placement, rank) != node) {
                fewest = here < fewest ? here : fewest;
                node = placement_node(placement, rank);
                here = 0;
            }
            here++;
        }
        fewest = here < fewest ? here : fewest;
    }
    return fewest;
}

struct group_shape placement_group_shape(const struct placement *placement, enum group group)
{
    bool even = placement_is_even(placement);
    return (struct group_shape){
        .ranks = placement_group_size(placement, group),
        .ranks_per_node = even ? even_in_node(placement, group) : fewest_in_node(placement, group),
    };
}

uint32_t placement_edge_member(uint32_t member, struct group_shape shape, enum collective_edge edge)
{
    uint32_t in_node = shape.ranks_per_node, place = member % in_node, first = member - place;
    uint32_t here = shape.ranks - first < in_node ? shape.ranks - first : in_node;
    uint32_t nodes = (shape.ranks - place + in_node - 1) / in_node; /* that have such a place */
    uint32_t node = member / in_node;
    switch (edge) {
    case EDGE_NODE_NEXT:
        return first + (place + 1) % here;
    case EDGE_FABRIC_NEXT:
        return (node + 1) % nodes * in_node + place;
    case EDGE_FABRIC_FAR:
        return (node + nodes / 2) % nodes * in_node + place;
    case EDGE_RING_NEXT:
        return (member + 1) % shape.ranks;
    case EDGE_COUNT:
        break;
    }
    assert(false && "not an edge");
    return member;
}

uint32_t placement_edge_gpu(const struct placement *placement, uint32_t gpu, enum group group,
                            struct group_shape shape, enum collective_edge edge)
{
    uint32_t member = index_along(placement, gpu, placement->spans[group], true);
    return nth_rank(placement, gpu, placement->spans[group],
                    placement_edge_member(member, shape, edge));
}

/* --- folding --- */

/* Every context rank sends the same way as the first, and nothing that the others do is on it. */
static bool context_ranks_alike(const struct placement *placement)
{
    uint32_t stride = placement->stride[DIMENSION_CONTEXT];
    bool in_node = stride * placement->size[DIMENSION_CONTEXT] <= placement->gpus_per_node;
    bool apart = stride % placement->gpus_per_node == 0 && placement->flat_fabric;
    return placement->gpus_per_nic == 1 && placement_is_even(placement) && (in_node || apart) &&
           !placement->shares_replicas;
}

static bool replicas_lie_alike(const struct placement *placement, enum dimension dimension)
{
    return placement->gpus_per_nic == 1 &&
           blocks_lie_alike(placement, placement->stride[dimension]);
}

uint32_t placement_stand_ins_end(const struct placement *placement)
{
    uint32_t stride = placement->stride[DIMENSION_DATA];
    bool outermost = stride * placement->size[DIMENSION_DATA] == placement->ranks;
    return outermost && replicas_lie_alike(placement, DIMENSION_DATA) ? stride : placement->ranks;
}

uint32_t placement_stand_in(const struct placement *placement, uint32_t rank)
{
    if (context_ranks_alike(placement)) {
        rank = placement_move(placement, rank, DIMENSION_CONTEXT, 0);
    }
    static const enum dimension alike[] = {DIMENSION_DATA, DIMENSION_SHARE};
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        if (replicas_lie_alike(placement, alike[i])) {
            rank = placement_move(placement, rank, alike[i], 0);
        }
    }
    uint32_t tensor =
        placement_coordinate(placement, rank, DIMENSION_TENSOR) % placement->gpus_per_nic;
    return placement_move(placement, rank, DIMENSION_TENSOR, tensor);
}
