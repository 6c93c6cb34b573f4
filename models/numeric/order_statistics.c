/* SPDX-License-Identifier: MIT */
#include "models/numeric/order_statistics.h"

#include <math.h>

static double normal_below(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

/* E max = int_0^inf (1 - F) - int_-inf^0 F and E max^2 = int_0^inf 2 x (1 - F) - int_-inf^0 2 x F,
 * F = Phi^count; both by Simpson's rule, zero at the far ends to the last bit of a double. */
struct maximum normal_maximum(double count)
{
    enum { STEPS = 1024 };
    const double far = 9.0;
    double h = far / STEPS, mean = 0.0, square = 0.0;
    for (int i = 0; i <= STEPS; i++) {
        double x = h * i;
        double weight = (i == 0 || i == STEPS ? 1.0 : i % 2 == 1 ? 4.0 : 2.0) * h / 3.0;
        /* 1 - Phi^n as an expression that keeps its digits where Phi is all but 1. */
        double above = -expm1(count * log1p(-normal_below(-x)));
        double below = pow(normal_below(-x), count);
        mean += weight * (above - below);
        square += weight * 2.0 * x * (above + below);
    }
    return (struct maximum){.mean = mean, .variance = square - mean * mean};
}
