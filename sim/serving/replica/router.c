/* SPDX-License-Identifier: MIT
 * Routers. None sends to a replica that is down unless all are. */
#include "sim/serving/serving.h"

static bool is_up(const struct serving_run *run, uint32_t server)
{
    return run->servers[server].down == 0;
}

static uint32_t choose_round_robin(struct serving_run *run, const struct request *request,
                                   uint32_t first, uint32_t count)
{
    (void)request;
    uint32_t *turn = &run->turns[first > 0];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t server = first + (*turn)++ % count;
        if (is_up(run, server)) {
            return server;
        }
    }
    return first;
}

static uint32_t choose_least_outstanding(struct serving_run *run, const struct request *request,
                                         uint32_t first, uint32_t count)
{
    (void)request;
    uint32_t best = first;
    for (uint32_t server = first + 1; server < first + count; server++) {
        bool better = run->servers[server].outstanding < run->servers[best].outstanding;
        if (is_up(run, server) && (better || !is_up(run, best))) {
            best = server;
        }
    }
    return best;
}

/* The one that has the fewest tokens to compute before this prompt is done: those of the prompts
 * that it has, and of this one what it has not cached. */
static uint32_t choose_prefix_aware(struct serving_run *run, const struct request *request,
                                    uint32_t first, uint32_t count)
{
    uint32_t best = first;
    uint64_t least = UINT64_MAX;
    for (uint32_t index = first; index < first + count; index++) {
        struct server *server = &run->servers[index];
        uint64_t tokens =
            server->pending_tokens + request_target(request) - kv_cache_match(&server->kv, request);
        bool calmer = server->outstanding < run->servers[best].outstanding;
        if (is_up(run, index) && (tokens < least || (tokens == least && calmer))) {
            best = index;
            least = tokens;
        }
    }
    return best;
}

const struct router_policy router_round_robin = {
    .name = "round-robin", .doc = "Each in turn.", .choose = choose_round_robin};
const struct router_policy router_least_outstanding = {
    .name = "least-outstanding",
    .doc = "The one with the fewest unfinished requests.",
    .choose = choose_least_outstanding};
const struct router_policy router_prefix_aware = {
    .name = "prefix-aware",
    .doc = "The one with the fewest tokens to compute, what is cached left out.",
    .choose = choose_prefix_aware};
