/* SPDX-License-Identifier: MIT
 * Routers. None sends to a replica that is down unless all are. */
#include "sim/serving/replica/router.h"

#include "sim/serving/replica/fleet.h"

static bool is_up(const struct server *server)
{
    return server->down == 0 && scaling_serves(server);
}

static const struct router_policy *policy_of(const struct pool *pool)
{
    return router_policies[pool->scenario->serving.service.router];
}

/* --- what routers go by --- */

void router_open(struct pool *pool, struct arena *arena)
{
    if (policy_of(pool)->key != NULL) {
        tournament_open(&pool->lightest, ARENA_ARRAY(arena, uint64_t, pool->server_count),
                        ARENA_ARRAY(arena, uint32_t, pool->server_count), pool->server_count);
    }
}

static void note(struct server *server)
{
    struct pool *pool = server->pool;
    const struct router_policy *policy = policy_of(pool);
    if (policy->key != NULL) {
        tournament_set(&pool->lightest, (uint32_t)(server - pool->servers), policy->key(server));
    }
}

/* Of tenants on the same GPUs routers see all. */
void router_count(struct server *server, int32_t change)
{
    server->outstanding += (uint32_t)change;
    note(server);
    for (uint32_t i = 0; server->seat != NULL && i < server->seat->count; i++) {
        note(server->seat->members[i].server);
    }
    if (server->seat != NULL) {
        seat_count(server, change);
    }
}

uint32_t router_down(struct server *server, int32_t change)
{
    server->down += (uint32_t)change;
    note(server);
    return server->down;
}

uint32_t router_choose(struct fleet *fleet, struct pool *pool, const struct request *request)
{
    return pool->servers[policy_of(pool)->choose(fleet, pool, request)].index;
}

/* --- policies --- */

static uint32_t choose_round_robin(struct fleet *fleet, struct pool *pool,
                                   const struct request *request)
{
    (void)request;
    uint32_t *turn = &fleet->turns[pool->index];
    for (uint32_t i = 0; i < pool->server_count; i++) {
        uint32_t server = (*turn)++ % pool->server_count;
        if (is_up(&pool->servers[server])) {
            return server;
        }
    }
    return 0;
}

/* Who is down is behind all others. */
static uint64_t key_outstanding(const struct server *server)
{
    uint64_t unfinished = server->seat != NULL ? seat_load(server->seat) : server->outstanding;
    return is_up(server) ? unfinished : UINT64_MAX;
}

static uint32_t choose_lightest(struct fleet *fleet, struct pool *pool,
                                const struct request *request)
{
    (void)fleet;
    (void)request;
    return tournament_least(&pool->lightest);
}

/* The one that has the fewest tokens to compute before this prompt is done: those of the prompts
 * that it has, and of this one what it has not cached. */
static uint32_t choose_prefix_aware(struct fleet *fleet, struct pool *pool,
                                    const struct request *request)
{
    (void)fleet;
    uint32_t best = 0;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < pool->server_count; i++) {
        struct server *server = &pool->servers[i];
        uint64_t tokens = server->view.pending_tokens + request_target(request) -
                          batch_cached(&server->view, request);
        bool calmer = server->outstanding < pool->servers[best].outstanding;
        if (is_up(server) && (tokens < least || (tokens == least && calmer))) {
            best = i;
            least = tokens;
        }
    }
    return best;
}

const struct router_policy router_round_robin = {.choose = choose_round_robin};
const struct router_policy router_least_outstanding = {.choose = choose_lightest,
                                                       .key = key_outstanding};
const struct router_policy router_prefix_aware = {.choose = choose_prefix_aware};

const struct router_policy *const router_policies[ROUTER_KIND_COUNT] = {ROUTERS(ROW_OBJECT)};
