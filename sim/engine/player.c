/* SPDX-License-Identifier: MIT
 * The actors that play a step program: two a rank, one for each stream, and helpers for flows that
 * a collective starts side by side. Actors run one at a time between SimGrid calls, so the plain
 * fields they share need no lock; whoever changes what another waits for wakes it. */
#include "sim/engine/engine_internal.h"
#include "sim/engine/platform_xml.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <simgrid/semaphore.h>

#define AWAIT_NOTHING UINT32_MAX
#define AWAIT_SEGMENT (UINT32_MAX - 1)
#define AWAIT_GROUP (UINT32_MAX - 2)
#define AWAIT_JOB (UINT32_MAX - 3)

struct player;
struct rank_player;

/* An actor that can wait for something: an operator (its index) or one of AWAIT_*. */
struct waiter {
    struct rank_player *rank;
    enum stream stream;
    sg_sem_t semaphore;
    uint32_t awaits;
};

struct flow_helper {
    struct waiter waiter;
    uint32_t to_gpu;
    double bytes, limit_bytes_per_second, times;
    bool busy, stop;
};

struct rank_player {
    struct player *player;
    struct rank_role role;
    struct waiter streams[STREAM_COUNT];
    struct flow_helper *helpers; /* [player->helper_count] */
    uint32_t pending_flows;
    struct span *spans;           /* [largest segment] of the segment being played */
    uint32_t *ended_play;         /* [largest segment] the play in which an operator last ended */
    uint64_t plays;               /* of segments, this one included */
    uint64_t ended, due;          /* operators so far, and by the end of this play */
    double play_start;            /* of the segment, engine clock */
    double seconds;               /* played so far, repeats included */
    uint64_t joined[GROUP_COUNT]; /* collectives of all members so far */
    uint64_t arrived[GROUP_COUNT], sent[GROUP_COUNT]; /* shifts so far */
};

/* The played members of one group. */
struct group_player {
    struct rank_player **members; /* [size]; NULL where a stand-in plays for the member */
    uint32_t size, played;
    uint64_t arrived, finished;
};

struct player {
    struct engine *engine;
    const struct play *play;
    double start;
    struct group_player *groups[GROUP_COUNT];
    struct rank_player *ranks; /* [rank_count] */
    uint32_t rank_count, helper_count, finished_count;
};

static void wait_for(struct waiter *waiter, uint32_t what)
{
    waiter->awaits = what;
    sg_sem_acquire(waiter->semaphore);
}

static void wake(struct waiter *waiter, uint32_t what)
{
    if (waiter->awaits == what) {
        waiter->awaits = AWAIT_NOTHING;
        sg_sem_release(waiter->semaphore);
    }
}

static uint32_t repeats_played(const struct player *player, const struct step_segment *segment)
{
    return player->play->folded ? 1 : segment->repeat;
}

/* --- flows --- */

static bool in_one_node(const struct player *player, uint32_t from, uint32_t to)
{
    uint32_t gpus = player->engine->cluster->gpus_per_node;
    return from / gpus == to / gpus;
}

/* A flow takes both ends of its way; `times`: plays that this one stands for. */
struct way {
    struct link_use *out, *in;
    double times;
};

static struct way enter(struct player *player, uint32_t from, uint32_t to, double bytes,
                        double times)
{
    struct engine *engine = player->engine;
    bool in_node = in_one_node(player, from, to);
    struct way way = {
        .out = &engine->link_use[in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT][from],
        .in = &engine->link_use[in_node ? LINK_NVLINK_IN : LINK_NIC_IN][to],
        .times = times,
    };
    struct link_use *const uses[] = {way.out, way.in};
    for (int i = 0; i < 2; i++) {
        uses[i]->bytes += times * bytes;
        if (uses[i]->flows++ == 0) {
            uses[i]->since = simgrid_get_clock();
        }
    }
    engine->events++;
    return way;
}

static void leave(struct way way)
{
    struct link_use *const uses[] = {way.out, way.in};
    for (int i = 0; i < 2; i++) {
        if (--uses[i]->flows == 0) {
            uses[i]->busy_seconds += way.times * (simgrid_get_clock() - uses[i]->since);
        }
    }
}

