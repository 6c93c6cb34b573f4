/* SPDX-License-Identifier: MIT
 * A service behind the door of workloads. */
#include "sim/workload/workload.h"
#include "sim/serving/result/serving_plot.h"

#include "sim/serving/result/figures.h"
#include "sim/serving/result/machine_trace.h"
#include "sim/serving/result/need.h"
#include "sim/serving/result/serving_summary.h"
#include "sim/serving/result/serving_trace.h"

/* One model, or several; what is of all together is that of the one, too. */
struct service_result {
    const struct scenario *scenario;
    struct serving_run *runs;        /* [count] */
    struct serving_metrics *metrics; /* [count] */
    size_t count;
    struct serving_run together_run;
    struct serving_metrics together;
};

/* `scenario` has no tenants. */
static bool run_alone(const struct scenario *scenario, struct arena *arena,
                      const struct workload_options *options, struct trace *trace,
                      struct service_result *service, bool *wrong_input,
                      struct diagnostics *diagnostics)
{
    const struct serving_options own = {
        .trace = trace == NULL ? NULL : serving_trace_begin(arena, scenario, NULL, 0, trace),
        .prices = options->prices,
        .price_kind = options->price_kind,
        .goal = options->goal,
        .progress = options->progress,
    };
    return serving_run(scenario, arena, &own, service->runs, wrong_input, diagnostics);
}

static bool run_tenants(const struct scenario *scenario, struct arena *arena,
                        const struct workload_options *options, struct trace *trace,
                        struct service_result *service, uint64_t *events, bool *wrong_input,
                        struct diagnostics *diagnostics)
{
    struct serving_options *own = ARENA_ARRAY(arena, struct serving_options, service->count);
    uint32_t replicas = 0;
    for (size_t i = 0; i < service->count; i++) {
        const struct tenant *tenant = &scenario->tenants[i];
        const struct layout *layout = &tenant->scenario->layout;
        own[i] = (struct serving_options){
            .trace = trace == NULL ? NULL
                                   : serving_trace_begin(arena, tenant->scenario, tenant->name,
                                                         replicas, trace),
            .prices = options->prices,
            .price_kind = options->price_kind,
            .progress = i == 0 ? options->progress : NULL,
            .keeps = UINT64_MAX, /* figures of all together are of all requests */
        };
        replicas += layout->data * layout_attention_data(layout);
    }
    return serving_run_tenants(scenario, arena, own, service->runs, events, wrong_input,
                               diagnostics);
}

static enum run_end run(const struct scenario *scenario, struct arena *arena,
                        const struct workload_options *options, struct trace *trace, void **result,
                        struct diagnostics *diagnostics)
{
    struct service_result *service = ARENA_NEW(arena, struct service_result);
    bool wrong_input = false, tenants = scenario->tenant_count > 0;
    uint64_t events = 0;
    *result = service;
    service->scenario = scenario;
    service->count = tenants ? scenario->tenant_count : 1;
    service->runs = ARENA_ARRAY(arena, struct serving_run, service->count);
    service->metrics = ARENA_ARRAY(arena, struct serving_metrics, service->count);
    bool done =
        tenants ? run_tenants(scenario, arena, options, trace, service, &events, &wrong_input,
                              diagnostics)
                : run_alone(scenario, arena, options, trace, service, &wrong_input, diagnostics);
    if (!done) {
        return wrong_input ? RUN_WRONG_INPUT : RUN_FAILED;
    }
    if (options->need != NULL) {
        *options->need =
            tenants ? (struct serving_need){0} : serving_need(&service->runs[0], arena);
    }
    if (service->runs[0].watch.missed) {
        return RUN_MISSED;
    }
    for (size_t i = 0; i < service->count; i++) {
        serving_metrics(&service->runs[i], &service->metrics[i]);
    }
    serving_metrics_together(scenario, service->runs, service->metrics, service->count, events,
                             &service->together_run, &service->together);
    return RUN_DONE;
}

/* "class_night_batch_" */
static char *part_of(struct arena *arena, const char *kind, const char *name)
{
    char *part = arena_printf(arena, "%s_%s_", kind, name);
    for (char *c = part; *c != '\0'; c++) {
        *c = *c == '-' || *c == '.' ? '_' : *c;
    }
    return part;
}

/* `before`: "tenant_chat_", or nothing. */
static void collect_classes(const struct serving_run *of, const struct serving_metrics *metrics,
                            const char *before, struct metric_list *figures)
{
    for (size_t i = 0; i < metrics->class_count; i++) {
        const char *part = part_of(figures->arena, "class", serving_class(of->serving, i)->name);
        const struct figure_naming naming = {
            .part = arena_printf(figures->arena, "%s%s", before, part)};
        figures_collect(&serving_tables[SERVING_CLASS], &metrics->classes[i], naming, figures);
    }
}

