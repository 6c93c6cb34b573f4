/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/step_group.h"

#include "sim/serving/replica/retired.h"
#include "sim/serving/replica/server_step.h"

#include <math.h>

static struct lane *lane_of(const struct step_group *group, uint32_t member)
{
    return &group->servers[member].lanes[0];
}

static struct decision *current(struct lane *lane)
{
    return &lane->decisions[lane->turn];
}

static struct decision *next_of(const struct server *server)
{
    struct lane *lane = &server->lanes[0];
    return server->view.limits.ahead ? &lane->decisions[1 - lane->turn] : NULL;
}

/* --- what a step costs --- */

static double tokens_of(const struct step_group *group, uint32_t member)
{
    return step_cost_tokens(group->servers[0].stage_costs[0], &group->shapes[member]);
}

static double pairs_of(const struct step_shape *shape)
{
    return shape->decodes * shape->decode_context + shape->prompt_pairs;
}

/* All wait for the slowest. */
static double slowness_of(const struct step_group *group)
{
    double slowness = 0.0;
    for (uint32_t i = 0; i < group->count; i++) {
        slowness = fmax(slowness, group->servers[i].slowness[0]);
    }
    return slowness;
}

/* Who decides how long a step takes: the one with most tokens, or the one with most to look back
 * at, whichever takes longer. */
static uint32_t fullest(const struct step_group *group, struct step_cost *cost)
{
    uint32_t most = 0, longest = 0;
    for (uint32_t i = 1; i < group->count; i++) {
        most = tokens_of(group, i) > tokens_of(group, most) ? i : most;
        longest = pairs_of(&group->shapes[i]) > pairs_of(&group->shapes[longest]) ? i : longest;
    }
    struct step_costs *costs = group->servers[0].stage_costs[0];
    *cost = step_cost(costs, &group->shapes[most]);
    if (longest != most && tokens_of(group, longest) > 0.0) {
        struct step_cost other = step_cost(costs, &group->shapes[longest]);
        if (other.seconds > cost->seconds) {
            *cost = other;
            return longest;
        }
    }
    return most;
}

/* Fills the shapes of a step. */
static void gather_shapes(struct step_group *group)
{
    double tokens = 0.0;
    for (uint32_t i = 0; i < group->count; i++) {
        group->shapes[i] = lane_shape(current(lane_of(group, i)), group->servers[i].pool->scenario);
        tokens += tokens_of(group, i);
    }
    for (uint32_t i = 0; i < group->count; i++) {
        group->shapes[i].shared_tokens = tokens;
    }
}

/* --- prompts together --- */

static uint32_t most_held(const struct step_group *group)
{
    return group->servers[0].pool->scenario->serving.service.align_prompts;
}

/* Before the members decide on a step: a prompt that one of them takes in holds up all, so they
 * wait until each has one, unless somebody has nothing else to do, or it has been too long
 * (TensorRT-LLM 1.1, PyExecutor._balance_adp_requests(): the steps count whether anybody waits or
 * not). */
static void align_prompts(struct step_group *group)
{
    if (most_held(group) == 0) {
        return;
    }
    bool prompts = true, answers = true;
    for (uint32_t i = 0; i < group->count; i++) {
        struct batch_view *view = &group->servers[i].view;
        prompts = prompts && view->waiting.count > 0 && batch_has_seat(view);
        answers = answers && view->running_count > 0;
    }
    group->held_steps = prompts ? 0 : group->held_steps + 1;
    bool held = !prompts && answers && group->held_steps < most_held(group);
    group->held_steps = held ? group->held_steps : 0;
    for (uint32_t i = 0; i < group->count; i++) {
        group->servers[i].view.hold_prompts = held;
    }
}

/* --- playing --- */

