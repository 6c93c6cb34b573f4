/* SPDX-License-Identifier: MIT
 * What GPUs reach of their host's memory, by hand: links of 50 GB/s, of which 40 are left each way
 * while both are busy, eight GPUs on two sockets whose memory gives 160 GB/s, 120 while copies go
 * both ways. Catches a socket that is forgotten, one that counts a direction, a node taken for a
 * socket. */
#include "models/machine/host_link.h"

#include "run_tests.h"

static struct cluster cluster(void)
{
    return (struct cluster){.gpus_per_node = 8,
                            .host_bytes_per_second = 50e9,
                            .host_both_share = 0.8,
                            .host_sockets = 2,
                            .host_memory_bytes_per_second = 160e9,
                            .host_both_bytes_per_second = 120e9};
}

/* One way: 3 x 50 = 150 fit, four have 160 / 4. Both ways: one 40 each way; two 120 / 4 each way,
 * four 120 / 8. */
START_TEST(a_socket_is_shared)
{
    struct cluster of = cluster();
    ck_assert_uint_eq(host_socket_gpus(&of), 4);
    ck_assert_double_eq_tol(host_link_rate(&of, 3, false), 50e9, 1.0);
    ck_assert_double_eq_tol(host_link_rate(&of, 4, false), 40e9, 1.0);
    ck_assert_double_eq_tol(host_link_rate(&of, 1, true), 40e9, 1.0);
    ck_assert_double_eq_tol(host_link_rate(&of, 2, true), 30e9, 1.0);
    ck_assert_double_eq_tol(host_link_rate(&of, 4, true), 15e9, 1.0);
}
END_TEST

/* Eight GPUs, and sixteen of two nodes, are full sockets of four; of one socket eight. Three
 * sockets have three GPUs at most. */
START_TEST(the_fullest_socket_counts)
{
    struct cluster of = cluster();
    ck_assert_double_eq_tol(host_links_rate(&of, 2, false), 50e9, 1.0);
    ck_assert_double_eq_tol(host_links_rate(&of, 8, false), 40e9, 1.0);
    ck_assert_double_eq_tol(host_links_rate(&of, 16, false), 40e9, 1.0);
    of.host_sockets = 1;
    ck_assert_double_eq_tol(host_links_rate(&of, 8, false), 20e9, 1.0);
    of.host_sockets = 3;
    ck_assert_uint_eq(host_socket_gpus(&of), 3);
}
END_TEST

/* Nothing known: the link. One bound known: that one, the lower one counts both ways. */
START_TEST(what_is_not_known_bounds_nothing)
{
    struct cluster of = cluster();
    of.host_both_bytes_per_second = 0.0;
    ck_assert_double_eq_tol(host_link_rate(&of, 4, true), 20e9, 1.0);
    of.host_both_bytes_per_second = 200e9;
    ck_assert_double_eq_tol(host_link_rate(&of, 4, true), 20e9, 1.0);
    of.host_memory_bytes_per_second = 0.0;
    ck_assert_double_eq_tol(host_link_rate(&of, 4, true), 25e9, 1.0);
    ck_assert_double_eq_tol(host_link_rate(&of, 8, false), 50e9, 1.0);
    of.host_both_bytes_per_second = 0.0;
    ck_assert_double_eq_tol(host_link_rate(&of, 8, true), 40e9, 1.0);
}
END_TEST

RUN_TESTS(host_link, a_socket_is_shared, the_fullest_socket_counts,
          what_is_not_known_bounds_nothing)