static void figures(const void *result, bool former, struct metric_list *figures)
{
    const struct service_result *service = result;
    const struct scenario *scenario = service->scenario;
    figures_collect(&serving_tables[SERVING_ALL], &service->together,
                    (struct figure_naming){.former = former}, figures);
    if (scenario->tenant_count == 0) {
        collect_classes(&service->runs[0], &service->metrics[0], "", figures);
    }
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        const char *part = part_of(figures->arena, "tenant", scenario->tenants[i].name);
        figures_collect(&serving_tables[SERVING_TENANT], &service->metrics[i],
                        (struct figure_naming){.part = part}, figures);
        collect_classes(&service->runs[i], &service->metrics[i], part, figures);
    }
}

static void end_trace(const void *result, struct trace *trace)
{
    const struct service_result *service = result;
    for (size_t i = 0; i < service->count; i++) {
        serving_trace_end(service->runs[i].trace, &service->runs[i]);
    }
    machine_trace_write(trace, service->scenario, service->runs, service->count,
                        service->together.end_seconds);
}

static void print(const void *result, struct ink ink, FILE *stream)
{
    const struct service_result *service = result;
    if (service->count == 1) {
        serving_summary_print(&service->runs[0], &service->metrics[0], ink, stream);
    } else {
        tenants_summary_print(service->scenario, service->runs, service->metrics,
                              &service->together, ink, stream);
    }
}

static void draw(const void *result, const struct plot *plot)
{
    const struct service_result *service = result;
    for (size_t i = 0; i < service->count; i++) {
        if (service->count > 1) {
            fprintf(plot->stream, "%s\n", service->scenario->tenants[i].name);
        }
        serving_plot(&service->runs[i], plot);
    }
}

static void write_classes(const struct serving_run *of, const struct serving_metrics *metrics,
                          struct json *json)
{
    if (metrics->class_count == 0) {
        return;
    }
    json_open(json, "classes", '[');
    for (size_t i = 0; i < metrics->class_count; i++) {
        json_open(json, NULL, '{');
        json_string(json, "name", serving_class(of->serving, i)->name);
        figures_write(&serving_tables[SERVING_CLASS], &metrics->classes[i], json);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_tenants(const struct service_result *service, struct json *json)
{
    json_open(json, "tenants", '[');
    for (size_t i = 0; i < service->count; i++) {
        const struct tenant *tenant = &service->scenario->tenants[i];
        json_open(json, NULL, '{');
        json_string(json, "name", tenant->name);
        json_string(json, "model", tenant->scenario->llm.name);
        figures_write(&serving_tables[SERVING_TENANT], &service->metrics[i], json);
        write_classes(&service->runs[i], &service->metrics[i], json);
        json_close(json, '}');
    }
    json_close(json, ']');
}

/* A service is its figures, and those of its classes or tenants; the rest are the keys of the
 * release before this one. */
static void write_json(const void *result, struct json *json)
{
    const struct service_result *service = result;
    if (service->scenario->tenant_count > 0) {
        write_tenants(service, json);
    } else {
        write_classes(&service->runs[0], &service->metrics[0], json);
    }
    const struct figure_table *table = &serving_tables[SERVING_ALL];
    static const char *const objects[] = {"ttft_seconds", "tpot_seconds",  "itl_seconds",
                                          "e2e_seconds",  "queue_seconds", "memory_per_gpu"};
    json_open(json, "service", '{');
    figures_write_former(table, &service->together, "service", json);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        char path[64];
        snprintf(path, sizeof path, "service.%s", objects[i]);
        json_open(json, objects[i], '{');
        figures_write_former(table, &service->together, path, json);
        json_close(json, '}');
    }
    json_close(json, '}');
    figures_write_former(table, &service->together, "", json);
}

/* What one model's figures say; of several the first that they say. */
static size_t notes(const void *result, struct arena *arena, const char *texts[])
{
    const struct service_result *service = result;
    size_t count = 0;
    for (size_t tenant = 0; tenant < service->count; tenant++) {
        const struct serving_metrics *metrics = &service->metrics[tenant];
        const char *found[] = {serving_length_note(metrics, arena),
                               serving_shape_note(metrics, arena),
                               serving_context_note(metrics, arena)};
        for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
            if (found[i] != NULL && count < RUN_NOTES_MOST) {
                texts[count++] =
                    service->count == 1
                        ? found[i]
                        : arena_printf(arena, "%s: %s", service->scenario->tenants[tenant].name,
                                       found[i]);
            }
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
