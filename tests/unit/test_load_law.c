/* SPDX-License-Identifier: MIT */
#include "run_tests.h"

#include "models/laws/load_law.h"

#include <math.h>

/* M/M/1 with E[S] = 1, E[S^2] = 2 at 0.5 /s: waits 0.5 x 2 / (2 x 0.5) = 1 s; M/D/1, E[S^2] = 1,
 * half of it. At a load of 1 there is no mean. */
START_TEST(waiting_of_textbooks)
{
    ck_assert_double_eq_tol(load_wait_seconds(0.5, 1.0, 2.0), 1.0, 1e-12);
    ck_assert_double_eq_tol(load_wait_seconds(0.5, 1.0, 1.0), 0.5, 1e-12);
    ck_assert(isinf(load_wait_seconds(1.0, 1.0, 1.0)));
}
END_TEST

/* One rate is M/M/1: load / (1 - load), 4 at 0.8. Rates 1 and 2 are M/M/2 at 1 /s: p = 1/3, 1/3,
 * 1/6, 1/12 ..., a mean of 4/3. Rates n up to 60 are M/M/infinity: the mean is the load, 5. */
START_TEST(sharing_of_textbooks)
{
    double rates[60];
    for (int i = 0; i < 60; i++) {
        rates[i] = i + 1;
    }
    ck_assert_double_eq_tol(load_shared_number(0.8, rates, 1), 4.0, 1e-12);
    ck_assert_double_eq_tol(load_shared_number(1.0, rates, 2), 4.0 / 3.0, 1e-12);
    ck_assert_double_eq_tol(load_shared_number(5.0, rates, 60), 5.0, 1e-9);
    ck_assert(isinf(load_shared_number(2.0, rates, 2)));
}
END_TEST

/* 599 states whose weights rise a thousandfold each, beyond any double, then halves: the one of 599
 * is as 1 to 1/2, 1/4, ... of those after it (a sum of 2, a mean of 600) and to 1/1000, 1/1000000,
 * ... of those before. */
START_TEST(weights_of_many_states)
{
    double rates[600];
    for (int i = 0; i < 599; i++) {
        rates[i] = 1e-3;
    }
    rates[599] = 2.0;
    double number = load_shared_number(1.0, rates, 600);
    double expected = (2.0 * 600.0 + 598.0 / 1e3 + 597.0 / 1e6 + 596.0 / 1e9) /
                      (2.0 + 1.0 / 1e3 + 1.0 / 1e6 + 1.0 / 1e9);
    ck_assert_double_eq_tol(number, expected, 1e-6);
}
END_TEST

/* 11 seats, 10 steps of decoding and one of the prompt: 10 decode in a step, a request passes in 1
 * step, and with a mean of one prompt a step 1 - 1/e of steps have some, of 100 / (1 - 1/e)
 * tokens. */
START_TEST(seats_are_taken_again)
{
    struct fluid_batch batch = {.seats = 11,
                                .decodes = 10,
                                .prompt_tokens = 100,
                                .step_tokens = 8192,
                                .decode_tokens = 1,
                                .ranks = 1};
    struct fluid_mix mix = fluid_mix(&batch);
    double share = 1.0 - exp(-1.0);
    ck_assert_double_eq_tol(mix.decoding, 10.0, 1e-12);
    ck_assert_double_eq_tol(mix.steps, 1.0, 1e-12);
    ck_assert_double_eq_tol(mix.prompt_steps, share, 1e-12);
    ck_assert_double_eq_tol(mix.prompt_tokens, 100.0 / share, 1e-9);
    /* Two ranks: a step waits unless neither has a prompt. */
    batch.ranks = 2;
    ck_assert_double_eq_tol(fluid_mix(&batch).waited_steps, 1.0 - exp(-2.0), 1e-12);
    /* A step of 110 tokens has room for exactly one prompt beside 10 answers: every step has one.
     */
    batch.step_tokens = 110;
    ck_assert_double_eq_tol(fluid_mix(&batch).prompt_steps, 1.0, 1e-12);
    /* Of 60: two parts a prompt; 12 held steps, 11 x 10 / 12 decode, and as many prompts come as
     * 100 x 11 / 12 tokens a step: more than the room of 50.8. */
    batch.step_tokens = 60;
    ck_assert_double_eq(fluid_mix(&batch).steps, 0.0);
}
END_TEST

/* Prompts alone, 4,000 tokens in steps of 8,192: 2.048 a step, or one where there is one seat. And
 * answers alone: nobody's step has a prompt. */
START_TEST(one_phase_alone)
{
    struct fluid_batch batch = {
        .seats = 8, .prompt_tokens = 4000, .step_tokens = 8192, .decode_tokens = 1, .ranks = 1};
    ck_assert_double_eq_tol(fluid_mix(&batch).steps, 4000.0 / 8192.0, 1e-12);
    ck_assert_double_eq_tol(fluid_mix(&batch).prompt_tokens, 8192.0, 1e-9);
    batch.seats = 1;
    ck_assert_double_eq_tol(fluid_mix(&batch).steps, 1.0, 1e-12);
    batch = (struct fluid_batch){
        .seats = 8, .decodes = 16, .step_tokens = 8192, .decode_tokens = 1, .ranks = 1};
    ck_assert_double_eq_tol(fluid_mix(&batch).steps, 2.0, 1e-12);
    ck_assert_double_eq(fluid_mix(&batch).prompt_steps, 0.0);
}
END_TEST

RUN_TESTS(load_law, waiting_of_textbooks, sharing_of_textbooks, weights_of_many_states,
          seats_are_taken_again, one_phase_alone)
