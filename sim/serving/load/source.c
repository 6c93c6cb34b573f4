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

static void schedule(struct source *source, uint32_t request, double seconds, enum due_kind kind)
{
    heap_push(source,
              (struct due){
                  .seconds = seconds, .order = source->orders++, .request = request, .kind = kind});
    source->stirred = source->stirred || source->heap[0].request == request;
}

void source_schedule(struct source *source, uint32_t request, double seconds)
{
    schedule(source, request, seconds, DUE_ROUTE);
}

void source_alarm(struct source *source, uint32_t request, double seconds, enum due_kind kind)
{
    source->alarms++;
    source->requests->all[request].alarms++;
    schedule(source, request, seconds, kind);
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
    struct request *request = &requests->all[requests_take(requests)];
    request->arrival_seconds = arrival_seconds;
    request->scheduled_seconds = -1.0;
    request->next = request->replica = REQUEST_NONE;
    request->turn = 1;
    source->last_arrival_seconds = fmax(source->last_arrival_seconds, arrival_seconds);
    return request;
}

/* From a client to a scheduler, before any queue. */
static double way_seconds(const struct scenario *scenario)
{
    const struct software *software = &scenario->software;
    bool apart = scenario->serving.service.policy == BATCHING_DISAGGREGATED;
    return software->request_seconds + (apart ? software->handover_seconds : 0.0) +
           scenario->serving.client.request_seconds;
}

/* --- what a request asks for --- */

static struct class_source *class_of(const struct source *source, const struct request *request)
{
    return &source->classes[request->class_index];
}

static void be_of_class(struct source *source, struct request *request, uint16_t index)
{
    request->class_index = index;
    request->priority = (int32_t)source->classes[index].says->priority;
}

static uint16_t draw_class(struct source *source, const struct request_stream *stream)
{
    uint16_t index = 0;
    if (stream->own_class != CLASS_SHARED) {
        return stream->own_class;
    }
    if (source->class_count > 1) {
        double place = random_uniform(&source->choosing);
        while (index + 1U < source->class_count && place >= source->shares[index]) {
            index++;
        }
    }
    return index;
}

