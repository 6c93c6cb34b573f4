/* SPDX-License-Identifier: MIT
 * What a scenario's service would have done with the requests of a client: the same lengths in the
 * same order. When they come: as the file has it; or, where each waits for an answer (the file says
 * so, or the scenario's arrivals are a closed loop), from so many clients. A file of figures alone
 * is held against the scenario's own load. */
#ifndef CPSIM_SIM_CLIENTS_REPLAY_H
#define CPSIM_SIM_CLIENTS_REPLAY_H

#include "sim/clients/client_file.h"
#include "sim/scenario/scenario.h"

struct replay {
    struct client_figures figures;
    /* [count of the case]; of a request that was not answered negative */
    double *ttft_seconds, *e2e_seconds;
    size_t unanswered;
    uint32_t clients; /* that it was played with; 0: requests came at their times */
};

struct replay_prices; /* of steps, shared by the cases of one scenario */
struct replay_prices *replay_prices_create(struct arena *arena);
void replay_prices_destroy(struct replay_prices *prices);

/* Plays one case in a process of its own, for SimGrid can be made once in each. False after at
 * least one error. `scenario` is a service's. */
bool replay_run(struct arena *arena, const struct scenario *scenario, const struct client_case *one,
                struct replay_prices *prices, struct replay *replay,
                struct diagnostics *diagnostics);

#endif
