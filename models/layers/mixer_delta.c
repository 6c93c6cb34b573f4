/* SPDX-License-Identifier: MIT
 * Gated delta nets and Kimi delta attention in a layer's passes: projections, a short convolution,
 * the delta rule, a norm and a gate. Tensor ranks share heads; what is low-rank each holds whole.
 */
#include "models/layers/layer_rows.h"

#include "models/layers/scan_core.h"

static struct scan_core core_of(const struct replica *replica, const struct mixer *mixer)
{
    const struct delta *delta = &mixer->delta;
    const struct mixer_kernels *kernels = &replica->software->kernels.mixers;
    uint32_t key_heads = replica_heads(replica, delta->key_heads);
    uint32_t value_heads = replica_heads(replica, delta->value_heads);
    return (struct scan_core){
        .family = delta->channel_decay ? &kernels->channel_linear : &kernels->linear,
        .key_heads = key_heads,
        .value_heads = value_heads,
        .key_size = delta->key_size,
        .value_size = delta->value_size,
        .channels = delta->convolution > 0 ? 2 * (uint64_t)key_heads * delta->key_size +
                                                 (uint64_t)value_heads * delta->value_size
                                           : 0,
        .taps = delta->convolution,
        .transitions = true,
    };
}

static void through_rank(struct half *half, const struct weight_list *list, const char *down,
                         const char *up)
{
    if (weights_find(list, down) != NULL) {
        half_product(half, list, down, true);
        half_product(half, list, up, false);
    }
}

static void delta_half(const struct replica *replica, const struct mixer *mixer, struct half *half)
{
    static const char *const wide[] = {"qkv", "gate", NULL};
    static const char *const thin[] = {"beta", "decay", NULL};
    static const char *const beta[] = {"beta", NULL};
    double element = format_bytes(replica->precision->activations);
    struct scan_core core = core_of(replica, mixer);
    uint64_t values = (uint64_t)core.value_heads * core.value_size;
    struct weight_list list = {.count = 0};
    mixer_rows[MIXER_DELTA]->weights(mixer, replica->llm->hidden, &list);

    bool gate_apart = weights_find(&list, "gate down") != NULL;
    if (gate_apart) {
        half_product(half, &list, "qkv", true);
    } else {
        half_joined(half, &list, "qkv+gate", wide, true);
    }
    half_joined(half, &list, "beta and decay",
                weights_find(&list, "decay down") != NULL ? beta : thin, true);
    through_rank(half, &list, "decay down", "decay");
    through_rank(half, &list, "gate down", "gate");
    half_core(half, "delta rule", mixer);
    half_pointwise(half, "norm and gate", MEMORY_SWIGLU, values, 3.0 * element, 6.0 * element);
    half_product(half, &list, "out", true)->again = AGAIN_WHOLE;
}

static void delta_infer(struct layer_builder *builder, const struct mixer *mixer)
{
    struct scan_core core = core_of(builder->replica, mixer);
    scan_core_infer(builder, &core);
}

static void delta_train(struct train_builder *builder, const struct mixer *mixer, bool backward)
{
    struct scan_core core = core_of(builder->training->replica, mixer);
    scan_core_train(builder, &core, backward);
}

/* What goes into convolution and rule and comes out, and the gate. */
static double elements_of(const struct scan_core *core)
{
    return scan_core_elements(core) + (double)core->value_heads * core->value_size;
}

static double delta_working_bytes(const struct replica *replica, const struct mixer *mixer,
                                  const struct batch *batch, enum ring_variant variant,
                                  double tokens)
{
    struct scan_core core = core_of(replica, mixer);
    (void)batch, (void)variant;
    return tokens * elements_of(&core) * format_bytes(replica->precision->activations);
}

static void delta_kept(const struct layer_training *training, const struct mixer *mixer,
                       struct kept *kept)
{
    const struct replica *replica = training->replica;
    struct scan_core core = core_of(replica, mixer);
    double element = format_bytes(replica->precision->activations);
    double listed =
        scan_core_elements(&core) - (double)core.channels; /* the rule's inputs and result */
    double values = (double)core.value_heads * core.value_size;
    train_keep_input(training, replica->precision->attention_weights, 1.0, kept);
    kept_add(kept, KEPT_ATTENTION, UNDER_LISTED, listed * element);
    kept_add(kept, KEPT_QKV, UNDER_PLAIN, (elements_of(&core) + values - listed) * element);
}

const struct mixer_passes mixer_delta_passes = {
    .half = delta_half,
    .infer = delta_infer,
    .train = delta_train,
    .working_bytes = delta_working_bytes,
    .kept = delta_kept,
};