/* Which adapter it asks for, by a place between 0 and 1; 0: none. */
static uint16_t adapter_at(const struct class_source *of, double place)
{
    const struct adapter_choice *choice = &of->says->adapters;
    if (choice->count == 0 || place < choice->base_share) {
        return 0;
    }
    place = (place - choice->base_share) / (1.0 - choice->base_share);
    uint32_t low = 0, high = choice->count - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (of->adapter_shares[middle] <= place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (uint16_t)(choice->first + low + 1);
}

/* All turns of a file's conversation ask for the same. */
static void choose_adapter(struct source *source, const struct trace_item *item,
                           struct request *request)
{
    struct class_source *of = class_of(source, request);
    if (item != NULL && item->adapter > 0) {
        request->adapter = item->adapter;
    } else if (of->says->adapters.count > 0) {
        bool session = item != NULL && item->session > 0;
        double place =
            session ? ldexp((double)(random_mix(source->scenario->seed ^ item->session) >> 11), -53)
                    : random_uniform(&of->choosing);
        request->adapter = adapter_at(of, place);
    }
}

/* The first prompt of a session, or a request of its own. */
static void draw_request(struct source *source, struct request *request)
{
    struct class_source *of = class_of(source, request);
    uint32_t system = (uint32_t)of->says->system_tokens;
    request->shared_tokens = system;
    request->prompt_tokens = system + length_draw(&of->prompts);
    request->output_tokens = length_draw(&of->outputs);
    if (of->says->session_turns > 0.0) {
        request->content = CONTENT_SESSION;
        request->session = ++source->sessions;
    }
}

static void copy_item(const struct source *source, const struct trace_item *item,
                      struct request *request)
{
    uint32_t system = (uint32_t)class_of(source, request)->says->system_tokens;
    request->shared_tokens = system < item->prompt_tokens ? system : item->prompt_tokens;
    request->prompt_tokens = item->prompt_tokens;
    request->output_tokens = item->output_tokens;
    request->session = item->session;
    request->hashes = item->hashes;
    request->hash_count = item->hash_count;
    request->hash_tokens = item->hash_tokens;
    request->content = item->runs             ? CONTENT_RUNS
                       : item->hash_count > 0 ? CONTENT_HASHES
                       : item->session > 0    ? CONTENT_SESSION
                                              : CONTENT_OWN;
}

/* What it asks for: the file's next, or lengths that are drawn. */
static void fill_request(struct source *source, struct request_stream *stream,
                         struct request *request)
{
    const struct trace_item *item = stream->arrivals.trace == NULL
                                        ? NULL
                                        : &stream->trace.items[stream->trace.count - stream->left];
    stream->left--;
    bool says_class = item != NULL && item->class_number > 0;
    be_of_class(source, request,
                says_class ? (uint16_t)(item->class_number - 1) : draw_class(source, stream));
    if (item != NULL) {
        copy_item(source, item, request);
    } else {
        draw_request(source, request);
    }
    choose_adapter(source, item, request);
}

/* When its client gives it up. */
static void set_alarms(struct source *source, uint32_t id)
{
    const struct request *request = &source->requests->all[id];
    struct class_source *of = class_of(source, request);
    double sent = request->arrival_seconds;
    if (of->says->timeout_seconds > 0.0) {
        source_alarm(source, id, sent + of->says->timeout_seconds, DUE_TIMEOUT);
    }
    if (of->says->first_token_seconds > 0.0) {
        source_alarm(source, id, sent + of->says->first_token_seconds, DUE_FIRST_TOKEN);
    }
    if (of->says->cancel_share > 0.0 && random_uniform(&of->cancelling) < of->says->cancel_share) {
        double after = random_exponential(&of->cancelling, of->says->cancel_after_seconds);
        source_alarm(source, id, sent + after, DUE_CANCEL);
    }
}

/* A request ends when prompt and answer are as long as the engine lets them be (vLLM's
 * max_model_len); a prompt that is so long already is turned away when it comes. */
static void keep_in_context(const struct source *source, struct request *request)
{
    uint64_t context = source->scenario->llm.context;
    if (context > request->prompt_tokens &&
        request->output_tokens > context - request->prompt_tokens) {
        request->output_tokens = (uint32_t)(context - request->prompt_tokens);
    }
}

static void send(struct source *source, struct request *request)
{
    keep_in_context(source, request);
    source_schedule(source, (uint32_t)(request - source->requests->all),
                    request->arrival_seconds + way_seconds(source->scenario));
    set_alarms(source, (uint32_t)(request - source->requests->all));
}

/* --- arrivals --- */

/* The stream whose arrival is the next; NULL: none comes by itself any more. */
static struct request_stream *next_stream(struct source *source)
{
    struct request_stream *first = NULL;
    for (size_t i = 0; i < source->stream_count; i++) {
        struct request_stream *stream = &source->streams[i];
        if (!stream->drawn) {
            stream->next_seconds =
                stream->left > 0 ? stream->policy->next(&stream->arrivals) : (double)INFINITY;
            stream->drawn = true;
        }
        if (isfinite(stream->next_seconds) &&
            (first == NULL || stream->next_seconds < first->next_seconds)) {
            first = stream;
        }
    }
    return first;
}

static void take_arrival(struct source *source, struct request_stream *stream,
                         struct request *request)
{
    fill_request(source, stream, request);
    stream->arrivals.clock_seconds = stream->next_seconds;
    stream->arrivals.count++;
    stream->drawn = false;
}

double source_draw(struct source *source, struct request *request)
{
    struct request_stream *stream = next_stream(source);
    *request = (struct request){.arrival_seconds = (double)INFINITY};
    if (stream != NULL) {
        request->arrival_seconds = stream->next_seconds;
        take_arrival(source, stream, request);
    }
    return request->arrival_seconds;
}

/* The next arrival becomes due. */
static void make_arrival(struct source *source)
{
    struct request_stream *stream = next_stream(source);
    struct request *request = stream != NULL ? make_request(source, stream->next_seconds) : NULL;
    if (request == NULL) {
        source->exhausted = true;
        return;
    }
    take_arrival(source, stream, request);
    source->coming = (uint32_t)(request - source->requests->all);
    send(source, request);
}

/* Whether a conversation goes on after a turn: geometric, with the mean that was asked for. */
static bool goes_on(struct class_source *of)
{
    double turns = of->says->session_turns;
    return turns > 1.0 && random_uniform(&of->turns) < 1.0 - 1.0 / turns;
}

void source_follow(struct source *source, uint32_t id)
{
    const struct request *ended = &source->requests->all[id];
    struct class_source *of = class_of(source, ended);
    bool done = ended->state == REQUEST_DONE;
    double now = done ? fmax(engine_clock(), ended->last_token_seconds) : engine_clock();
    struct request *next = NULL;
    bool talked = done && of->says->session_turns > 0.0;
    if (talked && goes_on(of)) {
        double think = random_exponential(&of->thinking, of->says->session_think_seconds);
        next = make_request(source, now + think);
        if (next != NULL) {
            be_of_class(source, next, ended->class_index);
            next->content = CONTENT_SESSION;
            next->session = ended->session;
            next->turn = ended->turn + 1;
            next->adapter = ended->adapter;
            next->shared_tokens = ended->shared_tokens;
            next->prompt_tokens =
                ended->prompt_tokens + ended->output_tokens + length_draw(&of->prompts);
            next->output_tokens = length_draw(&of->outputs);
        }
    } else if (of->stream->policy->follows && of->stream->left > 0) {
        next = make_request(source, now + of->stream->caller->arrivals.think_seconds);
        if (next != NULL) {
            fill_request(source, of->stream, next);
        }
    }
    if (next != NULL) {
        send(source, next);
    }
}

bool source_follows(const struct source *source)
{
    bool follows = false;
    for (size_t i = 0; i < source->stream_count; i++) {
        follows = follows || source->streams[i].policy->follows;
    }
    return follows;
}

uint64_t source_dropped(const struct source *source)
{
    uint64_t dropped = 0;
    for (size_t i = 0; i < source->stream_count; i++) {
        dropped += source->streams[i].trace.dropped;
    }
    return dropped;
}

/* --- the actor --- */

static bool is_over(const struct source *source)
{
    const struct requests *requests = source->requests;
    return source->closed || (source->exhausted && source->heap_count == source->alarms &&
                              requests->finished == requests->count);
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
        if (due.request == source->coming && due.kind == DUE_ROUTE) {
            source->coming = REQUEST_NONE;
        }
        source->alarms -= due.kind != DUE_ROUTE;
        source->happens(source->receiver, due.request, (enum due_kind)due.kind);
        if (due.kind != DUE_ROUTE) {
            requests_alarmed(source->requests, due.request);
        }
    }
    source->end_seconds = engine_clock();
}

