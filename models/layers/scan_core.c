/* SPDX-License-Identifier: MIT */
#include "models/layers/scan_core.h"

#include "models/kernels/kernel_default.h"

/* Tokens and sequences of a slice on one of the context ranks. */
struct share {
    uint64_t sequences, tokens;
};

static struct share share_of(const struct layer_builder *builder, const struct batch_slice *slice)
{
    uint32_t ranks = builder->replica->layout->context;
    return slice->phase == PHASE_DECODE
               ? (struct share){context_decode_tokens(slice->sequences, ranks), slice->new_tokens}
               : (struct share){slice->sequences, context_prefill_tokens(slice->new_tokens, ranks)};
}

static struct scan_shape scan_of(const struct scan_core *core, struct share share)
{
    return (struct scan_shape){.sequences = share.sequences,
                               .tokens = share.tokens,
                               .key_heads = core->key_heads,
                               .value_heads = core->value_heads,
                               .key_size = core->key_size,
                               .value_size = core->value_size};
}

static struct convolution_shape convolution_of(const struct scan_core *core, struct share share)
{
    return (struct convolution_shape){.sequences = share.sequences,
                                      .tokens = share.tokens,
                                      .channels = core->channels,
                                      .taps = core->taps};
}

void scan_core_convolve(struct layer_builder *builder, const struct scan_core *core,
                        const struct batch_slice *slice)
{
    const struct gpu *gpu = builder->replica->gpu;
    struct linear_kernels library = linear_kernels_of(core->family, gpu);
    struct convolution_shape shape = convolution_of(core, share_of(builder, slice));
    if (core->channels > 0) {
        const struct kernel_variants *kernel =
            shape.tokens == 1 ? &library.convolution_step : &library.convolution;
        layer_kernel(builder, "convolution", convolution_work(gpu, &kernel->wide, &shape));
    }
}

/* What a chunk does to a state: adds one, and multiplies with a matrix or a number. */
static double chunk_bytes(const struct scan_core *core)
{
    double added = (double)core->key_size * core->value_size;
    double factor = core->transitions ? (double)core->key_size * core->key_size : 0.0;
    return core->value_heads * (added + factor) * format_bytes(FORMAT_FP32);
}

/* Each rank has the chunks i and 2N-1-i of 2N. */
static void exchange_states(struct layer_builder *builder, const struct scan_core *core,
                            struct share share)
{
    double ranks = builder->replica->layout->context;
    double bytes = 2.0 * ranks * (double)share.sequences * chunk_bytes(core);
    layer_append(builder, layer_collective(builder, "state all-gather", GROUP_CONTEXT,
                                           COLLECTIVE_ALL_GATHER, bytes));
    /* Queries read what came before their chunk; outputs are read and written. */
    uint64_t columns = (uint64_t)core->key_heads * core->key_size +
                       2 * (uint64_t)core->value_heads * core->value_size;
    layer_memory(builder, "correct outputs", MEMORY_MERGE, share.sequences * share.tokens, columns,
                 layer_activation_bytes(builder));
}

void scan_core_pass(struct layer_builder *builder, const struct scan_core *core,
                    const struct batch_slice *slice)
{
    const struct gpu *gpu = builder->replica->gpu;
    struct linear_kernels library = linear_kernels_of(core->family, gpu);
    struct share share = share_of(builder, slice);
    struct scan_shape shape = scan_of(core, share);
    if (share.tokens == 1) {
        layer_kernel(builder, "state step", state_step_work(gpu, &library.state_step.wide, &shape));
        return;
    }
    layer_kernel(builder, "scan", scan_work(gpu, &library.scan.wide, &shape));
    if (builder->replica->layout->context > 1 && slice->phase == PHASE_PREFILL) {
        exchange_states(builder, core, share);
    }
}

void scan_core_infer(struct layer_builder *builder, const struct scan_core *core)
{
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        scan_core_convolve(builder, core, &builder->batch->slices[i]);
        scan_core_pass(builder, core, &builder->batch->slices[i]);
    }
}

static void train_kernel(struct train_builder *builder, const char *name, struct kernel_work work)
{
    builder_append(builder, (struct step_operator){.kind = OPERATOR_KERNEL,
                                                   .stream = STREAM_COMPUTE,
                                                   .name = name,
                                                   .kernel = work});
}

/* Backward, states are passed along once more and their gradients back: twice the work. */
static struct kernel_work times(struct kernel_work work, double factor)
{
    work.fixed_seconds *= factor;
    work.sm_cycles *= factor;
    work.memory_seconds *= factor;
    work.flops *= factor;
    work.bytes *= factor;
    work.core_joules *= factor;
    work.memory_joules *= factor;
    return work;
}

void scan_core_train(struct train_builder *builder, const struct scan_core *core, bool backward)
{
    const struct layer_training *training = builder->training;
    const struct gpu *gpu = training->replica->gpu;
    struct linear_kernels library = linear_kernels_of(core->family, gpu);
    struct share share = {training->micro_batch, builder->tokens / training->micro_batch};
    struct scan_shape scan = scan_of(core, share);
    struct convolution_shape convolution = convolution_of(core, share);
    struct kernel_work scanned = scan_work(gpu, &library.scan.wide, &scan);
    if (backward) {
        train_kernel(builder, "scan backward", times(scanned, 2.0));
    }
    if (core->channels > 0) {
        struct kernel_work convolved =
            convolution_work(gpu, &library.convolution.wide, &convolution);
        train_kernel(builder, backward ? "convolution backward" : "convolution",
                     times(convolved, backward ? 2.0 : 1.0));
    }
    if (!backward) {
        train_kernel(builder, "scan", scanned);
    }
    if (training->replica->layout->context > 1) {
        double ranks = training->replica->layout->context;
        builder_append(
            builder,
            builder_collective(builder, "state all-gather", GROUP_CONTEXT, COLLECTIVE_ALL_GATHER,
                               2.0 * ranks * (double)share.sequences * chunk_bytes(core)));
    }
}

double scan_core_elements(const struct scan_core *core)
{
    double keys = (double)core->key_heads * core->key_size;
    double values = (double)core->value_heads * core->value_size;
    return (double)core->channels + 2.0 * keys + 2.0 * values;
}