/* Holds what `from` sends that way to a rate. Most calls change nothing. */
static void set_limit(struct engine *engine, enum limiter limiter, uint32_t from, double limit)
{
    if (engine->limits[limiter][from] != limit) {
        engine->limits[limiter][from] = limit;
        sg_link_set_bandwidth(engine->limiters[limiter][from], limit);
    }
}

/* Bytes that take as long alone as `bytes` at the limit: on a platform of the user's own there is
 * no limiter to set. */
static double stretched_bytes(const struct engine *engine, uint32_t from, uint32_t to, double bytes,
                              double limit)
{
    double route = sg_host_get_route_bandwidth(engine->hosts[from], engine->hosts[to]);
    return route > limit ? bytes * route / limit : bytes;
}

/* `limit`: bytes per second; 0: none. */
static void send_bytes(struct player *player, uint32_t from, uint32_t to, double bytes,
                       double limit, double times)
{
    struct engine *engine = player->engine;
    struct way way = enter(player, from, to, bytes, times);
    double limited = limit > 0.0 ? limit : PLATFORM_UNLIMITED;
    if (engine->own_platform) {
        bytes = stretched_bytes(engine, from, to, bytes, limited);
    } else {
        set_limit(engine, in_one_node(player, from, to) ? LIMITER_NODE : LIMITER_FABRIC, from,
                  limited);
    }
    sg_host_sendto(engine->hosts[from], engine->hosts[to], bytes);
    leave(way);
}

static void run_helper(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct flow_helper *helper = sg_actor_self_get_data();
    struct rank_player *rank = helper->waiter.rank;
    for (;;) {
        while (!helper->busy && !helper->stop) {
            wait_for(&helper->waiter, AWAIT_JOB);
        }
        if (helper->stop) {
            return;
        }
        send_bytes(rank->player, rank->role.gpu, helper->to_gpu, helper->bytes,
                   helper->limit_bytes_per_second, helper->times);
        helper->busy = false;
        rank->pending_flows--;
        wake(&rank->streams[STREAM_COMMUNICATION], AWAIT_JOB);
    }
}

static void hand_over(struct rank_player *rank, uint32_t slot, uint32_t to,
                      const struct collective_flow *flow, double times)
{
    assert(slot < rank->player->helper_count && "more flows at once than were planned");
    struct flow_helper *helper = &rank->helpers[slot];
    helper->to_gpu = to;
    helper->bytes = flow->bytes;
    helper->limit_bytes_per_second = flow->limit_bytes_per_second;
    helper->times = times;
    helper->busy = true;
    rank->pending_flows++;
    wake(&helper->waiter, AWAIT_JOB);
}

/* All flows of a plan at once; returns when the last has arrived. */
static void play_flows(struct rank_player *rank, const struct step_operator *op, double times)
{
    struct player *player = rank->player;
    const struct collective_flow *own = NULL;
    uint32_t own_to = 0, slot = 0;
    for (uint32_t i = 0; i < op->plan.flow_count; i++) {
        const struct collective_flow *flow = &op->plan.flows[i];
        uint32_t to = placement_edge_gpu(player->play->layout, &rank->role, op->collective.group,
                                         op->plan.group, flow->edge);
        if (to == rank->role.gpu || flow->bytes <= 0.0) {
            continue;
        }
        if (own == NULL) {
            own = flow;
            own_to = to;
        } else {
            hand_over(rank, slot++, to, flow, times);
        }
    }
    if (own != NULL) {
        send_bytes(player, rank->role.gpu, own_to, own->bytes, own->limit_bytes_per_second, times);
    }
    while (rank->pending_flows > 0) {
        wait_for(&rank->streams[STREAM_COMMUNICATION], AWAIT_JOB);
    }
}

/* --- collectives --- */

static void wake_member(struct rank_player *member)
{
    if (member != NULL) {
        wake(&member->streams[STREAM_COMMUNICATION], AWAIT_GROUP);
    }
}

static void wake_group(struct group_player *group)
{
    for (uint32_t i = 0; i < group->size; i++) {
        wake_member(group->members[i]);
    }
}

