/* SPDX-License-Identifier: MIT
 * Finds the layout on which a training run takes least time, least money or least memory. Every
 * layout of the space (space.h) is answered in closed form (answer.h), a shape's variants in one
 * process; the best are then played on the simulated network, until none that was not played could
 * be better. What was answered is kept in a journal: the same command goes on where one was
 * stopped, and ends with the same bytes. */
#ifndef CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_SEARCH_H
#define CPSIM_SIM_PLAN_LAYOUTS_LAYOUT_SEARCH_H

#include "sim/plan/layouts/answer.h"

struct layout_job {
    const struct layout_file *file;
    const struct scenario *base;
    struct node *tree;                /* of the base */
    const struct override *overrides; /* [override_count]: laid over the base */
    size_t override_count;
    const struct layout_space *space;
    const char *folder; /* of the journal; there */
    unsigned workers;
    void (*report)(void *context, uint64_t done, uint64_t total);
    void *context;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

struct played_layout {
    bool done;           /* on the simulated network */
    double step_seconds; /* 0: refused or failed there */
    double seconds;      /* as struct answer's */
    const char *error;
};

struct layout_found {
    struct answer *answers; /* [count]: priced ones, best first by the file's aim and budget */
    size_t count, capacity;
    uint64_t states[ANSWER_STATE_COUNT]; /* how many layouts ended so */
    uint64_t over_budget;                /* of the priced: at the end of `answers` */
    struct played_layout *played;        /* [count]; NULL until all are priced */
    uint64_t plays;
    size_t winner; /* SIZE_MAX: none */
};

enum search_end { SEARCH_DONE, SEARCH_INTERRUPTED, SEARCH_BROKEN };

enum search_end layout_search(const struct layout_job *job, struct layout_found *found);

#endif
