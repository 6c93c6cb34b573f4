/* SPDX-License-Identifier: MIT
 * Collectives against values worked by hand on round links: 100 GB/s NVLink, 10 GB/s NICs, no
 * latency and no overhead unless the test says so. A wrong count of steps, a wrong share of a NIC
 * or a forgotten direction shows here; constants fitted to measurements can't hide it. */
#include "models/collectives/collective.h"

#include "run_tests.h"

#include <math.h>

#define GB 1e9
#define MICROSECONDS 1e-6

static const struct cluster round_cluster = {
    .name = "round",
    .nodes = 64,
    .gpus_per_node = 8,
    .nics_per_node = 8,
    .node_bytes_per_second = 100 * GB,
    .nic_bytes_per_second = 10 * GB,
    .oversubscription = 1.0,
};

/* Free hops, perfect links; LL and LL128 left too slow to be chosen. */
static struct software perfect_software(void)
{
    struct software software = {
        .library = {.tree = true,
                    .node_efficiency = 1.0,
                    .fabric_efficiency = 1.0,
                    .protocol = {[PROTOCOL_LL] = {.base_seconds = 1e3,
                                                  .payload_bytes_per_second = 1e30,
                                                  .wire_bytes = 2.0,
                                                  .fabric_crossings = 1.0,
                                                  .tree_fill = 1.0},
                                 [PROTOCOL_LL128] = {.base_seconds = 1e3,
                                                     .payload_bytes_per_second = 1e30,
                                                     .wire_bytes = 128.0 / 120.0,
                                                     .fabric_crossings = 2.0,
                                                     .tree_fill = 0.667},
                                 [PROTOCOL_SIMPLE] = {.wire_bytes = 1.0, .fabric_crossings = 2.0}},
                    .p2p = {.ll_bytes_per_second = 1.0, .self_bytes_per_second = 1e30},
                    .custom = {.copy_bytes_per_second = 1e30}}};
    return software;
}

static struct collective_call call_of(enum collective_kind kind, uint32_t ranks,
                                      uint32_t ranks_per_node, double bytes)
{
    return (struct collective_call){.kind = kind,
                                    .group = {.ranks = ranks, .ranks_per_node = ranks_per_node},
                                    .bytes = bytes,
                                    .graph = true};
}

static double seconds_of(const struct cluster *cluster, const struct software *software,
                         const struct collective_call *call)
{
    struct collective_plan plan = collective_plan(cluster, software, call);
    return collective_seconds(cluster, &plan);
}

static double perfect_seconds(enum collective_kind kind, uint32_t ranks, uint32_t ranks_per_node,
                              double bytes)
{
    struct software software = perfect_software();
    struct collective_call call = call_of(kind, ranks, ranks_per_node, bytes);
    return seconds_of(&round_cluster, &software, &call);
}

#define ASSERT_CLOSE(actual, expected)                                                             \
    ck_assert_double_eq_tol((actual), (expected), 1e-9 * (expected))

START_TEST(ring_in_a_node)
{
    /* All-reduce of 8: 2 x 7/8 x 8 GB = 14 GB over 100 GB/s. The halves of it: 7 GB. */
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_ALL_REDUCE, 8, 8, 8 * GB), 0.14);
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_ALL_GATHER, 8, 8, 8 * GB), 0.07);
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_REDUCE_SCATTER, 8, 8, 8 * GB), 0.07);
    /* Two members: 2 x 1/2 x 8 GB. */
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_ALL_REDUCE, 2, 2, 8 * GB), 0.08);
}
END_TEST

START_TEST(point_to_point_in_a_node)
{
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_SEND_RECV, 4, 4, 2 * GB), 0.02);
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_SEND, 2, 2, 2 * GB), 0.02);
    /* 8 GB to 8 members: 7 GB leave the GPU. */
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_ALL_TO_ALL, 8, 8, 8 * GB), 0.07);
}
END_TEST

START_TEST(ring_over_nodes_spreads_over_the_rails)
{
    /* 16 GPUs on 2 nodes, 8 rings of 1 GB each: a NIC carries 2 x 15/16 x 8 GB / 8 = 1.875 GB. */
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_ALL_REDUCE, 16, 8, 8 * GB), 0.1875);
    /* One member a node: the ring has one NIC, 2 x 3/4 x 8 GB = 12 GB. */
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_ALL_REDUCE, 4, 1, 8 * GB), 1.2);
    /* All-gather of 16: 15/16 x 8 GB / 8 = 0.9375 GB. */
    ASSERT_CLOSE(perfect_seconds(COLLECTIVE_ALL_GATHER, 16, 8, 8 * GB), 0.09375);
}
END_TEST

