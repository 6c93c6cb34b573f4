/* SPDX-License-Identifier: MIT
 * Who is where, who talks to whom, over which links. A layout's dimensions (tensor, context,
 * ranks that share experts, pipeline, data) are a table of sizes and strides: a rank's coordinate
 * along one is rank / stride % size, and ranks fill the cluster's GPUs in order, node by node. A
 * group is the ranks whose coordinates differ in the group's dimensions alone. A new dimension is a
 * member of enum dimension and a line of placement_of(). Pure. */
#ifndef CPSIM_MODELS_LAYOUT_PLACEMENT_H
#define CPSIM_MODELS_LAYOUT_PLACEMENT_H

#include "models/layout/layout.h"
#include "models/machine/cluster.h"
#include "models/step/step_program.h"

#include <stdbool.h>

enum dimension {
    DIMENSION_TENSOR,
    DIMENSION_CONTEXT,
    DIMENSION_SHARE, /* groups of tensor x context ranks that share one set of experts */
    DIMENSION_PIPELINE,
    DIMENSION_DATA,
    DIMENSION_COUNT
};

/* Whether stages lie nearer to each other than replicas (struct layout, Llama 3) or farther
 * (Megatron-LM, torchtitan). */
enum stage_order { STAGES_INSIDE, STAGES_OUTSIDE };

struct placement {
    uint32_t size[DIMENSION_COUNT];
    uint32_t stride[DIMENSION_COUNT]; /* GPUs from one coordinate to the next */
    uint32_t ranks;                   /* the product of the sizes */
    uint32_t gpus_per_node, gpus_per_nic;
    bool spans[GROUP_COUNT][DIMENSION_COUNT]; /* the dimensions of each kind of group */
    bool shares_replicas;                     /* DIMENSION_SHARE counts replicas (training) */
    bool flat_fabric; /* no leaf switches, which some hops pass and some do not */
};

struct placement placement_of(const struct layout *layout, const struct cluster *cluster,
                              enum stage_order order);

/* --- one rank --- */

uint32_t placement_coordinate(const struct placement *placement, uint32_t rank,
                              enum dimension dimension);
/* The rank whose coordinate along one dimension is another, and all else the same. */
uint32_t placement_move(const struct placement *placement, uint32_t rank, enum dimension dimension,
                        uint32_t coordinate);
/* The rank of a stage that is number `instance` of tensor x context x sharers x data, nearest
 * first. */
uint32_t placement_stage_rank(const struct placement *placement, uint32_t stage, uint32_t instance);
/* And the other way round. */
uint32_t placement_stage_instance(const struct placement *placement, uint32_t rank);
/* Ranks of a stage. */
uint32_t placement_stage_ranks(const struct placement *placement);

uint32_t placement_node(const struct placement *placement, uint32_t gpu);
uint32_t placement_nodes(const struct placement *placement); /* that its ranks fill */
/* Whether what two GPUs send each other stays on NVLink. */
bool placement_in_node(const struct placement *placement, uint32_t from_gpu, uint32_t to_gpu);

/* --- groups --- */

struct rank_role {
    uint32_t rank, gpu;
    uint32_t tensor_rank, context_rank, stage, replica;
    uint32_t attention_rank; /* inference: which of a replica's ranks with requests of their own */
    uint32_t group[GROUP_COUNT];  /* number of the group it belongs to */
    uint32_t member[GROUP_COUNT]; /* its place there */
};
struct rank_role placement_role(const struct placement *placement, uint32_t rank);

uint32_t placement_group_count(const struct placement *placement, enum group group);
uint32_t placement_group_size(const struct placement *placement, enum group group);

/* How a group's members lie on nodes. Where they do not lie alike (three replicas of four GPUs on
 * nodes of eight), as on the node that holds the fewest: all that a group moves passes through it.
 */
struct group_shape placement_group_shape(const struct placement *placement, enum group group);

/* The member that the flow of `member` along `edge` ends on; the member itself where it has nobody
 * to send to: alone on its node, or in a place that no other node has filled. */
uint32_t placement_edge_member(uint32_t member, struct group_shape shape,
                               enum collective_edge edge);

/* The GPU that the flow of GPU `gpu` along `edge` ends on. */
uint32_t placement_edge_gpu(const struct placement *placement, uint32_t gpu, enum group group,
                            struct group_shape shape, enum collective_edge edge);

/* --- folding: of what is identical, one is played --- */

/* Whether all groups of a kind, and all stages' neighbours, lie on nodes in the same way: each
 * dimension fills whole nodes or goes into one whole, or everything is on one node. */
bool placement_is_even(const struct placement *placement);

/* Of one program that all ranks run: tensor ranks of a node never share a link unless they share a
 * network card, so the first of a card's GPUs stand for all; replicas, and ranks that share
 * experts, stand for each other when they lie alike and no card joins them; context ranks when each
 * hop of their ring is alike: all within a node, or each to another node of a flat fabric. A folded
 * rank's stand-in: */
uint32_t placement_stand_in(const struct placement *placement, uint32_t rank);

/* No rank from this one on is its own stand-in, and rank r's is that of r modulo it: of replicas
 * that lie alike, one behind the other, the first stands in for all. */
uint32_t placement_stand_ins_end(const struct placement *placement);

#endif