void source_start(struct source *source, struct engine *engine,
                  void (*happens)(void *receiver, uint32_t request, enum due_kind kind),
                  void *receiver)
{
    source->happens = happens;
    source->receiver = receiver;
    signal_init(&source->signal);
    actor_start(engine, 0, source_main, source, false);
}

/* --- making it --- */

/* The name of a stream of random numbers: the first class has those of a service without classes.
 */
static struct random_stream open_random(const struct source *source, const char *what, size_t index)
{
    const char *name =
        index == 0 ? what
                   : arena_printf(source->arena, "%s %s", what, source->classes[index].says->name);
    return random_open(source->scenario->seed, name);
}

static bool open_lengths(struct source *source, struct length_source *lengths, size_t index,
                         const char *name, struct diagnostics *diagnostics)
{
    const struct request_class *says = source->classes[index].says;
    bool prompts = lengths == &source->classes[index].prompts;
    *lengths = (struct length_source){
        .kind = prompts ? says->prompt_kind : says->output_kind,
        .length = prompts ? &says->prompt : &says->output,
        .random = open_random(source, name, index),
    };
    return lengths->kind != LENGTH_EMPIRICAL ||
           length_table_read(source->arena, lengths->length->file, &lengths->table, diagnostics);
}

/* An engine refuses requests of more tokens than the model has positions. */
static bool fits_context(const struct scenario *scenario, const struct request_stream *stream,
                         struct diagnostics *diagnostics)
{
    const struct request_trace *trace = &stream->trace;
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
    struct mark mark = {.file = stream->caller->arrivals.file};
    DIAGNOSE_ERROR(
        diagnostics, mark,
        "%zu of its %zu requests are longer than the %llu tokens that the model was made "
        "for (model.context), up to %zu; engines refuse them. Raise model.context, or "
        "leave them out",
        longer, trace->count, (unsigned long long)context, longest);
    return false;
}

