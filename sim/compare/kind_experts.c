/* SPDX-License-Identifier: MIT
 * The products of a mixture of experts, in one launch. */
#include "sim/compare/shapes.h"

static const char *const columns[] = {"dtype", "experts", "experts_per_token", "tokens",
                                      "k",     "n",       "time_us",           NULL};

static void predict_experts(struct measurement *row)
{
    uint64_t tokens = measurement_count(row, "tokens", 1, ROW_MOST);
    uint64_t k = measurement_count(row, "k", 1, ROW_MOST);
    uint64_t n = measurement_count(row, "n", 1, ROW_MOST);
    uint64_t experts = measurement_count(row, "experts", 1, 65536);
    uint64_t per_token = measurement_count(row, "experts_per_token", 1, experts);
    static const struct measurement_choice formats[] = {{"bf16", FORMAT_BF16}, {NULL, 0}};
    struct gemm_shape shape = {
        .m = tokens * per_token,
        .n = n,
        .k = k,
        .experts = {.count = (uint32_t)experts, .per_token = (uint32_t)per_token},
        .format = (enum format)measurement_choice(row, "dtype", formats),
    };
    if (row->wrong) {
        return;
    }
    measurement_extrapolates(row, gemm_extrapolation(row->machine.gpu, &shape));
    row_compare_kernel(row, kernel_of_gemm(&shape), "GEMM of experts");
}

const struct measurement_kind kind_experts = {
    .name = "experts",
    .doc = "a product with the weights of one of `experts` for each row, in one launch",
    .columns = columns,
    .predict = predict_experts,
};
