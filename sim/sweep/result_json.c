/* SPDX-License-Identifier: MIT
 * A sweep for programs: one object, its points in order, each with its parameters and figures. */
#include "sim/figures/figure.h"
#include "sim/sweep/result.h"

static void write_parameters(const struct sweep_record *sweep, const struct point_record *record,
                             struct json *json)
{
    json_open(json, "parameters", '{');
    for (uint32_t i = 0; i < sweep->parameter_count; i++) {
        const struct recorded_parameter *parameter = &sweep->parameters[i];
        const struct recorded_value *value = &record->values[i];
        if (!parameter->is_number) {
            json_string(json, parameter->key, value->text);
        } else if (parameter->is_whole) {
            json_count(json, parameter->key, (uint64_t)value->number);
        } else {
            json_number(json, parameter->key, value->number);
        }
    }
    json_close(json, '}');
}

static void write_point(const struct sweep_record *sweep, const struct point_record *record,
                        struct json *json)
{
    static const char *const statuses[] = {
        [POINT_DONE] = "done", [POINT_REJECTED] = "rejected", [POINT_FAILED] = "failed"};
    json_open(json, NULL, '{');
    json_count(json, "point", record->point);
    json_count(json, "replication", record->replication);
    json_count(json, "run_seed", record->seed);
    json_string(json, "status", statuses[record->status]);
    json_string(json, "error", record->error);
    write_parameters(sweep, record, json);
    figures_write_list(&record->metrics, json);
    json_close(json, '}');
}

void result_print_json(const struct journal_contents *contents, FILE *stream)
{
    struct json json = {.stream = stream};
    json_open(&json, NULL, '{');
    json_string(&json, "title", contents->sweep.title);
    json_count(&json, "points_total", contents->sweep.point_count);
    json_count(&json, "points_done", contents->done);
    json_count(&json, "points_rejected", contents->rejected);
    json_count(&json, "points_failed", contents->failed);
    json_open(&json, "points", '[');
    for (uint64_t point = 0; point < contents->sweep.point_count; point++) {
        if (contents->points[point] != NULL) {
            write_point(&contents->sweep, contents->points[point], &json);
        }
    }
    json_close(&json, ']');
    json_close(&json, '}');
}