START_TEST(nvls_tree_over_nodes)
{
    struct software software = perfect_software();
    software.library.nvls.ranks = 8;
    software.library.nvls.tree = true;
    /* Two nodes: one sends 8 GB up, the other 8 GB down; a rail carries an eighth. */
    struct collective_call call = call_of(COLLECTIVE_ALL_REDUCE, 16, 8, 8 * GB);
    ASSERT_CLOSE(seconds_of(&round_cluster, &software, &call), 0.1);
    /* Many nodes: an inner node of one tree is a leaf of the other, 2 GB a rail, which is more than
     * the ring's 2 x 63/64; the tuner takes the ring when hops are free. */
    call = call_of(COLLECTIVE_ALL_REDUCE, 64, 8, 8 * GB);
    struct collective_plan plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "ring");
    ASSERT_CLOSE(collective_seconds(&round_cluster, &plan), 0.196875);
    /* With 1 ms a hop the ring pays 2 x 8 of them, the trees 2 x 3. */
    software.library.protocol[PROTOCOL_SIMPLE].fabric_hop_seconds = 1000 * MICROSECONDS;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "nvls-tree");
    ASSERT_CLOSE(collective_seconds(&round_cluster, &plan), 0.2 + 6e-3);
}
END_TEST

START_TEST(nvls_loads_a_link_with_an_nth_more_than_the_buffer)
{
    struct software software = perfect_software();
    software.library.nvls.ranks = 8;
    struct collective_call call = call_of(COLLECTIVE_ALL_REDUCE, 8, 8, 8 * GB);
    ASSERT_CLOSE(seconds_of(&round_cluster, &software, &call), 0.09);
    call.integer = true; /* the switch does not add integers: the ring's 14 GB */
    ASSERT_CLOSE(seconds_of(&round_cluster, &software, &call), 0.14);
}
END_TEST

START_TEST(hops_and_launch)
{
    struct software software = perfect_software();
    software.library.protocol[PROTOCOL_LL] = (struct protocol_constants){
        .base_seconds = 5 * MICROSECONDS,
        .node_hop_seconds = 1 * MICROSECONDS,
        .fabric_hop_seconds = 10 * MICROSECONDS,
        .payload_bytes_per_second = 1e30,
        .wire_bytes = 2.0,
        .fabric_crossings = 1.0,
        .tree_fill = 1.0,
    };
    software.library.protocol[PROTOCOL_SIMPLE].base_seconds = 1.0;
    software.launch[LAUNCH_COLLECTIVE] = (struct launch_constants){
        .graph_seconds = 3 * MICROSECONDS,
        .eager_seconds = 4 * MICROSECONDS,
        .host_seconds = 30 * MICROSECONDS,
    };
    struct cluster cluster = round_cluster;
    cluster.fabric_latency_seconds = 2 * MICROSECONDS;
    /* One byte round 8 GPUs: 3 + 5 + 14 x 1 us. */
    struct collective_call call = call_of(COLLECTIVE_ALL_REDUCE, 8, 8, 1.0);
    ck_assert_double_eq_tol(seconds_of(&cluster, &software, &call), 22e-6, 1e-9);
    /* Eagerly 4 + 5 + 14, but the host needs 30. */
    call.graph = false;
    ck_assert_double_eq_tol(seconds_of(&cluster, &software, &call), 30e-6, 1e-9);
    /* Four nodes, tree: 3 + 5 + 2 x (7 x 1 + 2 x (10 + 2)) = 70; a ring: 3 + 5 + 54 x 1 + 8 x 12.
     */
    call = call_of(COLLECTIVE_ALL_REDUCE, 32, 8, 1.0);
    struct collective_plan plan = collective_plan(&cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "tree");
    ck_assert_str_eq(plan.protocol, "LL");
    ck_assert_double_eq_tol(collective_seconds(&cluster, &plan), 70e-6, 1e-9);
}
END_TEST

