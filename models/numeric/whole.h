/* SPDX-License-Identifier: MIT
 * Whole numbers. */
#ifndef CPSIM_MODELS_NUMERIC_WHOLE_H
#define CPSIM_MODELS_NUMERIC_WHOLE_H

#include <stdint.h>

/* The least whole number that is no less than dividend / divisor; divisor above 0. */
static inline uint64_t divide_up(uint64_t dividend, uint64_t divisor)
{
    return dividend / divisor + (dividend % divisor != 0);
}

#endif
