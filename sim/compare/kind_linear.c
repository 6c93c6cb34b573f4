/* SPDX-License-Identifier: MIT
 * Kernels of linear attention and state spaces, as an engine's benchmark runs them: the same states
 * again and again. */
#include "models/kernels/scan.h"
#include "sim/compare/shapes.h"

#include <string.h>

enum linear_kernel { SCAN, STATE_STEP, CONVOLUTION, CONVOLUTION_STEP, STEP_OF_ALL };

static const char *const columns[] = {"engine",     "op",          "kernel",    "phase",
                                      "batch",      "tokens_each", "key_heads", "value_heads",
                                      "value_head", "convolution", "time_us",   NULL};

/* What engines call them. */
static const struct measurement_choice kernels[] = {
    {"chunk_gated_delta_rule", SCAN},
    {"chunk_gated_delta_rule_flashinfer", SCAN},
    {"flashkda_fwd", SCAN},
    {"mamba_chunk_scan_combined", SCAN},
    {"fused_recurrent_gated_delta_rule", STATE_STEP},
    {"fused_recurrent_gated_delta_rule_packed_decode", STATE_STEP},
    {"fused_recurrent_kda_packed_decode", STATE_STEP},
    {"selective_state_update", STATE_STEP},
    {"fused_kda_decode", STEP_OF_ALL}, /* convolution and state */
    {"causal_conv1d_fn", CONVOLUTION},
    {"causal_conv1d_fn_qkv3", CONVOLUTION},
    {"causal_conv1d_update", CONVOLUTION_STEP},
    {NULL, 0}};

enum mixer_op { GDN, KDA, MAMBA2 };

static uint32_t count_or(struct measurement *row, const char *column, uint32_t otherwise)
{
    return measurement_has(row, column) ? (uint32_t)measurement_count(row, column, 1, ROW_MOST)
                                        : otherwise;
}

static struct scan_shape row_scan(struct measurement *row)
{
    struct scan_shape shape = {
        .sequences = measurement_count(row, "batch", 1, ROW_MOST),
        .tokens = measurement_count(row, "tokens_each", 1, ROW_MOST),
        .value_heads = (uint32_t)measurement_count(row, "value_heads", 1, ROW_MOST),
        .value_size = (uint32_t)measurement_count(row, "value_head", 1, ROW_MOST),
        .warm = true,
    };
    /* A state space's keys and queries are its B and C: `groups` of `state` elements. */
    shape.key_heads = count_or(row, measurement_has(row, "key_heads") ? "key_heads" : "groups", 1);
    shape.key_size = count_or(row, measurement_has(row, "key_head") ? "key_head" : "state", 1);
    return shape;
}

/* All of queries, keys and values. TensorRT-LLM's rows of a gated delta net take as long for 32
 * value heads as for 48: theirs are of the keys' channels alone. */
static struct convolution_shape row_convolution(struct measurement *row,
                                                const struct scan_shape *scan, enum mixer_op op)
{
    uint64_t keys = (uint64_t)scan->key_heads * scan->key_size;
    uint64_t values = (uint64_t)scan->value_heads * scan->value_size;
    bool keys_alone = op == GDN && measurement_is(row, "engine", "trtllm");
    return (struct convolution_shape){
        .sequences = scan->sequences,
        .tokens = scan->tokens,
        .channels = keys_alone ? keys : 2 * keys + values,
        .taps = (uint32_t)measurement_count(row, "convolution", 1, 1024),
        .warm = true,
    };
}

static const struct linear_kernels *library_of(const struct mixer_kernels *kernels_of,
                                               enum mixer_op op)
{
    switch (op) {
    case KDA:
        return &kernels_of->channel_linear;
    case MAMBA2:
        return &kernels_of->state_space;
    case GDN:
        break;
    }
    return &kernels_of->linear;
}

static const char *class_of(struct measurement *row, enum mixer_op op, enum linear_kernel kernel)
{
    static const char *const mixers[] = {
        [GDN] = "gated delta net", [KDA] = "Kimi delta attention", [MAMBA2] = "Mamba-2"};
    static const char *const kernels_of[] = {[SCAN] = "chunks",
                                             [STATE_STEP] = "decode",
                                             [CONVOLUTION] = "convolution",
                                             [CONVOLUTION_STEP] = "convolution of decode",
                                             [STEP_OF_ALL] = "decode"};
    return engine_class(row, mixers[op], kernels_of[kernel]);
}

static void predict(struct measurement *row)
{
    static const struct measurement_choice ops[] = {
        {"gdn", GDN}, {"kda", KDA}, {"mamba2", MAMBA2}, {NULL, 0}};
    enum mixer_op op = (enum mixer_op)measurement_choice(row, "op", ops);
    enum linear_kernel kernel = (enum linear_kernel)measurement_choice(row, "kernel", kernels);
    struct scan_shape scan = row_scan(row);
    struct convolution_shape convolution = row_convolution(row, &scan, op);
    const struct kernel_library *engine = row_engine_kernels(row);
    if (row->wrong) {
        return;
    }
    const struct gpu *gpu = row->machine.gpu;
    const struct linear_kernels *library = library_of(&engine->mixers, op);
    struct kernel_work works[2];
    size_t count = 1;
    switch (kernel) {
    case SCAN:
        works[0] = scan_work(gpu, &library->scan.wide, &scan);
        break;
    case STATE_STEP:
        works[0] = state_step_work(gpu, &library->state_step.wide, &scan);
        break;
    case CONVOLUTION:
        works[0] = convolution_work(gpu, &library->convolution.wide, &convolution);
        break;
    case CONVOLUTION_STEP:
        works[0] = convolution_work(gpu, &library->convolution_step.wide, &convolution);
        break;
    case STEP_OF_ALL:
        works[0] = convolution_work(gpu, &library->convolution_step.wide, &convolution);
        works[1] = state_step_work(gpu, &library->state_step.wide, &scan);
        count = 2;
        break;
    }
    row_compare_works(row, works, count, class_of(row, op, kernel));
}

const struct measurement_kind kind_linear = {
    .name = "linear-attention",
    .doc = "kernels of gated delta nets, Kimi delta attention, Mamba-2",
    .columns = columns,
    .predict = predict,
};
