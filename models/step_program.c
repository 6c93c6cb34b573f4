/* SPDX-License-Identifier: MIT */
#include "models/step_program.h"

#include <assert.h>

uint32_t step_append(struct step_segment *segment, struct step_operator op, uint32_t after,
                     uint32_t also)
{
    assert(segment->count < segment->capacity && "a step segment larger than was planned");
    const uint32_t dependencies[OPERATOR_MAX_DEPENDENCIES] = {after, also};
    op.after_count = 0;
    for (size_t i = 0; i < OPERATOR_MAX_DEPENDENCIES; i++) {
        if (dependencies[i] != STEP_NO_OPERATOR) {
            assert(dependencies[i] < segment->count && "an operator waits for a later one");
            op.after[op.after_count++] = dependencies[i];
        }
    }
    segment->operators[segment->count] = op;
    return segment->count++;
}
