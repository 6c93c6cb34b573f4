/* SPDX-License-Identifier: MIT
 * Long runs that are interrupted, event by event against the closed form. Catches time that is
 * counted twice or lost between checkpoints and restarts. */
#include "models/laws/failures.h"
#include "models/laws/goodput.h"

#include "run_tests.h"

#include <math.h>

enum { SOURCES = 2 };

static struct failure_answer play(const struct failure_question *question, uint64_t seed)
{
    static double next[SOURCES];
    static uint64_t struck[SOURCES];
    struct random_stream streams[SOURCES + 1];
    static const char *const names[SOURCES + 1] = {"gpu", "network", "stragglers"};
    for (size_t i = 0; i < question->source_count; i++) {
        streams[i] = random_open(seed, names[i]);
    }
    streams[question->source_count] = random_open(seed, names[SOURCES]);
    struct failure_answer answer = failures_play(question, streams, next, struck);
    uint64_t sum = 0;
    for (size_t i = 0; i < question->source_count; i++) {
        sum += struck[i];
    }
    ck_assert_uint_eq(sum, answer.interruptions);
    double parts = answer.work_seconds + answer.checkpoint_seconds + answer.straggler_seconds +
                   answer.lost_seconds + answer.detection_seconds + answer.restart_seconds;
    ck_assert_double_eq_tol(parts / answer.seconds, 1.0, 1e-9);
    return answer;
}

/* Nothing breaks: 100 s of work, a checkpoint of 1 s after each 10 s but the last: 109 s. */
START_TEST(nothing_breaks)
{
    struct failure_question question = {
        .work_seconds = 100.0, .interval_seconds = 10.0, .checkpoint_seconds = 1.0};
    struct failure_answer answer = play(&question, 1);
    ck_assert_double_eq_tol(answer.seconds, 109.0, 1e-9);
    ck_assert_uint_eq(answer.checkpoints, 9);
}
END_TEST

/* Two causes, together one interruption in 3 hours as on 16,384 GPUs; 30 s a checkpoint, Daly's
 * interval, 10 minutes to come back. Over 1,000 days the share of work is the closed form's to
 * 0.5 %. */
START_TEST(goodput_is_the_closed_form)
{
    const struct failure_source sources[SOURCES] = {
        {.mean_seconds = 4.0 * 3600.0, .detection_seconds = 60.0, .restart_seconds = 540.0},
        {.mean_seconds = 12.0 * 3600.0, .detection_seconds = 60.0, .restart_seconds = 540.0},
    };
    double mean = 3.0 * 3600.0;
    struct failure_question question = {
        .work_seconds = 1000.0 * 86400.0,
        .interval_seconds = goodput_daly_seconds(30.0, mean),
        .checkpoint_seconds = 30.0,
        .sources = sources,
        .source_count = SOURCES,
    };
    struct failure_answer answer = play(&question, 7);
    const struct goodput_question closed = {.mean_seconds = mean,
                                            .lost_seconds = 600.0,
                                            .interval_seconds = question.interval_seconds,
                                            .checkpoint_seconds = 30.0};
    ck_assert_double_eq_tol(answer.work_seconds / answer.seconds, goodput_share(&closed), 0.005);
    ck_assert_double_eq_tol(answer.seconds / (double)answer.interruptions / mean, 1.0, 0.03);
    struct failure_answer again = play(&question, 7), other = play(&question, 8);
    ck_assert(again.seconds == answer.seconds);
    ck_assert(other.seconds != answer.seconds);
}
END_TEST

/* Young: sqrt(2 x 30 x 10800) = 805 s. Daly's is a little shorter, and no interval near it is
 * better. */
START_TEST(the_interval_is_the_best)
{
    double mean = 10800.0, delta = 30.0;
    ck_assert_double_eq_tol(goodput_young_seconds(delta, mean), 804.98, 0.01);
    double best = goodput_daly_seconds(delta, mean);
    ck_assert_double_lt(best, goodput_young_seconds(delta, mean));
    struct goodput_question question = {
        .mean_seconds = mean, .lost_seconds = 600.0, .checkpoint_seconds = delta};
    question.interval_seconds = best;
    double share = goodput_share(&question);
    question.interval_seconds = 0.8 * best;
    ck_assert_double_lt(goodput_share(&question), share);
    question.interval_seconds = 1.25 * best;
    ck_assert_double_lt(goodput_share(&question), share);
}
END_TEST

/* A straggler every 10 hours that halves the pace until it is found an hour later: of 11 hours one
 * does half the work. */
START_TEST(stragglers_slow_the_run)
{
    struct failure_question question = {
        .work_seconds = 1e8,
        .interval_seconds = 1e9,
        .straggler_mean_seconds = 36000.0,
        .straggler_seconds = 3600.0,
        .straggler_slowdown = 2.0,
    };
    struct failure_answer answer = play(&question, 3);
    ck_assert_double_eq_tol(answer.straggler_seconds / answer.seconds, 0.5 / 11.0, 0.002);
    ck_assert_double_eq_tol((double)answer.stragglers * 39600.0 / answer.seconds, 1.0, 0.05);
}
END_TEST

/* Interruptions come every second and a restart takes ten minutes, so that no restart ends;
 * stragglers come faster than a step of the play; checkpoints cost nothing, so that Daly's interval
 * is nothing. All are given up, short of their work. */
START_TEST(a_hopeless_run_is_given_up)
{
    const struct failure_source source = {
        .mean_seconds = 1.0, .detection_seconds = 60.0, .restart_seconds = 600.0};
    struct failure_question question = {.work_seconds = 1e7,
                                        .interval_seconds = 100.0,
                                        .checkpoint_seconds = 1.0,
                                        .sources = &source,
                                        .source_count = 1};
    struct failure_answer answer = play(&question, 1);
    ck_assert_double_lt(answer.work_seconds, question.work_seconds);
    ck_assert_uint_eq(answer.interruptions, 5000000);
    struct failure_question slowed = {.work_seconds = 1e7,
                                      .interval_seconds = 1e9,
                                      .straggler_mean_seconds = 1e-4,
                                      .straggler_seconds = 1e-4,
                                      .straggler_slowdown = 2.0};
    answer = play(&slowed, 1);
    ck_assert_double_lt(answer.work_seconds, slowed.work_seconds);
    ck_assert_uint_eq(answer.stragglers, 5000000);
    struct failure_question saving = {
        .work_seconds = 1e7, .interval_seconds = 1e-148, .checkpoint_seconds = 1e-300};
    answer = play(&saving, 1);
    ck_assert_uint_eq(answer.checkpoints, 5000000);
}
END_TEST

RUN_TESTS(failures, nothing_breaks, goodput_is_the_closed_form, the_interval_is_the_best,
          stragglers_slow_the_run, a_hopeless_run_is_given_up)
