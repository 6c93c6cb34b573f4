/* SPDX-License-Identifier: MIT
 * Ring attention over context-parallel ranks ("Context Parallelism for Scalable Million-Token
 * Inference", arXiv 2411.01783): which tokens a rank holds, what a hop carries, which variant a
 * rule prefers and why. Pure functions. The paper's letters: T new tokens, P cached tokens, N
 * ranks, N_H / N_KV query / key-value heads, e bytes of an element, C and BW peak rates. */
#ifndef CPSIM_MODELS_LAYOUT_CONTEXT_PARALLEL_H
#define CPSIM_MODELS_LAYOUT_CONTEXT_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How context ranks share attention: what travels round a ring, or what is gathered. */
enum ring_variant {
    RING_NONE,
    RING_PASS_KV,
    RING_PASS_Q,
    RING_ALL_GATHER,
    RING_TREE,
    RING_VARIANT_COUNT
};

/* How the variant of a prefill is chosen. A decode of a ring passes Q (Algorithm 4). */
enum ring_rule {
    RING_RULE_PASS_KV,     /* always pass-KV */
    RING_RULE_PASS_Q,      /* always pass-Q */
    RING_RULE_ALGORITHM_1, /* the paper's Algorithm 1 */
    RING_RULE_ALGORITHM_5, /* Algorithm 5: counts pass-Q's all-to-all too */
    RING_RULE_HEURISTIC,   /* appendix D's fitted h(T, P) */
    RING_RULE_AUTO,        /* plays both, keeps the faster */
    RING_RULE_MIXED,       /* each prompt of a batch by Algorithm 5 of its own */
    RING_RULE_ALL_GATHER,  /* no ring: all-gathers */
    RING_RULE_TREE,        /* no ring: tree attention */
    RING_RULE_COUNT
};

/* New tokens a rank holds of a sequence of `new_tokens` in prefill: the sequence is cut in 2N equal
 * chunks (the last padded) and rank i takes chunks i and 2N-1-i, which gives every rank the same
 * work under a causal mask (section 3.5.1). One rank holds all. */
uint64_t context_prefill_tokens(uint64_t new_tokens, uint32_t ranks);

/* Decode tokens a rank holds of a batch of `sequences`: padded to a multiple of N (Algorithm 4). */
uint64_t context_decode_tokens(uint64_t sequences, uint32_t ranks);

/* Cached tokens of one sequence on the fullest rank. */
uint64_t context_cached_tokens(uint64_t cached_tokens, uint32_t ranks);

/* Keys that the queries of one rank meet in ring iteration `iteration` of a prefill; iteration 0 is
 * the rank's own shard, causal over its new tokens; in the others every query sees the shard's
 * cached tokens and, by the load-balanced cut, half of its new ones. */
uint64_t context_ring_keys(uint64_t new_tokens, uint64_t cached_tokens, uint32_t ranks,
                           uint32_t iteration);

/* What a rule needs to know. */
struct ring_question {
    uint64_t new_tokens, cached_tokens; /* T, P */
    uint32_t ranks;                     /* N */
    uint32_t query_heads, kv_heads;     /* N_H, N_KV */
    double element_bytes;               /* e */
    double flops_per_second;            /* C, peak of one GPU */
    double bytes_per_second;            /* BW, peak of one GPU's link to the next rank */
};

struct ring_answer {
    enum ring_variant variant;
    /* The quantities the rule compared, for the sentence that explains it. */
    double miss_rate;        /* T / (T + P) */
    double miss_threshold;   /* of Algorithm 1 (2 N_KV / N_H) or 5 */
    double tokens_threshold; /* N C N_KV e / (2 N_H BW), Eq. (2) */
    double heuristic;        /* h(T, P) of appendix D; positive: pass-KV */
};

/* The choice of a rule that needs no playing (all but RING_RULE_AUTO, for which it answers as
 * Algorithm 5 does). */
struct ring_answer ring_choose(enum ring_rule rule, const struct ring_question *question);

/* What a decode step over `ranks` does under a rule. */
enum ring_variant ring_decode_variant(enum ring_rule rule, uint32_t ranks);

const char *ring_variant_name(enum ring_variant variant); /* "pass-KV" */
const char *ring_rule_name(enum ring_rule rule);          /* "algorithm-1" */

#endif
