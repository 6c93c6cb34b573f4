/* SPDX-License-Identifier: MIT */
#include "models/gpu_fit.h"

#include "models/measurement.h"
#include "models/simplex.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>

enum { MAX_CONSTANTS = 8 };

struct constant {
    size_t offset;  /* into struct gpu */
    double highest; /* a share of a peak can't pass 1; 0: no bound */
};

struct group {
    const char *name;
    uint32_t classes; /* bits: the kernels that show it */
    bool watts;       /* fitted on average power too, and only on rows that have it */
    struct constant constants[MAX_CONSTANTS]; /* up to the first with no offset */
};

#define CLASS(class) (1U << (class))
#define AT(member)                                                                                 \
    {                                                                                              \
        .offset = offsetof(struct gpu, member)                                                     \
    }
#define SHARE(member)                                                                              \
    {                                                                                              \
        .offset = offsetof(struct gpu, member), .highest = 1.0                                     \
    }

/* In an order in which a later group does not spoil an earlier one; all of them several times. */
static const struct group groups[GPU_FIT_GROUP_COUNT] = {
    {.name = "copy",
     .classes = CLASS(KERNEL_COPY),
     .constants = {SHARE(copy_efficiency), AT(l2_bytes_per_second), AT(kernel_seconds)}},
    {.name = "norm and quantise",
     .classes = CLASS(KERNEL_NORM) | CLASS(KERNEL_QUANTISE),
     .constants = {SHARE(norm_efficiency), AT(quantise_bytes_per_second), AT(row_seconds),
                   AT(row_element_seconds)}},
    {.name = "SwiGLU", .classes = CLASS(KERNEL_SWIGLU), .constants = {AT(swiglu_bytes_per_second)}},
    {.name = "power",
     .classes = CLASS(KERNEL_CLASS_COUNT) - 1,
     .watts = true,
     .constants = {AT(clock_watts), SHARE(voltage_slope), AT(matmul_joules_per_flop[FORMAT_BF16]),
                   AT(matmul_joules_per_flop[FORMAT_FP8]), AT(softmax_joules_per_score),
                   AT(tile_joules_per_byte), AT(memory_joules_per_byte)}},
    {.name = "GEMM bf16",
     .classes = CLASS(KERNEL_GEMM),
     .constants = {SHARE(matmul_efficiency[SCALING_NONE]), AT(matmul_seconds[SCALING_NONE]),
                   AT(tile_seconds[SCALING_NONE])}},
    {.name = "GEMM fp8, scale a tensor",
     .classes = CLASS(KERNEL_GEMM_TENSOR),
     .constants = {SHARE(matmul_efficiency[SCALING_TENSOR]), AT(matmul_seconds[SCALING_TENSOR]),
                   AT(tile_seconds[SCALING_TENSOR])}},
    {.name = "GEMM fp8, scale a row",
     .classes = CLASS(KERNEL_GEMM_ROW),
     .constants = {SHARE(matmul_efficiency[SCALING_ROW]), AT(matmul_seconds[SCALING_ROW]),
                   AT(tile_seconds[SCALING_ROW])}},
    {.name = "GEMM, what all share",
     .classes = CLASS(KERNEL_GEMM) | CLASS(KERNEL_GEMM_TENSOR) | CLASS(KERNEL_GEMM_ROW),
     .constants = {SHARE(memory_efficiency), AT(split_seconds), AT(tile_bytes_per_clock),
                   AT(sm_memory_bytes_per_second), AT(burst_joules)}},
    {.name = "attention prefill",
     .classes = CLASS(KERNEL_ATTENTION_PREFILL),
     .constants = {SHARE(attention_efficiency), AT(softmax_cycles), AT(attention_seconds),
                   AT(attention_block_seconds)}},
    {.name = "attention decode",
     .classes = CLASS(KERNEL_ATTENTION_DECODE),
     .constants = {AT(decode_attention_seconds), SHARE(decode_efficiency), AT(decode_split_seconds),
                   AT(decode_ramp_seconds), AT(decode_ramp_bytes)}},
};

static const double straight_from = 0.03; /* errors above it count straight, below it squared */
static const double first_step = 0.1, tolerance = 1e-6;
enum { PASSES = 3, EVALUATIONS = 400 };

