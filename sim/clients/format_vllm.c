/* SPDX-License-Identifier: MIT
 * `vllm bench serve --save-result`, with --save-detailed a list an item a request; SGLang's
 * bench_serving (--output-details) has the same keys and no start_times. Times of single requests
 * are seconds, figures that end in _ms milliseconds. */
#include "sim/clients/client_file.h"

#include <math.h>
#include <string.h>

static bool recognises(const struct client_text *text)
{
    return json_get(text->json, "mean_ttft_ms") != NULL ||
           (json_get(text->json, "ttfts") != NULL && json_get(text->json, "itls") != NULL);
}

static void read_figures(const struct client_text *text, struct client_figures *figures)
{
    /* What each calls a time; vLLM says e2el, SGLang e2e_latency. */
    static const struct {
        enum client_time time;
        const char *name;
    } times[] = {{CLIENT_TTFT, "ttft"},
                 {CLIENT_TPOT, "tpot"},
                 {CLIENT_ITL, "itl"},
                 {CLIENT_E2E, "e2el"},
                 {CLIENT_E2E, "e2e_latency"}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        for (int j = 0; j < CLIENT_STATISTIC_COUNT; j++) {
            const char *key =
                arena_printf(text->arena, "%s_%s_ms",
                             client_statistic_name((enum client_statistic)j), times[i].name);
            double value = json_get_number(text->json, key, 0.0);
            if (value <= 0.0 && j == CLIENT_P50) {
                key = arena_printf(text->arena, "median_%s_ms", times[i].name);
                value = json_get_number(text->json, key, 0.0);
            }
            if (value > 0.0) {
                figures->seconds[times[i].time][j] = 1e-3 * value;
            }
        }
    }
    figures->requests_per_second = json_get_number(text->json, "request_throughput", 0.0);
    figures->output_tokens_per_second = json_get_number(text->json, "output_throughput", 0.0);
}

static double item(const struct client_text *text, const struct json_value *list, size_t index,
                   double least, double most)
{
    const struct json_value *value = &list->items[index];
    if (value->kind != JSON_NUMBER || !(value->number >= least && value->number <= most)) {
        client_complain(text, value, "%s: expected a number from %g to %g", list->key, least, most);
        return least;
    }
    return value->number;
}

static size_t count_gaps(const struct json_value *itls)
{
    size_t count = 0;
    for (size_t i = 0; i < itls->count; i++) {
        count += itls->items[i].kind == JSON_ARRAY ? itls->items[i].count : 0;
    }
    return count;
}

/* An answer's gaps go to the case; their sum comes back. */
static double add_gaps(const struct client_text *text, struct client_case *one,
                       const struct json_value *gaps)
{
    double sum = 0.0;
    for (size_t i = 0; i < gaps->count; i++) {
        const struct json_value *gap = &gaps->items[i];
        if (gap->kind != JSON_NUMBER || !(gap->number >= 0.0 && gap->number <= 1e8)) {
            client_complain(text, gap, "itls: expected seconds");
            return sum;
        }
        one->gaps[one->gap_count++] = gap->number;
        sum += gap->number;
    }
    return sum;
}

static void read_requests(const struct client_text *text, struct client_case *one,
                          const struct json_value *ttfts, const struct json_value *itls,
                          const struct json_value *prompts, const struct json_value *outputs)
{
    const struct json_value *starts = json_get(text->json, "start_times");
    const struct json_value *errors = json_get(text->json, "errors");
    bool timed = starts != NULL && starts->kind == JSON_ARRAY && starts->count == ttfts->count;
    bool told = errors != NULL && errors->kind == JSON_ARRAY && errors->count == ttfts->count;
    one->gaps = ARENA_ARRAY(text->arena, double, count_gaps(itls) + 1);
    for (size_t i = 0; i < ttfts->count; i++) {
        const struct json_value *error = told ? &errors->items[i] : NULL;
        if ((error != NULL && error->kind == JSON_STRING && error->count > 0) ||
            item(text, outputs, i, 0.0, 1e9) < 1.0) {
            one->failed++;
            continue;
        }
        double ttft = item(text, ttfts, i, 0.0, 1e8);
        if (itls->items[i].kind != JSON_ARRAY) {
            client_complain(text, &itls->items[i], "itls: expected a list for each request");
            return;
        }
        double after = add_gaps(text, one, &itls->items[i]);
        one->requests[one->count++] = (struct client_request){
            .sent_seconds = timed ? item(text, starts, i, 0.0, 1e12) : -1.0,
            .ttft_seconds = ttft,
            .e2e_seconds = ttft + after,
            .prompt_tokens = (uint32_t)item(text, prompts, i, 1.0, 1e9),
            .output_tokens = (uint32_t)item(text, outputs, i, 1.0, 1e9),
            .line = (unsigned)i,
        };
    }
}

static bool read(struct client_text *text, struct client_file *file)
{
    const struct json_value *ttfts = json_get(text->json, "ttfts");
    size_t count = ttfts != NULL && ttfts->kind == JSON_ARRAY ? ttfts->count : 0;
    struct client_case *one = client_single_case(text, file, count);
    read_figures(text, &one->figures);
    one->clients = (uint32_t)fmin(json_get_number(text->json, "max_concurrency", 0.0), 1e6);
    const struct json_value *rate = json_get(text->json, "request_rate");
    bool as_they_can = rate != NULL && (rate->kind == JSON_STRING || !isfinite(rate->number));
    one->closed = one->clients > 0 && as_they_can;
    if (count == 0) {
        return true; /* saved without --save-detailed: its figures alone */
    }
    const struct json_value *itls = client_list(text, "itls", count);
    const struct json_value *prompts = client_list(text, "input_lens", count);
    const struct json_value *outputs = client_list(text, "output_lens", count);
    if (itls == NULL || prompts == NULL || outputs == NULL) {
        return false;
    }
    read_requests(text, one, ttfts, itls, prompts, outputs);
    return true;
}

const struct client_format client_format_vllm = {
    .name = "vllm-bench",
    .doc = "the JSON of vllm bench serve --save-result --save-detailed, or of SGLang's "
           "bench_serving --output-details",
    .recognises = recognises,
    .read = read,
};