START_TEST(connections_fill_the_nic_only_together)
{
    struct cluster cluster = round_cluster;
    cluster.connection_bytes_per_second = 4 * GB;
    struct software software = perfect_software();
    /* One connection a hop: 4 of the NIC's 10 GB/s. */
    struct collective_call call = call_of(COLLECTIVE_SEND_RECV, 4, 1, 4 * GB);
    ASSERT_CLOSE(seconds_of(&cluster, &software, &call), 1.0);
    /* Three peers: 12 GB/s of connections, so the NIC binds: 3/4 x 4 GB at 10 GB/s. */
    call.kind = COLLECTIVE_ALL_TO_ALL;
    ASSERT_CLOSE(seconds_of(&cluster, &software, &call), 0.3);
}
END_TEST

START_TEST(oversubscribed_leaves_slow_what_crosses_them)
{
    struct cluster cluster = round_cluster;
    cluster.nodes_per_leaf = 4;
    cluster.oversubscription = 7.0;
    struct software software = perfect_software();
    /* Sixteen nodes, one member each, all-to-all of 16 GB: 3 GB stay under the leaf, 12 GB leave
     * it. Of 4 nodes 48 GB cross, at 4 x 8 x 10 GB/s / 7: 1.05 s, under the NIC's 1.5 s. */
    struct collective_call call = call_of(COLLECTIVE_ALL_TO_ALL, 16, 1, 16 * GB);
    ASSERT_CLOSE(seconds_of(&cluster, &software, &call), 1.5);
    /* Eight members a node: 8 times as many bytes cross the same trunk. */
    call = call_of(COLLECTIVE_ALL_TO_ALL, 128, 8, 16 * GB);
    ASSERT_CLOSE(seconds_of(&cluster, &software, &call), 12.0 * 32.0 / (320.0 / 7.0));
    /* A ring leaves its leaf once in 4 nodes: a quarter of the NICs' bytes over a seventh of their
     * rate. A NIC carries 127/128 x 128 GB / 8. */
    call = call_of(COLLECTIVE_ALL_GATHER, 128, 8, 128 * GB);
    ASSERT_CLOSE(seconds_of(&cluster, &software, &call), 127.0 / 8.0 / 10.0 * 7.0 / 4.0);
    /* Under one leaf nothing crosses. */
    call = call_of(COLLECTIVE_ALL_GATHER, 32, 8, 128 * GB);
    ASSERT_CLOSE(seconds_of(&cluster, &software, &call), 31.0 / 32.0 * 16.0 / 10.0);
}
END_TEST

START_TEST(custom_all_reduces)
{
    struct software software = perfect_software();
    software.library.custom.largest_bytes = 16e6;
    software.library.custom.base_seconds = 4 * MICROSECONDS;
    software.library.custom.barrier_seconds = 2 * MICROSECONDS;
    software.library.custom.read_bytes_per_second = 100 * GB;
    software.library.custom.in_flight_bytes_per_second = 1e30;
    /* One-shot, 4 GPUs, 10 kB: 4 us + 3 x 10 kB / 100 GB/s = 4.3 us. */
    struct collective_call call = call_of(COLLECTIVE_ALL_REDUCE, 4, 4, 10e3);
    struct collective_plan plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "one-shot");
    ASSERT_CLOSE(collective_seconds(&round_cluster, &plan), 4.3e-6);
    /* Two-shot, 1 MB: 4 + 2 us + 2 x 3/4 x 1 MB / 100 GB/s = 21 us. */
    call.bytes = 1e6;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "two-shot");
    ASSERT_CLOSE(collective_seconds(&round_cluster, &plan), 21e-6);
    /* 50 GB/s in flight a peer: 1/(1/100 + 1/150) = 60 GB/s, 25 us. */
    software.library.custom.in_flight_bytes_per_second = 50 * GB;
    ASSERT_CLOSE(seconds_of(&round_cluster, &software, &call), 31e-6);
    /* From 1 MB on 4 GPUs let the switch add: 3 us + 5/4 x 1 MB / 50 GB/s = 28 us. */
    software.library.custom.multimem_ranks = 4;
    software.library.custom.multimem_smallest_bytes = 1e6;
    software.library.custom.multimem_seconds = 3 * MICROSECONDS;
    software.library.custom.multimem_bytes_per_second = 50 * GB;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "multimem");
    ASSERT_CLOSE(collective_seconds(&round_cluster, &plan), 28e-6);
    call.bytes = 10e3;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "one-shot");
    /* Too large a buffer is left to the library ... */
    call.bytes = 32e6;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "ring");
    /* ... and where the switch does not multicast a smaller one is. */
    software.library.custom.own_largest_bytes = 1e5;
    call.bytes = 1e5;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "two-shot");
    call.bytes = 1e6;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "ring");
    software.library.nvls.ranks = 8;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "multimem");
}
END_TEST

