/* SPDX-License-Identifier: MIT
 * What breaks while a service runs: an actor for each fault of the scenario, and one for each
 * replica, node or GPU that the one by chance can strike. */
#ifndef CPSIM_SIM_SERVING_FAULTS_FAULTS_H
#define CPSIM_SIM_SERVING_FAULTS_FAULTS_H

#include "sim/scenario/serving.h"

struct serving_run;

/* A fault that has struck; the run keeps a list. */
struct struck_fault {
    struct fault fault;
    double start_seconds;
    uint32_t replicas; /* that it hit */
    uint64_t requests; /* that it threw out */
    struct struck_fault *next;
};

void faults_start(struct serving_run *run);

const char *fault_name(enum fault_kind kind); /* "card-down" */
/* The replica, node or GPU that the kind speaks of. */
uint32_t fault_target(const struct fault *fault);

#endif
