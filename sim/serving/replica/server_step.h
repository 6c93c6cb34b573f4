/* SPDX-License-Identifier: MIT
 * What a step is made of, for those that play one: a server alone (server.c), or all that share
 * experts together (step_group.c). */
#ifndef CPSIM_SIM_SERVING_REPLICA_SERVER_STEP_H
#define CPSIM_SIM_SERVING_REPLICA_SERVER_STEP_H

#include "sim/serving/replica/fleet.h"

/* Asks the lane's policy what it does next. */
void lane_decide(struct lane *lane, struct decision *decision);
struct step_shape lane_shape(const struct decision *decision, const struct scenario *scenario);
/* Sets the time that swapping takes before the step. */
void lane_swap(struct lane *lane, const struct decision *decision);
/* Counts steps that were played. */
void lane_account(struct lane *lane, const struct played_steps *played);
/* Seconds between two tokens, of so many requests. */
void lane_add_gaps(const struct lane *lane, double seconds, uint64_t requests);
/* The step's tokens, or those of a run of such steps, are there: the first at `first_end`, the last
 * `now`. */
void lane_hand_in(struct lane *lane, const struct decision *decision, double first_end, double now);
/* The steps of a run that have ended or are under way after `elapsed` seconds; ends in lane->ends.
 */
uint32_t lane_steps_begun(const struct lane *lane, uint32_t steps, double elapsed);

#endif
