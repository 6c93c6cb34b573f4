/* SPDX-License-Identifier: MIT
 * AIPerf, once genai-perf: a request a line (profile_export.jsonl), or its figures as JSON or as a
 * table. Its inter_token_latency is a request's mean, (E2E - TTFT) / (tokens - 1): TPOT here; its
 * inter_chunk_latency is ITL. */
#include "sim/base/csv.h"
#include "sim/clients/client_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct metric {
    enum client_time time;
    const char *key, *title;
} metrics[] = {
    {CLIENT_TTFT, "time_to_first_token", "Time to First Token (ms)"},
    {CLIENT_TPOT, "inter_token_latency", "Inter Token Latency (ms)"},
    {CLIENT_ITL, "inter_chunk_latency", "Inter Chunk Latency (ms)"},
    {CLIENT_E2E, "request_latency", "Request Latency (ms)"},
};
enum { METRICS = sizeof metrics / sizeof *metrics };

/* Times per millisecond, of a unit's name; 0 after a complaint. */
static double scale_of(const struct client_text *text, const struct json_value *metric)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"ms", 1e-3}, {"sec", 1.0}, {"s", 1.0}, {"us", 1e-6}, {"ns", 1e-9}};
    const char *unit = json_get_text(metric, "unit");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].unit) == 0) {
            return units[i].seconds;
        }
    }
    client_complain(text, metric, "%s: its unit '%.20s' is none of time", metric->key, unit);
    return 0.0;
}

/* --- a request a line --- */

static bool recognises_requests(const struct client_text *text)
{
    size_t length = strcspn(text->bytes, "\n");
    const char *metadata = strstr(text->bytes, "\"metadata\"");
    const char *latency = strstr(text->bytes, "\"request_latency\"");
    return metadata != NULL && latency != NULL && latency < text->bytes + length;
}

/* Seconds of a metric; NAN: it has none. */
static double seconds_of(const struct client_text *text, const struct json_value *all,
                         const char *key)
{
    const struct json_value *metric = json_get(all, key);
    double value = json_get_number(metric, "value", (double)NAN);
    return isnan(value) ? value : scale_of(text, metric) * value;
}

static void add_chunks(const struct client_text *text, struct client_case *one,
                       const struct json_value *all, size_t *capacity)
{
    const struct json_value *metric = json_get(all, "inter_chunk_latency");
    const struct json_value *values = json_get(metric, "value");
    size_t count = values != NULL && values->kind == JSON_ARRAY ? values->count : 0;
    if (one->gap_count + count > *capacity) {
        *capacity = 2 * (one->gap_count + count);
        double *gaps = ARENA_ARRAY(text->arena, double, *capacity);
        if (one->gap_count > 0) {
            memcpy(gaps, one->gaps, one->gap_count * sizeof *gaps);
        }
        one->gaps = gaps;
    }
    double scale = count > 0 ? scale_of(text, metric) : 0.0;
    for (size_t i = 0; i < count; i++) {
        if (values->items[i].kind == JSON_NUMBER && isfinite(values->items[i].number)) {
            one->gaps[one->gap_count++] = scale * values->items[i].number;
        }
    }
}

/* The server's own count comes before the client's tokeniser's. */
static double tokens_of(const struct json_value *all, const char *server, const char *client)
{
    double tokens = json_get_number(json_get(all, server), "value", 0.0);
    return tokens > 0.0 ? tokens : json_get_number(json_get(all, client), "value", 0.0);
}

static void add_line(struct client_text *text, struct client_case *one,
                     const struct json_value *line, size_t *capacity)
{
    const struct json_value *metadata = json_get(line, "metadata"),
                            *all = json_get(line, "metrics");
    const char *phase = json_get_text(metadata, "benchmark_phase");
    if (phase[0] != '\0' && strcmp(phase, "profiling") != 0) {
        return; /* warm-up */
    }
    double ttft = seconds_of(text, all, "time_to_first_token");
    double e2e = seconds_of(text, all, "request_latency");
    double prompt = tokens_of(all, "usage_prompt_tokens", "input_sequence_length");
    double output = tokens_of(all, "usage_completion_tokens", "output_sequence_length");
    if (!(e2e > 0.0) || !(prompt >= 1.0) || !(output >= 1.0) || prompt > 1e9 || output > 1e9) {
        one->failed++;
        return;
    }
    add_chunks(text, one, all, capacity);
    one->requests[one->count++] = (struct client_request){
        .sent_seconds = 1e-9 * json_get_number(metadata, "request_start_ns", -1e9),
        .ttft_seconds = isnan(ttft) ? e2e : ttft,
        .e2e_seconds = e2e,
        .prompt_tokens = (uint32_t)prompt,
        .output_tokens = (uint32_t)output,
        .line = line->line,
    };
}

