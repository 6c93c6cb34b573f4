/* SPDX-License-Identifier: MIT */
#include "sim/engine/plan_player.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { INBOX_BYTES = 40 };

/* --- limits --- */

/* Bytes per second that a flow may reach beside what runs now; 0: what the links give. */
static double flow_limit(const struct plan_player *player, const struct collective_plan *plan,
                         uint32_t flow)
{
    if (player->pace <= 1.0) {
        return plan->flows[flow].limit_bytes_per_second;
    }
    return plan->flows[flow].bytes /
           ((player->alone_seconds - plan->latency_seconds) * player->pace);
}

void plan_player_set_pace(struct plan_player *player, double pace)
{
    player->pace = pace;
    for (uint32_t i = 0; player->plan != NULL && i < player->plan->flow_count; i++) {
        engine_set_limit(player->engine, player->lane, player->gpu, player->to_gpu[i],
                         flow_limit(player, player->plan, i));
    }
}

/* --- flows --- */

static void send(struct plan_player *player, uint32_t flow)
{
    actor_send_lane(player->engine, player->lane, player->gpu, player->to_gpu[flow],
                    player->plan->flows[flow].bytes, flow_limit(player, player->plan, flow),
                    player->times);
}

static void run_helper(void *data)
{
    struct flow_helper *helper = data;
    struct plan_player *player = helper->player;
    for (;;) {
        while (!helper->busy && !helper->stop) {
            signal_wait(&helper->signal, PLAN_AWAITS_FLOWS);
        }
        if (helper->stop) {
            return;
        }
        send(player, helper->flow);
        helper->busy = false;
        player->pending_flows--;
        signal_wake(player->signal, PLAN_AWAITS_FLOWS);
    }
}

static void hand_over(struct plan_player *player, uint32_t slot, uint32_t flow)
{
    assert(slot < player->helper_count && "more flows at once than were planned");
    struct flow_helper *helper = &player->helpers[slot];
    helper->flow = flow;
    helper->busy = true;
    player->pending_flows++;
    signal_wake(&helper->signal, PLAN_AWAITS_FLOWS);
}

/* Flows to ranks that a stand-in plays for: nobody is there to receive them. */
static void send_flows(struct plan_player *player)
{
    const struct collective_plan *plan = player->plan;
    uint32_t own = plan->flow_count, slot = 0;
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        if (player->to_gpu[i] == player->gpu || plan->flows[i].bytes <= 0.0) {
            continue;
        }
        if (own == plan->flow_count) {
            own = i;
        } else {
            hand_over(player, slot++, i);
        }
    }
    if (own < plan->flow_count) {
        send(player, own);
    }
    while (player->pending_flows > 0) {
        signal_wait(player->signal, PLAN_AWAITS_FLOWS);
    }
}

/* Flows among ranks that are all played: each sends and receives along every edge. */
static void exchange_flows(struct plan_player *player, const struct group_member *member)
{
    const struct collective_plan *plan = player->plan;
    struct actor_way ways[COLLECTIVE_MAX_FLOWS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        const struct collective_flow *flow = &plan->flows[i];
        uint32_t next = placement_edge_member(member->number, plan->group, flow->edge);
        if (next == member->number || flow->bytes <= 0.0) {
            continue;
        }
        ways[count++] = (struct actor_way){
            .outbox = member->group->members[next]->inboxes[flow->edge],
            .inbox = member->inboxes[flow->edge],
            .to_gpu = player->to_gpu[i],
            .bytes = flow->bytes,
            .limit = flow_limit(player, plan, i),
        };
    }
    actor_exchange(player->engine, player->gpu, ways, count, player->times);
}

void group_play(struct group_member *member, const struct collective_plan *plan,
                double alone_seconds, double times)
{
    struct plan_player *player = member->player;
    player->alone_seconds = alone_seconds;
    player->times = times;
    actor_sleep(plan->latency_seconds);
    player->plan = plan;
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        player->to_gpu[i] = placement_edge_gpu(player->placement, player->gpu, member->group->kind,
                                               plan->group, plan->flows[i].edge);
    }
    if (member->group->played == member->group->size && player->lane == LANE_COLLECTIVES) {
        exchange_flows(player, member);
    } else {
        send_flows(player);
    }
    player->plan = NULL;
}

/* --- groups --- */

static void wake_member(const struct group_member *member)
{
    if (member != NULL) {
        signal_wake(member->player->signal, PLAN_AWAITS_GROUP);
    }
}

static void wake_group(const struct group_player *group)
{
    for (uint32_t i = 0; i < group->size; i++) {
        wake_member(group->members[i]);
    }
}

