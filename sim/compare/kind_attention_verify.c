/* SPDX-License-Identifier: MIT
 * Attention of a few new tokens a sequence over a cache, as speculative decoding verifies drafts:
 * every new token sees all keys. Of the libraries that ran a shape the fastest counts. */
#include "sim/compare/shapes.h"

static const char *const columns[] = {"batch", "new_tokens", "context", "hq", "hk",
                                      "hd",    "library",    "time_us", NULL};
static const char *const shape_columns[] = {"batch", "new_tokens", "context", "hq",
                                            "hk",    "hd",         NULL};

static void predict(struct measurement *row)
{
    struct attention_shape shape = {
        .sequences = measurement_count(row, "batch", 1, ROW_MOST),
        .queries = measurement_count(row, "new_tokens", 1, 1024),
        .keys = measurement_count(row, "context", 1, ROW_MOST),
        .format = FORMAT_BF16,
    };
    row_heads(row, &shape);
    if (row->wrong) {
        return;
    }
    struct kernel_work work = attention_work(row->machine.gpu, &shape, 1);
    double seconds = measurement_of_kernel(row->machine.gpu, &work).seconds;
    measurement_compare(
        row, shape.queries == 1 ? "attention, one new token" : "attention, 2 to 16 new tokens",
        "time_us", 1e6 * seconds);
}

const struct measurement_kind kind_attention_verify = {
    .name = "attention-verify",
    .doc = "a few new tokens a sequence over a cache",
    .columns = columns,
    .shape = shape_columns,
    .time = "time_us",
    .predict = predict,
};
