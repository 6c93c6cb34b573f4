/* SPDX-License-Identifier: MIT
 * The actors that play a step program: two a rank, one for each stream, and helpers for flows that
 * a collective starts side by side. Whoever changes what another waits for wakes it. */
#include "models/step/step_overlap.h"
#include "sim/engine/actor.h"
#include "sim/engine/engine_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

/* What an actor may wait for besides an operator's end (its index). */
#define AWAIT_SEGMENT (UINT32_MAX - 1)
#define AWAIT_GROUP (UINT32_MAX - 2)
#define AWAIT_JOB (UINT32_MAX - 3)
#define AWAIT_PACE (UINT32_MAX - 4)

enum { INBOX_BYTES = 32 };

struct player;
struct rank_player;

struct stream_player {
    struct rank_player *rank;
    enum stream stream;
    struct actor_signal signal;
};

/* Carries a flow beside the one that the stream's own actor carries. */
struct flow_helper {
    struct rank_player *rank;
    struct actor_signal signal;
    const struct collective_flow *flow;
    uint32_t to_gpu;
    double times;
    bool busy, stop;
};

struct rank_player {
    struct player *player;
    struct rank_role role;
    struct stream_player streams[STREAM_COUNT];
    struct flow_helper *helpers; /* [player->helper_count] */
    uint32_t pending_flows, running_streams;
    struct span *spans;   /* [largest segment] of the segment being played */
    uint32_t *ended_play; /* [largest segment] the play in which an operator last ended */
    uint64_t plays;       /* of segments, this one included */
    uint64_t ended, due;  /* operators so far, and by the end of this play */
    double play_start;    /* of the segment, engine clock */
    double seconds;       /* played so far, repeats included */
    const struct step_operator *kernel;     /* what computes now; NULL: nothing */
    const struct step_operator *collective; /* what communicates now; NULL: nothing */
    bool transfers;                         /* its latency has passed */
    void *inboxes[GROUP_COUNT][EDGE_COUNT]; /* where each edge's flow to this rank arrives */
    uint64_t joined[GROUP_COUNT];           /* collectives of all members so far */
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
    bool uses_stream[STREAM_COUNT];    /* by any operator */
    bool *overlaps[STEP_MAX_SEGMENTS]; /* [operators]: a collective may run beside it */
};

static uint32_t repeats_played(const struct player *player, const struct step_segment *segment)
{
    return player->play->folded ? 1 : segment->repeat;
}

/* --- what runs side by side --- */

/* Bytes per second that a flow of the collective may reach beside what computes now; 0: what the
 * links give. */
static double flow_limit(const struct rank_player *rank, const struct collective_flow *flow)
{
    const struct step_operator *op = rank->collective;
    double pace = step_overlap(rank->player->play->program, rank->kernel, op).transfer;
    if (pace <= 1.0) {
        return flow->limit_bytes_per_second;
    }
    return flow->bytes / ((op->cost.seconds - op->plan.latency_seconds) * pace);
}

static uint32_t flow_target(const struct rank_player *rank, const struct step_operator *op,
                            const struct collective_flow *flow)
{
    return placement_edge_gpu(rank->player->play->layout, &rank->role, op->collective.group,
                              op->plan.group, flow->edge);
}

/* A kernel has begun or ended beside the rank's transfer. */
static void set_transfer_pace(struct rank_player *rank)
{
    const struct step_operator *op = rank->collective;
    for (uint32_t i = 0; rank->transfers && i < op->plan.flow_count; i++) {
        const struct collective_flow *flow = &op->plan.flows[i];
        engine_set_limit(rank->player->engine, rank->role.gpu, flow_target(rank, op, flow),
                         flow_limit(rank, flow));
    }
}

/* A collective has begun or ended beside the rank's kernel. */
static void set_collective(struct rank_player *rank, const struct step_operator *op)
{
    rank->collective = op;
    rank->transfers = false;
    signal_wake(&rank->streams[STREAM_COMPUTE].signal, AWAIT_PACE);
}

/* Runs a kernel at the pace that the rank's collectives leave it. */
static void play_kernel(struct stream_player *self, const struct step_operator *op, bool overlaps)
{
    struct rank_player *rank = self->rank;
    rank->player->engine->events++;
    if (!overlaps || op->kind == OPERATOR_HOST) {
        actor_sleep(op->cost.seconds);
        return;
    }
    rank->kernel = op;
    set_transfer_pace(rank);
    double remaining = op->cost.seconds;
    while (remaining > 0.0) {
        double pace = step_overlap(rank->player->play->program, op, rank->collective).kernel;
        double since = engine_clock();
        bool changed = signal_wait_until(&self->signal, AWAIT_PACE, remaining * pace);
        remaining = changed ? remaining - (engine_clock() - since) / pace : 0.0;
    }
    rank->kernel = NULL;
    set_transfer_pace(rank);
}

