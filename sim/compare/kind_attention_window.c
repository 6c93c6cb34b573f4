/* SPDX-License-Identifier: MIT
 * Causal attention of prompts with a window, and with values of another size than keys. */
#include "sim/compare/shapes.h"

static const char *const window_columns[] = {"tokens", "window",  "hq",      "hk",
                                             "hd",     "library", "time_us", NULL};
static const char *const values_columns[] = {"batch",  "tokens", "heads",   "qk_head",
                                             "v_head", "causal", "time_us", NULL};

static void compare(struct measurement *row, const struct attention_shape *shape, const char *class)
{
    if (row->wrong) {
        return;
    }
    struct kernel_work work = attention_work(row->machine.gpu, shape, 1);
    double seconds = measurement_of_kernel(row->machine.gpu, &work).seconds;
    measurement_compare(row, class, "time_us", 1e6 * seconds);
}

static void predict_window(struct measurement *row)
{
    struct attention_shape shape = {
        .sequences = 1,
        .queries = measurement_count(row, "tokens", 1, ROW_MOST),
        .causal = true,
        .window = measurement_count(row, "window", 0, ROW_MOST),
        .format = FORMAT_BF16,
    };
    shape.keys = shape.queries;
    row_heads(row, &shape);
    compare(row, &shape, "attention prefill, window");
}

static void predict_values(struct measurement *row)
{
    uint32_t heads = (uint32_t)measurement_count(row, "heads", 1, ROW_MOST);
    struct attention_shape shape = {
        .sequences = measurement_count(row, "batch", 1, ROW_MOST),
        .queries = measurement_count(row, "tokens", 1, ROW_MOST),
        .query_heads = heads,
        .kv_heads = heads,
        .head_size = (uint32_t)measurement_count(row, "qk_head", 1, 4096),
        .value_head_size = (uint32_t)measurement_count(row, "v_head", 1, 4096),
        .causal = measurement_count(row, "causal", 0, 1) == 1,
        .format = FORMAT_BF16,
    };
    shape.keys = shape.queries;
    compare(row, &shape, "attention prefill, values of another size");
}

const struct measurement_kind kind_attention_window = {
    .name = "attention-window",
    .doc = "causal attention of a prompt in which a token sees `window` positions",
    .columns = window_columns,
    .predict = predict_window,
};

const struct measurement_kind kind_attention_values = {
    .name = "attention-values",
    .doc = "attention of prompts whose values have v_head elements and keys qk_head",
    .columns = values_columns,
    .predict = predict_values,
};
