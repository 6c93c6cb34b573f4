/* SPDX-License-Identifier: MIT */
#include "models/training_layer.h"

struct shapes {
    struct product qkv, out, up, down;
    uint64_t query_columns, kv_columns, ffn_columns;
};

static struct shapes layer_shapes(const struct training *training)
{
    const struct replica *replica = &training->replica;
    const struct llm *llm = replica->llm;
    const struct precision *precision = replica->precision;
    struct shapes shapes = {
        .query_columns = (uint64_t)replica_query_heads(replica) * llm->head_size,
        .kv_columns = (uint64_t)replica_kv_heads(replica) * llm->head_size,
        .ffn_columns = (llm->ffn_hidden + replica->layout->tensor - 1) / replica->layout->tensor,
    };
    shapes.qkv = (struct product){.name = "qkv",
                                  .columns = shapes.query_columns + 2 * shapes.kv_columns,
                                  .depth = llm->hidden,
                                  .number = precision->attention_weights};
    shapes.out = (struct product){.name = "out",
                                  .columns = llm->hidden,
                                  .depth = shapes.query_columns,
                                  .number = precision->attention_weights};
    shapes.up = (struct product){.name = llm->gated_ffn ? "gate+up" : "up",
                                 .columns = (llm->gated_ffn ? 2 : 1) * shapes.ffn_columns,
                                 .depth = llm->hidden,
                                 .number = precision->ffn_weights};
    shapes.down = (struct product){.name = "down",
                                   .columns = llm->hidden,
                                   .depth = shapes.ffn_columns,
                                   .number = precision->ffn_weights};
    return shapes;
}

void builder_norm(struct builder *builder, const char *name, bool backward)
{
    builder_memory(builder, name, MEMORY_ADD_RMSNORM, builder->shard_tokens,
                   builder->training->replica.llm->hidden,
                   backward ? builder_stack(builder)->norm_backward_bytes_per_element
                            : builder_stack(builder)->norm_forward_bytes_per_element);
}

static void rope(struct builder *builder, const struct shapes *shapes)
{
    builder_memory(builder, "rope", MEMORY_ROPE, builder->tokens,
                   shapes->query_columns + shapes->kv_columns,
                   2.0 * builder_element_bytes(builder));
}

/* Forward: gate and up in, one out. Backward: those and a gradient in, two gradients out. */
static void activation(struct builder *builder, const struct shapes *shapes, bool backward)
{
    bool gated = builder->training->replica.llm->gated_ffn;
    double passes = gated ? (backward ? 5.0 : 3.0) : (backward ? 3.0 : 2.0);
    builder_memory(builder, "activation", MEMORY_SWIGLU, builder->tokens, shapes->ffn_columns,
                   passes * builder_element_bytes(builder));
}

static void attention_block(struct builder *builder, const struct shapes *shapes)
{
    builder_norm(builder, "attention norm", false);
    builder_gather_before(builder, "attention all-gather");
    product_after_gather(builder, &shapes->qkv, product_forward);
    rope(builder, shapes);
    builder_attend(builder, false);
}

/* All of a layer but the down product, whose result only the next layer needs. */
static void layer_until_down(struct builder *builder, const struct shapes *shapes)
{
    attention_block(builder, shapes);
    if (builder->training->replica.llm->parallel_blocks) {
        product_forward(builder, &shapes->out); /* summed with the down product's result */
    } else {
        product_and_sum(builder, "attention sum", &shapes->out, product_forward);
        builder_norm(builder, "ffn norm", false);
        builder_gather_before(builder, "ffn all-gather");
    }
    product_after_gather(builder, &shapes->up, product_forward);
    activation(builder, shapes, false);
}

void layer_forward(struct builder *builder)
{
    struct shapes shapes = layer_shapes(builder->training);
    builder_host(builder, "layer", builder_stack(builder)->layer_seconds);
    layer_until_down(builder, &shapes);
    product_and_sum(builder, "ffn sum", &shapes.down, product_forward);
}

/* What the backward pass needs and the forward pass has not kept. */
static void layer_recompute(struct builder *builder)
{
    const struct training *training = builder->training;
    struct shapes shapes = layer_shapes(training);
    if (training->recompute == RECOMPUTE_NONE) {
        return;
    }
    if (training->recompute == RECOMPUTE_FULL) {
        layer_until_down(builder, &shapes);
        return;
    }
    if (builder_stack(builder)->selective == SELECTIVE_ATTENTION) {
        builder_attend(builder, false);
        return;
    }
    /* Of query, key, value, out, gate, up, down every second product: key, out and up. */
    struct product key = shapes.qkv, up = shapes.up;
    key.name = "key";
    key.columns = shapes.kv_columns;
    up.columns = shapes.ffn_columns;
    builder_norm(builder, "attention norm", false);
    builder_gather_before(builder, "attention all-gather");
    product_after_gather(builder, &key, product_forward);
    rope(builder, &shapes);
    product_and_sum(builder, "attention sum", &shapes.out, product_forward);
    builder_norm(builder, "ffn norm", false);
    builder_gather_before(builder, "ffn all-gather");
    product_after_gather(builder, &up, product_forward);
    activation(builder, &shapes, false);
}

void layer_backward(struct builder *builder, enum gradients gradients)
{
    struct shapes shapes = layer_shapes(builder->training);
    bool parallel = builder->training->replica.llm->parallel_blocks;
    builder_host(builder, "layer", 2.0 * builder_stack(builder)->layer_seconds);
    layer_recompute(builder);
    product_row_backward(builder, "ffn gradient all-gather", &shapes.down, gradients);
    activation(builder, &shapes, true);
    product_column_backward(builder, "ffn gradient sum", &shapes.up, gradients);
    if (!parallel) {
        builder_norm(builder, "ffn norm", true);
    }
    product_row_backward(builder, "attention gradient all-gather", &shapes.out, gradients);
    builder_attend(builder, true);
    rope(builder, &shapes);
    product_column_backward(builder, "attention gradient sum", &shapes.qkv, gradients);
    builder_norm(builder, "attention norm", true);
}

void layer_weights(struct builder *builder)
{
    struct shapes shapes = layer_shapes(builder->training);
    product_weight_gradient(builder, &shapes.down);
    product_weight_gradient(builder, &shapes.up);
    product_weight_gradient(builder, &shapes.out);
    product_weight_gradient(builder, &shapes.qkv);
}
