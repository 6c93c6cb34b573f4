/* SPDX-License-Identifier: MIT
 * What a layer's passes in training are built of: kernels, products and exchanges appended one
 * after the other. Pure; the segment is the caller's. */
#ifndef CPSIM_MODELS_LAYERS_TRAIN_BUILDER_H
#define CPSIM_MODELS_LAYERS_TRAIN_BUILDER_H

#include "models/layers/attention_heads.h"
#include "models/layers/kept.h"
#include "models/layers/training_choices.h"
#include "models/layout/replica.h"

/* What a layer's passes in training depend on; struct training says more, and what each means. */
struct layer_training {
    const struct replica *replica;
    uint32_t micro_batch; /* sequences */
    uint64_t sequence_tokens;
    double document_share; /* of a sequence's pairs of tokens, those of one document; 0: all */
    double micro_batches;  /* of a step */
    enum recompute recompute;
    enum context_exchange context_exchange;
    uint32_t adapter_rank;
    bool sequence_parallel, tensor_overlap;
    bool dropout; /* behind attention's scores, output and down projection: masks are kept */
};

/* What building one segment needs at hand. */
struct train_builder {
    const struct layer_training *training;
    struct step_segment *segment;
    uint64_t tokens;       /* that the rank's products see */
    uint64_t shard_tokens; /* that its norms see */
    uint32_t last;         /* the operator that the next one waits for */
    uint32_t beside;       /* an exchange that it waits for too, or STEP_NO_OPERATOR */
};

/* Which gradients a pass computes. */
enum gradients { GRADIENTS_INPUT = 1, GRADIENTS_WEIGHT = 2, GRADIENTS_BOTH = 3 };

enum { PRODUCT_MAX_PARTS = WEIGHT_MAX_PIECES };

/* A linear layer: `columns` outputs of `depth` inputs. */
struct product {
    const char *name;
    uint64_t columns, depth;
    struct number number;
    uint64_t parts[PRODUCT_MAX_PARTS]; /* columns of products of their own; the first 0: one */
    uint64_t rows;                     /* of this rank; 0: the builder's tokens */
    struct experts experts;            /* count > 0: of them, with ... */
    uint64_t routed_rows; /* ... a row for each expert of a token, of all ranks that share them */
};

/* --- kernels (train_builder.c) --- */

uint32_t builder_tensor_ranks(const struct train_builder *builder);
double builder_element_bytes(const struct train_builder *builder);
const struct training_software *builder_stack(const struct train_builder *builder);

void builder_append(struct train_builder *builder, struct step_operator op);
/* A kernel that moves so many bytes. */
void builder_counted(struct train_builder *builder, const char *name, enum memory_kernel kernel,
                     uint64_t rows, uint64_t columns, double bytes_per_element);
/* One whose bytes the stack has a factor for, memory_passes. */
void builder_memory(struct train_builder *builder, const char *name, enum memory_kernel kernel,
                    uint64_t rows, uint64_t columns, double bytes_per_element);
/* Nothing when `seconds` is 0. */
void builder_host(struct train_builder *builder, const char *name, double seconds);

/* --- products and what tensor ranks exchange around them (train_product.c) --- */

/* An exchange on the communication stream, after nothing yet. */
struct step_operator builder_collective(const struct train_builder *builder, const char *name,
                                        enum group group, enum collective_kind kind, double bytes);
/* All-reduce, or reduce-scatter with sequence parallelism. */
enum collective_kind builder_sum_kind(const struct train_builder *builder);
double builder_residual_bytes(const struct train_builder *builder);

void product_forward(struct train_builder *builder, const struct product *product);
void product_weight_gradient(struct train_builder *builder, const struct product *product);

/* The whole of a split tensor, before a product with weights of `number` runs on it;
 * product_after_gather() is that product. Cut in pieces, each rank begins with its own while the
 * others travel. */
void builder_gather_before(struct train_builder *builder, const char *name, struct number number);
void product_after_gather(struct train_builder *builder, const struct product *product,
                          void (*run)(struct train_builder *, const struct product *));
/* A product whose result is summed over the tensor ranks. */
void product_and_sum(struct train_builder *builder, const char *name, const struct product *product,
                     void (*run)(struct train_builder *, const struct product *));

/* Gradients of a product whose output was summed (row-parallel), and of one whose input was
 * gathered (column-parallel). */
void product_row_backward(struct train_builder *builder, const char *name,
                          const struct product *product, enum gradients gradients);
void product_column_backward(struct train_builder *builder, const char *name,
                             const struct product *product, enum gradients gradients);
/* Of one between others, around which nothing travels. */
void product_inner_backward(struct train_builder *builder, const struct product *product,
                            enum gradients gradients);

/* --- attention (train_attention.c) --- */

/* Attention over all context ranks, by the training's exchange. */
void train_attention(struct train_builder *builder, const struct attention_heads *heads,
                     bool backward);

/* --- layers (train_layer.c) --- */

/* A residual sum and its norm, or their gradients. */
void builder_norm(struct train_builder *builder, const char *name, bool backward);

void train_layer_forward(struct train_builder *builder, const struct layer_kind *kind);
/* With what must be computed again first. */
void train_layer_backward(struct train_builder *builder, const struct layer_kind *kind,
                          enum gradients gradients);
/* The gradients of weights that train_layer_backward() left out. */
void train_layer_weights(struct train_builder *builder, const struct layer_kind *kind);

/* --- what is kept (train_kept.c, kept.h) --- */

/* What is computed again, RECOMPUTE_SELECTIVE as the stack means it. */
enum recompute train_recompute(const struct layer_training *training);

/* Elements a token of the residual stream: of a shard when norms run on one. */
double train_residual(const struct layer_training *training);
/* Bytes an element: of a product's input, and of what is kept a second time for a product that
 * takes it narrower. */
double train_kept_bytes(const struct layer_training *training, struct number number);
double train_copy_bytes(const struct layer_training *training, struct number number);
/* Adds the input of a half's first product, `copies` of it. */
void train_keep_input(const struct layer_training *training, struct number number, double copies,
                      struct kept *kept);

/* Of a layer by parts, with that much of it computed again; and its bytes on one rank, of a
 * micro-batch: of the training's own recomputation, or with all that its passes keep. */
struct kept train_layer_kept(const struct layer_training *training, const struct layer_kind *kind,
                             enum recompute recompute);
double train_kept_total(const struct layer_training *training, const struct kept *kept);
double train_layer_kept_bytes(const struct layer_training *training, const struct layer_kind *kind);
double train_layer_full_bytes(const struct layer_training *training, const struct layer_kind *kind);
/* Gradients that wait for those of weights once these are split off: what every product and norm
 * gave. */
double train_layer_waiting_bytes(const struct layer_training *training,
                                 const struct layer_kind *kind);

/* Parameters of one rank: of a layer; of those the ones that it shares with fewer ranks than the
 * others, of its experts where they lie whole on ranks; and of the adapters beside its mixers'
 * products. */
double train_layer_parameters(const struct replica *replica, const struct layer_kind *kind);
double train_layer_expert_parameters(const struct replica *replica, const struct layer_kind *kind);
double train_adapter_parameters(const struct layer_training *training,
                                const struct layer_kind *kind);

#endif
