/* SPDX-License-Identifier: MIT */
#include "sim/serving/faults/faults.h"

#include "models/numeric/whole.h"
#include "sim/serving/replica/router.h"

#include <math.h>
#include <stdlib.h>

/* How long a fault waits for a server that is between two states to settle. */
#define SETTLE_SECONDS 1e-9

struct fault_actor {
    struct faults *faults;
    struct fault fault;
    struct random_stream random;
};

const char *fault_name(enum fault_kind kind)
{
    static const char *const names[FAULT_KIND_COUNT] = {[FAULT_REPLICA] = "replica",
                                                        [FAULT_NODE] = "node",
                                                        [FAULT_SLOW] = "slow",
                                                        [FAULT_GPU] = "gpu",
                                                        [FAULT_NIC] = "nic",
                                                        [FAULT_CARD] = "card",
                                                        [FAULT_CARD_DOWN] = "card-down",
                                                        [FAULT_GPU_DOWN] = "gpu-down"};
    return names[kind];
}

static bool is_of_gpu(enum fault_kind kind)
{
    return kind == FAULT_GPU || kind == FAULT_CARD || kind == FAULT_CARD_DOWN ||
           kind == FAULT_GPU_DOWN;
}

uint32_t fault_target(const struct fault *fault)
{
    bool of_gpu = is_of_gpu(fault->kind);
    return fault->kind == FAULT_NODE ? fault->node : of_gpu ? fault->gpu : fault->replica;
}

/* --- whom it strikes --- */

/* GPUs [first, end) of the platform. */
struct gpu_range {
    uint32_t first, end;
};

/* Of the replica that a server is, or is a rank of: all that share experts stand and fall
 * together. */
static struct gpu_range replica_gpus(const struct server *server)
{
    const struct pool *pool = server->pool;
    uint32_t place = (uint32_t)(server - pool->servers);
    uint32_t gpus = pool->gpus_per_server * pool_ranks(pool);
    uint32_t first = pool->first_gpu + place / pool_ranks(pool) * gpus;
    return (struct gpu_range){first, first + gpus};
}

static uint32_t node_of(const struct server *server, uint32_t gpu)
{
    return placement_node(&server->pool->placement, gpu);
}

static bool spans_nodes(const struct server *server)
{
    struct gpu_range gpus = replica_gpus(server);
    return node_of(server, gpus.first) != node_of(server, gpus.end - 1);
}

static bool has_gpu_on(const struct server *server, uint32_t node)
{
    struct gpu_range gpus = replica_gpus(server);
    return node_of(server, gpus.first) <= node && node <= node_of(server, gpus.end - 1);
}

/* Whether a GPU of the server itself is struck, not of others that share its experts. */
static bool is_own(const struct server *server, uint32_t gpu)
{
    const struct pool *pool = server->pool;
    struct gpu_range gpus = replica_gpus(server);
    if (gpu < gpus.first || gpu >= gpus.end) {
        return false;
    }
    struct rank_role role = placement_role(&pool->placement, gpu - pool->first_gpu);
    return role.attention_rank == (uint32_t)(server - pool->servers) % pool_ranks(pool);
}

static bool is_struck(const struct fleet *fleet, const struct server *server,
                      const struct fault *fault)
{
    struct gpu_range gpus = replica_gpus(server);
    bool own_replica = gpus.first <= fault->gpu && fault->gpu < gpus.end;
    switch (fault->kind) {
    case FAULT_NODE:
        return has_gpu_on(server, fault->node);
    case FAULT_GPU:
        return is_own(server, fault->gpu);
    case FAULT_CARD:
    case FAULT_GPU_DOWN:
        return own_replica;
    case FAULT_CARD_DOWN:
        return own_replica && (spans_nodes(server) || server->role != SERVER_WHOLE);
    case FAULT_REPLICA:
    case FAULT_SLOW:
    case FAULT_NIC:
    case FAULT_KIND_COUNT:
        break;
    }
    return fault->replica == fleet_replica_of(fleet, server);
}

/* --- what it does --- */

static void fail(struct server *server, bool keeps)
{
    while (server->updating > 0) {
        actor_sleep(SETTLE_SECONDS);
    }
    if (router_down(server, 1) == 1) {
        server->down_since_seconds = engine_clock();
        server_fail(server, keeps);
        source_wake(server->fleet->source);
    }
}

static void repair(struct server *server)
{
    if (router_down(server, -1) == 0) {
        server->totals.down_seconds += engine_clock() - server->down_since_seconds;
        server_wake(server);
    }
}

/* A GPU slows its stage, a replica all of its stages. */
static void slow(struct server *server, const struct fault *fault, double factor)
{
    const struct placement *placement = &server->pool->placement;
    uint32_t rank = fault->kind == FAULT_GPU ? fault->gpu - server->pool->first_gpu : 0;
    uint32_t struck = placement_coordinate(placement, rank, DIMENSION_PIPELINE);
    for (uint32_t stage = 0; stage < placement->size[DIMENSION_PIPELINE]; stage++) {
        if (fault->kind == FAULT_SLOW || stage == struck) {
            server->slowness[stage] *= factor;
        }
    }
}

