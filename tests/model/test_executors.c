/* SPDX-License-Identifier: MIT
 * Two executors of one step program: SimGrid and the closed form must agree where nothing contends,
 * and folding must not change a time. A wrong barrier, a lost dependency or a flow over the wrong
 * link would show here and nowhere else. check forks a process for every test, as SimGrid needs. */
#include "models/passes/step_price.h"
#include "run_tests.h"
#include "sim/engine/engine.h"
#include "sim/scenario/replica.h"

#include <math.h>

static const struct scenario *load(struct arena *arena, const char *const *sets, size_t count)
{
    struct diagnostics *diagnostics = diagnostics_create();
    struct override overrides[16] = {{.text = "workload.turns.0.prompt=1000 tokens"}};
    ck_assert_uint_lt(count, 16);
    for (size_t i = 0; i < count; i++) {
        overrides[i + 1] = (struct override){.text = sets[i]};
    }
    const struct scenario *scenario = scenario_load(
        arena, CPSIM_SOURCE_DIR "/scenarios/llama405b.yaml", overrides, count + 1, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    ck_assert_ptr_nonnull(scenario);
    return scenario;
}

struct played {
    double closed_seconds, folded_seconds, full_seconds;
};

static double play_once(struct engine *engine, const struct scenario *scenario,
                        const struct step_program *program, bool folded)
{
    struct diagnostics *diagnostics = diagnostics_create();
    struct placement placement = scenario_placement(scenario);
    struct play play = {.program = program, .placement = &placement, .folded = folded};
    double seconds = NAN;
    bool played = engine_play(engine, &play, &seconds, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    ck_assert(played);
    return seconds;
}

/* Every fourth layer sees all tokens, the others the last `window` and no further. */
static void mix_layers(struct stack *stack, uint32_t window)
{
    static const uint32_t kinds[] = {0, 0, 0, 1};
    static const struct layer_run run = {.kinds = kinds, .kind_count = 4, .repeat = 2};
    stack->kinds[1] = stack->kinds[0];
    stack->kinds[0].mixers[0].gqa.reach = REACH_WINDOW;
    stack->kinds[0].mixers[0].gqa.window = window;
    stack->kind_count = 2;
    stack->runs = &run;
    stack->run_count = 1;
}

/* One forward pass over `slice` by all three ways. Eight layers are enough to drift apart in;
 * `window` 0: all alike. */
static struct played play_kinds(const char *const *sets, size_t count, struct batch_slice slice,
                                enum ring_variant variant, uint32_t window)
{
    struct arena *arena = arena_create();
    struct scenario scenario = *load(arena, sets, count);
    scenario.llm.stack.layers = 8;
    if (window > 0) {
        mix_layers(&scenario.llm.stack, window);
    }
    struct replica replica = scenario_replica(&scenario);
    struct batch batch = {.slices = &slice, .slice_count = 1};
    size_t all = transformer_room(&replica, 1);
    struct step_operator *operators = ARENA_ARRAY(arena, struct step_operator, all);
    struct step_scratch scratch = {.spans = ARENA_ARRAY(arena, struct span, all),
                                   .works = ARENA_ARRAY(arena, struct kernel_work, all),
                                   .counts = ARENA_ARRAY(arena, double, all)};
    struct step_program program;
    transformer_build(&replica, &batch, variant, operators, &program);
    step_price(&replica, &program, &scratch);
    struct diagnostics *diagnostics = diagnostics_create();
    uint32_t nodes = (layout_gpus(&scenario.layout) + scenario.cluster.gpus_per_node - 1) /
                     scenario.cluster.gpus_per_node;
    const struct engine_setup setup = {.cluster = &scenario.cluster, .nodes = nodes};
    struct engine *engine = engine_open(&setup, diagnostics);
    ck_assert_ptr_nonnull(engine);
    struct played played = {
        .closed_seconds = program_seconds(&program, scratch.spans),
        .folded_seconds = play_once(engine, &scenario, &program, true),
        .full_seconds = play_once(engine, &scenario, &program, false),
    };
    engine_close(engine);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return played;
}

static struct played play(const char *const *sets, size_t count, struct batch_slice slice,
                          enum ring_variant variant)
{
    return play_kinds(sets, count, slice, variant, 0);
}

static void assert_agree(struct played played)
{
    ck_assert_double_gt(played.closed_seconds, 0.0);
    ck_assert_double_eq_tol(played.folded_seconds / played.closed_seconds, 1.0, 1e-9);
    ck_assert_double_eq_tol(played.full_seconds / played.closed_seconds, 1.0, 1e-9);
}

#define PLAY(slice, variant, ...)                                                                  \
    do {                                                                                           \
        const char *const sets[] = {__VA_ARGS__};                                                  \
        assert_agree(play(sets, sizeof sets / sizeof *sets, slice, variant));                      \
    } while (0)

START_TEST(full_prefill_on_128_gpus)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 131072, 0}), RING_PASS_KV, "layout.context=16");
}
END_TEST

