/* SPDX-License-Identifier: MIT
 * Memory by kind, against arXiv 2411.01783's model worked by hand. */
#include "models/memory.h"

#include "fixture.h"
#include "run_tests.h"

static struct replica make(const struct layout *layout)
{
    return (struct replica){.llm = &fixture_llm,
                            .gpu = &fixture_gpu,
                            .cluster = &fixture_cluster,
                            .software = &fixture_software,
                            .layout = layout,
                            .precision = &fixture_precision};
}

/* Attention 126 x (2 x 16384^2 + 2 x 16384 x 1024) = 71.87e9 weights in bf16; feed-forward
 * 126 x 3 x 16384 x 53248 = 329.8e9 in fp8; embedding and head 2 x 128256 x 16384 = 4.2e9 in bf16:
 * 481.9 GB, of which TP8 holds 60.24 GB; row scales and norms add 17 MB. */
START_TEST(weights_of_405b)
{
    struct layout layout = {8, 16, 1, 1};
    struct replica replica = make(&layout);
    ck_assert_double_eq_tol(memory_weight_bytes(&replica), 60.25e9, 0.02e9);
    struct layout alone = {1, 1, 1, 1};
    replica = make(&alone);
    ck_assert_double_eq_tol(memory_weight_bytes(&replica), 481.97e9, 0.1e9);
}
END_TEST

/* 126 layers x 1 head x 128 x (key and value) x 2 bytes = 64,512 bytes a token and GPU under TP8;
 * a million tokens on CP16: 62,500 a rank, 4.03 GB. */
START_TEST(kv_cache_of_a_million_tokens)
{
    struct layout layout = {8, 16, 1, 1};
    struct replica replica = make(&layout);
    ck_assert_double_eq(memory_kv_bytes_per_token(&replica), 64512.0);
    ck_assert_double_eq(memory_kv_cache_bytes(&replica, 1, 1000000), 62500.0 * 64512.0);
}
END_TEST

/* TP1, 1000 tokens, no ring: residual 2 x 1000 x 16384 x 2 = 65.5 MB; the feed-forward block is the
 * wider: 3 x 1000 x 53248 x 2 = 319.5 MB. */
START_TEST(activations_of_one_rank)
{
    struct layout layout = {1, 1, 1, 1};
    struct replica replica = make(&layout);
    struct batch_slice slice = {PHASE_PREFILL, 1, 1000, 0};
    struct batch batch = {&slice, 1};
    ck_assert_double_eq_tol(memory_activation_bytes(&replica, &batch, RING_NONE),
                            65.536e6 + 319.488e6, 1.0);
}
END_TEST

RUN_TESTS(memory, weights_of_405b, kv_cache_of_a_million_tokens, activations_of_one_rank)
