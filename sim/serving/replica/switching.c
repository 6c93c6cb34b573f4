/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/switching.h"

#include "sim/serving/replica/fleet.h"
#include "sim/serving/replica/router.h"

#include <math.h>

const struct switching_policy switching_none = {.prefill = NULL};

const struct switching_policy *const switching_policies[SWITCHING_KIND_COUNT] = {
    SWITCHINGS(ROW_OBJECT)};

static const struct phase_switching *says_of(const struct fleet *fleet)
{
    return &fleet->serving->service.switching;
}

static struct server *other_half(struct server *server)
{
    struct pool *pools = server->fleet->pools;
    enum pool_kind other = server->role == SERVER_PREFILL ? POOL_DECODE : POOL_PREFILL;
    return &pools[other].servers[server - server->pool->servers];
}

/* --- what is looked at --- */

/* One that prefills, for all prompts that servers have, by what prompts have taken so far. */
static double backlog_seconds(const struct pool *prefill)
{
    double busy = 0.0, computed = 0.0, pending = 0.0;
    for (uint32_t i = 0; i < prefill->server_count; i++) {
        const struct server *server = &prefill->servers[i];
        busy += server->totals.busy_seconds;
        computed += (double)server->totals.prompt_tokens;
        pending += (double)server->view.pending_tokens;
    }
    return computed > 0.0 ? pending * busy / computed : 0.0;
}

/* Those who wait for room are taken to want as much as those who have it. */
static double wanted_pages(const struct server *server)
{
    const struct batch_view *view = &server->view;
    double held = (double)kv_cache_held(&view->kv), who = view->running_count + view->incoming;
    return who > 0.0 ? held * (who + view->waiting.count) / who : 0.0;
}

static void look(struct fleet *fleet)
{
    const struct pool *prefill = &fleet->pools[POOL_PREFILL], *decode = &fleet->pools[POOL_DECODE];
    struct phase_loads *sums = &fleet->switching.sums;
    double waiting = 0.0, held = 0.0, wanted = 0.0, pages = (double)decode->kv_pages;
    for (uint32_t i = 0; i < prefill->server_count; i++) {
        const struct server *server = &prefill->servers[i];
        waiting += scaling_serves(server) ? server->view.waiting.count : 0.0;
    }
    for (uint32_t i = 0; i < decode->server_count; i++) {
        const struct server *server = &decode->servers[i];
        held += scaling_serves(server) ? (double)kv_cache_held(&server->view.kv) : 0.0;
        wanted += wanted_pages(server);
    }
    sums->waiting += waiting / scaling_count(prefill, STANDING_UP);
    sums->backlog_seconds += backlog_seconds(prefill);
    sums->cache_share += held / (pages * scaling_count(decode, STANDING_UP));
    sums->cache_wanted += wanted / pages;
    fleet->switching.looks++;
}

static void begin_looks(struct fleet *fleet)
{
    fleet->switching.sums = (struct phase_loads){0};
    fleet->switching.looks = 0;
    fleet->switching.since_seconds = engine_clock();
}

/* --- a move --- */

bool switching_has_room(struct server *to, uint64_t pages, uint64_t taken_over)
{
    if (!fleet_shares_gpus(to->fleet) || kv_cache_held(&to->view.kv) == 0) {
        return true;
    }
    uint64_t beside = kv_cache_held(&other_half(to)->view.kv) - taken_over;
    return kv_cache_held(&to->view.kv) + beside + pages <= to->pool->kv_pages;
}

static void hand_on(struct server *from, struct server *to, uint32_t id)
{
    struct request *requests = from->fleet->requests->all;
    queue_remove(&from->view.waiting, requests, id);
    batch_set_pending(&from->view, &requests[id], 0);
    router_count(from, -1);
    requests[id].replica = to->index;
    server_submit(to, id);
}

/* Requests whose prompts these GPUs computed and which wait for room elsewhere come here. */
static void take_over(struct server *decoder)
{
    const struct request *requests = decoder->fleet->requests->all;
    uint32_t home = other_half(decoder)->index;
    for (uint32_t i = 0; i < decoder->pool->server_count; i++) {
        struct server *server = &decoder->pool->servers[i];
        uint32_t next;
        for (uint32_t id = server->view.waiting.first; id != REQUEST_NONE; id = next) {
            next = requests[id].next;
            if (server != decoder && requests[id].home == home && requests[id].leaving == 0) {
                hand_on(server, decoder, id);
            }
        }
    }
}

