/* SPDX-License-Identifier: MIT */
#include "sim/plan/layouts/layout_report.h"

#include "sim/base/json.h"
#include "sim/base/quantity.h"
#include "sim/base/table.h"
#include "sim/base/text.h"
#include "sim/plan/layouts/layout_order.h"
#include "sim/plan/layouts/layout_scenario.h"
#include "sim/scenario/training_setup.h"

#include <inttypes.h>
#include <string.h>

enum { ROWS_MOST = 12 };

static const char *const aim_words[] = {
    [AIM_TIME] = "the fastest", [AIM_COST] = "the cheapest", [AIM_MEMORY] = "the least memory"};

struct report {
    const struct layout_job *job;
    const struct layout_found *found;
    struct scenario *scenario;  /* set to a layout at a time */
    bool gpus, context, expert; /* columns that say anything, and GPUs where there is room */
    struct plan_look look;
    struct arena *arena;
    FILE *stream;
};

static void print_counts(const struct report *report)
{
    const struct layout_found *found = report->found;
    uint64_t all = 0;
    for (int i = ANSWER_SAME + 1; i < ANSWER_STATE_COUNT; i++) {
        all += found->states[i];
    }
    static const char *const words[ANSWER_STATE_COUNT] = {
        [ANSWER_SAME] = NULL,
        [ANSWER_REFUSED] = "impossible: heads, batch, stages, software",
        [ANSWER_MEMORY] = "too large for the memory",
        [ANSWER_BOUNDED] = "slower at their GPUs' peak than another of no more memory",
        [ANSWER_PRICED] = NULL,
    };
    fprintf(report->stream,
            "%" PRIu64 " layouts, %" PRIu64 " priced, %" PRIu64
            " played on the simulated network\n",
            all, found->states[ANSWER_PRICED], found->plays);
    for (int i = 0; i < ANSWER_STATE_COUNT; i++) {
        if (words[i] != NULL && found->states[i] > 0) {
            fprintf(report->stream, "%8" PRIu64 "  %s\n", found->states[i], words[i]);
        }
    }
    if (found->over_budget > 0) {
        fprintf(report->stream, "%8" PRIu64 "  over the budget\n", found->over_budget);
    }
}

static const char *value_of(const struct report *report, const char *key)
{
    struct lever lever;
    lever_find(key, &lever);
    return lever_text(&lever, lever_get(&lever, report->scenario), report->arena);
}

/* The columns of every table. The first row names them. */
static struct table begin_table(const struct report *report)
{
    const struct {
        const char *name;
        bool shown, left;
    } columns[] = {
        {"step", true, false},         {"MFU", true, false},  {"memory", true, false},
        {"GPUs", report->gpus, false}, {"TP", true, false},   {"CP", report->context, false},
        {"EP", report->expert, false}, {"PP", true, false},   {"DP", true, false},
        {"VS", true, false},           {"MB", true, false},   {"schedule", true, true},
        {"recompute", true, true},     {"shard", true, true},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        count += columns[i].shown;
    }
    struct table table = table_create(report->arena, count);
    table.before = report->look.bold, table.after = report->look.plain;
    table.gap = 1;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (columns[i].shown) {
            table.left[table.count] = columns[i].left;
            table_add(&table, columns[i].name);
        }
    }
    return table;
}

static void add_row(const struct report *report, size_t number, struct table *table)
{
    const struct layout_found *found = report->found;
    const struct answer *answer = &found->answers[number];
    const struct layout *layout = &report->scenario->layout;
    double seconds = layout_step_seconds(found, number);
    layout_set(report->job, answer, report->scenario);
    table_add(table, quantity_seconds(seconds).text);
    table_add(table, quantity_percent(answer->mfu * answer->step_seconds / seconds).text);
    table_add(table, quantity_bytes(answer->memory_bytes).text);
    const struct {
        uint32_t ranks;
        bool shown;
    } counts[] = {{answer->gpus, report->gpus},
                  {layout->tensor, true},
                  {layout->context, report->context},
                  {layout_experts(layout), report->expert},
                  {layout->pipeline, true},
                  {layout->data, true},
                  {report->scenario->training.virtual_stages, true},
                  {report->scenario->training.micro_batch, true}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i].shown) {
            table_print_cell(table, "%" PRIu32, counts[i].ranks);
        }
    }
    table_add(table, layout->pipeline > 1 ? value_of(report, "workload.schedule") : "-");
    table_add(table, value_of(report, "workload.recompute"));
    table_add(table, value_of(report, "workload.sharding"));
}

static void end_table(const struct report *report, const char *title, const struct table *table)
{
    struct text text = {.arena = report->arena};
    table_print(table, report->look.columns, &text);
    fprintf(report->stream, "\n%s\n%s", title, text.bytes);
}

