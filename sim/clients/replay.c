/* SPDX-License-Identifier: MIT */
#include "sim/clients/replay.h"

#include "sim/base/child.h"
#include "sim/serving/batching/price_store.h"
#include "sim/serving/load/request_trace.h"
#include "sim/serving/result/metrics.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct replay_prices {
    struct price_store *store;
};

struct replay_prices *replay_prices_create(struct arena *arena)
{
    struct replay_prices *prices = ARENA_NEW(arena, struct replay_prices);
    prices->store = price_store_create();
    return prices;
}

void replay_prices_destroy(struct replay_prices *prices)
{
    price_store_destroy(prices->store);
}

/* What the child tells its parent, in memory that both see. */
struct told {
    struct client_figures figures;
    double seconds[]; /* TTFT [count], then E2E [count]; negative: not answered */
};

struct replayed {
    const struct scenario *scenario;
    const struct client_case *one;
    const struct request_trace *requests; /* NULL: the scenario's own */
    struct price_store *prices;
    struct told *told;
};

/* --- the child --- */

static void take_summary(const struct latency_summary *summary,
                         double statistics[static CLIENT_STATISTIC_COUNT])
{
    statistics[CLIENT_MEAN] = summary->mean;
    statistics[CLIENT_P50] = summary->p50;
    statistics[CLIENT_P90] = summary->p90;
    statistics[CLIENT_P95] = summary->p95;
    statistics[CLIENT_P99] = summary->p99;
}

static void tell(const struct replayed *play, const struct serving_run *run)
{
    static const enum latency latencies[CLIENT_TIME_COUNT] = {[CLIENT_TTFT] = LATENCY_TTFT,
                                                              [CLIENT_TPOT] = LATENCY_TPOT,
                                                              [CLIENT_ITL] = LATENCY_ITL,
                                                              [CLIENT_E2E] = LATENCY_E2E};
    struct serving_metrics metrics;
    serving_metrics(run, &metrics);
    for (int time = 0; time < CLIENT_TIME_COUNT; time++) {
        take_summary(&metrics.latencies[latencies[time]], play->told->figures.seconds[time]);
    }
    play->told->figures.requests_per_second = metrics.requests_per_second;
    play->told->figures.output_tokens_per_second = metrics.output_tokens_per_second;
    for (size_t i = 0; i < play->one->count && i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        bool done = request->state == REQUEST_DONE;
        play->told->seconds[i] =
            done ? serving_ttft_seconds(request, request->first_token_seconds) : -1.0;
        play->told->seconds[play->one->count + i] =
            done ? request->last_token_seconds - request->arrival_seconds : -1.0;
    }
}

