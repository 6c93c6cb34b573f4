/* SPDX-License-Identifier: MIT
 * Half of a layer, a mixer or a feed-forward block, as what is done to its tokens one thing after
 * the other: products with its weights, kernels bound by memory between them, and the one thing
 * that only its kind knows (attention, a scan). Said once by the kind's row; forward passes of
 * inference and training, backward passes, what is computed again, gradients of weights and the
 * products that adapters stand beside all follow from it. Pure. */
#ifndef CPSIM_MODELS_LAYERS_HALF_H
#define CPSIM_MODELS_LAYERS_HALF_H

#include "models/layout/replica.h"

enum half_op_kind { HALF_PRODUCT, HALF_POINTWISE, HALF_CORE, HALF_EXCHANGE, HALF_HOST };

/* Which tokens an operator works on. Where experts lie on several ranks these are other ranks' too.
 */
enum half_tokens {
    TOKENS_OWN,
    TOKENS_SENT,    /* a tensor rank's part, where it alone takes them to the experts */
    TOKENS_ALL,     /* of all ranks that share experts */
    TOKENS_ARRIVED, /* those that have an expert here */
    TOKENS_ROWS     /* a row for each expert here */
};

/* Which of a training stack's own byte counts holds in place of those said here. */
/* POINTWISE_COUNTED: kernels of a stack that were counted one by one, in training alone. */
enum pointwise { POINTWISE_PLAIN, POINTWISE_ROPE, POINTWISE_ACTIVATION, POINTWISE_COUNTED };

/* Of every second product computed again (torchtitan's selective recomputation). */
enum half_again { AGAIN_NOT, AGAIN_WHOLE, AGAIN_PIECE };

struct half_op {
    enum half_op_kind kind;
    const char *name;
    bool of_inference; /* training has none: the append to a cache */
    bool beside;       /* it runs while the exchange before it is under way */
    bool of_training;  /* in inference the core does it, for some of the tokens */
    enum half_tokens tokens;
    struct experts experts; /* of TOKENS_ROWS, TOKENS_ARRIVED, HALF_EXCHANGE */
    /* HALF_PRODUCT: its rows are the tokens, or with experts each token once an expert. */
    struct weight weight;
    bool fusible;     /* the kernel before can write its input narrow: a norm, an activation */
    bool cheap_again; /* RECOMPUTE_CHEAP computes it again */
    enum half_again again;
    uint32_t again_piece; /* with AGAIN_PIECE: one piece of its columns, called ... */
    const char *again_name;
    /* HALF_POINTWISE: */
    enum memory_kernel kernel;
    enum pointwise pointwise;
    uint64_t copies;                      /* rows a token; 0: 1 */
    uint64_t columns;                     /* of one rank */
    double forward_bytes, backward_bytes; /* read and written, an element */
    bool of_experts_kernel; /* an engine's own kernel for experts was measured with it */
    double row_seconds;     /* it takes no less for each row; 0: bytes alone count */
    /* HALF_EXCHANGE: */
    double elements; /* of a token */
    bool combine;
    /* HALF_HOST: what no operator stands for. */
    double seconds, token_seconds;
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

/* Nothing when both are 0. */
void half_host(struct half *half, const char *name, double seconds, double token_seconds);
void half_exchange(struct half *half, struct experts experts, double elements, bool combine);

/* Tokens of a rank's pass: those that it works on, and those of all ranks that share experts. */
struct half_counts {
    double own, all;
};
struct half_counts half_counts(const struct replica *replica, double tokens);

/* Rows of a pointwise operator, or of a product with one matrix. */
uint64_t half_rows(const struct replica *replica, const struct half_op *op,
                   struct half_counts counts);
/* Of a product with experts: all that their routing is told of (struct gemm_shape). */
uint64_t half_routed_rows(const struct replica *replica, const struct half_op *op,
                          struct half_counts counts);

/* Ranks that cut its products; and ranks that cut a tensor, which experts' may be others. */
uint32_t half_ranks(const struct replica *replica);
uint32_t half_weight_ranks(const struct replica *replica, const struct weight *weight);
/* Experts' copies of a tensor that a rank holds; 1 of others. */
double half_weight_copies(const struct replica *replica, const struct weight *weight);
/* The number that a tensor is kept in under a precision. */
struct number weight_number(const struct precision *precision, enum weight_class class);

#endif
