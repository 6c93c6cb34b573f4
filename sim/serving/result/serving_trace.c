/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/serving_trace.h"

#include "sim/serving/result/shown_steps.h"

#include <math.h>
#include <string.h>

/* Stretches of time that the series has at most when the scenario does not say how long one is:
 * they begin short and double when the run outgrows them, so it ends with half as many at least. */
enum { STRETCHES_MOST = 1024 };
#define FIRST_STRETCH_SECONDS 0x1p-10

/* Sums over a stretch of time of one replica: value x seconds. */
struct stretch {
    double waiting, running, kv_tokens, joules, busy, off;
};

struct serving_trace {
    struct arena *arena;
    struct trace *trace;
    struct trace_options options;
    struct stretch *stretches; /* [capacity][replicas] */
    uint64_t capacity;
    uint32_t replicas, first_replica;
    const char *tenant; /* NULL: none */
    double stretch_seconds;
    struct shown_steps shown;
};

struct serving_trace *serving_trace_begin(struct arena *arena, const struct scenario *scenario,
                                          const char *tenant, uint32_t first_replica,
                                          struct trace *file)
{
    struct serving_trace *trace = ARENA_NEW(arena, struct serving_trace);
    double interval = scenario->trace.sample_interval_seconds;
    *trace = (struct serving_trace){
        .arena = arena,
        .trace = file,
        .options = scenario->trace,
        .tenant = tenant,
        .first_replica = first_replica,
        .stretch_seconds = interval > 0.0 ? interval : FIRST_STRETCH_SECONDS,
    };
    return trace;
}

/* --- series --- */

static struct stretch *stretch_of(struct serving_trace *trace, uint64_t index, uint32_t replica)
{
    return &trace->stretches[index * trace->replicas + replica];
}

/* Makes each two stretches one. */
static void double_stretches(struct serving_trace *trace)
{
    for (uint64_t i = 0; i < trace->capacity; i++) {
        for (uint32_t replica = 0; replica < trace->replicas; replica++) {
            struct stretch sum = *stretch_of(trace, i, replica);
            *stretch_of(trace, i, replica) = (struct stretch){0};
            struct stretch *half = stretch_of(trace, i / 2, replica);
            half->waiting += sum.waiting;
            half->running += sum.running;
            half->kv_tokens += sum.kv_tokens;
            half->joules += sum.joules;
            half->busy += sum.busy;
            half->off += sum.off;
        }
    }
    trace->stretch_seconds *= 2.0;
}

/* Room for stretches up to `seconds`: longer ones, or more of the length that was asked for. */
static void reach(struct serving_trace *trace, uint32_t replicas, double seconds)
{
    if (trace->stretches == NULL) {
        trace->replicas = replicas;
        trace->capacity = STRETCHES_MOST;
        trace->stretches =
            ARENA_ARRAY(trace->arena, struct stretch, trace->capacity * trace->replicas);
    }
    while ((double)trace->capacity * trace->stretch_seconds <= seconds) {
        if (trace->options.sample_interval_seconds <= 0.0) {
            double_stretches(trace);
            continue;
        }
        size_t count = trace->capacity * trace->replicas;
        struct stretch *larger = ARENA_ARRAY(trace->arena, struct stretch, 2 * count);
        memcpy(larger, trace->stretches, count * sizeof *larger);
        trace->stretches = larger;
        trace->capacity *= 2;
    }
}

/* Seconds of [from, to) in the stretch `index`. */
static double overlap_seconds(const struct serving_trace *trace, uint64_t index, double from,
                              double to)
{
    double start = (double)index * trace->stretch_seconds;
    return fmax(0.0, fmin(to, start + trace->stretch_seconds) - fmax(from, start));
}

/* The stretches that [from, to) meets, `at` one after the other. */
#define EACH_STRETCH(trace, from, to, at)                                                          \
    for (uint64_t at = (uint64_t)((from) / (trace)->stretch_seconds);                              \
         at < (trace)->capacity && (double)at * (trace)->stretch_seconds < (to); at++)

void serving_trace_off(struct serving_trace *trace, const struct server *server,
                       double from_seconds, double to_seconds)
{
    reach(trace, server->fleet->server_count, to_seconds);
    EACH_STRETCH(trace, from_seconds, to_seconds, at)
    {
        stretch_of(trace, at, server->index)->off +=
            overlap_seconds(trace, at, from_seconds, to_seconds);
    }
}

void serving_trace_step(struct serving_trace *trace, const struct server *server,
                        const struct played_steps *steps)
{
    const struct kv_cache *kv = &server->view.kv;
    uint64_t kv_tokens = kv_cache_held_tokens(kv);
    double share = steps->seconds > 0.0 ? steps->busy_seconds / steps->seconds : 1.0;
    double start_seconds = steps->start_seconds, end_seconds = start_seconds + steps->seconds;
    reach(trace, server->fleet->server_count, end_seconds);
    EACH_STRETCH(trace, start_seconds, end_seconds, at)
    {
        struct stretch *own = stretch_of(trace, at, server->index);
        double overlap = share * overlap_seconds(trace, at, start_seconds, end_seconds);
        own->kv_tokens += overlap * (double)kv_tokens;
        own->joules += overlap * steps->cost.watts;
        own->busy += overlap;
    }
    if (!trace->options.steps) {
        return;
    }
    uint32_t like = shown_steps_like(&trace->shown, trace->trace, server, steps);
    trace_add_step(trace->trace, &(struct trace_step){
                                     .replica = trace->first_replica + server->index,
                                     .start_seconds = start_seconds,
                                     .duration_seconds = steps->seconds,
                                     .steps = steps->steps,
                                     .decodes = steps->shape.decodes,
                                     .prompts = steps->shape.prompts,
                                     .decode_context_tokens = steps->shape.decode_context,
                                     .prompt_tokens = steps->shape.prompt_tokens,
                                     .waiting = server->view.waiting.count,
                                     .kv_tokens = kv_tokens,
                                     .watts = steps->cost.watts,
                                     .like = like,
                                 });
}

