/* SPDX-License-Identifier: MIT
 * What shares a link slows each other down. Programs of one hop on round links (NVLink 400 GB/s,
 * NICs 50 GB/s), so that every time is a fraction worked by hand. */
#include "fixture.h"
#include "run_tests.h"
#include "sim/engine/background.h"
#include "sim/engine/engine.h"

#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define GB 1e9

/* A shift of `bytes` round the context group, `limit` bytes per second at most (0: none). */
static struct step_operator hop(struct group_shape group, double bytes, double limit)
{
    return (struct step_operator){
        .kind = OPERATOR_COLLECTIVE,
        .stream = STREAM_COMMUNICATION,
        .name = "ring hop",
        .collective = {.group = GROUP_CONTEXT,
                       .call = {.kind = COLLECTIVE_SEND_RECV, .group = group, .bytes = bytes}},
        .plan =
            {.algorithm = "p2p",
             .group = group,
             .flows = {{.edge = EDGE_RING_NEXT, .bytes = bytes, .limit_bytes_per_second = limit}},
             .flow_count = 1},
    };
}

/* Seconds that one hop takes on `nics` cards a node under `layout`, beside `background`. */
static double play_hop_here(uint32_t nics, struct layout layout, double limit,
                            const struct background *background, bool folded)
{
    struct cluster cluster = fixture_cluster;
    cluster.nodes = 4;
    cluster.nics_per_node = nics;
    struct replica replica = {.llm = &fixture_llm, .cluster = &cluster, .layout = &layout};
    struct step_operator shift = hop(replica_group(&replica, GROUP_CONTEXT), 10 * GB, limit);
    struct step_program program = {
        .segments = {{.name = "hop", .repeat = 3, .count = 1, .operators = &shift}},
        .segment_count = 1};
    struct diagnostics *diagnostics = diagnostics_create();
    const struct engine_setup setup = {
        .cluster = &cluster, .nodes = cluster.nodes, .lanes = LANE_COUNT};
    struct engine *engine = engine_open(&setup, diagnostics);
    struct placement placement = placement_of(&layout, &cluster, STAGES_INSIDE);
    struct play play = {.program = &program, .placement = &placement, .folded = folded};
    double seconds = NAN;
    struct arena *arena = arena_create();
    struct background_traffic *traffic =
        background_start(engine, arena, background, background == NULL ? 0 : 1);
    ck_assert(engine_play(engine, &play, &seconds, diagnostics));
    background_end(traffic);
    engine_close(engine);
    arena_destroy(arena);
    diagnostics_destroy(diagnostics);
    return seconds / 3.0;
}

/* The same in a child, whose engine is its first. */
static double play_hop(uint32_t nics, struct layout layout, double limit,
                       const struct background *background, bool folded)
{
    int result[2];
    ck_assert_int_eq(pipe(result), 0);
    pid_t child = fork();
    if (child == 0) {
        double seconds = play_hop_here(nics, layout, limit, background, folded);
        ssize_t written = write(result[1], &seconds, sizeof seconds);
        _exit(written == sizeof seconds ? 0 : 1);
    }
    double seconds = NAN;
    close(result[1]);
    ck_assert_int_eq(read(result[0], &seconds, sizeof seconds), sizeof seconds);
    close(result[0]);
    waitpid(child, NULL, 0);
    return seconds;
}

/* TP8 x CP2: eight rings side by side, each GPU with a card of its own: 10 GB at 50 GB/s. */
START_TEST(own_cards)
{
    struct layout layout = {.tensor = 8, .context = 2, .pipeline = 1, .data = 1};
    ck_assert_double_eq_tol(play_hop(8, layout, 0.0, NULL, true), 0.2, 1e-9);
    ck_assert_double_eq_tol(play_hop(8, layout, 0.0, NULL, false), 0.2, 1e-9);
}
END_TEST