/* Steps alike that can follow each other, of all members. */
static uint32_t repeats(const struct step_group *group)
{
    uint32_t steps = SERVER_MAX_RUN;
    for (uint32_t i = 0; i < group->count; i++) {
        const struct server *server = &group->servers[i];
        const struct decision *decision = current(lane_of(group, i));
        if (decision->share_count > 0) {
            steps = batch_repeats(&server->view, decision, next_of(server), steps);
        } else if (server->view.waiting.count > 0) {
            steps = 1; /* it may find room as soon as it looks again */
        }
    }
    if (most_held(group) > 0) {
        uint32_t left = most_held(group) - group->held_steps;
        steps = left < steps ? left : steps;
    }
    return steps;
}

/* Of a step that begins now: the slowest's. */
static double pace_of(struct step_group *group, double watts)
{
    double pace = 0.0;
    for (uint32_t i = 0; i < group->count; i++) {
        pace = fmax(pace, pace_of_step(&group->servers[i].pace, watts, engine_clock()));
    }
    return pace;
}

/* Fills the first lane's ends with when each step of a run ends. */
static void price_run(const struct step_group *group, uint32_t member, double first_seconds,
                      uint32_t steps)
{
    struct lane *first = lane_of(group, 0);
    const struct step_shape *shape = &group->shapes[member];
    double end = first_seconds, slowness = slowness_of(group);
    for (uint32_t i = 0; i < steps; i++) {
        end += slowness * step_cost_decode_seconds(group->servers[0].stage_costs[0], shape,
                                                   shape->decode_context + i);
        first->ends[i] = end;
    }
}

/* Waits for the steps to end; somebody's arrival ends a run with the step under way. Returns how
 * many were played; 0: they failed meanwhile, and all together. */
static uint32_t wait_for(struct step_group *group, uint32_t steps)
{
    const struct lane *first = lane_of(group, 0);
    uint32_t epoch = group->servers[0].epoch;
    double start = engine_clock();
    if (steps == 1) {
        actor_sleep(first->ends[0]);
    } else if (signal_wait_until(&group->signal, SERVER_WAKE, first->ends[steps - 1])) {
        double elapsed = engine_clock() - start;
        steps = lane_steps_begun(first, steps, elapsed);
        if (group->servers[0].epoch == epoch && first->ends[steps - 1] > elapsed) {
            actor_sleep(first->ends[steps - 1] - elapsed);
        }
    }
    return group->servers[0].epoch == epoch ? steps : 0;
}

/* One member's part of what was played; who had nothing to do ran along. */
static void end_member(struct step_group *group, uint32_t member, struct played_steps played)
{
    struct server *server = &group->servers[member];
    struct lane *lane = lane_of(group, member);
    struct decision *decision = current(lane), *next = next_of(server);
    const double *ends = lane_of(group, 0)->ends;
    double now = engine_clock();
    played.shape = group->shapes[member];
    played.shape.decode_context += played.shape.decodes > 0 ? 0.5 * (played.steps - 1) : 0.0;
    if (decision->share_count > 0) {
        batch_repeat(&server->view, decision, next, played.steps - 1);
    }
    lane_account(lane, &played);
    lane->step_seconds = played.shape.prompts > 0 ? played.seconds : lane->step_seconds;
    for (uint32_t i = 1; i < played.steps && played.shape.decodes > 0; i++) {
        lane_add_gaps(lane, ends[i] - ends[i - 1], played.shape.decodes);
    }
    if (decision->share_count > 0) {
        lane_hand_in(lane, decision, played.start_seconds + ends[0], now);
    }
    group->made_up[member] = next != NULL && next->share_count > 0;
    lane->turn = group->made_up[member] ? 1 - lane->turn : lane->turn;
}

/* What was made up is gone with the requests. */
static void forget(struct step_group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        group->made_up[i] = false;
    }
}