static void print_front(const struct report *report, const char *title, const size_t *numbers,
                        size_t count)
{
    if (count < 2) {
        return;
    }
    struct table table = begin_table(report);
    for (size_t i = 0; i < count && i < ROWS_MOST; i++) {
        add_row(report, numbers[i], &table);
    }
    end_table(report, title, &table);
    if (count > ROWS_MOST) {
        fprintf(report->stream, "%8s and %zu more, in plan.csv\n", "", count - ROWS_MOST);
    }
}

/* Every key of the winner, so that nothing is left to guess. */
static void print_winner(const struct report *report)
{
    const struct layout_job *job = report->job;
    const struct layout_found *found = report->found;
    size_t winner = found->winner, count = 0;
    const struct answer *answer = &found->answers[winner];
    const struct override *overrides = layout_overrides(job, answer, report->arena, &count);
    struct text keys = {.arena = report->arena}, lines = {.arena = report->arena};
    for (size_t i = job->override_count; i < count; i++) {
        text_print(&keys, "%s%s", i > job->override_count ? " " : "", overrides[i].text);
    }
    double seconds = layout_seconds(found, winner);
    text_wrap(&lines, keys.bytes == NULL ? "the base's own layout" : keys.bytes, 2,
              report->look.columns);
    fprintf(report->stream, "\n%s%s%s: a step of %s", report->look.bold, aim_words[job->file->aim],
            report->look.plain, quantity_seconds(layout_step_seconds(found, winner)).text);
    if (scenario_training_ends(job->base)) {
        fprintf(report->stream, ", a run of %.4g days", seconds / 86400.0);
        if (job->base->training.price_per_gpu_hour > 0.0) {
            fprintf(report->stream, " for $%.4g", layout_cost(job, answer, seconds));
        }
    }
    fprintf(report->stream, "\n%s", lines.bytes);
}

void layout_print(const struct layout_job *job, const struct layout_found *found,
                  struct plan_look look, FILE *stream)
{
    struct arena *arena = arena_create();
    struct report report = {.job = job,
                            .found = found,
                            .scenario = ARENA_NEW(arena, struct scenario),
                            .context = job->space->shape_axes[SHAPE_CONTEXT].count > 1,
                            .expert = job->space->shape_axes[SHAPE_EXPERT].count > 1,
                            .gpus = job->file->gpu_count > 1 ||
                                    job->space->shape_axes[SHAPE_CONTEXT].count == 1 ||
                                    job->space->shape_axes[SHAPE_EXPERT].count == 1,
                            .look = look,
                            .arena = arena,
                            .stream = stream};
    *report.scenario = *job->base;
    fprintf(stream, "%s%s%s\n\n", look.bold, job->file->title, look.plain);
    print_counts(&report);
    if (found->winner == SIZE_MAX) {
        fputs("\nno layout is possible, fits the memory and keeps to the budget; add GPUs, or let "
              "the axes recompute or shard more\n",
              stream);
        arena_destroy(arena);
        return;
    }
    size_t *numbers = ARENA_ARRAY(arena, size_t, found->count + 1);
    numbers[0] = found->winner;
    struct table best = begin_table(&report);
    add_row(&report, found->winner, &best);
    size_t good = found->count - found->over_budget, shown = 1;
    for (size_t i = 0; i < good && shown < 6; i++) {
        if (i != found->winner) {
            add_row(&report, i, &best);
            shown++;
        }
    }
    end_table(&report, arena_printf(arena, "%s, in order", aim_words[job->file->aim]), &best);
    print_front(&report, "time against GPUs", numbers, layout_gpu_front(found, numbers));
    print_front(&report, "time against memory", numbers, layout_memory_front(found, numbers));
    print_winner(&report);
    arena_destroy(arena);
}

/* --- for programs --- */

static void write_layout(struct json *json, const char *key, const struct report *report,
                         size_t number)
{
    const struct layout_space *space = report->job->space;
    const struct layout_found *found = report->found;
    const struct answer *answer = &found->answers[number];
    layout_set(report->job, answer, report->scenario);
    json_open(json, key, '{');
    json_count(json, "row", number);
    json_open(json, "parameters", '{');
    json_count(json, "layout.data", report->scenario->layout.data);
    for (uint32_t i = 0; i < SHAPE_AXIS_COUNT + space->axis_count; i++) {
        const struct lever *lever = i < SHAPE_AXIS_COUNT ? &space->shape_axes[i].lever
                                                         : &space->axes[i - SHAPE_AXIS_COUNT].lever;
        uint32_t value = lever_get(lever, report->scenario);
        if (lever->field->kind == FIELD_COUNT) {
            json_count(json, lever->key, value);
        } else if (lever->field->kind == FIELD_BOOLEAN) {
            json_boolean(json, lever->key, value != 0);
        } else {
            json_string(json, lever->key, lever_text(lever, value, report->arena));
        }
    }
    json_close(json, '}');
    json_count(json, "gpus", answer->gpus);
    json_exact(json, "step_seconds", layout_step_seconds(found, number));
    json_exact(json, "step_closed_form_seconds", answer->step_seconds);
    json_boolean(json, "played", found->played[number].done);
    json_exact(json, "mfu",
               answer->mfu * answer->step_seconds / layout_step_seconds(found, number));
    json_exact(json, "peak_memory_bytes_per_gpu", answer->memory_bytes);
    if (scenario_training_ends(report->job->base)) {
        double seconds = layout_seconds(found, number);
        json_exact(json, "run_undisturbed_seconds", seconds);
        if (report->job->base->training.price_per_gpu_hour > 0.0) {
            json_exact(json, "run_dollars", layout_cost(report->job, answer, seconds));
        }
    }
    json_close(json, '}');
}

