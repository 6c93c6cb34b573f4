/* SPDX-License-Identifier: MIT */
#include "models/training/training_layer.h"

#include "models/numeric/whole.h"

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
        .query_columns = (uint64_t)replica_query_heads(replica) * llm->keys.head_size,
        .kv_columns = (uint64_t)replica_kv_heads(replica) * llm->keys.head_size,
        .ffn_columns = divide_up(llm->keys.ffn_hidden, replica->layout->tensor),
    };
    shapes.qkv = (struct product){.name = "qkv",
                                  .columns = shapes.query_columns + 2 * shapes.kv_columns,
                                  .depth = llm->hidden,
                                  .number = precision->attention_weights};
    shapes.out = (struct product){.name = "out",
                                  .columns = llm->hidden,
                                  .depth = shapes.query_columns,
                                  .number = precision->attention_weights};
    shapes.up = (struct product){.name = llm->keys.gated_ffn ? "gate+up" : "up",
                                 .columns = (llm->keys.gated_ffn ? 2 : 1) * shapes.ffn_columns,
                                 .depth = llm->hidden,
                                 .number = precision->ffn_weights};
    shapes.down = (struct product){.name = "down",
                                   .columns = llm->hidden,
                                   .depth = shapes.ffn_columns,
                                   .number = precision->ffn_weights};
    if (replica->software->training.products_apart) {
        shapes.qkv.parts[0] = shapes.query_columns;
        shapes.qkv.parts[1] = shapes.qkv.parts[2] = shapes.kv_columns;
        if (llm->keys.gated_ffn) {
            shapes.up.parts[0] = shapes.up.parts[1] = shapes.ffn_columns;
        }
    }
    return shapes;
}

void builder_norm(struct builder *builder, const char *name, bool backward)
{
    builder_memory(builder, name, MEMORY_ADD_RMSNORM, builder->shard_tokens,
                   builder->training->replica.llm->hidden,
                   backward ? builder_stack(builder)->norm_backward_bytes_per_element
                            : builder_stack(builder)->norm_forward_bytes_per_element);
}

/* One kernel at the GPU file's rate, or the bytes of the several that the stack runs. */
static void pointwise(struct builder *builder, const char *name, enum memory_kernel kernel,
                      uint64_t columns, double one_kernel_bytes, double several_bytes)
{
    bool several = several_bytes > 0.0;
    builder_memory(builder, name, several ? MEMORY_COPY : kernel, builder->tokens, columns,
                   several ? several_bytes : one_kernel_bytes);
}

static void rope(struct builder *builder, const struct shapes *shapes, bool backward)
{
    const struct training_software *stack = builder_stack(builder);
    pointwise(builder, "rope", MEMORY_ROPE, shapes->query_columns + shapes->kv_columns,
              2.0 * builder_element_bytes(builder),
              backward ? stack->rope_backward_bytes_per_element
                       : stack->rope_forward_bytes_per_element);
}

/* Forward: gate and up in, one out. Backward: those and a gradient in, two gradients out. */
static void activation(struct builder *builder, const struct shapes *shapes, bool backward)
{
    const struct training_software *stack = builder_stack(builder);
    bool gated = builder->training->replica.llm->keys.gated_ffn;
    double passes = gated ? (backward ? 5.0 : 3.0) : (backward ? 3.0 : 2.0);
    pointwise(builder, "activation", MEMORY_SWIGLU, shapes->ffn_columns,
              passes * builder_element_bytes(builder),
              backward ? stack->activation_backward_bytes_per_element
                       : stack->activation_forward_bytes_per_element);
}

static void attention_block(struct builder *builder, const struct shapes *shapes)
{
    builder_norm(builder, "attention norm", false);
    builder_gather_before(builder, "attention all-gather", shapes->qkv.number);
    product_after_gather(builder, &shapes->qkv, product_forward);
    rope(builder, shapes, false);
    builder_attend(builder, false);
}

/* All of a layer but the down product, whose result only the next layer needs. */
static void layer_until_down(struct builder *builder, const struct shapes *shapes)
{
    attention_block(builder, shapes);
    if (builder->training->replica.llm->keys.parallel_blocks) {
        product_forward(builder, &shapes->out); /* summed with the down product's result */
    } else {
        product_and_sum(builder, "attention sum", &shapes->out, product_forward);
        builder_norm(builder, "ffn norm", false);
        builder_gather_before(builder, "ffn all-gather", shapes->up.number);
    }
    product_after_gather(builder, &shapes->up, product_forward);
    activation(builder, shapes, false);
}

static void exchange_copies(struct builder *builder, const char *name, double parameters,
                            double bytes_per_parameter)
{
    const struct training *training = builder->training;
    struct pipeline pipeline = training_pipeline(training);
    bool every_pass = training->sharding == SHARDING_FSDP && pipeline.stages == 1;
    bool alone = training_data_group(training).ranks == 1;
    double times = every_pass ? 1.0 : 1.0 / pipeline.micro_batches;
    if (bytes_per_parameter > 0.0 && !alone) {
        builder_memory(builder, name, MEMORY_COPY, 1, (uint64_t)parameters,
                       times * bytes_per_parameter);
    }
}

