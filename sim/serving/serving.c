/* SPDX-License-Identifier: MIT */
#include "sim/serving/serving.h"

#include "sim/engine/background.h"
#include "sim/scenario/notes.h"
#include "sim/scenario/replica.h"
#include "sim/serving/result/fold.h"
#include "sim/serving/result/serving_trace.h"

/* --- what the run hears of its rooms --- */

static void request_due(void *data, uint32_t id, enum due_kind kind)
{
    struct serving_run *run = data;
    const struct request *request = &run->requests.all[id];
    struct fleet *fleet = &run->fleet;
    switch (kind) {
    case DUE_ROUTE:
        goal_watch_clock(&run->watch, run, engine_clock());
        run->source.closed = run->source.closed || run->watch.missed;
        fleet_route(fleet, id);
        return;
    case DUE_TIMEOUT:
        fleet_leave(fleet, id, REQUEST_TIMED_OUT);
        return;
    case DUE_FIRST_TOKEN:
        if (request->generated_tokens == 0) {
            fleet_leave(fleet, id, REQUEST_TIMED_OUT);
        }
        return;
    case DUE_CANCEL:
        fleet_leave(fleet, id, REQUEST_CANCELLED);
        return;
    case DUE_MAX_WAIT:
        if (request->state == REQUEST_WAITING && request->scheduled_seconds < 0.0) {
            fleet_leave(fleet, id, REQUEST_REFUSED);
        }
        return;
    }
}

static void request_ended(void *data, uint32_t id)
{
    struct serving_run *run = data;
    goal_watch_end(&run->watch, run, &run->requests.all[id]);
    if (run->fold != NULL) {
        fold_add(run->fold, run, &run->requests.all[id]);
    }
    run->source.closed = run->source.closed || run->watch.missed;
    if (run->progress != NULL) {
        progress_update(run->progress,
                        (double)run->requests.finished / (double)run->requests.capacity,
                        "requests");
    }
}

static void gaps(void *data, double seconds, uint64_t requests)
{
    struct serving_run *run = data;
    if (engine_clock() >= run->serving->warm_up_seconds) {
        batched_histogram_add(&run->inter_token, seconds, requests);
    }
}

static void steps_played(void *data, const struct server *server, const struct played_steps *steps)
{
    const struct serving_run *run = data;
    if (run->trace != NULL) {
        serving_trace_step(run->trace, server, steps);
    }
}

static void held_nothing(void *data, const struct server *server, double from_seconds,
                         double to_seconds)
{
    const struct serving_run *run = data;
    if (run->trace != NULL) {
        serving_trace_off(run->trace, server, from_seconds, to_seconds);
    }
}

/* --- the run --- */

/* vLLM does not start when its cache has no room for one request of max_model_len. What the model's
 * own file says is no such setting: who runs it says less, and serving_context_note() tells. */
static bool has_room_for_context(const struct serving_run *run)
{
    struct mark said;
    if (!scenario_says_context(run->scenario, &said)) {
        return true;
    }
    for (uint32_t i = 0; i < run->fleet.pool_count; i++) {
        const struct pool *pool = &run->fleet.pools[i];
        uint64_t fits = pool_longest_request(pool), context = run->scenario->llm.context;
        if (fits < context && pool->scenario->serving.service.policy == BATCHING_VLLM) {
            DIAGNOSE_ERROR(run->diagnostics, said,
                           "model.context: the KV cache has no room for one request of %llu "
                           "tokens, and vLLM does not start then; expected %llu tokens at most "
                           "(--max-model-len), or raise memory.fraction or layout.tensor",
                           (unsigned long long)context, (unsigned long long)fits);
            return false;
        }
    }
    return true;
}

/* Whether the run needs its requests whole, up to its end. */
static bool keeps_requests(const struct serving_run *run, const struct serving_options *options)
{
    uint64_t most = options->keeps > 0 ? options->keeps : REQUESTS_KEPT;
    bool sglang = false;
    for (uint32_t i = 0; i < scenario_pool_count(run->scenario); i++) {
        const struct scenario *pool = scenario_pool(run->scenario, i).scenario;
        sglang = sglang || pool->serving.service.policy == BATCHING_SGLANG;
    }
    return run->requests.capacity <= most || options->trace != NULL || options->goal != NULL ||
           options->requests != NULL || sglang;
}

