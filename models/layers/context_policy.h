/* SPDX-License-Identifier: MIT
 * How context ranks share attention: a policy is a file models/layers/context_NAME.c and a row of
 * the table in layer_attention.c. Internal to models/layers. Pure. */
#ifndef CPSIM_MODELS_LAYERS_CONTEXT_POLICY_H
#define CPSIM_MODELS_LAYERS_CONTEXT_POLICY_H

#include "models/layers/layer_builder.h"

struct context_policy {
    void (*prefill)(struct layer_builder *builder, const struct attention_heads *heads,
                    const struct batch_slice *slice);
    void (*decode)(struct layer_builder *builder, const struct attention_heads *heads,
                   const struct batch_slice *slice);
    /* What a rank holds beside its own queries, bytes, for `tokens` of its own. */
    double (*held_bytes)(const struct replica *replica, const struct attention_heads *heads,
                         const struct batch *batch, double tokens);
};

extern const struct context_policy context_pass_kv, context_pass_q, context_all_gather,
    context_tree;

enum { BATCH_MAX_SLICES = 8 };

/* One ring for slices of prompts beside each other, `keys` that pass keys and then `queries` that
 * pass queries: a hop has a shard of each (Algorithm 2's fused batch; both at once are ours). At
 * most BATCH_MAX_SLICES. */
void context_ring_of_all(struct layer_builder *builder, const struct attention_heads *heads,
                         const struct batch_slice *first, uint32_t keys, uint32_t queries);

/* --- what they have in common --- */

/* What travels between ranks before attention. */
enum context_load { LOAD_QUERIES, LOAD_KEYS };

/* A call of attention over `keys`; `travelled`: they are as a hop carries them. */
struct step_operator context_attention(const struct layer_builder *builder,
                                       const struct attention_heads *heads, uint32_t iteration,
                                       uint64_t sequences, uint64_t queries, uint64_t keys,
                                       bool causal, bool travelled);

/* Of the cached tokens of a sequence that are kept, those of one rank. */
uint64_t context_kept_on_rank(const struct attention_heads *heads, uint64_t cached_tokens,
                              uint32_t ranks);

/* Bytes of one rank's shard of a slice, as it travels (Table 3 of arXiv 2411.01783; Algorithm 2 for
 * the padding). */
double context_shard_bytes(const struct layer_builder *builder, const struct attention_heads *heads,
                           const struct batch_slice *slice, enum context_load load);

/* What travels in a narrower format than it is kept in is converted once, before it goes. */
void context_quantise(struct layer_builder *builder, const struct attention_heads *heads,
                      const struct batch_slice *slice, enum context_load load);

/* Bytes of the output of one token's attention on one rank, its log-sum-exp (fp32) included. */
double context_partial_bytes(const struct layer_builder *builder,
                             const struct attention_heads *heads);

/* One exchange of a ring, the `iteration`th: `bytes` to the next rank, as many from the one before.
 */
struct step_operator context_hop(const struct layer_builder *builder, uint32_t iteration,
                                 double bytes);

/* All ranks' queries or keys on every rank: an all-gather of their shards. */
void context_gather(struct layer_builder *builder, const char *name, double shard_bytes);

/* What all ranks made of all queries: gathered log-sum-exps correct it, a reduce-scatter sums it
 * and leaves a rank its own (vLLM, v1/attention/ops/common.py, cp_lse_ag_out_rs). `tokens` of all
 * ranks; heads, and elements of the result, of a token. */
void context_put_together(struct layer_builder *builder, uint64_t tokens, uint64_t heads,
                          uint64_t columns);

/* The same by tree attention: an all-reduce of the largest log-sum-exp, then `kind` of numerators
 * and denominators. */
void context_reduce(struct layer_builder *builder, uint64_t tokens, uint64_t heads,
                    uint64_t columns, enum collective_kind kind);

/* Held round a rank by keys of `tokens` of its own and of the cache; by queries and outputs of so
 * many tokens. */
double context_held_keys(const struct replica *replica, const struct attention_heads *heads,
                         const struct batch *batch, double tokens);
double context_held_queries(const struct replica *replica, const struct attention_heads *heads,
                            double tokens);
double context_held_partials(const struct replica *replica, const struct attention_heads *heads,
                             double tokens);

#endif