/* --- flows --- */

static void run_helper(void *data)
{
    struct flow_helper *helper = data;
    struct rank_player *rank = helper->rank;
    for (;;) {
        while (!helper->busy && !helper->stop) {
            signal_wait(&helper->signal, AWAIT_JOB);
        }
        if (helper->stop) {
            return;
        }
        actor_send(rank->player->engine, rank->role.gpu, helper->to_gpu, helper->flow->bytes,
                   flow_limit(rank, helper->flow), helper->times);
        helper->busy = false;
        rank->pending_flows--;
        signal_wake(&rank->streams[STREAM_COMMUNICATION].signal, AWAIT_JOB);
    }
}

static void hand_over(struct rank_player *rank, uint32_t slot, uint32_t to,
                      const struct collective_flow *flow, double times)
{
    assert(slot < rank->player->helper_count && "more flows at once than were planned");
    struct flow_helper *helper = &rank->helpers[slot];
    helper->to_gpu = to;
    helper->flow = flow;
    helper->times = times;
    helper->busy = true;
    rank->pending_flows++;
    signal_wake(&helper->signal, AWAIT_JOB);
}

/* Flows to ranks that a stand-in plays for: nobody is there to receive them. */
static void send_flows(struct rank_player *rank, const struct step_operator *op, double times)
{
    const struct collective_flow *own = NULL;
    uint32_t own_to = 0, slot = 0;
    for (uint32_t i = 0; i < op->plan.flow_count; i++) {
        const struct collective_flow *flow = &op->plan.flows[i];
        uint32_t to = flow_target(rank, op, flow);
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
        actor_send(rank->player->engine, rank->role.gpu, own_to, own->bytes, flow_limit(rank, own),
                   times);
    }
    while (rank->pending_flows > 0) {
        signal_wait(&rank->streams[STREAM_COMMUNICATION].signal, AWAIT_JOB);
    }
}

/* Flows among ranks that are all played: each sends and receives along every edge. */
static void exchange_flows(struct rank_player *rank, const struct group_player *group,
                           const struct step_operator *op, double times)
{
    enum group kind = op->collective.group;
    struct actor_way ways[COLLECTIVE_MAX_FLOWS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < op->plan.flow_count; i++) {
        const struct collective_flow *flow = &op->plan.flows[i];
        uint32_t next = placement_edge_member(rank->role.member[kind], op->plan.group, flow->edge);
        if (next == rank->role.member[kind] || flow->bytes <= 0.0) {
            continue;
        }
        const struct rank_player *target = group->members[next];
        ways[count++] = (struct actor_way){
            .outbox = target->inboxes[kind][flow->edge],
            .inbox = rank->inboxes[kind][flow->edge],
            .to_gpu = target->role.gpu,
            .bytes = flow->bytes,
            .limit = flow_limit(rank, flow),
        };
    }
    actor_exchange(rank->player->engine, rank->role.gpu, ways, count, times);
}

/* The plan's latency, then all its flows at once; returns when the last has arrived. */
static void play_plan(struct rank_player *rank, const struct group_player *group,
                      const struct step_operator *op, double times)
{
    set_collective(rank, op);
    actor_sleep(op->plan.latency_seconds);
    rank->transfers = true;
    if (group->played == group->size) {
        exchange_flows(rank, group, op, times);
    } else {
        send_flows(rank, op, times);
    }
}

/* --- collectives --- */

