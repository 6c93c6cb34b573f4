/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/fleet.h"

#include "models/numeric/random.h"
#include "sim/serving/batching/price_store.h"
#include "sim/serving/replica/router.h"
#include "sim/serving/replica/step_group.h"

/* Replicas [0, count) take new requests: all, or those that prefill. */
static uint32_t entry_count(const struct fleet *fleet)
{
    const struct service *service = &fleet->serving->service;
    return service->policy == BATCHING_DISAGGREGATED ? service->prefill_replicas
                                                     : fleet->server_count;
}

void fleet_create(struct fleet *fleet)
{
    const struct service *service = &fleet->serving->service;
    bool pools = service->policy == BATCHING_DISAGGREGATED;
    uint32_t ranks = layout_attention_data(&fleet->scenario->layout);
    fleet->server_count = fleet->scenario->layout.data * ranks;
    fleet->servers = ARENA_ARRAY(fleet->arena, struct server, fleet->server_count);
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        enum server_role role = !pools                          ? SERVER_WHOLE
                                : i < service->prefill_replicas ? SERVER_PREFILL
                                                                : SERVER_DECODE;
        server_create(&fleet->servers[i], fleet, i, role);
    }
    fleet->group_count = ranks > 1 ? fleet->scenario->layout.data : 0;
    fleet->groups = ARENA_ARRAY(fleet->arena, struct step_group, fleet->group_count);
    for (uint32_t i = 0; i < fleet->group_count; i++) {
        step_group_create(&fleet->groups[i], &fleet->servers[(size_t)i * ranks], ranks,
                          fleet->arena);
    }
}

void fleet_start(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        server_start(&fleet->servers[i]);
    }
    for (uint32_t i = 0; i < fleet->group_count; i++) {
        step_group_start(&fleet->groups[i]);
    }
}

void fleet_destroy(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        server_destroy(&fleet->servers[i]);
    }
    for (uint32_t i = 0; i < fleet->group_count; i++) {
        step_group_destroy(&fleet->groups[i]);
    }
}

void fleet_end(struct fleet *fleet, uint32_t id, enum request_state state)
{
    fleet->requests->all[id].state = (uint8_t)state;
    fleet->requests->finished++;
    fleet->listener.ended(fleet->listener.data, id);
    source_follow(fleet->source, id);
}

void fleet_route(struct fleet *fleet, uint32_t id)
{
    struct request *request = &fleet->requests->all[id];
    uint64_t tokens = (uint64_t)request->prompt_tokens + request->output_tokens;
    if (kv_pages_of(&fleet->kv_beside, fleet->serving->service.block_tokens, tokens) >
        fleet->kv_pages) {
        fleet_end(fleet, id, REQUEST_REJECTED);
        return;
    }
    const struct router_policy *router = router_policies[fleet->serving->service.router];
    request->replica = router->choose(fleet, request, 0, entry_count(fleet));
    request->queued_seconds = engine_clock();
    server_submit(&fleet->servers[request->replica], id);
}

void fleet_orphaned(struct fleet *fleet, uint32_t id)
{
    if (fleet->serving->fate == FATE_LOSE) {
        fleet->lost++;
        fleet_end(fleet, id, REQUEST_LOST);
        return;
    }
    struct request *request = &fleet->requests->all[id];
    fleet->retries++;
    request->retries++;
    request->generated_tokens = 0;
    request->state = REQUEST_COMING;
    source_schedule(fleet->source, id, engine_clock());
}

/* How long a cache that moves layer by layer has been on its way when its prefill ends: as long as
 * the step that computed it lasted, if the other side has room for it now. */
static float streamed_seconds(const struct fleet *fleet, const struct lane *from,
                              const struct server *to, const struct request *request)
{
    const struct service *service = &fleet->serving->service;
    const struct batch_view *view = &to->view;
    uint64_t tokens = (uint64_t)request->prompt_tokens + request->output_tokens;
    bool room = to->down == 0 && view->waiting.count == 0 &&
                view->running_count + view->incoming < service->max_sequences &&
                kv_cache_blocks_of(&view->kv, tokens) <= kv_cache_available(&view->kv);
    return service->kv_transfer == TRANSFER_BY_LAYER && room ? (float)from->step_seconds : 0.0F;
}

void fleet_hand_over(struct fleet *fleet, const struct lane *from, uint32_t id)
{
    const struct router_policy *router = router_policies[fleet->serving->service.router];
    uint32_t first = fleet->serving->service.prefill_replicas;
    struct request *request = &fleet->requests->all[id];
    request->home = from->server->index;
    request->home_epoch = from->server->epoch;
    request->replica = router->choose(fleet, request, first, fleet->server_count - first);
    request->streamed_seconds =
        streamed_seconds(fleet, from, &fleet->servers[request->replica], request);
    server_submit(&fleet->servers[request->replica], id);
}

struct step_costs **fleet_costs(struct fleet *fleet, double nic_share)
{
    for (struct network_costs *costs = fleet->costs; costs != NULL; costs = costs->next) {
        if (costs->nic_share == nic_share) {
            return costs->stages;
        }
    }
    uint32_t stages = fleet->scenario->layout.pipeline;
    struct network_costs *costs = ARENA_NEW(fleet->arena, struct network_costs);
    *costs =
        (struct network_costs){.nic_share = nic_share,
                               .stages = ARENA_ARRAY(fleet->arena, struct step_costs *, stages),
                               .next = fleet->costs};
    for (uint32_t i = 0; i < stages; i++) {
        costs->stages[i] = step_costs_create(fleet->arena, fleet->scenario, i, nic_share);
        if (fleet->prices != NULL && nic_share >= 1.0) { /* prices of weak cards are not shared */
            step_costs_share(costs->stages[i], fleet->prices,
                             random_mix(random_mix(fleet->price_kind) + i));
        }
    }
    fleet->costs = costs;
    return costs->stages;
}
