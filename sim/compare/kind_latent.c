/* SPDX-License-Identifier: MIT
 * Multi-head latent attention: its kernel alone, as an engine's benchmark runs it on the same cache
 * again and again, and with its projections, norms and rotary embedding (`what` module). */
#include "models/kernels/latent_attention.h"
#include "sim/compare/module.h"
#include "sim/compare/shapes.h"

enum { PREFILL, DECODE };

/* DeepSeek V3's sizes, which the tables have no columns for. */
enum { HIDDEN = 7168, QUERY_RANK = 1536, RANK = 512, ROPE = 64, NOPE = 128, VALUE = 128 };

static const char *const columns[] = {"engine",     "what",    "phase",    "heads",   "batch",
                                      "new_tokens", "context", "kv_dtype", "time_us", NULL};

static struct memory_shape elements_kernel(enum memory_kernel kernel, double rows, double columns_,
                                           bool fused)
{
    return (struct memory_shape){.kernel = kernel,
                                 .rows = (uint64_t)rows,
                                 .columns = (uint64_t)columns_,
                                 .bytes = 3.0 * rows * columns_, /* two bytes of one, one of the
                                                                    other */
                                 .fused = fused};
}

static void predict_kernel(struct measurement *row, const struct latent_kernels *library,
                           struct latent_shape shape, bool narrow, int phase)
{
    const struct gpu *gpu = row->machine.gpu;
    /* SGLang's rows of prefill take as many FLOPs as absorbed attention has, at every length. */
    bool absorbed = phase == DECODE || measurement_is(row, "engine", "sglang");
    const struct kernel_variants *variants = phase == DECODE ? &library->decode
                                             : absorbed      ? &library->absorbed
                                                             : &library->expanded;
    bool casts = narrow && library->casts_cache;
    struct kernel_work works[2];
    size_t count = 0;
    double tokens = (double)shape.sequences * (double)shape.keys;
    shape.absorbed = absorbed;
    shape.cache = narrow && absorbed && !casts ? FORMAT_FP8 : FORMAT_BF16;
    if (casts) {
        struct memory_shape cast = elements_kernel(MEMORY_DEQUANTISE, tokens, RANK + ROPE, false);
        works[count++] = memory_kernel_work(gpu, &cast);
    } else if (narrow && !absorbed && variants->narrow.start_seconds > 0.0) {
        struct memory_shape quantise = elements_kernel(MEMORY_QUANTISE_ROW, tokens * shape.heads,
                                                       2.0 * (NOPE + ROPE) + VALUE, true);
        works[count++] = memory_kernel_work(gpu, &quantise);
    }
    works[count++] =
        latent_attention_work(gpu, kernel_variant(variants, narrow && !casts, shape.heads), &shape);
    row_compare_works(row, works, count,
                      engine_class(row, "latent attention",
                                   phase == DECODE ? "decode"
                                   : absorbed      ? "prefill absorbed"
                                                   : "prefill"));
}

static void predict_module(struct measurement *row, uint32_t heads)
{
    struct mixer mixer = {.kind = MIXER_LATENT,
                          .latent = {.query_heads = heads,
                                     .query_rank = QUERY_RANK,
                                     .kv_rank = RANK,
                                     .rope_size = ROPE,
                                     .nope_size = NOPE,
                                     .value_head_size = VALUE}};
    struct module_shape shape = {.mixer = &mixer,
                                 .hidden = HIDDEN,
                                 .precision = row_module_precision(row),
                                 .slice = row_module_slice(row)};
    if (row->wrong) {
        return;
    }
    bool decode = shape.slice.phase == PHASE_DECODE;
    double seconds = module_seconds(row, &shape);
    measurement_compare(row,
                        engine_class(row, "latent attention module", decode ? "decode" : "prefill"),
                        "time_us", 1e6 * seconds);
}

static void predict(struct measurement *row)
{
    static const struct measurement_choice phases[] = {
        {"prefill", PREFILL}, {"decode", DECODE}, {NULL, 0}};
    static const struct measurement_choice caches[] = {{"bfloat16", 0}, {"fp8", 1}, {NULL, 0}};
    int phase = measurement_choice(row, "phase", phases);
    bool narrow = measurement_choice(row, "kv_dtype", caches) == 1;
    struct latent_shape shape = {
        .sequences = measurement_count(row, "batch", 1, ROW_MOST),
        .queries = measurement_count(row, "new_tokens", 1, ROW_MOST),
        .keys = measurement_count(row, "context", 1, ROW_MOST),
        .heads = (uint32_t)measurement_count(row, "heads", 1, ROW_MOST),
        .rank = RANK,
        .rope = ROPE,
        .nope = NOPE,
        .value = VALUE,
        .warm = true,
    };
    if (!row->wrong && shape.keys < shape.queries) {
        measurement_complain(row, "context", "new tokens are part of the context");
    }
    const struct kernel_library *engine = row_engine_kernels(row);
    if (row->wrong) {
        return;
    }
    if (measurement_is(row, "what", "module")) {
        predict_module(row, shape.heads);
        return;
    }
    if (phase == DECODE) {
        shape.keys += 1; /* context: in the cache, before the new token */
    }
    predict_kernel(row, &engine->mixers.latent, shape, narrow, phase);
}

const struct measurement_kind kind_latent = {
    .name = "latent-attention",
    .doc = "multi-head latent attention of DeepSeek V3's sizes",
    .columns = columns,
    .software = "vllm",
    .predict = predict,
};