static void wake_member(struct rank_player *member)
{
    if (member != NULL) {
        signal_wake(&member->streams[STREAM_COMMUNICATION].signal, AWAIT_GROUP);
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
    if (group->played == group->size) {
        play_plan(rank, group, op, times); /* an exchange waits for both ends by itself */
        return;
    }
    struct actor_signal *self = &rank->streams[STREAM_COMMUNICATION].signal;
    uint32_t member = rank->role.member[kind];
    struct rank_player *next = group->members[(member + 1) % group->size];
    struct rank_player *previous = group->members[(member + group->size - 1) % group->size];
    uint64_t call = ++rank->arrived[kind];
    wake_member(previous);
    while (next != NULL && next->arrived[kind] < call) {
        signal_wait(self, AWAIT_GROUP);
    }
    play_plan(rank, group, op, times);
    rank->sent[kind] = call;
    wake_member(next);
    while (previous != NULL && previous->sent[kind] < call) {
        signal_wait(self, AWAIT_GROUP);
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
    struct actor_signal *self = &rank->streams[STREAM_COMMUNICATION].signal;
    uint64_t due = ++rank->joined[kind] * group->played;
    if (++group->arrived == due) {
        wake_group(group);
    }
    while (group->arrived < due) {
        signal_wait(self, AWAIT_GROUP);
    }
    play_plan(rank, group, op, times);
    if (++group->finished == due) {
        wake_group(group);
    }
    while (group->finished < due) {
        signal_wait(self, AWAIT_GROUP);
    }
}

/* --- streams --- */

static void end_operator(struct rank_player *rank, uint32_t segment_index, uint32_t repeat,
                         uint32_t index)
{
    struct player *player = rank->player;
    double now = engine_clock() - rank->play_start;
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
        signal_wake(&rank->streams[stream].signal,
                    rank->ended == rank->due ? AWAIT_SEGMENT : index);
    }
}

static void play_operator(struct stream_player *self, uint32_t segment_index, uint32_t repeat,
                          uint32_t index)
{
    struct rank_player *rank = self->rank;
    const struct step_segment *segment = &rank->player->play->program->segments[segment_index];
    const struct step_operator *op = &segment->operators[index];
    for (uint32_t i = 0; i < op->after_count; i++) {
        while (rank->ended_play[op->after[i]] != (uint32_t)rank->plays) {
            signal_wait(&self->signal, op->after[i]);
        }
    }
    rank->spans[index].start_seconds = engine_clock() - rank->play_start;
    if (op->kind == OPERATOR_COLLECTIVE) {
        play_collective(rank, op, rank->player->play->folded ? segment->repeat : 1.0);
        set_collective(rank, NULL);
    } else {
        play_kernel(self, op, rank->player->overlaps[segment_index][index]);
    }
    end_operator(rank, segment_index, repeat, index);
}

/* The first stream of a rank to reach a play opens it for both. */
static void open_play(struct rank_player *rank, const struct step_segment *segment, uint64_t play)
{
    if (rank->plays < play) {
        rank->plays = play;
        rank->due = rank->ended + segment->count;
        rank->play_start = engine_clock();
    }
}

static void run_stream(void *data)
{
    struct stream_player *self = data;
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
                signal_wait(&self->signal, AWAIT_SEGMENT);
            }
        }
    }
    if (--rank->running_streams == 0) {
        player->finished_count++;
        for (uint32_t i = 0; i < player->helper_count; i++) {
            rank->helpers[i].stop = true;
            signal_wake(&rank->helpers[i].signal, AWAIT_JOB);
        }
    }
}

/* --- setting up --- */

static uint32_t largest_segment(const struct step_program *program)
{
    uint32_t largest = 1;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        largest = program->segments[i].count > largest ? program->segments[i].count : largest;
    }
    return largest;
}

/* Flows that a rank may have under way besides the one its own actor carries, where stand-ins
 * play. */
static uint32_t helpers_needed(const struct player *player)
{
    uint32_t most = 1;
    const struct step_program *program = player->play->program;
    for (uint32_t i = 0; player->play->folded && i < program->segment_count; i++) {
        for (uint32_t j = 0; j < program->segments[i].count; j++) {
            const struct step_operator *op = &program->segments[i].operators[j];
            uint32_t flows = op->kind == OPERATOR_COLLECTIVE ? op->plan.flow_count : 0;
            most = flows > most ? flows : most;
        }
    }
    return most - 1;
}

/* Which operators a collective may run beside: in the order of their streams, the first collective
 * that an operator does not wait for, directly or not, does not wait for it either. */