static void play(struct step_group *group)
{
    gather_shapes(group);
    double swap_seconds = 0.0;
    if (group->servers[0].view.limits.ahead) {
        align_prompts(group);
    }
    for (uint32_t i = 0; i < group->count; i++) {
        struct lane *lane = lane_of(group, i);
        if (next_of(lane->server) != NULL) {
            lane_decide(lane, next_of(lane->server));
        }
        lane_swap(lane, current(lane));
        swap_seconds = fmax(swap_seconds, lane->swap_seconds);
    }
    struct played_steps played = {.start_seconds = engine_clock()};
    uint32_t member = fullest(group, &played.cost);
    uint32_t steps = repeats(group);
    if (steps > 1) {
        price_run(group, member, swap_seconds, steps);
    } else {
        double pace = slowness_of(group) * pace_of(group, played.cost.watts);
        lane_of(group, 0)->ends[0] = swap_seconds + pace * played.cost.seconds;
    }
    played.steps = wait_for(group, steps);
    if (played.steps == 0) {
        forget(group);
        return;
    }
    group->held_steps += played.steps - 1;
    played.seconds = played.busy_seconds = engine_clock() - played.start_seconds;
    if (played.steps > 1) {
        struct step_shape middle = group->shapes[member];
        middle.decode_context += 0.5 * (played.steps - 1);
        played.cost = step_cost(group->servers[0].stage_costs[0], &middle);
    }
    for (uint32_t i = 0; i < group->count; i++) {
        group->servers[i].updating++;
    }
    for (uint32_t i = 0; i < group->count; i++) {
        end_member(group, i, played);
    }
    for (uint32_t i = 0; i < group->count; i++) {
        group->servers[i].updating--;
    }
}

/* --- the actor --- */

/* Who has no next step made up decides on one. Whether anybody has work; `*preempted`: somebody
 * gave way, so that looking again may find some. */
static bool decide_all(struct step_group *group, bool *preempted)
{
    bool work = false, fresh = true;
    for (uint32_t i = 0; i < group->count; i++) {
        fresh = fresh && !group->made_up[i];
    }
    if (fresh) { /* else they were asked when the first of them made its step up */
        align_prompts(group);
    }
    for (uint32_t i = 0; i < group->count; i++) {
        struct lane *lane = lane_of(group, i);
        if (!group->made_up[i]) {
            lane_decide(lane, current(lane));
        }
        work = work || current(lane)->share_count > 0;
        *preempted = *preempted || current(lane)->preempted_count > 0;
    }
    return work;
}

/* Whether somebody has gone outside a step; the source is told now. */
static bool anyone_left(struct step_group *group)
{
    bool left = false;
    for (uint32_t i = 0; i < group->count; i++) {
        left = left || group->servers[i].left;
        group->servers[i].left = false;
    }
    return left;
}

static void group_main(void *data)
{
    struct step_group *group = data;
    struct source *source = group->servers[0].fleet->source;
    for (;;) {
        bool preempted = false, down = group->servers[0].down > 0;
        for (uint32_t i = 0; i < group->count; i++) {
            retired_free(&group->servers[i]);
        }
        if (down) {
            forget(group);
        }
        if (!down && decide_all(group, &preempted)) {
            play(group);
            source_wake(source);
        } else if (source->stirred || anyone_left(group)) {
            source_wake(source); /* others run meanwhile: look again */
        } else if (down || !preempted) {
            signal_wait(&group->signal, SERVER_WAKE);
        }
    }
}

void step_group_create(struct step_group *group, struct server *servers, uint32_t count,
                       struct arena *arena)
{
    *group = (struct step_group){.servers = servers,
                                 .count = count,
                                 .shapes = ARENA_ARRAY(arena, struct step_shape, count),
                                 .made_up = ARENA_ARRAY(arena, bool, count)};
    for (uint32_t i = 0; i < count; i++) {
        servers[i].group = group;
    }
}

void step_group_start(struct step_group *group)
{
    signal_init(&group->signal);
    actor_start(group->servers[0].fleet->engine, group->servers[0].first_gpu, group_main, group,
                true);
}

void step_group_wake(struct step_group *group)
{
    signal_wake(&group->signal, SERVER_WAKE);
}

void step_group_destroy(struct step_group *group)
{
    signal_destroy(&group->signal);
}
