/* SPDX-License-Identifier: MIT
 * When requests come: a kind of arrivals is a file and a row of ARRIVALS in
 * sim/scenario/serving.h. */
#ifndef CPSIM_SIM_SERVING_LOAD_ARRIVALS_H
#define CPSIM_SIM_SERVING_LOAD_ARRIVALS_H

#include "models/numeric/random.h"
#include "sim/scenario/scenario.h"
#include "sim/serving/load/request_trace.h"

struct arrival_state {
    const struct arrivals *arrivals;
    const struct request_trace *trace; /* of a file; NULL: there is none */
    struct random_stream random;
    double clock_seconds; /* of the last arrival */
    uint64_t count;       /* so far */
};

struct arrival_policy {
    /* Seconds of the next arrival; INFINITY when none comes by itself. Never falls. */
    double (*next)(struct arrival_state *state);
    bool follows; /* an answer's end makes its client send the next request */
};

#define ARRIVAL_POLICY(member, object, name, sentence) extern const struct arrival_policy object;
ARRIVALS(ARRIVAL_POLICY)
#undef ARRIVAL_POLICY
extern const struct arrival_policy *const arrival_policies[ARRIVAL_KIND_COUNT];

#endif
