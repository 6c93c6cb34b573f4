/* SPDX-License-Identifier: MIT
 * Attention alone: prefill, and decode with one query a sequence. Of the libraries that ran a shape
 * the fastest counts. */
#include "sim/compare/shapes.h"

enum { USUAL_SIZE = 128 }; /* of a head, in nearly every model */

static const char *const prefill_columns[] = {"tq", "tk",     "hq",      "hk",
                                              "hd", "causal", "time_us", NULL};
static const char *const prefill_shape[] = {"batch", "tq", "tk", "hq", "hk", "hd", "causal", NULL};

static void predict_prefill(struct measurement *row)
{
    enum { SHORT_KEYS = 512 };
    struct attention_shape shape = row_attention_prefill(row);
    if (row->wrong) {
        return;
    }
    const char *class = shape.keys < SHORT_KEYS         ? "attention prefill, under 512 tokens"
                        : shape.head_size != USUAL_SIZE ? "attention prefill, other head sizes"
                                                        : "attention prefill, 512 tokens and more";
    row_compare_kernel(row, kernel_of_attention(&shape), class);
}

const struct measurement_kind kind_attention_prefill = {
    .name = "attention-prefill",
    .doc = "tq queries against tk keys",
    .columns = prefill_columns,
    .shape = prefill_shape,
    .time = "time_us",
    .predict = predict_prefill,
};

static const char *const decode_columns[] = {"batch", "ctx", "hq", "hk", "hd", "time_us", NULL};
static const char *const decode_shape[] = {"batch", "ctx", "hq", "hk", "hd", NULL};

static void predict_decode(struct measurement *row)
{
    struct attention_shape shape = row_attention_decode(row);
    if (row->wrong) {
        return;
    }
    row_compare_kernel(row, kernel_of_attention(&shape),
                       shape.head_size != USUAL_SIZE ? "attention decode, other head sizes"
                                                     : "attention decode");
}

const struct measurement_kind kind_attention_decode = {
    .name = "attention-decode",
    .doc = "one query a sequence against ctx cached tokens",
    .columns = decode_columns,
    .shape = decode_shape,
    .time = "time_us",
    .predict = predict_decode,
};
