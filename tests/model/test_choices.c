/* SPDX-License-Identifier: MIT
 * What a run chooses and samples: with `ring: auto` the faster variant, in a conversation and in a
 * service; decode at the middle of its parts. A choice turned round or a step taken at its part's
 * start would show here alone. check forks a process for every test, as SimGrid needs. */
#include "models/passes/step_price.h"
#include "run_tests.h"
#include "sim/inference/conversation.h"
#include "sim/scenario/replica.h"
#include "sim/serving/batching/step_cost.h"

static const struct scenario *load(struct arena *arena, const char *path, const char *const *sets)
{
    struct diagnostics *diagnostics = diagnostics_create();
    struct override overrides[8];
    size_t count = 0;
    for (; sets[count] != NULL; count++) {
        ck_assert_uint_lt(count, 8);
        overrides[count] = (struct override){.text = sets[count]};
    }
    const struct scenario *scenario = scenario_load(arena, path, overrides, count, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    ck_assert_ptr_nonnull(scenario);
    return scenario;
}

static struct conversation_result converse(struct arena *arena, const char *const *sets)
{
    struct diagnostics *diagnostics = diagnostics_create();
    struct conversation_result result;
    ck_assert(conversation_run(load(arena, CPSIM_SOURCE_DIR "/scenarios/llama405b.yaml", sets),
                               arena, NULL, NULL, &result, diagnostics));
    diagnostics_destroy(diagnostics);
    return result;
}

/* A short prompt on a long context is faster by passing queries, a long one on none by keys. */
START_TEST(a_conversation_takes_the_faster_ring)
{
    struct arena *arena = arena_create();
    struct conversation_result result = converse(
        arena, (const char *const[]){"workload.turns.0={prompt: 200000 tokens, output: 0 tokens}",
                                     "workload.turns.1={prompt: 1000 tokens, output: 0 tokens}",
                                     "layout.context=4", "software.features=[context]", NULL});
    ck_assert_uint_eq(result.phase_count, 2);
    ck_assert_int_eq(result.phases[0].variant, RING_PASS_KV);
    ck_assert_int_eq(result.phases[1].variant, RING_PASS_Q);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_double_lt(result.phases[i].seconds, result.phases[i].other_seconds);
    }
    arena_destroy(arena);
}
END_TEST

/* One forward pass of decode over a context, in closed form. */
static double decode_seconds(struct arena *arena, const struct scenario *scenario,
                             uint64_t cached_tokens)
{
    struct replica replica = scenario_replica(scenario);
    struct batch_slice slice = {
        .phase = PHASE_DECODE, .sequences = 1, .new_tokens = 1, .cached_tokens = cached_tokens};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    size_t all = transformer_room(&replica, 1);
    struct step_operator *operators = ARENA_ARRAY(arena, struct step_operator, all);
    struct step_scratch scratch = {.spans = ARENA_ARRAY(arena, struct span, all),
                                   .works = ARENA_ARRAY(arena, struct kernel_work, all),
                                   .counts = ARENA_ARRAY(arena, double, all)};
    struct step_program program;
    transformer_build(&replica, &batch, RING_NONE, operators, &program);
    step_price(&replica, &program, &scratch);
    return program_seconds(&program, scratch.spans);
}

/* A token's step grows with the context, evenly: the mean of 8,000 of them lies half-way between
 * the first and the last. */
START_TEST(decode_is_taken_at_its_middle)
{
    struct arena *arena = arena_create();
    static const char *const sets[] = {
        "workload.turns.0={prompt: 64000 tokens, output: 8000 tokens}",
        "workload.turns.1={prompt: 100 tokens, output: 0 tokens}", "layout.context=1", NULL};
    struct conversation_result result = converse(arena, sets);
    const struct scenario *scenario =
        load(arena, CPSIM_SOURCE_DIR "/scenarios/llama405b.yaml", sets);
    double first = decode_seconds(arena, scenario, 64000);
    double last = decode_seconds(arena, scenario, 71999);
    const struct phase_result *decode = &result.phases[1];
    ck_assert_int_eq(decode->phase, PHASE_DECODE);
    ck_assert_double_eq_tol((decode->latency_seconds - first) / (last - first), 0.5, 0.05);
    arena_destroy(arena);
}
END_TEST

static double prompt_seconds(const char *ring, uint64_t cached_tokens, uint64_t new_tokens)
{
    struct arena *arena = arena_create();
    const struct scenario *scenario =
        load(arena, CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml",
             (const char *const[]){"layout.context=4", ring, NULL});
    struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
    double fresh = (double)new_tokens;
    const struct step_shape shape = {.prompts = 1,
                                     .prompt_tokens = (uint32_t)new_tokens,
                                     .prompt_pairs = fresh * ((double)cached_tokens + 0.5 * fresh)};
    double seconds = step_cost_exact(costs, &shape).seconds;
    arena_destroy(arena);
    return seconds;
}

START_TEST(a_service_takes_the_faster_ring)
{
    static const uint64_t cached[] = {200000, 0}, fresh[] = {128, 8192};
    double keys_won = 0.0, queries_won = 0.0;
    for (int i = 0; i < 2; i++) {
        double keys = prompt_seconds("attention.ring=pass-kv", cached[i], fresh[i]);
        double queries = prompt_seconds("attention.ring=pass-q", cached[i], fresh[i]);
        double chosen = prompt_seconds("attention.ring=auto", cached[i], fresh[i]);
        ck_assert_double_eq(chosen, keys < queries ? keys : queries);
        ck_assert_double_ne(keys, queries);
        keys_won += keys < queries;
        queries_won += queries < keys;
    }
    ck_assert_double_eq(keys_won, 1.0); /* so that neither is always right */
    ck_assert_double_eq(queries_won, 1.0);
}
END_TEST

RUN_TESTS(choices, a_conversation_takes_the_faster_ring, decode_is_taken_at_its_middle,
          a_service_takes_the_faster_ring)
