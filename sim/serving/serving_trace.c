/* SPDX-License-Identifier: MIT */
#include "sim/serving/serving_trace.h"

#include "sim/trace/trace.h"

#include <math.h>

enum { CHUNK_STEPS = 4096, STRETCHES = 500 };

struct step_chunk {
    struct step_chunk *next;
    size_t count;
    struct trace_step steps[CHUNK_STEPS];
};

struct serving_trace {
    struct arena *arena;
    struct trace *trace;
    struct step_chunk *first, *last;
};

struct serving_trace *serving_trace_open(struct arena *arena, const struct scenario *scenario,
                                         const char *path, struct diagnostics *diagnostics)
{
    struct trace_attributes attributes = {
        .seed = scenario->seed,
        .simgrid_version = engine_version(),
        .scenario = scenario->resolved_yaml,
    };
    struct trace *file = trace_open(path, &attributes, diagnostics);
    if (file == NULL) {
        return NULL;
    }
    struct serving_trace *trace = ARENA_NEW(arena, struct serving_trace);
    *trace = (struct serving_trace){.arena = arena, .trace = file};
    return trace;
}

void serving_trace_step(struct serving_trace *trace, const struct server *server,
                        const struct step_shape *shape, double start_seconds, double seconds,
                        const struct step_cost *cost, uint32_t steps)
{
    if (trace->last == NULL || trace->last->count == CHUNK_STEPS) {
        struct step_chunk *chunk = ARENA_NEW(trace->arena, struct step_chunk);
        *(trace->last == NULL ? &trace->first : &trace->last->next) = chunk;
        trace->last = chunk;
    }
    trace->last->steps[trace->last->count++] = (struct trace_step){
        .replica = server->index,
        .start_seconds = start_seconds,
        .duration_seconds = seconds,
        .steps = steps,
        .decodes = shape->decodes,
        .prompts = shape->prompts,
        .decode_context_tokens = shape->decode_context,
        .prompt_tokens = shape->prompt_tokens,
        .waiting = server->waiting.count,
        .kv_tokens = kv_cache_held(&server->kv) * server->kv.page_tokens,
        .watts = cost->watts,
    };
}

/* --- series --- */

/* Sums over a stretch of time of one replica: value x seconds. */
struct stretch {
    double waiting, running, kv_tokens, joules, busy;
};

struct series {
    struct stretch *stretches; /* [replica][STRETCHES] */
    double seconds;            /* of one stretch */
};

/* Calls for every stretch that [from, to) meets, with the seconds of it. */
#define EACH_STRETCH(series, from, to, index, overlap)                                             \
    for (uint32_t index = (uint32_t)fmin((from) / (series)->seconds, STRETCHES - 1);               \
         index < STRETCHES && (double)index * (series)->seconds < (to); index++)                   \
        for (double overlap = fmin((to), ((double)index + 1.0) * (series)->seconds) -              \
                              fmax((from), (double)index * (series)->seconds);                     \
             overlap > 0.0; overlap = 0.0)

static void add_requests(struct series *series, const struct serving_run *run)
{
    for (uint32_t i = 0; i < run->request_count; i++) {
        const struct request *request = &run->requests[i];
        if (request->state != REQUEST_DONE) {
            continue;
        }
        struct stretch *own = &series->stretches[(size_t)request->replica * STRETCHES];
        EACH_STRETCH(series, request->queued_seconds, request->scheduled_seconds, at, overlap)
        {
            own[at].waiting += overlap;
        }
        EACH_STRETCH(series, request->scheduled_seconds, request->last_token_seconds, at, overlap)
        {
            own[at].running += overlap;
        }
    }
}

static void add_steps(struct series *series, const struct serving_trace *trace)
{
    for (const struct step_chunk *chunk = trace->first; chunk != NULL; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->count; i++) {
            const struct trace_step *step = &chunk->steps[i];
            struct stretch *own = &series->stretches[(size_t)step->replica * STRETCHES];
            double end = step->start_seconds + step->duration_seconds;
            EACH_STRETCH(series, step->start_seconds, end, at, overlap)
            {
                own[at].kv_tokens += overlap * (double)step->kv_tokens;
                own[at].joules += overlap * step->watts;
                own[at].busy += overlap;
            }
        }
    }
}

static void write_series(struct serving_trace *trace, const struct serving_run *run)
{
    struct arena *arena = arena_create();
    struct series series = {
        .stretches = ARENA_ARRAY(arena, struct stretch, (size_t)run->server_count * STRETCHES),
        .seconds = run->end_seconds / STRETCHES,
    };
    if (series.seconds > 0.0) {
        add_requests(&series, run);
        add_steps(&series, trace);
    }
    for (uint32_t at = 0; at < STRETCHES && series.seconds > 0.0; at++) {
        for (uint32_t replica = 0; replica < run->server_count; replica++) {
            const struct stretch *sums = &series.stretches[(size_t)replica * STRETCHES + at];
            double idle = fmax(series.seconds - sums->busy, 0.0);
            trace_add_sample(
                trace->trace,
                &(struct trace_sample){
                    .time_seconds = ((double)at + 0.5) * series.seconds,
                    .replica = replica,
                    .waiting = sums->waiting / series.seconds,
                    .running = sums->running / series.seconds,
                    .kv_tokens = sums->kv_tokens / series.seconds,
                    .watts = (sums->joules + idle * run->replica.gpu->idle_watts) / series.seconds,
                });
        }
    }
    arena_destroy(arena);
}

/* --- rows --- */

static void write_requests(struct serving_trace *trace, const struct serving_run *run)
{
    for (uint32_t i = 0; i < run->request_count; i++) {
        const struct request *request = &run->requests[i];
        bool done = request->state == REQUEST_DONE;
        bool scheduled = request->scheduled_seconds >= 0.0;
        trace_add_request(
            trace->trace,
            &(struct trace_request){
                .outcome = done                                 ? TRACE_DONE
                           : request->state == REQUEST_REJECTED ? TRACE_REJECTED
                                                                : TRACE_LOST,
                .replica = request->replica == REQUEST_NONE ? 0 : request->replica,
                .session = request->session,
                .turn = request->turn,
                .prompt_tokens = request->prompt_tokens,
                .output_tokens = request->output_tokens,
                .cached_tokens = request->cached_tokens,
                .arrival_seconds = request->arrival_seconds,
                .scheduled_seconds = scheduled ? request->scheduled_seconds : (double)NAN,
                .first_token_seconds = done ? request->first_token_seconds : (double)NAN,
                .last_token_seconds = done ? request->last_token_seconds : (double)NAN,
                .preemptions = request->preemptions,
                .retries = request->retries,
            });
    }
}

bool serving_trace_close(struct serving_trace *trace, const struct serving_run *run)
{
    write_requests(trace, run);
    for (const struct step_chunk *chunk = trace->first; chunk != NULL; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->count; i++) {
            trace_add_step(trace->trace, &chunk->steps[i]);
        }
    }
    write_series(trace, run);
    return trace_close(trace->trace);
}

void serving_trace_abandon(struct serving_trace *trace)
{
    trace_abandon(trace->trace);
}
