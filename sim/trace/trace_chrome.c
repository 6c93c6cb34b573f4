/* SPDX-License-Identifier: MIT */
#include "models/operator_total.h"
#include "sim/base/arena.h"
#include "sim/base/json.h"
#include "sim/trace/trace_export.h"

#include <inttypes.h>
#include <math.h>

/* Processes of the timeline. 0 is the kernel's in Perfetto. */
enum { PROCESS_RUN = 1, PROCESS_FIRST_GPU = 10 };
enum { THREAD_PHASES = 1, THREAD_FIRST_STREAM = 1 };

/* Times in whole nanoseconds, so that a span that ends where the next begins still does after
 * rounding; printed as microseconds, the format's unit. */
static uint64_t nanoseconds(double seconds)
{
    return (uint64_t)llround(seconds * 1e9);
}

static double microseconds(uint64_t value)
{
    return (double)value * 1e-3;
}

static void begin_event(struct json *json, const char *phase, const char *name, uint64_t process,
                        uint64_t thread)
{
    json_open(json, NULL, '{');
    json_string(json, "ph", phase);
    json_string(json, "name", name);
    json_count(json, "pid", process);
    json_count(json, "tid", thread);
}

/* What a process or thread is called, or where it stands. */
static void name_track(struct json *json, const char *what, const char *name, uint64_t process,
                       uint64_t thread)
{
    begin_event(json, "M", what, process, thread);
    json_open(json, "args", '{');
    json_string(json, "name", name);
    json_close(json, '}');
    json_close(json, '}');
}

static void begin_span(struct json *json, const char *name, const char *category, uint64_t process,
                       uint64_t thread, double start_seconds, double duration_seconds)
{
    uint64_t start = nanoseconds(start_seconds);
    uint64_t end = nanoseconds(start_seconds + duration_seconds);
    begin_event(json, "X", name, process, thread);
    json_string(json, "cat", category);
    json_exact(json, "ts", microseconds(start));
    json_exact(json, "dur", microseconds(end - start));
    json_open(json, "args", '{');
}

static void end_span(struct json *json)
{
    json_close(json, '}');
    json_close(json, '}');
}

static void write_phases(struct trace_reader *reader, struct json *json)
{
    name_track(json, "process_name", "run", PROCESS_RUN, 0);
    name_track(json, "thread_name", "phases", PROCESS_RUN, THREAD_PHASES);
    TRACE_READ_EACH(reader, TRACE_PHASES, struct trace_phase, phase)
    {
        begin_span(json, phase->name, "phase", PROCESS_RUN, THREAD_PHASES, phase->start_seconds,
                   phase->duration_seconds);
        json_count(json, "new_tokens", phase->new_tokens);
        json_count(json, "cached_tokens", phase->cached_tokens);
        json_number(json, "latency_s", phase->latency_seconds);
        json_number(json, "mfu", phase->mfu);
        end_span(json);
    }
}

/* GPUs without an operator in the trace get no track: 127 of 128 would be empty when one rank
 * stands for all. */
static void name_gpus(struct trace_reader *reader, const bool *seen, struct json *json)
{
    TRACE_READ_EACH(reader, TRACE_GPUS, struct trace_gpu, gpu)
    {
        if (!seen[gpu_number]) {
            continue;
        }
        char name[96];
        snprintf(name, sizeof name,
                 "GPU %" PRIu32 " (node %" PRIu32 ", TP rank %" PRIu32 ", CP rank %" PRIu32 ")",
                 gpu->gpu, gpu->node, gpu->tensor_rank, gpu->context_rank);
        uint64_t process = PROCESS_FIRST_GPU + gpu_number;
        name_track(json, "process_name", name, process, 0);
        name_track(json, "thread_name", "compute", process, THREAD_FIRST_STREAM + STREAM_COMPUTE);
        name_track(json, "thread_name", "communication", process,
                   THREAD_FIRST_STREAM + STREAM_COMMUNICATION);
    }
}

static void write_operators(struct trace_reader *reader, bool *seen, struct json *json)
{
    uint64_t gpus = trace_reader_count(reader, TRACE_GPUS);
    TRACE_READ_EACH(reader, TRACE_OPERATORS, struct trace_operator, run)
    {
        if (run->gpu >= gpus) {
            continue; /* cpsim trace check has a word for it */
        }
        seen[run->gpu] = true;
        begin_span(
            json, run->name, operator_kind_name(run->kind), PROCESS_FIRST_GPU + (uint64_t)run->gpu,
            THREAD_FIRST_STREAM + (uint64_t)run->stream, run->start_seconds, run->duration_seconds);
        json_string(json, "segment", run->segment);
        json_count(json, "layer", run->layer);
        json_count(json, "rank", run->rank);
        json_count(json, "iteration", run->iteration);
        json_number(json, "flops", run->flops);
        json_number(json, "bytes", run->bytes);
        json_string(json, "bound", bound_name(run->bound));
        end_span(json);
    }
}

static void write_chrome(struct trace_reader *reader, enum trace_table table, FILE *stream)
{
    (void)table;
    enum { EVENT_DEPTH = 3 }; /* {"traceEvents": [{ */
    struct json json = {.stream = stream, .one_line_depth = EVENT_DEPTH};
    struct arena *arena = arena_create();
    bool *seen = ARENA_ARRAY(arena, bool, trace_reader_count(reader, TRACE_GPUS) + 1);
    json_open(&json, NULL, '{');
    json_string(&json, "displayTimeUnit", "ms");
    json_open(&json, "otherData", '{');
    json_string(&json, "cpsim_version", trace_reader_text(reader, "cpsim_version"));
    json_string(&json, "scenario", trace_reader_text(reader, "scenario"));
    json_close(&json, '}');
    json_open(&json, "traceEvents", '[');
    write_phases(reader, &json);
    write_operators(reader, seen, &json);
    name_gpus(reader, seen, &json);
    json_close(&json, ']');
    json_close(&json, '}');
    arena_destroy(arena);
}

const struct trace_export trace_export_chrome = {
    .name = "chrome",
    .doc = "a timeline for ui.perfetto.dev or chrome://tracing",
    .extent = EXPORT_WHOLE,
    .write = write_chrome,
};
