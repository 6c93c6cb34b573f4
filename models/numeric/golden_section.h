/* SPDX-License-Identifier: MIT
 * The least of a function that falls and then rises (Kiefer, "Sequential minimax search for a
 * maximum", 1953). Pure. */
#ifndef CPSIM_MODELS_NUMERIC_GOLDEN_SECTION_H
#define CPSIM_MODELS_NUMERIC_GOLDEN_SECTION_H

/* The argument in [low, high] of the least value, as near as doubles tell two values apart: about
 * 1e-8 of the interval for a function that is smooth there. */
double golden_section(double (*value)(double argument, const void *context), const void *context,
                      double low, double high);

#endif
