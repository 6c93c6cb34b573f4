/* SPDX-License-Identifier: MIT
 * The feed-forward block that all tokens go through, in a layer's passes. */
#include "models/layers/ffn_block.h"

static uint64_t columns_of(const struct replica *replica, uint32_t inner)
{
    return divide_up(inner, replica->layout->tensor);
}

void ffn_block_half(const struct replica *replica, const struct ffn_block *block,
                    const struct weight_list *list, struct half *half)
{
    double element = format_bytes(replica->precision->activations);
    double gates = block->gated ? 2.0 : 1.0;
    struct half_op *up = half_product(half, list, block->up, true);
    up->again = AGAIN_PIECE;
    up->again_piece = block->gated ? 1 : 0;
    up->again_name = up->name;
    /* Forward: gate and up in, one out. Backward: those and a gradient in, two gradients out. */
    struct half_op *activation =
        half_pointwise(half, "activation", MEMORY_SWIGLU, divide_up(block->inner, block->cut),
                       (gates + 1.0) * element, (2.0 * gates + 1.0) * element);
    activation->pointwise = POINTWISE_ACTIVATION;
    half_product(half, list, block->down, true);
}

static void dense_half(const struct replica *replica, const struct ffn *ffn, struct half *half)
{
    struct weight_list list = {.count = 0};
    ffn_rows[FFN_DENSE].weights(ffn, replica->llm->hidden, &list);
    struct ffn_block block = {.up = ffn->gated ? "gate+up" : "up",
                              .down = "down",
                              .inner = ffn->hidden,
                              .cut = replica->layout->tensor,
                              .gated = ffn->gated};
    ffn_block_half(replica, &block, &list, half);
}

static double dense_working_bytes(const struct replica *replica, const struct ffn *ffn,
                                  double tokens)
{
    return tokens * (ffn->gated ? 3.0 : 2.0) * (double)columns_of(replica, ffn->hidden) *
           format_bytes(replica->precision->activations);
}

/* Inputs of gate and up and of the down projection, and what the activation takes. */
static double dense_kept_bytes(const struct layer_training *training, const struct ffn *ffn,
                               bool second)
{
    const struct replica *replica = training->replica;
    const struct training_software *stack = &replica->software->training;
    double element = format_bytes(replica->precision->activations);
    double gates = ffn->gated ? 2.0 : 1.0;
    double inner = ffn->hidden / (double)replica->layout->tensor;
    double kept = train_kept_bytes(training, replica->precision->ffn_weights);
    if (second) { /* gate */
        return inner * element;
    }
    if (training->adapter_rank > 0) { /* frozen products need no input for a gradient of weights */
        return gates * inner * element;
    }
    bool apart = stack->autocast || (stack->gathers_apart && training->sequence_parallel);
    double tensors = stack->product_tensors;
    return (apart ? gates : 1.0) * train_kept_inputs(training) * kept +
           (tensors > 0.0 ? tensors * inner * element : gates * inner * element + inner * kept);
}

const struct ffn_passes ffn_dense_passes = {
    .half = dense_half,
    .working_bytes = dense_working_bytes,
    .kept_bytes = dense_kept_bytes,
};