/* Its flows carry a share of the cards' rate, and so does what its steps send between nodes. */
static void weaken(struct server *server, double share)
{
    server->nic_share = share;
    if (spans_nodes(server)) {
        server->stage_costs = fleet_costs(server->fleet, server->pool, share);
    }
}

static void begin(struct server *server, const struct fault *fault, double *before)
{
    if (fault->kind == FAULT_SLOW || fault->kind == FAULT_GPU) {
        slow(server, fault, fault->factor);
    } else if (fault->kind == FAULT_NIC || fault->kind == FAULT_CARD) {
        *before = server->nic_share;
        weaken(server, fmin(*before, fault->factor));
    } else {
        fail(server, fault->kind == FAULT_GPU_DOWN);
    }
}

static void end(struct server *server, const struct fault *fault, double before)
{
    if (fault->kind == FAULT_SLOW || fault->kind == FAULT_GPU) {
        slow(server, fault, 1.0 / fault->factor);
    } else if (fault->kind == FAULT_NIC || fault->kind == FAULT_CARD) {
        weaken(server, before);
    } else {
        repair(server);
    }
}

static struct struck_fault *note(const struct fault_actor *actor, double start_seconds)
{
    struct faults *faults = actor->faults;
    struct struck_fault *struck = ARENA_NEW(faults->fleet->arena, struct struck_fault);
    *struck = (struct struck_fault){.fault = actor->fault, .start_seconds = start_seconds};
    if (faults->last == NULL) {
        faults->first = struck;
    } else {
        faults->last->next = struck;
    }
    faults->last = struck;
    faults->counts[actor->fault.kind]++;
    return struck;
}

/* Ranks of a replica follow each other: it counts once. */
static void count_replica(struct struck_fault *struck, const struct server *server, uint32_t *last)
{
    uint32_t replica = fleet_replica_of(server->fleet, server);
    struck->replicas += replica != *last;
    *last = replica;
}

static void strike(struct fault_actor *actor)
{
    struct fleet *fleet = actor->faults->fleet;
    struct struck_fault *struck = note(actor, engine_clock());
    double *before = ARENA_ARRAY(fleet->arena, double, fleet->server_count);
    uint32_t last = UINT32_MAX;
    uint64_t dropped = fleet->retries + fleet->lost;
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        if (is_struck(fleet, &fleet->servers[i], &actor->fault)) {
            begin(&fleet->servers[i], &actor->fault, &before[i]);
            count_replica(struck, &fleet->servers[i], &last);
        }
    }
    struck->requests = fleet->retries + fleet->lost - dropped;
    actor_sleep(actor->fault.duration_seconds);
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        if (is_struck(fleet, &fleet->servers[i], &actor->fault)) {
            end(&fleet->servers[i], &actor->fault, before[i]);
        }
    }
}

static void fault_main(void *data)
{
    struct fault_actor *actor = data;
    actor_sleep(actor->fault.at_seconds);
    strike(actor);
}

/* --- by chance --- */

static double draw_gap(struct fault_actor *actor)
{
    return random_exponential(&actor->random,
                              actor->faults->fleet->serving->random_faults.mean_between_seconds);
}

/* Until when nobody is served and nobody comes; no time at all while somebody is. */
static double quiet_until(const struct fleet *fleet)
{
    const struct source *source = fleet->source;
    bool quiet = source->heap_count > 0 &&
                 fleet->requests->count - fleet->requests->finished == source->heap_count;
    return quiet ? source->heap[0].seconds : -(double)INFINITY;
}

/* Whether no replica is struck by two targets, whose faults may overlap. */
static bool strikes_alone(const struct fleet *fleet, enum fault_kind kind)
{
    bool alone = true;
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        struct gpu_range gpus = replica_gpus(&fleet->servers[i]);
        alone =
            alone &&
            ((kind != FAULT_CARD_DOWN && kind != FAULT_GPU_DOWN) || gpus.end - gpus.first == 1) &&
            (kind != FAULT_NODE || !spans_nodes(&fleet->servers[i]));
    }
    return alone;
}

/* A fault of the quiet time that another of the same target follows before anybody comes: nothing
 * is left of it but the time that replicas were down, and its row. */