/* A shift starts when the next rank is ready to receive, and ends when the previous rank's data is
 * here too. */
static void play_shift(struct rank_player *rank, struct group_player *group,
                       const struct step_operator *op, double times)
{
    enum group kind = op->collective.group;
    struct waiter *self = &rank->streams[STREAM_COMMUNICATION];
    uint32_t member = rank->role.member[kind];
    struct rank_player *next = group->members[(member + 1) % group->size];
    struct rank_player *previous = group->members[(member + group->size - 1) % group->size];
    uint64_t call = ++rank->arrived[kind];
    wake_member(previous);
    while (next != NULL && next->arrived[kind] < call) {
        wait_for(self, AWAIT_GROUP);
    }
    sg_actor_sleep_for(op->plan.latency_seconds);
    play_flows(rank, op, times);
    rank->sent[kind] = call;
    wake_member(next);
    while (previous != NULL && previous->sent[kind] < call) {
        wait_for(self, AWAIT_GROUP);
    }
}

static void play_collective(struct rank_player *rank, const struct step_operator *op, double times)
{
    enum group kind = op->collective.group;
    struct group_player *group = &rank->player->groups[kind][rank->role.group[kind]];
    if (op->collective.call.kind == COLLECTIVE_SEND_RECV) {
        play_shift(rank, group, op, times);
        return;
    }
    struct waiter *self = &rank->streams[STREAM_COMMUNICATION];
    uint64_t due = ++rank->joined[kind] * group->played;
    if (++group->arrived == due) {
        wake_group(group);
    }
    while (group->arrived < due) {
        wait_for(self, AWAIT_GROUP);
    }
    sg_actor_sleep_for(op->plan.latency_seconds);
    play_flows(rank, op, times);
    if (++group->finished == due) {
        wake_group(group);
    }
    while (group->finished < due) {
        wait_for(self, AWAIT_GROUP);
    }
}

/* --- streams --- */

static void end_operator(struct rank_player *rank, uint32_t segment_index, uint32_t repeat,
                         uint32_t index)
{
    struct player *player = rank->player;
    double now = simgrid_get_clock() - rank->play_start;
    rank->spans[index].end_seconds = now;
    rank->ended_play[index] = (uint32_t)rank->plays;
    rank->ended++;
    if (rank->ended == rank->due) {
        const struct step_segment *segment = &player->play->program->segments[segment_index];
        if (player->play->observer != NULL) {
            player->play->observer(player->play->context, &rank->role, segment_index, repeat,
                                   rank->play_start - player->start, now, rank->spans);
        }
        rank->seconds += now * (player->play->folded ? segment->repeat : 1);
    }
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        wake(&rank->streams[stream], rank->ended == rank->due ? AWAIT_SEGMENT : index);
    }
}

static void play_operator(struct waiter *self, uint32_t segment_index, uint32_t repeat,
                          uint32_t index)
{
    struct rank_player *rank = self->rank;
    const struct step_segment *segment = &rank->player->play->program->segments[segment_index];
    const struct step_operator *op = &segment->operators[index];
    for (uint32_t i = 0; i < op->after_count; i++) {
        while (rank->ended_play[op->after[i]] != (uint32_t)rank->plays) {
            wait_for(self, op->after[i]);
        }
    }
    rank->spans[index].start_seconds = simgrid_get_clock() - rank->play_start;
    if (op->kind == OPERATOR_COLLECTIVE) {
        play_collective(rank, op, rank->player->play->folded ? segment->repeat : 1.0);
    } else {
        sg_actor_sleep_for(op->cost.seconds);
        rank->player->engine->events++;
    }
    end_operator(rank, segment_index, repeat, index);
}

/* The first stream of a rank to reach a play opens it for both. */
static void open_play(struct rank_player *rank, const struct step_segment *segment, uint64_t play)
{
    if (rank->plays < play) {
        rank->plays = play;
        rank->due = rank->ended + segment->count;
        rank->play_start = simgrid_get_clock();
    }
}

