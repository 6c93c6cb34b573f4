/* SPDX-License-Identifier: MIT
 * Others' traffic on the links while a service runs: an actor for each stream of the scenario. */
#ifndef CPSIM_SIM_SERVING_FAULTS_BACKGROUND_H
#define CPSIM_SIM_SERVING_FAULTS_BACKGROUND_H

struct fleet;

void background_start(struct fleet *fleet);

#endif