/* Where all are played, the flows of a shift wait for both ends by themselves. */
static bool meets(const struct group_member *member, bool shift)
{
    return !shift || member->group->played < member->group->size;
}

static struct group_member *neighbour(const struct group_member *member, uint32_t steps)
{
    const struct group_player *group = member->group;
    return group->members[(member->number + steps) % group->size];
}

void group_begin(struct group_member *member, bool shift)
{
    struct group_player *group = member->group;
    struct actor_signal *self = member->player->signal;
    if (!meets(member, shift)) {
        return;
    }
    if (shift) {
        const struct group_member *next = neighbour(member, 1);
        uint64_t call = ++member->arrived;
        wake_member(neighbour(member, group->size - 1));
        while (next != NULL && next->arrived < call) {
            signal_wait(self, PLAN_AWAITS_GROUP);
        }
        return;
    }
    uint64_t due = ++member->joined * group->played;
    if (++group->arrived == due) {
        wake_group(group);
    }
    while (group->arrived < due) {
        signal_wait(self, PLAN_AWAITS_GROUP);
    }
}

void group_end(struct group_member *member, bool shift)
{
    struct group_player *group = member->group;
    struct actor_signal *self = member->player->signal;
    if (!meets(member, shift)) {
        return;
    }
    if (shift) {
        const struct group_member *previous = neighbour(member, group->size - 1);
        uint64_t call = ++member->sent;
        wake_member(neighbour(member, 1));
        while (previous != NULL && previous->sent < call) {
            signal_wait(self, PLAN_AWAITS_GROUP);
        }
        return;
    }
    uint64_t due = member->joined * group->played;
    if (++group->finished == due) {
        wake_group(group);
    }
    while (group->finished < due) {
        signal_wait(self, PLAN_AWAITS_GROUP);
    }
}

/* --- setting up --- */

void plan_player_open(struct plan_player *player, struct engine *engine,
                      const struct placement *placement, uint32_t gpu, struct actor_signal *signal,
                      uint32_t flows, struct arena *arena)
{
    *player = (struct plan_player){.engine = engine,
                                   .placement = placement,
                                   .signal = signal,
                                   .gpu = gpu,
                                   .helper_count = flows > 1 ? flows - 1 : 0,
                                   .pace = 1.0};
    player->helpers = ARENA_ARRAY(arena, struct flow_helper, player->helper_count + 1);
    for (uint32_t i = 0; i < player->helper_count; i++) {
        player->helpers[i].player = player;
        signal_init(&player->helpers[i].signal);
    }
}

void plan_player_start(struct plan_player *player)
{
    for (uint32_t i = 0; i < player->helper_count; i++) {
        actor_start(player->engine, player->gpu, run_helper, &player->helpers[i], false);
    }
}

void plan_player_stop(struct plan_player *player)
{
    for (uint32_t i = 0; i < player->helper_count; i++) {
        player->helpers[i].stop = true;
        signal_wake(&player->helpers[i].signal, PLAN_AWAITS_FLOWS);
    }
}

void plan_player_close(struct plan_player *player)
{
    for (uint32_t i = 0; i < player->helper_count; i++) {
        signal_destroy(&player->helpers[i].signal);
    }
}

struct group_player *group_players_create(const struct placement *placement, enum group kind,
                                          struct arena *arena)
{
    uint32_t count = placement_group_count(placement, kind);
    uint32_t size = placement_group_size(placement, kind);
    struct group_player *groups = ARENA_ARRAY(arena, struct group_player, count);
    for (uint32_t i = 0; i < count; i++) {
        groups[i] = (struct group_player){.kind = kind, .size = size};
    }
    return groups;
}

void group_join(struct group_player *groups, struct group_member *member,
                struct plan_player *player, const struct rank_role *role, struct arena *arena)
{
    struct group_player *group = &groups[role->group[groups->kind]];
    if (group->members == NULL) {
        group->members = ARENA_ARRAY(arena, struct group_member *, group->size);
    }
    *member = (struct group_member){
        .group = group, .player = player, .number = role->member[groups->kind]};
    group->members[member->number] = member;
    group->played++;
}

void group_member_expect(struct group_member *member, const struct collective_plan *plan)
{
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        enum collective_edge edge = plan->flows[i].edge;
        if (member->inboxes[edge] == NULL) {
            char name[INBOX_BYTES];
            snprintf(name, sizeof name, "%" PRIu32 ".%d.%d", member->player->gpu,
                     (int)member->group->kind, (int)edge);
            member->inboxes[edge] = actor_inbox(name);
        }
    }
}
