/* SPDX-License-Identifier: MIT */
#include "sim/plan/plan_report.h"

#include "sim/base/quantity.h"
#include "sim/base/table.h"

#include <inttypes.h>
#include <string.h>

/* Points of a front that differ by no more are one: runs are not surer. */
static const double ALIKE = 0.02;

static double number_of(const struct metric_list *metrics, const char *name)
{
    const struct metric *metric = metric_find(metrics, name);
    return metric == NULL ? 0.0 : metric->value;
}

/* Whether candidates differ in it. */
static bool varies(const struct points *points, size_t parameter)
{
    const char *first = points_value(points, 0, parameter)->text;
    for (uint64_t i = 1; i < points->count; i++) {
        if (strcmp(points_value(points, i, parameter)->text, first) != 0) {
            return true;
        }
    }
    return false;
}

/* "tensor=4 precision=fp8" */
static const char *name_of(const struct plan_job *job, struct arena *arena, uint64_t candidate)
{
    struct text text = {.arena = arena};
    text_add(&text, "");
    for (size_t i = 0; i < job->points->parameter_count; i++) {
        const char *key = job->points->parameters[i].key, *dot = strrchr(key, '.');
        if (varies(job->points, i)) {
            text_print(&text, "%s%s=%s", text.length == 0 ? "" : " ", dot == NULL ? key : dot + 1,
                       points_value(job->points, candidate, i)->text);
        }
    }
    return text.bytes;
}

/* A capacity that was not sought to its end. */
static const char *at_least(const struct candidate *candidate)
{
    return candidate->search.high > 0.0 ? "" : ">=";
}

static void print_counts(const struct plan_job *job, const struct candidate *candidates,
                         FILE *stream)
{
    uint64_t counts[RULE_COUNT] = {0}, runs = 0, shared = 0, good = 0;
    for (uint64_t i = 0; i < job->points->count; i++) {
        counts[candidates[i].rule]++;
        good += candidates[i].state == CANDIDATE_GOOD;
        runs += candidates[i].runs;
        shared += candidates[i].shared;
    }
    fprintf(stream,
            "%s candidates, %s simulations%s%s: %s carry %s requests/s within TTFT p99 %s and "
            "TPOT p99 %s\n",
            quantity_count(job->points->count).text, quantity_count(runs - shared).text,
            shared == 0 ? "" : " that answer for ", shared == 0 ? "" : quantity_count(runs).text,
            quantity_count(good).text, quantity_number(job->file->rate).text,
            quantity_seconds(job->file->ttft_seconds).text,
            quantity_seconds(job->file->tpot_seconds).text);
    static const char *const words[RULE_COUNT] = {
        [RULE_NONE] = NULL,
        [RULE_IMPOSSIBLE] = "impossible: memory, heads, cluster",
        [RULE_FAILED] = "failed: a simulation ended with an error",
        [RULE_BUDGET] = "over the budget",
        [RULE_TPOT_BOUND] = "too slow: reading the weights alone takes longer than the TPOT",
        [RULE_TTFT_BOUND] = "too slow: at the GPUs' peak a prompt takes longer than the TTFT",
        [RULE_UNLOADED] = "too slow, simulated without load",
        [RULE_COMPUTE_BOUND] = "too small: more FLOPs than the GPUs' peak",
        [RULE_BANDWIDTH_BOUND] = "too small: more bytes than the GPUs' memory gives",
        [RULE_KV_ROOM_BOUND] = "too small: more KV cache than there is",
        [RULE_RATE] = "too small, simulated at the rate",
        [RULE_CONFIRM] = "too small, simulated at the rate for longer, with other draws",
    };
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (words[i] != NULL && counts[i] > 0) {
            fprintf(stream, "%8" PRIu64 "  %s\n", counts[i], words[i]);
        }
    }
    fputs("\n", stream);
}

static struct front_point cost_point(const struct candidate *candidate, size_t index,
                                     const struct metric_list *metrics)
{
    return (struct front_point){.first = plan_cost(candidate),
                                .second = number_of(metrics, "ttft_p99_seconds"),
                                .index = index};
}

static struct front_point speed_point(size_t index, const struct metric_list *metrics)
{
    return (struct front_point){.first = -number_of(metrics, "output_tokens_per_second_per_gpu"),
                                .second = number_of(metrics, "tpot_p50_seconds"),
                                .index = index};
}

