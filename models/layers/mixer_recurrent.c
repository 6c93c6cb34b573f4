/* SPDX-License-Identifier: MIT
 * Mixers whose state is a vector: Griffin's gated linear recurrence and the gated short convolution
 * of LFM2. Between the projections both are a convolution and kernels bound by memory. */
#include "models/layers/layer_rows.h"

#include "models/layers/scan_core.h"

static uint64_t width_of(const struct replica *replica, const struct mixer *mixer)
{
    uint64_t width =
        mixer->kind == MIXER_RECURRENT ? mixer->recurrent.width : mixer->convolution.width;
    return divide_up(width, replica->layout->tensor);
}

static struct scan_core core_of(const struct replica *replica, const struct mixer *mixer)
{
    bool recurrent = mixer->kind == MIXER_RECURRENT;
    uint32_t taps = recurrent ? mixer->recurrent.convolution : mixer->convolution.taps;
    return (struct scan_core){
        .family = &replica->software->kernels.mixers.state_space,
        .channels = taps > 0 ? width_of(replica, mixer) : 0,
        .taps = taps,
    };
}

static void recurrent_half(const struct replica *replica, const struct mixer *mixer,
                           struct half *half)
{
    double element = format_bytes(replica->precision->activations);
    uint64_t width = width_of(replica, mixer);
    struct weight_list list = {.count = 0};
    mixer_rows[mixer->kind]->weights(mixer, replica->llm->hidden, &list);
    half_product(half, &list, "in", true);
    half_core(half, "convolution", mixer);
    if (mixer->kind == MIXER_RECURRENT) {
        half_product(half, &list, "gates", false);
        /* The state passes along: two gates and an input in, the state out. */
        half_pointwise(half, "recurrence", MEMORY_COPY, width, 4.0 * element, 8.0 * element);
    }
    half_pointwise(half, "gate", MEMORY_SWIGLU, width, 3.0 * element, 5.0 * element);
    half_product(half, &list, "out", true)->again = AGAIN_WHOLE;
}

static void recurrent_infer(struct layer_builder *builder, const struct mixer *mixer)
{
    struct scan_core core = core_of(builder->replica, mixer);
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        scan_core_convolve(builder, &core, &builder->batch->slices[i]);
    }
}

/* Of a token, elements: what the projection made, what was convolved and gated. */
static double elements_of(const struct replica *replica, const struct mixer *mixer)
{
    return (mixer->kind == MIXER_RECURRENT ? 7.0 : 5.0) * (double)width_of(replica, mixer);
}

static double recurrent_working_bytes(const struct replica *replica, const struct mixer *mixer,
                                      const struct batch *batch, enum ring_variant variant,
                                      double tokens)
{
    (void)batch, (void)variant;
    return tokens * elements_of(replica, mixer) * format_bytes(replica->precision->activations);
}

static const char *recurrent_refusal(const struct mixer *mixer)
{
    return mixer->kind == MIXER_RECURRENT
               ? "its state passes along all tokens of a sequence, element by element: ranks would "
                 "wait for each other"
               : "its taps reach over the ends of a ring's shards";
}

const struct mixer_passes mixer_recurrent_passes = {
    .context_refusal = recurrent_refusal,
    .half = recurrent_half,
    .infer = recurrent_infer,
    .working_bytes = recurrent_working_bytes,
};

const struct mixer_passes mixer_convolution_passes = {
    .context_refusal = recurrent_refusal,
    .half = recurrent_half,
    .infer = recurrent_infer,
    .working_bytes = recurrent_working_bytes,
};
