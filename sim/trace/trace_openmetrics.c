/* SPDX-License-Identifier: MIT
 * A service over time under the names of vLLM's /metrics, where they mean the same: OpenMetrics
 * text (github.com/prometheus/OpenMetrics) with the simulation's seconds as time stamps, so that
 * `promtool tsdb create-blocks-from openmetrics` takes it in and a dashboard made for vLLM draws
 * it. An engine is a replica. A family goes through its table once and keeps a count a bucket and
 * stretch of time.
 */
#include "sim/base/arena.h"
#include "sim/base/json.h"
#include "sim/trace/trace_export.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BUCKETS = 24 };

/* What happened: a value, so many times, at a time. */
struct event {
    double seconds, value;
    double times;
    uint32_t replica;
};

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };

struct family {
    const char *name, *help;
    enum metric_type type;
    const double *buckets; /* upper bounds, ended by 0; the last, infinity, goes without saying */
    const char *label;     /* one more: "finished_reason=\"length\""; NULL */
    /* One of these; false: the row is none of the family's. */
    bool (*of_request)(const struct trace_request *request, struct event *event);
    bool (*of_step)(const struct trace_step *step, struct event *event);
    double (*of_sample)(const struct trace_sample *sample);
};

struct writer {
    struct arena *arena;
    struct trace_reader *reader;
    FILE *stream;
    const char *model;
    double *times; /* [time_count]: ends of the stretches that the trace has samples of */
    size_t time_count;
    uint32_t replicas;
    double kv_tokens; /* that a replica's cache has room for; 0: not known */
};

/* --- what families are made of --- */

static bool at_first(const struct trace_request *request, struct event *event, double value)
{
    *event = (struct event){request->first_token_seconds, value, 1.0, request->replica};
    return request->outcome == TRACE_DONE;
}

static bool at_last(const struct trace_request *request, struct event *event, double value)
{
    *event = (struct event){request->last_token_seconds, value, 1.0, request->replica};
    return request->outcome == TRACE_DONE;
}

#define OF_REQUEST(name, when, value)                                                              \
    static bool name(const struct trace_request *request, struct event *event)                     \
    {                                                                                              \
        return when(request, event, (double)(value));                                              \
    }
OF_REQUEST(ttft, at_first, request->first_token_seconds - request->arrival_seconds)
OF_REQUEST(e2e, at_last, request->last_token_seconds - request->arrival_seconds)
OF_REQUEST(queue, at_last, request->scheduled_seconds - request->arrival_seconds)
OF_REQUEST(inference, at_last, request->last_token_seconds - request->scheduled_seconds)
OF_REQUEST(prefill, at_last, request->first_token_seconds - request->scheduled_seconds)
OF_REQUEST(decode, at_last, request->last_token_seconds - request->first_token_seconds)
OF_REQUEST(prompt_length, at_last, request->prompt_tokens)
OF_REQUEST(answer_length, at_last, request->output_tokens)
OF_REQUEST(prompt_tokens, at_first, request->prompt_tokens)
OF_REQUEST(cached_tokens, at_first, request->cached_tokens)
OF_REQUEST(preemptions, at_last, request->preemptions)
OF_REQUEST(success, at_last, 1.0)
OF_REQUEST(output_tokens, at_last, request->output_tokens)

static bool tpot(const struct trace_request *request, struct event *event)
{
    double gaps = request->output_tokens > 1 ? (double)request->output_tokens - 1.0 : 1.0;
    double span = request->last_token_seconds - request->first_token_seconds;
    return at_last(request, event, span / gaps) && request->output_tokens > 1;
}

/* A decode step ends a gap of each of its sequences. */
static bool gap(const struct trace_step *step, struct event *event)
{
    *event = (struct event){.seconds = step->start_seconds + step->duration_seconds,
                            .value = step->duration_seconds / (double)step->steps,
                            .times = (double)step->decodes * (double)step->steps,
                            .replica = step->replica};
    return step->decodes > 0;
}