static void add_requests(struct serving_trace *trace, const struct serving_run *run)
{
    for (uint32_t i = 0; i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        if (request->state != REQUEST_DONE) {
            continue;
        }
        double queued = request->queued_seconds, scheduled = request->scheduled_seconds;
        EACH_STRETCH(trace, queued, scheduled, at)
        {
            stretch_of(trace, at, request->replica)->waiting +=
                overlap_seconds(trace, at, queued, scheduled);
        }
        EACH_STRETCH(trace, scheduled, request->last_token_seconds, at)
        {
            stretch_of(trace, at, request->replica)->running +=
                overlap_seconds(trace, at, scheduled, request->last_token_seconds);
        }
    }
}

static void write_series(struct serving_trace *trace, const struct serving_run *run)
{
    reach(trace, run->fleet.server_count, run->end_seconds);
    add_requests(trace, run);
    for (uint32_t i = 0; i < run->fleet.server_count; i++) {
        const struct server_scaling *scaling = &run->fleet.servers[i].scaling;
        if (scaling->standing == STANDING_OFF) {
            serving_trace_off(trace, &run->fleet.servers[i], scaling->since_seconds,
                              run->end_seconds);
        }
    }
    for (uint64_t at = 0; (double)at * trace->stretch_seconds < run->end_seconds; at++) {
        double start = (double)at * trace->stretch_seconds;
        double seconds = fmin(trace->stretch_seconds, run->end_seconds - start);
        for (uint32_t replica = 0; replica < run->fleet.server_count; replica++) {
            const struct stretch *sums = stretch_of(trace, at, replica);
            double idle = fmax(seconds - sums->busy - sums->off, 0.0);
            trace_add_sample(
                trace->trace,
                &(struct trace_sample){
                    .time_seconds = start + 0.5 * seconds,
                    .duration_seconds = seconds,
                    .replica = trace->first_replica + replica,
                    .waiting = sums->waiting / seconds,
                    .running = sums->running / seconds,
                    .kv_tokens = sums->kv_tokens / seconds,
                    .watts = (sums->joules +
                              idle * run->fleet.servers[replica].pool->replica.gpu->idle_watts) /
                             seconds,
                });
        }
    }
}

/* --- rows --- */

static enum trace_outcome outcome_of(const struct request *request)
{
    switch ((enum request_state)request->state) {
    case REQUEST_DONE:
        return TRACE_DONE;
    case REQUEST_REJECTED:
        return TRACE_REJECTED;
    case REQUEST_REFUSED:
        return TRACE_REFUSED;
    case REQUEST_TIMED_OUT:
        return TRACE_TIMED_OUT;
    case REQUEST_CANCELLED:
        return TRACE_CANCELLED;
    case REQUEST_COMING:
    case REQUEST_WAITING:
    case REQUEST_RUNNING:
    case REQUEST_MOVING:
    case REQUEST_LOST:
        break;
    }
    return TRACE_LOST;
}

/* "night-batch"; of a tenant "chat", or "chat.night-batch". */
static const char **class_names(const struct serving_trace *trace, const struct serving_run *run)
{
    size_t count = serving_class_count(run->serving);
    const char **names = ARENA_ARRAY(trace->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const char *name = serving_class(run->serving, i)->name, *tenant = trace->tenant;
        name = name == NULL ? "" : name;
        names[i] = tenant == NULL    ? name
                   : name[0] == '\0' ? tenant
                                     : arena_printf(trace->arena, "%s.%s", tenant, name);
    }
    return names;
}

static void write_requests(struct serving_trace *trace, const struct serving_run *run)
{
    const char **names = class_names(trace, run);
    for (uint32_t i = 0; i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        bool done = request->state == REQUEST_DONE;
        bool scheduled = request->scheduled_seconds >= 0.0;
        trace_add_request(
            trace->trace,
            &(struct trace_request){
                .outcome = outcome_of(request),
                .replica = trace->first_replica +
                           (request->replica == REQUEST_NONE ? 0 : request->replica),
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
                .room_seconds = (double)request->room_seconds,
                .move_seconds = (double)request->move_seconds,
                .of_class = names[request->class_index],
                .priority = (uint32_t)request->priority,
            });
    }
}

static void write_faults(struct serving_trace *trace, const struct serving_run *run)
{
    for (const struct struck_fault *fault = run->faults.first; fault != NULL; fault = fault->next) {
        trace_add_fault(trace->trace, &(struct trace_fault){
                                          .kind = fault_name(fault->fault.kind),
                                          .target = fault_target(&fault->fault),
                                          .start_seconds = fault->start_seconds,
                                          .duration_seconds = fault->fault.duration_seconds,
                                          .factor = fault->fault.factor,
                                          .replicas = fault->replicas,
                                          .requests = fault->requests,
                                      });
    }
}

void serving_trace_end(struct serving_trace *trace, const struct serving_run *run)
{
    if (trace->options.requests) {
        write_requests(trace, run);
    }
    write_series(trace, run);
    write_faults(trace, run);
}
