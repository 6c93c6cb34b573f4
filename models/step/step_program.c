/* SPDX-License-Identifier: MIT */
#include "models/step/step_program.h"

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

struct step_operator step_collective_operator(const char *name, enum group group,
                                              struct collective_call call)
{
    return (struct step_operator){
        .kind = OPERATOR_COLLECTIVE,
        .stream = STREAM_COMMUNICATION,
        .name = name,
        .collective = {.group = group, .call = call},
    };
}

struct step_operator step_host_operator(const char *name, uint32_t iteration, double seconds)
{
    return (struct step_operator){.kind = OPERATOR_HOST,
                                  .stream = STREAM_COMPUTE,
                                  .name = name,
                                  .iteration = iteration,
                                  .host_seconds = seconds};
}

struct step_operator step_memory_operator(const char *name, enum memory_kernel kernel,
                                          uint64_t rows, uint64_t columns, double bytes_per_element,
                                          bool fused)
{
    return (struct step_operator){
        .kind = OPERATOR_MEMORY,
        .stream = STREAM_COMPUTE,
        .name = name,
        .memory = {.kernel = kernel,
                   .rows = rows,
                   .columns = columns,
                   .bytes = (double)rows * (double)columns * bytes_per_element,
                   .fused = fused},
    };
}
