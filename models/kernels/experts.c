/* SPDX-License-Identifier: MIT */
#include "models/kernels/experts.h"

#include <assert.h>
#include <math.h>

static double share(struct experts experts)
{
    assert(experts.per_token > 0 && experts.per_token <= experts.count && "tokens to no expert");
    return (double)experts.per_token / experts.count;
}

double experts_touched(struct experts experts, double tokens)
{
    return experts.count * (1.0 - pow(1.0 - share(experts), tokens));
}

/* E[ceil(X / rows)] = P(X > 0) + P(X > rows) + P(X > 2 rows) + ... */
double experts_blocks(struct experts experts, double tokens, double rows)
{
    double mean = tokens * share(experts);
    double deviation = sqrt(mean * (1.0 - share(experts)));
    double blocks = experts_touched(experts, tokens);
    /* As good as certain below mean - 6 deviations, and impossible 6 above. */
    double certain = fmax(0.0, ceil((mean - 6.0 * deviation) / rows) - 1.0);
    blocks += experts.count * certain;
    for (double edge = (certain + 1.0) * rows; edge < mean + 6.0 * deviation + 1.0; edge += rows) {
        double above =
            deviation > 0.0 ? (edge + 0.5 - mean) / deviation : (edge < mean ? -9.0 : 9.0);
        blocks += experts.count * 0.5 * erfc(above / sqrt(2.0));
    }
    return blocks;
}
