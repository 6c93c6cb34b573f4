/* SPDX-License-Identifier: MIT
 * Power and clock over seconds of work: of kernels and stacks that a note describes, and of kernels
 * with their shapes in columns. */
#include "models/kernels/gpu_power.h"
#include "sim/compare/shapes.h"
#include "sim/compare/stack.h"

#include <stdio.h>
#include <string.h>

enum work { WORK_IDLE, WORK_COPY, WORK_GEMM, WORK_ATTENTION, WORK_PREFILL, WORK_DECODE };

static const char *const energy_columns[] = {
    "work",         "model",   "tp_shard", "precision",        "batch",
    "new_tokens",   "context", "seconds",  "time_us_per_call", "average_watts",
    "sm_clock_mhz", "note",    NULL};

static struct kernel_measurement noted_gemm(struct measurement *row)
{
    unsigned k = 1, n = 1;
    if (sscanf(measurement_text(row, "note"), "k=%9u n=%9u", &k, &n) != 2 || k == 0 || n == 0) {
        measurement_complain(row, "note",
                             "the product's depth and columns were expected, as in "
                             "'k=16384 n=13312'");
        k = n = 1;
    }
    uint64_t m = measurement_count(row, "new_tokens", 1, ROW_MOST);
    struct gemm_shape shape = row_gemm_of(row, "precision", m, n, k);
    return kernel_of_gemm(&shape);
}

static struct kernel_measurement noted_attention(struct measurement *row)
{
    unsigned query_heads = 1, kv_heads = 1;
    if (sscanf(measurement_text(row, "note"), "%9u q heads, %9u kv head", &query_heads,
               &kv_heads) != 2 ||
        kv_heads == 0 || query_heads == 0 || query_heads % kv_heads != 0) {
        measurement_complain(row, "note",
                             "the heads were expected, as in '16 q heads, 1 kv head, "
                             "causal'");
        query_heads = kv_heads = 1;
    }
    struct attention_shape shape = {
        .sequences = 1,
        .queries = measurement_count(row, "new_tokens", 1, ROW_MOST),
        .keys = measurement_count(row, "context", 1, ROW_MOST),
        .query_heads = query_heads,
        .kv_heads = kv_heads,
        .head_size = 128, /* what every Llama 3 has */
        .causal = strstr(measurement_text(row, "note"), "causal") != NULL,
        .format = FORMAT_BF16,
    };
    measurement_extrapolates(row, attention_extrapolation(row->machine.gpu, &shape));
    return kernel_of_attention(&shape);
}

static struct power_state settle_stack(struct measurement *row, enum phase phase, double seconds,
                                       double *layers)
{
    unsigned count = 0;
    if (sscanf(measurement_text(row, "note"), "%9u layers", &count) != 1 || count == 0) {
        measurement_complain(row, "note", "the stack's height was expected, as in '32 layers'");
    }
    *layers = count;
    struct stack_shape shape = {
        .llm = row_llm(row),
        .precision = row_precision(row),
        .shards = (uint32_t)measurement_count(row, "tp_shard", 1, 1024),
        .tensor = 1,
        .context = 1,
        .slice = row_slice(row, phase),
        .part = STACK_LAYER,
    };
    return row->wrong ? (struct power_state){0} : stack_price(row, &shape, *layers, seconds);
}

/* The figures of `state`, which is `calls` of its loads a call. Whatever was measured of a kernel
 * goes into it. */
static void compare_power(struct measurement *row, const struct power_state *state,
                          const char *time_column, double calls, struct kernel_measurement *kernel)
{
    kernel->watts = measurement_compare(row, "average power", "average_watts", state->watts);
    kernel->clock_hertz =
        1e6 * measurement_compare(row, "clock", "sm_clock_mhz", 1e-6 * state->clock_hertz);
    kernel->seconds = 1e-6 * measurement_compare(row, "time under the power limit", time_column,
                                                 1e6 * calls * state->seconds);
}

