/* SPDX-License-Identifier: MIT
 * The feed-forward block that all tokens go through, in a layer's passes. */
#include "models/layers/ffn_block.h"

static uint64_t columns_of(const struct replica *replica, uint32_t inner)
{
    return divide_up(inner, replica->layout->tensor);
}

/* Kernels that a stack has in training and others fuse; a clamp is computed again with the
 * activation behind it. */
static void counted(struct half *half, const char *name, uint64_t columns, double forward_bytes,
                    double backward_bytes)
{
    if (forward_bytes > 0.0) {
        struct half_op *op =
            half_pointwise(half, name, MEMORY_COPY, columns, forward_bytes, backward_bytes);
        op->pointwise = POINTWISE_COUNTED;
        op->of_training = true;
    }
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
    const struct training_software *stack = &replica->software->training;
    uint64_t inner = divide_up(block->inner, block->cut);
    if (block->clamp) {
        counted(half, "clamp", (uint64_t)gates * inner, stack->clamp_forward_bytes_per_element,
                stack->clamp_backward_bytes_per_element);
    }
    /* Forward: gate and up in, one out. Backward: those and a gradient in, two gradients out. */
    struct half_op *activation =
        half_pointwise(half, "activation", MEMORY_SWIGLU, inner, (gates + 1.0) * element,
                       (2.0 * gates + 1.0) * element);
    activation->pointwise = POINTWISE_ACTIVATION;
    half_product(half, list, block->down, true);
    if (block->adds_bias) {
        counted(half, "experts bias", replica->llm->hidden,
                stack->expert_bias_forward_bytes_per_element,
                stack->expert_bias_backward_bytes_per_element);
    }
}

static void dense_half(const struct replica *replica, const struct ffn *ffn, struct half *half)
{
    struct weight_list list = {.count = 0};
    ffn_rows[FFN_DENSE].weights(ffn, replica->llm->hidden, &list);
    struct ffn_block block = {.up = ffn->gated ? "gate+up" : "up",
                              .down = "down",
                              .inner = ffn->hidden,
                              .cut = replica->layout->tensor,
                              .gated = ffn->gated,
                              .clamp = ffn->clamp};
    ffn_block_half(replica, &block, &list, half);
}

static double dense_working_bytes(const struct replica *replica, const struct ffn *ffn,
                                  double tokens)
{
    return tokens * (ffn->gated ? 3.0 : 2.0) * (double)columns_of(replica, ffn->hidden) *
           format_bytes(replica->precision->activations);
}

/* Of torchtitan's list: gate (the fifth product), and down (the seventh), whose result nothing
 * wants and a compiler drops. */
static void dense_kept(const struct layer_training *training, const struct ffn *ffn,
                       struct kept *kept)
{
    const struct replica *replica = training->replica;
    const struct training_software *stack = &replica->software->training;
    struct number number = replica->precision->ffn_weights;
    double element = format_bytes(replica->precision->activations);
    double gates = ffn->gated ? 2.0 : 1.0;
    double inner = element * ffn->hidden / (double)replica->layout->tensor;
    bool apart = stack->autocast || (stack->gathers_apart && training->sequence_parallel);
    unsigned biased = stack->listed_biased ? UNDER_OPERATORS : 0;
    unsigned down = ffn->bias ? biased : ffn->gated ? UNDER_OPERATORS : 0;

    kept_add(kept, KEPT_GATE_UP, UNDER_PLAIN | (ffn->bias ? biased : UNDER_OPERATORS), inner);
    kept_add(kept, KEPT_GATE_UP, UNDER_PLAIN, (gates - 1.0) * inner);
    if (training->adapter_rank > 0) { /* frozen products need no input for a gradient of weights */
        return;
    }
    train_keep_input(training, number, apart ? gates : 1.0, kept);
    bool twice = ffn->gated && stack->product_tensors > 3.0; /* the gate's activation too */
    kept_add(kept, KEPT_ACTIVATION, UNDER_PLAIN | CHEAP_AGAIN,
             (twice ? stack->product_tensors - 3.0 : 0.0) * inner +
                 inner / element *
                     (stack->product_tensors > 0.0 ? element : train_kept_bytes(training, number)));
    kept_add(kept, KEPT_DOWN, stack->fused_kernels ? 0 : down, element * replica->llm->hidden);
}

const struct ffn_passes ffn_dense_passes = {
    .half = dense_half,
    .working_bytes = dense_working_bytes,
    .kept = dense_kept,
    .trains = true,
};
