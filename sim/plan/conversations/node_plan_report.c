/* SPDX-License-Identifier: MIT */
#include "sim/base/json.h"
#include "sim/base/quantity.h"
#include "sim/base/table.h"
#include "sim/plan/conversations/node_plan.h"

#include <inttypes.h>
#include <string.h>

static const char *name_of(const struct node_plan *plan, uint64_t number)
{
    struct text text = {.arena = plan->arena};
    text_add(&text, "");
    for (size_t i = 0; i < plan->points->parameter_count; i++) {
        const char *key = plan->points->parameters[i].key, *dot = strrchr(key, '.');
        text_print(&text, "%s%s=%s", i == 0 ? "" : " ", dot == NULL ? key : dot + 1,
                   points_value(plan->points, number, i)->text);
    }
    return text.bytes;
}

static void print_counts(const struct node_plan *plan, FILE *stream)
{
    uint64_t impossible = 0, failed = 0, slow = 0, keeps = 0;
    for (uint64_t i = 0; i < plan->points->count; i++) {
        const struct node_candidate *candidate = &plan->candidates[i];
        impossible += candidate->status == POINT_REJECTED;
        failed += candidate->status == POINT_FAILED;
        keeps += candidate->keeps;
        slow += candidate->status == POINT_DONE && !candidate->keeps;
    }
    fprintf(stream, "%s candidates: %s keep TTFT %s", quantity_count(plan->points->count).text,
            quantity_count(keeps).text, quantity_seconds(plan->file->ttft_seconds).text);
    if (plan->file->tpot_seconds > 0.0) {
        fprintf(stream, " and TPOT %s", quantity_seconds(plan->file->tpot_seconds).text);
    }
    fputc('\n', stream);
    const struct {
        const char *words;
        uint64_t count;
    } rows[] = {{"impossible: memory, heads, cluster", impossible},
                {"failed: a simulation ended with an error", failed},
                {"too slow", slow}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].count > 0) {
            fprintf(stream, "%8" PRIu64 "  %s\n", rows[i].count, rows[i].words);
        }
    }
}