START_TEST(exposed_hops_of_a_partial_prefill)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 1280, 126720}), RING_PASS_KV, "layout.context=4");
}
END_TEST

START_TEST(pass_q_with_its_all_to_all)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 3200, 124800}), RING_PASS_Q, "layout.context=4");
}
END_TEST

START_TEST(decode_on_a_ring)
{
    PLAY(((struct batch_slice){PHASE_DECODE, 4, 1, 32768}), RING_PASS_Q, "layout.context=4");
}
END_TEST

START_TEST(all_gather_of_a_prefill)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 131072, 1024}), RING_ALL_GATHER,
         "layout.context=16");
}
END_TEST

START_TEST(all_gather_of_a_decode)
{
    PLAY(((struct batch_slice){PHASE_DECODE, 4, 1, 32768}), RING_ALL_GATHER, "layout.context=4");
}
END_TEST

START_TEST(tree_of_a_prefill)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 1280, 126720}), RING_TREE, "layout.context=4");
}
END_TEST

START_TEST(tree_of_a_decode)
{
    PLAY(((struct batch_slice){PHASE_DECODE, 1, 1, 131072}), RING_TREE, "layout.context=16");
}
END_TEST

/* An indexer's choice among the tokens of four nodes. */
#define CHOSEN_ON_FOUR_NODES                                                                       \
    "model=deepseek-v3.2", "precision=fp8", "layout.context=4", "gpu.memory=200 GB"

START_TEST(chosen_tokens_of_a_prefill)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 8192, 1024}), RING_PASS_KV, CHOSEN_ON_FOUR_NODES);
}
END_TEST

START_TEST(chosen_tokens_of_a_decode)
{
    PLAY(((struct batch_slice){PHASE_DECODE, 4, 1, 32768}), RING_PASS_Q, CHOSEN_ON_FOUR_NODES);
}
END_TEST

START_TEST(tensor_parallel_over_nodes)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 8192, 0}), RING_NONE, "layout.tensor=32",
         "layout.context=1");
}
END_TEST

/* Four context ranks a node: most hops stay on NVLink, one of four leaves by a NIC. */
START_TEST(ring_through_nodes)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 8192, 0}), RING_PASS_KV, "layout.tensor=2",
         "layout.context=16", "memory.fraction=1", "precision=fp8", "model=llama3-70b");
}
END_TEST

/* A model of two kinds is played as one of one kind is. */
START_TEST(two_kinds_of_layers)
{
    static const char *const sets[] = {"layout.context=4"};
    struct batch_slice slice = {PHASE_PREFILL, 1, 131072, 0};
    assert_agree(play_kinds(sets, 1, slice, RING_PASS_KV, 4096));
}
END_TEST

#define EXPERTS_ON_TWO_NODES                                                                       \
    "model=qwen3-30b-a3b", "precision=bf16", "cluster=dgx-h100", "cluster.nodes=2",                \
        "layout.tensor=1", "layout.context=1", "layout.attention_data=16", "layout.expert=16"

/* Sixteen ranks on two nodes share experts: folded, one of them is played. */
START_TEST(experts_by_deepep)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 1000, 0}), RING_NONE, EXPERTS_ON_TWO_NODES,
         "software.exchange=deepep");
}
END_TEST

