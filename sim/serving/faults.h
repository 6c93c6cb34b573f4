/* SPDX-License-Identifier: MIT
 * What breaks while a service runs: an actor for each fault of the scenario, and one a replica for
 * those that come by chance. */
#ifndef CPSIM_SIM_SERVING_FAULTS_H
#define CPSIM_SIM_SERVING_FAULTS_H

struct serving_run;

void faults_start(struct serving_run *run);

#endif
