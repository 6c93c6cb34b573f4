/* SPDX-License-Identifier: MIT
 * What an inference layer is built of: transformer.c puts a program together from layers
 * (layer_forward()), whose halves (layer_rows.h) append operators through these. Pure; the segment
 * is the caller's. */
#ifndef CPSIM_MODELS_LAYERS_LAYER_BUILDER_H
#define CPSIM_MODELS_LAYERS_LAYER_BUILDER_H

#include "models/layers/attention_heads.h"
#include "models/layout/replica.h"
#include "models/numeric/whole.h"

/* What building one segment needs at hand. */
struct layer_builder {
    const struct replica *replica;
    const struct precision *precision; /* of this layer's weights */
    const struct batch *batch;
    enum ring_variant variant;
    struct step_segment *segment;
    uint64_t tokens;      /* of one rank */
    double shared_tokens; /* of all ranks that share experts */
    bool graph;
    bool mixed_by_hand; /* with prompts, beyond the CUDA graphs */
    uint32_t last;      /* the operator that the next one waits for */
    uint32_t beside;    /* an exchange that it waits for too, or STEP_NO_OPERATOR */
};

/* What a product multiplies: [rows][depth] with weights [depth][columns], or with those of experts.
 */
struct layer_matrices {
    uint64_t rows, columns, depth;
    uint64_t quantised_rows; /* of its input; 0: rows */
    struct experts experts; /* count 0: none; otherwise rows are tokens x experts of a token, of all
                               ranks that the experts lie on */
};

/* Appends what waits for the operator appended last. */
void layer_append(struct layer_builder *builder, struct step_operator op);
/* A memory-bound kernel over rows x columns that moves `bytes_per_element` for each. */
void layer_memory(struct layer_builder *builder, const char *name, enum memory_kernel kernel,
                  uint64_t rows, uint64_t columns, double bytes_per_element);
/* The GPU waits for its host; nothing when `seconds` is 0. */
void layer_host(struct layer_builder *builder, const char *name, double seconds);
struct step_operator layer_collective(const struct layer_builder *builder, const char *name,
                                      enum group group, enum collective_kind kind, double bytes);
/* Of the residual stream over tensor ranks; nothing when there is one. */
void layer_all_reduce(struct layer_builder *builder, const char *name);
/* A product and the kernels that bring its operands into the format it is computed in. The input's
 * is one of its own unless the kernel before can write it so (`fusible`): a norm or an activation,
 * fused, and a scale that is known beforehand. */
void layer_product(struct layer_builder *builder, const char *name, struct layer_matrices matrices,
                   struct number number, bool fusible);
/* Whether products of so many experts, their weights kept in `number`, are an engine's own kernel,
 * whose time includes sorting tokens by expert and adding up. */
bool layer_has_experts_kernel(const struct layer_builder *builder, struct experts experts,
                              struct number number);
/* A kernel whose work a library's constants say. */
void layer_kernel(struct layer_builder *builder, const char *name, struct kernel_work work);
/* A product in the activations' format whose weights are a core's own way to hold them: absorbed
 * projections. */
void layer_plain_product(struct layer_builder *builder, const char *name, uint64_t rows,
                         uint64_t columns, uint64_t depth);
/* What a library leaves unsaid of a pass over `tokens`. */
void layer_rest(struct layer_builder *builder, const struct kernel_rest *rest, uint64_t tokens);
/* Of one element of the residual stream. */
double layer_activation_bytes(const struct layer_builder *builder);

/* --- parts --- */

/* Attention of one slice: on one rank, or round the ring of context ranks; and what a ring holds
 * beside a rank's own queries, bytes, for `tokens` of the rank. */
void layer_attention(struct layer_builder *builder, const struct batch_slice *slice,
                     const struct attention_heads *heads);
double layer_ring_bytes(const struct replica *replica, const struct attention_heads *heads,
                        const struct batch *batch, enum ring_variant variant, double tokens);

/* A whole layer of a kind. */
void layer_forward(struct layer_builder *builder, const struct layer_kind *kind);

#endif
