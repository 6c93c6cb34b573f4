/* SPDX-License-Identifier: MIT
 * Requests that are over in a run that takes their places again (struct requests). A decision that
 * is under way, the one made up ahead, or the last turn that a policy looks back on may still name
 * one: it keeps its place until each lane of its server has made two decisions since. */
#ifndef CPSIM_SIM_SERVING_REPLICA_RETIRED_H
#define CPSIM_SIM_SERVING_REPLICA_RETIRED_H

#include "sim/serving/replica/server.h"

/* The request is over, and all have been told. */
void retire(struct fleet *fleet, uint32_t request);

/* Between two steps of a lane: gives away the places that nobody names any more. */
void retired_free(struct server *server);

#endif
