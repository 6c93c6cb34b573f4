/* SPDX-License-Identifier: MIT
 * Medians and percentiles of errors: an index off by one would flatter every class. */
#include "sim/compare/errors.h"

#include "run_tests.h"

START_TEST(of_none_is_zero)
{
    struct error_summary summary = errors_summarise(NULL, 0);
    ck_assert_uint_eq(summary.count, 0);
    ck_assert_double_eq(summary.worst, 0.0);
}
END_TEST

START_TEST(of_one_is_itself)
{
    double errors[] = {-0.25};
    struct error_summary summary = errors_summarise(errors, 1);
    ck_assert_double_eq(summary.median, 0.25);
    ck_assert_double_eq(summary.ninth_decile, 0.25);
    ck_assert_double_eq(summary.worst, 0.25);
    ck_assert_double_eq(summary.bias, -0.25);
}
END_TEST

/* Absolute values 1 2 3 4: the median is the mean of 2 and 3. Signed -3 -1 2 4: of -1 and 2. Nine
 * in ten of four values are 3.6: only the largest isn't exceeded by more than a tenth. */
START_TEST(of_an_even_number)
{
    double errors[] = {4.0, -1.0, 2.0, -3.0};
    struct error_summary summary = errors_summarise(errors, 4);
    ck_assert_double_eq(summary.median, 2.5);
    ck_assert_double_eq(summary.bias, 0.5);
    ck_assert_double_eq(summary.ninth_decile, 4.0);
    ck_assert_double_eq(summary.worst, 4.0);
}
END_TEST

/* 1 to 20: 18 of 20 are nine in ten. 1 to 21: 18.9, so 19. */
START_TEST(ninth_decile)
{
    double errors[21];
    for (int i = 0; i < 21; i++) {
        errors[i] = 21.0 - i;
    }
    ck_assert_double_eq(errors_summarise(errors + 1, 20).ninth_decile, 18.0);
    for (int i = 0; i < 21; i++) {
        errors[i] = 1.0 + i;
    }
    struct error_summary summary = errors_summarise(errors, 21);
    ck_assert_double_eq(summary.ninth_decile, 19.0);
    ck_assert_double_eq(summary.median, 11.0);
    ck_assert_uint_eq(summary.count, 21);
}
END_TEST

RUN_TESTS(errors, of_none_is_zero, of_one_is_itself, of_an_even_number, ninth_decile)