/* Two GPUs a card: two context groups share it and each gets half: 0.4 s, folded or not. */
START_TEST(two_groups_share_a_card)
{
    struct layout layout = {.tensor = 8, .context = 2, .pipeline = 1, .data = 1};
    ck_assert_double_eq_tol(play_hop(4, layout, 0.0, NULL, false), 0.4, 1e-9);
    ck_assert_double_eq_tol(play_hop(4, layout, 0.0, NULL, true), 0.4, 1e-9);
}
END_TEST

/* Connections of 30 GB/s: alone 1/3 s; two of them want 60 of 50 GB/s: 0.4 s. */
START_TEST(limits_leave_room_for_others)
{
    struct layout layout = {.tensor = 8, .context = 2, .pipeline = 1, .data = 1};
    ck_assert_double_eq_tol(play_hop(8, layout, 30 * GB, NULL, false), 1.0 / 3.0, 1e-9);
    ck_assert_double_eq_tol(play_hop(4, layout, 30 * GB, NULL, false), 0.4, 1e-9);
}
END_TEST

/* Two replicas of TP4 x CP2 on two nodes share no card when each GPU has one, and do when not. */
START_TEST(two_replicas_share_nodes)
{
    struct layout layout = {.tensor = 4, .context = 2, .pipeline = 1, .data = 2};
    /* Replica 0 has GPUs 0 to 7, all in node 0: its hops stay on NVLink, 10 GB at 400 GB/s. */
    ck_assert_double_eq_tol(play_hop(8, layout, 0.0, NULL, false), 0.025, 1e-9);
}
END_TEST

/* Another's 5 GB from GPU 0 to GPU 8 at the start of the first of three hops: while it runs each
 * gets 25 GB/s (0.2 s for 5 GB), then the hop has 5 GB left at 50 GB/s (0.1 s): 0.3 + 0.2 + 0.2. */
START_TEST(background_takes_its_share)
{
    struct layout layout = {.tensor = 8, .context = 2, .pipeline = 1, .data = 1};
    struct background background = {.from_gpu = 0, .to_gpu = 8, .bytes = 5 * GB, .count = 1};
    ck_assert_double_eq_tol(play_hop(8, layout, 0.0, &background, false), 0.7 / 3.0, 1e-9);
    /* Without end: every hop at 25 GB/s. */
    background.count = 0;
    ck_assert_double_eq_tol(play_hop(8, layout, 0.0, &background, false), 0.4, 1e-6);
    /* On other GPUs' links it disturbs nobody. */
    background = (struct background){.from_gpu = 16, .to_gpu = 24, .bytes = 5 * GB};
    ck_assert_double_eq_tol(play_hop(8, layout, 0.0, &background, false), 0.2, 1e-9);
}
END_TEST

/* Starting at 0.1 s, when the first hop has 5 GB left: 5 GB each at 25 GB/s. */
START_TEST(background_starts_when_told)
{
    struct layout layout = {.tensor = 8, .context = 2, .pipeline = 1, .data = 1};
    struct background background = {
        .from_gpu = 0, .to_gpu = 8, .bytes = 5 * GB, .count = 1, .start_seconds = 0.1};
    ck_assert_double_eq_tol(play_hop(8, layout, 0.0, &background, false), 0.7 / 3.0, 1e-9);
}
END_TEST

/* Each flow has a limit of its own: another's at 50 GB/s from the GPU of a hop held to 10 GB/s
 * takes the 40 GB/s that the hop leaves, and the hop its 10 GB in 1 s. */
START_TEST(limits_are_each_flows_own)
{
    struct layout layout = {.tensor = 8, .context = 2, .pipeline = 1, .data = 1};
    struct background background = {.from_gpu = 0, .to_gpu = 8, .bytes = 5 * GB, .count = 1000};
    ck_assert_double_eq_tol(play_hop(8, layout, 10 * GB, &background, false), 1.0, 1e-9);
}
END_TEST

