/* SPDX-License-Identifier: MIT
 * What every plan must keep, whatever the constants: more bytes take no less time, no link is
 * beaten, flows and latencies are finite. Random calls (a fixed seed) over the repository's own
 * clusters, so that a wrong edit of a constant or a new algorithm's slip shows even where nothing
 * was measured. */
#include "models/collectives/collective.h"

#include "platform_files.h"
#include "run_tests.h"

#include <math.h>

enum { CALLS = 20000 };

/* xorshift64*: fast, seeded, the same everywhere. */
static uint64_t random_bits(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717ULL;
}

static uint32_t random_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(random_bits(state) >> 33) % bound;
}

/* 2 KiB to 16 GiB on 2 to 16,384 GPUs. */
static struct collective_call random_call(uint64_t *state)
{
    uint32_t ranks_per_node = 1 + random_below(state, 8);
    uint32_t nodes = 1U << random_below(state, 12);
    if (ranks_per_node * nodes == 1) {
        ranks_per_node = 2;
    }
    return (struct collective_call){
        .kind = (enum collective_kind)random_below(state, COLLECTIVE_DISPATCH),
        .group = {.ranks = ranks_per_node * nodes, .ranks_per_node = ranks_per_node},
        .bytes = exp2(11.0 + 23.0 * (double)random_below(state, 1000) / 1000.0),
        .graph = random_below(state, 2) == 0,
        .integer = random_below(state, 2) == 0,
    };
}

/* What must enter a GPU, or the NICs of a node, in any algorithm at all: nobody can end before it
 * has everything that it did not have. */
static double least_seconds(const struct cluster *cluster, const struct collective_call *call)
{
    double ranks = call->group.ranks, ranks_per_node = call->group.ranks_per_node;
    double nodes = ranks / ranks_per_node;
    double nic = cluster->nic_bytes_per_second;
    switch (call->kind) {
    case COLLECTIVE_ALL_REDUCE:
    case COLLECTIVE_ALL_GATHER:
    case COLLECTIVE_REDUCE_SCATTER:
        return nodes > 1.0 ? call->bytes * (nodes - 1.0) / nodes / ranks_per_node / nic
                           : call->bytes * (ranks - 1.0) / ranks / cluster->node_bytes_per_second;
    case COLLECTIVE_ALL_TO_ALL:
        return nodes > 1.0 ? call->bytes * (nodes - 1.0) / nodes / nic
                           : call->bytes * (ranks - 1.0) / ranks / cluster->node_bytes_per_second;
    case COLLECTIVE_SEND_RECV:
    case COLLECTIVE_SEND:
    case COLLECTIVE_DISPATCH: /* of experts: tests/unit/test_exchange.c */
    case COLLECTIVE_COMBINE:
    case COLLECTIVE_KIND_COUNT:
        break;
    }
    return call->bytes / (nodes > 1.0 ? nic : cluster->node_bytes_per_second);
}

static double seconds_of(const struct cluster *cluster, const struct software *software,
                         const struct collective_call *call)
{
    struct collective_plan plan = collective_plan(cluster, software, call);
    ck_assert(isfinite(plan.latency_seconds) && plan.latency_seconds >= 0.0);
    ck_assert_uint_le(plan.flow_count, COLLECTIVE_MAX_FLOWS);
    ck_assert_uint_gt(plan.flow_count, 0);
    for (uint32_t i = 0; i < plan.flow_count; i++) {
        ck_assert(isfinite(plan.flows[i].bytes) && plan.flows[i].bytes > 0.0);
        ck_assert(plan.flows[i].limit_bytes_per_second >= 0.0);
    }
    return collective_seconds(cluster, &plan);
}

static void check_calls(const char *cluster_name, const char *software_name)
{
    struct arena *arena = arena_create();
    struct cluster *cluster = load_cluster(arena, cluster_name);
    struct software *software = load_software(arena, software_name);
    cluster->nodes_per_leaf = 16;
    cluster->oversubscription = 7.0;
    uint64_t state = 20261122;
    for (int i = 0; i < CALLS; i++) {
        struct collective_call call = random_call(&state);
        double seconds = seconds_of(cluster, software, &call);
        double least = least_seconds(cluster, &call);
        ck_assert_msg(seconds > least, "%s of %g B on %u ranks, %u a node: %g s, links need %g s",
                      collective_kind_name(call.kind), call.bytes, call.group.ranks,
                      call.group.ranks_per_node, seconds, least);
        call.bytes *= 1.01;
        double longer = seconds_of(cluster, software, &call);
        ck_assert_msg(longer >= seconds * (1.0 - 1e-12),
                      "%s of %g B on %u ranks: %g s, a little less took %g s",
                      collective_kind_name(call.kind), call.bytes, call.group.ranks, longer,
                      seconds);
    }
    arena_destroy(arena);
}

START_TEST(dgx_with_pytorch)
{
    check_calls("dgx-h100", "pytorch-nccl");
}
END_TEST

START_TEST(grand_teton_with_the_papers_stack)
{
    check_calls("gtt", "meta-context-parallel");
}
END_TEST

START_TEST(p5_with_nccl_tests)
{
    check_calls("p5", "nccl-tests");
}
END_TEST

START_TEST(tcp_with_the_papers_stack)
{
    check_calls("gti", "meta-context-parallel");
}
END_TEST

START_TEST(a_larger_buffer_wears_down_every_latency)
{
    /* 16 GiB on 8 GPUs: bus bandwidth of NVLS, 300 GB/s x (7/4)/(9/8) = 467 GB/s, within 1 %. */
    struct arena *arena = arena_create();
    struct collective_call call = {.kind = COLLECTIVE_ALL_REDUCE,
                                   .group = {.ranks = 8, .ranks_per_node = 8},
                                   .bytes = 17179869184.0,
                                   .graph = true};
    double seconds =
        seconds_of(load_cluster(arena, "dgx-h100"), load_software(arena, "nccl-tests"), &call);
    ck_assert_double_eq_tol(collective_bus_bandwidth(&call, seconds), 466.7e9, 4.67e9);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(collective_properties, dgx_with_pytorch, grand_teton_with_the_papers_stack,
          p5_with_nccl_tests, tcp_with_the_papers_stack, a_larger_buffer_wears_down_every_latency)
