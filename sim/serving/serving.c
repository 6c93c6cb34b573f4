/* SPDX-License-Identifier: MIT */
#include "sim/serving/serving.h"

#include "models/numeric/whole.h"
#include "sim/scenario/replica.h"
#include "sim/serving/faults/background.h"
#include "sim/serving/faults/faults.h"
#include "sim/serving/replica/kv_move.h"

/* Replicas [first, first + count) that take new requests: all, or those that prefill. */
static void entry_pool(const struct serving_run *run, uint32_t *count)
{
    const struct service *service = &run->serving->service;
    *count =
        service->policy == BATCHING_DISAGGREGATED ? service->prefill_replicas : run->server_count;
}

static void finish(struct serving_run *run, uint32_t id, enum request_state state)
{
    run->requests[id].state = (uint8_t)state;
    run->finished_count++;
    goal_watch_end(&run->watch, run, &run->requests[id]);
    source_follow(&run->source, id);
}

void serving_route(struct serving_run *run, uint32_t id)
{
    struct request *request = &run->requests[id];
    goal_watch_clock(&run->watch, run, engine_clock());
    uint64_t tokens = (uint64_t)request->prompt_tokens + request->output_tokens;
    if (tokens > run->kv_pages * run->serving->service.block_tokens) {
        finish(run, id, REQUEST_REJECTED);
        return;
    }
    uint32_t count = 0;
    entry_pool(run, &count);
    const struct router_policy *router = router_policies[run->serving->service.router];
    request->replica = router->choose(run, request, 0, count);
    request->queued_seconds = engine_clock();
    server_submit(&run->servers[request->replica], id);
}

void serving_done(struct serving_run *run, uint32_t id)
{
    finish(run, id, REQUEST_DONE);
}

void serving_orphaned(struct serving_run *run, uint32_t id)
{
    if (run->serving->fate == FATE_LOSE) {
        run->lost++;
        finish(run, id, REQUEST_LOST);
        return;
    }
    run->retries++;
    run->requests[id].retries++;
    run->requests[id].generated_tokens = 0;
    run->requests[id].state = REQUEST_COMING;
    source_schedule(&run->source, id, engine_clock());
}

/* How long a cache that moves layer by layer has been on its way when its prefill ends: as long as
 * the step that computed it lasted, if the other side has room for it now. */
static float streamed_seconds(const struct serving_run *run, const struct server *from,
                              const struct server *to, const struct request *request)
{
    const struct service *service = &run->serving->service;
    uint64_t tokens = (uint64_t)request->prompt_tokens + request->output_tokens;
    bool room = to->down == 0 && to->waiting.count == 0 &&
                server_running(to) < service->max_sequences &&
                kv_cache_pages_of(&to->kv, tokens) <= kv_cache_available(&to->kv);
    return service->kv_transfer == TRANSFER_BY_LAYER && room ? (float)from->step_seconds : 0.0F;
}

void serving_hand_over(struct serving_run *run, struct server *from, uint32_t id)
{
    const struct router_policy *router = router_policies[run->serving->service.router];
    uint32_t first = run->serving->service.prefill_replicas;
    struct request *request = &run->requests[id];
    request->home = from->index;
    request->home_epoch = from->epoch;
    request->replica = router->choose(run, request, first, run->server_count - first);
    request->streamed_seconds =
        streamed_seconds(run, from, &run->servers[request->replica], request);
    server_submit(&run->servers[request->replica], id);
}

struct step_costs **serving_costs(struct serving_run *run, double nic_share)
{
    for (struct network_costs *costs = run->costs; costs != NULL; costs = costs->next) {
        if (costs->nic_share == nic_share) {
            return costs->stages;
        }
    }
    uint32_t stages = run->scenario->layout.pipeline;
    struct network_costs *costs = ARENA_NEW(run->arena, struct network_costs);
    *costs = (struct network_costs){.nic_share = nic_share,
                                    .stages = ARENA_ARRAY(run->arena, struct step_costs *, stages),
                                    .next = run->costs};
    for (uint32_t i = 0; i < stages; i++) {
        costs->stages[i] = step_costs_create(run->arena, run->scenario, i, nic_share);
        if (run->prices != NULL && nic_share >= 1.0) { /* prices of weak cards are not shared */
            step_costs_share(costs->stages[i], run->prices,
                             random_mix(random_mix(run->price_kind) + i));
        }
    }
    run->costs = costs;
    return costs->stages;
}

