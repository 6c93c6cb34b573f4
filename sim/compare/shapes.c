/* SPDX-License-Identifier: MIT */
#include "sim/compare/shapes.h"

#include "models/kernels/measurement.h"

#include <assert.h>
#include <string.h>

struct gemm_shape row_gemm_of(struct measurement *row, const char *dtype, uint64_t m, uint64_t n,
                              uint64_t k)
{
    static const struct measurement_choice scalings[] = {
        {"bf16", SCALING_NONE}, {"fp8", SCALING_ROW}, {"fp8t", SCALING_TENSOR}, {NULL, 0}};
    enum scaling scaling = (enum scaling)measurement_choice(row, dtype, scalings);
    struct gemm_shape shape = {.m = m,
                               .n = n,
                               .k = k,
                               .format = scaling == SCALING_NONE ? FORMAT_BF16 : FORMAT_FP8,
                               .scaling = scaling};
    measurement_extrapolates(row, gemm_extrapolation(row->machine.gpu, &shape));
    return shape;
}

struct gemm_shape row_gemm(struct measurement *row)
{
    uint64_t m = measurement_count(row, "m", 1, ROW_MOST);
    uint64_t k = measurement_count(row, "k", 1, ROW_MOST);
    uint64_t n = measurement_count(row, "n", 1, ROW_MOST);
    return row_gemm_of(row, "dtype", m, n, k);
}

const char *gemm_class(const struct gemm_shape *shape)
{
    static const char *const names[SCALING_COUNT] = {
        [SCALING_NONE] = "GEMM bf16",
        [SCALING_TENSOR] = "GEMM fp8, a scale a tensor",
        [SCALING_ROW] = "GEMM fp8, a scale a row",
        [SCALING_BLOCK] = "GEMM fp8, a scale a block",
    };
    return names[shape->scaling];
}

void row_heads(struct measurement *row, struct attention_shape *shape)
{
    shape->query_heads = (uint32_t)measurement_count(row, "hq", 1, ROW_MOST);
    shape->kv_heads = (uint32_t)measurement_count(row, "hk", 1, ROW_MOST);
    shape->head_size = (uint32_t)measurement_count(row, "hd", 1, ROW_MOST);
    if (shape->query_heads % shape->kv_heads != 0) {
        measurement_complain(row, "hq", "%u query heads are no multiple of %u key-value heads",
                             shape->query_heads, shape->kv_heads);
    }
}

struct attention_shape row_attention_prefill(struct measurement *row)
{
    struct attention_shape shape = {
        .sequences = 1,
        .queries = measurement_count(row, "tq", 1, ROW_MOST),
        .keys = measurement_count(row, "tk", 1, ROW_MOST),
        .causal = measurement_count(row, "causal", 0, 1) == 1,
        .format = FORMAT_BF16,
        .masks_ragged = true, /* the tables' faster backend is cuDNN's */
    };
    if (measurement_has(row, "batch")) {
        shape.sequences = measurement_count(row, "batch", 1, ROW_MOST);
    }
    row_heads(row, &shape);
    if (shape.causal && shape.keys < shape.queries) {
        measurement_complain(row, "tk", "a causal mask needs at least as many keys as queries");
    }
    measurement_extrapolates(row, attention_extrapolation(row->machine.gpu, &shape));
    return shape;
}

struct attention_shape row_attention_decode(struct measurement *row)
{
    struct attention_shape shape = {
        .sequences = measurement_count(row, "batch", 1, ROW_MOST),
        .queries = 1,
        .keys = measurement_count(row, "ctx", 1, ROW_MOST),
        .format = FORMAT_BF16,
    };
    row_heads(row, &shape);
    measurement_extrapolates(row, attention_extrapolation(row->machine.gpu, &shape));
    return shape;
}

const struct kernel_library *row_engine_kernels(struct measurement *row)
{
    int column = csv_column(row->csv, "engine");
    assert(column != CSV_NO_COLUMN && "a kind asks for the columns it has named");
    const struct csv_field *field = &row->row->fields[column];
    /* Tables shorten it. */
    const char *name = strcmp(field->text, "trtllm") == 0 ? "tensorrt-llm" : field->text;
    const struct kernel_library *kernels =
        machine_kernels(row->files, name, csv_mark(row->csv, field));
    row->wrong = row->wrong || kernels == NULL;
    return kernels;
}

struct memory_shape row_copy(struct measurement *row, double bytes)
{
    struct memory_shape shape = {.kernel = MEMORY_COPY, .rows = 1, .columns = 1, .bytes = bytes};
    measurement_extrapolates(row, memory_extrapolation(row->machine.gpu, &shape));
    return shape;
}

void row_compare_kernel(struct measurement *row, struct kernel_measurement kernel,
                        const char *class)
{
    double predicted = kernel_measurement_predict(row->machine.gpu, &kernel).seconds;
    kernel.seconds = 1e-6 * measurement_compare(row, class, "time_us", 1e6 * predicted);
    row->kernel = kernel;
}

void row_compare_works(struct measurement *row, const struct kernel_work *works, size_t count,
                       const char *class)
{
    const struct gpu *gpu = row->machine.gpu;
    struct power_load load = {.works = works, .work_count = count};
    double alone = power_at_clock(gpu, &load, gpu->boost_clock_hertz).seconds;
    double run = measurement_kernel_run_seconds(alone);
    double seconds = power_settle(gpu, &load, power_allowance_watts(gpu, run)).seconds;
    measurement_compare(row, class, "time_us", 1e6 * seconds);
}

const char *engine_class(struct measurement *row, const char *what, const char *phase)
{
    return arena_printf(row->arena, "%s, %s, %s", what, measurement_text(row, "engine"), phase);
}
