/* SPDX-License-Identifier: MIT
 * What breaks while a service runs: an actor for each fault of the scenario, and one for each
 * replica, node or GPU that the one by chance can strike. */
#ifndef CPSIM_SIM_SERVING_FAULTS_FAULTS_H
#define CPSIM_SIM_SERVING_FAULTS_FAULTS_H

#include "sim/serving/replica/fleet.h"

/* A fault that has struck. */
struct struck_fault {
    struct fault fault;
    double start_seconds;
    uint32_t replicas; /* that it hit */
    uint64_t requests; /* that it threw out */
    uint64_t number;   /* in the order of the list, before it is sorted */
    struct struck_fault *next;
};

struct faults {
    struct fleet *fleet;
    struct struck_fault *first, *last;
    uint64_t counts[FAULT_KIND_COUNT];
    uint32_t finished; /* requests that had ended when a fault by chance last struck */
    uint32_t in_vain;  /* such faults since one last ended */
    bool hopeless;     /* too many: the run was given up */
};

void faults_start(struct faults *faults, struct fleet *fleet);

/* After the run: puts the list into the order of time, for faults of quiet times are noted when
 * such a time begins. */
void faults_sort(struct faults *faults);

/* A machine that fails drops what it holds; its requests are handed to the fleet, but where one GPU
 * is lost (`keeps`) and their caches are safe (protection.h). */
void server_fail(struct server *server, bool keeps);

const char *fault_name(enum fault_kind kind); /* "card-down" */
/* The replica, node or GPU that the kind speaks of. */
uint32_t fault_target(const struct fault *fault);

#endif
