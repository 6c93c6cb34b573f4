/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/scaling.h"

#include "models/layout/cold_start.h"
#include "sim/serving/replica/fleet.h"
#include "sim/serving/replica/router.h"

#include <math.h>

enum { LOADING_WAKE = 1 };

static const struct replica_scaling *scaling_of(const struct fleet *fleet)
{
    return &fleet->serving->service.scaling;
}

bool scaling_serves(const struct server *server)
{
    return server->scaling.standing == STANDING_UP;
}

double scaling_off_seconds(const struct server *server, double end_seconds)
{
    bool off = server->scaling.standing == STANDING_OFF;
    return server->scaling.off_seconds +
           (off ? fmax(0.0, end_seconds - server->scaling.since_seconds) : 0.0);
}

/* --- one that starts --- */

static void tell_others(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        signal_wake(&fleet->servers[i].scaling.loading, LOADING_WAKE);
    }
}

/* All that start share the storage; who begins or ends changes the others' rate. */
static void load_weights(struct server *server)
{
    struct fleet *fleet = server->fleet;
    const struct pool *pool = server->pool;
    double bytes = pool->memory.weight_bytes * pool->gpus_per_server;
    fleet->scaling.loading++;
    tell_others(fleet);
    while (bytes > 0.0) {
        double begin = engine_clock();
        double rate = cold_start_rate(&pool->scenario->cluster, pool->gpus_per_server,
                                      fleet->scaling.loading);
        bool changed = signal_wait_until(&server->scaling.loading, LOADING_WAKE, bytes / rate);
        bytes = changed ? bytes - rate * (engine_clock() - begin) : 0.0;
    }
    fleet->scaling.loading--;
    tell_others(fleet);
}

void scaling_stand_up(struct server *server)
{
    server->scaling.standing = STANDING_UP;
    router_down(server, -1);
    server_wake(server);
    source_wake(server->fleet->source);
}

void scaling_hold(struct server *server)
{
    const struct fleet_listener *listener = &server->fleet->listener;
    double now = engine_clock();
    server->scaling.off_seconds += now - server->scaling.since_seconds;
    listener->off(listener->data, server, server->scaling.since_seconds, now);
    server->scaling.since_seconds = now;
    server->scaling.standing = STANDING_STARTING;
}

static void start_main(void *data)
{
    struct server *server = data;
    struct fleet *fleet = server->fleet;
    actor_sleep(scaling_of(fleet)->start_seconds);
    load_weights(server);
    fleet->scaling.starts++;
    fleet->scaling.start_seconds += engine_clock() - server->scaling.since_seconds;
    scaling_stand_up(server);
}

static void start(struct server *server)
{
    scaling_hold(server);
    actor_start(server->fleet->engine, server->first_gpu, start_main, server, true);
}

/* --- one that goes --- */

void scaling_set_standing(struct server *server, enum standing standing)
{
    server->scaling.standing = standing;
    router_count(server, 0);
}

void scaling_let_go(struct server *server)
{
    server->scaling.standing = STANDING_OFF;
    server->scaling.since_seconds = engine_clock();
    router_down(server, 1);
}

void scaling_close(struct server *server, bool keeps_cache)
{
    scaling_let_go(server);
    server->epoch++;
    if (!keeps_cache) {
        kv_cache_clear(&server->view.kv);
    }
    batch_fail(&server->view);
    adapter_store_clear(&server->adapters);
    tiers_fail(server);
}

/* --- how many --- */

uint32_t scaling_count(const struct pool *pool, enum standing standing)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < pool->server_count; i++) {
        number += pool->servers[i].scaling.standing == standing;
    }
    return number;
}

static uint32_t wanted(const struct fleet *fleet)
{
    const struct replica_scaling *says = scaling_of(fleet);
    double requests = 0.0;
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        requests += fleet->servers[i].outstanding;
    }
    double replicas = ceil(requests / says->target);
    return (uint32_t)fmin(fmax(replicas, says->least), fleet->server_count);
}

