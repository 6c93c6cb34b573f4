/* SPDX-License-Identifier: MIT */
#include "sim/calibrate/calibration.h"

#include "sim/base/text.h"
#include "sim/calibrate/gpu_keys.h"
#include "sim/scenario/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD_EVERY = 5,       /* rows of a class: the fifth, tenth, ... is held out */
    HELD_LEAST_ROWS = 20, /* of a class, below which none is */
    HELD_TELLING_ROWS = 8 /* of those held out, below which their median is chance */
};
/* Of rows held out, against those fitted: the difference that is told. */
static const double worse_factor = 1.5, worse_least = 0.01;

struct run {
    struct arena *arena;
    const struct calibration_request *request;
    struct calibration *calibration;
    struct diagnostics *diagnostics;
    struct gpu base;
    bool *held; /* [rows.row_count] */
};

/* --- the measurements --- */

static bool is_fittable(const struct compared_row *row)
{
    return row->kernel.seconds > 0.0 && row->kernel.class != KERNEL_OTHER_MEMORY && !row->slower;
}

static void choose_held(struct run *run)
{
    const struct comparison *rows = &run->calibration->rows;
    size_t counts[KERNEL_CLASS_COUNT][2] = {{0}}, seen[KERNEL_CLASS_COUNT][2] = {{0}};
    run->held = ARENA_ARRAY(run->arena, bool, rows->row_count + 1);
    for (size_t i = 0; i < rows->row_count; i++) {
        const struct kernel_measurement *kernel = &rows->rows[i].kernel;
        counts[kernel->class][kernel->watts > 0.0] += is_fittable(&rows->rows[i]) ? 1 : 0;
    }
    for (size_t i = 0; i < rows->row_count; i++) {
        const struct kernel_measurement *kernel = &rows->rows[i].kernel;
        bool power = kernel->watts > 0.0;
        if (is_fittable(&rows->rows[i])) {
            bool turn = ++seen[kernel->class][power] % HELD_EVERY == 0;
            run->held[i] = turn && counts[kernel->class][power] >= HELD_LEAST_ROWS;
        }
    }
}

/* Predicts all rows again, from another GPU. The tables have been read once without a fault. */
static void predict_again(struct run *run, const struct gpu *gpu, struct comparison *comparison)
{
    struct comparison_request request = {.files = run->request->files,
                                         .file_count = run->request->file_count,
                                         .gpu_values = gpu,
                                         .one_gpu = true};
    struct diagnostics *told_before = diagnostics_create();
    comparison_run(run->arena, &request, comparison, told_before);
    diagnostics_destroy(told_before);
}

/* --- fits --- */

/* Of a fitted constant four digits are worth writing. */
static void round_fitted(struct gpu *gpu, const struct gpu_fit_report *reports)
{
    for (size_t group = 0; group < GPU_FIT_GROUP_COUNT; group++) {
        for (size_t i = 0; i < GPU_FIT_MAX_CONSTANTS; i++) {
            if (reports[group].fitted[i]) {
                const struct gpu_fit_constant *constant = &gpu_fit_groups[group].constants[i];
                double *value = (double *)((char *)gpu + constant->offset);
                char digits[32];
                snprintf(digits, sizeof digits, "%.4g", *value);
                *value = strtod(digits, NULL);
                if (constant->twin > 0) {
                    *(double *)((char *)gpu + constant->twin) = *value;
                }
            }
        }
    }
}

/* Fits on all rows, or on those that are not held out. */
/* Two fits, with and without the rows that are held out, take nearly all of the time. */
struct fit_progress {
    struct progress *progress; /* NULL: none */
    double from;               /* of 1: before this fit */
};

static void told_of_fit(void *context, double done)
{
    const struct fit_progress *fit = context;
    if (fit->progress != NULL) {
        progress_update(fit->progress, fit->from + 0.5 * done, "fits");
    }
}

static struct gpu fit(struct run *run, bool all, struct gpu_fit_report *reports)
{
    const struct comparison *rows = &run->calibration->rows;
    struct kernel_measurement *kernels =
        ARENA_ARRAY(run->arena, struct kernel_measurement, rows->row_count);
    const struct kernel_measurement **scratch =
        ARENA_ARRAY(run->arena, const struct kernel_measurement *, rows->row_count);
    size_t count = 0;
    for (size_t i = 0; i < rows->row_count; i++) {
        if (is_fittable(&rows->rows[i]) && (all || !run->held[i])) {
            kernels[count++] = rows->rows[i].kernel;
        }
    }
    struct gpu gpu = run->base;
    struct fit_progress progress = {run->request->progress, all ? 0.5 : 0.0};
    const struct gpu_fit_listener listener = {.told = told_of_fit, .context = &progress};
    gpu_fit(&gpu, kernels, count, scratch, &listener, reports);
    round_fitted(&gpu, reports);
    return gpu;
}

