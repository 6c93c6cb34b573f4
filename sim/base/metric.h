/* SPDX-License-Identifier: MIT
 * What a run found out, as a flat list of names and values: the columns of a sweep, the aims of a
 * search. Names carry their unit (`ttft_seconds`), as the keys of --json do. The first metric of a
 * list is what one would ask first of such a run. Owner of the list and its copies of texts: the
 * arena. */
#ifndef CPSIM_SIM_BASE_METRIC_H
#define CPSIM_SIM_BASE_METRIC_H

#include "sim/base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct metric {
    const char *name; /* "turn2_ttft_seconds" */
    const char *unit; /* "s"; "1" for a fraction, a count or a text */
    double value;
    bool whole;       /* a count, to be written with all its digits */
    const char *text; /* of a metric that is a word; NULL: `value` */
};

/* Start from {.arena = arena}. */
struct metric_list {
    struct arena *arena;
    struct metric *metrics; /* [count] */
    size_t count, capacity;
};

/* Its texts must live as long as the list. */
void metric_add(struct metric_list *list, struct metric metric);
/* These copy theirs. */
void metric_add_number(struct metric_list *list, const char *name, const char *unit, double value);
void metric_add_text(struct metric_list *list, const char *name, const char *text);

/* NULL when there is none of that name. */
const struct metric *metric_find(const struct metric_list *list, const char *name);

#endif