static void print_front(const struct node_plan *plan, struct plan_look look, FILE *stream)
{
    static const char *const headings[] = {"nodes", "GPUs", "TTFT", "TPOT", "candidate"};
    enum { COLUMNS = sizeof headings / sizeof *headings };
    size_t *numbers = ARENA_ARRAY(plan->arena, size_t, plan->points->count);
    size_t count = node_plan_front(plan, numbers);
    struct table table = table_create(plan->arena, COLUMNS);
    table.before = look.bold, table.after = look.plain;
    table.left[0] = false;
    table.left[COLUMNS - 1] = true;
    for (size_t i = 0; i < COLUMNS; i++) {
        table_add(&table, headings[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct node_candidate *candidate = &plan->candidates[numbers[i]];
        table_print_cell(&table, "%" PRIu32, candidate->nodes);
        table_print_cell(&table, "%.0f", candidate->gpus);
        table_add(&table, quantity_seconds(candidate->ttft_seconds).text);
        table_add(&table, quantity_seconds(candidate->tpot_seconds).text);
        table_add(&table, name_of(plan, numbers[i]));
    }
    struct text text = {.arena = plan->arena};
    table_print(&table, look.columns, &text);
    fprintf(stream, "\nnodes against TTFT\n%s", text.bytes);
}

void node_plan_print(const struct node_plan *plan, struct plan_look look, FILE *stream)
{
    fprintf(stream, "%s%s%s\n\n", look.bold, plan->file->sweep.title, look.plain);
    print_counts(plan, stream);
    if (plan->winner == SIZE_MAX) {
        fputs("\nno candidate keeps the targets; add nodes, context ranks, or allow more time\n",
              stream);
        return;
    }
    print_front(plan, look, stream);
    const struct node_candidate *winner = &plan->candidates[plan->winner];
    fprintf(stream, "\nthe fewest nodes: %" PRIu32 ", %s on %.0f GPUs: TTFT %s, TPOT %s\n",
            winner->nodes, name_of(plan, plan->winner), winner->gpus,
            quantity_seconds(winner->ttft_seconds).text,
            quantity_seconds(winner->tpot_seconds).text);
}

static void write_candidate(struct json *json, const char *key, const struct node_plan *plan,
                            uint64_t number)
{
    static const char *const states[] = {
        [POINT_DONE] = "done", [POINT_REJECTED] = "rejected", [POINT_FAILED] = "failed"};
    const struct node_candidate *candidate = &plan->candidates[number];
    json_open(json, key, '{');
    json_count(json, "candidate", number);
    json_open(json, "parameters", '{');
    for (size_t i = 0; i < plan->points->parameter_count; i++) {
        const struct parameter *parameter = &plan->points->parameters[i];
        const struct parameter_value *value = points_value(plan->points, number, i);
        if (parameter->is_number) {
            json_exact(json, parameter->key, value->number);
        } else {
            json_string(json, parameter->key, value->text);
        }
    }
    json_close(json, '}');
    json_string(json, "state", states[candidate->status]);
    if (candidate->status == POINT_DONE) {
        json_count(json, "nodes", candidate->nodes);
        json_number(json, "gpus", candidate->gpus);
        json_exact(json, "ttft_seconds", candidate->ttft_seconds);
        json_exact(json, "tpot_seconds", candidate->tpot_seconds);
        json_boolean(json, "keeps", candidate->keeps);
    } else {
        json_string(json, "reason", candidate->error);
    }
    json_close(json, '}');
}

void node_plan_print_json(const struct node_plan *plan, FILE *stream)
{
    struct json json = {.stream = stream, .one_line_depth = 3};
    size_t *numbers = ARENA_ARRAY(plan->arena, size_t, plan->points->count);
    size_t count = node_plan_front(plan, numbers);
    json_open(&json, NULL, '{');
    json_string(&json, "title", plan->file->sweep.title);
    json_exact(&json, "ttft_seconds", plan->file->ttft_seconds);
    json_exact(&json, "tpot_seconds", plan->file->tpot_seconds);
    json_open(&json, "node_front", '[');
    for (size_t i = 0; i < count; i++) {
        json_count(&json, NULL, numbers[i]);
    }
    json_close(&json, ']');
    if (plan->winner != SIZE_MAX) {
        write_candidate(&json, "winner", plan, plan->winner);
    }
    json_open(&json, "candidates", '[');
    for (uint64_t i = 0; i < plan->points->count; i++) {
        write_candidate(&json, NULL, plan, i);
    }
    json_close(&json, ']');
    json_close(&json, '}');
}

void node_plan_write_csv(const struct node_plan *plan, FILE *stream)
{
    fputs("candidate", stream);
    for (size_t i = 0; i < plan->points->parameter_count; i++) {
        fprintf(stream, ",%s", plan->points->parameters[i].key);
    }
    fputs(",keeps,nodes,gpus,ttft_seconds,tpot_seconds,reason\n", stream);
    for (uint64_t row = 0; row < plan->points->count; row++) {
        const struct node_candidate *candidate = &plan->candidates[row];
        fprintf(stream, "%" PRIu64, row);
        for (size_t i = 0; i < plan->points->parameter_count; i++) {
            fprintf(stream, ",\"%s\"", points_value(plan->points, row, i)->text);
        }
        if (candidate->status == POINT_DONE) {
            fprintf(stream, ",%d,%" PRIu32 ",%.17g,%.17g,%.17g,\n", candidate->keeps,
                    candidate->nodes, candidate->gpus, candidate->ttft_seconds,
                    candidate->tpot_seconds);
            continue;
        }
        fputs(",0,,,,,\"", stream);
        for (const char *c = candidate->error == NULL ? "" : candidate->error; *c != '\0'; c++) {
            fputs(*c == '"' ? "\"\"" : (char[]){*c, '\0'}, stream);
        }
        fputs("\"\n", stream);
    }
}
