/* SPDX-License-Identifier: MIT
 * Services of other engines' schedulers: nothing is lost whatever happens, and each does what it is
 * chosen for. What SGLang's decides in detail is held by validation_replay_schedule. */
#include "run_tests.h"
#include "serving_play.h"

static const char small[] = CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml";

#define TIGHT                                                                                      \
    "memory.fraction=0.26", "software.memory.non_torch=0.27 GiB", "workload.requests=300",         \
        "workload.arrivals.rate=40 /s",                                                            \
        "workload.lengths.prompt={kind: lognormal, mean: 500, variation: 2}",                      \
        "workload.lengths.output={kind: exponential, mean: 150}"

static void expect_nothing_lost(const struct played *played, uint32_t replicas)
{
    ck_assert(played->ok);
    ck_assert_uint_eq(played->metrics.completed + played->metrics.rejected + played->metrics.lost,
                      played->metrics.requests);
    ck_assert_uint_eq(played->out_of_order, 0);
    ck_assert_uint_eq(played->over_full, 0);
    ck_assert_uint_eq(played->free_pages, replicas * played->kv_pages);
    ck_assert_uint_ge(played->computed + played->decoded + played->metrics.completed,
                      played->answers);
}

START_TEST(tight_services_lose_nothing)
{
    static const char *const software[] = {"software=sglang", "software=tensorrt-llm"};
    static const char *const more[][3] = {
        {"seed=1", NULL},
        {"workload.sessions={turns: 4, think: 500 ms}", NULL},
        {"workload.random_faults={mean_between: 5 s, repair: 1 s}", NULL},
        {"software.schedules_ahead=false", "workload.service.router=prefix-aware", NULL},
        {"workload.service.prefix_cache=false", NULL},
    };
    uint64_t retries = 0;
    for (size_t i = 0; i < sizeof software / sizeof *software; i++) {
        for (size_t k = 0; k < sizeof more / sizeof *more; k++) {
            struct played played =
                play_serving(small, (const char *const[]){software[i], TIGHT, "layout.data=2",
                                                          more[k][0], more[k][1], NULL});
            retries += played.metrics.retries;
            expect_nothing_lost(&played, 2);
        }
    }
    ck_assert_uint_gt(retries, 0);
}
END_TEST

START_TEST(sglangs_options_lose_nothing)
{
    static const char *const options[] = {
        "workload.service.mixed_chunk=true", "workload.service.order=lpm",
        "workload.service.order=dfs-weight", "workload.service.order=lof",
        "workload.service.block=1 tokens",   "workload.service.conservativeness=0.1",
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct played played = play_serving(
            small, (const char *const[]){"software=sglang", TIGHT, options[i],
                                         "workload.sessions={turns: 3, think: 1 s}", NULL});
        expect_nothing_lost(&played, 1);
    }
}
END_TEST

/* Who is let in with room to its end never gives way; with a prompt's room alone many do. Fixed
 * answers, so that a batch reaches the end of the cache together. */
START_TEST(no_evict_evicts_nobody)
{
    const char *overrides[] = {"software=tensorrt-llm",
                               "memory.fraction=0.26",
                               "workload.requests=200",
                               "workload.arrivals.rate=100 /s",
                               "workload.lengths.output={kind: fixed, tokens: 500 tokens}",
                               "workload.service.policy=no-evict",
                               NULL};
    struct played kept = play_serving(small, overrides);
    expect_nothing_lost(&kept, 1);
    ck_assert_uint_eq(kept.metrics.preemptions, 0);
    ck_assert_uint_eq(kept.computed, kept.prompts);
    overrides[5] = "workload.service.policy=max-utilization";
    struct played thrown = play_serving(small, overrides);
    expect_nothing_lost(&thrown, 1);
    ck_assert_uint_gt(thrown.metrics.preemptions, 0);
    ck_assert_uint_gt(thrown.computed, thrown.prompts);
}
END_TEST

RUN_TESTS(serving_engines, tight_services_lose_nothing, sglangs_options_lose_nothing,
          no_evict_evicts_nobody)