static void run_stream(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct waiter *self = sg_actor_self_get_data();
    struct rank_player *rank = self->rank;
    struct player *player = rank->player;
    const struct step_program *program = player->play->program;
    uint64_t play = 0;
    for (uint32_t s = 0; s < program->segment_count; s++) {
        const struct step_segment *segment = &program->segments[s];
        for (uint32_t repeat = 0; repeat < repeats_played(player, segment); repeat++) {
            open_play(rank, segment, ++play);
            for (uint32_t i = 0; i < segment->count; i++) {
                if (segment->operators[i].stream == self->stream) {
                    play_operator(self, s, repeat, i);
                }
            }
            while (rank->plays == play && rank->ended < rank->due) {
                wait_for(self, AWAIT_SEGMENT);
            }
        }
    }
    if (self->stream == STREAM_COMPUTE) {
        player->finished_count++;
        for (uint32_t i = 0; i < player->helper_count; i++) {
            rank->helpers[i].stop = true;
            wake(&rank->helpers[i].waiter, AWAIT_JOB);
        }
    }
}

/* --- setting up --- */

static void start_actor(struct player *player, uint32_t gpu, xbt_main_func_t code, void *data,
                        bool daemon)
{
    sg_actor_t actor = sg_actor_init("rank", player->engine->hosts[gpu]);
    sg_actor_set_data(actor, data);
    sg_actor_start_(actor, code, 0, NULL);
    if (daemon) {
        sg_actor_daemonize(actor);
    }
}

static void init_waiter(struct waiter *waiter, struct rank_player *rank, enum stream stream)
{
    *waiter = (struct waiter){
        .rank = rank, .stream = stream, .semaphore = sg_sem_init(0), .awaits = AWAIT_NOTHING};
}

static uint32_t largest_segment(const struct step_program *program)
{
    uint32_t largest = 1;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        largest = program->segments[i].count > largest ? program->segments[i].count : largest;
    }
    return largest;
}

/* Flows that a rank may have under way besides the one its own actor carries. */
static uint32_t helpers_needed(const struct player *player)
{
    uint32_t most = 1;
    const struct step_program *program = player->play->program;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        for (uint32_t j = 0; j < program->segments[i].count; j++) {
            const struct step_operator *op = &program->segments[i].operators[j];
            uint32_t flows = op->kind == OPERATOR_COLLECTIVE ? op->plan.flow_count : 0;
            most = flows > most ? flows : most;
        }
    }
    return most - 1;
}

static void make_groups(struct player *player, struct arena *arena)
{
    const struct layout *layout = player->play->layout;
    for (int kind = 0; kind < GROUP_COUNT; kind++) {
        uint32_t count = placement_group_count(layout, (enum group)kind);
        uint32_t size = layout_gpus(layout) / count;
        player->groups[kind] = ARENA_ARRAY(arena, struct group_player, count);
        for (uint32_t i = 0; i < count; i++) {
            player->groups[kind][i].size = size;
            player->groups[kind][i].members = ARENA_ARRAY(arena, struct rank_player *, size);
        }
    }
}

static void make_rank(struct player *player, struct rank_player *rank, struct rank_role role,
                      uint32_t operators, struct arena *arena)
{
    rank->player = player;
    rank->role = role;
    rank->spans = ARENA_ARRAY(arena, struct span, operators);
    rank->ended_play = ARENA_ARRAY(arena, uint32_t, operators);
    rank->helpers = ARENA_ARRAY(arena, struct flow_helper, player->helper_count + 1);
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        init_waiter(&rank->streams[stream], rank, (enum stream)stream);
    }
    for (int kind = 0; kind < GROUP_COUNT; kind++) {
        struct group_player *group = &player->groups[kind][role.group[kind]];
        group->members[role.member[kind]] = rank;
        group->played++;
    }
}

static void make_ranks(struct player *player, struct arena *arena)
{
    const struct play *play = player->play;
    uint32_t all = layout_gpus(play->layout);
    uint32_t operators = largest_segment(play->program);
    player->ranks = ARENA_ARRAY(arena, struct rank_player, all);
    for (uint32_t i = 0; i < all; i++) {
        if (!play->folded || placement_stand_in(play->layout, play->cluster, i) == i) {
            make_rank(player, &player->ranks[player->rank_count++], placement_role(play->layout, i),
                      operators, arena);
        }
    }
}

