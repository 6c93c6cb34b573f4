/* SPDX-License-Identifier: MIT
 * A training step on SimGrid against its closed form, and where they must differ. One engine a
 * process: check forks each test. Catches a stage that waits for the wrong thing, an exchange that
 * starts early or is forgotten, and contention that nobody feels. */
#include "sim/training/training_play.h"

#include "fixture.h"
#include "hopper.h"
#include "models/training/training_memory.h"
#include "run_tests.h"
#include "sim/scenario/training_scratch.h"

#include <math.h>

static const struct gpu gpu = {
    .name = "fixture",
    .generation = HOPPER_GENERATION,
    .memory_bytes = 80e9,
    .memory_bytes_per_second = 3e12,
    .l2_bytes = 50e6,
    .dense_flops_per_second = {[FORMAT_BF16] = 1e15, [FORMAT_FP8] = 2e15},
    .rated_clock_hertz = 1.8e9,
    .boost_clock_hertz = 1.98e9,
    .streaming_multiprocessors = 132,
    .power_limit_watts = 1e6,
    .burst_watts = 1e6,
    .memory_efficiency = 0.9,
    .copy_efficiency = 0.9,
    .l2_bytes_per_second = 6e12,
    .overlap_exponent = 3.0,
    .kernel_seconds = 1e-6,
    .matmul_efficiency = {1.0, 1.0, 1.0},
    .matmul_seconds = {2e-6, 2e-6, 2e-6},
    .tile_seconds = {1e-6, 1e-6, 1e-6},
    .tile_bytes_per_clock = 74.0,
    .sm_memory_bytes_per_second = 57e9,
    .attention_efficiency = 0.7,
    .attention_backward_efficiency = 0.4,
    .attention_seconds = 4e-6,
    .attention_block_seconds = 2e-6,
    .voltage_floor = 0.7,
};

static const struct precision bf16 = {.activations = FORMAT_BF16,
                                      .kv_cache = FORMAT_BF16,
                                      .attention_weights = {.format = FORMAT_BF16},
                                      .ffn_weights = {.format = FORMAT_BF16},
                                      .embedding = {.format = FORMAT_BF16}};

static const struct llm llm = {
    .name = "8b",
    .hidden = 4096,
    .vocabulary = 128256,
    DENSE_LAYERS(32, 32, 8, 128, 14336),
};

struct case_of {
    struct layout layout;
    struct software software;
    struct training training;
    struct training_scratch scratch;
    struct training_costs costs;
    struct arena *arena;
    double closed_seconds;
};

/* `all` layers on stages in `schedule`; a step of 16 micro-batches a replica. */
static void prepare(struct case_of *test, struct layout layout,
                    const struct pipeline_schedule *schedule, uint32_t chunks,
                    enum sharding sharding, bool overlap)
{
    test->layout = layout;
    test->software = fixture_software;
    test->software.matmul_efficiency = test->software.attention_efficiency = 1.0;
    test->software.library.node_efficiency = test->software.library.fabric_efficiency = 1.0;
    test->software.library.overlap = (struct overlap_constants){.compute_slowdown = 1.0,
                                                                .memory_slowdown = 1.0,
                                                                .largest_share = 0.5,
                                                                .wave_rows = 128,
                                                                .wave_columns = 256};
    test->software.library.protocol[PROTOCOL_SIMPLE] =
        (struct protocol_constants){.base_seconds = 5e-6,
                                    .node_hop_seconds = 1e-6,
                                    .fabric_hop_seconds = 5e-6,
                                    .wire_bytes = 1.0,
                                    .fabric_crossings = 2.0};
    test->software.library.protocol[PROTOCOL_LL] =
        (struct protocol_constants){.base_seconds = 5e-6,
                                    .payload_bytes_per_second = 1e9,
                                    .last_copy_bytes_per_second = 1e9,
                                    .wire_bytes = 2.0,
                                    .fabric_crossings = 1.0,
                                    .tree_fill = 1.0};
    test->software.library.protocol[PROTOCOL_LL128] = test->software.library.protocol[PROTOCOL_LL];
    test->software.library.protocol[PROTOCOL_LL128].wire_bytes = 128.0 / 120.0;
    test->software.library.protocol[PROTOCOL_LL128].fabric_crossings = 2.0;
    test->software.library.p2p = (struct point_to_point_constants){.base_seconds = 5e-6,
                                                                   .ll_bytes_per_second = 1e9,
                                                                   .simple_bytes_per_second = 1e12,
                                                                   .self_bytes_per_second = 1e12};
    test->software.training = (struct training_software){
        .fused_kernels = true,
        .attention_backward_efficiency = 1.0,
        .ring_attention_efficiency = 1.0,
        .memory_passes = 1.0,
        .norm_forward_bytes_per_element = 8.0,
        .norm_backward_bytes_per_element = 8.0,
        .gather_bytes_per_parameter = 2.0,
        .reduce_bytes_per_parameter = 4.0,
        .loss_forward_bytes_per_logit = 14.0,
        .loss_backward_bytes_per_logit = 18.0,
        .optimizer_bytes_per_parameter = 28.0,
        .state_bytes_per_parameter = 12.0,
        .gradient_bytes_per_parameter = 4.0,
    };
    test->training = (struct training){
        .replica = {.llm = &llm,
                    .gpu = &gpu,
                    .cluster = &fixture_cluster,
                    .software = &test->software,
                    .layout = &test->layout,
                    .precision = &bf16},
        .global_batch = 16 * layout.data,
        .micro_batch = 1,
        .sequence_tokens = 4096,
        .schedule = schedule,
        .virtual_stages = chunks,
        .sharding = sharding,
        .sequence_parallel = layout.tensor > 1,
        .overlap = overlap,
    };
    test->arena = arena_create();
    test->scratch = training_scratch_create(test->arena, &test->training);
    test->closed_seconds =
        training_step(&test->training, &test->scratch, &test->costs).pipeline_seconds;
}

