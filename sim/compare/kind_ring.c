/* SPDX-License-Identifier: MIT
 * Ring attention of one layer over context-parallel GPUs, launched eagerly: with the exchange under
 * way, the exchange alone, attention alone. Tokens are totals over all GPUs. */
#include "sim/compare/calls.h"
#include "sim/compare/shapes.h"
#include "sim/compare/stack.h"

static const char *const ring_columns[] = {
    "model", "variant", "new_tokens",        "cached_tokens", "hq",
    "hk",    "attn_us", "sendrecv_us_alone", "attn_only_us",  NULL};

/* Launched over and over until the clock has settled: kernels alone, 1 s each on an H200, add up to
 * what the table has. */
static const double run_seconds = 1.0;

/* The column that says how many GPUs the ring has: cp, or ranks as other tables call it. */
static const char *ring_size_column(const struct measurement *row)
{
    return measurement_has(row, "cp") || !measurement_has(row, "ranks") ? "cp" : "ranks";
}

static void predict_ring(struct measurement *row)
{
    static const struct measurement_choice variants[] = {
        {"pass-kv", RING_PASS_KV}, {"pass-q", RING_PASS_Q}, {NULL, 0}};
    const char *size = ring_size_column(row);
    const struct llm *named = row_llm(row);
    struct llm llm = named != NULL ? *named : (struct llm){.stack = {.kind_count = 1}};
    struct gqa *gqa = &llm.stack.kinds[0].mixers[0].gqa;
    gqa->query_heads = (uint32_t)measurement_count(row, "hq", 1, ROW_MOST); /* of one GPU */
    gqa->kv_heads = (uint32_t)measurement_count(row, "hk", 1, ROW_MOST);
    struct stack_shape shape = {
        .llm = &llm,
        .precision = {.activations = FORMAT_BF16, .kv_cache = FORMAT_BF16},
        .shards = 1,
        .tensor = 1,
        .context = measurement_has(row, size) ? (uint32_t)measurement_count(row, size, 2, 1024) : 2,
        .slice = {.phase = PHASE_PREFILL,
                  .sequences = 1,
                  .new_tokens = measurement_count(row, "new_tokens", 2, ROW_MOST),
                  .cached_tokens = measurement_count(row, "cached_tokens", 0, ROW_MOST)},
        .variant = (enum ring_variant)measurement_choice(row, "variant", variants),
        .part = STACK_RING,
        .eager = true,
    };
    row_group(row, size, shape.context, 0);
    shape.precision.attention_weights = shape.precision.ffn_weights = shape.precision.embedding =
        (struct number){.format = FORMAT_BF16};
    if (row->wrong) {
        return;
    }
    measurement_compare(row, "ring attention", "attn_us",
                        1e6 * stack_price(row, &shape, 1.0, run_seconds).seconds);
    measurement_compare(row, "ring attention: exchange alone", "sendrecv_us_alone",
                        1e6 * stack_collective_seconds(row, &shape, "ring hop"));
    shape.part = STACK_RING_ATTENTION;
    measurement_compare(row, "ring attention: attention alone", "attn_only_us",
                        1e6 * stack_price(row, &shape, 1.0, run_seconds).seconds);
}

const struct measurement_kind kind_ring = {
    .name = "ring-attention",
    .doc = "ring attention over cp (or ranks) GPUs, two when the column is missing, one layer",
    .columns = ring_columns,
    .cluster = true,
    .software = "pytorch-nccl",
    .predict = predict_ring,
};
