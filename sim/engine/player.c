/* SPDX-License-Identifier: MIT
 * The actors that play a step program: two a rank, one for each stream. What a collective's plan
 * does is plan_player.h's. Whoever changes what another waits for wakes it. */
#include "models/step/step_overlap.h"
#include "sim/engine/actor.h"
#include "sim/engine/engine_internal.h"
#include "sim/engine/plan_player.h"

#include <inttypes.h>
#include <math.h>

/* What an actor may wait for besides an operator's end (its index) and what a plan waits for. */
#define AWAIT_SEGMENT (UINT32_MAX - 1)
#define AWAIT_PACE (UINT32_MAX - 4)

struct player;
struct rank_player;

struct stream_player {
    struct rank_player *rank;
    enum stream stream;
    struct actor_signal signal;
};

struct rank_player {
    struct player *player;
    struct rank_role role;
    struct stream_player streams[STREAM_COUNT];
    struct plan_player plans;
    struct group_member groups[GROUP_COUNT];
    uint32_t running_streams;
    struct span *spans;   /* [largest segment] of the segment being played */
    uint32_t *ended_play; /* [largest segment] the play in which an operator last ended */
    uint64_t plays;       /* of segments, this one included */
    uint64_t ended, due;  /* operators so far, and by the end of this play */
    double play_start;    /* of the segment, engine clock */
    double seconds;       /* played so far, repeats included */
    const struct step_operator *kernel;     /* what computes now; NULL: nothing */
    const struct step_operator *collective; /* what communicates now; NULL: nothing */
};

struct player {
    struct engine *engine;
    const struct play *play;
    double start;
    struct group_player *groups[GROUP_COUNT];
    struct rank_player *ranks; /* [rank_count] */
    uint32_t rank_count, finished_count;
    bool uses_stream[STREAM_COUNT];    /* by any operator */
    bool *overlaps[STEP_MAX_SEGMENTS]; /* [operators]: a collective may run beside it */
};

static uint32_t repeats_played(const struct player *player, const struct step_segment *segment)
{
    return player->play->folded ? 1 : segment->repeat;
}

/* --- what runs side by side --- */

/* A kernel or a collective has begun or ended beside the other. */
static void set_transfer_pace(struct rank_player *rank)
{
    const struct step_program *program = rank->player->play->program;
    plan_player_set_pace(&rank->plans,
                         step_overlap(program, rank->kernel, rank->collective).transfer);
}

static void set_collective(struct rank_player *rank, const struct step_operator *op)
{
    rank->collective = op;
    set_transfer_pace(rank);
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

static void play_collective(struct rank_player *rank, const struct step_operator *op, double times)
{
    bool shift = op->collective.call.kind == COLLECTIVE_SEND_RECV;
    struct group_member *member = &rank->groups[op->collective.group];
    group_begin(member, shift);
    set_collective(rank, op);
    group_play(member, &op->plan, op->cost.seconds, times);
    group_end(member, shift);
    set_collective(rank, NULL);
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
        plan_player_stop(&rank->plans);
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

/* Flows that a rank may have under way at once, where stand-ins play. */
static uint32_t most_flows(const struct player *player)
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
    return most;
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

/* Inboxes for the edges that the program's plans use. */
static void make_inboxes(struct rank_player *rank)
{
    const struct step_program *program = rank->player->play->program;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        for (uint32_t j = 0; j < program->segments[i].count; j++) {
            const struct step_operator *op = &program->segments[i].operators[j];
            if (op->kind == OPERATOR_COLLECTIVE) {
                group_member_expect(&rank->groups[op->collective.group], &op->plan);
            }
        }
    }
}

static void make_rank(struct player *player, struct rank_player *rank, uint32_t number,
                      uint32_t operators, struct arena *arena)
{
    const struct placement *placement = player->play->placement;
    rank->player = player;
    rank->role = placement_role(placement, number);
    rank->spans = ARENA_ARRAY(arena, struct span, operators);
    rank->ended_play = ARENA_ARRAY(arena, uint32_t, operators);
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        rank->streams[stream] = (struct stream_player){.rank = rank, .stream = (enum stream)stream};
        signal_init(&rank->streams[stream].signal);
    }
    plan_player_open(&rank->plans, player->engine, placement, rank->role.gpu,
                     &rank->streams[STREAM_COMMUNICATION].signal, most_flows(player), arena);
    for (int kind = 0; kind < GROUP_COUNT; kind++) {
        group_join(player->groups[kind], &rank->groups[kind], &rank->plans, &rank->role, arena);
    }
    make_inboxes(rank);
}

static void make_ranks(struct player *player, struct arena *arena)
{
    const struct play *play = player->play;
    uint32_t operators = largest_segment(play->program);
    for (int kind = 0; kind < GROUP_COUNT; kind++) {
        player->groups[kind] = group_players_create(play->placement, (enum group)kind, arena);
    }
    bool all = !play->folded || play->every_rank;
    uint32_t end = all ? play->placement->ranks : placement_stand_ins_end(play->placement);
    player->ranks = ARENA_ARRAY(arena, struct rank_player, end);
    for (uint32_t i = 0; i < end; i++) {
        if (all || placement_stand_in(play->placement, i) == i) {
            make_rank(player, &player->ranks[player->rank_count++], i, operators, arena);
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
        plan_player_start(&rank->plans);
    }
}

static void destroy_signals(struct player *player)
{
    for (uint32_t i = 0; i < player->rank_count; i++) {
        for (int stream = 0; stream < STREAM_COUNT; stream++) {
            signal_destroy(&player->ranks[i].streams[stream].signal);
        }
        plan_player_close(&player->ranks[i].plans);
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
        for (uint32_t gpu = 0; gpu < engine->used_end; gpu++) {
            engine->link_use[kind][gpu] = (struct link_use){0};
        }
    }
    engine->used_end = 0;
    find_overlaps(&player, arena);
    make_ranks(&player, arena);
    start_ranks(&player);
    engine_settle(engine);
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
