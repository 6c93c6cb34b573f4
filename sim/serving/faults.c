/* SPDX-License-Identifier: MIT */
#include "sim/serving/faults.h"

#include "sim/serving/serving.h"

#include <math.h>

/* How long a fault waits for a server that is between two states to settle. */
#define SETTLE_SECONDS 1e-9

struct fault_actor {
    struct serving_run *run;
    const struct fault *fault; /* NULL: by chance */
    struct server *server;
    struct random_stream random; /* by chance */
};

static void fail(struct fault_actor *actor, double seconds)
{
    struct server *server = actor->server;
    while (server->updating > 0) {
        actor_sleep(SETTLE_SECONDS);
    }
    double start = engine_clock();
    server_fail(server);
    source_wake(&actor->run->source);
    actor_sleep(seconds);
    server->totals.down_seconds += engine_clock() - start;
    server_repair(server);
}

/* The network cards of a replica's GPUs carry a share of their rate. */
static void weaken(struct fault_actor *actor, const struct fault *fault)
{
    struct server *server = actor->server;
    double before = server->nic_share;
    server->nic_share = fmin(before, fault->factor);
    actor_sleep(fault->duration_seconds);
    server->nic_share = before;
}

static void fault_main(void *data)
{
    struct fault_actor *actor = data;
    const struct fault *fault = actor->fault;
    actor_sleep(fault->at_seconds);
    switch (fault->kind) {
    case FAULT_REPLICA:
        fail(actor, fault->duration_seconds);
        break;
    case FAULT_SLOW:
        actor->server->slowness *= fault->factor;
        actor_sleep(fault->duration_seconds);
        actor->server->slowness /= fault->factor;
        break;
    case FAULT_NIC:
        weaken(actor, fault);
        break;
    }
}

static void chance_main(void *data)
{
    struct fault_actor *actor = data;
    const struct random_faults *faults = &actor->run->serving->random_faults;
    for (;;) {
        actor_sleep(random_exponential(&actor->random, faults->mean_between_seconds));
        fail(actor, faults->repair_seconds);
    }
}

void faults_start(struct serving_run *run)
{
    const struct serving *serving = run->serving;
    for (size_t i = 0; i < serving->fault_count; i++) {
        struct fault_actor *actor = ARENA_NEW(run->arena, struct fault_actor);
        *actor = (struct fault_actor){.run = run,
                                      .fault = &serving->faults[i],
                                      .server = &run->servers[serving->faults[i].replica]};
        actor_start(run->engine, actor->server->first_gpu, fault_main, actor, true);
    }
    for (uint32_t i = 0; serving->random_faults.mean_between_seconds > 0.0 && i < run->server_count;
         i++) {
        struct fault_actor *actor = ARENA_NEW(run->arena, struct fault_actor);
        *actor = (struct fault_actor){
            .run = run,
            .server = &run->servers[i],
            .random = random_open(run->scenario->seed, arena_printf(run->arena, "faults %u", i)),
        };
        actor_start(run->engine, actor->server->first_gpu, chance_main, actor, true);
    }
}
