/* SPDX-License-Identifier: MIT
 * Texts that grow: nothing is lost when the buffer is outgrown, columns and lines fall right. */
#include "run_tests.h"

#include "sim/base/text.h"

#include <string.h>

START_TEST(grows_without_loss)
{
    struct arena *arena = arena_create();
    struct text text = {.arena = arena};
    for (int i = 0; i < 10000; i++) {
        text_print(&text, "%04d,", i);
    }
    ck_assert_uint_eq(text.length, 50000);
    ck_assert_uint_eq(strlen(text.bytes), 50000);
    ck_assert_int_eq(memcmp(text.bytes + 5 * 1234, "1234,", 5), 0);
    arena_destroy(arena);
}
END_TEST

START_TEST(pads_wraps_and_quotes)
{
    struct arena *arena = arena_create();
    struct text text = {.arena = arena};
    text_add(&text, "key");
    text_pad(&text, 6);
    text_wrap(&text, "one two three four", 6, 14);
    /* "one two" ends in column 13; "three" would end in 19. */
    ck_assert_str_eq(text.bytes, "key   one two\n      three\n      four\n");
    text = (struct text){.arena = arena};
    text_quote(&text, "a \"b\" \\ \n\x7f \xc3\xa9");
    ck_assert_str_eq(text.bytes, "\"a \\\"b\\\" \\\\ \\u000a\\u007f \xc3\xa9\"");
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(text, grows_without_loss, pads_wraps_and_quotes)
