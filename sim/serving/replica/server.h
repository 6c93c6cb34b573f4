/* SPDX-License-Identifier: MIT
 * A replica that serves: an actor on its first GPU that waits for work, lets its policy pick a
 * batch, sleeps for what the step costs and moves the requests on. Decode steps that are alike are
 * slept through together; an arrival ends such a run at the end of the step that is under way, so
 * nothing happens at another time than it would step by step.
 *
 * A replica of several pipeline stages has as many lanes as stages (vLLM's batch queue): each is an
 * actor that picks a batch from the replica's one queue and cache, takes it through the stages,
 * which serve lanes in the order in which they come, and sends the activations on as flows. The
 * first lane is the replica's head; a replica without a pipeline is its own only lane. */
#ifndef CPSIM_SIM_SERVING_REPLICA_SERVER_H
#define CPSIM_SIM_SERVING_REPLICA_SERVER_H

#include "sim/engine/actor.h"
#include "sim/serving/batching/policy.h"
#include "sim/serving/batching/step_cost.h"
#include "sim/serving/load/request.h"
#include "sim/serving/replica/kv_cache.h"

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
    uint64_t preemptions;
    double down_seconds;
    double swapped_bytes; /* to the hosts and back, of all GPUs */
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
/* A flow of `bytes` for each GPU has begun, has ended. */
void stage_flow_begin(struct stage_totals *stage, enum link_kind kind);
void stage_flow_end(struct stage_totals *stage, enum link_kind kind, double bytes);

struct server {
    struct serving_run *run;
    struct server *head;         /* the first lane: queue, cache and what routers ask are there */
    struct server **lanes;       /* [pipeline], of the head */
    double *stage_ends;          /* [pipeline], of the head: when a stage is free */
    struct stage_totals *stages; /* [pipeline], of the head */
    uint32_t index, first_gpu;
    enum server_role role;
    const struct batching_policy *policy;
    void *policy_state;
    struct actor_signal signal;
    struct request_queue waiting;
    uint32_t *decoding, *prefilling; /* [max_sequences], in the order of admission */
    uint32_t decode_count, prefill_count;
    uint64_t context_tokens;     /* cached tokens of all that decode */
    uint64_t pending_tokens;     /* of prompts that are queued or not yet computed */
    uint32_t outstanding;        /* requests it has */
    uint32_t incoming;           /* whose KV cache is on its way, or has landed */
    struct request_queue landed; /* their caches have come; they decode from the next step on */
    struct kv_cache kv;
    struct chunk *chunks;      /* [max_sequences] */
    double *ends;              /* [SERVER_MAX_RUN] ends of the steps of a run */
    double closed_seconds;     /* who came later is not in the next step: it is made up already */
    double step_seconds;       /* of the last step with prompts */
    double decode_end_seconds; /* of the last step in which it decoded */
    double swap_seconds;       /* moving KV between GPU and host, before the next step */
    double *slowness;          /* [pipeline], of the head: a stage takes so many times as long */
    struct step_costs **stage_costs; /* [pipeline], of the head: of its layers and network */
    double nic_share;                /* of its network cards' rate that is left */
    uint32_t down;                   /* faults that keep it from working */
    double down_since_seconds;
    uint32_t updating; /* of the head: its requests are in between: no time to fail */
    uint32_t epoch;    /* failures so far */
    struct server_totals totals;
};

enum { SERVER_MAX_RUN = 1024, SERVER_WAKE = 1 };

/* With all its lanes. */
void server_create(struct server *server, struct serving_run *run, uint32_t index,
                   enum server_role role);
void server_start(struct server *server);

/* Gives it a request, whose `replica` is set. */
void server_submit(struct server *server, uint32_t request);

/* A machine that fails drops what it holds; its requests are handed to the run. */
void server_fail(struct server *server);

/* Wakes whoever of its lanes waits for work. */
void server_wake(struct server *server);

/* --- for policies --- */

uint32_t server_running(const struct server *server); /* requests of all its lanes */

void server_enqueue(struct server *server, uint32_t request); /* the usual on_arrival */

/* Whether somebody waits who may be let in now: an engine that schedules ahead made up the next
 * step when the last one began. */
bool server_has_ready(const struct server *server);

/* Room for the next token of all that decode; who was admitted last gives way when there is none.
 * Returns whether anybody had to. */
bool server_make_room(struct server *server);

/* Takes the first waiting request in: its cached prefix, and room for `tokens` more of its prompt
 * at most, or for all it may ever need when `whole_answer`. Returns the number of new tokens that
 * can be computed, or 0 when there is no room. */
uint32_t server_admit(struct server *server, uint64_t tokens, bool whole_answer);

/* The last admitted gives way. */
void server_preempt_last(struct server *server);

/* Appends the next tokens of a prompt to the step. */
void pick_add(struct pick *pick, uint32_t request, uint32_t tokens);

#endif