struct server *scaling_calmest(struct pool *pool, enum standing standing, bool last)
{
    struct server *best = NULL;
    for (uint32_t i = 0; i < pool->server_count; i++) {
        struct server *server = &pool->servers[i];
        if (server->scaling.standing == standing &&
            (best == NULL || server->outstanding < best->outstanding ||
             (last && server->outstanding == best->outstanding))) {
            best = server;
        }
    }
    return best;
}

/* One that is about to go stays; otherwise one starts. */
static void add_one(struct fleet *fleet)
{
    struct server *leaving = scaling_calmest(&fleet->pools[0], STANDING_LEAVING, false);
    struct server *off = scaling_calmest(&fleet->pools[0], STANDING_OFF, false);
    if (leaving != NULL) {
        scaling_set_standing(leaving, STANDING_UP);
    } else if (off != NULL) {
        start(off);
    }
}

/* Whether it has been so for long enough; `*since` is kept. */
static bool has_been(bool so, double seconds, double *since)
{
    double now = engine_clock();
    *since = !so ? -1.0 : *since < 0.0 ? now : *since;
    return so && now - *since >= seconds;
}

static void look(struct fleet *fleet)
{
    struct fleet_scaling *scaling = &fleet->scaling;
    const struct replica_scaling *says = scaling_of(fleet);
    uint32_t up = scaling_count(&fleet->pools[0], STANDING_UP), want = wanted(fleet);
    uint32_t there = up + scaling_count(&fleet->pools[0], STANDING_STARTING);
    bool more = has_been(want > there, says->up_seconds, &scaling->up_since_seconds);
    bool fewer = has_been(want < there, says->down_seconds, &scaling->down_since_seconds);
    for (; more && there < want; there++) {
        add_one(fleet);
    }
    for (; fewer && there > want && up > 0; there--, up--) {
        scaling_set_standing(scaling_calmest(&fleet->pools[0], STANDING_UP, true),
                             STANDING_LEAVING);
    }
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        struct server *server = &fleet->servers[i];
        if (server->scaling.standing == STANDING_LEAVING && server->outstanding == 0 &&
            server->updating == 0 && server->down == 0) {
            scaling_close(server, false);
        }
    }
}

static void look_main(void *data)
{
    struct fleet *fleet = data;
    for (;;) {
        actor_sleep(scaling_of(fleet)->look_seconds);
        look(fleet);
    }
}

uint32_t scaling_waits_at(struct fleet *fleet)
{
    if (scaling_of(fleet)->target <= 0.0 || scaling_count(&fleet->pools[0], STANDING_UP) > 0) {
        return UINT32_MAX;
    }
    if (scaling_count(&fleet->pools[0], STANDING_STARTING) == 0) {
        add_one(fleet);
    }
    const struct server *server = scaling_calmest(&fleet->pools[0], STANDING_STARTING, false);
    return server != NULL ? server->index : UINT32_MAX; /* one that was about to go stays */
}

/* --- the run --- */

void scaling_shut(struct server *server)
{
    server->scaling.standing = STANDING_OFF;
    router_down(server, 1);
}

void scaling_create(struct fleet *fleet)
{
    const struct replica_scaling *says = scaling_of(fleet);
    fleet->scaling.up_since_seconds = fleet->scaling.down_since_seconds = -1.0;
    for (uint32_t i = says->least; says->target > 0.0 && i < fleet->server_count; i++) {
        scaling_shut(&fleet->servers[i]);
    }
}

void scaling_start(struct fleet *fleet)
{
    if (scaling_of(fleet)->target > 0.0) {
        for (uint32_t i = 0; i < fleet->server_count; i++) {
            signal_init(&fleet->servers[i].scaling.loading);
        }
        actor_start(fleet->engine, 0, look_main, fleet, true);
    }
}

void scaling_destroy(struct fleet *fleet)
{
    for (uint32_t i = 0; scaling_of(fleet)->target > 0.0 && i < fleet->server_count; i++) {
        signal_destroy(&fleet->servers[i].scaling.loading);
    }
}
