/* SPDX-License-Identifier: MIT
 * Orders of passes against what PyTorch and Megatron-Core run, rank by rank
 * (tests/unit/schedules/README.md). Catches a warm-up of one pass too many, rounds of another size,
 * weights put off too long. */
#include "models/pipeline/pipeline_play.h"
#include "run_tests.h"
#include "sim/base/arena.h"
#include "sim/training/schedule_csv.h"

#include <stdio.h>
#include <string.h>

struct order {
    const char *file;
    const struct pipeline_schedule *schedule;
    struct pipeline pipeline;
};

static const struct order orders[] = {
    {"torch-gpipe-p4-v1-m2", &schedule_gpipe, {4, 1, 2, 0, 0}},
    {"torch-1f1b-p3-v1-m3", &schedule_1f1b, {3, 1, 3, 0, 0}},
    {"megatron-1f1b-p4-v1-m2", &schedule_1f1b, {4, 1, 2, 0, 0}},
    {"torch-interleaved1f1b-p4-v2-m3", &schedule_interleaved, {4, 2, 3, 0, 0}},
    {"torch-interleaved1f1b-p4-v2-m10", &schedule_interleaved, {4, 2, 10, 0, 0}},
    {"megatron-interleaved-p2-v2-m5-g3", &schedule_interleaved, {2, 2, 5, 0, 3}},
    {"megatron-interleaved-p4-v2-m10-g6", &schedule_interleaved, {4, 2, 10, 0, 6}},
    {"megatron-interleaved-p3-v3-m9", &schedule_interleaved, {3, 3, 9, 0, 3}},
    {"torch-loopedbfs-p3-v2-m6", &schedule_loop_bfs, {3, 2, 6, 0, 0}},
    {"torch-interleavedzb-p4-v1-m8", &schedule_zero_bubble, {4, 1, 8, 0, 0}},
    {"torch-interleavedzb-p4-v2-m3", &schedule_zero_bubble, {4, 2, 3, 0, 0}},
    {"torch-zbv-p2-v2-m2", &schedule_zbv, {2, 2, 2, 0, 0}},
    {"torch-zbv-p3-v2-m10", &schedule_zbv, {3, 2, 10, 0, 0}},
    {"torch-dualpipev-p2-v2-m7", &schedule_dualpipev, {2, 2, 7, 0, 0}},
    {"torch-dualpipev-p3-v2-m6", &schedule_dualpipev, {3, 2, 6, 0, 0}},
};

/* The file without idle marks: commas that nothing stands between. */
static const char *read_order(struct arena *arena, const char *name)
{
    FILE *stream =
        fopen(arena_printf(arena, CPSIM_SOURCE_DIR "/tests/unit/schedules/%s.csv", name), "r");
    ck_assert_msg(stream != NULL, "%s.csv cannot be read", name);
    char *text = ARENA_ARRAY(arena, char, 1 << 16);
    size_t length = 0;
    for (int c = fgetc(stream); c != EOF && length + 1 < 1 << 16; c = fgetc(stream)) {
        bool idle =
            c == ',' && (length == 0 || text[length - 1] == ',' || text[length - 1] == '\n');
        if (c == '\n' && length > 0 && text[length - 1] == ',') {
            length--;
        }
        if (!idle) {
            text[length++] = (char)c;
        }
    }
    fclose(stream);
    return text;
}

START_TEST(as_trainers_run_them)
{
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct arena *arena = arena_create();
        const struct order *order = &orders[i];
        const char *own = schedule_csv(arena, order->schedule, &order->pipeline);
        const char *theirs = read_order(arena, order->file);
        ck_assert_msg(strcmp(own, theirs) == 0, "%s:\n%s, not\n%s", order->file, theirs, own);
        arena_destroy(arena);
    }
}
END_TEST

/* Makespans with F = 1, B = 2, I = W = 1: 3 (v m + p - 1) of loop-bfs; passes in flight: all. */
START_TEST(loop_bfs_costs)
{
    enum { STAGES = 3, CHUNKS = 2, MICRO_BATCHES = 6, CELLS = 2 * CHUNKS * MICRO_BATCHES };
    static struct cell cells[STAGES * CELLS];
    static struct cell_span spans[STAGES * CELLS];
    static double arrivals[2 * STAGES * CHUNKS * MICRO_BATCHES];
    struct part_cost parts[STAGES * CHUNKS];
    for (int i = 0; i < STAGES * CHUNKS; i++) {
        parts[i] = (struct part_cost){.seconds = {1.0, 2.0, 0.0}, .pieces = 1.0, .layers = 1};
    }
    struct pipeline_play play = {
        .schedule = &schedule_loop_bfs,
        .pipeline = {.stages = STAGES, .chunks = CHUNKS, .micro_batches = MICRO_BATCHES},
        .parts = parts};
    struct stage_times stages[STAGES];
    const struct pipeline_scratch scratch = {.cells = cells, .spans = spans, .arrivals = arrivals};
    ck_assert_double_eq_tol(pipeline_play(&play, &scratch, stages), 3.0 * (12.0 + 2.0), 1e-12);
    ck_assert_uint_eq(pipeline_in_flight(&schedule_loop_bfs, &play.pipeline, cells), 12);
    /* Gradients of a part leave after its last pass: micro-batch 0's. */
    parts[0].reduce_seconds = 5.0;
    parts[0].reduce_edge = 1.0;
    ck_assert_double_eq_tol(pipeline_play(&play, &scratch, stages), 42.0 + 5.0, 1e-12);
}
END_TEST

RUN_TESTS(schedule_orders, as_trainers_run_them, loop_bfs_costs)
