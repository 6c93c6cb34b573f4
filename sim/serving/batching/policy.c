/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/policy.h"

const struct batching_policy *const batching_policies[BATCHING_KIND_COUNT] = {
    [BATCHING_CHUNKED_PREFILL] = &policy_chunked_prefill,
    [BATCHING_PREFILL_FIRST] = &policy_prefill_first,
    [BATCHING_STATIC] = &policy_static,
    [BATCHING_DISAGGREGATED] = &policy_disaggregated,
};

const struct router_policy *const router_policies[ROUTER_KIND_COUNT] = {
    [ROUTER_ROUND_ROBIN] = &router_round_robin,
    [ROUTER_LEAST_OUTSTANDING] = &router_least_outstanding,
    [ROUTER_PREFIX_AWARE] = &router_prefix_aware,
};