static bool any_fitted(const struct gpu_fit_report *report)
{
    for (size_t i = 0; i < GPU_FIT_MAX_CONSTANTS; i++) {
        if (report->fitted[i]) {
            return true;
        }
    }
    return false;
}

static void mark_fitted(struct run *run)
{
    struct calibration *calibration = run->calibration;
    calibration->fitted = ARENA_ARRAY(run->arena, bool, calibration->rows.row_count);
    calibration->timed = ARENA_ARRAY(run->arena, bool, calibration->rows.row_count);
    for (size_t i = 0; i < calibration->rows.row_count; i++) {
        const struct compared_row *row = &calibration->rows.rows[i];
        for (size_t j = 0; j < GPU_FIT_GROUP_COUNT && is_fittable(row); j++) {
            const struct gpu_fit_group *group = &gpu_fit_groups[j];
            if (any_fitted(&calibration->reports[j]) && gpu_fit_uses(group, &row->kernel)) {
                calibration->fitted[i] = true;
                calibration->timed[i] |= !group->power;
            }
        }
        if (calibration->timed[i]) {
            gpu_fitted_include(&calibration->seen, &row->kernel);
        }
    }
}

/* --- what is told --- */

static size_t fitted_rows(const struct calibration *calibration, const char *class)
{
    size_t count = 0;
    for (size_t i = 0; i < calibration->rows.row_count; i++) {
        const struct compared_row *row = &calibration->rows.rows[i];
        for (size_t j = 0; j < row->figure_count && calibration->fitted[i]; j++) {
            count += strcmp(row->figures[j].class, class) == 0 ? 1 : 0;
        }
    }
    return count;
}

static void summarise(struct run *run, const struct comparison *without_held,
                      const struct comparison *after)
{
    struct calibration *calibration = run->calibration;
    const struct comparison *before = &calibration->rows;
    calibration->class_count = before->class_count;
    calibration->classes = ARENA_ARRAY(run->arena, struct calibration_class, before->class_count);
    for (size_t i = 0; i < before->class_count; i++) {
        const char *name = before->classes[i].name;
        calibration->classes[i] = (struct calibration_class){
            .name = name,
            .fitted_rows = fitted_rows(calibration, name),
            .before = before->classes[i].summary,
            .after = after->classes[i].summary,
            .held_before = comparison_errors(run->arena, before, name, run->held),
            .held_after = comparison_errors(run->arena, without_held, name, run->held),
        };
    }
}

const char *calibration_constants(struct arena *arena, const struct calibration *calibration,
                                  size_t group, bool fitted)
{
    const struct gpu_fit_constant *constants = gpu_fit_groups[group].constants;
    struct text text = {.arena = arena};
    text_add(&text, "");
    for (size_t i = 0; i < GPU_FIT_MAX_CONSTANTS && constants[i].offset > 0; i++) {
        if (calibration->reports[group].fitted[i] == fitted) {
            text_print(&text, "%s%s", text.length == 0 ? "" : ", ",
                       gpu_key(arena, constants[i].offset));
        }
    }
    return text.bytes;
}

static void warn(struct run *run, const char *what, const char *message)
{
    diagnostics_add(run->diagnostics, SEVERITY_WARNING, (struct mark){.file = what}, "%s", message);
}

static void warn_of_thin_data(struct run *run)
{
    struct arena *arena = run->arena;
    const struct calibration *calibration = run->calibration;
    for (size_t group = 0; group < GPU_FIT_GROUP_COUNT; group++) {
        const char *kept = calibration_constants(arena, calibration, group, false);
        size_t rows = calibration->reports[group].rows;
        if (kept[0] != '\0') {
            warn(run, gpu_fit_groups[group].name,
                 arena_printf(arena, "%s: kept from %s, for %s", kept, calibration->base_name,
                              rows == 0 ? "there are no rows of the kind"
                                        : arena_printf(arena,
                                                       "too few of the %zu row%s of the kind "
                                                       "depend on them",
                                                       rows, rows == 1 ? "" : "s")));
        }
    }
}

