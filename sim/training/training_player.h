/* SPDX-License-Identifier: MIT
 * A training step under way on SimGrid: what training_play.c opens and its actors share. Internal
 * to sim/training. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_PLAYER_H
#define CPSIM_SIM_TRAINING_TRAINING_PLAYER_H

#include "sim/engine/actor.h"
#include "sim/engine/plan_player.h"
#include "sim/training/training_experts.h"
#include "sim/training/training_play.h"
#include "sim/training/training_sites.h"

/* What an actor of a stage is asked for. */
enum request_kind { REQUEST_GATHER, REQUEST_REDUCE, REQUEST_SEND, REQUEST_END };
struct request {
    enum request_kind kind;
    uint32_t cell;
};

enum { SIGNAL_WORK = 0 }; /* what a queue's actor waits for; stages wait for numbers of their own */

/* Requests in the order they came; never more than cells, so nothing wraps. */
struct queue {
    struct request *requests;
    uint32_t first, count;
    struct actor_signal signal;
};

/* Tokens that go to experts or come back, one thing after the other. Never more are asked for at
 * once than two passes have, so the ring of `capacity` wraps unharmed. */
struct expert_queue {
    const struct collective_plan **plans; /* [capacity] */
    uint32_t capacity;
    uint64_t asked, done;
    bool stop;
    struct actor_signal signal; /* of the actor that plays them */
    struct plan_player player;
    struct group_member member;
};

struct player;

/* One rank of a stage. */
struct stage_player {
    struct player *player;
    uint32_t stage, gpu;
    const struct cell *cells;
    struct cell_span *spans;
    struct stage_times *times;
    struct actor_signal signal;
    bool *arrived;           /* [kinds: forward, backward][chunks][micro_batches] */
    uint32_t gathered_first; /* cells whose first piece, and all of whose parameters, are there */
    uint32_t gathered;       /* counted in the order of their requests */
    uint32_t gathers_wanted;
    uint32_t ended;                     /* cells */
    struct actor_signal lane_signal;    /* the exchange waits for a pass to end */
    struct queue exchange, sends[2];    /* forward, backward */
    struct actor_signal message_signal; /* messages in order: its next one waits */
    uint32_t receives;                  /* the message that it is ready for; UINT32_MAX: none */
    uint32_t received;                  /* messages up to here are there */
    struct actor_signal plan_signal;    /* the exchange waits for its replicas */
    struct plan_player plans;
    struct group_member replicas; /* that hold the same parameters */
    struct group_member experts;  /* that hold the same experts */
    struct expert_queue tokens;
    uint32_t pair_next;         /* exchanges of a pair that its first pass has asked for, ... */
    double pair_next_seconds;   /* ... and their seconds */
    struct stage_player *first; /* [stages]: of its pipeline */
};

struct player {
    const struct training_play *play;
    const struct pipeline_play *schedule;
    struct engine *engine;
    struct placement placement;
    struct group_player *groups;             /* of replicas */
    struct group_player *expert_groups;      /* of those that hold the same experts */
    struct group_player *token_groups;       /* of those that a layer's experts lie on */
    struct expert_exchanges *exchanges;      /* [parts][CELL_KIND_COUNT] */
    uint32_t most_exchanges, exchange_flows; /* of a pass; of one of them; 0: none in any */
    enum engine_lane send_lane, replica_lane;
    const struct pipeline_message *messages; /* [message_count], in order; NULL: each way its own */
    uint32_t message_count;
    struct site_nodes sites; /* no count: no exchange between them is played */
    uint32_t cell_count, left;
    uint64_t passes, passes_ended; /* of all stages that are played */
};

/* What a stage waits for, beside cells from the last on. */
enum { WAITS_FIRST = 1, WAITS_ALL = 2, WAITS_TOKENS = 3, WAITS_CELLS = 4 };

/* --- queues (training_exchange.c) --- */

void player_push(struct queue *queue, enum request_kind kind, uint32_t cell);
struct request player_pop(struct queue *queue);

/* --- actors --- */

uint32_t stage_part(const struct stage_player *stage, const struct cell *cell);
const struct part_cost *stage_cost(const struct stage_player *stage, const struct cell *cell);
struct cell_run stage_run_of(const struct stage_player *stage, uint32_t cell);
/* A flow's limit with the first stage's degraded link. */
double stage_flow_limit(const struct stage_player *from, uint32_t to, double limit);
/* The collective from inside the stage's actor; every flow within its limit. */
void stage_play_plan(struct stage_player *stage, struct group_member *member,
                     const struct collective_plan *plan, double pieces);

/* --- what a pass does while time goes by (training_pass.c) --- */

/* A pass under way. Alone it waits for each of its exchanges of experts where the closed form has
 * its end; a pair's are spread over both passes, and the second ends when all have. */
struct pass_player {
    struct stage_player *stage;
    double seconds, done_seconds;            /* that it takes; that are behind it */
    const struct expert_exchanges *lists[2]; /* of the pass; of a pair's first and second */
    bool paired, waits;
    double from_seconds, pair_seconds; /* the pair's before it, and all of them */
    double stretch;        /* a second of kernels takes so much longer beside something */
    uint32_t next, waited; /* exchanges asked for, waited for */
    double next_seconds, waited_seconds; /* that those take */
};

struct pass_player pass_open(struct stage_player *stage, uint32_t cell, double seconds);
/* Computes up to `seconds` of the pass; waiting for exchanges beyond that is no part of them. */
void pass_to(struct pass_player *pass, double seconds);
void pass_close(struct pass_player *pass);

/* The exchange with replicas (training_exchange.c), tokens to their experts (training_pass.c), the
 * passes, what is sent to neighbours (training_stage.c); `data` is a struct stage_player. */
void stage_run_exchange(void *data);
void stage_run_tokens(void *data);
void stage_run_passes(void *data);
void stage_run_forward_sends(void *data);
void stage_run_backward_sends(void *data);
void stage_run_messages(void *data); /* in order, in place of the two */

#endif
