/* SPDX-License-Identifier: MIT
 * A layer in training: norms, halves, what tensor ranks exchange around them, one way and the
 * other. */
#include "models/layers/exchange.h"
#include "models/layers/layer_rows.h"

/* What stands around a half. */
struct around {
    const char *norm, *gather, *sum;            /* forward */
    const char *gradient_gather, *gradient_sum; /* backward */
    const char *end_norm;                       /* where norms stand after halves too */
};

static const struct around around[LAYER_HALVES] = {
    {.norm = "attention norm",
     .gather = "attention all-gather",
     .sum = "attention sum",
     .gradient_gather = "attention gradient all-gather",
     .gradient_sum = "attention gradient sum",
     .end_norm = "attention end norm"},
    {.norm = "ffn norm",
     .gather = "ffn all-gather",
     .sum = "ffn sum",
     .gradient_gather = "ffn gradient all-gather",
     .gradient_sum = "ffn gradient sum",
     .end_norm = "ffn end norm"}};

void builder_norm(struct train_builder *builder, const char *name, bool backward)
{
    builder_memory(builder, name, MEMORY_ADD_RMSNORM, builder->shard_tokens,
                   builder->training->replica->llm->hidden,
                   backward ? builder_stack(builder)->norm_backward_bytes_per_element
                            : builder_stack(builder)->norm_forward_bytes_per_element);
}

static struct half_counts counts_of(const struct train_builder *builder)
{
    return half_counts(builder->training->replica, (double)builder->tokens);
}

static struct product product_of(const struct train_builder *builder, const struct half_op *op)
{
    const struct replica *replica = builder->training->replica;
    uint32_t ranks = half_weight_ranks(replica, &op->weight);
    struct half_counts counts = counts_of(builder);
    struct product product = {.name = op->name,
                              .rows = half_rows(replica, op, counts),
                              .experts = op->weight.experts,
                              .routed_rows = half_routed_rows(replica, op, counts),
                              .columns = weight_columns(&op->weight, ranks),
                              .depth = weight_depth(&op->weight, ranks),
                              .number = weight_number(replica->precision, op->weight.class)};
    bool joined = op->weight.pieces[1].columns > 0;
    if (replica->software->training.products_apart && joined) {
        for (uint32_t i = 0; i < WEIGHT_MAX_PIECES && op->weight.pieces[i].columns > 0; i++) {
            product.parts[i] = weight_piece_columns(&op->weight, i, ranks);
        }
    }
    return product;
}

/* One kernel at the GPU file's rate, or the bytes of the several that the stack runs. */
static void pointwise(struct train_builder *builder, const struct half_op *op, bool backward)
{
    const struct training_software *stack = builder_stack(builder);
    double several = 0.0;
    if (op->pointwise == POINTWISE_ROPE) {
        several = backward ? stack->rope_backward_bytes_per_element
                           : stack->rope_forward_bytes_per_element;
    } else if (op->pointwise == POINTWISE_ACTIVATION) {
        several = backward ? stack->activation_backward_bytes_per_element
                           : stack->activation_forward_bytes_per_element;
    }
    double one = backward ? op->backward_bytes : op->forward_bytes;
    if (op->pointwise == POINTWISE_COUNTED) {
        builder_counted(builder, op->name, op->kernel,
                        half_rows(builder->training->replica, op, counts_of(builder)), op->columns,
                        one);
    } else if (!op->of_inference) {
        builder_memory(builder, op->name, several > 0.0 ? MEMORY_COPY : op->kernel,
                       half_rows(builder->training->replica, op, counts_of(builder)), op->columns,
                       several > 0.0 ? several : one);
    }
}

/* All that is no product. What went to the experts comes back as a gradient, and the other way
 * round. */
static void between(struct train_builder *builder, const struct half_op *op, bool backward)
{
    const struct replica *replica = builder->training->replica;
    switch (op->kind) {
    case HALF_POINTWISE:
        pointwise(builder, op, backward);
        break;
    case HALF_CORE:
        mixer_passes[op->mixer->kind]->train(builder, op->mixer, backward);
        break;
    case HALF_EXCHANGE: {
        struct half_counts counts = counts_of(builder);
        struct exchange_call call = {.experts = op->experts,
                                     .tokens = replica_own_tokens(replica, counts.own),
                                     .all_tokens = counts.all,
                                     .elements = op->elements,
                                     .combine = op->combine != backward,
                                     .training = true};
        builder_append(builder, exchange_operator(replica, &call));
        break;
    }
    case HALF_HOST:
        builder_host(builder, op->name,
                     (backward ? 2.0 : 1.0) *
                         (op->seconds + (double)builder->tokens * op->token_seconds));
        break;
    case HALF_PRODUCT:
        break;
    }
}

/* Whether a product works on tokens that tensor ranks have not gathered: experts that lie on
 * several ranks, and what chooses them. */
