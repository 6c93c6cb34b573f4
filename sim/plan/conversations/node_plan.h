/* SPDX-License-Identifier: MIT
 * The fewest nodes on which a conversation keeps its targets, over tensor and context ranks (or any
 * key of a scenario). The candidates are the points of a sweep, each run once alone on its machine:
 * nothing is drawn, so a run's answer is final, and all are run. Owner of all memory: the arena. */
#ifndef CPSIM_SIM_PLAN_CONVERSATIONS_NODE_PLAN_H
#define CPSIM_SIM_PLAN_CONVERSATIONS_NODE_PLAN_H

#include "sim/plan/plan_report.h"
#include "sim/sweep/sweep.h"

struct node_plan_file {
    struct sweep_file sweep;           /* the candidates */
    double ttft_seconds, tpot_seconds; /* limits of every turn; TPOT 0: none */
};

extern const struct field node_plan_fields[]; /* struct node_plan_file */

/* NULL after at least one error. */
const struct node_plan_file *node_plan_file_load(struct arena *arena, const char *path,
                                                 struct diagnostics *diagnostics);

struct node_candidate {
    enum point_status status;
    const char *error; /* why not, where it is not POINT_DONE */
    uint32_t nodes;
    double gpus;
    double ttft_seconds, tpot_seconds; /* of the slowest turn; TPOT 0: no turn has an answer */
    bool keeps;                        /* both limits */
};

struct node_plan {
    const struct node_plan_file *file;
    const struct points *points;
    struct node_candidate *candidates; /* [points->count] */
    size_t winner; /* of the fewest nodes, then GPUs, then the least TTFT, then the first; SIZE_MAX:
                      none keeps the targets */
    struct arena *arena;
};

/* From what the sweep's journals hold. False after an error. */
bool node_plan_read(struct node_plan *plan, const struct journal_contents *contents,
                    struct diagnostics *diagnostics);

/* For each number of nodes on which a candidate keeps the targets, the one of least TTFT, where
 * fewer nodes take longer: [points->count], by nodes. Returns how many. */
size_t node_plan_front(const struct node_plan *plan, size_t *numbers);

/* The winner as a scenario; NULL after an error. */
const char *node_plan_winner_yaml(const struct node_plan *plan, struct diagnostics *diagnostics);

void node_plan_print(const struct node_plan *plan, struct plan_look look, FILE *stream);
void node_plan_print_json(const struct node_plan *plan, FILE *stream);
void node_plan_write_csv(const struct node_plan *plan, FILE *stream);

#endif
