/* SPDX-License-Identifier: MIT */
#include "models/numeric/golden_section.h"

/* 0.618^120 is 1e-25: the ends have met long before. */
enum { SECTIONS = 120 };
static const double golden = 0.6180339887498949; /* (sqrt(5) - 1) / 2 */

double golden_section(double (*value)(double argument, const void *context), const void *context,
                      double low, double high)
{
    for (int i = 0; i < SECTIONS; i++) {
        double left = high - golden * (high - low), right = low + golden * (high - low);
        if (value(left, context) < value(right, context)) {
            high = right;
        } else {
            low = left;
        }
    }
    return 0.5 * (low + high);
}
