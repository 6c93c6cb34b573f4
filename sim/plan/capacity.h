/* SPDX-License-Identifier: MIT
 * The search for a capacity: the highest rate at which an answer is still yes, when it is yes below
 * and no above. Starts at a rate of interest, doubles or halves until it is bracketed, then halves
 * the bracket by its geometric mean. Pure: the caller asks whatever has to be asked. */
#ifndef CPSIM_SIM_PLAN_CAPACITY_H
#define CPSIM_SIM_PLAN_CAPACITY_H

#include <stdbool.h>

struct capacity_search {
    double low;       /* yes; 0: no rate was yet */
    double high;      /* no; 0: no rate was yet */
    double next;      /* the rate to ask of */
    double start;     /* the first one */
    double tolerance; /* a share */
    double most;      /* the highest rate of interest */
    bool done;        /* `low` is the capacity, or less where `high` is 0; 0: not even a 64th
                         of the start */
};

/* `most`: times the start at which to look no further. */
struct capacity_search capacity_begin(double start, double tolerance, double most);

/* The answer for `next`. */
void capacity_tell(struct capacity_search *search, bool yes);

#endif
