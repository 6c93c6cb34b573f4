/* SPDX-License-Identifier: MIT
 * Pipeline schedules: in which order a stage runs its micro-batches' passes. A schedule fills a
 * table of cells, one small function in a file of its own and a row of pipeline_schedules[]; what
 * the order costs is pipeline_play.h's to find out. Pure. */
#ifndef CPSIM_MODELS_PIPELINE_PIPELINE_SCHEDULE_H
#define CPSIM_MODELS_PIPELINE_PIPELINE_SCHEDULE_H

#include "models/numeric/rows.h"

#include <stdbool.h>
#include <stdint.h>

/* A stage holds `chunks` parts of the model: pipeline_part(). */
struct pipeline {
    uint32_t stages, chunks, micro_batches;
    uint32_t lead;  /* forward passes that an interleaved schedule runs ahead for every stage after
                       this one; 0: two, as Megatron-LM and PyTorch, which hides what is sent. One
                       holds fewer activations */
    uint32_t group; /* micro-batches that an interleaved schedule takes through a chunk before the
                       next; 0: equal rounds, as many as hold the stages each (PyTorch) */
};

enum cell_kind {
    CELL_FORWARD,
    CELL_BACKWARD, /* gradients of inputs, and of weights unless the schedule splits them off */
    CELL_WEIGHT,   /* gradients of weights */
    CELL_WHOLE,    /* both at once, where others of the schedule are split */
    CELL_NONE,     /* nothing: fills up a stage's row */
    CELL_KIND_COUNT
};

struct cell {
    enum cell_kind kind;
    uint32_t chunk, micro_batch;
    bool with_next; /* it and the next are one action of the runtime's */
    double pace; /* its time over that alone, where it runs with another: pipeline_pair(); 0: 1 */
    bool first;  /* forward, of its chunk on its stage: parameters are asked for */
    bool last;   /* that ends a micro-batch, of its chunk: all gradients are made */
};

/* Whether it hands gradients on to the part before. */
bool cell_is_backward(enum cell_kind kind);

struct pipeline_schedule {
    bool splits_backward;         /* CELL_WEIGHT are cells of their own */
    bool pairs;                   /* a forward and a backward pass may run in one another */
    bool interleaved;             /* takes more than one chunk a stage */
    bool any_micro_batches;       /* whatever their number: it knows no rounds */
    bool v_shaped;                /* every second chunk runs through the stages backwards */
    uint32_t chunks;              /* that it takes; 0: any number */
    uint32_t least_micro_batches; /* that it needs, a stage; 0: any number */
    /* Fills cells [pipeline_cell_count()] in the order in which the stage runs them, all but first
     * and last. */
    void (*fill)(const struct pipeline *pipeline, uint32_t stage, struct cell *cells);
    const struct cell *table; /* [stages][pipeline_cell_count()] in place of fill: a user's own */
};

/* A schedule_NAME.c and a row here. */
/* clang-format off */
#define PIPELINE_SCHEDULES(ROW)                                                                    \
    ROW(TRAINING_GPIPE, schedule_gpipe, "gpipe",                                                   \
        "All forward passes, then all backward passes (arXiv 1811.06965).")                        \
    ROW(TRAINING_1F1B, schedule_1f1b, "1f1b",                                                      \
        "One forward, one backward pass (arXiv 2006.09503): GPipe's time, fewer "                  \
        "activations.")                                                                            \
    ROW(TRAINING_INTERLEAVED, schedule_interleaved, "interleaved",                                 \
        "1F1B over virtual_stages parts of the model on each stage (arXiv 2104.04473).")           \
    ROW(TRAINING_ZERO_BUBBLE, schedule_zero_bubble, "zero-bubble",                                 \
        "ZB-H1: 1F1B, or interleaved 1F1B, whose gradients of weights wait for the "               \
        "bubble (arXiv 2401.10241).")                                                              \
    ROW(TRAINING_ZBV, schedule_zbv, "zbv",                                                         \
        "ZB-V: two parts a stage, laid out as a V, and gradients of weights in what is "           \
        "left of the bubble (arXiv 2405.15362).")                                                  \
    ROW(TRAINING_LOOP_BFS, schedule_loop_bfs, "loop-bfs",                                          \
        "All micro-batches through each of the stage's parts in turn, and back in the "            \
        "reverse order (arXiv 2211.05953).")                                                       \
    ROW(TRAINING_DUALPIPEV, schedule_dualpipev, "dualpipev",                                       \
        "DualPipeV: two parts a stage, laid out as a V, a forward and a whole backward "           \
        "pass in pairs, gradients of weights split off near the ends (arXiv "                      \
        "2412.19437).")
/* clang-format on */
enum training_schedule { PIPELINE_SCHEDULES(ROW_MEMBER) TRAINING_SCHEDULE_COUNT };
extern const struct pipeline_schedule *const pipeline_schedules[TRAINING_SCHEDULE_COUNT];
/* "1f1b"; of a user's own "file". */
const char *pipeline_schedule_name(const struct pipeline_schedule *schedule);

enum { PIPELINE_MOST_CHUNKS = 1024 };

/* The cells [pipeline_cell_count()] of a stage, in the order in which it runs them. */
void pipeline_fill(const struct pipeline_schedule *schedule, const struct pipeline *pipeline,
                   uint32_t stage, struct cell *cells);

#define PIPELINE_SCHEDULE(member, object, name, sentence)                                          \
    extern const struct pipeline_schedule object;
PIPELINE_SCHEDULES(PIPELINE_SCHEDULE)
#undef PIPELINE_SCHEDULE

/* Whether a cell ends its micro-batch on its part: all gradients are made. */
bool cell_is_last(const struct pipeline_schedule *schedule, enum cell_kind kind);

/* The part of the model that is a stage's chunk, parts numbered in the order of the model; and the
 * stage that holds a part: its chunk is part / stages. */
uint32_t pipeline_part(const struct pipeline_schedule *schedule, const struct pipeline *pipeline,
                       uint32_t stage, uint32_t chunk);
uint32_t pipeline_part_stage(const struct pipeline_schedule *schedule,
                             const struct pipeline *pipeline, uint32_t part);

/* The n-th pass of a kind on any stage when every round of micro-batches goes through chunk after
 * chunk: the order of interleaved schedules. */
struct cell pipeline_nth_cell(const struct pipeline *pipeline, enum cell_kind kind, uint32_t n);

/* Cells of one stage, CELL_NONE among them. */
uint32_t pipeline_cell_count(const struct pipeline_schedule *schedule,
                             const struct pipeline *pipeline);

/* Micro-batches that an interleaved schedule takes through a chunk before it turns to the next, of
 * which the last round may have fewer when the group is said; 0 when they do not divide into rounds
 * otherwise. */
uint32_t pipeline_round(const struct pipeline *pipeline);

/* The most forward passes, counted over all chunks, whose backward pass a stage still owes. */
uint32_t pipeline_in_flight(const struct pipeline_schedule *schedule,
                            const struct pipeline *pipeline, const struct cell *cells);

/* Idle share of the ideal time when cells are alike and sending is free: (p - 1) / (v m) for GPipe
 * (v = 1), 1F1B (v = 1) and interleaved (arXiv 2104.04473, section 2.2). */
double pipeline_bubble(const struct pipeline *pipeline);

#endif
