/* SPDX-License-Identifier: MIT
 * Names and ranks of candidates. */
#include "sim/plan/plan.h"

#include <math.h>
#include <stdint.h>

const char *plan_state_name(enum candidate_state state)
{
    static const char *const names[CANDIDATE_STATE_COUNT] = {
        [CANDIDATE_NEW] = "new",
        [CANDIDATE_TRYING] = "trying",
        [CANDIDATE_CARRIES] = "carries",
        [CANDIDATE_SEARCHING] = "searching",
        [CANDIDATE_REJECTED] = "rejected",
        [CANDIDATE_DEAR] = "too expensive",
        [CANDIDATE_FAILED] = "failed",
        [CANDIDATE_SLOW] = "too slow",
        [CANDIDATE_SHORT] = "too small",
        [CANDIDATE_GOOD] = "good",
        [CANDIDATE_CONFIRMING] = "confirming",
    };
    return names[state];
}

const char *plan_rule_name(enum plan_rule rule)
{
    static const char *const names[RULE_COUNT] = {
        [RULE_NONE] = "none",
        [RULE_IMPOSSIBLE] = "impossible",
        [RULE_FAILED] = "failed",
        [RULE_BUDGET] = "budget",
        [RULE_TPOT_BOUND] = "tpot-bound",
        [RULE_TTFT_BOUND] = "ttft-bound",
        [RULE_UNLOADED] = "unloaded",
        [RULE_COMPUTE_BOUND] = "compute-bound",
        [RULE_BANDWIDTH_BOUND] = "bandwidth-bound",
        [RULE_KV_ROOM_BOUND] = "kv-room-bound",
        [RULE_RATE] = "rate",
        [RULE_CONFIRM] = "confirm",
    };
    return names[rule];
}

double plan_cost(const struct candidate *candidate)
{
    return candidate->dollars_per_hour > 0.0 ? candidate->dollars_per_hour : candidate->gpus;
}

static double spare(const struct candidate *candidate)
{
    return fmin(candidate->searched, PLAN_AMPLE * candidate->search.start);
}

size_t plan_winner(const struct candidate *candidates, size_t count)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].state != CANDIDATE_GOOD) {
            continue;
        }
        double cost = plan_cost(&candidates[i]);
        double least = best == SIZE_MAX ? cost : plan_cost(&candidates[best]);
        bool more = best != SIZE_MAX && spare(&candidates[i]) > spare(&candidates[best]);
        if (best == SIZE_MAX || cost < least || (cost <= least && more)) {
            best = i;
        }
    }
    return best;
}
