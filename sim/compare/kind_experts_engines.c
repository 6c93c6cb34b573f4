/* SPDX-License-Identifier: MIT
 * The experts of a layer on one GPU as serving engines run them: tokens sorted, two products with
 * an activation between them, outputs added up. `tokens` are those of all ranks that the experts
 * lie on (`ep`); the measured rank is the fullest. */
#include "sim/compare/shapes.h"

#include "models/kernels/gpu_matmul.h"

static const char *const columns[] = {"engine",  "dtype",   "tokens", "hidden", "expert_hidden",
                                      "topk",    "experts", "tp",     "ep",     "routing",
                                      "time_us", NULL};

enum operands { BF16, FP8, FP8_BLOCK, MXFP4, INT4 };

static void set_operands(struct gemm_shape *shape, enum operands operands)
{
    enum { BLOCK = 128, INT4_GROUP = 128 };
    shape->format = operands == FP8 || operands == FP8_BLOCK ? FORMAT_FP8 : FORMAT_BF16;
    double elements = (double)shape->n * (double)shape->k;
    switch (operands) {
    case BF16:
        return;
    case FP8:
        shape->scaling = SCALING_TENSOR;
        return;
    case FP8_BLOCK:
        shape->scaling = SCALING_BLOCK;
        shape->block = BLOCK;
        shape->scale_bytes = elements / BLOCK / BLOCK * format_block_scale_bytes(FORMAT_FP8);
        return;
    case MXFP4:
        shape->weights = FORMAT_MXFP4;
        shape->scale_bytes =
            elements / format_own_block(FORMAT_MXFP4) * format_block_scale_bytes(FORMAT_MXFP4);
        return;
    case INT4:
        shape->weights = FORMAT_INT4;
        shape->scale_bytes = elements / INT4_GROUP * format_block_scale_bytes(FORMAT_INT4);
        return;
    }
}

static double product_seconds(struct measurement *row, struct gemm_shape shape, uint64_t n,
                              uint64_t k, enum operands operands)
{
    shape.n = n;
    shape.k = k;
    set_operands(&shape, operands);
    struct kernel_work work = gemm_work(row->machine.gpu, &shape);
    return measurement_of_kernel(row->machine.gpu, &work).seconds;
}

/* SiLU of the gate times the other half, over the rows that the kernels around the products see. */
static double activation_seconds(const struct gpu *gpu, const struct gemm_shape *shape)
{
    double tokens = (double)shape->m / shape->experts.per_token;
    const struct experts_kernel *kernel = library_experts(shape);
    bool all_rows = kernel != NULL && kernel->all_rows;
    double rows =
        all_rows ? (double)shape->m : experts_rows(shape->experts, shape->routing, tokens);
    struct memory_shape memory = {.kernel = MEMORY_SWIGLU,
                                  .rows = (uint64_t)rows + 1,
                                  .columns = shape->expert_width,
                                  .bytes =
                                      3.0 * rows * shape->expert_width * format_bytes(FORMAT_BF16),
                                  .fused = true};
    struct kernel_work work = memory_kernel_work(gpu, &memory);
    return measurement_of_kernel(gpu, &work).seconds;
}

static struct routing read_routing(struct measurement *row)
{
    static const struct measurement_choice kinds[] = {
        {"balanced", ROUTING_BALANCED}, {"power_law_1.2", ROUTING_POWER_LAW}, {NULL, 0}};
    struct routing routing = {.kind = (enum routing_kind)measurement_choice(row, "routing", kinds),
                              .ranks = (uint32_t)measurement_count(row, "ep", 1, 65536)};
    if (routing.kind == ROUTING_POWER_LAW) {
        routing.exponent = 1.2;
    }
    return routing;
}

static void predict(struct measurement *row)
{
    static const struct measurement_choice dtypes[] = {
        {"bfloat16", BF16},     {"fp8", FP8},      {"fp8_block", FP8_BLOCK},
        {"w4a16_mxfp4", MXFP4}, {"int4_wo", INT4}, {NULL, 0}};
    enum operands operands = (enum operands)measurement_choice(row, "dtype", dtypes);
    uint64_t tokens = measurement_count(row, "tokens", 1, ROW_MOST);
    uint64_t hidden = measurement_count(row, "hidden", 1, ROW_MOST);
    uint64_t tensor = measurement_count(row, "tp", 1, 1024);
    uint64_t width = measurement_count(row, "expert_hidden", tensor, ROW_MOST) / tensor;
    uint64_t experts = measurement_count(row, "experts", 1, 65536);
    uint64_t per_token = measurement_count(row, "topk", 1, experts);
    struct gemm_shape shape = {
        .m = tokens * per_token,
        .experts = {.count = (uint32_t)experts, .per_token = (uint32_t)per_token},
        .routing = read_routing(row),
        .expert_width = (uint32_t)width,
        .library = row_engine_kernels(row),
    };
    if (row->wrong) {
        return;
    }
    double seconds = product_seconds(row, shape, 2 * width, hidden, operands) +
                     product_seconds(row, shape, hidden, width, operands);
    set_operands(&shape, operands);
    seconds += activation_seconds(row->machine.gpu, &shape);
    const char *class = arena_printf(row->arena, "experts, %s", measurement_text(row, "engine"));
    measurement_compare(row, class, "time_us", 1e6 * seconds);
}

const struct measurement_kind kind_experts_engines = {
    .name = "experts-engines",
    .doc = "a layer's experts by an engine's own kernels; tokens of all `ep` ranks",
    .columns = columns,
    .predict = predict,
};
