/* SPDX-License-Identifier: MIT
 * Caches kept against the loss of a GPU, by hand: four GPUs with shards of 100 MB, 50 GB/s to the
 * host, 400 GB/s between them, 2 TB/s of memory. Catches a shard too many that is gathered, parity
 * that is written per GPU, a recovery that reads all parities. */
#include "models/layout/kv_protection.h"
#include "run_tests.h"

static const struct protection_links links = {.gpus = 4,
                                              .host_bytes_per_second = 50e9,
                                              .hosts_bytes_per_second = 25e9,
                                              .node_bytes_per_second = 400e9,
                                              .memory_bytes_per_second = 2e12};

/* Each sends its own, and four at once find 25 GB/s each: 100 MB take 4 ms. One comes back over its
 * link alone in 2 ms. */
START_TEST(a_copy)
{
    const struct protection copy = {.kind = PROTECTION_COPY, .shards = 3, .chunk_tokens = 100};
    ck_assert_double_eq_tol(protection_keep_seconds(&copy, &links, 1e8), 4e-3, 1e-12);
    ck_assert_double_eq_tol(protection_recover_seconds(&copy, &links, 1e8), 2e-3, 1e-12);
    ck_assert_double_eq(protection_host_share(&copy, 4), 1.0);
}
END_TEST

/* Three shards come in 0.75 ms, four are read and two written in 0.3 ms, two go to the host in 4
 * ms. Back: one parity in 2 ms, three shards in 0.75 ms, four read and one written in 0.25 ms. */
START_TEST(parity)
{
    const struct protection two = {.kind = PROTECTION_PARITY, .shards = 2, .chunk_tokens = 100};
    ck_assert_double_eq_tol(protection_keep_seconds(&two, &links, 1e8), 5.05e-3, 1e-12);
    ck_assert_double_eq_tol(protection_recover_seconds(&two, &links, 1e8), 3e-3, 1e-12);
    ck_assert_double_eq(protection_host_share(&two, 4), 0.5);
}
END_TEST

START_TEST(whole_chunks_are_safe)
{
    const struct protection one = {.kind = PROTECTION_PARITY, .shards = 1, .chunk_tokens = 100};
    const struct protection none = {.kind = PROTECTION_NONE, .shards = 1, .chunk_tokens = 100};
    ck_assert_uint_eq(protection_safe_tokens(&one, 99), 0);
    ck_assert_uint_eq(protection_safe_tokens(&one, 299), 200);
    ck_assert_uint_eq(protection_safe_tokens(&none, 299), 0);
    ck_assert_double_eq(protection_host_share(&none, 4), 0.0);
}
END_TEST

RUN_TESTS(kv_protection, a_copy, parity, whole_chunks_are_safe)