static double played(struct case_of *test, bool folded, double degraded_link)
{
    struct diagnostics *diagnostics = diagnostics_create();
    const struct training_play play = {.training = &test->training,
                                       .costs = &test->costs,
                                       .folded = folded,
                                       .degraded_link = degraded_link};
    double seconds = 0.0;
    uint64_t events = 0;
    ck_assert(training_play(&play, &test->scratch, test->arena, &seconds, &events, diagnostics));
    ck_assert_uint_eq(diagnostics_error_count(diagnostics), 0);
    diagnostics_destroy(diagnostics);
    return seconds;
}

static void agree(struct layout layout, const struct pipeline_schedule *schedule, uint32_t chunks,
                  enum sharding sharding, bool overlap, bool folded)
{
    struct case_of test;
    prepare(&test, layout, schedule, chunks, sharding, overlap);
    double seconds = played(&test, folded, 1.0);
    printf("%s: closed form %.9f s, SimGrid %.9f s\n", pipeline_schedule_name(schedule),
           test.closed_seconds, seconds);
    ck_assert_double_eq_tol(seconds / test.closed_seconds, 1.0, 1e-6);
    arena_destroy(test.arena);
}

#define LAYOUT(t, c, p, d)                                                                         \
    (struct layout)                                                                                \
    {                                                                                              \
        .tensor = (t), .context = (c), .pipeline = (p), .data = (d)                                \
    }

START_TEST(gpipe)
{
    agree(LAYOUT(8, 1, 4, 1), &schedule_gpipe, 1, SHARDING_ZERO1, true, true);
}
END_TEST

START_TEST(one_forward_one_backward)
{
    agree(LAYOUT(8, 1, 4, 1), &schedule_1f1b, 1, SHARDING_ZERO1, true, true);
}
END_TEST

START_TEST(interleaved)
{
    agree(LAYOUT(8, 1, 4, 1), &schedule_interleaved, 4, SHARDING_ZERO1, true, true);
}
END_TEST

START_TEST(zero_bubble)
{
    agree(LAYOUT(8, 1, 4, 1), &schedule_zero_bubble, 1, SHARDING_ZERO1, true, true);
}
END_TEST

/* One message after the other, each when both ends have come to it, takes longer than each way by
 * itself, and as long here as there. */
static void agree_in_order(const struct pipeline_schedule *schedule, uint32_t chunks, bool folded)
{
    struct case_of test;
    prepare(&test, LAYOUT(8, 1, 4, 1), schedule, chunks, SHARDING_ZERO1, true);
    double free_seconds = test.closed_seconds;
    test.software.training.ordered_messages = true;
    test.closed_seconds =
        training_step(&test.training, &test.scratch, &test.costs).pipeline_seconds;
    double seconds = played(&test, folded, 1.0);
    printf("%s in order: %.9f s, each way by itself %.9f s\n", pipeline_schedule_name(schedule),
           test.closed_seconds, free_seconds);
    ck_assert_double_eq_tol(seconds / test.closed_seconds, 1.0, 1e-6);
    ck_assert_double_gt(test.closed_seconds, 1.01 * free_seconds);
    arena_destroy(test.arena);
}

START_TEST(interleaved_in_order)
{
    agree_in_order(&schedule_interleaved, 4, true);
}
END_TEST

START_TEST(v_shape_in_order)
{
    agree_in_order(&schedule_zbv, 2, true);
}
END_TEST

START_TEST(every_rank_in_order)
{
    agree_in_order(&schedule_zero_bubble, 2, false);
}
END_TEST

START_TEST(shards_gathered_for_every_pass)
{
    agree(LAYOUT(8, 1, 1, 4), &schedule_1f1b, 1, SHARDING_FSDP, true, true);
}
END_TEST

START_TEST(optimizer_sharded)
{
    agree(LAYOUT(8, 1, 1, 4), &schedule_1f1b, 1, SHARDING_ZERO1, true, true);
}
END_TEST

START_TEST(nothing_overlaps)
{
    agree(LAYOUT(8, 1, 1, 4), &schedule_1f1b, 1, SHARDING_FSDP, false, true);
}
END_TEST

START_TEST(every_rank)
{
    agree(LAYOUT(8, 1, 4, 1), &schedule_1f1b, 1, SHARDING_ZERO1, true, false);
}
END_TEST

