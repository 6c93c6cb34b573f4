/* SPDX-License-Identifier: MIT
 * Pipeline schedules played in closed form. Catches a table that runs a pass twice or never, one
 * that waits for itself, and an order that gives away time or memory: end-to-end tables can't tell
 * those from slow kernels. Passes take whole seconds, so sums are by hand. */
#include "models/pipeline/pipeline_play.h"

#include "run_tests.h"

#include <math.h>
#include <string.h>

enum { MAX_CELLS = 8192, MAX_STAGES = 16, MAX_PARTS = 64 };

static struct cell cells[MAX_CELLS];
static struct cell_span spans[MAX_CELLS];
static double arrivals[MAX_CELLS];
static struct stage_times stages[MAX_STAGES];
static struct part_cost parts[MAX_PARTS];
static const struct pipeline_scratch scratch = {
    .cells = cells, .spans = spans, .arrivals = arrivals};

static struct pipeline_play play_of(const struct pipeline_schedule *schedule, uint32_t stage_count,
                                    uint32_t chunks, uint32_t micro_batches, double forward,
                                    double backward, double weight)
{
    for (uint32_t i = 0; i < stage_count * chunks; i++) {
        parts[i] = (struct part_cost){.seconds = {[CELL_FORWARD] = forward,
                                                  [CELL_BACKWARD] = backward,
                                                  [CELL_WEIGHT] = weight,
                                                  [CELL_WHOLE] = backward + weight},
                                      .gather_factor = 1.0,
                                      .reduce_factor = 1.0,
                                      .pieces = 1.0,
                                      .gather_edge = 1.0,
                                      .reduce_edge = 1.0,
                                      .layers = 1};
    }
    return (struct pipeline_play){
        .schedule = schedule,
        .pipeline = {.stages = stage_count, .chunks = chunks, .micro_batches = micro_batches},
        .parts = parts,
        .overlap = true};
}

static double seconds_of(const struct pipeline_play *play)
{
    ck_assert_uint_le(pipeline_scratch_cells(play), MAX_CELLS);
    ck_assert_uint_le(pipeline_scratch_arrivals(play), MAX_CELLS);
    return pipeline_play(play, &scratch, stages);
}

/* 4 stages, 8 micro-batches, a forward pass 1 s and a backward pass 2 s: (m + p - 1) x 3 = 33 s. */
START_TEST(gpipe_and_1f1b_take_the_same_time)
{
    struct pipeline_play gpipe = play_of(&schedule_gpipe, 4, 1, 8, 1.0, 2.0, 0.0);
    struct pipeline_play f1b1 = play_of(&schedule_1f1b, 4, 1, 8, 1.0, 2.0, 0.0);
    ck_assert_double_eq_tol(seconds_of(&gpipe), 33.0, 1e-12);
    ck_assert_double_eq_tol(seconds_of(&f1b1), 33.0, 1e-12);
    /* and their bubble is (p - 1) / m = 3/8 of the 24 s that are work */
    ck_assert_double_eq_tol(33.0 / 24.0 - 1.0, pipeline_bubble(&f1b1.pipeline), 1e-12);
}
END_TEST

/* GPipe holds all 8 micro-batches, 1F1B as many as there are stages from this one on. */
START_TEST(one_forward_one_backward_holds_fewer_activations)
{
    struct pipeline pipeline = {.stages = 4, .chunks = 1, .micro_batches = 8};
    for (uint32_t stage = 0; stage < 4; stage++) {
        schedule_gpipe.fill(&pipeline, stage, cells);
        ck_assert_uint_eq(pipeline_in_flight(&schedule_gpipe, &pipeline, cells), 8);
        schedule_1f1b.fill(&pipeline, stage, cells);
        ck_assert_uint_eq(pipeline_in_flight(&schedule_1f1b, &pipeline, cells), 4 - stage);
    }
}
END_TEST

/* Two chunks of half the work halve the bubble: 24 s of work and 9 / 2 s of waiting. */
START_TEST(interleaving_divides_the_bubble)
{
    struct pipeline_play play = play_of(&schedule_interleaved, 4, 2, 8, 0.5, 1.0, 0.0);
    ck_assert_double_eq_tol(seconds_of(&play), 28.5, 1e-12);
    ck_assert_double_eq_tol(28.5 / 24.0 - 1.0, pipeline_bubble(&play.pipeline), 1e-12);
}
END_TEST