/* 0, or what is told on stderr. */
static int play_in_child(void *context)
{
    const struct replayed *play = context;
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct serving_options options = {.prices = play->prices, .requests = play->requests};
    struct serving_run run;
    bool wrong_input = false;
    bool played = serving_run(play->scenario, arena, &options, &run, &wrong_input, diagnostics);
    if (played) {
        tell(play, &run);
    } else {
        fputs(diagnostics_first(diagnostics), stderr);
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return played ? 0 : 1;
}

/* --- the parent --- */

/* Tokens that requests of one prefix have in common, from the first on: a run of numbers. */
static void share_beginning(struct arena *arena, const struct client_request *request,
                            struct trace_item *item)
{
    enum { PREFIX_TOKENS = 1000000, RUN = 2 }; /* no prefix is longer */
    uint32_t *run = ARENA_ARRAY(arena, uint32_t, RUN);
    run[0] = request->prefix_tokens;
    run[1] = request->prefix * PREFIX_TOKENS;
    item->hashes = run;
    item->hash_count = RUN;
    item->runs = true;
}

static void make_requests(struct arena *arena, const struct client_case *one,
                          struct request_trace *trace)
{
    *trace = (struct request_trace){.items = ARENA_ARRAY(arena, struct trace_item, one->count + 1),
                                    .count = one->count};
    for (size_t i = 0; i < one->count; i++) {
        const struct client_request *request = &one->requests[i];
        trace->items[i] = (struct trace_item){
            .seconds = request->sent_seconds < 0.0 ? 0.0 : request->sent_seconds,
            .prompt_tokens = request->prompt_tokens,
            .output_tokens = request->output_tokens};
        if (request->prefix_tokens > 0) {
            share_beginning(arena, request, &trace->items[i]);
        }
    }
}

/* The scenario under this load. 0: requests come at their times. */
static uint32_t set_load(const struct client_case *one, struct scenario *scenario)
{
    struct serving *serving = &scenario->serving;
    struct request_class *every = &serving->every;
    bool closed = one->closed || every->arrival == ARRIVAL_CLOSED_LOOP;
    uint32_t said = every->arrival == ARRIVAL_CLOSED_LOOP ? every->arrivals.clients : 0;
    uint32_t clients = one->clients > 0 ? one->clients : said;
    serving->requests = 0;
    serving->duration_seconds = 0.0;
    serving->warm_up_seconds = 0.0;
    serving->class_count = 0;
    every->session_turns = 0.0;
    every->arrivals.limit = 0;
    every->arrivals.file = "the client's file";
    if (!closed) {
        every->arrival = ARRIVAL_TRACE;
        return 0;
    }
    every->arrivals.think_seconds =
        every->arrival == ARRIVAL_CLOSED_LOOP ? every->arrivals.think_seconds : 0.0;
    every->arrival = ARRIVAL_CLOSED_LOOP;
    every->arrivals.clients = clients;
    return clients;
}

static bool check_times(const struct client_case *one, const struct scenario *scenario,
                        const char *name, struct diagnostics *diagnostics)
{
    bool loop = one->closed || scenario->serving.every.arrival == ARRIVAL_CLOSED_LOOP;
    if (one->count == 0 || loop || one->requests[0].sent_seconds >= 0.0) {
        return true;
    }
    DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = name}),
                   "it does not say when requests were sent; give the scenario the load that they "
                   "were: arrivals: {kind: closed-loop, clients: N}");
    return false;
}

bool replay_run(struct arena *arena, const struct scenario *scenario, const struct client_case *one,
                struct replay_prices *prices, struct replay *replay,
                struct diagnostics *diagnostics)
{
    struct mark mark = {.file = one->name[0] == '\0' ? "the requests" : one->name};
    if (!check_times(one, scenario, mark.file, diagnostics)) {
        return false;
    }
    struct scenario *own = ARENA_NEW(arena, struct scenario);
    *own = *scenario;
    own->trace.file = NULL;
    struct request_trace requests;
    make_requests(arena, one, &requests);
    *replay = (struct replay){.clients = one->count > 0 ? set_load(one, own) : 0};
    size_t bytes = sizeof(struct told) + 2 * one->count * sizeof(double);
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct replayed play = {.scenario = own,
                            .one = one,
                            .requests = one->count > 0 ? &requests : NULL,
                            .prices = prices->store,
                            .told = shared == MAP_FAILED ? NULL : shared};
    struct child_end end;
    if (play.told == NULL ||
        !child_run(arena, (struct child_limits){0}, play_in_child, &play, &end)) {
        DIAGNOSE_SYSTEM(diagnostics, mark, errno, "no process to play it in: %s", strerror(errno));
        return false;
    }
    bool played = end.signal == 0 && end.status == 0;
    if (!played) {
        DIAGNOSE_ERROR(diagnostics, mark, "%.300s",
                       end.said[0] != '\0' ? end.said : "the process that played it was killed");
    }
    replay->figures = play.told->figures;
    replay->ttft_seconds = ARENA_ARRAY(arena, double, one->count + 1);
    replay->e2e_seconds = ARENA_ARRAY(arena, double, one->count + 1);
    for (size_t i = 0; i < one->count; i++) {
        replay->ttft_seconds[i] = play.told->seconds[i];
        replay->e2e_seconds[i] = play.told->seconds[one->count + i];
        replay->unanswered += replay->ttft_seconds[i] < 0.0;
    }
    munmap(shared, bytes);
    return played;
}