void builder_gather_copies(struct builder *builder, double parameters)
{
    const struct training_software *stack = builder_stack(builder);
    if (builder->training->sharding == SHARDING_FSDP) {
        exchange_copies(builder, "gather copy", parameters,
                        stack->gather_copy_bytes_per_parameter +
                            stack->shard_copy_bytes_per_parameter /
                                training_data_group(builder->training).ranks);
    }
}

void builder_reduce_copies(struct builder *builder, double parameters)
{
    if (builder->training->adapter_rank == 0) {
        exchange_copies(builder, "reduce copy", parameters,
                        builder_stack(builder)->reduce_copy_bytes_per_parameter);
    }
}

static void weight_casts(struct builder *builder)
{
    double bytes = builder_stack(builder)->weight_cast_bytes_per_parameter;
    if (bytes > 0.0) {
        double parameters = training_layer_parameters(&builder->training->replica);
        builder_memory(builder, "weight cast", MEMORY_COPY, 1, (uint64_t)parameters, bytes);
    }
}

/* LoRA: two thin products and a sum beside a frozen linear layer; backward, their gradients. */
static void adapter(struct builder *builder, const struct product *product, bool backward)
{
    uint64_t rank = builder->training->adapter_rank;
    if (rank == 0) {
        return;
    }
    struct number plain = {.format = builder->training->replica.precision->activations};
    struct product down = {
        .name = "adapter", .columns = rank, .depth = product->depth, .number = plain};
    struct product up = {
        .name = "adapter", .columns = product->columns, .depth = rank, .number = plain};
    if (backward) {
        product_row_backward(builder, "", &up, GRADIENTS_BOTH);
        product_row_backward(builder, "", &down, GRADIENTS_BOTH);
    } else {
        product_forward(builder, &down);
        product_forward(builder, &up);
    }
    builder_memory(builder, "adapter sum", MEMORY_COPY, builder->tokens,
                   backward ? product->depth : product->columns,
                   3.0 * builder_element_bytes(builder));
}

void layer_forward(struct builder *builder)
{
    struct shapes shapes = layer_shapes(builder->training);
    builder_gather_copies(builder, training_layer_parameters(&builder->training->replica));
    weight_casts(builder);
    builder_host(builder, "layer", builder_stack(builder)->layer_seconds);
    layer_until_down(builder, &shapes);
    product_and_sum(builder, "ffn sum", &shapes.down, product_forward);
    adapter(builder, &shapes.qkv, false);
    adapter(builder, &shapes.out, false);
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
    key.parts[0] = up.parts[0] = 0;
    up.columns = shapes.ffn_columns;
    builder_norm(builder, "attention norm", false);
    builder_gather_before(builder, "attention all-gather", shapes.qkv.number);
    product_after_gather(builder, &key, product_forward);
    rope(builder, &shapes, false);
    product_and_sum(builder, "attention sum", &shapes.out, product_forward);
    builder_norm(builder, "ffn norm", false);
    builder_gather_before(builder, "ffn all-gather", shapes.up.number);
    product_after_gather(builder, &up, product_forward);
    activation(builder, &shapes, false);
}

void layer_backward(struct builder *builder, enum gradients gradients)
{
    struct shapes shapes = layer_shapes(builder->training);
    bool parallel = builder->training->replica.llm->keys.parallel_blocks;
    if (builder->training->adapter_rank > 0) {
        gradients = GRADIENTS_INPUT;
    }
    builder_host(builder, "layer", 2.0 * builder_stack(builder)->layer_seconds);
    if (!builder->training->keeps_gathered) {
        builder_gather_copies(builder, training_layer_parameters(&builder->training->replica));
    }
    layer_recompute(builder);
    product_row_backward(builder, "ffn gradient all-gather", &shapes.down, gradients);
    activation(builder, &shapes, true);
    product_column_backward(builder, "ffn gradient sum", &shapes.up, gradients);
    if (!parallel) {
        builder_norm(builder, "ffn norm", true);
    }
    product_row_backward(builder, "attention gradient all-gather", &shapes.out, gradients);
    builder_attend(builder, true);
    rope(builder, &shapes, true);
    product_column_backward(builder, "attention gradient sum", &shapes.qkv, gradients);
    builder_norm(builder, "attention norm", true);
    adapter(builder, &shapes.out, true);
    adapter(builder, &shapes.qkv, true);
    weight_casts(builder);
    builder_reduce_copies(builder, training_layer_parameters(&builder->training->replica));
}

void layer_weights(struct builder *builder)
{
    if (builder->training->adapter_rank > 0) {
        return;
    }
    struct shapes shapes = layer_shapes(builder->training);
    product_weight_gradient(builder, &shapes.down);
    product_weight_gradient(builder, &shapes.up);
    product_weight_gradient(builder, &shapes.out);
    product_weight_gradient(builder, &shapes.qkv);
}