static void start_ranks(struct player *player)
{
    for (uint32_t i = 0; i < player->rank_count; i++) {
        struct rank_player *rank = &player->ranks[i];
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            start_actor(player, rank->role.gpu, run_stream, &rank->streams[stream], false);
        }
        for (uint32_t j = 0; j < player->helper_count; j++) {
            init_waiter(&rank->helpers[j].waiter, rank, STREAM_COMMUNICATION);
            start_actor(player, rank->role.gpu, run_helper, &rank->helpers[j], false);
        }
    }
}

/* One other's flow after another. */
struct background_player {
    struct player *player;
    const struct background *background;
};

static void run_others(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct background_player *self = sg_actor_self_get_data();
    const struct background *background = self->background;
    sg_actor_sleep_for(background->start_seconds);
    for (uint64_t i = 0; background->count == 0 || i < background->count; i++) {
        send_bytes(self->player, background->from_gpu, background->to_gpu, background->bytes, 0.0,
                   1.0);
    }
}

static void start_background(struct player *player, struct arena *arena)
{
    uint32_t count = player->play->background_count;
    struct background_player *others = ARENA_ARRAY(arena, struct background_player, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        others[i] = (struct background_player){.player = player,
                                               .background = &player->play->background[i]};
        start_actor(player, others[i].background->from_gpu, run_others, &others[i], true);
    }
}

static void destroy_semaphores(struct player *player)
{
    for (uint32_t i = 0; i < player->rank_count; i++) {
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            sg_sem_destroy(player->ranks[i].streams[stream].semaphore);
        }
        for (uint32_t j = 0; j < player->helper_count; j++) {
            sg_sem_destroy(player->ranks[i].helpers[j].waiter.semaphore);
        }
    }
}

/* SimGrid aborts on a time that is no number. */
static bool is_priced(const struct step_program *program, struct diagnostics *diagnostics)
{
    for (uint32_t i = 0; i < program->segment_count; i++) {
        for (uint32_t j = 0; j < program->segments[i].count; j++) {
            const struct step_operator *op = &program->segments[i].operators[j];
            double seconds =
                op->kind == OPERATOR_COLLECTIVE ? op->plan.latency_seconds : op->cost.seconds;
            if (!isfinite(seconds) || seconds < 0.0) {
                DIAGNOSE_ERROR(
                    diagnostics, ((struct mark){0}),
                    "the models give operator \"%s\" of \"%s\" no time (%g s); a constant "
                    "of the GPU, cluster or software file is out of its useful range",
                    op->name, program->segments[i].name, seconds);
                return false;
            }
        }
    }
    return true;
}

bool engine_play(struct engine *engine, const struct play *play, double *seconds,
                 struct diagnostics *diagnostics)
{
    if (!is_priced(play->program, diagnostics)) {
        return false;
    }
    struct arena *arena = arena_create();
    struct player player = {.engine = engine, .play = play, .start = simgrid_get_clock()};
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
        for (uint32_t gpu = 0; gpu < engine->gpu_count; gpu++) {
            engine->link_use[kind][gpu] = (struct link_use){0};
        }
    }
    player.helper_count = helpers_needed(&player);
    make_groups(&player, arena);
    make_ranks(&player, arena);
    start_ranks(&player);
    start_background(&player, arena);
    simgrid_run();
    *seconds = 0.0;
    for (uint32_t i = 0; i < player.rank_count; i++) {
        *seconds = fmax(*seconds, player.ranks[i].seconds);
    }
    bool complete = player.finished_count == player.rank_count;
    if (complete) {
        destroy_semaphores(&player);
    } else {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){0}),
                       "the simulation stalled: %" PRIu32 " of %" PRIu32
                       " ranks finished, the rest wait for each other; this is a fault of cpsim, "
                       "please report the scenario",
                       player.finished_count, player.rank_count);
    }
    arena_destroy(arena);
    return complete;
}
