/* SPDX-License-Identifier: MIT */
#include "models/step/operator_total.h"
#include "sim/base/arena.h"
#include "sim/base/json.h"
#include "sim/trace/trace_export.h"

#include <inttypes.h>
#include <math.h>

/* Processes of the timeline. 0 is the kernel's in Perfetto. */
enum {
    PROCESS_RUN = 1,
    PROCESS_FIRST_GPU = 10,
    PROCESS_FIRST_REPLICA = 1000000,
    PROCESS_FIRST_STAGE = 2000000
};
enum { THREAD_PHASES = 1, THREAD_STEPS = 1, THREAD_PASSES = 1, THREAD_FIRST_STREAM = 1 };

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
    if (trace_reader_count(reader, TRACE_PHASES) == 0) {
        return;
    }
    name_track(json, "process_name", "run", PROCESS_RUN, 0);
    name_track(json, "thread_name", "phases", PROCESS_RUN, THREAD_PHASES);
    TRACE_READ_EACH(reader, TRACE_PHASES, struct trace_phase, phase)
    {
        if (phase->kind == TRACE_SERVING_STEP) {
            continue; /* a step of a replica, which has a track of its own */
        }
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
    if (trace_reader_has(reader, TRACE_STEPS)) {
        return; /* a service's show what steps are made of: few of them, and in closed form */
    }
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

/* --- services --- */

static void name_replicas(struct trace_reader *reader, struct json *json)
{
    uint32_t count = 0;
    TRACE_READ_EACH(reader, TRACE_REQUESTS, struct trace_request, request)
    {
        count = request->replica >= count ? request->replica + 1 : count;
    }
    TRACE_READ_EACH(reader, TRACE_STEPS, struct trace_step, step)
    {
        count = step->replica >= count ? step->replica + 1 : count;
    }
    for (uint32_t replica = 0; replica < count; replica++) {
        char name[32];
        snprintf(name, sizeof name, "replica %" PRIu32, replica);
        uint64_t process = PROCESS_FIRST_REPLICA + (uint64_t)replica;
        name_track(json, "process_name", name, process, 0);
        name_track(json, "thread_name", "steps", process, THREAD_STEPS);
    }
}

static void write_steps(struct trace_reader *reader, struct json *json)
{
    TRACE_READ_EACH(reader, TRACE_STEPS, struct trace_step, step)
    {
        const char *name = step->prompts == 0   ? "decode"
                           : step->decodes == 0 ? "prefill"
                                                : "prefill + decode";
        begin_span(json, name, "step", PROCESS_FIRST_REPLICA + (uint64_t)step->replica,
                   THREAD_STEPS, step->start_seconds, step->duration_seconds);
        json_count(json, "steps", step->steps);
        json_count(json, "decodes", step->decodes);
        json_count(json, "prompts", step->prompts);
        json_count(json, "prompt_tokens", step->prompt_tokens);
        json_count(json, "waiting", step->waiting);
        json_count(json, "kv_tokens", step->kv_tokens);
        end_span(json);
    }
}

/* One end of an async span: "b" or "e". Spans of one id nest. */
static void write_end(struct json *json, const char *phase, const char *name, uint64_t number,
                      const struct trace_request *request, double seconds)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRIu64, number);
    begin_event(json, phase, name, PROCESS_FIRST_REPLICA + (uint64_t)request->replica, 0);
    json_string(json, "cat", "request");
    json_string(json, "id", id);
    json_exact(json, "ts", microseconds(nanoseconds(seconds)));
    if (phase[0] == 'b') {
        json_open(json, "args", '{');
        json_count(json, "prompt_tokens", request->prompt_tokens);
        json_count(json, "output_tokens", request->output_tokens);
        json_close(json, '}');
    }
    json_close(json, '}');
}

/* A request as a span, and in it what it went through. One that was not done has no end to show. */
static void write_requests(struct trace_reader *reader, struct json *json)
{
    TRACE_READ_EACH(reader, TRACE_REQUESTS, struct trace_request, request)
    {
        const struct {
            const char *name;
            double start_seconds, end_seconds;
        } parts[] = {
            {"queue", request->arrival_seconds, request->scheduled_seconds},
            {"prefill", request->scheduled_seconds, request->first_token_seconds},
            {"decode", request->first_token_seconds, request->last_token_seconds},
        };
        if (request->outcome != TRACE_DONE) {
            continue;
        }
        uint64_t number = request_number;
        write_end(json, "b", "request", number, request, request->arrival_seconds);
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            write_end(json, "b", parts[i].name, number, request, parts[i].start_seconds);
            write_end(json, "e", parts[i].name, number, request, parts[i].end_seconds);
        }
        write_end(json, "e", "request", number, request, request->last_token_seconds);
    }
}

static void write_counter(struct json *json, const struct trace_sample *sample, const char *name,
                          const char *unit, double value)
{
    begin_event(json, "C", name, PROCESS_FIRST_REPLICA + (uint64_t)sample->replica, 0);
    json_exact(json, "ts", microseconds(nanoseconds(sample->time_seconds)));
    json_open(json, "args", '{');
    json_number(json, unit, value);
    json_close(json, '}');
    json_close(json, '}');
}

static void write_series(struct trace_reader *reader, struct json *json)
{
    TRACE_READ_EACH(reader, TRACE_SERIES, struct trace_sample, sample)
    {
        write_counter(json, sample, "queue", "requests", sample->waiting);
        write_counter(json, sample, "running", "requests", sample->running);
        write_counter(json, sample, "KV cache", "tokens", sample->kv_tokens);
        write_counter(json, sample, "power of a GPU", "watts", sample->watts);
    }
}

/* --- training --- */

/* A stage's end of the step: its gradients are reduced after its last pass. */
static void write_stages(struct trace_reader *reader, struct json *json)
{
    TRACE_READ_EACH(reader, TRACE_STAGES, struct trace_stage, stage)
    {
        char name[32];
        snprintf(name, sizeof name, "stage %" PRIu64, stage_number);
        uint64_t process = PROCESS_FIRST_STAGE + stage_number;
        name_track(json, "process_name", name, process, 0);
        name_track(json, "thread_name", "passes", process, THREAD_PASSES);
        if (stage->exchange_end_seconds > stage->end_seconds) {
            begin_span(json, "reduce gradients", "exchange", process, THREAD_PASSES,
                       stage->end_seconds, stage->exchange_end_seconds - stage->end_seconds);
            end_span(json);
        }
    }
}

static void write_cells(struct trace_reader *reader, struct json *json)
{
    static const char *const names[] = {
        [TRACE_CELL_FORWARD] = "forward",
        [TRACE_CELL_BACKWARD] = "backward",
        [TRACE_CELL_WEIGHT] = "gradients of weights",
    };
    uint64_t stages = trace_reader_count(reader, TRACE_STAGES);
    TRACE_READ_EACH(reader, TRACE_CELLS, struct trace_cell, cell)
    {
        if (cell->stage >= stages) {
            continue; /* cpsim trace check has a word for it */
        }
        char name[64];
        snprintf(name, sizeof name, "%s %" PRIu32, names[cell->kind], cell->micro_batch);
        begin_span(json, name, "pass", PROCESS_FIRST_STAGE + (uint64_t)cell->stage, THREAD_PASSES,
                   cell->start_seconds, cell->duration_seconds);
        json_count(json, "micro_batch", cell->micro_batch);
        json_count(json, "chunk", cell->chunk);
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
    name_replicas(reader, &json);
    write_steps(reader, &json);
    write_requests(reader, &json);
    write_series(reader, &json);
    write_stages(reader, &json);
    write_cells(reader, &json);
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
