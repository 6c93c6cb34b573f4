/* SPDX-License-Identifier: MIT
 * A layer in inference: norms, halves, sums over tensor ranks. */
#include "models/layers/exchange.h"
#include "models/layers/layer_rows.h"

#include "models/kernels/hyper_connection.h"
#include "models/kernels/kernel_default.h"

static void norm(struct layer_builder *builder, const char *name)
{
    layer_memory(builder, name, MEMORY_ADD_RMSNORM, builder->tokens, builder->replica->llm->hidden,
                 4.0 * layer_activation_bytes(builder));
}

static struct half_counts counts_of(const struct layer_builder *builder)
{
    return (struct half_counts){.own = (double)builder->tokens, .all = builder->shared_tokens};
}

static void product(struct layer_builder *builder, const struct half_op *op)
{
    const struct replica *replica = builder->replica;
    const struct weight *weight = &op->weight;
    uint32_t ranks = half_weight_ranks(replica, weight);
    bool routed = weight->experts.count > 0;
    struct half_counts counts = counts_of(builder);
    struct layer_matrices matrices = {.rows = routed ? half_routed_rows(replica, op, counts)
                                                     : half_rows(replica, op, counts),
                                      .quantised_rows = half_rows(replica, op, counts),
                                      .columns = weight_columns(weight, ranks),
                                      .depth = weight_depth(weight, ranks),
                                      .experts = weight->experts};
    layer_product(builder, op->name, matrices, weight_number(builder->precision, weight->class),
                  op->fusible);
}

static void exchange(struct layer_builder *builder, const struct half_op *op)
{
    struct exchange_call call = {.experts = op->experts,
                                 .tokens =
                                     replica_own_tokens(builder->replica, (double)builder->tokens),
                                 .all_tokens = builder->shared_tokens,
                                 .elements = op->elements,
                                 .combine = op->combine,
                                 .graph = builder->graph};
    layer_append(builder, exchange_operator(builder->replica, &call));
}

/* What the kernel of the half's experts does by itself. */
static bool is_done(const struct layer_builder *builder, const struct half *half,
                    const struct half_op *op)
{
    for (uint32_t i = 0; op->of_experts_kernel && i < half->count; i++) {
        const struct weight *weight = &half->ops[i].weight;
        if (half->ops[i].kind == HALF_PRODUCT && weight->experts.count > 0) {
            return layer_has_experts_kernel(builder, weight->experts,
                                            weight_number(builder->precision, weight->class));
        }
    }
    return false;
}

static void pointwise(struct layer_builder *builder, const struct half_op *op)
{
    const struct replica *replica = builder->replica;
    struct step_operator kernel =
        step_memory_operator(op->name, op->kernel, half_rows(replica, op, counts_of(builder)),
                             op->columns, op->forward_bytes, replica->software->fused_kernels);
    kernel.memory.row_seconds = op->row_seconds;
    layer_append(builder, kernel);
}

/* What waits for the last operator besides an exchange that is under way. */
static void half_op(struct layer_builder *builder, const struct half_op *op)
{
    switch (op->kind) {
    case HALF_PRODUCT:
        product(builder, op);
        break;
    case HALF_POINTWISE:
        pointwise(builder, op);
        break;
    case HALF_HOST:
        layer_host(builder, op->name, op->seconds + (double)builder->tokens * op->token_seconds);
        break;
    case HALF_EXCHANGE:
        exchange(builder, op);
        break;
    case HALF_CORE:
        mixer_passes[op->mixer->kind]->infer(builder, op->mixer);
        break;
    }
}

/* Operators beside an exchange wait for what it waits for; who comes after them for both. */
static void half_forward(struct layer_builder *builder, const struct half *half)
{
    uint32_t exchange = STEP_NO_OPERATOR;
    for (uint32_t i = 0; i < half->count; i++) {
        const struct half_op *op = &half->ops[i];
        if (op->of_training || is_done(builder, half, op)) {
            continue;
        }
        bool starts = op->kind == HALF_EXCHANGE && i + 1 < half->count && half->ops[i + 1].beside;
        uint32_t before = builder->last;
        if (!op->beside && exchange != STEP_NO_OPERATOR) {
            builder->beside = exchange;
            exchange = STEP_NO_OPERATOR;
        }
        half_op(builder, op);
        if (starts) {
            exchange = builder->last;
            builder->last = before;
        }
    }
}

/* Hyper-connections: the half's input is read from the streams, its output goes to all of them.
 * Every tensor rank holds all streams. */
static void streams(struct layer_builder *builder, const struct layer_kind *kind, bool post)
{
    const struct replica *replica = builder->replica;
    if (kind->residual != RESIDUAL_HYPER) {
        return;
    }
    struct hyper_kernels library =
        hyper_kernels_of(&replica->software->kernels.mixers.hyper, replica->gpu);
    struct hyper_shape shape = {.tokens = builder->tokens,
                                .streams = kind->streams,
                                .hidden = replica->llm->hidden,
                                .post = post};
    layer_kernel(
        builder, post ? "streams out" : "streams in",
        hyper_connection_work(replica->gpu, post ? &library.post.wide : &library.pre.wide, &shape));
}

/* Norms beyond one a half stand after it (Gemma). */
static void layer_half(struct layer_builder *builder, const struct layer_kind *kind,
                       const struct half *half, const char *const names[3])
{
    streams(builder, kind, false);
    norm(builder, names[0]);
    half_forward(builder, half);
    layer_all_reduce(builder, names[1]);
    if (kind->norms > LAYER_HALVES) {
        norm(builder, names[2]);
    }
    streams(builder, kind, true);
}

void layer_forward(struct layer_builder *builder, const struct layer_kind *kind)
{
    static const char *const names[LAYER_HALVES][3] = {
        {"attention norm", "attention all-reduce", "attention end norm"},
        {"ffn norm", "ffn all-reduce", "ffn end norm"}};
    struct half halves[LAYER_HALVES];
    layer_halves(builder->replica, kind, halves);
    for (int i = 0; i < LAYER_HALVES; i++) {
        if (halves[i].count > 0) {
            layer_half(builder, kind, &halves[i], names[i]);
        }
    }
}
