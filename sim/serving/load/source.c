/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/source.h"

#include <math.h>
#include <string.h>

enum { FIRST_HEAP = 1024, WAKE = 1 };

/* --- the heap of what is due --- */

static bool is_before(const struct due *a, const struct due *b)
{
    return a->seconds < b->seconds || (a->seconds <= b->seconds && a->order < b->order);
}

static void heap_push(struct source *source, struct due due)
{
    if (source->heap_count == source->heap_capacity) {
        uint32_t capacity = source->heap_capacity == 0 ? FIRST_HEAP : 2 * source->heap_capacity;
        struct due *heap = ARENA_ARRAY(source->arena, struct due, capacity);
        if (source->heap_count > 0) {
            memcpy(heap, source->heap, source->heap_count * sizeof *heap);
        }
        source->heap = heap;
        source->heap_capacity = capacity;
    }
    uint32_t place = source->heap_count++;
    while (place > 0 && is_before(&due, &source->heap[(place - 1) / 2])) {
        source->heap[place] = source->heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    source->heap[place] = due;
}

static struct due heap_pop(struct source *source)
{
    struct due first = source->heap[0], last = source->heap[--source->heap_count];
    uint32_t place = 0, count = source->heap_count;
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count && is_before(&source->heap[child + 1], &source->heap[child])) {
            child++;
        }
        if (!is_before(&source->heap[child], &last)) {
            break;
        }
        source->heap[place] = source->heap[child];
        place = child;
    }
    source->heap[place] = last;
    return first;
}

void source_schedule(struct source *source, uint32_t request, double seconds)
{
    heap_push(source,
              (struct due){.seconds = seconds, .order = source->orders++, .request = request});
    source->stirred = source->stirred || source->heap[0].request == request;
}

/* --- making requests --- */

/* NULL when the run has had its number of requests, or its time is over. */
static struct request *make_request(struct source *source, double arrival_seconds)
{
    const struct serving *serving = &source->scenario->serving;
    struct requests *requests = source->requests;
    bool late = serving->duration_seconds > 0.0 && arrival_seconds > serving->duration_seconds;
    if (late || requests->count == requests->capacity) {
        return NULL;
    }
    struct request *request = &requests->all[requests->count++];
    *request = (struct request){
        .number = (uint32_t)(request - requests->all),
        .arrival_seconds = arrival_seconds,
        .scheduled_seconds = -1.0,
        .next = REQUEST_NONE,
        .replica = REQUEST_NONE,
        .turn = 1,
    };
    source->last_arrival_seconds = fmax(source->last_arrival_seconds, arrival_seconds);
    return request;
}

static void send(struct source *source, const struct request *request)
{
    source_schedule(source, (uint32_t)(request - source->requests->all),
                    request->arrival_seconds + source->scenario->software.request_seconds +
                        source->scenario->serving.client.request_seconds);
}

/* The first prompt of a session, or a request of its own. */
static void draw_request(struct source *source, struct request *request)
{
    request->prompt_tokens = length_draw(&source->prompts);
    request->output_tokens = length_draw(&source->outputs);
    if (source->scenario->serving.session_turns > 0.0) {
        request->content = CONTENT_SESSION;
        request->session = ++source->sessions;
    }
}

static void copy_item(const struct trace_item *item, struct request *request)
{
    request->prompt_tokens = item->prompt_tokens;
    request->output_tokens = item->output_tokens;
    request->session = item->session;
    request->hashes = item->hashes;
    request->hash_count = item->hash_count;
    request->content = item->runs             ? CONTENT_RUNS
                       : item->hash_count > 0 ? CONTENT_HASHES
                       : item->session > 0    ? CONTENT_SESSION
                                              : CONTENT_OWN;
}

/* What it asks for: the file's next, or lengths that are drawn. A request that was made is never
 * taken back, so its number is its line. */
static void fill_request(struct source *source, struct request *request)
{
    const struct request_trace *trace = source->arrivals.trace;
    if (trace != NULL) {
        copy_item(&trace->items[request->number], request);
    } else {
        draw_request(source, request);
    }
}

/* The next arrival becomes due. */
static void make_arrival(struct source *source)
{
    double seconds = source->policy->next(&source->arrivals);
    struct request *request = isfinite(seconds) ? make_request(source, seconds) : NULL;
    if (request == NULL) {
        source->exhausted = true;
        return;
    }
    fill_request(source, request);
    source->arrivals.clock_seconds = seconds;
    source->arrivals.count++;
    source->coming = (uint32_t)(request - source->requests->all);
    send(source, request);
}

/* Whether a conversation goes on after a turn: geometric, with the mean that was asked for. */
static bool goes_on(struct source *source)
{
    double turns = source->scenario->serving.session_turns;
    return turns > 1.0 && random_uniform(&source->turns) < 1.0 - 1.0 / turns;
}

