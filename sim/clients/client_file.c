/* SPDX-License-Identifier: MIT */
#include "sim/clients/client_file.h"

#include "models/numeric/steady.h"
#include "sim/base/file.h"
#include "sim/base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_MOST_BYTES ((size_t)1 << 30)

const struct client_format *const client_formats[] = {
    &client_format_requests,        &client_format_vllm,       &client_format_aiperf_summary,
    &client_format_aiperf_table,    &client_format_guidellm,   &client_format_guidellm_table,
    &client_format_aiperf_requests, &client_format_prometheus, NULL,
};

const char *client_time_name(enum client_time time)
{
    static const char *const names[CLIENT_TIME_COUNT] = {
        [CLIENT_TTFT] = "TTFT", [CLIENT_TPOT] = "TPOT", [CLIENT_ITL] = "ITL", [CLIENT_E2E] = "E2E"};
    return names[time];
}

const char *client_statistic_name(enum client_statistic statistic)
{
    static const char *const names[CLIENT_STATISTIC_COUNT] = {[CLIENT_MEAN] = "mean",
                                                              [CLIENT_P50] = "p50",
                                                              [CLIENT_P90] = "p90",
                                                              [CLIENT_P95] = "p95",
                                                              [CLIENT_P99] = "p99"};
    return names[statistic];
}

void client_summarise(double *values, size_t count,
                      double statistics[static CLIENT_STATISTIC_COUNT])
{
    static const double shares[CLIENT_STATISTIC_COUNT] = {[CLIENT_MEAN] = NAN,
                                                          [CLIENT_P50] = 0.5,
                                                          [CLIENT_P90] = 0.9,
                                                          [CLIENT_P95] = 0.95,
                                                          [CLIENT_P99] = 0.99};
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    statistics[CLIENT_MEAN] = sum / (double)count;
    for (int i = CLIENT_P50; i < CLIENT_STATISTIC_COUNT; i++) {
        statistics[i] = steady_nearest_rank(values, count, shares[i]);
    }
}

bool client_complain(const struct client_text *text, const struct json_value *at,
                     const char *format, ...)
{
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    DIAGNOSE_ERROR(text->diagnostics,
                   at == NULL ? (struct mark){.file = text->path} : json_mark(text->path, at), "%s",
                   message);
    return false;
}

const struct json_value *client_list(const struct client_text *text, const char *key, size_t count)
{
    const struct json_value *list = json_get(text->json, key);
    if (list == NULL || list->kind != JSON_ARRAY || list->count != count) {
        client_complain(text, list == NULL ? text->json : list,
                        "%s: expected a list with an item for each of the %zu requests", key,
                        count);
        return NULL;
    }
    return list;
}

struct client_case *client_single_case(struct client_text *text, struct client_file *file,
                                       size_t room)
{
    file->cases = ARENA_NEW(text->arena, struct client_case);
    file->case_count = 1;
    *file->cases = (struct client_case){
        .name = "",
        .model = "",
        .requests = ARENA_ARRAY(text->arena, struct client_request, room + 1),
    };
    return file->cases;
}

/* --- what a case's requests come to --- */

static double time_of(const struct client_request *request, enum client_time time)
{
    switch (time) {
    case CLIENT_TTFT:
        return request->ttft_seconds;
    case CLIENT_E2E:
        return request->e2e_seconds;
    case CLIENT_TPOT:
        return request->output_tokens < 2
                   ? -1.0
                   : (request->e2e_seconds - request->ttft_seconds) / (request->output_tokens - 1);
    case CLIENT_ITL:
    case CLIENT_TIME_COUNT:
        break;
    }
    return -1.0;
}

struct weighted {
    double value;
    uint32_t weight;
};

static int by_value(const void *left, const void *right)
{
    double a = ((const struct weighted *)left)->value, b = ((const struct weighted *)right)->value;
    return (a > b) - (a < b);
}

/* Where a request tells no more of its gaps than their median: the median of those, each as often
 * as it has gaps. Other quantiles cannot be had of it. */
