/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/policy.h"

const struct batching_policy *const batching_policies[BATCHING_KIND_COUNT] = {
    [BATCHING_VLLM] = &policy_vllm,
    [BATCHING_SGLANG] = &policy_sglang,
    [BATCHING_NO_EVICT] = &policy_no_evict,
    [BATCHING_MAX_UTILIZATION] = &policy_max_utilization,
    [BATCHING_CHUNKED_PREFILL] = &policy_chunked_prefill,
    [BATCHING_PREFILL_FIRST] = &policy_prefill_first,
    [BATCHING_STATIC] = &policy_static,
    [BATCHING_DISAGGREGATED] = &policy_disaggregated,
};
