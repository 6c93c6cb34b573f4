/* SPDX-License-Identifier: MIT
 * Ring attention over context-parallel ranks ("Context Parallelism for Scalable Million-Token
 * Inference", arXiv 2411.01783): which tokens a rank holds, what a hop carries, which variant a
 * rule prefers and why. Pure functions. */
#ifndef CPSIM_MODELS_CONTEXT_PARALLEL_H
#define CPSIM_MODELS_CONTEXT_PARALLEL_H

#include <stddef.h>
#include <stdint.h>

/* What travels round the ring. */
enum ring_variant { RING_PASS_KV, RING_PASS_Q };

/* How the variant is chosen. */
enum ring_rule {
    RING_RULE_PASS_KV,     /* always pass-KV */
    RING_RULE_PASS_Q,      /* always pass-Q */
    RING_RULE_ALGORITHM_1, /* the paper's Algorithm 1 */
    RING_RULE_ALGORITHM_5, /* Algorithm 5: counts pass-Q's all-to-all too */
    RING_RULE_HEURISTIC,   /* appendix D's fitted h(T, P) */
    RING_RULE_AUTO,        /* plays both, keeps the faster */
    RING_RULE_COUNT
};

#endif
