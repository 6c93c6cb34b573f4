/* SPDX-License-Identifier: MIT
 * Runs that cannot differ are played once. Candidates that differ in max_sequences alone are a
 * family: what one was answered is another's answer too, to the last bit, where the run is known to
 * have met neither's limits (sim/serving/result/need.h). An answer is looked for among those of
 * members before it, and waited for, so that who plays does not depend on how many play at once. */
#ifndef CPSIM_SIM_PLAN_ALIKE_H
#define CPSIM_SIM_PLAN_ALIKE_H

#include "sim/plan/plan.h"

/* What a run of a candidate asks, beside the candidate. */
struct trial_question {
    bool unloaded, confirms; /* without load; with the draws that confirm */
    double rate;
    uint32_t requests;
};

/* Families and answers of all candidates, in `arena`. */
struct alike *alike_create(struct arena *arena, const struct points *points);

/* A candidate was answered: these metrics, by a run that needed so much. */
void alike_add(struct alike *alike, uint64_t candidate, const struct trial_question *question,
               const struct metric_list *metrics, const struct serving_need *need);

/* Whether an earlier member of its family may yet be asked what this one is asked now. */
bool alike_waits(const struct alike *alike, const struct candidate *candidates, uint64_t candidate);

/* The answer of another member to this question that is the candidate's too, if its limits are
 * these; NULL: there is none. `room` NULL: they are not known yet, and `*need` gets what they must
 * hold. */
const struct metric_list *alike_find(const struct alike *alike, uint64_t candidate,
                                     const struct trial_question *question,
                                     const struct serving_need *room, struct serving_need *need);

#endif
