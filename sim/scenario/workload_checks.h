/* SPDX-License-Identifier: MIT
 * What must hold between the keys of one kind of workload, and between them and the machine. */
#ifndef CPSIM_SIM_SCENARIO_WORKLOAD_CHECKS_H
#define CPSIM_SIM_SCENARIO_WORKLOAD_CHECKS_H

#include "sim/scenario/checker.h"

struct workload_checks {
    const char *name; /* as one says it: "a service" */
    /* Some values may not be known: is_known() tells. NULL: nothing but sums. */
    void (*check)(const struct checker *checker);
    /* After no error at all: what is only worth something when every part is known. */
    void (*check_sums)(const struct checker *checker);
};

extern const struct workload_checks conversation_checks, serving_checks, training_checks;
extern const struct workload_checks *const workload_checks[WORKLOAD_KIND_COUNT];

#endif