static bool step_tokens(const struct trace_step *step, struct event *event)
{
    *event = (struct event){.seconds = step->start_seconds + step->duration_seconds,
                            .value = (double)(step->decodes + step->prompt_tokens),
                            .times = (double)step->steps,
                            .replica = step->replica};
    return true;
}

static double running(const struct trace_sample *sample)
{
    return sample->running;
}

static double waiting(const struct trace_sample *sample)
{
    return sample->waiting;
}

static double held_tokens(const struct trace_sample *sample)
{
    return sample->kv_tokens;
}

/* Bounds of vLLM 0.24 (vllm/v1/metrics/loggers.py). */
static const double lengths[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 0};
static const double firsts[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
                                0.25,  0.5,   0.75, 1,    2.5,  5,    7.5,  10,
                                20,    40,    80,   160,  640,  2560, 0};
static const double gaps[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                              0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80,  0};
static const double spans[] = {0.3, 0.5, 0.8, 1,  1.5, 2,   2.5, 5,   10,   15,   20,
                               30,  40,  50,  60, 120, 240, 480, 960, 1920, 7680, 0};
static const double step_sizes[] = {1,   8,    16,   32,   64,   128,   256,
                                    512, 1024, 2048, 4096, 8192, 16384, 0};

static const struct family families[] = {
    {"vllm:num_requests_running", "Requests in batches.", METRIC_GAUGE, .of_sample = running},
    {"vllm:num_requests_waiting", "Requests in the queue.", METRIC_GAUGE, .of_sample = waiting},
    {"vllm:kv_cache_usage_perc", "Share of the KV cache that is held.", METRIC_GAUGE,
     .of_sample = held_tokens},
    {"vllm:prompt_tokens", "Tokens of prompts, when these are computed.", METRIC_COUNTER,
     .of_request = prompt_tokens},
    {"vllm:prompt_tokens_cached", "Of them, found in the prefix cache.", METRIC_COUNTER,
     .of_request = cached_tokens},
    {"vllm:prefix_cache_queries", "Tokens asked of the prefix cache.", METRIC_COUNTER,
     .of_request = prompt_tokens},
    {"vllm:prefix_cache_hits", "Tokens found in it.", METRIC_COUNTER, .of_request = cached_tokens},
    {"vllm:generation_tokens", "Tokens of answers, when these are complete.", METRIC_COUNTER,
     .of_request = output_tokens},
    {"vllm:num_preemptions", "Preemptions, when the request is complete.", METRIC_COUNTER,
     .of_request = preemptions},
    {"vllm:request_success", "Requests that were answered.", METRIC_COUNTER,
     .label = "finished_reason=\"length\"", .of_request = success},
    {"vllm:request_prompt_tokens", "Tokens of a prompt.", METRIC_HISTOGRAM, lengths,
     .of_request = prompt_length},
    {"vllm:request_generation_tokens", "Tokens of an answer.", METRIC_HISTOGRAM, lengths,
     .of_request = answer_length},
    {"vllm:iteration_tokens_total", "Tokens of a step.", METRIC_HISTOGRAM, step_sizes,
     .of_step = step_tokens},
    {"vllm:time_to_first_token_seconds", "From its client to the first token.", METRIC_HISTOGRAM,
     firsts, .of_request = ttft},
    {"vllm:inter_token_latency_seconds", "Between two tokens of an answer.", METRIC_HISTOGRAM, gaps,
     .of_step = gap},
    {"vllm:request_time_per_output_token_seconds", "A token after the first, mean of an answer.",
     METRIC_HISTOGRAM, gaps, .of_request = tpot},
    {"vllm:e2e_request_latency_seconds", "From its client to the last token.", METRIC_HISTOGRAM,
     spans, .of_request = e2e},
    {"vllm:request_queue_time_seconds", "Until it is first in a batch.", METRIC_HISTOGRAM, spans,
     .of_request = queue},
    {"vllm:request_inference_time_seconds", "From then to the last token.", METRIC_HISTOGRAM, spans,
     .of_request = inference},
    {"vllm:request_prefill_time_seconds", "From then to the first token.", METRIC_HISTOGRAM, spans,
     .of_request = prefill},
    {"vllm:request_decode_time_seconds", "From the first token to the last.", METRIC_HISTOGRAM,
     spans, .of_request = decode},
};

