/* SPDX-License-Identifier: MIT */
#include "sim/plan/front.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int by_first(const void *left, const void *right)
{
    const struct front_point *a = left, *b = right;
    if (a->first < b->first || a->first > b->first) {
        return a->first < b->first ? -1 : 1;
    }
    if (a->second < b->second || a->second > b->second) {
        return a->second < b->second ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

size_t front_find(struct front_point *points, size_t count)
{
    size_t kept = 0;
    qsort(points, count, sizeof *points, by_first);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || points[i].second < points[kept - 1].second) {
            points[kept++] = points[i];
        }
    }
    return kept;
}

static bool alike(double a, double b, double share)
{
    return fabs(a - b) <= share * fmax(fabs(a), fabs(b));
}

size_t front_thin(struct front_point *points, size_t count, double share)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !alike(points[i].first, points[kept - 1].first, share) ||
            !alike(points[i].second, points[kept - 1].second, share)) {
            points[kept++] = points[i];
        }
    }
    return kept;
}
