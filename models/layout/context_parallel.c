/* SPDX-License-Identifier: MIT */
#include "models/layout/context_parallel.h"

#include "models/numeric/whole.h"

#include <assert.h>
#include <math.h>

uint64_t context_prefill_tokens(uint64_t new_tokens, uint32_t ranks)
{
    assert(ranks > 0 && "a ring has a rank");
    return ranks == 1 ? new_tokens : 2 * divide_up(new_tokens, 2 * (uint64_t)ranks);
}

uint64_t context_decode_tokens(uint64_t sequences, uint32_t ranks)
{
    return divide_up(sequences, ranks);
}

uint64_t context_cached_tokens(uint64_t cached_tokens, uint32_t ranks)
{
    return divide_up(cached_tokens, ranks);
}

uint64_t context_ring_keys(uint64_t new_tokens, uint64_t cached_tokens, uint32_t ranks,
                           uint32_t iteration)
{
    uint64_t mine = context_prefill_tokens(new_tokens, ranks);
    uint64_t cached = context_cached_tokens(cached_tokens, ranks);
    return cached + (iteration == 0 ? mine : mine / 2);
}

/* Appendix D: h(T, P) = a log T + b log(T / (T + P)) + g, as printed, with natural logarithms. The
 * paper's own table contradicts its signs outside small T (see docs/validation.md). */
static double appendix_d(double new_tokens, double miss_rate)
{
    const double a = -1.059, b = 1.145, g = 12.112;
    return a * log(new_tokens) + b * log(miss_rate) + g;
}

struct ring_answer ring_choose(enum ring_rule rule, const struct ring_question *question)
{
    double tokens = (double)question->new_tokens;
    double heads_ratio = (double)question->kv_heads / question->query_heads;
    double rate_ratio = question->flops_per_second * question->element_bytes /
                        question->bytes_per_second; /* C e / BW */
    struct ring_answer answer = {
        .variant = RING_PASS_KV,
        .miss_rate = tokens / (tokens + (double)question->cached_tokens),
        .miss_threshold = 2.0 * heads_ratio,                                  /* Eq. (1) */
        .tokens_threshold = question->ranks * rate_ratio * heads_ratio / 2.0, /* Eq. (2) */
    };
    answer.heuristic = appendix_d(tokens, answer.miss_rate);
    bool hidden = tokens >= answer.tokens_threshold;
    switch (rule) {
    case RING_RULE_PASS_KV:
        break;
    case RING_RULE_PASS_Q:
        answer.variant = RING_PASS_Q;
        break;
    case RING_RULE_ALL_GATHER:
        answer.variant = RING_ALL_GATHER;
        break;
    case RING_RULE_TREE:
        answer.variant = RING_TREE;
        break;
    case RING_RULE_HEURISTIC:
        answer.variant = answer.heuristic > 0.0 ? RING_PASS_KV : RING_PASS_Q;
        break;
    case RING_RULE_ALGORITHM_1:
        answer.variant =
            hidden || answer.miss_rate >= answer.miss_threshold ? RING_PASS_KV : RING_PASS_Q;
        break;
    case RING_RULE_ALGORITHM_5:
    case RING_RULE_AUTO:
    case RING_RULE_MIXED:
    case RING_RULE_COUNT: /* Eq. (5): 2 N_KV/N_H - 4 T BW / (N C e) */
        answer.miss_threshold -= 4.0 * tokens / (question->ranks * rate_ratio);
        answer.variant =
            hidden || answer.miss_rate >= answer.miss_threshold ? RING_PASS_KV : RING_PASS_Q;
        break;
    }
    if (question->ranks == 1) {
        answer.variant = RING_NONE;
    }
    return answer;
}

enum ring_variant ring_decode_variant(enum ring_rule rule, uint32_t ranks)
{
    if (ranks == 1) {
        return RING_NONE;
    }
    return rule == RING_RULE_ALL_GATHER ? RING_ALL_GATHER
           : rule == RING_RULE_TREE     ? RING_TREE
                                        : RING_PASS_Q;
}

const char *ring_variant_name(enum ring_variant variant)
{
    static const char *const names[RING_VARIANT_COUNT] = {[RING_NONE] = "-",
                                                          [RING_PASS_KV] = "pass-KV",
                                                          [RING_PASS_Q] = "pass-Q",
                                                          [RING_ALL_GATHER] = "all-gather",
                                                          [RING_TREE] = "tree"};
    assert(variant < RING_VARIANT_COUNT && "not a ring variant");
    return names[variant];
}

const char *ring_rule_name(enum ring_rule rule)
{
    static const char *const names[RING_RULE_COUNT] = {[RING_RULE_PASS_KV] = "pass-kv",
                                                       [RING_RULE_PASS_Q] = "pass-q",
                                                       [RING_RULE_ALGORITHM_1] = "algorithm-1",
                                                       [RING_RULE_ALGORITHM_5] = "algorithm-5",
                                                       [RING_RULE_HEURISTIC] = "heuristic",
                                                       [RING_RULE_AUTO] = "auto",
                                                       [RING_RULE_ALL_GATHER] = "all-gather",
                                                       [RING_RULE_TREE] = "tree",
                                                       [RING_RULE_MIXED] = "mixed"};
    assert(rule < RING_RULE_COUNT && "not a ring rule");
    return names[rule];
}
