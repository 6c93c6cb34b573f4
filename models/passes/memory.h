/* SPDX-License-Identifier: MIT
 * What fills a GPU's memory in inference, bytes of one rank. Pure. */
#ifndef CPSIM_MODELS_PASSES_MEMORY_H
#define CPSIM_MODELS_PASSES_MEMORY_H

#include "models/layout/model_stage.h"
#include "models/passes/transformer.h"

struct memory_use {
    double weight_bytes, kv_cache_bytes, activation_bytes;
};

/* Weights of one rank. Tensor ranks cut every matrix, context ranks hold copies; key and value
 * projections are replicated where kv_heads < tensor ranks; narrow weights carry their scales.
 * Llama 3 405B, fp8 feed-forward, TP8: 60.3 GB. */
double memory_weight_bytes(const struct replica *replica);

/* The same of a rank of one stage of a pipeline. The output head reuses no embedding that lies on
 * another stage. */
double memory_stage_weight_bytes(const struct replica *replica, const struct model_stage *stage);

/* What a forward pass over so many tokens of a rank reads of them: all but the embedding, of which
 * it reads a row a token, and of experts those that the tokens go to (experts_touched()). Llama 3
 * 405B, bf16, TP8: 100.9 GB. */
double memory_step_weight_bytes(const struct replica *replica, double tokens);

/* KV cache of one token of one sequence over the layers whose cache grows with every token, one
 * rank's heads: of all layers, and of a stage's. Llama 3 405B, bf16, TP8: 64,512 bytes. */
double memory_kv_bytes_per_token(const struct replica *replica);
double memory_stage_kv_bytes_per_token(const struct replica *replica,
                                       const struct model_stage *stage);

/* One token in one layer of a mixer, on one rank. Of Llama 3.1 8B, bf16, TP1: 4,096. */
double memory_kv_entry_bytes(const struct replica *replica, const struct mixer *mixer);

/* What a stage's other layers keep of a sequence of so many tokens: windows, and states, which cost
 * the same at any length. */
double memory_stage_sequence_bytes(const struct replica *replica, const struct model_stage *stage,
                                   uint64_t tokens);

/* What a sequence takes of the memory that a service has for caches, on one GPU: of every token,
 * and beside it. Windows of several lengths are taken as the longest, filled evenly. */
struct kv_room {
    double token_bytes; /* of each token that it holds of the sequence; where no layer's cache grows
                           without end, a byte to count pages by */
    double state_bytes;
    double window_token_bytes; /* of each token of the sequence, held here or not, up to ... */
    uint64_t window_tokens;
};

struct kv_room memory_stage_kv_room(const struct replica *replica, const struct model_stage *stage);

/* All of it for `sequences` of `tokens` each, on the fullest rank of the context group. */
double memory_kv_cache_bytes(const struct replica *replica, uint64_t sequences, uint64_t tokens);

/* The largest set of tensors alive at once in a forward pass over a batch: the residual stream, the
 * widest of a layer's inputs and outputs, and a ring's buffers (two shards of KV or Q in flight,
 * and one partial output a ring step with its log-sum-exp). */
double memory_activation_bytes(const struct replica *replica, const struct batch *batch,
                               enum ring_variant variant);

/* What an engine's profile run finds (struct engine_memory): the largest step, or the logits of all
 * `sequences` it may run, of the whole vocabulary on every tensor rank; beside each other with
 * experts, whose buffers stay. And what lies outside PyTorch's allocator, buffers, and graphs where
 * the runner that the model's family has counts them. `heads`:
 * a rank with the head. */
double memory_profile_bytes(const struct replica *replica, const struct batch *batch,
                            enum ring_variant variant, uint32_t sequences, bool heads);

/* The knee of decode's throughput: sequences of `context_tokens` each whose keys and values are as
 * many bytes a step as the weights. Below it a step takes as long whatever the batch, for the
 * weights are read once for all; far above it each sequence more takes as long as the one before.
 * Llama 3.1 70B, bf16, 4,096 tokens: 103.6. */
double memory_knee_sequences(const struct replica *replica, uint64_t context_tokens);

double memory_total_bytes(const struct memory_use *use);

#endif