static bool is_apart(const struct replica *replica, const struct half_op *op)
{
    return op->tokens == TOKENS_SENT ||
           (op->weight.experts.count > 0 && layout_experts(replica->layout) > 1);
}

/* A half's products between which tensor ranks work alone: the first, whose input is gathered, and
 * the last whose result is a sum. */
struct ends {
    uint32_t first, last;
};

static struct ends ends_of(const struct replica *replica, const struct half *half)
{
    struct ends ends = {.first = half->count, .last = half->count};
    for (uint32_t i = 0; i < half->count; i++) {
        const struct half_op *op = &half->ops[i];
        if (op->kind == HALF_PRODUCT && !is_apart(replica, op)) {
            ends.first = ends.first == half->count ? i : ends.first;
            ends.last = op->weight.split == SPLIT_DEPTH ? i : ends.last;
        }
    }
    return ends;
}

static void forward_product(struct train_builder *builder, const struct half *half, uint32_t index,
                            const struct product *product, const struct around *names)
{
    struct ends ends = ends_of(builder->training->replica, half);
    if (index == ends.first) {
        product_after_gather(builder, product, product_forward);
    } else if (index == ends.last) {
        product_and_sum(builder, names->sum, product, product_forward);
    } else {
        product_forward(builder, product);
    }
}

static void start_half(struct train_builder *builder, const struct half *half,
                       const struct around *names)
{
    builder_norm(builder, names->norm, false);
    struct ends ends = ends_of(builder->training->replica, half);
    if (ends.first < half->count) {
        builder_gather_before(builder, names->gather,
                              product_of(builder, &half->ops[ends.first]).number);
    }
}

/* Forward; not the last product, and what comes after it, when its result is not wanted. */
static void half_forward(struct train_builder *builder, const struct layer_kind *kind,
                         const struct half *half, const struct around *names, bool all)
{
    start_half(builder, half, names);
    uint32_t last = ends_of(builder->training->replica, half).last;
    uint32_t end = all ? half->count : last;
    for (uint32_t i = 0; i < end; i++) {
        const struct half_op *op = &half->ops[i];
        if (op->kind == HALF_PRODUCT) {
            struct product product = product_of(builder, op);
            forward_product(builder, half, i, &product, names);
        } else {
            between(builder, op, false);
        }
    }
    if (all && kind->norms > LAYER_HALVES) {
        builder_norm(builder, names->end_norm, false);
    }
}

/* The last half but its last product, whose result only the next layer needs, or all of it. */
static void forward(struct train_builder *builder, const struct layer_kind *kind,
                    const struct half halves[LAYER_HALVES], bool all)
{
    for (int i = 0; i < LAYER_HALVES; i++) {
        bool last = i + 1 == LAYER_HALVES || halves[i + 1].count == 0;
        if (halves[i].count > 0) {
            half_forward(builder, kind, &halves[i], &around[i], all || !last);
        }
    }
}

/* Every second product computed again, and what is not one (torchtitan). */
static void second_products(struct train_builder *builder, const struct half *half,
                            const struct around *names)
{
    start_half(builder, half, names);
    for (uint32_t i = 0; i < half->count; i++) {
        const struct half_op *op = &half->ops[i];
        if (op->kind == HALF_POINTWISE) {
            pointwise(builder, op, false);
        } else if (op->kind == HALF_PRODUCT && op->again != AGAIN_NOT) {
            struct product product = product_of(builder, op);
            if (op->again == AGAIN_PIECE) {
                product.name = op->again_name;
                product.columns = weight_piece_columns(
                    &op->weight, op->again_piece,
                    half_weight_ranks(builder->training->replica, &op->weight));
                product.parts[0] = 0;
            }
            forward_product(builder, half, i, &product, names);
        }
    }
}

/* Of kernels that a stack has between up and down: those before the activation. */
static bool is_before_activation(const struct half *half, uint32_t op)
{
    return op + 1 < half->count && half->ops[op + 1].pointwise == POINTWISE_ACTIVATION;
}

/* Norms, activations and up-projections, each from what was kept before it. */
static void cheap_parts(struct train_builder *builder, const struct half *half,
                        const struct around *names)
{
    builder_norm(builder, names->norm, false);
    for (uint32_t i = 0; i < half->count; i++) {
        const struct half_op *op = &half->ops[i];
        bool again = op->cheap_again || op->pointwise == POINTWISE_ACTIVATION ||
                     (op->pointwise == POINTWISE_COUNTED && is_before_activation(half, i));
        if (op->kind == HALF_POINTWISE && again) {
            pointwise(builder, op, false);
        } else if (op->kind == HALF_PRODUCT && again) {
            struct product product = product_of(builder, op);
            product_forward(builder, &product);
        }
    }
}

