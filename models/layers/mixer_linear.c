/* SPDX-License-Identifier: MIT
 * Lightning attention in a layer's passes: a decaying state a head, without convolution. Its
 * kernels are taken to run as a gated delta net's do; none was measured. */
#include "models/layers/layer_rows.h"

#include "models/layers/scan_core.h"

static struct scan_core core_of(const struct replica *replica, const struct mixer *mixer)
{
    const struct linear *it = &mixer->linear;
    uint32_t heads = replica_heads(replica, it->heads);
    return (struct scan_core){
        .family = &replica->software->kernels.mixers.linear,
        .key_heads = heads,
        .value_heads = heads,
        .key_size = it->head_size,
        .value_size = it->head_size,
    };
}

static uint64_t width_of(const struct scan_core *core)
{
    return (uint64_t)core->value_heads * core->value_size;
}

static void linear_half(const struct replica *replica, const struct mixer *mixer, struct half *half)
{
    static const char *const names[] = {"qkv", "gate", NULL};
    double element = format_bytes(replica->precision->activations);
    struct scan_core core = core_of(replica, mixer);
    struct weight_list list = {.count = 0};
    mixer_rows[MIXER_LINEAR]->weights(mixer, replica->llm->hidden, &list);
    half_joined(half, &list, "qkv+gate", names, true);
    half_core(half, "linear attention", mixer);
    half_pointwise(half, "norm and gate", MEMORY_SWIGLU, width_of(&core), 3.0 * element,
                   6.0 * element);
    half_product(half, &list, "out", true)->again = AGAIN_WHOLE;
}

static void linear_infer(struct layer_builder *builder, const struct mixer *mixer)
{
    struct scan_core core = core_of(builder->replica, mixer);
    scan_core_infer(builder, &core);
}

static void linear_train(struct train_builder *builder, const struct mixer *mixer, bool backward)
{
    struct scan_core core = core_of(builder->training->replica, mixer);
    scan_core_train(builder, &core, backward);
}

static double linear_working_bytes(const struct replica *replica, const struct mixer *mixer,
                                   const struct batch *batch, enum ring_variant variant,
                                   double tokens)
{
    struct scan_core core = core_of(replica, mixer);
    (void)batch, (void)variant;
    return tokens * (scan_core_elements(&core) + (double)width_of(&core)) *
           format_bytes(replica->precision->activations);
}

static void linear_kept(const struct layer_training *training, const struct mixer *mixer,
                        struct kept *kept)
{
    const struct replica *replica = training->replica;
    struct scan_core core = core_of(replica, mixer);
    double element = format_bytes(replica->precision->activations);
    double listed = scan_core_elements(&core);
    train_keep_input(training, replica->precision->attention_weights, 1.0, kept);
    kept_add(kept, KEPT_ATTENTION, UNDER_LISTED, listed * element);
    kept_add(kept, KEPT_QKV, UNDER_PLAIN,
             (scan_core_elements(&core) + 2.0 * (double)width_of(&core) - listed) * element);
}

const struct mixer_passes mixer_linear_passes = {
    .half = linear_half,
    .infer = linear_infer,
    .train = linear_train,
    .working_bytes = linear_working_bytes,
    .kept = linear_kept,
};