/* Plays in simulated time without a break. */
struct sequence {
    struct engine *engine;
    struct play play;
    struct background_traffic *traffic;
    double seconds[3], slept;
    uint64_t changes;
};

static void play_sequence(void *data)
{
    struct sequence *sequence = data;
    struct diagnostics *diagnostics = diagnostics_create();
    engine_play(sequence->engine, &sequence->play, &sequence->seconds[0], diagnostics);
    engine_play(sequence->engine, &sequence->play, &sequence->seconds[1], diagnostics);
    sequence->changes = background_changes(sequence->traffic);
    sequence->slept = background_sleep(sequence->traffic, 10.0);
    engine_play(sequence->engine, &sequence->play, &sequence->seconds[2], diagnostics);
    diagnostics_destroy(diagnostics);
}

/* Others' traffic is absolute simulated time: 7.5 GB from the start shares the first hop (10 GB at
 * 25 GB/s would be 0.4 s, but it ends after 0.3 s, and 2.5 GB are left at 50 GB/s: 0.35 s) and not
 * the second (0.2 s); a stream that begins at 1 s ends the sleep from 0.55 s on, and shares the
 * third hop as long as that lasts, 0.4 s. */
START_TEST(background_does_not_start_anew)
{
    struct cluster cluster = fixture_cluster;
    cluster.nodes = 2;
    struct layout layout = {.tensor = 8, .context = 2, .pipeline = 1, .data = 1};
    struct replica replica = {.llm = &fixture_llm, .cluster = &cluster, .layout = &layout};
    struct placement placement = placement_of(&layout, &cluster, STAGES_INSIDE);
    struct step_operator shift = hop(replica_group(&replica, GROUP_CONTEXT), 10 * GB, 0.0);
    struct step_program program = {
        .segments = {{.name = "hop", .repeat = 1, .count = 1, .operators = &shift}},
        .segment_count = 1};
    const struct background streams[] = {
        {.from_gpu = 0, .to_gpu = 8, .bytes = 7.5 * GB, .count = 1},
        {.from_gpu = 0, .to_gpu = 8, .bytes = 5 * GB, .count = 100, .start_seconds = 1.0}};
    const struct engine_setup setup = {
        .cluster = &cluster, .nodes = cluster.nodes, .lanes = LANE_COUNT};
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct sequence sequence = {.engine = engine_open(&setup, diagnostics),
                                .play = {.program = &program, .placement = &placement}};
    sequence.traffic = background_start(sequence.engine, arena, streams, 2);
    ck_assert(engine_drive(sequence.engine, play_sequence, &sequence));
    ck_assert_double_eq_tol(sequence.seconds[0], 0.35, 1e-9);
    ck_assert_double_eq_tol(sequence.seconds[1], 0.2, 1e-9);
    ck_assert_double_eq_tol(sequence.slept, 0.45, 1e-9);
    ck_assert_double_eq_tol(sequence.seconds[2], 0.4, 1e-9);
    ck_assert_uint_eq(sequence.changes, 2); /* the first began and ended */
    ck_assert_double_ge(engine_others_bytes(sequence.engine, LINK_NIC_OUT, 0), 7.5 * GB);
    ck_assert_double_eq_tol(engine_link_bytes(sequence.engine, LINK_NIC_OUT, 0), 10 * GB, 1.0);
    background_end(sequence.traffic);
    engine_close(sequence.engine);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

/* Seconds of 10 GB from every GPU along `edge`, TP8 x CP4 on 4 nodes, two nodes a leaf, uplinks of
 * a quarter of their cards: 2 nodes x 8 cards x 50 GB/s / 4 = 200 GB/s. */
static double play_over_leaves(enum collective_edge edge)
{
    struct cluster cluster = fixture_cluster;
    cluster.nodes = 4;
    cluster.nodes_per_leaf = 2;
    cluster.oversubscription = 4.0;
    struct layout layout = {.tensor = 8, .context = 4, .pipeline = 1, .data = 1};
    struct replica replica = {.llm = &fixture_llm, .cluster = &cluster, .layout = &layout};
    struct step_operator flow = hop(replica_group(&replica, GROUP_CONTEXT), 10 * GB, 0.0);
    flow.collective.call.kind = COLLECTIVE_ALL_TO_ALL;
    flow.plan.flows[0].edge = edge;
    struct step_program program = {
        .segments = {{.name = "flow", .repeat = 1, .count = 1, .operators = &flow}},
        .segment_count = 1};
    struct diagnostics *diagnostics = diagnostics_create();
    const struct engine_setup setup = {
        .cluster = &cluster, .nodes = cluster.nodes, .lanes = LANE_COUNT};
    struct engine *engine = engine_open(&setup, diagnostics);
    struct placement placement = placement_of(&layout, &cluster, STAGES_INSIDE);
    struct play play = {.program = &program, .placement = &placement};
    double seconds = NAN;
    ck_assert(engine_play(engine, &play, &seconds, diagnostics));
    engine_close(engine);
    diagnostics_destroy(diagnostics);
    return seconds;
}

/* To the next node: of a leaf's two nodes one sends out, 8 flows: 80 GB at 200 GB/s. */
START_TEST(a_ring_through_leaves)
{
    ck_assert_double_eq_tol(play_over_leaves(EDGE_FABRIC_NEXT), 0.4, 1e-9);
}
END_TEST

/* Half the group away: all 16 flows of a leaf cross: 160 GB at 200 GB/s. */
START_TEST(traffic_across_leaves)
{
    ck_assert_double_eq_tol(play_over_leaves(EDGE_FABRIC_FAR), 0.8, 1e-9);
}
END_TEST

/* An engine after others is as a first one, to the last bit: other clusters before it, others'
 * endless traffic, clocks that had gone on. */
START_TEST(an_engine_after_others)
{
    struct layout layout = {.tensor = 8, .context = 2, .pipeline = 1, .data = 1};
    struct layout narrow = {.tensor = 4, .context = 2, .pipeline = 1, .data = 2};
    const struct background endless = {
        .from_gpu = 0, .to_gpu = 8, .bytes = 5 * GB, .start_seconds = 0.1};
    const struct {
        uint32_t nics;
        struct layout layout;
        double limit;
        const struct background *background;
        bool folded;
    } plays[] = {
        {8, layout, 30 * GB, NULL, false}, {4, layout, 0.0, NULL, true},
        {8, layout, 0.0, &endless, false}, {8, narrow, 7 * GB, NULL, false},
        {2, narrow, 0.0, &endless, true},
    };
    enum { PLAYS = sizeof plays / sizeof *plays, ROUNDS = 3 };
    double first[PLAYS];
    ck_assert(engine_opens_again());
    for (int i = 0; i < PLAYS; i++) {
        first[i] = play_hop(plays[i].nics, plays[i].layout, plays[i].limit, plays[i].background,
                            plays[i].folded);
    }
    for (int i = 0; i < PLAYS * ROUNDS; i++) {
        int at = i * 3 % PLAYS;
        double again = play_hop_here(plays[at].nics, plays[at].layout, plays[at].limit,
                                     plays[at].background, plays[at].folded);
        ck_assert_msg(memcmp(&again, &first[at], sizeof again) == 0,
                      "play %d: %.17g s at first, %.17g s after %d others", at, first[at], again,
                      i);
    }
}
END_TEST

RUN_TESTS(contention, an_engine_after_others, a_ring_through_leaves, traffic_across_leaves,
          own_cards, two_groups_share_a_card, limits_leave_room_for_others,
          two_replicas_share_nodes, background_takes_its_share, background_starts_when_told,
          limits_are_each_flows_own, background_does_not_start_anew)