/* The winner is as cheap as the first, with more to spare, and stands before it. */
static size_t add_winner(const struct plan_job *job, const struct candidate *candidates,
                         struct front_point *points, size_t count)
{
    size_t winner = plan_winner(candidates, job->points->count), at = 0;
    while (at < count && points[at].index != winner) {
        at++;
    }
    if (winner != SIZE_MAX && at == count) {
        for (at = count++; at > 0; at--) {
            points[at] = points[at - 1];
        }
        points[0] = cost_point(&candidates[winner], winner, &candidates[winner].at_rate);
    }
    return count;
}

size_t plan_cost_choice(const struct plan_job *job, const struct candidate *candidates,
                        struct front_point *points)
{
    size_t count = 0;
    for (size_t i = 0; i < job->points->count; i++) {
        if (candidates[i].state == CANDIDATE_GOOD) {
            points[count++] = cost_point(&candidates[i], i, &candidates[i].searched_at_rate);
        }
    }
    return add_winner(job, candidates, points, front_find(points, count));
}

size_t plan_speed_choice(const struct plan_job *job, const struct candidate *candidates,
                         struct front_point *points)
{
    size_t count = 0;
    for (size_t i = 0; i < job->points->count; i++) {
        struct front_point point = speed_point(i, &candidates[i].searched_at_capacity);
        if (candidates[i].state == CANDIDATE_GOOD && point.second > 0.0) {
            points[count++] = point;
        }
    }
    return front_thin(points, front_find(points, count), ALIKE);
}

size_t plan_cost_front(const struct plan_job *job, const struct candidate *candidates,
                       struct front_point *points)
{
    size_t count = plan_cost_choice(job, candidates, points);
    for (size_t i = 0; i < count; i++) {
        const struct candidate *candidate = &candidates[points[i].index];
        points[i] = cost_point(candidate, points[i].index, &candidate->at_rate);
    }
    return add_winner(job, candidates, points, front_find(points, count));
}

size_t plan_speed_front(const struct plan_job *job, const struct candidate *candidates,
                        struct front_point *points)
{
    size_t count = plan_speed_choice(job, candidates, points);
    for (size_t i = 0; i < count; i++) {
        points[i] = speed_point(points[i].index, &candidates[points[i].index].at_capacity);
    }
    return front_find(points, count);
}

static struct table front_table(struct arena *arena, const char *const *headings, size_t columns,
                                const char *bold, const char *plain)
{
    struct table table = table_create(arena, columns);
    table.before = bold, table.after = plain;
    table.left[0] = false;
    table.left[columns - 1] = true;
    for (size_t i = 0; i < columns; i++) {
        table_add(&table, headings[i]);
    }
    return table;
}

static void add_capacity(const struct candidate *candidate, struct table *table)
{
    table_print_cell(table, "%s%.3g/s", at_least(candidate), candidate->search.low);
}

/* Cost against TTFT, of those that carry the rate. */
static void print_cost_front(const struct plan_job *job, const struct candidate *candidates,
                             struct arena *arena, struct plan_look look, FILE *stream)
{
    static const char *const headings[] = {"GPUs",     "$/h",      "TTFT p99",
                                           "TPOT p99", "capacity", "candidate"};
    struct front_point *points = ARENA_ARRAY(arena, struct front_point, job->points->count);
    size_t count = plan_cost_front(job, candidates, points);
    size_t winner = plan_winner(candidates, job->points->count);
    struct table table = front_table(arena, headings, 6, look.bold, look.plain);
    for (size_t i = 0; i < count; i++) {
        const struct candidate *candidate = &candidates[points[i].index];
        const char *mark = points[i].index == winner ? "  <- the cheapest" : "";
        table_print_cell(&table, "%.0f", candidate->gpus);
        if (candidate->dollars_per_hour > 0.0) {
            table_print_cell(&table, "%.2f", candidate->dollars_per_hour);
        } else {
            table_add(&table, "-");
        }
        table_add(&table, quantity_seconds(points[i].second).text);
        table_add(&table,
                  quantity_seconds(number_of(&candidate->at_rate, "tpot_p99_seconds")).text);
        add_capacity(candidate, &table);
        table_add(&table, arena_printf(arena, "%s%s", name_of(job, arena, points[i].index), mark));
    }
    struct text text = {.arena = arena};
    table_print(&table, look.columns, &text);
    fprintf(stream, "cost against latency, at %s requests/s\n%s",
            quantity_number(job->file->rate).text, text.bytes);
}

