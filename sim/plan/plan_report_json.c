/* SPDX-License-Identifier: MIT */
#include "sim/base/json.h"
#include "sim/plan/plan_report.h"

static void write_rules(struct json *json, const struct plan_job *job,
                        const struct candidate *candidates)
{
    uint64_t counts[RULE_COUNT] = {0};
    for (uint64_t i = 0; i < job->points->count; i++) {
        counts[candidates[i].rule]++;
    }
    json_open(json, "given_up", '{');
    for (int rule = RULE_NONE + 1; rule < RULE_COUNT; rule++) {
        json_count(json, plan_rule_name((enum plan_rule)rule), counts[rule]);
    }
    json_close(json, '}');
}

static void write_figure(struct json *json, const struct candidate *candidate, const char *name)
{
    const struct metric *metric = metric_find(&candidate->at_rate, name);
    if (metric != NULL) {
        json_exact(json, name, metric->value);
    }
}

static void write_candidate(struct json *json, const char *key, const struct plan_job *job,
                            const struct candidate *candidate, uint64_t index)
{
    json_open(json, key, '{');
    json_count(json, "candidate", index);
    json_open(json, "parameters", '{');
    for (size_t i = 0; i < job->points->parameter_count; i++) {
        const struct parameter *parameter = &job->points->parameters[i];
        const struct parameter_value *value = points_value(job->points, index, i);
        if (parameter->is_number) {
            json_exact(json, parameter->key, value->number);
        } else {
            json_string(json, parameter->key, value->text);
        }
    }
    json_close(json, '}');
    json_string(json, "state", plan_state_name(candidate->state));
    json_string(json, "rule", plan_rule_name(candidate->rule));
    if (candidate->reason != NULL) {
        json_string(json, "reason", candidate->reason);
    }
    json_number(json, "gpus", candidate->gpus);
    json_number(json, "dollars_per_hour", candidate->dollars_per_hour);
    json_count(json, "runs", candidate->runs);
    json_count(json, "shared", candidate->shared);
    if (candidate->state == CANDIDATE_GOOD) {
        json_exact(json, "capacity_requests_per_second", candidate->search.low);
        json_boolean(json, "capacity_is_more", candidate->search.high <= 0.0);
        json_boolean(json, "confirmed", candidate->confirmed);
    }
    write_figure(json, candidate, "ttft_p99_seconds");
    write_figure(json, candidate, "tpot_p99_seconds");
    write_figure(json, candidate, "output_tokens_per_second");
    json_close(json, '}');
}

static void write_front(struct json *json, const char *key, const struct front_point *points,
                        size_t count)
{
    json_open(json, key, '[');
    for (size_t i = 0; i < count; i++) {
        json_count(json, NULL, points[i].index);
    }
    json_close(json, ']');
}

void plan_print_json(const struct plan_job *job, const struct candidate *candidates, FILE *stream)
{
    struct arena *arena = arena_create();
    struct json json = {.stream = stream, .one_line_depth = 3};
    struct front_point *points = ARENA_ARRAY(arena, struct front_point, job->points->count);
    json_open(&json, NULL, '{');
    json_string(&json, "title", job->file->sweep.title);
    json_exact(&json, "rate_requests_per_second", job->file->rate);
    json_exact(&json, "ttft_p99_seconds", job->file->ttft_seconds);
    json_exact(&json, "tpot_p99_seconds", job->file->tpot_seconds);
    write_rules(&json, job, candidates);
    write_front(&json, "cost_front", points, plan_cost_front(job, candidates, points));
    write_front(&json, "speed_front", points, plan_speed_front(job, candidates, points));
    size_t winner = plan_winner(candidates, job->points->count);
    if (winner != SIZE_MAX) {
        write_candidate(&json, "winner", job, &candidates[winner], winner);
    }
    json_open(&json, "candidates", '[');
    for (uint64_t i = 0; i < job->points->count; i++) {
        write_candidate(&json, NULL, job, &candidates[i], i);
    }
    json_close(&json, ']');
    json_close(&json, '}');
    fputs("\n", stream);
    arena_destroy(arena);
}
