/* SPDX-License-Identifier: MIT
 * GuideLLM's JSON (0.8): benchmarks, each with its requests. A benchmark is a case. Its
 * inter_token_latency is TPOT here; time_per_output_token counts the first token's time as well,
 * and is passed over. */
#include "sim/clients/client_file.h"

#include <math.h>
#include <string.h>

static bool recognises(const struct client_text *text)
{
    const struct json_value *benchmarks = json_get(text->json, "benchmarks");
    return benchmarks != NULL && benchmarks->kind == JSON_ARRAY;
}

static size_t count_of(const struct json_value *requests, const char *key)
{
    const struct json_value *list = json_get(requests, key);
    return list == NULL || list->kind != JSON_ARRAY ? 0 : list->count;
}

static struct client_request request_of(const struct json_value *value)
{
    double ttft = 1e-3 * json_get_number(value, "time_to_first_token_ms", (double)NAN);
    double e2e = json_get_number(value, "request_latency", (double)NAN);
    return (struct client_request){
        .sent_seconds = json_get_number(value, "request_start_time", -1.0),
        .ttft_seconds = isnan(ttft) ? e2e : ttft,
        .e2e_seconds = e2e,
        .prompt_tokens = (uint32_t)fmin(json_get_number(value, "prompt_tokens", 0.0), 1e9),
        .output_tokens = (uint32_t)fmin(json_get_number(value, "output_tokens", 0.0), 1e9),
        .line = value->line,
    };
}

static struct client_case case_of(const struct client_text *text,
                                  const struct json_value *benchmark)
{
    const struct json_value *strategy = json_get(json_get(benchmark, "config"), "strategy");
    const struct json_value *requests = json_get(benchmark, "requests");
    const struct json_value *answered = json_get(requests, "successful");
    const char *kind = json_get_text(strategy, "type_");
    double clients = json_get_number(strategy, "streams", 0.0);
    size_t count = count_of(requests, "successful");
    struct client_case one = {
        .name = kind,
        .model = "",
        .closed = strcmp(kind, "concurrent") == 0 || strcmp(kind, "synchronous") == 0 ||
                  strcmp(kind, "throughput") == 0,
        .clients = strcmp(kind, "synchronous") == 0 ? 1 : (uint32_t)fmin(fmax(clients, 0.0), 1e6),
        .requests = ARENA_ARRAY(text->arena, struct client_request, count + 1),
        .failed = count_of(requests, "errored") + count_of(requests, "incomplete"),
    };
    for (size_t i = 0; i < count; i++) {
        struct client_request request = request_of(&answered->items[i]);
        /* One is in ms, the other in s: of an answer of one token they differ by rounding. */
        const double rounding = 1e-9;
        bool whole = request.e2e_seconds >= request.ttft_seconds * (1.0 - rounding) &&
                     request.prompt_tokens > 0 && request.output_tokens > 0;
        if (whole) {
            one.requests[one.count++] = request;
        } else {
            one.failed++;
        }
    }
    return one;
}

static bool read(struct client_text *text, struct client_file *file)
{
    const struct json_value *benchmarks = json_get(text->json, "benchmarks");
    file->cases = ARENA_ARRAY(text->arena, struct client_case, benchmarks->count + 1);
    for (size_t i = 0; i < benchmarks->count; i++) {
        file->cases[file->case_count++] = case_of(text, &benchmarks->items[i]);
    }
    return file->case_count > 0 || client_complain(text, benchmarks, "there is no benchmark in it");
}

const struct client_format client_format_guidellm = {
    .name = "guidellm",
    .doc = "GuideLLM's JSON",
    .recognises = recognises,
    .read = read,
};

static bool recognises_table(const struct client_text *text)
{
    return strncmp(text->bytes, "Run Info,Run Info,", strlen("Run Info,Run Info,")) == 0;
}

static bool refuse_table(struct client_text *text, struct client_file *file)
{
    (void)file;
    return client_complain(text, NULL,
                           "GuideLLM's table has no requests, and headers over headers: give its "
                           "JSON (--output-path results.json)");
}

const struct client_format client_format_guidellm_table = {
    .name = "guidellm-table",
    .doc = "not its table",
    .recognises = recognises_table,
    .read = refuse_table,
};
