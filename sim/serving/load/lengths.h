/* SPDX-License-Identifier: MIT
 * How long prompts and answers are. A kind is a row of the table in lengths.c. */
#ifndef CPSIM_SIM_SERVING_LOAD_LENGTHS_H
#define CPSIM_SIM_SERVING_LOAD_LENGTHS_H

#include "models/numeric/random.h"
#include "sim/scenario/scenario.h"
#include "sim/serving/load/request_trace.h"

struct length_source {
    enum length_kind kind;
    const struct length *length;
    struct length_table table; /* LENGTH_EMPIRICAL */
    struct random_stream random;
};

uint32_t length_draw(struct length_source *source); /* at least 1 */

#endif
