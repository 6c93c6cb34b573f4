/* SPDX-License-Identifier: MIT */
#include "models/architecture/super_weight.h"

#include <math.h>

double super_weights_bytes(size_t count)
{
    return (double)count * (2.0 + 4.0 + 4.0);
}

struct int4_accuracy int4_accuracy_at(const struct int4_study *study, double block_elements)
{
    struct int4_accuracy accuracy = {0};
    for (size_t i = 0; i + 1 < study->count; i++) {
        const struct int4_point *low = &study->points[i], *high = &study->points[i + 1];
        if (block_elements < low->elements || block_elements > high->elements) {
            continue;
        }
        double share = log(block_elements / low->elements) / log(high->elements / low->elements);
        accuracy.known = true;
        accuracy.rounded = low->rounded + share * (high->rounded - low->rounded);
        accuracy.kept_known = low->kept > 0.0 && high->kept > 0.0;
        if (accuracy.kept_known) {
            accuracy.kept = low->kept + share * (high->kept - low->kept);
        }
    }
    return accuracy;
}
