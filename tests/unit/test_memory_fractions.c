/* SPDX-License-Identifier: MIT
 * What three engines' shares of a GPU's memory leave for the KV cache of one service, by hand. */
#include "diagnosed.h"

#include "run_tests.h"
#include "sim/scenario/load.h"
#include "sim/scenario/replica.h"

static const char small[] = CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml";

/* The memory of a GPU of the small service with another software and a key of `memory`; NULL: it
 * says none. `*whole_bytes` gets all that the GPU has. */
static struct memory_use memory_of(const char *software, const char *key, double *whole_bytes)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct override overrides[] = {{.text = arena_printf(arena, "software=%s", software)},
                                         {.text = key}};
    const struct scenario *scenario =
        scenario_load(arena, small, overrides, key == NULL ? 1 : 2, diagnostics);
    char *text = diagnosed(diagnostics);
    ck_assert_str_eq(text, "");
    free(text);
    struct kv_room room;
    struct memory_use use = scenario_serving_memory(scenario, &room);
    *whole_bytes = scenario->gpu.memory_bytes;
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return use;
}

/* M whole, W weights, A activations and what lies outside, C cache: fraction f: W + A + C = f M;
 * static_fraction s: W + C = s M, whatever A; free_fraction r: C = r (M - W - A). */
START_TEST(shares_by_hand)
{
    double whole;
    struct memory_use all = memory_of("vllm", "memory.fraction=0.9", &whole);
    double held = all.weight_bytes + all.activation_bytes;
    ck_assert_double_eq_tol(held + all.kv_cache_bytes, 0.9 * whole, 1e-9 * whole);
    struct memory_use fixed = memory_of("vllm", "memory.static_fraction=0.8", &whole);
    ck_assert_double_eq_tol(fixed.weight_bytes + fixed.kv_cache_bytes, 0.8 * whole, 1e-9 * whole);
    struct memory_use free = memory_of("vllm", "memory.free_fraction=0.5", &whole);
    ck_assert_double_eq_tol(free.kv_cache_bytes, 0.5 * (whole - held), 1e-9 * whole);
}
END_TEST

/* TensorRT-LLM's server takes 0.9 of what is free; who says a share of all has that. */
START_TEST(an_engines_own_share)
{
    double whole;
    struct memory_use own = memory_of("tensorrt-llm", NULL, &whole);
    double held = own.weight_bytes + own.activation_bytes;
    ck_assert_double_eq_tol(own.kv_cache_bytes, 0.9 * (whole - held), 1e-9 * whole);
    struct memory_use all = memory_of("tensorrt-llm", "memory.fraction=0.8", &whole);
    ck_assert_double_eq_tol(held + all.kv_cache_bytes, 0.8 * whole, 1e-9 * whole);
}
END_TEST

RUN_TESTS(memory_fractions, shares_by_hand, an_engines_own_share)