/* 4 stages, 2 chunks, 8 micro-batches: stage 0 runs 3 x 2 + 4 passes ahead, or 3 + 4; where sending
 * is free both wait as long. */
START_TEST(one_pass_of_lead_holds_fewer_activations)
{
    struct pipeline_play play = play_of(&schedule_interleaved, 4, 2, 8, 0.5, 1.0, 0.0);
    schedule_interleaved.fill(&play.pipeline, 0, cells);
    ck_assert_uint_eq(pipeline_in_flight(&schedule_interleaved, &play.pipeline, cells), 11);
    play.pipeline.lead = 1;
    schedule_interleaved.fill(&play.pipeline, 0, cells);
    ck_assert_uint_eq(pipeline_in_flight(&schedule_interleaved, &play.pipeline, cells), 8);
    ck_assert_double_eq_tol(seconds_of(&play), 28.5, 1e-12);
}
END_TEST

/* Of the first micro-batch's backward pass. */
static double piece_seconds(const struct pipeline_play *play)
{
    const struct cell cell = {.kind = CELL_BACKWARD};
    return pipeline_cell_run(play, &cell, &parts[0]).piece_seconds;
}

/* One bucket of gradients for four layers: none leaves before the pass has ended, 8 + 8 s back
 * after 2 x 4 s forward, then all 4 s of it. */
START_TEST(one_bucket_waits_for_all_layers)
{
    struct pipeline_play play = play_of(&schedule_1f1b, 1, 1, 2, 4.0, 8.0, 0.0);
    parts[0].layers = 4;
    parts[0].reduce_seconds = 4.0;
    ck_assert_double_eq_tol(piece_seconds(&play), 8.0, 1e-12);
    ck_assert_double_eq_tol(seconds_of(&play), 28.0, 1e-12);
    parts[0].pieces = 8.0; /* half a layer: the first leaves after a layer, the last after all */
    parts[0].reduce_edge = 0.125;
    ck_assert_double_eq_tol(piece_seconds(&play), 2.0, 1e-12);
    ck_assert_double_eq_tol(seconds_of(&play), 24.5, 1e-12);
}
END_TEST

/* Forward, input and weight gradients 1 s each: 24 s of work, (p - 1)(1 + 1 - 1) = 3 s of bubble;
 * 1F1B with the same work waits 9 s. About as many activations as 1F1B. */
START_TEST(zero_bubble_fills_the_bubble)
{
    struct pipeline_play play = play_of(&schedule_zero_bubble, 4, 1, 8, 1.0, 1.0, 1.0);
    ck_assert_double_eq_tol(seconds_of(&play), 27.0, 1e-12);
    for (uint32_t stage = 0; stage < 4; stage++) {
        schedule_zero_bubble.fill(&play.pipeline, stage, cells);
        ck_assert_uint_le(pipeline_in_flight(&schedule_zero_bubble, &play.pipeline, cells), 5);
    }
}
END_TEST

/* Passes and both gradients 0.5 s each, two parts on each of 4 stages, 8 micro-batches: 24 s of
 * work, of which a stage waits for nothing but its first pass: stage s starts s passes late and the
 * last one ends 1.5 s after the first. The last stage sends nothing to itself. */
START_TEST(v_shape_waits_for_nothing)
{
    struct pipeline_play play = play_of(&schedule_zbv, 4, 2, 8, 0.5, 0.5, 0.5);
    ck_assert_double_eq_tol(seconds_of(&play), 25.5, 1e-12);
    for (uint32_t stage = 0; stage < 4; stage++) {
        ck_assert_double_eq_tol(stages[stage].end_seconds, 24.0 + 0.5 * stage, 1e-12);
        ck_assert_uint_eq(pipeline_part(&schedule_zbv, &play.pipeline, stage, 1), 7 - stage);
        ck_assert_uint_eq(pipeline_part_stage(&schedule_zbv, &play.pipeline, 4 + stage), 3 - stage);
    }
    /* 1 stage: 2 parts, nothing sent however long it takes. */
    struct pipeline_play alone = play_of(&schedule_zbv, 1, 2, 3, 0.5, 0.5, 0.5);
    alone.hop_seconds = &(const double){100.0};
    ck_assert_double_eq_tol(seconds_of(&alone), 9.0, 1e-12);
}
END_TEST

/* DualPipeV, everything 1 s, both gradients 2 s together: 6 m + p - 1 with pairs one after the
 * other, and 2 p + 1 passes in flight (as PyTorch's order measures: tests/unit/schedules). */
