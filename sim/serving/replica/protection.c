/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/protection.h"

#include "models/machine/host_link.h"
#include "sim/serving/replica/fleet.h"

#include <math.h>

static const struct protection *protection_of(const struct server *server)
{
    return &server->pool->scenario->serving.service.protection;
}

static struct protection_links links_of(const struct pool *pool)
{
    const struct scenario *scenario = pool->scenario;
    return (struct protection_links){
        .gpus = pool->gpus_per_server,
        .host_bytes_per_second = host_link_rate(&scenario->cluster, 1, false),
        .hosts_bytes_per_second = host_links_rate(&scenario->cluster, pool->gpus_per_server, false),
        .node_bytes_per_second = scenario->cluster.node_bytes_per_second,
        .memory_bytes_per_second =
            scenario->gpu.memory_bytes_per_second * scenario->gpu.memory_efficiency,
    };
}

/* Of one GPU. */
static double shard_bytes(const struct pool *pool, uint64_t tokens)
{
    return pool->kv_bytes_per_token *
           (double)context_cached_tokens(tokens, pool->scenario->layout.context);
}

double protection_chunk_seconds(const struct fleet *fleet)
{
    const struct pool *pool = &fleet->pools[0];
    const struct protection *protection = &pool->scenario->serving.service.protection;
    struct protection_links links = links_of(pool);
    return protection_keep_seconds(protection, &links, shard_bytes(pool, protection->chunk_tokens));
}

static uint32_t look_up(void *data, uint32_t id, uint32_t cached)
{
    const struct server *server = data;
    uint32_t safe = batch_request(&server->view, id)->safe_tokens;
    return safe > cached ? safe - cached : 0;
}

static void load(void *data, uint32_t id, uint32_t cached, uint32_t tokens)
{
    struct server *server = data;
    struct fleet *fleet = server->fleet;
    struct protection_links links = links_of(server->pool);
    double bytes = shard_bytes(server->pool, tokens);
    double seconds = protection_recover_seconds(protection_of(server), &links, bytes);
    const struct host_copy copy = {
        .way = HOST_IN, .gpus = 1, .bytes = bytes, .begin_seconds = server->host_free_seconds};
    double beside = seconds - bytes / links.host_bytes_per_second;
    (void)cached;
    batch_request(&server->view, id)->safe_tokens = 0;
    fleet->recovered++;
    fleet->recovered_tokens += tokens;
    fleet->recovery_seconds += seconds;
    server->host_free_seconds = engine_clock() + host_memory_copy(server, &copy) + beside;
    tiers_load(server, id, server->host_free_seconds);
}

/* What a step under way computes is not in the cache yet: of a prompt as much as a step has, of an
 * answer one token. */
static uint64_t landed_tokens(const struct server *server, const struct request *request)
{
    uint64_t step = request->in_prompt || request->generated_tokens == 0
                        ? server->pool->scenario->serving.service.max_batched_tokens
                        : 1;
    return request->computed_tokens > step ? request->computed_tokens - step : 0;
}

uint64_t protection_safe(const struct server *server, uint32_t id)
{
    const struct request *request = batch_request(&server->view, id);
    return request->leaving != 0
               ? 0
               : protection_safe_tokens(protection_of(server), landed_tokens(server, request));
}

void protection_create(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        struct server *server = &fleet->servers[i];
        if (protection_of(server)->kind != PROTECTION_NONE) {
            server->view.hooks.look_up = look_up;
            server->view.hooks.load = load;
        }
    }
}
