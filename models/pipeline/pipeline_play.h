/* SPDX-License-Identifier: MIT
 * Plays a table of cells in closed form. A stage runs its cells in order; a forward pass waits for
 * the same micro-batch's pass of the part before, a backward pass for that of the part after, and
 * for the activations or gradients to arrive. Beside its cells a stage has an exchange with its
 * replicas, one thing after the other: parameters that arrive layer by layer before they are used,
 * gradients that leave layer by layer as they are made. Nothing shares a link here; sim/training
 * plays the same on SimGrid, where things do. Pure. */
#ifndef CPSIM_MODELS_PIPELINE_PIPELINE_PLAY_H
#define CPSIM_MODELS_PIPELINE_PIPELINE_PLAY_H

#include "models/pipeline/pipeline_schedule.h"

#include <stddef.h>

/* One part of the model, alone. */
struct part_cost {
    double seconds[CELL_KIND_COUNT];
    double experts_seconds[CELL_KIND_COUNT]; /* of them, in exchanges of experts alone */
    double gather_seconds, reduce_seconds;   /* of its parameters and gradients */
    double expert_gather_seconds, expert_reduce_seconds; /* of those, with other replicas */
    double gather_factor, reduce_factor; /* time of a pass beside them over its time alone */
    double pieces;                       /* in which they travel */
    double gather_edge, reduce_edge; /* share that is gathered before the pass can start, and that
                                        is reduced after it has ended: that of a piece, or more */
    double offload_seconds; /* of a forward and a backward pass, in which they wait for the host */
    uint32_t layers;        /* of the pass; at least 1 */
};

struct pipeline_play {
    const struct pipeline_schedule *schedule;
    struct pipeline pipeline;
    const struct part_cost *parts; /* [stages * chunks], in the order of the model */
    const double *hop_seconds; /* [stages] that a stage's activations take to the next stage (the
                                  last's to the first), and gradients back; NULL: none */
    bool in_order; /* what a stage sends and what it receives waits for each other: pipeline_order()
                    */
    bool overlap;  /* exchanges travel beside cells */
    bool pairs;    /* passes run in pairs, each one's exchanges of experts under the
                      other's kernels */
    double exchange_share; /* of the kernels' SMs that such an exchange takes from them */
    bool keeps_gathered;   /* every_pass: parameters wait for the backward pass */
    bool every_pass; /* parameters are gathered and gradients reduced for every pass; otherwise
                        once a step: before the first forward and after the last backward pass */
};

struct cell_span {
    double start_seconds, end_seconds;
};

struct stage_times {
    double busy_seconds;     /* in cells */
    double end_seconds;      /* of its last cell */
    double exchange_seconds; /* until its gradients are reduced */
    double late_seconds; /* of its cells, in which they wait for tokens whose links others share */
};

/* Of a cell's result, from one stage to another. */
struct pipeline_message {
    uint32_t from, cell, to;
};

/* Room to work in, the caller's. */
struct pipeline_scratch {
    struct cell *cells;                /* [stages][pipeline_cell_count()]: filled, stage by stage */
    bool filled;                       /* they are already, and none has a pair */
    struct cell_span *spans;           /* likewise */
    double *arrivals;                  /* [2][stages * chunks][micro_batches] */
    struct pipeline_message *messages; /* [stages][pipeline_cell_count()]: in_order, all of them in
                                          their order; NULL: they are not wanted */
};
size_t pipeline_scratch_cells(const struct pipeline_play *play);
size_t pipeline_scratch_arrivals(const struct pipeline_play *play);

/* One cell beside its stage's exchange: the rules that both executors follow. Exchanges are served
 * in the order in which they are asked for, and none begins before the one before it has ended. */
struct cell_run {
    double seconds; /* of the pass, slowed by what travels beside it */
    /* Seconds of it in which its first gradients are made, or its last parameters used: those of a
     * layer, or of all that travels in one piece. */
    double piece_seconds;
    bool gathers, reduces;
    bool asks_early;      /* it asks for parameters as the last piece of the cell before begins (all
                             of a step's first cells at its start); otherwise when that has ended */
    double first_share;   /* of its parameters that must be there before it starts */
    double whole_seconds; /* of the pass, at its end, that need all of them */
    double reduce_after;  /* seconds into the pass at which gradients begin to leave */
    double last_share;    /* of its gradients, which leave when the pass has ended */
};
struct cell_run pipeline_cell_run(const struct pipeline_play *play, const struct cell *cell,
                                  const struct part_cost *cost);

/* Finds the pairs of a stage's cells, if passes run so: a forward pass and the backward pass of
 * another micro-batch behind it, which the schedule hands out together or which follow each other.
 * Their kernels take turns and their exchanges run beside: together max(E, C + E s) for kernels C,
 * exchanges E and the share s of SMs that those take (DualPipe, arXiv 2412.19437, section 3.2.1;
 * Megatron-Core's combined 1F1B). Both end as if each were shorter by the same share. */
void pipeline_pair(const struct pipeline_play *play, uint32_t stage, struct cell *cells);

/* Seconds between two neighbouring stages; 0 when they are one. */
double pipeline_hop_seconds(const struct pipeline_play *play, uint32_t from, uint32_t to);

/* The part that a cell's result goes to; UINT32_MAX: it stays (the loss, the first part's
 * gradients, gradients of weights). */
uint32_t pipeline_next_part(const struct pipeline_play *play, const struct cell *cell,
                            uint32_t part);
/* Whether a cell of the part waits for another part's. */
bool pipeline_waits(const struct pipeline_play *play, const struct cell *cell, uint32_t part);

/* Whether a stack that runs multi-stage schedules from a list of actions
 * (torch.distributed.pipelining, _PipelineScheduleRuntime) orders a schedule's messages. Its
 * _add_send_recv goes round the stages, one pass of each whose input has been sent, and behind a
 * pass puts its send on the sender's list and its receive on the receiver's. All of a stage's
 * messages go through one communicator, one after the other as listed, and one starts when both
 * ends have come to it: a result that nobody waits for yet keeps those behind it. */
bool pipeline_order(const struct pipeline_schedule *schedule);

/* When the last stage has ended, exchange included, seconds from the step's start; fills `stages`
 * [stages] and the scratch. A table that waits for itself asserts. */
double pipeline_play(const struct pipeline_play *play, const struct pipeline_scratch *scratch,
                     struct stage_times *stages);

#endif
