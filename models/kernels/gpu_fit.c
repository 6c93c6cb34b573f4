/* SPDX-License-Identifier: MIT */
#include "models/kernels/gpu_fit.h"

#include "models/numeric/simplex.h"

#include <math.h>

#define CLASS(class) (1U << (class))
#define AT(member)                                                                                 \
    {                                                                                              \
        .offset = offsetof(struct gpu, member)                                                     \
    }
/* The bounds of a scenario's table (sim/scenario/gpu_table.c). */
#define SHARE(member)                                                                              \
    {                                                                                              \
        .offset = offsetof(struct gpu, member), .lowest = 0.01, .highest = 1.0                     \
    }
#define TWINS(member, other)                                                                       \
    {                                                                                              \
        .offset = offsetof(struct gpu, member), .twin = offsetof(struct gpu, other)                \
    }

const struct gpu_fit_group gpu_fit_groups[GPU_FIT_GROUP_COUNT] = {
    {.name = "copy",
     .classes = CLASS(KERNEL_COPY),
     .constants = {SHARE(copy_efficiency), AT(l2_bytes_per_second), AT(kernel_seconds)}},
    {.name = "norm and quantise",
     .classes = CLASS(KERNEL_NORM) | CLASS(KERNEL_QUANTISE),
     .constants = {SHARE(norm_efficiency), AT(quantise_bytes_per_second), AT(row_seconds),
                   AT(row_element_seconds)}},
    {.name = "SwiGLU", .classes = CLASS(KERNEL_SWIGLU), .constants = {AT(swiglu_bytes_per_second)}},
    {.name = "cast", .classes = CLASS(KERNEL_CAST), .constants = {AT(cast_seconds)}},
    {.name = "RoPE", .classes = CLASS(KERNEL_ROPE), .constants = {AT(rope_passes)}},
    {.name = "power",
     .classes = CLASS(KERNEL_CLASS_COUNT) - 1,
     .power = true,
     .constants = {AT(clock_watts), SHARE(voltage_slope),
                   TWINS(matmul_joules_per_flop[FORMAT_BF16], matmul_joules_per_flop[FORMAT_FP16]),
                   AT(matmul_joules_per_flop[FORMAT_FP8]), AT(softmax_joules_per_score),
                   AT(tile_joules_per_byte), AT(memory_joules_per_byte)}},
    {.name = "GEMM bf16",
     .classes = CLASS(KERNEL_GEMM),
     .constants = {SHARE(matmul_efficiency[SCALING_NONE]), AT(matmul_seconds[SCALING_NONE]),
                   AT(tile_seconds[SCALING_NONE])}},
    {.name = "GEMM fp8, a scale a tensor",
     .classes = CLASS(KERNEL_GEMM_TENSOR),
     .constants = {SHARE(matmul_efficiency[SCALING_TENSOR]), AT(matmul_seconds[SCALING_TENSOR]),
                   AT(tile_seconds[SCALING_TENSOR])}},
    {.name = "GEMM fp8, a scale a row",
     .classes = CLASS(KERNEL_GEMM_ROW),
     .constants = {SHARE(matmul_efficiency[SCALING_ROW]), AT(matmul_seconds[SCALING_ROW]),
                   AT(tile_seconds[SCALING_ROW])}},
    {.name = "GEMM, what all share",
     .classes = CLASS(KERNEL_GEMM) | CLASS(KERNEL_GEMM_TENSOR) | CLASS(KERNEL_GEMM_ROW),
     .constants = {SHARE(memory_efficiency), AT(split_seconds), AT(tile_bytes_per_clock),
                   AT(sm_memory_bytes_per_second), AT(burst_joules)}},
    {.name = "GEMM of experts",
     .classes = CLASS(KERNEL_GEMM_EXPERTS),
     .constants = {SHARE(grouped_efficiency), AT(grouped_seconds), AT(grouped_tile_seconds)}},
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
static const double nudge = 0.1, noticed = 0.005; /* a row shows a constant when a change of it by
                                                     a tenth changes the row by half a per cent */
static const double farthest = 20.0;              /* of a constant, as a factor */
enum { PASSES = 3, EVALUATIONS = 400 };

static double cost(double predicted, double measured)
{
    double error = log(predicted / measured);
    return sqrt(error * error + straight_from * straight_from) - straight_from;
}

bool gpu_fit_uses(const struct gpu_fit_group *group, const struct kernel_measurement *measurement)
{
    return measurement->class != KERNEL_OTHER_MEMORY &&
           (group->classes & CLASS(measurement->class)) != 0 &&
           group->power == (measurement->watts > 0.0);
}

static size_t constant_count(const struct gpu_fit_group *group)
{
    size_t count = 0;
    while (count < GPU_FIT_MAX_CONSTANTS && group->constants[count].offset > 0) {
        count++;
    }
    return count;
}

struct trial {
    const struct gpu_fit_group *group;
    const struct gpu *start, *gpu; /* before the fit; as the group finds it */
    const struct gpu_fit_constant *constants[GPU_FIT_MAX_CONSTANTS]; /* the point's coordinates */
    size_t constant_count;
    const struct kernel_measurement *const *rows; /* [row_count], all of the group */
    size_t row_count;
};

/* A constant times exp(logarithm), not far from where the fit started: nonsense in the tables must
 * not become a GPU that computes in no time. */
static void scale(struct gpu *gpu, const struct gpu *start, const struct gpu_fit_constant *constant,
                  double logarithm)
{
    double *value = (double *)((char *)gpu + constant->offset);
    double started = *(const double *)((const char *)start + constant->offset);
    *value = fmin(fmax(*value * exp(logarithm), started / farthest), started * farthest);
    if (constant->highest > 0.0) {
        *value = fmin(fmax(*value, constant->lowest), constant->highest);
    }
    if (constant->twin > 0) {
        *(double *)((char *)gpu + constant->twin) = *value;
    }
}

/* The GPU with the group's constants scaled by exp(point). */
static struct gpu scaled(const struct trial *trial, const double *point)
{
    struct gpu gpu = *trial->gpu;
    for (size_t i = 0; i < trial->constant_count; i++) {
        scale(&gpu, trial->start, trial->constants[i], point[i]);
    }
    return gpu;
}

static double trial_error(const struct trial *trial, const struct gpu *gpu)
{
    double sum = 0.0;
    size_t terms = 0;
    for (size_t i = 0; i < trial->row_count; i++) {
        const struct kernel_measurement *row = trial->rows[i];
        struct power_state state = kernel_measurement_predict(gpu, row);
        sum += cost(state.seconds, row->seconds);
        terms++;
        if (trial->group->power) {
            sum += cost(state.watts, row->watts);
            terms++;
        }
        if (trial->group->power && row->clock_hertz > 0.0) {
            sum += cost(state.clock_hertz, row->clock_hertz);
            terms++;
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

/* Rows whose prediction a constant moves. Downwards, for shares may stand at their bound. */
static size_t rows_moved(const struct trial *trial, const struct gpu_fit_constant *constant)
{
    struct gpu nudged = *trial->gpu;
    scale(&nudged, trial->start, constant, -nudge);
    size_t count = 0;
    for (size_t i = 0; i < trial->row_count; i++) {
        struct power_state before = kernel_measurement_predict(trial->gpu, trial->rows[i]);
        struct power_state after = kernel_measurement_predict(&nudged, trial->rows[i]);
        bool moved = fabs(log(after.seconds / before.seconds)) > noticed ||
                     (trial->group->power && fabs(log(after.watts / before.watts)) > noticed);
        count += moved ? 1 : 0;
    }
    return count;
}

/* Which constants of the group the measurements show: those are the trial's. */
static void begin_report(struct trial *trial, struct gpu_fit_report *report)
{
    *report = (struct gpu_fit_report){.rows = trial->row_count};
    size_t count = constant_count(trial->group), shown = 0;
    for (size_t i = 0; i < count; i++) {
        report->moved[i] = rows_moved(trial, &trial->group->constants[i]);
        shown += report->moved[i] >= GPU_FIT_LEAST_ROWS ? 1 : 0;
    }
    for (size_t i = 0; i < count; i++) {
        report->fitted[i] = report->moved[i] >= GPU_FIT_LEAST_ROWS &&
                            trial->row_count >= GPU_FIT_LEAST_ROWS * shown;
        if (report->fitted[i]) {
            trial->constants[trial->constant_count++] = &trial->group->constants[i];
        }
    }
    report->before = trial_error(trial, trial->gpu);
}

static void fit_group(struct gpu *gpu, struct trial *trial)
{
    double point[SIMPLEX_MAX_DIMENSIONS] = {0};
    struct simplex simplex = {.dimensions = trial->constant_count,
                              .value = trial_value,
                              .context = trial,
                              .step = first_step,
                              .evaluations = EVALUATIONS,
                              .tolerance = tolerance};
    simplex_minimise(&simplex, point);
    *gpu = scaled(trial, point);
}

/* The group's rows, into the scratch that all groups share: anew whenever a group's turn comes. */
static void gather(struct trial *trial, const struct kernel_measurement *measurements, size_t count,
                   const struct kernel_measurement **rows)
{
    trial->rows = rows;
    trial->row_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (gpu_fit_uses(trial->group, &measurements[i])) {
            rows[trial->row_count++] = &measurements[i];
        }
    }
}

void gpu_fit(struct gpu *gpu, const struct kernel_measurement *measurements, size_t count,
             const struct kernel_measurement **scratch, const struct gpu_fit_listener *listener,
             struct gpu_fit_report reports[GPU_FIT_GROUP_COUNT])
{
    const struct gpu start = *gpu;
    struct trial trials[GPU_FIT_GROUP_COUNT];
    for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
        trials[i] = (struct trial){.group = &gpu_fit_groups[i], .start = &start, .gpu = gpu};
        gather(&trials[i], measurements, count, scratch);
        begin_report(&trials[i], &reports[i]);
    }
    for (int pass = 0; pass < PASSES; pass++) {
        for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
            if (trials[i].constant_count > 0) {
                gather(&trials[i], measurements, count, scratch);
                fit_group(gpu, &trials[i]);
            }
            if (listener != NULL) {
                double all = PASSES * (double)GPU_FIT_GROUP_COUNT;
                listener->told(listener->context,
                               (pass * (double)GPU_FIT_GROUP_COUNT + (double)i + 1.0) / all);
            }
        }
    }
    for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
        gather(&trials[i], measurements, count, scratch);
        reports[i].after = trial_error(&trials[i], gpu);
    }
}
