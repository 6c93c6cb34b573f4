/* SPDX-License-Identifier: MIT
 * What training_program.c builds a segment with: kernels, products and exchanges appended one after
 * the other. Internal to models/training_*.c. Pure. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_BUILDER_H
#define CPSIM_MODELS_TRAINING_TRAINING_BUILDER_H

#include "models/training/training.h"

/* What building one segment needs at hand. */
struct builder {
    const struct training *training;
    struct step_segment *segment;
    uint64_t tokens;       /* that the rank's products see */
    uint64_t shard_tokens; /* that its norms see */
    uint32_t last;         /* the operator that the next one waits for */
    uint32_t beside;       /* an exchange that it waits for too, or STEP_NO_OPERATOR */
};

/* Which gradients a pass computes. */
enum gradients { GRADIENTS_INPUT = 1, GRADIENTS_WEIGHT = 2, GRADIENTS_BOTH = 3 };

enum { PRODUCT_MAX_PARTS = 3 };

/* A linear layer: `columns` outputs of `depth` inputs. */
struct product {
    const char *name;
    uint64_t columns, depth;
    struct number number;
    uint64_t parts[PRODUCT_MAX_PARTS]; /* columns of products of their own; the first 0: one */
};

/* --- kernels (training_builder.c) --- */

uint32_t builder_tensor_ranks(const struct builder *builder);
double builder_element_bytes(const struct builder *builder);
const struct training_software *builder_stack(const struct builder *builder);

void builder_append(struct builder *builder, struct step_operator op);
/* A kernel that moves so many bytes. */
void builder_counted(struct builder *builder, const char *name, enum memory_kernel kernel,
                     uint64_t rows, uint64_t columns, double bytes_per_element);
/* One whose bytes the stack has a factor for, memory_passes. */
void builder_memory(struct builder *builder, const char *name, enum memory_kernel kernel,
                    uint64_t rows, uint64_t columns, double bytes_per_element);
/* Nothing when `seconds` is 0. */
void builder_host(struct builder *builder, const char *name, double seconds);

/* --- products and what tensor ranks exchange around them (training_product.c) --- */

/* An exchange on the communication stream, after nothing yet. */
struct step_operator builder_collective(const struct builder *builder, const char *name,
                                        enum group group, enum collective_kind kind, double bytes);
/* All-reduce, or reduce-scatter with sequence parallelism. */
enum collective_kind builder_sum_kind(const struct builder *builder);
double builder_residual_bytes(const struct builder *builder);

void product_forward(struct builder *builder, const struct product *product);
void product_weight_gradient(struct builder *builder, const struct product *product);

/* The whole of a split tensor, before a product with weights of `number` runs on it;
 * product_after_gather() is that product. Cut in pieces, each rank begins with its own while the
 * others travel. */
void builder_gather_before(struct builder *builder, const char *name, struct number number);
void product_after_gather(struct builder *builder, const struct product *product,
                          void (*run)(struct builder *, const struct product *));
/* A product whose result is summed over the tensor ranks. */
void product_and_sum(struct builder *builder, const char *name, const struct product *product,
                     void (*run)(struct builder *, const struct product *));

/* Gradients of a product whose output was summed (row-parallel), and of one whose input was
 * gathered (column-parallel). */
void product_row_backward(struct builder *builder, const char *name, const struct product *product,
                          enum gradients gradients);
void product_column_backward(struct builder *builder, const char *name,
                             const struct product *product, enum gradients gradients);

/* --- attention (training_attention.c) --- */

/* Attention over all context ranks, by the training's exchange. */
void builder_attend(struct builder *builder, bool backward);

#endif