/* A card at a tenth of its rate takes longer to carry activations: the step does, the closed form
 * knows nothing of it. */
START_TEST(a_degraded_link_is_felt)
{
    struct case_of test;
    prepare(&test, LAYOUT(8, 1, 4, 2), &schedule_1f1b, 1, SHARDING_ZERO1, true);
    ck_assert_double_gt(played(&test, true, 0.02), 1.01 * test.closed_seconds);
    arena_destroy(test.arena);
}
END_TEST

/* Two parts a stage in a V: the last stage hands micro-batches to itself. */
START_TEST(v_shape)
{
    agree(LAYOUT(8, 1, 4, 1), &schedule_zbv, 2, SHARDING_ZERO1, true, true);
}
END_TEST

/* Whole and split backward passes in one order. */
START_TEST(pairs)
{
    agree(LAYOUT(8, 1, 4, 1), &schedule_dualpipev, 2, SHARDING_ZERO1, true, true);
}
END_TEST

static double exchanged(struct case_of *test, bool folded)
{
    struct diagnostics *diagnostics = diagnostics_create();
    struct outer_step outer = outer_step(&test->training, 0.0);
    double seconds = 0.0, outer_seconds = 0.0;
    const struct training_play play = {.training = &test->training,
                                       .costs = &test->costs,
                                       .folded = folded,
                                       .degraded_link = 1.0,
                                       .outer = &outer,
                                       .outer_seconds = &outer_seconds};
    uint64_t events = 0;
    ck_assert(training_play(&play, &test->scratch, test->arena, &seconds, &events, diagnostics));
    ck_assert_double_eq_tol(seconds / test->closed_seconds, 1.0, 1e-6); /* the step as ever */
    printf("sites: closed form %.9f s, SimGrid %.9f s\n", outer.seconds, outer_seconds);
    ck_assert_double_eq_tol(outer_seconds / outer.seconds, 1.0, 1e-9);
    diagnostics_destroy(diagnostics);
    return outer_seconds;
}

/* Eight sites in one ring, or on eight paths through three levels of two modules: three rings of
 * four side by side, over links of 1 GB/s and 20 ms. */
static void exchange_sites(struct paths paths, bool folded)
{
    struct case_of test;
    static struct cluster cluster;
    prepare(&test, LAYOUT(8, 1, 4, 1), &schedule_1f1b, 1, SHARDING_ZERO1, true);
    cluster = fixture_cluster;
    cluster.sites =
        (struct cluster_sites){.count = 8, .bytes_per_second = 1e9, .latency_seconds = 0.02};
    test.training.replica.cluster = &cluster;
    test.training.paths = paths;
    exchanged(&test, folded);
    arena_destroy(test.arena);
}

static const struct paths three_levels = {.levels = 3, .modules = 2, .own = 0.25};

START_TEST(sites_folded)
{
    exchange_sites((struct paths){.modules = 1}, true);
}
END_TEST

START_TEST(sites_full)
{
    exchange_sites((struct paths){.modules = 1}, false);
}
END_TEST

START_TEST(paths_folded)
{
    exchange_sites(three_levels, true);
}
END_TEST

START_TEST(paths_full)
{
    exchange_sites(three_levels, false);
}
END_TEST

/* Eight tensor ranks of a node send all activations to their host and fetch them again, 16
 * micro-batches, over links so slow that a pass lasts as long as its copies: 2 x 16 x kept / rate.
 * The rate is a link's 1 GB/s, or, both ways at once, a sixteenth of what the memory gives if that
 * is less. */
START_TEST(eight_gpus_offload_at_once)
{
    static const double memories[] = {0.0, 1e12, 16e9, 4e9};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++) {
        struct case_of test;
        prepare(&test, LAYOUT(8, 1, 1, 1), &schedule_gpipe, 1, SHARDING_NONE, true);
        struct cluster cluster = fixture_cluster;
        cluster.host_bytes_per_second = 1e9;
        cluster.host_both_share = 1.0;
        cluster.host_memory_bytes_per_second = memories[i];
        test.training.replica.cluster = &cluster;
        test.training.offload.activations = 1.0;
        training_step(&test.training, &test.scratch, &test.costs);
        double rate = memories[i] > 0.0 ? fmin(1e9, memories[i] / 16.0) : 1e9;
        double seconds = played(&test, true, 1.0);
        double by_hand = 2.0 * 16.0 * training_part_activation_bytes(&test.training, 0) / rate;
        printf("memory %.0f GB/s: %.3f s, by hand %.3f s\n", memories[i] / 1e9, seconds, by_hand);
        ck_assert_double_eq_tol(seconds / by_hand, 1.0, 1e-3);
        arena_destroy(test.arena);
    }
}
END_TEST

RUN_TESTS(training_play, gpipe, one_forward_one_backward, interleaved, zero_bubble, v_shape, pairs,
          interleaved_in_order, v_shape_in_order, every_rank_in_order,
          shards_gathered_for_every_pass, optimizer_sharded, nothing_overlaps, every_rank,
          a_degraded_link_is_felt, sites_folded, sites_full, paths_folded, paths_full,
          eight_gpus_offload_at_once)