/* Tokens a second and GPU against tokens a second and user, each at its capacity. */
static void print_speed_front(const struct plan_job *job, const struct candidate *candidates,
                              struct arena *arena, struct plan_look look, FILE *stream)
{
    static const char *const headings[] = {"tokens/s/GPU", "tokens/s/user", "capacity",
                                           "candidate"};
    struct front_point *points = ARENA_ARRAY(arena, struct front_point, job->points->count);
    size_t count = plan_speed_front(job, candidates, points);
    if (count == 0) {
        return;
    }
    struct table table = front_table(arena, headings, 4, look.bold, look.plain);
    for (size_t i = 0; i < count; i++) {
        table_add(&table, quantity_number(-points[i].first).text);
        table_add(&table, quantity_number(1.0 / points[i].second).text);
        add_capacity(&candidates[points[i].index], &table);
        table_add(&table, name_of(job, arena, points[i].index));
    }
    struct text text = {.arena = arena};
    table_print(&table, look.columns, &text);
    fprintf(stream,
            "\nthroughput against interactivity, each at its capacity (as far as it was "
            "sought)\n%s",
            text.bytes);
}

void plan_print(const struct plan_job *job, const struct candidate *candidates,
                struct plan_look look, FILE *stream)
{
    struct arena *arena = arena_create();
    fprintf(stream, "%s%s%s\n\n", look.bold, job->file->sweep.title, look.plain);
    print_counts(job, candidates, stream);
    size_t winner = plan_winner(candidates, job->points->count);
    if (winner != SIZE_MAX) {
        print_cost_front(job, candidates, arena, look, stream);
    }
    print_speed_front(job, candidates, arena, look, stream);
    if (winner != SIZE_MAX) {
        fprintf(stream, "\nthe cheapest: %s, %.0f GPUs, capacity %s%.3g requests/s\n",
                name_of(job, arena, winner), candidates[winner].gpus, at_least(&candidates[winner]),
                candidates[winner].search.low);
    } else {
        fputs("no candidate carries the rate; add GPUs, allow more latency, or try fp8\n", stream);
    }
    arena_destroy(arena);
}

void plan_write_csv(const struct plan_job *job, const struct candidate *candidates, FILE *stream)
{
    static const char *const figures[] = {"ttft_p99_seconds", "tpot_p99_seconds",
                                          "output_tokens_per_second"};
    fputs("candidate", stream);
    for (size_t i = 0; i < job->points->parameter_count; i++) {
        fprintf(stream, ",%s", job->points->parameters[i].key);
    }
    fputs(",state,rule,gpus,dollars_per_hour,capacity_requests_per_second,confirmed,runs", stream);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        fprintf(stream, ",%s", figures[i]);
    }
    fputs(",reason\n", stream);
    for (uint64_t row = 0; row < job->points->count; row++) {
        const struct candidate *candidate = &candidates[row];
        fprintf(stream, "%" PRIu64, row);
        for (size_t i = 0; i < job->points->parameter_count; i++) {
            fprintf(stream, ",\"%s\"", points_value(job->points, row, i)->text);
        }
        fprintf(stream, ",%s,%s,%.17g,%.17g,%.17g,%d,%" PRIu32, plan_state_name(candidate->state),
                plan_rule_name(candidate->rule), candidate->gpus, candidate->dollars_per_hour,
                candidate->search.low, candidate->confirmed, candidate->runs);
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
            const struct metric *metric = metric_find(&candidate->at_rate, figures[i]);
            fputs(",", stream);
            if (metric != NULL) {
                fprintf(stream, "%.17g", metric->value);
            }
        }
        fputs(",\"", stream);
        for (const char *c = candidate->reason == NULL ? "" : candidate->reason; *c != '\0'; c++) {
            fputs(*c == '"' ? "\"\"" : (char[]){*c, '\0'}, stream);
        }
        fputs("\"\n", stream);
    }
}