/* --- the run --- */

static void size_caches(struct serving_run *run)
{
    const struct scenario *scenario = run->scenario;
    run->memory = scenario_serving_memory(scenario, &run->kv_bytes_per_token);
    run->kv_pages = scenario_serving_kv_pages(scenario);
}

static void create_servers(struct serving_run *run)
{
    const struct service *service = &run->serving->service;
    bool pools = service->policy == BATCHING_DISAGGREGATED;
    run->server_count = run->scenario->layout.data;
    run->servers = ARENA_ARRAY(run->arena, struct server, run->server_count);
    for (uint32_t i = 0; i < run->server_count; i++) {
        enum server_role role = !pools                          ? SERVER_WHOLE
                                : i < service->prefill_replicas ? SERVER_PREFILL
                                                                : SERVER_DECODE;
        server_create(&run->servers[i], run, i, role);
    }
}

static bool prepare(struct serving_run *run)
{
    const struct serving *serving = run->serving;
    uint64_t capacity = serving->requests;
    if (serving->arrival == ARRIVAL_TRACE) {
        if (!request_trace_read(run->arena, &serving->arrivals, &run->request_trace,
                                run->diagnostics)) {
            return false;
        }
        capacity = run->request_trace.count;
    }
    if (!source_create(&run->source, run)) {
        return false;
    }
    run->request_capacity = (uint32_t)capacity;
    run->requests = ARENA_ARRAY(run->arena, struct request, capacity);
    run->inter_token = histogram_create(run->arena);
    size_caches(run);
    create_servers(run);
    return true;
}

static bool play(struct serving_run *run)
{
    const struct scenario *scenario = run->scenario;
    uint32_t gpus = layout_gpus(&scenario->layout), per_node = scenario->cluster.gpus_per_node;
    uint32_t nodes = (uint32_t)divide_up(gpus, per_node);
    run->engine = engine_open(&scenario->cluster,
                              scenario->background_count > 0 ? scenario->cluster.nodes : nodes,
                              scenario->platform_xml, run->diagnostics);
    if (run->engine == NULL) {
        return false;
    }
    source_start(&run->source);
    for (uint32_t i = 0; i < run->server_count; i++) {
        server_start(&run->servers[i]);
    }
    faults_start(run);
    background_start(run);
    engine_run(run->engine);
    run->events = engine_event_count(run->engine) + run->source.orders;
    for (uint32_t i = 0; i < run->server_count; i++) {
        run->events += run->servers[i].totals.plays;
        for (uint32_t lane = 0; lane < scenario->layout.pipeline; lane++) {
            signal_destroy(&run->servers[i].lanes[lane]->signal);
        }
    }
    signal_destroy(&run->source.signal);
    engine_close(run->engine);
    if (run->finished_count < run->request_count && !run->watch.missed) {
        DIAGNOSE_ERROR(run->diagnostics, ((struct mark){.file = "cpsim"}),
                       "the simulation stopped with %u of %u requests unfinished",
                       run->request_count - run->finished_count, run->request_count);
        return false;
    }
    return true;
}

bool serving_run(const struct scenario *scenario, struct arena *arena,
                 const struct serving_options *options, struct serving_run *run, bool *wrong_input,
                 struct diagnostics *diagnostics)
{
    const struct layout *layout = &scenario->layout;
    *run = (struct serving_run){
        .scenario = scenario,
        .serving = &scenario->serving,
        .replica = scenario_replica(scenario),
        .arena = arena,
        .diagnostics = diagnostics,
        .trace = options->trace,
        .prices = options->prices,
        .price_kind = options->price_kind,
        .gpus_per_replica = layout->tensor * layout->context * layout->pipeline,
    };
    *wrong_input = true;
    if (!prepare(run)) {
        return false;
    }
    run->watch = goal_watch_begin(options->goal, run->request_capacity);
    *wrong_input = scenario->platform_xml != NULL;
    return play(run);
}
