/* SPDX-License-Identifier: MIT
 * Plays collective plans (models/collectives/collective.h): the latency, then all flows at once. A
 * rank has one plan player, which plays one plan after another; a group's played members meet in a
 * group player. Programs of operators (engine.h) and a training step's exchanges (sim/training)
 * play theirs here.
 *
 * Where every member of a group is played, each flow waits for both of its ends; where stand-ins
 * play, nobody is there to receive, and flows are sent alone. So they are on a lane beyond the
 * first, where nothing is received: members meet before and after. */
#ifndef CPSIM_SIM_ENGINE_PLAN_PLAYER_H
#define CPSIM_SIM_ENGINE_PLAN_PLAYER_H

#include "models/layout/placement.h"
#include "sim/base/arena.h"
#include "sim/engine/actor.h"

/* What the actor that plays plans may wait for; its signal is its own for nothing below these. */
#define PLAN_AWAITS_GROUP (UINT32_MAX - 2)
#define PLAN_AWAITS_FLOWS (UINT32_MAX - 3)

struct plan_player;

/* Carries a flow beside the one that the rank's own actor carries. */
struct flow_helper {
    struct plan_player *player;
    struct actor_signal signal;
    uint32_t flow; /* of the plan */
    bool busy, stop;
};

/* One rank's. */
struct plan_player {
    struct engine *engine;
    const struct placement *placement;
    struct actor_signal *signal; /* of the actor that plays */
    enum engine_lane lane;       /* the first unless the owner sets another */
    uint32_t gpu;
    struct flow_helper *helpers; /* [helper_count] */
    uint32_t helper_count, pending_flows;
    /* Of the plan under way: */
    const struct collective_plan *plan; /* NULL: none, or its latency has not passed */
    uint32_t to_gpu[COLLECTIVE_MAX_FLOWS];
    double alone_seconds; /* that the whole plan takes with nothing beside it */
    double pace;          /* of its transfers, together over alone; at least 1 */
    double times;         /* plays that this one stands for, in the links' accounts */
};

/* Room for plans of `flows` at once. The signal is initialised by its owner. */
void plan_player_open(struct plan_player *player, struct engine *engine,
                      const struct placement *placement, uint32_t gpu, struct actor_signal *signal,
                      uint32_t flows, struct arena *arena);
void plan_player_start(struct plan_player *player); /* its helpers */
void plan_player_stop(struct plan_player *player);  /* from inside an actor: helpers end */
void plan_player_close(struct plan_player *player);

/* What runs beside the plan has changed: its flows take `pace` times as long as alone, flows under
 * way included. */
void plan_player_set_pace(struct plan_player *player, double pace);

/* The played members of one group. */
struct group_player {
    /* [size], once somebody has joined; NULL where a stand-in plays for the member */
    struct group_member **members;
    enum group kind;
    uint32_t size, played;
    uint64_t arrived, finished;
};

/* A rank's place in a group. */
struct group_member {
    struct group_player *group;
    struct plan_player *player;
    uint32_t number;
    void *inboxes[EDGE_COUNT]; /* where each edge's flow to it arrives; NULL: none does */
    uint64_t joined;           /* collectives of all members so far */
    uint64_t arrived, sent;    /* shifts so far */
};

/* All groups of a kind, nobody played yet; the arena's. */
struct group_player *group_players_create(const struct placement *placement, enum group kind,
                                          struct arena *arena);
void group_join(struct group_player *groups, struct group_member *member,
                struct plan_player *player, const struct rank_role *role, struct arena *arena);
/* Inboxes for the plan's edges, if every member of the group is to be played. */
void group_member_expect(struct group_member *member, const struct collective_plan *plan);

/* From inside the rank's actor, one after the other. All members begin and end together; of a shift
 * (send-recv) each begins when the next is ready to receive, and ends when the previous has sent.
 * group_play(): the latency, then all flows at once, until the last has arrived. */
void group_begin(struct group_member *member, bool shift);
void group_play(struct group_member *member, const struct collective_plan *plan,
                double alone_seconds, double times);
void group_end(struct group_member *member, bool shift);

#endif
