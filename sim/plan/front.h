/* SPDX-License-Identifier: MIT
 * Pareto fronts: which of many things nothing else beats in both of two ways. Pure. */
#ifndef CPSIM_SIM_PLAN_FRONT_H
#define CPSIM_SIM_PLAN_FRONT_H

#include <stddef.h>

/* Both are better when small. `index` is the caller's. */
struct front_point {
    double first, second;
    size_t index;
};

/* Sorts the points by `first` and keeps at the beginning those that are on the front, one of equal
 * ones. Returns their number. */
size_t front_find(struct front_point *points, size_t count);

/* Leaves out of a front those that differ from the one before by no more than `share` of it, in
 * both ways. Returns how many are left. */
size_t front_thin(struct front_point *points, size_t count, double share);

#endif