/* What the backward pass needs and the forward pass has not kept. */
static void recompute(struct train_builder *builder, const struct layer_kind *kind,
                      const struct half halves[LAYER_HALVES])
{
    enum recompute what = train_recompute(builder->training);
    if (what == RECOMPUTE_NONE) {
        return;
    }
    if (what == RECOMPUTE_FULL) {
        forward(builder, kind, halves, false);
        return;
    }
    for (int i = 0; i < LAYER_HALVES; i++) {
        if (what == RECOMPUTE_OPERATORS || what == RECOMPUTE_CHEAP) {
            if (halves[i].count > 0) {
                (what == RECOMPUTE_CHEAP ? cheap_parts : second_products)(builder, &halves[i],
                                                                          &around[i]);
            }
            continue;
        }
        for (uint32_t j = 0; j < halves[i].count; j++) {
            if (halves[i].ops[j].kind == HALF_CORE) {
                between(builder, &halves[i].ops[j], false);
            }
        }
    }
}

/* LoRA: two thin products and a sum beside a frozen linear layer; backward, their gradients. */
static void adapter(struct train_builder *builder, const struct half_op *op, bool backward)
{
    uint64_t rank = builder->training->adapter_rank;
    if (op->kind != HALF_PRODUCT || op->weight.class != WEIGHT_ATTENTION) {
        return;
    }
    struct product product = product_of(builder, op);
    struct number plain = {.format = builder->training->replica->precision->activations};
    struct product down = {
        .name = "adapter", .columns = rank, .depth = product.depth, .number = plain};
    struct product up = {
        .name = "adapter", .columns = product.columns, .depth = rank, .number = plain};
    if (backward) {
        product_row_backward(builder, "", &up, GRADIENTS_BOTH);
        product_row_backward(builder, "", &down, GRADIENTS_BOTH);
    } else {
        product_forward(builder, &down);
        product_forward(builder, &up);
    }
    builder_memory(builder, "adapter sum", MEMORY_COPY, builder->tokens,
                   backward ? product.depth : product.columns,
                   3.0 * builder_element_bytes(builder));
}

static void adapters(struct train_builder *builder, const struct half halves[LAYER_HALVES],
                     bool backward)
{
    for (int i = 0; i < LAYER_HALVES && builder->training->adapter_rank > 0; i++) {
        const struct half *half = &halves[backward ? LAYER_HALVES - 1 - i : i];
        for (uint32_t j = 0; j < half->count; j++) {
            adapter(builder, &half->ops[backward ? half->count - 1 - j : j], backward);
        }
    }
}

static void half_backward(struct train_builder *builder, const struct layer_kind *kind,
                          const struct half *half, const struct around *names,
                          enum gradients gradients)
{
    struct ends ends = ends_of(builder->training->replica, half);
    if (kind->norms > LAYER_HALVES) {
        builder_norm(builder, names->end_norm, true);
    }
    for (uint32_t i = half->count; i-- > 0;) {
        const struct half_op *op = &half->ops[i];
        if (op->kind != HALF_PRODUCT) {
            between(builder, op, true);
            continue;
        }
        struct product product = product_of(builder, op);
        if (i == ends.first) {
            product_column_backward(builder, names->gradient_sum, &product, gradients);
        } else if (i == ends.last) {
            product_row_backward(builder, names->gradient_gather, &product, gradients);
        } else {
            product_inner_backward(builder, &product, gradients);
        }
    }
    builder_norm(builder, names->norm, true);
}

void train_layer_forward(struct train_builder *builder, const struct layer_kind *kind)
{
    struct half halves[LAYER_HALVES];
    layer_halves(builder->training->replica, kind, halves);
    forward(builder, kind, halves, true);
    adapters(builder, halves, false);
}

void train_layer_backward(struct train_builder *builder, const struct layer_kind *kind,
                          enum gradients gradients)
{
    struct half halves[LAYER_HALVES];
    layer_halves(builder->training->replica, kind, halves);
    bool frozen = builder->training->adapter_rank > 0;
    recompute(builder, kind, halves);
    for (int i = LAYER_HALVES; i-- > 0;) {
        if (halves[i].count > 0) {
            half_backward(builder, kind, &halves[i], &around[i],
                          frozen ? GRADIENTS_INPUT : gradients);
        }
    }
    adapters(builder, halves, true);
}

void train_layer_weights(struct train_builder *builder, const struct layer_kind *kind)
{
    if (builder->training->adapter_rank > 0) {
        return;
    }
    struct half halves[LAYER_HALVES];
    layer_halves(builder->training->replica, kind, halves);
    for (int i = LAYER_HALVES; i-- > 0;) {
        for (uint32_t j = halves[i].count; j-- > 0;) {
            if (halves[i].ops[j].kind == HALF_PRODUCT) {
                struct product product = product_of(builder, &halves[i].ops[j]);
                product_weight_gradient(builder, &product);
            }
        }
    }
}
