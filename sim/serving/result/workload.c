/* SPDX-License-Identifier: MIT
 * A service behind the door of workloads. */
#include "sim/workload/workload.h"
#include "sim/serving/result/serving_plot.h"

#include "sim/serving/result/figures.h"
#include "sim/serving/result/need.h"
#include "sim/serving/result/serving_summary.h"
#include "sim/serving/result/serving_trace.h"

struct service_result {
    struct serving_run run;
    struct serving_metrics metrics;
};

static enum run_end run(const struct scenario *scenario, struct arena *arena,
                        const struct workload_options *options, struct trace *trace, void **result,
                        struct diagnostics *diagnostics)
{
    struct service_result *service = ARENA_NEW(arena, struct service_result);
    const struct serving_options own = {
        .trace = trace == NULL ? NULL : serving_trace_begin(arena, scenario, trace),
        .prices = options->prices,
        .price_kind = options->price_kind,
        .goal = options->goal,
        .progress = options->progress,
    };
    bool wrong_input = false;
    *result = service;
    if (!serving_run(scenario, arena, &own, &service->run, &wrong_input, diagnostics)) {
        return wrong_input ? RUN_WRONG_INPUT : RUN_FAILED;
    }
    if (options->need != NULL) {
        *options->need = serving_need(&service->run, arena);
    }
    if (service->run.watch.missed) {
        return RUN_MISSED;
    }
    serving_metrics(&service->run, &service->metrics);
    return RUN_DONE;
}

/* "class_night_batch_" */
static const char *part_of(struct arena *arena, const struct request_class *of)
{
    char *part = arena_printf(arena, "class_%s_", of->name);
    for (char *c = part; *c != '\0'; c++) {
        *c = *c == '-' || *c == '.' ? '_' : *c;
    }
    return part;
}

static void figures(const void *result, bool former, struct metric_list *figures)
{
    const struct service_result *service = result;
    const struct serving_metrics *metrics = &service->metrics;
    figures_collect(&serving_tables[SERVING_ALL], metrics, (struct figure_naming){.former = former},
                    figures);
    for (size_t i = 0; i < metrics->class_count; i++) {
        const struct request_class *of = serving_class(service->run.serving, i);
        const struct figure_naming naming = {.part = part_of(figures->arena, of)};
        figures_collect(&serving_tables[SERVING_CLASS], &metrics->classes[i], naming, figures);
    }
}

static void end_trace(const void *result, struct trace *trace)
{
    const struct service_result *service = result;
    (void)trace; /* run.trace has it */
    serving_trace_end(service->run.trace, &service->run);
}

static void print(const void *result, struct ink ink, FILE *stream)
{
    const struct service_result *service = result;
    serving_summary_print(&service->run, &service->metrics, ink, stream);
}

static void draw(const void *result, const struct plot *plot)
{
    const struct service_result *service = result;
    serving_plot(&service->run, plot);
}

static void write_classes(const struct service_result *service, struct json *json)
{
    json_open(json, "classes", '[');
    for (size_t i = 0; i < service->metrics.class_count; i++) {
        json_open(json, NULL, '{');
        json_string(json, "name", serving_class(service->run.serving, i)->name);
        figures_write(&serving_tables[SERVING_CLASS], &service->metrics.classes[i], json);
        json_close(json, '}');
    }
    json_close(json, ']');
}

/* A service is its figures, and those of its classes; the rest are the keys of the release before
 * this one. */
static void write_json(const void *result, struct json *json)
{
    const struct service_result *service = result;
    if (service->metrics.class_count > 0) {
        write_classes(service, json);
    }
    const struct figure_table *table = &serving_tables[SERVING_ALL];
    static const char *const objects[] = {"ttft_seconds", "tpot_seconds",  "itl_seconds",
                                          "e2e_seconds",  "queue_seconds", "memory_per_gpu"};
    json_open(json, "service", '{');
    figures_write_former(table, &service->metrics, "service", json);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        char path[64];
        snprintf(path, sizeof path, "service.%s", objects[i]);
        json_open(json, objects[i], '{');
        figures_write_former(table, &service->metrics, path, json);
        json_close(json, '}');
    }
    json_close(json, '}');
    figures_write_former(table, &service->metrics, "", json);
}

static size_t notes(const void *result, struct arena *arena, const char *texts[])
{
    const struct service_result *service = result;
    const char *found[] = {serving_length_note(&service->metrics, arena),
                           serving_shape_note(&service->metrics, arena),
                           serving_context_note(&service->metrics, arena)};
    size_t count = 0;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        if (found[i] != NULL) {
            texts[count++] = found[i];
        }
    }
    return count;
}

const struct workload serving_workload = {
    .notes = notes,
    .run = run,
    .figures = figures,
    .trace = end_trace,
    .print = print,
    .plot = draw,
    .write_json = write_json,
    .tables = serving_tables,
    .heading = "Figures of a service",
};
