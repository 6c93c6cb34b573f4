/* SPDX-License-Identifier: MIT
 * What a run needs of seats and blocks, worked by hand, and what that is for: services whose limits
 * hold it give the same times to the last bit, over random loads and limits. */
#include "run_tests.h"
#include "serving_play.h"

#include "models/numeric/random.h"

static const char small[] = CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml";

/* Seven requests at once of 128 and 64 tokens: 12 blocks of 16 each, and one that steps which are
 * slept through together may look ahead. On two replicas by turns: four of them on the first. */
START_TEST(a_need_is_who_is_there)
{
    static const char *const one[] = {"workload.arrivals={kind: at-once}", "workload.requests=7",
                                      NULL};
    struct played played = play_serving(small, one);
    ck_assert(played.need.known);
    ck_assert_uint_eq(played.need.sequences, 7);
    ck_assert_uint_eq(played.need.blocks, 7 * (12 + 1));
    ck_assert_uint_eq(played.room.blocks, played.kv_pages - 1); /* the null block */
    static const char *const two[] = {"workload.arrivals={kind: at-once}", "workload.requests=7",
                                      "workload.service.router=round-robin", "layout.data=2", NULL};
    played = play_serving(small, two);
    ck_assert_uint_eq(played.need.sequences, 4);
    ck_assert_uint_eq(played.need.blocks, 4 * (12 + 1));
    /* One at a time, however many come: the second waits for nobody. */
    static const char *const apart[] = {"workload.arrivals={kind: constant, rate: 0.1 /s}",
                                        "workload.requests=5", NULL};
    ck_assert_uint_eq(play_serving(small, apart).need.sequences, 1);
}
END_TEST

/* A limit that was met, or that others look at, is no need. */
START_TEST(a_need_that_is_not_known)
{
    static const char *const never[][3] = {
        {"workload.service.max_sequences=6", "workload.requests=7", NULL},
        {"workload.service.policy=static", "workload.requests=7", NULL},
        {"workload.service.policy=prefill-first", "workload.requests=7", NULL},
        {"workload.service.router=predicted-completion", "workload.requests=7", NULL},
        {"workload.system_prompt=32 tokens", "workload.requests=7", NULL},
        {"workload.timeout=9 s", "workload.requests=7", NULL},
    };
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        const char *const overrides[] = {"workload.arrivals={kind: at-once}", never[i][0],
                                         never[i][1], NULL};
        ck_assert_msg(!play_serving(small, overrides).need.known, "%s", never[i][0]);
    }
}
END_TEST

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool same_times(const struct played *a, const struct played *b)
{
    bool same = a->missed == b->missed && same_bits(a->end_seconds, b->end_seconds) &&
                same_bits(a->served_mean, b->served_mean) &&
                same_bits(a->served_square_mean, b->served_square_mean) &&
                same_bits(a->outstanding_mean, b->outstanding_mean);
    for (size_t i = 0; i < LATENCY_COUNT; i++) {
        same = same && same_bits(a->metrics.latencies[i].p99, b->metrics.latencies[i].p99) &&
               same_bits(a->metrics.latencies[i].p50, b->metrics.latencies[i].p50);
    }
    return same;
}

enum { DRAWN_TEXTS = 6, TEXT_BYTES = 96 };

/* A load, with limits. */
static struct played play_drawn(char load[DRAWN_TEXTS][TEXT_BYTES], uint32_t sequences,
                                double fraction)
{
    char seats[TEXT_BYTES], memory[TEXT_BYTES];
    snprintf(seats, sizeof seats, "workload.service.max_sequences=%u", (unsigned)sequences);
    snprintf(memory, sizeof memory, "memory.fraction=%g", fraction);
    const char *const overrides[] = {load[0], load[1], load[2],
                                     load[3], load[4], load[5],
                                     seats,   memory,  "workload.requests=200",
                                     NULL};
    const struct serving_goal goal = {.ttft_seconds = 0.3, .tpot_seconds = 0.03};
    return play_serving_with(small, overrides, &(struct serving_options){.goal = &goal});
}

static void draw_load(struct random_stream *stream, int number, char load[DRAWN_TEXTS][TEXT_BYTES])
{
    static const char *const rates[] = {"5", "20", "60", "150"};
    snprintf(load[0], TEXT_BYTES, "workload.arrivals.rate=%s /s",
             rates[random_between(stream, 0, 3)]);
    snprintf(load[1], TEXT_BYTES,
             "workload.lengths.prompt={kind: lognormal, mean: %d, variation: 1}",
             (int)random_between(stream, 50, 1500));
    snprintf(load[2], TEXT_BYTES,
             "workload.lengths.output={kind: lognormal, mean: %d, variation: 1}",
             (int)random_between(stream, 2, 150));
    snprintf(load[3], TEXT_BYTES, "seed=%d", number);
    snprintf(load[4], TEXT_BYTES, "workload.service.policy=%s",
             number % 2 == 0 ? "vllm" : "chunked-prefill");
    snprintf(load[5], TEXT_BYTES, "layout.data=%d", 1 + (number % 3 == 0));
}

START_TEST(who_needs_no_more_goes_the_same_way)
{
    static const uint32_t seats[] = {8, 16, 32, 64, 256};
    static const double fractions[] = {0.24, 0.26, 0.3, 0.9};
    struct random_stream stream = random_open(1, "needs");
    unsigned shared = 0, met = 0, missed = 0;
    for (int number = 0; number < 24; number++) {
        char load[DRAWN_TEXTS][TEXT_BYTES];
        draw_load(&stream, number, load);
        uint32_t limit = seats[random_between(&stream, 0, 4)];
        struct played first = play_drawn(load, limit, fractions[random_between(&stream, 0, 3)]);
        missed += first.missed;
        if (!first.need.known) {
            met++;
            continue;
        }
        ck_assert_uint_le((uint64_t)first.metrics.max_sequences[0], first.need.sequences);
        const struct {
            uint32_t sequences;
            double fraction;
        } others[] = {{first.need.sequences, 0.9}, /* not a seat more */
                      {256, fractions[random_between(&stream, 0, 3)]},
                      {limit, 0.9}};
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            struct played other = play_drawn(load, others[i].sequences, others[i].fraction);
            bool fits = serving_need_fits(&first.need, &other.room);
            ck_assert_msg(!fits || same_times(&first, &other), "load %d, other %zu", number, i);
            shared += fits;
        }
    }
    ck_assert_uint_ge(shared, 24); /* or nothing was tried */
    ck_assert_uint_ge(met, 3);
    ck_assert_uint_ge(missed, 3);
}
END_TEST

RUN_TESTS(serving_need, a_need_is_who_is_there, a_need_that_is_not_known,
          who_needs_no_more_goes_the_same_way)