START_TEST(a_group_of_one_is_free)
{
    ck_assert(perfect_seconds(COLLECTIVE_ALL_REDUCE, 1, 1, 8 * GB) == 0.0);
}
END_TEST

START_TEST(low_latency_protocols_pay_on_the_wire)
{
    struct software software = perfect_software();
    software.library.protocol[PROTOCOL_LL] =
        (struct protocol_constants){.payload_bytes_per_second = 1e30, .wire_bytes = 2.0};
    software.library.protocol[PROTOCOL_SIMPLE].base_seconds = 1e3;
    /* LL: 8 bytes carry 4, so 2 x 7/8 x 8 GB take 0.28 s. LL128: 128 carry 120. */
    struct collective_call call = call_of(COLLECTIVE_ALL_REDUCE, 8, 8, 8 * GB);
    ASSERT_CLOSE(seconds_of(&round_cluster, &software, &call), 0.28);
    software.library.protocol[PROTOCOL_LL128].base_seconds = 0.0;
    ASSERT_CLOSE(seconds_of(&round_cluster, &software, &call), 0.14 * 128 / 120);
}
END_TEST

static double flow_bytes(const struct collective_plan *plan, enum collective_edge edge)
{
    double bytes = 0.0;
    for (uint32_t i = 0; i < plan->flow_count; i++) {
        bytes += plan->flows[i].edge == edge ? plan->flows[i].bytes : 0.0;
    }
    return bytes;
}

/* 8 GB, rails of 1 GB; LL sends two bytes for one. On two nodes one sends up, the other down: 1 GB
 * a NIC. On four an inner node of one tree sends half of it up and both halves' down, and as a leaf
 * of the other half of it up: 2 GB. Hops of a second let the tuner take the tree. */
START_TEST(trees_load_a_nic)
{
    struct software software = perfect_software();
    software.library.protocol[PROTOCOL_LL].base_seconds = 0.0;
    software.library.protocol[PROTOCOL_LL].fabric_hop_seconds = 1.0;
    software.library.protocol[PROTOCOL_LL128].base_seconds = 1e6;
    software.library.protocol[PROTOCOL_SIMPLE].base_seconds = 1e6;
    struct collective_call call = call_of(COLLECTIVE_ALL_REDUCE, 32, 8, 8 * GB);
    struct collective_plan plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "tree");
    ASSERT_CLOSE(flow_bytes(&plan, EDGE_FABRIC_NEXT), 2.0 * 2 * GB);
    ASSERT_CLOSE(flow_bytes(&plan, EDGE_NODE_NEXT), 2.0 * 16 * GB); /* up the chain and down */
    call = call_of(COLLECTIVE_ALL_REDUCE, 16, 8, 8 * GB);
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "tree");
    ASSERT_CLOSE(flow_bytes(&plan, EDGE_FABRIC_NEXT), 2.0 * 1 * GB);
}
END_TEST

/* 16 GPUs on 2 nodes: 30 steps of 0.5 GB; of 8 members of a node one hands its ring's part to the
 * NIC, so NVLink carries 7/8 of the 15 GB, a NIC an eighth. */
START_TEST(a_ring_leaves_a_node_once)
{
    struct software software = perfect_software();
    struct collective_call call = call_of(COLLECTIVE_ALL_REDUCE, 16, 8, 8 * GB);
    struct collective_plan plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_str_eq(plan.algorithm, "ring");
    ASSERT_CLOSE(flow_bytes(&plan, EDGE_NODE_NEXT), 13.125 * GB);
    ASSERT_CLOSE(flow_bytes(&plan, EDGE_FABRIC_NEXT), 1.875 * GB);
}
END_TEST

RUN_TESTS(collective, ring_in_a_node, point_to_point_in_a_node,
          ring_over_nodes_spreads_over_the_rails, nvls_tree_over_nodes,
          nvls_loads_a_link_with_an_nth_more_than_the_buffer, hops_and_launch,
          connections_fill_the_nic_only_together, oversubscribed_leaves_slow_what_crosses_them,
          custom_all_reduces, a_group_of_one_is_free, low_latency_protocols_pay_on_the_wire,
          trees_load_a_nic, a_ring_leaves_a_node_once)
