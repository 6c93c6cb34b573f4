/* SPDX-License-Identifier: MIT
 * Low-rank adapters: bytes and kernels against hand counts, and who stays in memory. */
#include "models/passes/adapters.h"
#include "models/step/critical_path.h"
#include "run_tests.h"
#include "sim/scenario/load.h"
#include "sim/scenario/replica.h"
#include "sim/serving/batching/step_cost.h"
#include "sim/serving/replica/adapter_store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"

static const struct scenario *load(struct arena *arena, const char *const *texts)
{
    struct override overrides[8];
    size_t count = 0;
    for (; texts[count] != NULL; count++) {
        overrides[count].text = texts[count];
    }
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(arena, SMALL, overrides, count, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    ck_assert_ptr_nonnull(scenario);
    return scenario;
}

static double bytes_of(const char *layout, enum adapter_targets targets, uint32_t rank)
{
    struct arena *arena = arena_create();
    const struct scenario *scenario = load(arena, (const char *const[]){layout, NULL});
    struct replica replica = scenario_replica(scenario);
    struct model_stage whole = model_stage(replica.llm, 1, 0);
    double bytes = adapters_bytes(&replica, &whole, targets, rank);
    arena_destroy(arena);
    return bytes;
}

/* Llama 3 8B, elements of A and B of a layer for each unit of rank: query, key and value 3 x 4096 +
 * 4096 + 2 x 1024 = 18432; output 8192; gate and up 2 x 4096 + 2 x 14336 = 36864; down 14336 + 4096
 * = 18432: 81920, of which attention's 26624. On two tensor ranks A of qkv and of gate and up is
 * whole, their B half, and the other way round: 12288 + 3072, 2048 + 4096, 8192 + 14336, 7168 +
 * 4096 = 55296. 32 layers, 2 bytes. A layer joins 3 + 1 + 2 + 1 tensors, each with two matrices. */
START_TEST(bytes_by_hand)
{
    ck_assert_double_eq(bytes_of("layout.tensor=1", ADAPTERS_ALL, 16), 81920.0 * 16 * 32 * 2);
    ck_assert_double_eq(bytes_of("layout.tensor=1", ADAPTERS_ATTENTION, 8), 26624.0 * 8 * 32 * 2);
    ck_assert_double_eq(bytes_of("layout.tensor=1", ADAPTERS_FFN, 1), 55296.0 * 32 * 2);
    ck_assert_double_eq(bytes_of("layout.tensor=2", ADAPTERS_ALL, 16), 55296.0 * 16 * 32 * 2);
    struct arena *arena = arena_create();
    const struct scenario *scenario = load(arena, (const char *const[]){NULL});
    struct replica replica = scenario_replica(scenario);
    struct model_stage whole = model_stage(replica.llm, 1, 0);
    struct model_stage half = model_stage(replica.llm, 2, 1);
    ck_assert_uint_eq(adapters_matrices(&replica, &whole, ADAPTERS_ALL), 448);
    ck_assert_double_eq(adapters_bytes(&replica, &half, ADAPTERS_ALL, 16), 81920.0 * 16 * 16 * 2);
    arena_destroy(arena);
}
END_TEST

static const struct step_operator *operator_of(const struct step_program *program, const char *name,
                                               uint32_t nth)
{
    const struct step_segment *layers = &program->segments[1];
    for (uint32_t i = 0; i < layers->count; i++) {
        if (strcmp(layers->operators[i].name, name) == 0 && nth-- == 0) {
            return &layers->operators[i];
        }
    }
    ck_abort_msg("no operator of that name");
}

/* Four tokens of two adapters of rank 16. Down projection, the layer's fourth product: shrink reads
 * 4 x 14336 inputs and 2 x 14336 x 16 of A, adds 4 x 16 sums of 4 bytes; expand reads those, 2 x 16
 * x 4096 of B, and reads and writes 4 x 4096 outputs. qkv, the first: three A of 4096 x 16 each. */
START_TEST(kernels_by_hand)
{
    struct arena *arena = arena_create();
    const struct scenario *scenario = load(arena, (const char *const[]){NULL});
    struct replica replica = scenario_replica(scenario);
    struct model_stage whole = model_stage(replica.llm, 1, 0);
    struct step_operator *operators =
        ARENA_ARRAY(arena, struct step_operator, adapters_room(&replica));
    const struct adapter_batch batch = {
        .targets = ADAPTERS_ALL, .rank = 16, .adapters = 2, .tokens = 4.0, .graph = true};
    struct step_program program;
    adapters_build(&replica, &whole, &batch, operators, &program);
    ck_assert_uint_eq(program.segment_count, 2);
    ck_assert_uint_eq(program.segments[1].repeat, 32);
    ck_assert_uint_eq(program.segments[1].count, 4 * 3);
    const struct kernel_work *shrink = &operator_of(&program, "adapter shrink", 3)->kernel;
    ck_assert_double_eq(shrink->bytes, (4 * 14336.0 + 2 * 14336.0 * 16) * 2 + 4 * 16 * 4);
    ck_assert_double_eq(shrink->flops, 2.0 * 4 * 14336 * 16);
    const struct kernel_work *expand = &operator_of(&program, "adapter expand", 3)->kernel;
    ck_assert_double_eq(expand->bytes, 4 * 16 * 4 + (2 * 16 * 4096.0 + 2 * 4 * 4096.0) * 2);
    ck_assert_double_eq(expand->flops, 2.0 * 4 * 4096 * 16);
    shrink = &operator_of(&program, "adapter shrink", 0)->kernel;
    ck_assert_double_eq(shrink->bytes, (4 * 4096.0 + 2 * 3 * 4096.0 * 16) * 2 + 4 * 3 * 16 * 4);
    ck_assert_double_eq(operator_of(&program, "adapter clear", 2)->kernel.bytes, 4 * 2 * 16 * 4.0);
    arena_destroy(arena);
}
END_TEST

/* A step that decodes for 32 requests, 1 to 32 adapters among them: beside the same step without,
 * what shrink and expand read and write at the memory's rate and what each launch takes. */
START_TEST(a_step_by_hand)
{
    struct arena *arena = arena_create();
    const struct scenario *scenario =
        load(arena,
             (const char *const[]){"software.features=[adapters]",
                                   "software.adapters={shrink: 5 us, expand: 3 us, "
                                   "memory_efficiency: 0.5}",
                                   "workload.service.adapters={max_adapters: 32, rank: 64}", NULL});
    struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
    struct step_shape shape = {.decodes = 32, .decode_context = 1000.0};
    struct step_cost plain = step_cost(costs, &shape);
    double rate = 0.5 * scenario->gpu.memory_bytes_per_second, worst = 0.0;
    for (uint32_t adapters = 1; adapters <= 32; adapters *= 2) {
        shape.adapters = adapters;
        shape.adapter_tokens = 32;
        struct step_cost cost = step_cost(costs, &shape);
        double inputs = 4096.0 + 4096.0 + 4096.0 + 14336.0, sums = 7.0 * 64;
        double outputs = 6144.0 + 4096.0 + 28672.0 + 4096.0;
        double bytes =
            2 * 32 * (inputs + 2 * outputs) + 2 * adapters * 81920.0 * 64 + 2 * 4 * 32 * sums;
        double clears = 4 * scenario->gpu.kernel_seconds;
        double expected = 32 * (bytes / rate + 4 * (5e-6 + 3e-6) + clears);
        double found = cost.seconds - plain.seconds;
        printf("%2u adapters: %.3f ms, by hand %.3f ms\n", adapters, 1e3 * found, 1e3 * expected);
        worst = fmax(worst, fabs(found / expected - 1.0));
        ck_assert_double_eq_tol(cost.bytes - plain.bytes, 32 * (bytes + 4 * 32 * sums), 1e3);
        ck_assert_double_eq_tol(cost.parts.flops - plain.parts.flops, 2.0 * 32 * 32 * 81920.0 * 64,
                                1e3);
        ck_assert_double_eq_tol(step_cost_decode_seconds(costs, &shape, 1000.0), cost.seconds,
                                1e-9);
        ck_assert_double_eq_tol(step_cost_exact(costs, &shape).seconds, cost.seconds,
                                1e-3 * cost.seconds);
    }
    ck_assert_double_lt(worst, 0.02);
    arena_destroy(arena);
}
END_TEST

/* Two on the GPU, three in the host's memory of five: whoever was used least recently goes. */
START_TEST(the_least_recently_used_goes)
{
    struct arena *arena = arena_create();
    struct adapter_store store;
    adapter_store_create(&store, arena, 5, 2, 3);
    ck_assert(!adapter_store_touch(&store, 1));
    ck_assert_int_eq(adapter_store_load(&store, 1), ADAPTER_IN_STORAGE);
    ck_assert_int_eq(adapter_store_load(&store, 2), ADAPTER_IN_STORAGE);
    ck_assert(adapter_store_touch(&store, 1));
    ck_assert_int_eq(adapter_store_load(&store, 3), ADAPTER_IN_STORAGE); /* 2 leaves the GPU */
    ck_assert(adapter_store_touch(&store, 1));
    ck_assert(!adapter_store_touch(&store, 2));
    ck_assert_int_eq(adapter_store_load(&store, 2), ADAPTER_IN_HOST);    /* 3 leaves the GPU */
    ck_assert_int_eq(adapter_store_load(&store, 4), ADAPTER_IN_STORAGE); /* 1 the GPU, 3 the host */
    ck_assert(!adapter_store_touch(&store, 1));
    ck_assert_int_eq(adapter_store_load(&store, 1), ADAPTER_IN_HOST);
    ck_assert_int_eq(adapter_store_load(&store, 3), ADAPTER_IN_STORAGE);
    adapter_store_clear(&store);
    ck_assert(!adapter_store_touch(&store, 3));
    ck_assert_int_eq(adapter_store_load(&store, 3), ADAPTER_IN_HOST);
    adapter_store_create(&store, arena, 5, 2, 5); /* the host has all */
    for (uint32_t i = 1; i <= 5; i++) {
        ck_assert_int_eq(adapter_store_load(&store, i), ADAPTER_IN_HOST);
    }
    arena_destroy(arena);
}
END_TEST

/* Experts of Qwen3 30B A3B: 128 of 2048 x 768, 8 a token. Of each, gate and up have two A of 2048
 * and two B of 768 a unit of rank, down one of 768 and 2048: 5632 + 2816 = 8448 elements, 128 of
 * them in a layer; attention 3 x 2048 + 4096 + 2 x 512 for qkv and 4096 + 2048 behind it: 17408.
 * Sixteen tokens of two adapters, eight each: of 128 an adapter meets 128 (1 - (1 - 1/16)^8)
 * = 51.6, so that down's shrink reads 103 A of 768 x 16 for 128 rows. Four expert ranks have a
 * fourth of them. */
START_TEST(experts_by_hand)
{
    struct arena *arena = arena_create();
    const struct scenario *scenario =
        load(arena, (const char *const[]){"model=qwen3-30b-a3b", NULL});
    struct replica replica = scenario_replica(scenario);
    struct model_stage whole = model_stage(replica.llm, 1, 0);
    ck_assert_double_eq(adapters_bytes(&replica, &whole, ADAPTERS_ALL, 16),
                        (128.0 * 8448 + 17408.0) * 16 * 48 * 2);
    struct step_operator *operators =
        ARENA_ARRAY(arena, struct step_operator, adapters_room(&replica));
    const struct adapter_batch batch = {
        .targets = ADAPTERS_FFN, .rank = 16, .adapters = 2, .tokens = 16.0, .graph = true};
    struct step_program program;
    adapters_build(&replica, &whole, &batch, operators, &program);
    const struct kernel_work *shrink = &operator_of(&program, "adapter shrink", 1)->kernel;
    ck_assert_double_eq(shrink->flops, 2.0 * 128 * 768 * 16);
    ck_assert_double_eq(shrink->bytes, (128 * 768.0 + 103 * 768.0 * 16) * 2 + 128 * 16 * 4);
    const struct scenario *over =
        load(arena, (const char *const[]){"model=qwen3-30b-a3b", "layout.tensor=4",
                                          "layout.expert=4", NULL});
    replica = scenario_replica(over);
    ck_assert_double_eq(adapters_bytes(&replica, &whole, ADAPTERS_FFN, 16),
                        32.0 * 8448 * 16 * 48 * 2);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(adapters, bytes_by_hand, kernels_by_hand, a_step_by_hand, the_least_recently_used_goes,
          experts_by_hand)
