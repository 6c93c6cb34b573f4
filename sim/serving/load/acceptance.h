/* SPDX-License-Identifier: MIT
 * How many guesses of a step come true. A kind is a row of the table in acceptance.c. */
#ifndef CPSIM_SIM_SERVING_LOAD_ACCEPTANCE_H
#define CPSIM_SIM_SERVING_LOAD_ACCEPTANCE_H

#include "models/numeric/random.h"
#include "sim/scenario/scenario.h"
#include "sim/serving/load/request_trace.h"

struct acceptance_source {
    const struct speculation *says; /* NULL: nobody guesses */
    struct length_table table;      /* ACCEPTANCE_FILE */
    struct random_stream random;
};

/* False with diagnostics when its file cannot be read. */
bool acceptance_open(struct acceptance_source *source, const struct service *service, uint64_t seed,
                     struct arena *arena, struct diagnostics *diagnostics);

/* Of `drafts` guesses, the first so many. */
uint32_t acceptance_draw(struct acceptance_source *source, uint32_t drafts);

#endif
