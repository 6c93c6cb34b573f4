/* SPDX-License-Identifier: MIT */
#include "models/machine/fitted.h"

struct extrapolation fitted_first_outside(const struct fitted_check *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct fitted_check *check = &checks[i];
        if (check->value < check->range->least || check->value > check->range->most) {
            return (struct extrapolation){
                .what = check->what, .value = check->value, .range = *check->range};
        }
    }
    return (struct extrapolation){.what = NULL};
}