/* --- times, replicas, the model --- */

static int by_number(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void find_times(struct writer *writer)
{
    struct trace_reader *reader = writer->reader;
    size_t samples = (size_t)trace_reader_count(reader, TRACE_SERIES), count = 0;
    writer->times = ARENA_ARRAY(writer->arena, double, samples + 1);
    TRACE_READ_EACH(reader, TRACE_SERIES, struct trace_sample, sample)
    {
        writer->times[count++] = sample->time_seconds + 0.5 * sample->duration_seconds;
        writer->replicas =
            sample->replica >= writer->replicas ? sample->replica + 1 : writer->replicas;
    }
    qsort(writer->times, count, sizeof *writer->times, by_number);
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || writer->times[i] > writer->times[writer->time_count - 1];
        writer->times[writer->time_count] = writer->times[i];
        writer->time_count += first;
    }
}

/* The first stretch that ends at a time or after it; the last has what comes later. */
static size_t place_of(const struct writer *writer, double seconds)
{
    size_t low = 0, high = writer->time_count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (writer->times[middle] < seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* "llama3-70b" of the trace's own scenario, which begins with its model. */
static const char *model_of(struct writer *writer)
{
    static const char key[] = "\nmodel:\n  name: ";
    const char *found = strstr(trace_reader_text(writer->reader, "scenario"), key);
    if (found == NULL) {
        return "model";
    }
    found += strlen(key);
    return arena_printf(writer->arena, "%.*s", (int)strcspn(found, "\n\"\\"), found);
}

/* --- lines --- */

static void write_line(const struct writer *writer, const struct family *family, const char *suffix,
                       uint32_t replica, const char *bound, double value, double seconds)
{
    char digits[EXACT_NUMBER_BYTES], time[EXACT_NUMBER_BYTES];
    fprintf(writer->stream, "%s%s{engine=\"%u\",model_name=\"%s\"", family->name, suffix, replica,
            writer->model);
    if (family->label != NULL) {
        fprintf(writer->stream, ",%s", family->label);
    }
    if (bound != NULL) {
        fprintf(writer->stream, ",le=\"%s\"", bound);
    }
    fprintf(writer->stream, "} %s %s\n", exact_number(value, digits), exact_number(seconds, time));
}

static void write_gauge(struct writer *writer, const struct family *family)
{
    double whole = family->of_sample == held_tokens ? writer->kv_tokens : 1.0;
    for (uint32_t replica = 0; replica < writer->replicas && whole > 0.0; replica++) {
        TRACE_READ_EACH(writer->reader, TRACE_SERIES, struct trace_sample, sample)
        {
            if (sample->replica == replica) {
                write_line(writer, family, "", replica, NULL, family->of_sample(sample) / whole,
                           sample->time_seconds + 0.5 * sample->duration_seconds);
            }
        }
    }
}

struct sums {
    double *counts; /* [buckets][times]: of values up to the bound */
    double *sums;   /* [times] */
    size_t buckets; /* the last has every value */
};

static void add_event(const struct writer *writer, const struct family *family, struct sums *sums,
                      const struct event *event)
{
    size_t place = place_of(writer, event->seconds);
    sums->sums[place] += event->value * event->times;
    for (size_t i = 0; i < sums->buckets; i++) {
        bool within = i + 1 == sums->buckets || event->value <= family->buckets[i];
        sums->counts[i * writer->time_count + place] += within ? event->times : 0.0;
    }
}

static void gather(const struct writer *writer, const struct family *family, uint32_t replica,
                   struct sums *sums)
{
    struct event event;
    TRACE_READ_EACH(writer->reader, TRACE_REQUESTS, struct trace_request, request)
    {
        if (family->of_request != NULL && request->replica == replica &&
            family->of_request(request, &event)) {
            add_event(writer, family, sums, &event);
        }
    }
    TRACE_READ_EACH(writer->reader, TRACE_STEPS, struct trace_step, step)
    {
        if (family->of_step != NULL && step->replica == replica && family->of_step(step, &event)) {
            add_event(writer, family, sums, &event);
        }
    }
}

static void write_stretch(const struct writer *writer, const struct family *family,
                          const struct sums *so_far, uint32_t replica, double seconds)
{
    if (family->type == METRIC_COUNTER) {
        write_line(writer, family, "_total", replica, NULL, so_far->sums[0], seconds);
        return;
    }
    for (size_t i = 0; i < so_far->buckets; i++) {
        char bound[EXACT_NUMBER_BYTES] = "+Inf";
        if (i + 1 < so_far->buckets) {
            exact_number(family->buckets[i], bound);
            bool whole = strpbrk(bound, ".e") == NULL; /* a float's canonical text is "1.0" */
            strncat(bound, whole ? ".0" : "", sizeof bound - strlen(bound) - 1);
        }
        write_line(writer, family, "_bucket", replica, bound, so_far->counts[i], seconds);
    }
    write_line(writer, family, "_count", replica, NULL, so_far->counts[so_far->buckets - 1],
               seconds);
    write_line(writer, family, "_sum", replica, NULL, so_far->sums[0], seconds);
}

static void write_sums(struct writer *writer, const struct family *family)
{
    size_t buckets = 1, times = writer->time_count;
    for (; family->buckets != NULL && family->buckets[buckets - 1] > 0.0; buckets++) {
    }
    for (uint32_t replica = 0; replica < writer->replicas; replica++) {
        struct arena *scratch = arena_create();
        double running_counts[MOST_BUCKETS] = {0.0}, running_sum = 0.0;
        struct sums sums = {.counts = ARENA_ARRAY(scratch, double, buckets *times),
                            .sums = ARENA_ARRAY(scratch, double, times),
                            .buckets = buckets};
        gather(writer, family, replica, &sums);
        for (size_t at = 0; at < times; at++) {
            for (size_t i = 0; i < buckets; i++) {
                running_counts[i] += sums.counts[i * times + at];
            }
            running_sum += sums.sums[at];
            const struct sums so_far = {running_counts, &running_sum, buckets};
            write_stretch(writer, family, &so_far, replica, writer->times[at]);
        }
        arena_destroy(scratch);
    }
}

static void write_openmetrics(struct trace_reader *reader, enum trace_table table, FILE *stream)
{
    static const char *const types[] = {
        [METRIC_GAUGE] = "gauge", [METRIC_COUNTER] = "counter", [METRIC_HISTOGRAM] = "histogram"};
    (void)table;
    struct writer writer = {.arena = arena_create(), .reader = reader, .stream = stream};
    writer.model = model_of(&writer);
    const struct trace_figure *figures = NULL;
    size_t count = trace_reader_figures(reader, &figures);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(figures[i].name, "kv_cache_tokens_per_replica") == 0) {
            writer.kv_tokens = figures[i].value;
        }
    }
    find_times(&writer);
    for (size_t i = 0; i < sizeof families / sizeof *families && writer.time_count > 0; i++) {
        const struct family *family = &families[i];
        if (family->of_step != NULL && trace_reader_count(reader, TRACE_STEPS) == 0) {
            continue; /* trace.steps: false */
        }
        fprintf(stream, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                types[family->type]);
        if (family->type == METRIC_GAUGE) {
            write_gauge(&writer, family);
        } else {
            write_sums(&writer, family);
        }
    }
    fputs("# EOF\n", stream);
    arena_destroy(writer.arena);
}

const struct trace_export trace_export_openmetrics = {
    .name = "openmetrics",
    .doc = "a service over time under vLLM's names, for Prometheus",
    .extent = EXPORT_WHOLE,
    .write = write_openmetrics,
};
