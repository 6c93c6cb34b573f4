/* SPDX-License-Identifier: MIT
 * Grouped-query attention as serving engines run it: their kernels, prefill and decode, windows,
 * caches of 16 and 8 bits. The programs that measured it ran one buffer over and over. */
#include "sim/compare/shapes.h"

static const char *const columns[] = {"engine",   "phase",   "batch", "new_tokens", "context",
                                      "hq",       "hk",      "hd",    "window",     "dtype",
                                      "kv_dtype", "time_us", NULL};

static void predict(struct measurement *row)
{
    static const struct measurement_choice phases[] = {{"prefill", 0}, {"decode", 1}, {NULL, 0}};
    static const struct measurement_choice formats[] = {
        {"bfloat16", FORMAT_BF16}, {"fp8", FORMAT_FP8}, {NULL, 0}};
    bool decode = measurement_choice(row, "phase", phases) == 1;
    struct attention_shape shape = {
        .sequences = measurement_count(row, "batch", 1, ROW_MOST),
        .queries = measurement_count(row, "new_tokens", 1, ROW_MOST),
        .keys = measurement_count(row, "context", 1, ROW_MOST),
        .window = measurement_count(row, "window", 0, ROW_MOST),
        .format = (enum format)measurement_choice(row, "kv_dtype", formats),
        .compute = (enum format)measurement_choice(row, "dtype", formats),
        .causal = !decode,
        .warm = true,
        .library = row_engine_kernels(row),
    };
    row_heads(row, &shape);
    if (row->wrong) {
        return;
    }
    struct kernel_work work = attention_work(row->machine.gpu, &shape, 1);
    double seconds = measurement_of_kernel(row->machine.gpu, &work).seconds;
    const char *class =
        arena_printf(row->arena, "attention, %s, %s", measurement_text(row, "engine"),
                     decode ? "decode" : "prefill");
    measurement_compare(row, class, "time_us", 1e6 * seconds);
}

const struct measurement_kind kind_attention_engines = {
    .name = "attention-engines",
    .doc = "attention by an engine's own kernels, over a cache",
    .columns = columns,
    .predict = predict,
};
