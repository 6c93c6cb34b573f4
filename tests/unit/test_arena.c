/* SPDX-License-Identifier: MIT
 * Memory of an arena is zeroed, aligned and stays where it is: a block that moved or overlapped
 * would corrupt a scenario silently, which no test of a scenario could tell from a wrong model. */
#include "sim/base/arena.h"

#include "run_tests.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

START_TEST(arrays_are_zeroed_aligned_and_apart)
{
    struct arena *arena = arena_create();
    enum { ARRAYS = 3000, BYTES = 37 }; /* 3000 x 64 bytes with padding: three blocks of 64 KiB */
    unsigned char *arrays[ARRAYS];
    for (size_t i = 0; i < ARRAYS; i++) {
        arrays[i] = arena_array(arena, BYTES, 1);
        ck_assert_uint_eq((uintptr_t)arrays[i] % alignof(max_align_t), 0);
        for (size_t byte = 0; byte < BYTES; byte++) {
            ck_assert_uint_eq(arrays[i][byte], 0);
        }
        memset(arrays[i], (int)(i % 251), BYTES);
    }
    for (size_t i = 0; i < ARRAYS; i++) {
        ck_assert_uint_eq(arrays[i][0], i % 251);
        ck_assert_uint_eq(arrays[i][BYTES - 1], i % 251);
    }
    arena_destroy(arena);
}
END_TEST

START_TEST(an_array_may_be_larger_than_a_block)
{
    struct arena *arena = arena_create();
    char *small = arena_strdup(arena, "before");
    double *large = ARENA_ARRAY(arena, double, 100000);
    large[99999] = 1.0;
    ck_assert_str_eq(small, "before");
    ck_assert_double_eq(large[0], 0.0);
    arena_destroy(arena);
}
END_TEST

START_TEST(text_is_copied_and_formatted)
{
    struct arena *arena = arena_create();
    char text[] = "qkv";
    char *copy = arena_strdup(arena, text);
    text[0] = '?';
    ck_assert_str_eq(copy, "qkv");
    ck_assert_str_eq(arena_printf(arena, "%s:%d", copy, 7), "qkv:7");
    arena_destroy(arena);
    arena_destroy(NULL);
}
END_TEST

RUN_TESTS(arena, arrays_are_zeroed_aligned_and_apart, an_array_may_be_larger_than_a_block,
          text_is_copied_and_formatted)
