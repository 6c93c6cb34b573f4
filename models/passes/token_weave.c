/* SPDX-License-Identifier: MIT */
#include "models/passes/token_weave.h"

#include <math.h>

static double beside(double kernels, double exchange, struct weave_loss loss)
{
    double together = exchange * loss.exchange_factor;
    return fmax(together, kernels + together * loss.kernels_share);
}

double token_weave_seconds(const struct weave_group groups[2], double stages,
                           struct weave_loss loss)
{
    const struct weave_group *first = &groups[0], *second = &groups[1];
    double alone = first->kernels_seconds / stages + second->exchange_seconds / stages;
    double with_second = beside(first->kernels_seconds, second->exchange_seconds, loss);
    double with_first = beside(second->kernels_seconds, first->exchange_seconds, loss);
    return alone + with_second * (stages - 1.0) / stages + with_first;
}
