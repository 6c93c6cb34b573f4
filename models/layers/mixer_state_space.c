/* SPDX-License-Identifier: MIT
 * Mamba and Mamba-2 in a layer's passes. Tensor ranks share heads (Mamba: channels) and groups.
 * Mamba's step, B and C are a product of the convolved channels of all ranks: a sum between. */
#include "models/layers/layer_rows.h"

#include "models/layers/scan_core.h"

enum { CHANNEL_BLOCK = 64 }; /* of Mamba's channels, each a head of its own, on an SM at a time */

static uint32_t ranks_of(const struct replica *replica)
{
    return replica->layout->tensor;
}

static bool is_mamba(const struct state_space *it)
{
    return it->step_rank > 0;
}

static struct scan_core core_of(const struct replica *replica, const struct mixer *mixer)
{
    const struct state_space *it = &mixer->state_space;
    struct scan_core core = {
        .family = &replica->software->kernels.mixers.state_space,
        .key_heads = replica_heads(replica, it->groups > 0 ? it->groups : 1),
        .value_heads = replica_heads(replica, it->heads),
        .key_size = it->state_size,
        .value_size = it->head_size,
        .taps = it->convolution,
    };
    uint64_t inner = (uint64_t)core.value_heads * it->head_size;
    core.channels = inner + 2 * (uint64_t)core.key_heads * it->state_size;
    if (is_mamba(it)) {
        inner = divide_up((uint64_t)it->heads * it->head_size, ranks_of(replica));
        core.channels = inner;
        core.key_heads = 1;
        core.value_heads = (uint32_t)divide_up(inner, CHANNEL_BLOCK);
        core.value_size = CHANNEL_BLOCK;
    }
    if (it->convolution == 0) {
        core.channels = 0;
    }
    return core;
}

static uint64_t inner_of(const struct replica *replica, const struct mixer *mixer)
{
    const struct state_space *it = &mixer->state_space;
    return is_mamba(it) ? divide_up((uint64_t)it->heads * it->head_size, ranks_of(replica))
                        : (uint64_t)replica_heads(replica, it->heads) * it->head_size;
}

static void state_space_half(const struct replica *replica, const struct mixer *mixer,
                             struct half *half)
{
    double element = format_bytes(replica->precision->activations);
    uint64_t inner = inner_of(replica, mixer);
    struct weight_list list = {.count = 0};
    mixer_rows[MIXER_STATE_SPACE]->weights(mixer, replica->llm->hidden, &list);
    half_product(half, &list, "in", true);
    if (is_mamba(&mixer->state_space)) { /* in inference between convolution and scan */
        half_product(half, &list, "step, B, C", false)->of_training = true;
        half_product(half, &list, "step up", false)->of_training = true;
    }
    half_core(half, "state space", mixer);
    half_pointwise(half, "norm and gate", MEMORY_SWIGLU, inner, 3.0 * element, 6.0 * element);
    half_product(half, &list, "out", true)->again = AGAIN_WHOLE;
}

/* Step, B and C of Mamba. */
static void inner_products(struct layer_builder *builder, const struct mixer *mixer,
                           const struct batch_slice *slice)
{
    const struct state_space *it = &mixer->state_space;
    const struct replica *replica = builder->replica;
    uint64_t inner = inner_of(replica, mixer);
    uint64_t tokens = slice_rank_tokens(slice, replica->layout->context);
    struct layer_matrices down = {
        .rows = tokens, .columns = it->step_rank + 2 * (uint64_t)it->state_size, .depth = inner};
    struct layer_matrices up = {.rows = tokens, .columns = inner, .depth = it->step_rank};
    layer_product(builder, "step, B, C", down, builder->precision->attention_weights, false);
    if (ranks_of(replica) > 1) {
        layer_append(
            builder,
            layer_collective(builder, "step, B, C all-reduce", GROUP_TENSOR, COLLECTIVE_ALL_REDUCE,
                             (double)(tokens * down.columns) * layer_activation_bytes(builder)));
    }
    layer_product(builder, "step up", up, builder->precision->attention_weights, false);
}

static void state_space_infer(struct layer_builder *builder, const struct mixer *mixer)
{
    struct scan_core core = core_of(builder->replica, mixer);
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        const struct batch_slice *slice = &builder->batch->slices[i];
        scan_core_convolve(builder, &core, slice);
        if (is_mamba(&mixer->state_space)) {
            inner_products(builder, mixer, slice);
        }
        scan_core_pass(builder, &core, slice);
    }
}

static void state_space_train(struct train_builder *builder, const struct mixer *mixer,
                              bool backward)
{
    struct scan_core core = core_of(builder->training->replica, mixer);
    scan_core_train(builder, &core, backward);
}

static double state_space_working_bytes(const struct replica *replica, const struct mixer *mixer,
                                        const struct batch *batch, enum ring_variant variant,
                                        double tokens)
{
    struct scan_core core = core_of(replica, mixer);
    (void)batch, (void)variant;
    return tokens * (scan_core_elements(&core) + (double)inner_of(replica, mixer)) *
           format_bytes(replica->precision->activations);
}

/* The product's input, what is convolved and scanned, the gate, the gated result. */
static void state_space_kept(const struct layer_training *training, const struct mixer *mixer,
                             struct kept *kept)
{
    const struct replica *replica = training->replica;
    struct scan_core core = core_of(replica, mixer);
    double element = format_bytes(replica->precision->activations);
    double listed = scan_core_elements(&core) - (double)core.channels;
    train_keep_input(training, replica->precision->attention_weights, 1.0, kept);
    kept_add(kept, KEPT_ATTENTION, UNDER_LISTED, listed * element);
    kept_add(kept, KEPT_QKV, UNDER_PLAIN,
             (scan_core_elements(&core) + 2.0 * (double)inner_of(replica, mixer) - listed) *
                 element);
}

const struct mixer_passes mixer_state_space_passes = {
    .half = state_space_half,
    .infer = state_space_infer,
    .train = state_space_train,
    .working_bytes = state_space_working_bytes,
    .kept = state_space_kept,
};
