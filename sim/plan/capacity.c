/* SPDX-License-Identifier: MIT */
#include "sim/plan/capacity.h"

#include <math.h>

static const double LEAST_SHARE = 1.0 / 64.0; /* of the start */

struct capacity_search capacity_begin(double start, double tolerance, double most)
{
    return (struct capacity_search){
        .next = start, .start = start, .tolerance = tolerance, .most = most * start};
}

void capacity_tell(struct capacity_search *search, bool yes)
{
    if (yes) {
        search->low = search->next;
    } else {
        search->high = search->next;
    }
    if (search->high <= 0.0) {
        search->done = search->low >= search->most;
        search->next = 2.0 * search->low;
    } else if (search->low <= 0.0) {
        search->done = search->high <= search->start * LEAST_SHARE;
        search->next = 0.5 * search->high;
    } else {
        search->done = search->high <= (1.0 + search->tolerance) * search->low;
        search->next = sqrt(search->low * search->high);
    }
}