static void write_front(struct json *json, const char *key, const struct report *report,
                        const size_t *numbers, size_t count)
{
    json_open(json, key, '[');
    for (size_t i = 0; i < count; i++) {
        write_layout(json, NULL, report, numbers[i]);
    }
    json_close(json, ']');
}

static const char *const aim_names[] = {
    [AIM_TIME] = "time", [AIM_COST] = "cost", [AIM_MEMORY] = "memory"};

void layout_print_json(const struct layout_job *job, const struct layout_found *found, FILE *stream)
{
    static const char *const names[ANSWER_STATE_COUNT] = {
        [ANSWER_SAME] = NULL,          [ANSWER_REFUSED] = "impossible",
        [ANSWER_MEMORY] = "too_large", [ANSWER_BOUNDED] = "passed_over",
        [ANSWER_PRICED] = "priced",
    };
    struct arena *arena = arena_create();
    struct report report = {
        .job = job, .found = found, .scenario = ARENA_NEW(arena, struct scenario), .arena = arena};
    *report.scenario = *job->base;
    struct json json = {.stream = stream, .one_line_depth = 3};
    json_open(&json, NULL, '{');
    json_string(&json, "title", job->file->title);
    json_string(&json, "minimise", aim_names[job->file->aim]);
    json_open(&json, "layouts", '{');
    for (int i = 0; i < ANSWER_STATE_COUNT; i++) {
        if (names[i] != NULL) {
            json_count(&json, names[i], found->states[i]);
        }
    }
    json_count(&json, "over_budget", found->over_budget);
    json_count(&json, "played", found->plays);
    json_close(&json, '}');
    if (found->winner != SIZE_MAX) {
        size_t *numbers = ARENA_ARRAY(arena, size_t, found->count + 1);
        write_front(&json, "gpu_front", &report, numbers, layout_gpu_front(found, numbers));
        write_front(&json, "memory_front", &report, numbers, layout_memory_front(found, numbers));
        write_layout(&json, "winner", &report, found->winner);
    }
    json_close(&json, '}');
    fputs("\n", stream);
    arena_destroy(arena);
}

void layout_write_csv(const struct layout_job *job, const struct layout_found *found, FILE *stream)
{
    const struct layout_space *space = job->space;
    struct arena *arena = arena_create();
    struct scenario *scenario = ARENA_NEW(arena, struct scenario);
    *scenario = *job->base;
    fputs("gpus,layout.data", stream);
    for (uint32_t i = 0; i < SHAPE_AXIS_COUNT; i++) {
        fprintf(stream, ",%s", space->shape_axes[i].lever.key);
    }
    for (uint32_t i = 0; i < space->axis_count; i++) {
        fprintf(stream, ",%s", space->axes[i].lever.key);
    }
    fputs(",step_seconds,step_closed_form_seconds,played,mfu,peak_memory_bytes_per_gpu,seconds\n",
          stream);
    for (size_t row = 0; row < found->count; row++) {
        const struct answer *answer = &found->answers[row];
        layout_set(job, answer, scenario);
        fprintf(stream, "%u,%u", answer->gpus, scenario->layout.data);
        for (uint32_t i = 0; i < SHAPE_AXIS_COUNT; i++) {
            fprintf(stream, ",%u", space->shapes[answer->shape].values[i]);
        }
        for (uint32_t i = 0; i < space->axis_count; i++) {
            const struct lever *lever = &space->axes[i].lever;
            fprintf(stream, ",%s", lever_text(lever, lever_get(lever, scenario), arena));
        }
        fprintf(stream, ",%.17g,%.17g,%d,%.17g,%.17g,%.17g\n", layout_step_seconds(found, row),
                answer->step_seconds, found->played[row].done, answer->mfu, answer->memory_bytes,
                layout_seconds(found, row));
    }
    arena_destroy(arena);
}
