/* SPDX-License-Identifier: MIT
 * Routers. None sends to a replica that is down unless all are. */
#include "sim/serving/replica/router.h"

#include "sim/serving/replica/fleet.h"

static bool is_up(const struct fleet *fleet, uint32_t server)
{
    return fleet->servers[server].down == 0 && scaling_serves(&fleet->servers[server]);
}

static uint32_t choose_round_robin(struct fleet *fleet, const struct request *request,
                                   uint32_t first, uint32_t count)
{
    (void)request;
    uint32_t *turn = &fleet->turns[first > 0];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t server = first + (*turn)++ % count;
        if (is_up(fleet, server)) {
            return server;
        }
    }
    return first;
}

static uint32_t choose_least_outstanding(struct fleet *fleet, const struct request *request,
                                         uint32_t first, uint32_t count)
{
    (void)request;
    uint32_t best = first;
    for (uint32_t server = first + 1; server < first + count; server++) {
        bool better = fleet->servers[server].outstanding < fleet->servers[best].outstanding;
        if (is_up(fleet, server) && (better || !is_up(fleet, best))) {
            best = server;
        }
    }
    return best;
}

/* The one that has the fewest tokens to compute before this prompt is done: those of the prompts
 * that it has, and of this one what it has not cached. */
static uint32_t choose_prefix_aware(struct fleet *fleet, const struct request *request,
                                    uint32_t first, uint32_t count)
{
    uint32_t best = first;
    uint64_t least = UINT64_MAX;
    for (uint32_t index = first; index < first + count; index++) {
        struct server *server = &fleet->servers[index];
        uint64_t tokens = server->view.pending_tokens + request_target(request) -
                          batch_cached(&server->view, request);
        bool calmer = server->outstanding < fleet->servers[best].outstanding;
        if (is_up(fleet, index) && (tokens < least || (tokens == least && calmer))) {
            best = index;
            least = tokens;
        }
    }
    return best;
}

const struct router_policy router_round_robin = {.choose = choose_round_robin};
const struct router_policy router_least_outstanding = {.choose = choose_least_outstanding};
const struct router_policy router_prefix_aware = {.choose = choose_prefix_aware};

const struct router_policy *const router_policies[ROUTER_KIND_COUNT] = {ROUTERS(ROW_OBJECT)};
