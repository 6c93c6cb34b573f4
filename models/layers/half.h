/* SPDX-License-Identifier: MIT
 * Half of a layer, a mixer or a feed-forward block, as what is done to its tokens one thing after
 * the other: products with its weights, kernels bound by memory between them, and the one thing
 * that only its kind knows (attention, a scan). Said once by the kind's row; forward passes of
 * inference and training, backward passes, what is computed again, gradients of weights and the
 * products that adapters stand beside all follow from it. Pure. */
#ifndef CPSIM_MODELS_LAYERS_HALF_H
#define CPSIM_MODELS_LAYERS_HALF_H

#include "models/layout/replica.h"

enum half_op_kind { HALF_PRODUCT, HALF_POINTWISE, HALF_CORE };

/* Which of a training stack's own byte counts holds in place of those said here. */
enum pointwise { POINTWISE_PLAIN, POINTWISE_ROPE, POINTWISE_ACTIVATION };

/* Of every second product computed again (torchtitan's selective recomputation). */
enum half_again { AGAIN_NOT, AGAIN_WHOLE, AGAIN_PIECE };

struct half_op {
    enum half_op_kind kind;
    const char *name;
    bool of_inference; /* training has none: the append to a cache */
    bool of_training;  /* in inference the core does it, for some of the tokens */
    /* HALF_PRODUCT: its rows are the tokens, or with experts each token once an expert. */
    struct weight weight;
    bool fusible; /* the kernel before can write its input narrow: a norm, an activation */
    enum half_again again;
    uint32_t again_piece; /* with AGAIN_PIECE: one piece of its columns, called ... */
    const char *again_name;
    /* HALF_POINTWISE: */
    enum memory_kernel kernel;
    enum pointwise pointwise;
    uint64_t copies;                      /* rows a token; 0: 1 */
    uint64_t columns;                     /* of one rank */
    double forward_bytes, backward_bytes; /* read and written, an element */
    /* HALF_CORE: */
    const struct mixer *mixer;
};

enum { HALF_MAX_OPS = 40 };

struct half {
    struct half_op ops[HALF_MAX_OPS];
    uint32_t count;
};

/* Appends; asserts that there is room. half_product() takes the tensor of that name. */
struct half_op *half_product(struct half *half, const struct weight_list *list, const char *name,
                             bool fusible);
/* One product of those of `names` (NULL ends them) that `list` has, all of the same input: columns
 * beside each other, the first one's class. */
struct half_op *half_joined(struct half *half, const struct weight_list *list, const char *name,
                            const char *const names[], bool fusible);
struct half_op *half_pointwise(struct half *half, const char *name, enum memory_kernel kernel,
                               uint64_t columns, double forward_bytes, double backward_bytes);
void half_core(struct half *half, const char *name, const struct mixer *mixer);

/* Ranks that cut its products. */
uint32_t half_ranks(const struct replica *replica);
/* The number that a tensor is kept in under a precision. */
struct number weight_number(const struct precision *precision, enum weight_class class);

#endif