static bool read_requests(struct client_text *text, struct client_file *file)
{
    size_t lines = 1, capacity = 0;
    for (const char *c = text->bytes; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    struct client_case *one = client_single_case(text, file, lines);
    unsigned number = 1;
    for (char *rest = text->bytes; *rest != '\0'; number++) {
        char *line = rest;
        size_t length = strcspn(line, "\n");
        rest = line + length + (line[length] == '\n');
        line[length] = '\0';
        if (line[strspn(line, " \t\r")] == '\0') {
            continue;
        }
        const struct json_value *value =
            json_parse(text->arena, text->path, number, line, length, text->diagnostics);
        if (value == NULL) {
            return false;
        }
        add_line(text, one, value, &capacity);
    }
    return true;
}

const struct client_format client_format_aiperf_requests = {
    .name = "aiperf-requests",
    .doc = "AIPerf's profile_export.jsonl",
    .recognises = recognises_requests,
    .read = read_requests,
};

/* --- figures --- */

static bool recognises_summary(const struct client_text *text)
{
    return json_get(json_get(text->json, "request_latency"), "avg") != NULL;
}

static const char *const statistics[CLIENT_STATISTIC_COUNT] = {[CLIENT_MEAN] = "avg",
                                                               [CLIENT_P50] = "p50",
                                                               [CLIENT_P90] = "p90",
                                                               [CLIENT_P95] = "p95",
                                                               [CLIENT_P99] = "p99"};

static bool read_summary(struct client_text *text, struct client_file *file)
{
    struct client_case *one = client_single_case(text, file, 0);
    struct client_figures *figures = &one->figures;
    for (size_t i = 0; i < METRICS; i++) {
        const struct json_value *metric = json_get(text->json, metrics[i].key);
        double scale = metric == NULL ? 0.0 : scale_of(text, metric);
        for (int j = 0; j < CLIENT_STATISTIC_COUNT; j++) {
            figures->seconds[metrics[i].time][j] =
                scale * json_get_number(metric, statistics[j], 0.0);
        }
    }
    figures->requests_per_second =
        json_get_number(json_get(text->json, "request_throughput"), "avg", 0.0);
    figures->output_tokens_per_second =
        json_get_number(json_get(text->json, "output_token_throughput"), "avg", 0.0);
    return true;
}

const struct client_format client_format_aiperf_summary = {
    .name = "aiperf-summary",
    .doc = "AIPerf's profile_export_aiperf.json",
    .recognises = recognises_summary,
    .read = read_summary,
};

static bool recognises_table(const struct client_text *text)
{
    return strncmp(text->bytes, "Metric,avg,", strlen("Metric,avg,")) == 0;
}

static double cell(const struct csv *csv, const struct csv_row *row, const char *column)
{
    int index = csv_column(csv, column);
    double value = index == CSV_NO_COLUMN ? 0.0 : strtod(row->fields[index].text, NULL);
    return isfinite(value) ? value : 0.0;
}

/* Its table of metrics; tables of other columns follow, behind an empty line. */
static bool read_table(struct client_text *text, struct client_file *file)
{
    struct client_figures *figures = &client_single_case(text, file, 0)->figures;
    const char *after = strstr(text->bytes, "\n\n"), *crlf = strstr(text->bytes, "\r\n\r\n");
    after = crlf != NULL && (after == NULL || crlf < after) ? crlf : after;
    size_t size = after == NULL ? text->size : (size_t)(after - text->bytes) + 1;
    const struct csv *csv =
        csv_parse(text->arena, text->path, text->bytes, size, text->diagnostics);
    for (size_t i = 0; csv != NULL && i < csv->row_count; i++) {
        const struct csv_row *row = &csv->rows[i];
        const char *title = row->fields[0].text;
        for (size_t j = 0; j < METRICS; j++) {
            for (int k = 0; k < CLIENT_STATISTIC_COUNT && strcmp(title, metrics[j].title) == 0;
                 k++) {
                figures->seconds[metrics[j].time][k] = 1e-3 * cell(csv, row, statistics[k]);
            }
        }
    }
    return csv != NULL;
}

const struct client_format client_format_aiperf_table = {
    .name = "aiperf-table",
    .doc = "AIPerf's profile_export_aiperf.csv",
    .recognises = recognises_table,
    .read = read_table,
};