START_TEST(pairs_one_after_the_other)
{
    static const uint32_t shapes[][2] = {{2, 7}, {3, 12}, {3, 6}, {8, 16}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct pipeline_play play =
            play_of(&schedule_dualpipev, shapes[i][0], 2, shapes[i][1], 1.0, 1.0, 1.0);
        ck_assert_double_eq_tol(seconds_of(&play), 6.0 * shapes[i][1] + shapes[i][0] - 1.0, 1e-12);
        for (uint32_t stage = 0; stage < shapes[i][0]; stage++) {
            schedule_dualpipev.fill(&play.pipeline, stage, cells);
            ck_assert_uint_eq(pipeline_in_flight(&schedule_dualpipev, &play.pipeline, cells),
                              2 * shapes[i][0] + 1);
        }
    }
}
END_TEST

/* Sending takes 0.25 s: the first backward pass comes 3 + 3 hops later, and with few micro-batches
 * every stage waits for its neighbours. 2 stages, 1 micro-batch: 1 + 0.25 + 1 + 2 + 0.25 + 2. */
START_TEST(sending_takes_time)
{
    struct pipeline_play play = play_of(&schedule_1f1b, 2, 1, 1, 1.0, 2.0, 0.0);
    play.hop_seconds = (const double[]){0.25, 0.25};
    ck_assert_double_eq_tol(seconds_of(&play), 6.5, 1e-12);
}
END_TEST

/* Every schedule, stage and shape: each pass once, forward before backward before weights. */
START_TEST(every_pass_runs_once)
{
    static const uint32_t shapes[][3] = {{1, 1, 1}, {2, 1, 1},  {4, 1, 3},  {4, 1, 16},
                                         {4, 2, 8}, {4, 3, 10}, {8, 2, 24}, {3, 4, 6},
                                         {4, 2, 3}, {1, 2, 2},  {5, 2, 10}, {4, 2, 11}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct pipeline pipeline = {
            .stages = shapes[i][0], .chunks = shapes[i][1], .micro_batches = shapes[i][2]};
        for (int j = 0; j < TRAINING_SCHEDULE_COUNT; j++) {
            const struct pipeline_schedule *schedule = pipeline_schedules[j];
            if ((pipeline.chunks > 1 && !schedule->interleaved) ||
                (schedule->chunks > 0 && pipeline.chunks != schedule->chunks) ||
                pipeline.micro_batches < schedule->least_micro_batches * pipeline.stages ||
                (pipeline.chunks > 1 && !schedule->any_micro_batches &&
                 pipeline_round(&pipeline) == 0)) {
                continue;
            }
            for (uint32_t stage = 0; stage < pipeline.stages; stage++) {
                static uint32_t seen[4][32];
                memset(seen, 0, sizeof seen);
                schedule->fill(&pipeline, stage, cells);
                for (uint32_t k = 0; k < pipeline_cell_count(schedule, &pipeline); k++) {
                    const struct cell *cell = &cells[k];
                    if (cell->kind == CELL_NONE) {
                        continue;
                    }
                    ck_assert_uint_lt(cell->micro_batch, pipeline.micro_batches);
                    ck_assert_uint_lt(cell->chunk, pipeline.chunks);
                    bool whole = cell->kind == CELL_WHOLE; /* of both kinds of gradients */
                    ck_assert_uint_eq(seen[cell->chunk][cell->micro_batch],
                                      whole ? CELL_BACKWARD : cell->kind);
                    seen[cell->chunk][cell->micro_batch] += whole ? 2 : 1;
                }
                uint32_t kinds = schedule->splits_backward ? 3 : 2;
                for (uint32_t k = 0; k < pipeline.chunks * pipeline.micro_batches; k++) {
                    ck_assert_uint_eq(seen[k / pipeline.micro_batches][k % pipeline.micro_batches],
                                      kinds);
                }
            }
            struct pipeline_play play =
                play_of(schedule, pipeline.stages, pipeline.chunks, pipeline.micro_batches, 1.0,
                        schedule->splits_backward ? 1.0 : 2.0, 1.0);
            double work = 3.0 * pipeline.chunks * pipeline.micro_batches;
            ck_assert_double_ge(seconds_of(&play), work - 1e-9);
        }
    }
}
END_TEST

