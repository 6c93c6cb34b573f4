/* SPDX-License-Identifier: MIT
 * Rates of replicas that start, by hand (models/layout/cold_start.h). */
#include "models/layout/cold_start.h"

#include "run_tests.h"

static struct cluster cluster(void)
{
    return (struct cluster){.gpus_per_node = 8,
                            .nics_per_node = 8,
                            .nic_bytes_per_second = 50e9,
                            .host_bytes_per_second = 25e9};
}

/* Four of eight GPUs have four cards, 200 GB/s, and four links to their host, 100 GB/s: the links.
 * Half of what a node reads at, 40 of 80 GB/s; a third of the storage's 60 GB/s when three start;
 * all of it, but no more than 40 GB/s, when one does. */
START_TEST(the_slowest_counts)
{
    struct cluster of = cluster();
    ck_assert_double_eq_tol(cold_start_rate(&of, 4, 1), 100e9, 1.0);
    of.node_storage_bytes_per_second = 80e9;
    ck_assert_double_eq_tol(cold_start_rate(&of, 4, 1), 40e9, 1.0);
    of.storage_bytes_per_second = 60e9;
    ck_assert_double_eq_tol(cold_start_rate(&of, 4, 1), 40e9, 1.0);
    ck_assert_double_eq_tol(cold_start_rate(&of, 4, 3), 20e9, 1.0);
    of.nic_bytes_per_second = 2e9; /* four of them: 8 GB/s */
    ck_assert_double_eq_tol(cold_start_rate(&of, 4, 3), 8e9, 1.0);
}
END_TEST

/* 16 GPUs are two whole nodes. */
START_TEST(over_nodes)
{
    struct cluster of = cluster();
    of.node_storage_bytes_per_second = 10e9;
    ck_assert_double_eq_tol(cold_start_rate(&of, 16, 1), 20e9, 1.0);
}
END_TEST

/* 130 GB at 5 GB/s take 26 s: ServerlessLLM's (arXiv 2401.14351) example of a download. */
START_TEST(published)
{
    struct cluster of = cluster();
    of.storage_bytes_per_second = 5e9;
    ck_assert_double_eq_tol(130e9 / cold_start_rate(&of, 8, 1), 26.0, 1e-9);
}
END_TEST

RUN_TESTS(cold_start, the_slowest_counts, over_nodes, published)