static void find_overlaps(struct player *player, struct arena *arena)
{
    const struct step_program *program = player->play->program;
    for (uint32_t s = 0; s < program->segment_count; s++) {
        const struct step_segment *segment = &program->segments[s];
        bool *overlaps = player->overlaps[s] = ARENA_ARRAY(arena, bool, segment->count + 1);
        /* The last operator of each stream that must have ended before operator i starts, plus 1.
         */
        uint32_t(*before)[STREAM_COUNT] =
            (uint32_t(*)[STREAM_COUNT])arena_array(arena, segment->count + 1, sizeof *before);
        uint32_t latest[STREAM_COUNT] = {0};
        for (uint32_t i = 0; i < segment->count; i++) {
            const struct step_operator *op = &segment->operators[i];
            for (int stream = 0; stream < STREAM_COUNT; stream++) {
                uint32_t own = latest[op->stream];
                before[i][stream] = own > 0 ? before[own - 1][stream] : 0;
                for (uint32_t j = 0; j < op->after_count; j++) {
                    uint32_t dependency = op->after[j];
                    uint32_t reached = segment->operators[dependency].stream == (enum stream)stream
                                           ? dependency + 1
                                           : before[dependency][stream];
                    before[i][stream] = reached > before[i][stream] ? reached : before[i][stream];
                }
            }
            before[i][op->stream] = latest[op->stream];
            latest[op->stream] = i + 1;
            player->uses_stream[op->stream] = true;
        }
        for (uint32_t i = 0; i < segment->count; i++) {
            uint32_t next = before[i][STREAM_COMMUNICATION];
            while (next < segment->count &&
                   segment->operators[next].stream != STREAM_COMMUNICATION) {
                next++;
            }
            overlaps[i] = segment->operators[i].stream == STREAM_COMPUTE && next < segment->count &&
                          before[next][STREAM_COMPUTE] <= i;
        }
    }
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

/* Inboxes for the edges that the program's plans use. */
static void make_inboxes(struct rank_player *rank)
{
    const struct step_program *program = rank->player->play->program;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        for (uint32_t j = 0; j < program->segments[i].count; j++) {
            const struct step_operator *op = &program->segments[i].operators[j];
            uint32_t flows = op->kind == OPERATOR_COLLECTIVE ? op->plan.flow_count : 0;
            for (uint32_t k = 0; k < flows; k++) {
                enum group kind = op->collective.group;
                enum collective_edge edge = op->plan.flows[k].edge;
                if (rank->inboxes[kind][edge] == NULL) {
                    char name[INBOX_BYTES];
                    snprintf(name, sizeof name, "%" PRIu32 ".%d.%d", rank->role.rank, (int)kind,
                             (int)edge);
                    rank->inboxes[kind][edge] = actor_inbox(name);
                }
            }
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
        rank->streams[stream] = (struct stream_player){.rank = rank, .stream = (enum stream)stream};
        signal_init(&rank->streams[stream].signal);
    }
    make_inboxes(rank);
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
        if (!play->folded || play->every_rank ||
            placement_stand_in(play->layout, play->cluster, i) == i) {
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
            if (player->uses_stream[stream]) {
                rank->running_streams++;
                actor_start(player->engine, rank->role.gpu, run_stream, &rank->streams[stream],
                            false);
            }
        }
        for (uint32_t j = 0; j < player->helper_count; j++) {
            rank->helpers[j].rank = rank;
            signal_init(&rank->helpers[j].signal);
            actor_start(player->engine, rank->role.gpu, run_helper, &rank->helpers[j], false);
        }
    }
}

/* One other's flow after another. */
struct background_player {
    struct player *player;
    const struct background *background;
};

static void run_others(void *data)
{
    const struct background_player *self = data;
    const struct background *background = self->background;
    actor_sleep(background->start_seconds);
    for (uint64_t i = 0; background->count == 0 || i < background->count; i++) {
        actor_send(self->player->engine, background->from_gpu, background->to_gpu,
                   background->bytes, 0.0, 1.0);
    }
}

static void start_background(struct player *player, struct arena *arena)
{
    uint32_t count = player->play->background_count;
    struct background_player *others = ARENA_ARRAY(arena, struct background_player, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        others[i] = (struct background_player){.player = player,
                                               .background = &player->play->background[i]};
        actor_start(player->engine, others[i].background->from_gpu, run_others, &others[i], true);
    }
}

static void destroy_signals(struct player *player)
{
    for (uint32_t i = 0; i < player->rank_count; i++) {
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            signal_destroy(&player->ranks[i].streams[stream].signal);
        }
        for (uint32_t j = 0; j < player->helper_count; j++) {
            signal_destroy(&player->ranks[i].helpers[j].signal);
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
    struct player player = {.engine = engine, .play = play, .start = engine_clock()};
    engine->play_start = player.start;
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
        for (uint32_t gpu = 0; gpu < engine->gpu_count; gpu++) {
            engine->link_use[kind][gpu] = (struct link_use){0};
        }
    }
    player.helper_count = helpers_needed(&player);
    find_overlaps(&player, arena);
    make_groups(&player, arena);
    make_ranks(&player, arena);
    start_ranks(&player);
    start_background(&player, arena);
    engine_run(engine);
    *seconds = 0.0;
    for (uint32_t i = 0; i < player.rank_count; i++) {
        *seconds = fmax(*seconds, player.ranks[i].seconds);
    }
    bool complete = player.finished_count == player.rank_count;
    if (complete) {
        destroy_signals(&player);
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