static bool prepare(struct serving_run *run, const struct serving_options *options)
{
    const struct scenario *scenario = run->scenario;
    struct fleet *fleet = &run->fleet;
    if (!source_create(&run->source, scenario, options->requests, run->arena, &run->requests,
                       run->diagnostics)) {
        return false;
    }
    run->requests.all = ARENA_ARRAY(run->arena, struct request, run->requests.capacity);
    if (!keeps_requests(run, options)) {
        run->requests.reuses = true;
        run->fold = fold_open(run);
    }
    run->inter_token = batched_histogram_create(run->arena);
    *fleet = (struct fleet){
        .scenario = scenario,
        .serving = run->serving,
        .arena = run->arena,
        .requests = &run->requests,
        .source = &run->source,
        .listener = {.data = run,
                     .ended = request_ended,
                     .gaps = gaps,
                     .steps = steps_played,
                     .off = held_nothing},
        .prices = options->prices,
        .price_kind = options->price_kind,
    };
    if (!acceptance_open(&fleet->acceptance, &run->serving->service, scenario->seed, run->arena,
                         run->diagnostics)) {
        return false;
    }
    fleet_create(fleet);
    return has_room_for_context(run);
}

/* Whether anything crosses a link: caches that move between pools or to a remote tier, activations
 * between a pipeline's stages, others' traffic. */
static bool sends(const struct scenario *scenario)
{
    bool pipelined = false;
    for (uint32_t i = 0; i < scenario_pool_count(scenario); i++) {
        pipelined = pipelined || scenario_pool(scenario, i).layout.pipeline > 1;
    }
    return pipelined || scenario_pool_count(scenario) > 1 || scenario->background_count > 0 ||
           scenario->serving.service.tiers.capacity_bytes[TIER_REMOTE] > 0.0;
}

static bool anyone_sends(const struct scenario *scenario)
{
    bool any = scenario->tenant_count == 0 ? sends(scenario) : scenario->background_count > 0;
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        any = any || sends(scenario->tenants[i].scenario);
    }
    return any;
}

static struct engine *open_engine(const struct scenario *scenario, struct diagnostics *diagnostics)
{
    struct node_links kinds[POOL_COUNT];
    const struct kv_tiers *tiers = &scenario->serving.service.tiers;
    uint32_t store_nodes = tiers->capacity_bytes[TIER_REMOTE] > 0.0 ? tiers->remote_nodes : 0;
    const struct engine_setup setup = {
        .cluster = &scenario->cluster,
        .kinds = kinds,
        .kind_count = scenario_node_kinds(scenario, kinds),
        .nodes = scenario_nodes(scenario) + store_nodes,
        .lanes = scenario->background_count > 0 ? LANE_COUNT : 1,
        .platform_xml = scenario->platform_xml,
        .sends_nothing = scenario->platform_xml == NULL && !anyone_sends(scenario),
    };
    return engine_open(&setup, diagnostics);
}

static void start(struct serving_run *run, struct engine *engine)
{
    run->fleet.engine = engine;
    source_start(&run->source, engine, request_due, run);
    fleet_start(&run->fleet);
    faults_start(&run->faults, &run->fleet);
}

static void stop(struct serving_run *run)
{
    struct fleet *fleet = &run->fleet;
    faults_sort(&run->faults);
    run->end_seconds = run->source.end_seconds;
    run->events = run->source.orders;
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        run->events += fleet->servers[i].totals.plays;
    }
    fleet_destroy(fleet);
    signal_destroy(&run->source.signal);
}