struct power_state kernel_measurement_predict(const struct gpu *gpu,
                                              const struct kernel_measurement *measurement)
{
    struct kernel_work work = {0};
    switch (measurement->class) {
    case KERNEL_GEMM:
    case KERNEL_GEMM_TENSOR:
    case KERNEL_GEMM_ROW:
        work = gemm_work(gpu, &measurement->gemm);
        break;
    case KERNEL_ATTENTION_PREFILL:
    case KERNEL_ATTENTION_DECODE:
        work = attention_work(gpu, &measurement->attention, 1);
        break;
    case KERNEL_NORM:
    case KERNEL_SWIGLU:
    case KERNEL_QUANTISE:
    case KERNEL_COPY:
        work = memory_kernel_work(gpu, &measurement->memory);
        break;
    case KERNEL_CLASS_COUNT:
        assert(false && "not a class of kernels");
    }
    if (measurement->run_seconds <= 0.0) {
        return measurement_of_kernel(gpu, &work);
    }
    struct power_load load = {.works = &work, .work_count = 1};
    return power_settle(gpu, &load, power_allowance_watts(gpu, measurement->run_seconds));
}

static double cost(double predicted, double measured)
{
    double error = log(predicted / measured);
    return sqrt(error * error + straight_from * straight_from) - straight_from;
}

static bool shows(const struct group *group, const struct kernel_measurement *measurement)
{
    return (group->classes & CLASS(measurement->class)) != 0 &&
           (!group->watts || measurement->watts > 0.0);
}

static size_t constant_count(const struct group *group)
{
    size_t count = 0;
    while (count < MAX_CONSTANTS && group->constants[count].offset > 0) {
        count++;
    }
    return count;
}

struct trial {
    const struct group *group;
    const struct gpu *gpu; /* as the group finds it */
    const struct kernel_measurement *measurements;
    size_t count;
};

/* The GPU with the group's constants scaled by exp(point). */
static struct gpu scaled(const struct trial *trial, const double *point)
{
    struct gpu gpu = *trial->gpu;
    for (size_t i = 0; i < constant_count(trial->group); i++) {
        const struct constant *constant = &trial->group->constants[i];
        double *value = (double *)((char *)&gpu + constant->offset);
        *value *= exp(point[i]);
        if (constant->highest > 0.0) {
            *value = fmin(*value, constant->highest);
        }
    }
    gpu.matmul_joules_per_flop[FORMAT_FP16] = gpu.matmul_joules_per_flop[FORMAT_BF16];
    return gpu;
}

static double trial_error(const struct trial *trial, const struct gpu *gpu)
{
    double sum = 0.0;
    size_t terms = 0;
    for (size_t i = 0; i < trial->count; i++) {
        const struct kernel_measurement *measurement = &trial->measurements[i];
        if (shows(trial->group, measurement)) {
            struct power_state state = kernel_measurement_predict(gpu, measurement);
            sum += cost(state.seconds, measurement->seconds);
            terms++;
            if (trial->group->watts) {
                sum += cost(state.watts, measurement->watts);
                terms++;
            }
        }
    }
    return terms > 0 ? sum / (double)terms : 0.0;
}

static double trial_value(const double *point, void *context)
{
    const struct trial *trial = context;
    struct gpu gpu = scaled(trial, point);
    return trial_error(trial, &gpu);
}

static void begin_report(const struct trial *trial, struct gpu_fit_group_report *report)
{
    *report = (struct gpu_fit_group_report){.name = trial->group->name,
                                            .constants = constant_count(trial->group)};
    for (size_t i = 0; i < trial->count; i++) {
        report->rows += shows(trial->group, &trial->measurements[i]) ? 1 : 0;
    }
    report->fitted = report->rows >= GPU_FIT_LEAST_ROWS * report->constants;
    report->before = trial_error(trial, trial->gpu);
}

static void fit_group(struct gpu *gpu, struct trial *trial)
{
    double point[SIMPLEX_MAX_DIMENSIONS] = {0};
    struct simplex simplex = {.dimensions = constant_count(trial->group),
                              .value = trial_value,
                              .context = trial,
                              .step = first_step,
                              .evaluations = EVALUATIONS,
                              .tolerance = tolerance};
    simplex_minimise(&simplex, point);
    *gpu = scaled(trial, point);
}

void gpu_fit(struct gpu *gpu, const struct kernel_measurement *measurements, size_t count,
             struct gpu_fit_group_report reports[GPU_FIT_GROUP_COUNT])
{
    struct trial trials[GPU_FIT_GROUP_COUNT];
    for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
        trials[i] = (struct trial){
            .group = &groups[i], .gpu = gpu, .measurements = measurements, .count = count};
        begin_report(&trials[i], &reports[i]);
    }
    for (int pass = 0; pass < PASSES; pass++) {
        for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
            if (reports[i].fitted) {
                fit_group(gpu, &trials[i]);
            }
        }
    }
    for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
        reports[i].after = trial_error(&trials[i], gpu);
    }
}