START_TEST(experts_decoding_by_deepep)
{
    PLAY(((struct batch_slice){PHASE_DECODE, 32, 1, 1000}), RING_NONE, EXPERTS_ON_TWO_NODES,
         "software.exchange=deepep");
}
END_TEST

START_TEST(experts_by_all_to_all)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 1000, 0}), RING_NONE, EXPERTS_ON_TWO_NODES,
         "software.exchange=all-to-all");
}
END_TEST

START_TEST(experts_by_all_gather)
{
    PLAY(((struct batch_slice){PHASE_PREFILL, 1, 1000, 0}), RING_NONE, EXPERTS_ON_TWO_NODES,
         "software.exchange=all-gather", "layout.tensor=2", "layout.attention_data=8");
}
END_TEST

/* Hops that show beside attention, under a power limit: a lower clock makes kernels longer, which
 * then hide more of the hops, and what no kernel fills is what lets the clock rise. The clock that
 * a step is priced at is the one that its own idle time asks for, within 0.2 %. */
START_TEST(clock_and_idle_time_settle_together)
{
    static const char *const sets[] = {"layout.context=4", "cluster.connection_rate=10 GB/s",
                                       "gpu.power_limit=200 W"};
    static const struct batch_slice slices[] = {
        {PHASE_PREFILL, 1, 8192, 32768}, {PHASE_PREFILL, 1, 8192, 0}, {PHASE_PREFILL, 1, 16384, 0}};
    struct arena *arena = arena_create();
    const struct scenario *scenario = load(arena, sets, sizeof sets / sizeof *sets);
    struct replica replica = scenario_replica(scenario);
    size_t all = transformer_room(&replica, 1);
    struct step_operator *operators = ARENA_ARRAY(arena, struct step_operator, all);
    struct step_scratch scratch = {.spans = ARENA_ARRAY(arena, struct span, all),
                                   .works = ARENA_ARRAY(arena, struct kernel_work, all),
                                   .counts = ARENA_ARRAY(arena, double, all)};
    double allowance = power_allowance_watts(replica.gpu, INFINITY);
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) {
        struct batch batch = {.slices = &slices[i], .slice_count = 1};
        struct step_program program;
        transformer_build(&replica, &batch, RING_PASS_KV, operators, &program);
        struct power_state state = step_price(&replica, &program, &scratch);
        double busy = 0.0;
        struct power_load load = {.works = scratch.works, .counts = scratch.counts};
        for (uint32_t j = 0; j < program.segment_count; j++) {
            const struct step_segment *segment = &program.segments[j];
            for (uint32_t k = 0; k < segment->count; k++) {
                busy += scratch.counts[load.work_count++] * segment->operators[k].cost.seconds;
            }
        }
        load.idle_seconds = program_seconds(&program, scratch.spans) - busy;
        double asked = power_settle(replica.gpu, &load, allowance).clock_hertz;
        printf("clock %.1f MHz, its idle %.3f s beside %.3f s of kernels asks for %.1f MHz\n",
               1e-6 * state.clock_hertz, load.idle_seconds, busy, 1e-6 * asked);
        ck_assert_double_gt(load.idle_seconds, 0.05 * busy);
        ck_assert_double_lt(state.clock_hertz, 0.99 * replica.gpu->boost_clock_hertz);
        ck_assert_double_eq_tol(asked / state.clock_hertz, 1.0, 2e-3);
    }
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(executors, clock_and_idle_time_settle_together, experts_by_deepep,
          experts_decoding_by_deepep, experts_by_all_to_all, experts_by_all_gather,
          full_prefill_on_128_gpus, exposed_hops_of_a_partial_prefill, pass_q_with_its_all_to_all,
          decode_on_a_ring, all_gather_of_a_prefill, all_gather_of_a_decode, tree_of_a_prefill,
          tree_of_a_decode, chosen_tokens_of_a_prefill, chosen_tokens_of_a_decode,
          tensor_parallel_over_nodes, ring_through_nodes, two_kinds_of_layers)