static void note_unplayed(struct fault_actor *actor, double start_seconds)
{
    struct fleet *fleet = actor->faults->fleet;
    struct struck_fault *struck = note(actor, start_seconds);
    uint32_t last = UINT32_MAX;
    bool downs = actor->fault.kind == FAULT_REPLICA || actor->fault.kind == FAULT_NODE ||
                 actor->fault.kind == FAULT_CARD_DOWN || actor->fault.kind == FAULT_GPU_DOWN;
    for (uint32_t i = 0; i < fleet->server_count; i++) {
        if (is_struck(fleet, &fleet->servers[i], &actor->fault)) {
            count_replica(struck, &fleet->servers[i], &last);
            fleet->servers[i].totals.down_seconds += downs ? actor->fault.duration_seconds : 0.0;
        }
    }
}

/* Whether so many have struck, somebody being served or waiting each time, since a request last
 * ended, that none ever will: the run is over. */
static bool end_nothing(struct faults *faults)
{
    enum { MOST = 100000 };
    const struct fleet *fleet = faults->fleet;
    if (fleet->requests->finished != faults->finished || quiet_until(fleet) > 0.0) {
        faults->finished = fleet->requests->finished;
        faults->in_vain = 0;
    }
    faults->hopeless = ++faults->in_vain > MOST;
    if (faults->hopeless) {
        fleet->source->closed = true;
        source_wake(fleet->source);
    }
    return faults->hopeless;
}

static void chance_main(void *data)
{
    struct fault_actor *actor = data;
    const struct fleet *fleet = actor->faults->fleet;
    double repair = actor->fault.duration_seconds, wait = draw_gap(actor);
    bool alone = strikes_alone(fleet, actor->fault.kind);
    while (!end_nothing(actor->faults)) {
        double next = draw_gap(actor), until = quiet_until(fleet);
        while (alone && engine_clock() + wait + repair + next + repair < until) {
            note_unplayed(actor, engine_clock() + wait);
            wait += repair + next;
            next = draw_gap(actor);
        }
        actor_sleep(wait);
        strike(actor);
        wait = next;
    }
}

static int by_start(const void *left, const void *right)
{
    const struct struck_fault *a = *(const struct struck_fault *const *)left;
    const struct struck_fault *b = *(const struct struck_fault *const *)right;
    if (a->start_seconds < b->start_seconds || a->start_seconds > b->start_seconds) {
        return a->start_seconds < b->start_seconds ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

void faults_sort(struct faults *faults)
{
    uint64_t count = 0;
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        count += faults->counts[kind];
    }
    struct struck_fault **order =
        ARENA_ARRAY(faults->fleet->arena, struct struck_fault *, count + 1);
    count = 0;
    for (struct struck_fault *fault = faults->first; fault != NULL; fault = fault->next) {
        fault->number = count;
        order[count++] = fault;
    }
    qsort(order, count, sizeof *order, by_start);
    struct struck_fault **last = &faults->first;
    for (uint64_t i = 0; i < count; i++) {
        *last = order[i];
        last = &order[i]->next;
    }
    *last = NULL;
}

/* Each target has a stream of its own: more of them change nothing for those there were. */
static void start_by_chance(struct faults *struck)
{
    struct fleet *fleet = struck->fleet;
    const struct random_faults *faults = &fleet->serving->random_faults;
    bool of_gpu = is_of_gpu(faults->kind);
    uint32_t gpus = fleet_gpus(fleet), replicas = 0;
    for (uint32_t i = 0; i < fleet->pool_count; i++) {
        replicas += fleet->pools[i].placement.size[DIMENSION_DATA];
    }
    uint32_t targets = of_gpu ? gpus
                       : faults->kind == FAULT_NODE
                           ? (uint32_t)divide_up(gpus, fleet->pools[0].placement.gpus_per_node)
                           : replicas;
    for (uint32_t i = 0; i < targets; i++) {
        struct fault_actor *actor = ARENA_NEW(fleet->arena, struct fault_actor);
        const char *stream =
            faults->kind == FAULT_REPLICA
                ? arena_printf(fleet->arena, "faults %u", i)
                : arena_printf(fleet->arena, "faults %s %u", fault_name(faults->kind), i);
        *actor = (struct fault_actor){
            .faults = struck,
            .fault = {.kind = faults->kind,
                      .replica = i,
                      .node = i,
                      .gpu = i,
                      .duration_seconds = faults->repair_seconds,
                      .factor = faults->factor},
            .random = random_open(fleet->scenario->seed, stream),
        };
        actor_start(fleet->engine, 0, chance_main, actor, true);
    }
}

void faults_start(struct faults *faults, struct fleet *fleet)
{
    *faults = (struct faults){.fleet = fleet};
    const struct serving *serving = fleet->serving;
    for (size_t i = 0; i < serving->fault_count; i++) {
        struct fault_actor *actor = ARENA_NEW(fleet->arena, struct fault_actor);
        *actor = (struct fault_actor){.faults = faults, .fault = serving->faults[i]};
        actor_start(fleet->engine, 0, fault_main, actor, true);
    }
    if (serving->random_faults.mean_between_seconds > 0.0) {
        start_by_chance(faults);
    }
}
