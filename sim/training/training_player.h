/* SPDX-License-Identifier: MIT
 * A training step under way on SimGrid: what training_play.c opens and its actors share. Internal
 * to sim/training. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_PLAYER_H
#define CPSIM_SIM_TRAINING_TRAINING_PLAYER_H

#include "sim/engine/actor.h"
#include "sim/engine/plan_player.h"
#include "sim/training/training_play.h"

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
    uint32_t ended;                  /* cells */
    struct actor_signal lane_signal; /* the exchange waits for a pass to end */
    struct queue exchange, sends[2]; /* forward, backward */
    struct actor_signal plan_signal; /* the exchange waits for its replicas */
    struct plan_player plans;
    struct group_member replicas; /* that hold the same parameters */
    struct group_member experts;  /* that hold the same experts */
    struct stage_player *first;   /* [stages]: of its pipeline */
};

struct player {
    const struct training_play *play;
    const struct pipeline_play *schedule;
    struct engine *engine;
    struct placement placement;
    struct group_player *groups;        /* of replicas */
    struct group_player *expert_groups; /* of those that hold the same experts */
    enum engine_lane send_lane;
    uint32_t cell_count, left;
};

enum { WAITS_FIRST = 1, WAITS_ALL = 2 }; /* what a stage waits for, beside cells from 3 on */
enum { WAITS_CELLS = 3 };

/* --- queues (training_exchange.c) --- */

void player_push(struct queue *queue, enum request_kind kind, uint32_t cell);
struct request player_pop(struct queue *queue);

/* --- actors --- */

uint32_t stage_part(const struct stage_player *stage, const struct cell *cell);
const struct part_cost *stage_cost(const struct stage_player *stage, const struct cell *cell);
/* A flow's limit with the first stage's degraded link. */
double stage_flow_limit(const struct stage_player *from, uint32_t to, double limit);

/* The exchange with replicas (training_exchange.c), the passes, what is sent to neighbours
 * (training_stage.c); `data` is a struct stage_player. */
void stage_run_exchange(void *data);
void stage_run_passes(void *data);
void stage_run_forward_sends(void *data);
void stage_run_backward_sends(void *data);

#endif
