/* SPDX-License-Identifier: MIT
 * Did-you-mean: close enough to be meant, or nothing at all. */
#include "run_tests.h"

#include "sim/base/suggest.h"
#include "sim/config/reference.h"
#include "sim/scenario/tables.h"

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
    static const char *const gpus[] = {"h800", "h100-hbm2e-500w", "h100-sxm", "h20", NULL};
    ck_assert_str_eq(best_of("h100", gpus), "h100-sxm"); /* the shortest that begins so */
    ck_assert_str_eq(best_of("h801", gpus), "h800");
    ck_assert_ptr_null(best_of("batch", keys));
    ck_assert_ptr_null(best_of("x", keys)); /* one letter is no likeness */
    ck_assert_ptr_null(best_of("", keys));
}
END_TEST

START_TEST(words_of_a_list_are_found_whole)
{
    static const char list[] = "tp tensor_parallel_size";
    ck_assert(suggest_is_among(list, "tp"));
    ck_assert(suggest_is_among(list, "TP"));
    ck_assert(suggest_is_among(list, "tensor-parallel-size"));
    ck_assert(!suggest_is_among(list, "t"));
    ck_assert(!suggest_is_among(list, "tensor_parallel"));
    ck_assert(!suggest_is_among(list, "tp tensor_parallel_size"));
    ck_assert(!suggest_is_among(list, ""));
    ck_assert(!suggest_is_among(NULL, "tp"));
}
END_TEST

/* Every alias stands for a key that there is, and for one alone. */
START_TEST(aliases_are_of_keys)
{
    for (const struct alias *alias = scenario_aliases; alias->path != NULL; alias++) {
        const struct field *field = field_find_path(scenario_fields, alias->path);
        ck_assert_msg(field != NULL, "%s", alias->path);
        for (const char *at = alias->words; *at != '\0';) {
            char word[64];
            int length = (int)strcspn(at, " ");
            snprintf(word, sizeof word, "%.*s", length, at);
            ck_assert_str_eq(alias_path(scenario_aliases, word), alias->path);
            at += (size_t)length + strspn(at + length, " ");
        }
    }
}
END_TEST

RUN_TESTS(suggest, distances_by_hand, only_what_is_near_is_suggested,
          words_of_a_list_are_found_whole, aliases_are_of_keys)