/* Opens the arrivals that `caller` says; NULL after an error. */
static struct request_stream *open_stream(struct source *source, const struct request_class *caller,
                                          uint16_t own_class, const struct request_trace *given,
                                          struct diagnostics *diagnostics)
{
    enum { REQUESTS_DRAWN = 1000 }; /* unless the scenario says how many */
    const struct serving *serving = &source->scenario->serving;
    struct request_stream *stream = &source->streams[source->stream_count++];
    bool is_given = given != NULL && own_class == CLASS_SHARED;
    bool reads = is_given || class_reads_requests(caller);
    const char *name = own_class == CLASS_SHARED
                           ? "arrivals"
                           : arena_printf(source->arena, "arrivals %s", caller->name);
    uint64_t asked = serving->requests > 0 ? serving->requests : UINT64_MAX;
    asked = caller->requests > 0 && caller->requests < asked ? caller->requests : asked;
    *stream = (struct request_stream){
        .caller = caller,
        .policy = arrival_policies[caller->arrival],
        .arrivals = {.arrivals = &caller->arrivals,
                     .trace = reads ? &stream->trace : NULL,
                     .random = random_open(source->scenario->seed, name)},
        .own_class = own_class,
    };
    if (!reads) {
        stream->left = asked < UINT64_MAX ? asked : REQUESTS_DRAWN;
        return stream;
    }
    if (is_given) {
        stream->trace = *given;
        stream->left = given->count;
        return fits_context(source->scenario, stream, diagnostics) ? stream : NULL;
    }
    const struct trace_classes classes = {
        .says = own_class == CLASS_SHARED ? serving->classes : NULL,
        .count = own_class == CLASS_SHARED ? serving->class_count : 0,
        .adapters = serving_adapter_count(serving)};
    bool read =
        request_trace_read(source->arena, &caller->arrivals, caller->arrival == ARRIVAL_TRACE,
                           &classes, &stream->trace, diagnostics);
    stream->trace.count = stream->trace.count < asked ? stream->trace.count : asked;
    stream->left = stream->trace.count;
    return read && fits_context(source->scenario, stream, diagnostics) ? stream : NULL;
}

/* Zipf: the k-th as often as 1 / k^skew says. */
static void open_adapters(struct source *source, struct class_source *of)
{
    const struct adapter_choice *choice = &of->says->adapters;
    double sum = 0.0;
    if (choice->count == 0) {
        return;
    }
    of->adapter_shares = ARENA_ARRAY(source->arena, double, choice->count);
    for (uint32_t i = 0; i < choice->count; i++) {
        sum += pow(i + 1.0, -choice->skew);
        of->adapter_shares[i] = sum;
    }
    for (uint32_t i = 0; i < choice->count; i++) {
        of->adapter_shares[i] /= sum;
    }
}

static bool open_classes(struct source *source, const struct request_trace *given,
                         struct diagnostics *diagnostics)
{
    const struct serving *serving = &source->scenario->serving;
    struct request_stream *shared = NULL;
    bool sound = true;
    double sum = 0.0, so_far = 0.0;
    for (size_t i = 0; i < source->class_count; i++) {
        source->classes[i] = (struct class_source){.says = serving_class(serving, i)};
        sum += source->classes[i].says->has_arrivals ? 0.0 : source->classes[i].says->share;
    }
    for (size_t i = 0; i < source->class_count && sound; i++) {
        struct class_source *of = &source->classes[i];
        of->turns = open_random(source, "turns", i);
        of->thinking = open_random(source, "thinking", i);
        of->cancelling = open_random(source, "cancelling", i);
        of->choosing = open_random(source, "adapters", i);
        open_adapters(source, of);
        if (of->says->has_arrivals) {
            of->stream = open_stream(source, of->says, (uint16_t)i, NULL, diagnostics);
        } else {
            so_far += of->says->share;
            shared = shared != NULL
                         ? shared
                         : open_stream(source, &serving->every, CLASS_SHARED, given, diagnostics);
            of->stream = shared;
        }
        source->shares[i] = sum > 0.0 ? so_far / sum : 0.0; /* all have arrivals of their own */
        sound =
            of->stream != NULL && (of->stream->arrivals.trace != NULL ||
                                   (open_lengths(source, &of->prompts, i, "prompts", diagnostics) &&
                                    open_lengths(source, &of->outputs, i, "outputs", diagnostics)));
    }
    return sound;
}

bool source_create(struct source *source, const struct scenario *scenario,
                   const struct request_trace *given, struct arena *arena,
                   struct requests *requests, struct diagnostics *diagnostics)
{
    const struct serving *serving = &scenario->serving;
    size_t count = serving_class_count(serving);
    *source = (struct source){
        .scenario = scenario,
        .arena = arena,
        .requests = requests,
        .streams = ARENA_ARRAY(arena, struct request_stream, count + 1),
        .classes = ARENA_ARRAY(arena, struct class_source, count),
        .class_count = count,
        .shares = ARENA_ARRAY(arena, double, count),
        .choosing = random_open(scenario->seed, "classes"),
        .coming = REQUEST_NONE,
    };
    *requests = (struct requests){.spare = REQUEST_NONE};
    if (!open_classes(source, given, diagnostics)) {
        return false;
    }
    uint64_t capacity = 0;
    for (size_t i = 0; i < source->stream_count; i++) {
        capacity += source->streams[i].left;
    }
    capacity = serving->requests > 0 && serving->requests < capacity ? serving->requests : capacity;
    requests->capacity = (uint32_t)(capacity < UINT32_MAX ? capacity : UINT32_MAX - 1);
    return true;
}
