/* SPDX-License-Identifier: MIT
 * What theory says of the service that was played (models/laws/load_law.h), with its own requests,
 * prices of steps and limits: a result near it is a law, one far from it an accident of its
 * arrivals, its scheduler or a run that is too short. Computed after the run, of the requests that
 * were answered; nothing of it goes into the run. */
#ifndef CPSIM_SIM_SERVING_RESULT_THEORY_H
#define CPSIM_SIM_SERVING_RESULT_THEORY_H

#include "sim/serving/serving.h"

struct request_tally; /* sim/serving/result/tally.h */

/* What keeps a replica from having more sequences at once. */
enum seat_limit { SEATS_SEQUENCES, SEATS_KV_ROOM, SEATS_STEP_TOKENS, SEATS_CLIENTS, SEATS_NOTHING };

/* What its steps are nearest to the limit of. */
enum step_bound {
    STEP_BOUND_BANDWIDTH,
    STEP_BOUND_COMPUTE,
    STEP_BOUND_COMMUNICATION,
    STEP_BOUND_HOST
};

struct load_theory {
    const char *silent; /* why theory says nothing of this service; NULL: it does */
    /* The fluid limit: requests a second that all replicas complete while more wait, and of how
     * many sequences a replica then has how long a step takes. */
    double capacity_per_second, capacity_sequences, capacity_step_seconds;
    enum seat_limit seats;
    enum step_bound bound;
    bool of_prefill;       /* of two pools, the one that prefills is the lesser */
    double load;           /* requests that came a second, over it; 0: they come as others end */
    double shared_number;  /* in the service on average, all sharing it; negative: no such law */
    double shared_seconds; /* ... and so arrival to last token */
    double wait_seconds;   /* one at a time: the mean wait in the queue; negative: no such law */
    double little_number;  /* in the service, by Little: rate x mean time; 0: no time to say */
    double in_service;     /* counted, between the warm-up and the last arrival */
};

/* `tally`: of all requests; `offered_per_second`: that came; `tokens_per_step`: of a sequence, more
 * than 1 with speculation. */
struct load_theory load_theory(const struct serving_run *run, const struct request_tally *tally,
                               double offered_per_second, double tokens_per_step);

const char *seat_limit_name(enum seat_limit limit); /* "kv-room" */
const char *step_bound_name(enum step_bound bound); /* "bandwidth" */

#endif
