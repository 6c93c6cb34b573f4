/* SPDX-License-Identifier: MIT
 * The products of a mixture of experts in training: forward, the gradient of their input and of
 * their weights. */
#include "sim/compare/shapes.h"

static const char *const columns[] = {"tokens",  "hidden", "expert_hidden", "experts", "topk",
                                      "product", "pass",   "time_us",       NULL};

/* Each was replayed a few times only: kernels of a millisecond ran at full clock, those of ten
 * under the power limit. */
static double replayed_seconds(const struct gpu *gpu, const struct kernel_work *work)
{
    static const double replays = 20.0;
    double alone = kernel_cost_at(gpu, work, gpu->boost_clock_hertz).seconds;
    struct power_load load = {.works = work, .work_count = 1};
    return power_settle(gpu, &load, power_allowance_watts(gpu, replays * alone)).seconds;
}

static void predict(struct measurement *row)
{
    enum { GATE_UP, DOWN };
    static const struct measurement_choice products[] = {
        {"gate_up", GATE_UP}, {"down", DOWN}, {NULL, 0}};
    enum { FORWARD, INPUT, WEIGHT };
    static const struct measurement_choice passes[] = {
        {"forward", FORWARD}, {"input_gradient", INPUT}, {"weight_gradient", WEIGHT}, {NULL, 0}};
    uint64_t tokens = measurement_count(row, "tokens", 1, ROW_MOST);
    uint64_t hidden = measurement_count(row, "hidden", 1, ROW_MOST);
    uint64_t width = measurement_count(row, "expert_hidden", 1, ROW_MOST);
    uint64_t experts = measurement_count(row, "experts", 1, 65536);
    uint64_t per_token = measurement_count(row, "topk", 1, experts);
    bool gate_up = measurement_choice(row, "product", products) == GATE_UP;
    int pass = measurement_choice(row, "pass", passes);
    struct gemm_shape shape = {
        .m = tokens * per_token,
        .n = gate_up ? 2 * width : hidden,
        .k = gate_up ? hidden : width,
        .experts = {.count = (uint32_t)experts, .per_token = (uint32_t)per_token},
        .routing = {.kind = ROUTING_BALANCED},
        .format = FORMAT_BF16,
        .gradient = pass == INPUT    ? EXPERTS_INPUT_GRADIENT
                    : pass == WEIGHT ? EXPERTS_WEIGHT_GRADIENT
                                     : EXPERTS_FORWARD,
    };
    if (row->wrong) {
        return;
    }
    struct kernel_work work = gemm_work(row->machine.gpu, &shape);
    double seconds = replayed_seconds(row->machine.gpu, &work);
    measurement_compare(row,
                        pass == FORWARD  ? "training experts, forward"
                        : pass == WEIGHT ? "training experts, weight gradient"
                                         : "training experts, input gradient",
                        "time_us", 1e6 * seconds);
}

const struct measurement_kind kind_experts_training = {
    .name = "experts-training",
    .doc = "products of experts and their gradients",
    .columns = columns,
    .predict = predict,
};