static bool has_ended(const struct serving_run *run)
{
    const struct requests *requests = &run->requests;
    if (run->faults.hopeless) {
        DIAGNOSE_ERROR(run->diagnostics, ((struct mark){.file = "cpsim"}),
                       "given up: faults come so fast that no request ends between them (%u of %u "
                       "ended); raise workload.random_faults.mean_between or lower its repair",
                       requests->finished, requests->count);
        return false;
    }
    if (requests->finished < requests->count && !run->watch.missed) {
        DIAGNOSE_ERROR(run->diagnostics, ((struct mark){.file = "cpsim"}),
                       "the simulation stopped with %u of %u requests unfinished",
                       requests->count - requests->finished, requests->count);
        return false;
    }
    return true;
}

/* `runs` [count] on one cluster, which `scenario` describes. */
static bool play(const struct scenario *scenario, struct serving_run *runs, size_t count,
                 uint64_t *events, struct diagnostics *diagnostics)
{
    struct engine *engine = open_engine(scenario, diagnostics);
    if (engine == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        start(&runs[i], engine);
    }
    sharing_start(&runs[0].fleet);
    struct background_traffic *others =
        background_start(engine, runs[0].arena, scenario->background, scenario->background_count);
    engine_run(engine);
    background_end(others);
    *events = engine_event_count(engine);
    sharing_destroy(&runs[0].fleet);
    for (size_t i = 0; i < count; i++) {
        stop(&runs[i]);
    }
    engine_close(engine);
    for (size_t i = 0; i < count; i++) {
        if (!has_ended(&runs[i])) {
            return false;
        }
    }
    return true;
}

static struct serving_run open_run(const struct scenario *scenario, struct arena *arena,
                                   const struct serving_options *options,
                                   struct diagnostics *diagnostics)
{
    return (struct serving_run){
        .scenario = scenario,
        .serving = &scenario->serving,
        .arena = arena,
        .diagnostics = diagnostics,
        .trace = options->trace,
        .progress = options->progress,
    };
}

bool serving_run(const struct scenario *scenario, struct arena *arena,
                 const struct serving_options *options, struct serving_run *run, bool *wrong_input,
                 struct diagnostics *diagnostics)
{
    uint64_t events = 0;
    *run = open_run(scenario, arena, options, diagnostics);
    *wrong_input = true;
    if (scenario->tenant_count > 0) { /* runs, sweeps and pages of results take any */
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = scenario->title}),
                       "tenants: one model is asked for here; expected a scenario without "
                       "`tenants`, of the one that was measured");
        return false;
    }
    if (!prepare(run, options)) {
        return false;
    }
    run->watch = goal_watch_begin(options->goal, run->requests.capacity);
    *wrong_input = scenario->platform_xml != NULL;
    bool played = play(scenario, run, 1, &events, diagnostics);
    run->events += events;
    return played;
}

bool serving_run_tenants(const struct scenario *scenario, struct arena *arena,
                         const struct serving_options options[], struct serving_run runs[],
                         uint64_t *events, bool *wrong_input, struct diagnostics *diagnostics)
{
    size_t count = scenario->tenant_count;
    struct host_socket *sockets = NULL; /* of all: those of the last GPU's tenant reach farthest */
    uint32_t most = 0;
    struct fleet **fleets = ARENA_ARRAY(arena, struct fleet *, count);
    *wrong_input = true;
    for (size_t i = 0; i < count; i++) {
        runs[i] = open_run(scenario->tenants[i].scenario, arena, &options[i], diagnostics);
        if (!prepare(&runs[i], &options[i])) {
            return false;
        }
        runs[i].watch = goal_watch_begin(NULL, runs[i].requests.capacity);
        fleets[i] = &runs[i].fleet;
        if (fleet_gpus(fleets[i]) > most) {
            most = fleet_gpus(fleets[i]);
            sockets = fleets[i]->sockets;
        }
    }
    for (size_t i = 0; i < count; i++) {
        fleets[i]->sockets = sockets;
    }
    if (count > 1 && scenario->sharing.policy != SHARING_APART) {
        sharing_create(fleets, (uint32_t)count, &scenario->sharing);
    }
    *wrong_input = scenario->platform_xml != NULL;
    bool played = play(scenario, runs, count, events, diagnostics);
    if (count == 1) {
        runs[0].events += *events;
    }
    return played;
}