static void warn_of_bounds(struct run *run)
{
    const struct calibration *calibration = run->calibration;
    for (size_t group = 0; group < GPU_FIT_GROUP_COUNT; group++) {
        for (size_t i = 0; i < GPU_FIT_MAX_CONSTANTS; i++) {
            const struct gpu_fit_constant *constant = &gpu_fit_groups[group].constants[i];
            const double *value =
                (const double *)((const char *)&calibration->gpu + constant->offset);
            if (calibration->reports[group].fitted[i] && constant->highest > 0.0 &&
                *value >= constant->highest) {
                warn(
                    run, gpu_key(run->arena, constant->offset),
                    "came out at its bound; a figure of the data sheet may be too low for this GPU "
                    "(--set gpu.memory_rate=..., gpu.dense_rate.bf16=..., gpu.boost_clock=...)");
            }
        }
    }
}

static void warn_of_poor_fits(struct run *run)
{
    for (size_t i = 0; i < run->calibration->class_count; i++) {
        const struct calibration_class *class = &run->calibration->classes[i];
        if (class->held_after.count >= HELD_TELLING_ROWS &&
            class->held_after.median > worse_factor * class->after.median &&
            class->held_after.median > class->after.median + worse_least) {
            warn(run, class->name,
                 arena_printf(run->arena,
                              "rows held out are off by %.1f %% in the median, those fitted by "
                              "%.1f %%: measure more shapes",
                              100.0 * class->held_after.median, 100.0 * class->after.median));
        }
    }
}

/* The tables say which GPU they are of; a file describes one. */
static void warn_of_several_gpus(struct run *run)
{
    const char *first = NULL;
    for (size_t i = 0; i < run->calibration->rows.row_count; i++) {
        const struct compared_row *row = &run->calibration->rows.rows[i];
        int column = csv_column(row->csv, "gpu");
        const char *name = column == CSV_NO_COLUMN ? "" : row->row->fields[column].text;
        first = first == NULL && name[0] != '\0' ? name : first;
        if (name[0] != '\0' && strcmp(name, first) != 0) {
            diagnostics_add(run->diagnostics, SEVERITY_WARNING,
                            csv_mark(row->csv, &row->row->fields[column]),
                            "gpu: '%.60s', but other rows are of '%.60s'; a file describes one GPU",
                            name, first);
            return;
        }
    }
}

/* --- the whole --- */

static bool read_base(struct run *run)
{
    const struct calibration_request *request = run->request;
    struct machine_files *files = machine_files_create(run->arena, run->diagnostics);
    const char *path = machine_path(files, "gpu", request->base, (struct mark){.file = "--base"});
    run->calibration->base_name = request->base;
    run->calibration->base =
        path == NULL ? NULL
                     : data_file_resolve(run->arena, "gpu", path, request->overrides,
                                         request->override_count, &run->base, run->diagnostics);
    return run->calibration->base != NULL;
}

static bool read_rows(struct run *run)
{
    struct comparison_request request = {.files = run->request->files,
                                         .file_count = run->request->file_count,
                                         .gpu_values = &run->base,
                                         .one_gpu = true};
    struct comparison *rows = &run->calibration->rows;
    if (!comparison_run(run->arena, &request, rows, run->diagnostics)) {
        return false;
    }
    for (size_t i = 0; i < rows->row_count; i++) {
        if (is_fittable(&rows->rows[i])) {
            return true;
        }
    }
    DIAGNOSE_ERROR(
        run->diagnostics, ((struct mark){.file = run->request->files[0]}),
        "no row is of a single kernel, so there is nothing to fit; such rows are of kind "
        "gemm, attention-prefill, attention-decode, memory, power or energy "
        "(docs/calibrate.md)");
    return false;
}

bool calibration_run(struct arena *arena, const struct calibration_request *request,
                     struct calibration *calibration, struct diagnostics *diagnostics)
{
    *calibration = (struct calibration){.base = NULL};
    struct run run = {
        .arena = arena, .request = request, .calibration = calibration, .diagnostics = diagnostics};
    if (!read_base(&run) || !read_rows(&run)) {
        return false;
    }
    choose_held(&run);
    struct gpu_fit_report reports[GPU_FIT_GROUP_COUNT];
    struct gpu without_held = fit(&run, false, reports);
    calibration->gpu = fit(&run, true, calibration->reports);
    mark_fitted(&run);
    struct comparison held, after;
    predict_again(&run, &without_held, &held);
    predict_again(&run, &calibration->gpu, &after);
    summarise(&run, &held, &after);
    warn_of_thin_data(&run);
    warn_of_bounds(&run);
    warn_of_poor_fits(&run);
    warn_of_several_gpus(&run);
    return true;
}