/* Of prompts that wait at others, each so many-th of those not begun comes here: an even share. */
static void share_queues(struct server *opened)
{
    const struct request *requests = opened->fleet->requests->all;
    uint32_t servers = scaling_count(opened->pool, STANDING_UP);
    for (uint32_t i = 0; i < opened->pool->server_count; i++) {
        struct server *server = &opened->pool->servers[i];
        uint32_t next, place = 0;
        bool shares = server != opened && server->scaling.standing == STANDING_UP;
        for (uint32_t id = server->view.waiting.first; shares && id != REQUEST_NONE; id = next) {
            const struct request *request = &requests[id];
            next = request->next;
            bool begun = request->computed_tokens > 0 || request->leaving != 0;
            if (!begun && ++place % servers == 0) {
                hand_on(server, opened, id);
            }
        }
    }
}

static void open_main(void *data)
{
    struct server *opening = data;
    struct fleet *fleet = opening->fleet;
    actor_sleep(says_of(fleet)->switch_seconds);
    fleet->switching.moves++;
    fleet->switching.move_seconds += engine_clock() - other_half(opening)->scaling.leaves_seconds;
    scaling_stand_up(opening);
    if (opening->role == SERVER_DECODE) {
        take_over(opening);
        return;
    }
    if (kv_cache_held(&opening->view.kv) == 0) {
        kv_cache_clear(&opening->view.kv); /* others have used the memory */
    }
    share_queues(opening);
}

static void close_idle(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        struct server *server = &fleet->servers[i];
        if (server->scaling.standing == STANDING_LEAVING && server->outstanding == 0 &&
            server->updating == 0) {
            scaling_let_go(server);
            scaling_hold(other_half(server));
            actor_start(fleet->engine, server->first_gpu, open_main, other_half(server), true);
        }
    }
}

/* One of `from` goes over to `to`: one that is about to come from there stays, else the one with
 * fewest requests goes. */
static void move(struct pool *from, struct pool *to)
{
    struct server *coming = scaling_calmest(to, STANDING_LEAVING, false);
    struct server *leaving = scaling_calmest(from, STANDING_UP, true);
    if (coming != NULL) {
        scaling_set_standing(coming, STANDING_UP);
    } else if (leaving != NULL && scaling_count(from, STANDING_UP) > 1) {
        scaling_set_standing(leaving, STANDING_LEAVING);
        leaving->scaling.leaves_seconds = engine_clock();
    }
}

static void decide(struct fleet *fleet)
{
    const struct phase_switching *says = says_of(fleet);
    const struct fleet_switching *switching = &fleet->switching;
    struct pool *prefill = &fleet->pools[POOL_PREFILL], *decode = &fleet->pools[POOL_DECODE];
    struct phase_loads loads = {
        .waiting = switching->sums.waiting / switching->looks,
        .backlog_seconds = switching->sums.backlog_seconds / switching->looks,
        .cache_share = switching->sums.cache_share / switching->looks,
        .cache_wanted = switching->sums.cache_wanted / switching->looks,
    };
    uint32_t to_prefill = scaling_count(decode, STANDING_LEAVING);
    uint32_t to_decode = scaling_count(prefill, STANDING_LEAVING);
    uint32_t opening = scaling_count(prefill, STANDING_STARTING);
    struct phase_counts counts = {
        .prefill = scaling_count(prefill, STANDING_UP) + opening + to_prefill,
        .moving = to_prefill + to_decode + opening + scaling_count(decode, STANDING_STARTING),
    };
    counts.decode = prefill->server_count - counts.prefill;
    uint32_t all = prefill->server_count;
    uint32_t wanted = switching_policies[says->policy]->prefill(says, &loads, &counts);
    wanted = wanted < says->least ? says->least : wanted;
    wanted = wanted > all - says->least ? all - says->least : wanted;
    for (uint32_t have = counts.prefill; have < wanted; have++) {
        move(decode, prefill);
    }
    for (uint32_t have = counts.prefill; have > wanted; have--) {
        move(prefill, decode);
    }
}

/* --- the run --- */

static void look_main(void *data)
{
    struct fleet *fleet = data;
    const struct phase_switching *says = says_of(fleet);
    begin_looks(fleet);
    for (;;) {
        actor_sleep(says->look_seconds);
        look(fleet);
        if (engine_clock() - fleet->switching.since_seconds >= says->interval_seconds) {
            decide(fleet);
            begin_looks(fleet);
        }
        close_idle(fleet);
    }
}

void switching_create(struct fleet *fleet)
{
    uint32_t prefill = fleet->serving->service.prefill_replicas;
    for (uint32_t i = 0; fleet_shares_gpus(fleet) && i < fleet->pools[0].server_count; i++) {
        scaling_shut(&fleet->pools[i < prefill ? POOL_DECODE : POOL_PREFILL].servers[i]);
    }
}

void switching_start(struct fleet *fleet)
{
    if (fleet_shares_gpus(fleet)) {
        actor_start(fleet->engine, 0, look_main, fleet, true);
    }
}
