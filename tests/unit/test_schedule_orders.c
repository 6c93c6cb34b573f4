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

/* --- messages in the order in which PyTorch lists them --- */

struct message_order {
    const char *file;
    const struct pipeline_schedule *schedule;
    struct pipeline pipeline;
    /* F = 1, B = 2, I = W = 1, a message 0 or 1/4, each when both ends have come to it: by a script
     * that plays the file, and knows nothing of ours. */
    double seconds, with_hops_seconds;
};

static const struct message_order message_orders[] = {
    {"torch-interleaved1f1b-p3-v2-m8", &schedule_interleaved, {3, 2, 8, 0, 0}, 59.0, 66.5},
    {"torch-interleaved1f1b-p4-v2-m8", &schedule_interleaved, {4, 2, 8, 0, 0}, 67.0, 77.0},
    {"torch-loopedbfs-p3-v2-m6", &schedule_loop_bfs, {3, 2, 6, 0, 0}, 48.0, 61.5},
    {"torch-interleavedzb-p4-v2-m8", &schedule_zero_bubble, {4, 2, 8, 0, 0}, 59.0, 66.0},
    {"torch-zbv-p3-v2-m10", &schedule_zbv, {3, 2, 10, 0, 0}, 63.0, 65.5},
};

enum { MESSAGE_STAGES = 4, MESSAGE_PARTS = 8, MESSAGE_CELLS = 64, MESSAGE_ARRIVALS = 256 };

/* A stage's messages as the file writes them, one after the other with a comma behind each. */
static const char *messages_of(struct arena *arena, const struct pipeline_play *play,
                               const struct pipeline_scratch *scratch, uint32_t stage)
{
    const char *text = "";
    uint32_t cells = pipeline_cell_count(play->schedule, &play->pipeline);
    for (size_t i = 0; scratch->messages[i].from != scratch->messages[i].to; i++) {
        const struct pipeline_message *message = &scratch->messages[i];
        const struct cell *cell = &scratch->cells[message->from * cells + message->cell];
        uint32_t part = pipeline_part(play->schedule, &play->pipeline, message->from, cell->chunk);
        char letter = cell->kind == CELL_FORWARD ? 'F' : 'B';
        if (message->from == stage) {
            text = arena_printf(arena, "%s%uSEND_%c%u,", text, part, letter, cell->micro_batch);
        } else if (message->to == stage) {
            text = arena_printf(arena, "%s%uRECV_%c%u,", text, pipeline_next_part(play, cell, part),
                                letter, cell->micro_batch);
        }
    }
    return text;
}

/* The messages among the actions of a row; `row` is moved behind it. */
static const char *messages_in(struct arena *arena, const char **row)
{
    const char *text = "";
    while (**row != '\0' && **row != '\n') {
        size_t length = strcspn(*row, ",\n");
        if (memchr(*row, '_', length) != NULL) {
            text = arena_printf(arena, "%s%.*s,", text, (int)length, *row);
        }
        *row += length + ((*row)[length] == ',');
    }
    *row += **row == '\n';
    return text;
}

START_TEST(messages_as_pytorch_lists_them)
{
    static struct cell cells[MESSAGE_STAGES * MESSAGE_CELLS];
    static struct cell_span spans[MESSAGE_STAGES * MESSAGE_CELLS];
    static double arrivals[MESSAGE_ARRIVALS];
    static struct part_cost parts[MESSAGE_PARTS];
    static const double hops[MESSAGE_STAGES] = {0.25, 0.25, 0.25, 0.25};
    for (size_t i = 0; i < sizeof message_orders / sizeof *message_orders; i++) {
        struct arena *arena = arena_create();
        const struct message_order *order = &message_orders[i];
        bool splits = order->schedule->splits_backward;
        for (int part = 0; part < MESSAGE_PARTS; part++) {
            parts[part] = (struct part_cost){
                .seconds = {1.0, splits ? 1.0 : 2.0, 1.0}, .pieces = 1.0, .layers = 1};
        }
        struct pipeline_play play = {.schedule = order->schedule,
                                     .pipeline = order->pipeline,
                                     .parts = parts,
                                     .in_order = pipeline_order(order->schedule)};
        size_t all = pipeline_scratch_cells(&play);
        ck_assert_uint_le(all, MESSAGE_STAGES * MESSAGE_CELLS);
        ck_assert_uint_le(pipeline_scratch_arrivals(&play), MESSAGE_ARRIVALS);
        const struct pipeline_scratch scratch = {
            .cells = cells,
            .spans = spans,
            .arrivals = arrivals,
            .messages = ARENA_ARRAY(arena, struct pipeline_message, all)};
        struct stage_times stages[MESSAGE_STAGES];
        ck_assert_double_eq_tol(pipeline_play(&play, &scratch, stages), order->seconds, 1e-9);
        const char *row = read_order(arena, arena_printf(arena, "%s.sendrecv", order->file));
        for (uint32_t stage = 0; stage < order->pipeline.stages; stage++) {
            ck_assert_str_eq(messages_of(arena, &play, &scratch, stage), messages_in(arena, &row));
        }
        play.hop_seconds = hops;
        ck_assert_double_eq_tol(pipeline_play(&play, &scratch, stages), order->with_hops_seconds,
                                1e-9);
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

RUN_TESTS(schedule_orders, as_trainers_run_them, messages_as_pytorch_lists_them, loop_bfs_costs)