static double median_gap(struct arena *arena, const struct client_case *one)
{
    struct weighted *medians = ARENA_ARRAY(arena, struct weighted, one->count + 1);
    uint64_t total = 0, passed = 0;
    for (size_t i = 0; i < one->count; i++) {
        medians[i] =
            (struct weighted){one->requests[i].gap_p50_seconds, one->requests[i].gap_count};
        total += one->requests[i].gap_count;
    }
    qsort(medians, one->count, sizeof *medians, by_value);
    for (size_t i = 0; i < one->count && total > 0; i++) {
        passed += medians[i].weight;
        if (2 * passed >= total) {
            return medians[i].value;
        }
    }
    return 0.0;
}

static void fill_rates(struct client_case *one)
{
    double first = INFINITY, last = 0.0, tokens = 0.0;
    for (size_t i = 0; i < one->count; i++) {
        const struct client_request *request = &one->requests[i];
        first = fmin(first, request->sent_seconds);
        last = fmax(last, request->sent_seconds + request->e2e_seconds);
        tokens += request->output_tokens;
    }
    if (one->count > 0 && first >= 0.0 && last > first) {
        one->figures.requests_per_second = (double)one->count / (last - first);
        one->figures.output_tokens_per_second = tokens / (last - first);
    }
}

static void fill_figures(struct arena *arena, struct client_case *one)
{
    double *values = ARENA_ARRAY(arena, double, one->count + 1);
    for (int time = 0; time < CLIENT_TIME_COUNT; time++) {
        size_t count = 0;
        for (size_t i = 0; i < one->count; i++) {
            double value = time_of(&one->requests[i], (enum client_time)time);
            values[count] = value;
            count += value >= 0.0;
        }
        if (count > 0) {
            client_summarise(values, count, one->figures.seconds[time]);
        }
    }
    if (one->gap_count > 0) {
        double *gaps = ARENA_ARRAY(arena, double, one->gap_count);
        memcpy(gaps, one->gaps, one->gap_count * sizeof *gaps);
        client_summarise(gaps, one->gap_count, one->figures.seconds[CLIENT_ITL]);
    } else if (one->count > 0) {
        one->figures.seconds[CLIENT_ITL][CLIENT_P50] = median_gap(arena, one);
    }
    fill_rates(one);
}

static int by_sending(const void *left, const void *right)
{
    const struct client_request *a = left, *b = right;
    if (a->sent_seconds < b->sent_seconds || a->sent_seconds > b->sent_seconds) {
        return a->sent_seconds < b->sent_seconds ? -1 : 1;
    }
    return (a->line > b->line) - (a->line < b->line);
}

