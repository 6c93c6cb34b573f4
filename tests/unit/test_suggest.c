/* SPDX-License-Identifier: MIT
 * Did-you-mean: close enough to be meant, or nothing at all. */
#include "run_tests.h"

#include "sim/base/suggest.h"

#include <limits.h>

START_TEST(distances_by_hand)
{
    ck_assert_uint_eq(edit_distance("", ""), 0);
    ck_assert_uint_eq(edit_distance("tensor", "tensor"), 0);
    ck_assert_uint_eq(edit_distance("tensr", "tensor"), 1); /* one letter short */
    ck_assert_uint_eq(edit_distance("tensorr", "tensor"), 1);
    ck_assert_uint_eq(edit_distance("tinsor", "tensor"), 1); /* one replaced */
    ck_assert_uint_eq(edit_distance("tesnor", "tensor"), 1); /* neighbours swapped */
    ck_assert_uint_eq(edit_distance("kitten", "sitting"), 3);
    ck_assert_uint_eq(edit_distance("", "abc"), 3);
    char longer[80] = {0};
    for (int i = 0; i < 70; i++) {
        longer[i] = 'a';
    }
    ck_assert_uint_eq(edit_distance(longer, "a"), UINT_MAX);
}
END_TEST

static const char *best_of(const char *word, const char *const *candidates)
{
    struct suggestion suggestion = {.word = word};
    for (; *candidates != NULL; candidates++) {
        suggestion_consider(&suggestion, *candidates);
    }
    return suggestion.best;
}

START_TEST(only_what_is_near_is_suggested)
{
    static const char *const keys[] = {"tensor", "context", "pipeline", "data", "s", NULL};
    ck_assert_str_eq(best_of("tenser", keys), "tensor");
    ck_assert_str_eq(best_of("contxet", keys), "context");
    ck_assert_str_eq(best_of("pipe", keys), "pipeline"); /* a beginning */
    ck_assert_ptr_null(best_of("batch", keys));
    ck_assert_ptr_null(best_of("x", keys)); /* one letter is no likeness */
    ck_assert_ptr_null(best_of("", keys));
}
END_TEST

RUN_TESTS(suggest, distances_by_hand, only_what_is_near_is_suggested)