/* One stage, two micro-batches of 4 layers, 1 s a layer forward and 2 s back. Parameters take 0.5 s
 * a layer: the first is waited for, the rest travels beside. Gradients, 1 s a layer, leave as they
 * are made: the last layer's after the end. 0.5 + 8 + 16 + 1. */
START_TEST(exchanges_hide_under_passes)
{
    struct pipeline_play play = play_of(&schedule_1f1b, 1, 1, 2, 4.0, 8.0, 0.0);
    parts[0].layers = 4;
    parts[0].pieces = 4.0;
    parts[0].gather_edge = parts[0].reduce_edge = 0.25;
    parts[0].gather_seconds = 2.0;
    parts[0].reduce_seconds = 4.0;
    ck_assert_double_eq_tol(seconds_of(&play), 25.5, 1e-12);
    play.overlap = false; /* all of both beside: 2 + 24 + 4 */
    ck_assert_double_eq_tol(seconds_of(&play), 30.0, 1e-12);
}
END_TEST

/* A forward pass of 3 s, 1 s of it exchange, and a whole backward pass of 6 s, 2 s of it exchange:
 * 6 s of kernels that lose a fifth of their SMs for 3 s, 6.6 s together in place of 9, each as it
 * comes to 11/15 of itself. With exchanges of 4 s each they alone decide: 8 of 9 s. One stage,
 * which has both parts: 8 micro-batches, and pairs where the schedule hands out pairs. */
START_TEST(pairs_run_in_one_another)
{
    struct pipeline_play play = play_of(&schedule_dualpipev, 4, 2, 12, 3.0, 4.0, 2.0);
    double alone = seconds_of(&play);
    play.pairs = true;
    play.exchange_share = 0.2;
    for (uint32_t i = 0; i < 8; i++) {
        parts[i].experts_seconds[CELL_FORWARD] = 1.0;
        parts[i].experts_seconds[CELL_WHOLE] = 2.0;
    }
    ck_assert_double_lt(seconds_of(&play), alone);
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < pipeline_cell_count(play.schedule, &play.pipeline); i++) {
        pairs += cells[i].with_next;
        ck_assert_double_eq_tol(
            cells[i].pace, cells[i].with_next || cells[i - (i > 0)].with_next ? 6.6 / 9.0 : 0.0,
            1e-12);
    }
    ck_assert_uint_gt(pairs, 0);
    for (uint32_t i = 0; i < 8; i++) {
        parts[i].experts_seconds[CELL_FORWARD] = parts[i].experts_seconds[CELL_WHOLE] = 4.0;
    }
    seconds_of(&play);
    for (uint32_t i = 0; i < pipeline_cell_count(play.schedule, &play.pipeline); i++) {
        ck_assert(cells[i].pace <= 0.0 || fabs(cells[i].pace - 8.0 / 9.0) < 1e-12);
    }
}
END_TEST

/* A backward pass of 2 s, its exchange of 1 s beside it at 1.5 times the pace: 1 s counts 1.5. A
 * forward pass of 1 s beside a gather of 4 s is slower all along. */
START_TEST(exchanges_slow_passes)
{
    struct pipeline_play play = play_of(&schedule_1f1b, 1, 1, 1, 1.0, 2.0, 0.0);
    parts[0].gather_seconds = 4.0;
    parts[0].reduce_seconds = 1.0;
    parts[0].gather_factor = 1.25;
    parts[0].reduce_factor = 1.5;
    const struct cell forward = {.kind = CELL_FORWARD, .first = true},
                      backward = {.kind = CELL_BACKWARD, .last = true};
    ck_assert_double_eq(pipeline_cell_run(&play, &forward, &parts[0]).seconds, 1.25);
    ck_assert_double_eq(pipeline_cell_run(&play, &backward, &parts[0]).seconds, 2.5);
    play.overlap = false;
    ck_assert_double_eq(pipeline_cell_run(&play, &backward, &parts[0]).seconds, 2.0);
}
END_TEST

RUN_TESTS(pipeline, gpipe_and_1f1b_take_the_same_time,
          one_forward_one_backward_holds_fewer_activations, interleaving_divides_the_bubble,
          one_pass_of_lead_holds_fewer_activations, one_bucket_waits_for_all_layers,
          zero_bubble_fills_the_bubble, v_shape_waits_for_nothing, pairs_one_after_the_other,
          pairs_run_in_one_another, sending_takes_time, every_pass_runs_once,
          exchanges_hide_under_passes, exchanges_slow_passes)