void source_follow(struct source *source, uint32_t id)
{
    const struct request *ended = &source->requests->all[id];
    const struct serving *serving = &source->scenario->serving;
    double now = engine_clock();
    struct request *next = NULL;
    bool talked = serving->session_turns > 0.0 && ended->state == REQUEST_DONE;
    if (talked && goes_on(source)) {
        double think = random_exponential(&source->thinking, serving->session_think_seconds);
        next = make_request(source, now + think);
        if (next != NULL) {
            next->content = CONTENT_SESSION;
            next->session = ended->session;
            next->turn = ended->turn + 1;
            next->prompt_tokens =
                ended->prompt_tokens + ended->output_tokens + length_draw(&source->prompts);
            next->output_tokens = length_draw(&source->outputs);
        }
    } else if (source->policy->follows) {
        next = make_request(source, now + serving->arrivals.think_seconds);
        if (next != NULL) {
            fill_request(source, next);
        }
    }
    if (next != NULL) {
        send(source, next);
    }
}

/* --- the actor --- */

static bool is_over(const struct source *source)
{
    const struct requests *requests = source->requests;
    return source->closed ||
           (source->exhausted && source->heap_count == 0 && requests->finished == requests->count);
}

void source_wake(struct source *source)
{
    if (source->stirred || is_over(source)) {
        source->stirred = false;
        signal_wake(&source->signal, WAKE);
    }
}

static void source_main(void *data)
{
    struct source *source = data;
    while (!is_over(source)) {
        if (!source->exhausted && source->coming == REQUEST_NONE) {
            make_arrival(source); /* one is always among what is due */
            continue;
        }
        double wait =
            source->heap_count > 0 ? source->heap[0].seconds - engine_clock() : (double)INFINITY;
        if (!isfinite(wait)) {
            signal_wait(&source->signal, WAKE);
            continue;
        }
        if (wait > 0.0 && signal_wait_until(&source->signal, WAKE, wait)) {
            continue; /* somebody comes earlier */
        }
        struct due due = heap_pop(source);
        if (due.request == source->coming) {
            source->coming = REQUEST_NONE;
        }
        source->route(source->receiver, due.request);
    }
    source->end_seconds = engine_clock();
}

void source_start(struct source *source, struct engine *engine,
                  void (*route)(void *receiver, uint32_t request), void *receiver)
{
    source->route = route;
    source->receiver = receiver;
    signal_init(&source->signal);
    actor_start(engine, 0, source_main, source, false);
}

static bool open_lengths(struct source *source, struct length_source *lengths,
                         enum length_kind kind, const struct length *length, const char *name,
                         struct diagnostics *diagnostics)
{
    *lengths = (struct length_source){
        .kind = kind, .length = length, .random = random_open(source->scenario->seed, name)};
    return kind != LENGTH_EMPIRICAL ||
           length_table_read(source->arena, length->file, &lengths->table, diagnostics);
}

/* An engine refuses requests of more tokens than the model has positions. */
static bool fits_context(const struct scenario *scenario, const struct request_trace *trace,
                         struct diagnostics *diagnostics)
{
    uint64_t context = scenario->llm.context;
    size_t longer = 0, longest = 0;
    for (size_t i = 0; i < trace->count; i++) {
        size_t tokens = (size_t)trace->items[i].prompt_tokens + trace->items[i].output_tokens;
        longer += tokens > context;
        longest = tokens > longest ? tokens : longest;
    }
    if (context == 0 || longer == 0) {
        return true;
    }
    struct mark mark = {.file = scenario->serving.arrivals.file};
    DIAGNOSE_ERROR(
        diagnostics, mark,
        "%zu of its %zu requests are longer than the %llu tokens that the model was made "
        "for (model.context), up to %zu; engines refuse them. Raise model.context, or "
        "leave them out",
        longer, trace->count, (unsigned long long)context, longest);
    return false;
}

bool source_create(struct source *source, const struct scenario *scenario,
                   const struct request_trace *given, struct arena *arena,
                   struct requests *requests, struct diagnostics *diagnostics)
{
    const struct serving *serving = &scenario->serving;
    uint64_t seed = scenario->seed;
    bool is_trace = given != NULL || serving_reads_requests(serving);
    *source = (struct source){
        .scenario = scenario,
        .arena = arena,
        .requests = requests,
        .policy = arrival_policies[serving->arrival],
        .arrivals = {.arrivals = &serving->arrivals,
                     .trace = is_trace ? &source->trace : NULL,
                     .random = random_open(seed, "arrivals")},
        .coming = REQUEST_NONE,
        .turns = random_open(seed, "turns"),
        .thinking = random_open(seed, "thinking"),
    };
    enum { REQUESTS_DRAWN = 1000 }; /* unless the scenario says how many */
    *requests = (struct requests){.capacity = serving->requests > 0 ? (uint32_t)serving->requests
                                                                    : REQUESTS_DRAWN};
    if (given != NULL) {
        source->trace = *given;
        requests->capacity = (uint32_t)given->count;
        return fits_context(scenario, given, diagnostics);
    }
    if (is_trace) {
        bool read = request_trace_read(arena, &serving->arrivals, serving->arrival == ARRIVAL_TRACE,
                                       &source->trace, diagnostics);
        uint64_t asked = serving->requests > 0 ? serving->requests : UINT64_MAX;
        source->trace.count = source->trace.count < asked ? source->trace.count : asked;
        requests->capacity = (uint32_t)source->trace.count;
        return read && fits_context(scenario, &source->trace, diagnostics);
    }
    return open_lengths(source, &source->prompts, serving->prompt_kind, &serving->prompt, "prompts",
                        diagnostics) &&
           open_lengths(source, &source->outputs, serving->output_kind, &serving->output, "outputs",
                        diagnostics);
}