static int by_number(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* A closed loop's clients, of a file that does not say: as many as were ever busy at once. The
 * requests are in the order in which they were sent. */
static uint32_t most_at_once(struct arena *arena, const struct client_case *one)
{
    const double rounding = 1e-6; /* what files keep of a second */
    double *ends = ARENA_ARRAY(arena, double, one->count + 1);
    size_t most = 0, ended = 0;
    for (size_t i = 0; i < one->count; i++) {
        ends[i] = one->requests[i].sent_seconds + one->requests[i].e2e_seconds;
    }
    qsort(ends, one->count, sizeof *ends, by_number);
    for (size_t i = 0; i < one->count; i++) {
        while (ended < one->count && ends[ended] <= one->requests[i].sent_seconds + rounding) {
            ended++;
        }
        most = i + 1 - ended > most ? i + 1 - ended : most;
    }
    return (uint32_t)most;
}

static bool finish_case(struct client_text *text, struct client_case *one)
{
    bool has_figures = one->figures.seconds[CLIENT_TTFT][CLIENT_P50] > 0.0 ||
                       one->figures.seconds[CLIENT_TTFT][CLIENT_MEAN] > 0.0;
    if (one->count == 0 && !has_figures) {
        DIAGNOSE_ERROR(text->diagnostics, ((struct mark){.file = text->path}),
                       "no request was answered%s: there is nothing to compare",
                       one->failed > 0 ? arena_printf(text->arena, " (%zu failed)", one->failed)
                                       : "");
        return false;
    }
    if (one->failed > 0) {
        diagnostics_add(text->diagnostics, SEVERITY_WARNING, (struct mark){.file = text->path},
                        "%zu of %zu requests failed: what they cost the service is not played",
                        one->failed, one->failed + one->count);
    }
    if (one->count > 0 && one->requests[0].sent_seconds >= 0.0) {
        qsort(one->requests, one->count, sizeof *one->requests, by_sending);
        double first = one->requests[0].sent_seconds;
        for (size_t i = 0; i < one->count; i++) {
            one->requests[i].sent_seconds -= first;
        }
        if (one->closed && one->clients == 0) {
            one->clients = most_at_once(text->arena, one);
        }
    }
    fill_figures(text->arena, one);
    return true;
}

/* --- files --- */

static void parse_if_json(struct client_text *text)
{
    size_t blanks = strspn(text->bytes, " \t\r\n");
    if (text->bytes[blanks] != '{') {
        return;
    }
    /* A JSON value a line is no JSON value; whose fault it is, is not known yet. */
    char *copy = ARENA_ARRAY(text->arena, char, text->size + 1);
    memcpy(copy, text->bytes, text->size);
    struct diagnostics *unsaid = diagnostics_create();
    text->json = json_parse(text->arena, text->path, 1, copy, text->size, unsaid);
    bool lines = strchr(text->bytes + blanks, '\n') != NULL &&
                 strncmp(strchr(text->bytes + blanks, '\n'), "\n{", 2) == 0;
    if (text->json == NULL && !lines) {
        memcpy(copy, text->bytes, text->size);
        json_parse(text->arena, text->path, 1, copy, text->size, text->diagnostics);
    }
    diagnostics_destroy(unsaid);
}

static void complain_of_format(const struct client_text *text)
{
    struct text known = {.arena = text->arena};
    for (const struct client_format *const *format = client_formats; *format != NULL; format++) {
        text_print(&known, "%s%s", known.length == 0 ? "" : "; ", (*format)->doc);
    }
    client_complain(text, NULL, "no client writes such a file that is known here: %s", known.bytes);
}

bool client_file_read(struct arena *arena, const char *path, struct client_file *file,
                      struct diagnostics *diagnostics)
{
    size_t before = diagnostics_error_count(diagnostics);
    struct client_text text = {.arena = arena, .path = path, .diagnostics = diagnostics};
    *file = (struct client_file){.path = path};
    text.bytes = file_read(arena, path, CLIENT_MOST_BYTES, "what a client of a service wrote",
                           &text.size, diagnostics);
    if (text.bytes == NULL) {
        return false;
    }
    parse_if_json(&text);
    if (diagnostics_error_count(diagnostics) > before) {
        return false;
    }
    for (const struct client_format *const *format = client_formats; *format != NULL; format++) {
        if ((*format)->recognises(&text)) {
            file->format = (*format)->name;
            bool fine =
                (*format)->read(&text, file) && diagnostics_error_count(diagnostics) == before;
            for (size_t i = 0; fine && i < file->case_count; i++) {
                fine = finish_case(&text, &file->cases[i]);
            }
            return fine;
        }
    }
    complain_of_format(&text);
    return false;
}

bool client_file_is_one(const char *path)
{
    struct arena *arena = arena_create();
    struct diagnostics *unsaid = diagnostics_create();
    struct client_text text = {.arena = arena, .path = path, .diagnostics = unsaid};
    text.bytes = file_is_regular(path)
                     ? file_read(arena, path, CLIENT_MOST_BYTES, "", &text.size, unsaid)
                     : NULL;
    /* Any object but a trace of PyTorch's profiler, which is a table of kernels (sim/compare). */
    bool one = text.bytes != NULL && text.bytes[strspn(text.bytes, " \t\r\n")] == '{' &&
               strstr(text.bytes, "\"traceEvents\"") == NULL;
    for (const struct client_format *const *format = client_formats;
         text.bytes != NULL && !one && *format != NULL; format++) {
        one = (*format)->recognises(&text);
    }
    diagnostics_destroy(unsaid);
    arena_destroy(arena);
    return one;
}
