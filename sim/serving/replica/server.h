/* SPDX-License-Identifier: MIT
 * A replica that serves, or one of its ranks with requests of its own (step_group.h): an actor on
 * its first GPU that waits for work, lets its policy decide on a
 * step, sleeps for what it costs and hands in what it gave. An engine that schedules ahead decides
 * on the next step when one begins. Decode steps that are alike are slept through together; an
 * arrival ends such a run at the end of the step that is under way, so nothing happens at another
 * time than it would step by step.
 *
 * A replica of several pipeline stages has as many lanes as stages (vLLM's batch queue): each is an
 * actor that decides on a batch of those who are in none, takes it through the stages, which serve
 * lanes in the order in which they come, and sends the activations on as flows. */
#ifndef CPSIM_SIM_SERVING_REPLICA_SERVER_H
#define CPSIM_SIM_SERVING_REPLICA_SERVER_H

#include "sim/engine/actor.h"
#include "sim/serving/batching/policy.h"
#include "sim/serving/batching/step_cost.h"
#include "sim/serving/replica/adapter_store.h"
#include "sim/serving/replica/finetuning.h"
#include "sim/serving/replica/pace.h"
#include "sim/serving/replica/scaling.h"
#include "sim/serving/replica/tiers.h"

struct fleet;
struct pool;
struct step_group;

enum server_role { SERVER_WHOLE, SERVER_PREFILL, SERVER_DECODE };

/* What a server has done so far. */
struct server_totals {
    uint64_t plays;               /* timed activities: a step, or a run of steps alike */
    uint64_t steps, decode_steps; /* decode_steps: without a prompt */
    double busy_seconds;
    double joules;                      /* of all its GPUs, in steps */
    double bytes;                       /* to and from one GPU's memory */
    double nvlink_bytes, network_bytes; /* sent by one GPU */
    uint64_t prompt_tokens;             /* computed, again after a preemption too */
    uint64_t decode_tokens;
    double sequence_seconds; /* running requests x time */
    double page_seconds;     /* held KV pages x time, in steps */
    uint64_t most_pages;
    uint32_t max_sequences; /* that decoded in a step */
    double down_seconds;
    uint64_t drafts, accepted; /* tokens that were guessed, and came true */
    uint64_t verified;         /* times that guesses of a request were */
    double swapped_bytes;      /* to the hosts and back, of all GPUs */
    uint64_t adapter_loads;    /* adapters that came to the GPUs, ... */
    uint64_t adapter_reads;    /* ... of them from storage */
    double adapter_bytes;      /* to all GPUs */
    double adapter_seconds;    /* that steps waited for them */
};

/* One direction of a link of one GPU. */
struct link_totals {
    double bytes, busy_seconds;
    uint32_t flows; /* under way, besides steps */
    double since_seconds;
};

/* What each GPU of a pipeline stage has done so far. */
struct stage_totals {
    struct step_parts parts;            /* sums */
    double busy_seconds, joules, bytes; /* of steps; idle power is not in it */
    struct link_totals links[LINK_KIND_COUNT];
};

/* `steps` of a cost have taken `seconds` in all (more than the price when something is slow). */
void stage_totals_add(struct stage_totals *stage, const struct step_cost *cost, double steps,
                      double seconds);
/* Adds what another server on the same GPUs has done. */
void stage_totals_join(struct stage_totals *stage, const struct stage_totals *other);
/* A flow of `bytes` for each GPU has begun, has ended. */
void stage_flow_begin(struct stage_totals *stage, enum link_kind kind);
void stage_flow_end(struct stage_totals *stage, enum link_kind kind, double bytes);

/* A step that an engine's loop has launched (loop.h). */
struct flight {
    struct step_cost cost;
    uint32_t sequences;
    double launched_seconds; /* when its launch is over */
    double ready_seconds;    /* when the GPU is through with it */
};

/* A batch at a time on its way: an actor. */
struct lane {
    struct server *server;
    struct actor_signal signal;
    struct decision decisions[2]; /* the step that is played, and the one made up ahead */
    uint32_t turn;                /* which of them is which */
    struct flight flights[2];     /* of an engine with a loop, likewise */
    double begin_seconds; /* the loop turned to the older of them, or took the last one in */
    double worker_free_seconds, gpu_free_seconds; /* all that was launched is over */
    double spent_joules;       /* what a GPU has drawn beyond its power limit and not made up for */
    double *ends;              /* [SERVER_MAX_RUN] ends of the steps of a run */
    double step_seconds;       /* of the last step with prompts */
    double decode_end_seconds; /* of the last step in which it decoded */
    double swap_seconds;       /* moving KV and adapters between GPU and host, before the step */
    uint64_t decided[2]; /* server->retired when it made its last decision but one, its last */
};

struct server {
    struct fleet *fleet;
    struct pool *pool;        /* of replicas set up as it is */
    struct step_group *group; /* with which it shares experts, and steps; NULL: it is alone */
    struct lane *lanes;       /* [lane_count]: one a pipeline stage */
    uint32_t lane_count;
    double *stage_ends;          /* [pipeline]: when a stage is free */
    struct stage_totals *stages; /* [pipeline] */
    uint32_t index, first_gpu;
    const struct batching_policy *policy;
    enum server_role role;
    struct batch_view view;
    uint32_t outstanding; /* requests it has (router_count) */
    double *slowness;     /* [pipeline]: a stage takes so many times as long */
    struct pace pace;
    struct step_costs **stage_costs; /* [pipeline]: of its layers and network */
    double nic_share;                /* of its network cards' rate that is left */
    uint32_t down;                   /* faults that keep it from working (router_down) */
    double down_since_seconds;
    uint32_t updating; /* its requests are in between: no time to fail */
    uint32_t epoch;    /* failures so far */
    uint32_t *leaving; /* [leaving_count of leaving_capacity]: to go before the next decision */
    uint32_t leaving_count, leaving_capacity;
    bool left;                 /* somebody has gone outside a step: the source has not been told */
    struct request_queue over; /* ended, and perhaps still in a decision (retired.h) */
    uint64_t retired;          /* that ever were in it */
    struct server_scaling scaling;
    struct gpu_seat *seat; /* its GPUs, which other models' servers have too; NULL: its own */
    uint32_t seat_place;   /* among their members */
    uint32_t wakes;        /* so far: one that comes while the lane is about to wait is not lost */
    struct adapter_store adapters; /* where the service has some */
    struct finetuning_state finetuning;
    /* Of a service with tiers (tiers.h): */
    uint32_t found[KV_TIER_COUNT]; /* blocks of the last look-up */
    double host_free_seconds;      /* when all loads from the host have come */
    uint64_t unsent_blocks;        /* to the store */
    struct actor_signal writer;
    struct server_totals totals;
};

/* What lanes wait for: work, or but that somebody wants to leave. */
enum { SERVER_MAX_RUN = 1024, SERVER_WAKE = 1, SERVER_LEAVE = 2 };

/* `index`: of the fleet's servers. */
void server_create(struct server *server, struct fleet *fleet, struct pool *pool, uint32_t index,
                   enum server_role role);
void server_start(struct server *server);
void server_destroy(struct server *server); /* what is not the arena's */

/* Gives it a request, whose `replica` is set. */
void server_submit(struct server *server, uint32_t request);

/* A request that it has shall leave, in the state that it says: between two steps, as engines do.
 */
void server_leave(struct server *server, uint32_t request);

/* Wakes whoever of its lanes waits for work. */
void server_wake(struct server *server);

#endif