static void compare_kernel_power(struct measurement *row, struct kernel_measurement kernel,
                                 double run_seconds, const char *time_column)
{
    if (row->wrong) {
        return;
    }
    kernel.run_seconds = run_seconds;
    struct power_state state = kernel_measurement_predict(row->machine.gpu, &kernel);
    compare_power(row, &state, time_column, 1.0, &kernel);
    row->kernel = kernel;
}

static void compare_stack_power(struct measurement *row, enum phase phase, double run_seconds,
                                const char *time_column)
{
    double layers = 1.0;
    struct power_state state = settle_stack(row, phase, run_seconds, &layers);
    struct kernel_measurement none = {0};
    if (!row->wrong) {
        compare_power(row, &state, time_column, layers, &none);
    }
}

static void predict_energy(struct measurement *row)
{
    static const struct measurement_choice works[] = {{"idle", WORK_IDLE},
                                                      {"copy_1GiB", WORK_COPY},
                                                      {"gemm", WORK_GEMM},
                                                      {"attention_prefill", WORK_ATTENTION},
                                                      {"layers_prefill", WORK_PREFILL},
                                                      {"layers_decode", WORK_DECODE},
                                                      {NULL, 0}};
    static const char time[] = "time_us_per_call";
    enum work work = (enum work)measurement_choice(row, "work", works);
    double seconds = measurement_number(row, "seconds", 1e-3, 1e6);
    struct memory_shape copy;
    switch (work) {
    case WORK_IDLE: /* the GPU file's own figure: nothing to predict */
        break;
    case WORK_COPY:
        copy = row_copy(row, 2.0 * 1024 * 1024 * 1024);
        compare_kernel_power(row, kernel_of_memory(&copy), seconds, time);
        break;
    case WORK_GEMM:
        compare_kernel_power(row, noted_gemm(row), seconds, time);
        break;
    case WORK_ATTENTION:
        compare_kernel_power(row, noted_attention(row), seconds, time);
        break;
    case WORK_PREFILL:
        compare_stack_power(row, PHASE_PREFILL, seconds, time);
        break;
    case WORK_DECODE:
        compare_stack_power(row, PHASE_DECODE, seconds, time);
        break;
    }
}

const struct measurement_kind kind_energy = {
    .name = "energy",
    .doc = "average power and clock over `seconds` of a kernel or a stack that the note describes",
    .columns = energy_columns,
    .software = "pytorch-nccl",
    .predict = predict_energy,
};

static const char *const power_columns[] = {
    "work",         "dtype", "m",       "k",       "n",
    "tq",           "tk",    "hq",      "hk",      "hd",
    "causal",       "bytes", "seconds", "time_us", "average_watts",
    "sm_clock_mhz", NULL};

static void predict_power(struct measurement *row)
{
    static const struct measurement_choice works[] = {
        {"copy", WORK_COPY}, {"gemm", WORK_GEMM}, {"attention", WORK_ATTENTION}, {NULL, 0}};
    enum work work = (enum work)measurement_choice(row, "work", works);
    double seconds = measurement_number(row, "seconds", 1e-3, 1e6);
    struct kernel_measurement kernel;
    if (work == WORK_GEMM) {
        struct gemm_shape shape = row_gemm(row);
        kernel = kernel_of_gemm(&shape);
    } else if (work == WORK_ATTENTION) {
        struct attention_shape shape = row_attention_prefill(row);
        kernel = kernel_of_attention(&shape);
    } else {
        struct memory_shape shape = row_copy(row, measurement_number(row, "bytes", 1, 1e15));
        kernel = kernel_of_memory(&shape);
    }
    compare_kernel_power(row, kernel, seconds, "time_us");
}

const struct measurement_kind kind_power = {
    .name = "power",
    .doc = "average power and clock over `seconds` of one kernel",
    .columns = power_columns,
    .predict = predict_power,
};
