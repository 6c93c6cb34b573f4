/* SPDX-License-Identifier: MIT
 * What a scenario describes, in the models' terms. Nothing is copied or owned. */
#ifndef CPSIM_SIM_SCENARIO_REPLICA_H
#define CPSIM_SIM_SCENARIO_REPLICA_H

#include "models/layout/placement.h"
#include "models/passes/kv_groups.h"
#include "models/passes/memory.h"
#include "models/passes/transformer.h"
#include "sim/scenario/scenario.h"

/* The replica a scenario describes; points into it. */
struct replica scenario_replica(const struct scenario *scenario);

/* Conversations at once that the fullest of a replica's ranks with requests of their own has, of
 * all that the replica has. */
uint32_t scenario_rank_conversations(const struct scenario *scenario);

/* Tokens that all those ranks bring to the experts that they share when one's slice is this: where
 * conversations do not divide, others have fewer. 0: as many each. */
uint64_t scenario_shared_tokens(const struct scenario *scenario, const struct batch_slice *slice);

/* Where its ranks lie. */
struct placement scenario_placement(const struct scenario *scenario);

/* Replicas alike of a service: all, or those that prefill, or that decode. */
struct pool_place {
    const struct scenario *scenario; /* as they are set up */
    struct layout layout;            /* of them alone */
    uint32_t first_gpu;              /* of the platform: theirs follow each other */
};

/* 1, or with a `disaggregated` service POOL_COUNT. */
uint32_t scenario_pool_count(const struct scenario *scenario);
struct pool_place scenario_pool(const struct scenario *scenario, uint32_t pool);

/* The first GPU that replicas of `scenario` may have after those of `before`. */
uint32_t scenario_first_gpu_after(const struct scenario *before, const struct scenario *scenario);

/* What a tenant takes of a GPU's memory: weights, cache, activations. */
double tenant_gpu_bytes(const struct scenario *tenant);

/* GPUs that work, of all pools, or of all tenants. */
uint32_t scenario_gpus(const struct scenario *scenario);

/* Nodes that are not the cluster's, by pool: fills `kinds` and returns how many. */
uint32_t scenario_node_kinds(const struct scenario *scenario,
                             struct node_links kinds[static POOL_COUNT]);

/* Nodes that a play needs: those its ranks fill, or the whole cluster when others' traffic may
 * cross any of it. */
uint32_t scenario_nodes(const struct scenario *scenario);

/* What the scenario's rule says of a prefill of `new_tokens` on `cached_tokens`; `auto` answers as
 * Algorithm 5. */
struct ring_answer scenario_ring_answer(const struct scenario *scenario, uint64_t new_tokens,
                                        uint64_t cached_tokens);

/* Whether Algorithm 5 would pass a prompt's queries round the ring, whatever the scenario's rule.
 */
bool scenario_passes_queries(const struct scenario *scenario, uint64_t new_tokens,
                             uint64_t cached_tokens);

/* What a GPU holds beside weights and KV cache in a conversation's step, or what its engine has set
 * aside when that is more. */
double scenario_activation_bytes(const struct scenario *scenario, const struct batch *batch,
                                 enum ring_variant variant);

/* Memory of one GPU when a prefill of `new_tokens` on `cached_tokens` has ended in `variant`. */
struct memory_use scenario_prefill_memory(const struct scenario *scenario, uint64_t new_tokens,
                                          uint64_t cached_tokens, enum ring_variant variant);

/* What is left for a service's KV cache beside so many bytes of weights and of activations, by
 * whichever of `memory`'s fractions counts; below 0 when they do not fit. */
double scenario_cache_bytes(const struct scenario *scenario, double weight_bytes,
                            double activation_bytes);

/* Memory of one GPU that serves: weights, the activations of the largest step together with the
 * software's buffers, and all the KV cache that fits besides (0 when nothing is left), at
 * `*kv_room` each sequence. Of a pipeline's stages, the one whose cache holds the fewest tokens. */
struct memory_use scenario_serving_memory(const struct scenario *scenario, struct kv_room *kv_room);

/* How the cache is kept where one pool of blocks serves several groups of layers, in the first
 * stage; false: it is not. */
bool scenario_serving_kv_grouping(const struct scenario *scenario, struct kv_grouping *grouping);

/* Pages of the KV cache of a replica that serves. */
uint64_t scenario_serving_kv_pages(const struct scenario *scenario);

#endif
