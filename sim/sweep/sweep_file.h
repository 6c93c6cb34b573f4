/* SPDX-License-Identifier: MIT
 * A sweep file as it was written: which scenario, which of its keys take which values. Checked as
 * far as its own keys go; what the axes say is for points.h to read.
 * Owner of all memory: the arena given to sweep_file_load(). */
#ifndef CPSIM_SIM_SWEEP_SWEEP_FILE_H
#define CPSIM_SIM_SWEEP_SWEEP_FILE_H

#include "sim/config/field.h"

#include <stdint.h>

/* Points drawn instead of listed. */
struct sampling {
    uint32_t samples; /* 0: there is none */
    const struct node *keys;
};

struct sweep_axes {
    const struct node *grid, *zip; /* keys with lists of values; NULL: none */
    const struct node **list;      /* [list_count]: keys with values */
    size_t list_count;
    struct sampling random, latin_hypercube;
};

/* Which points the table at the end shows. */
struct sweep_best {
    const char *minimise, *maximise; /* a metric; at most one is not NULL */
    uint32_t count;
    const char **show; /* [show_count]: more metrics */
    size_t show_count;
};

struct sweep_file {
    const char *path, *title, *base; /* base: the path of a scenario */
    uint64_t seed;
    uint32_t replications;
    bool traces;
    struct sweep_axes axes;
    const char **where; /* [where_count] */
    size_t where_count;
    struct sweep_best best;
    const struct node *tree; /* the marks of all that */
};

extern const struct field sweep_fields[];      /* struct sweep_file */
extern const struct field sweep_axes_fields[]; /* struct sweep_axes */
extern const struct field sweep_where_item;    /* an item of `where` */

/* NULL after at least one error. */
const struct sweep_file *sweep_file_load(struct arena *arena, const char *path,
                                         struct diagnostics *diagnostics);

#endif
