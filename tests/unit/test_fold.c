/* SPDX-License-Identifier: MIT
 * What people read: lines that are broken, tables that go on below, numbers with their commas. */
#include "run_tests.h"

#include "sim/base/fold.h"
#include "sim/base/quantity.h"
#include "sim/base/table.h"

static const char *folded(struct arena *arena, const char *string, size_t width)
{
    struct text text = {.arena = arena};
    fold(&text, string, width);
    return text.bytes;
}

START_TEST(breaks_under_the_label)
{
    struct arena *arena = arena_create();
    /* A comma within 24 columns of the end goes before a later space. */
    ck_assert_str_eq(
        folded(arena, "memory per GPU  weights 9.08 GB, cache 65.7 GB (12 tokens)\n", 50),
        "memory per GPU  weights 9.08 GB, cache 65.7 GB\n"
        "                (12 tokens)\n");
    ck_assert_str_eq(
        folded(arena, "memory per GPU  weights 9.08 GB, cache 65.7 GB (12 tokens)\n", 45),
        "memory per GPU  weights 9.08 GB,\n"
        "                cache 65.7 GB (12 tokens)\n");
    /* "x 4" is no label; what is indented goes on as it began. */
    ck_assert_str_eq(folded(arena, "llama3-70b on 4 x h100-sxm", 20),
                     "llama3-70b on 4 x\n  h100-sxm");
    ck_assert_str_eq(folded(arena, "    one two\n", 8), "    one\n    two\n");
    arena_destroy(arena);
}
END_TEST

START_TEST(keeps_a_number_with_its_unit)
{
    struct arena *arena = arena_create();
    /* Twenty columns would end between 65.7 and GB. */
    ck_assert_str_eq(folded(arena, "the KV cache is 65.7 GB", 20), "the KV cache is\n  65.7 GB");
    ck_assert_str_eq(folded(arena, "a share of about 100 %", 20), "a share of about\n  100 %");
    /* A word wider than the line stays whole. */
    ck_assert_str_eq(folded(arena, "abcdefghijkl m", 6), "abcdefghijkl\n  m");
    ck_assert_str_eq(folded(arena, "", 6), "");
    arena_destroy(arena);
}
END_TEST

START_TEST(counts_characters)
{
    ck_assert_uint_eq(fold_columns("abc"), 3);
    ck_assert_uint_eq(fold_columns("\xc3\xa9t\xc3\xa9\nx"), 3);
    ck_assert_uint_eq(fold_columns("\x1b[1mbold\x1b[0m"), 4);
}
END_TEST

START_TEST(puts_columns_below)
{
    struct arena *arena = arena_create();
    struct table table = table_create(arena, 3);
    const char *const cells[] = {"name", "first", "second", "a", "1", "22", "bb", "333", "4"};
    for (size_t i = 0; i < 9; i++) {
        table_add(&table, cells[i]);
    }
    struct text text = {.arena = arena};
    /* 4 + 2 + 5 + 2 + 6 = 19 columns. */
    table_print(&table, 19, &text);
    ck_assert_str_eq(text.bytes, "name  first  second\na         1      22\nbb      333       4\n");
    text = (struct text){.arena = arena};
    table_print(&table, 18, &text);
    ck_assert_str_eq(text.bytes, "name  first\na         1\nbb      333\n"
                                 "\nname  second\na         22\nbb         4\n");
    arena_destroy(arena);
}
END_TEST

START_TEST(writes_numbers_as_people_do)
{
    ck_assert_str_eq(quantity_number(13127.0).text, "13,130");
    ck_assert_str_eq(quantity_number(3.94567).text, "3.946");
    ck_assert_str_eq(quantity_number(999.96).text, "1,000");
    ck_assert_str_eq(quantity_number(0.0).text, "0");
    ck_assert_str_eq(quantity_number(-21490000.0).text, "-21,490,000");
    ck_assert_str_eq(quantity_count(691392).text, "691,392");
    ck_assert_str_eq(quantity_count(12).text, "12");
    ck_assert_str_eq(quantity_dollars(0.7).text, "$0.70");
    ck_assert_str_eq(quantity_dollars(0.0071).text, "$0.0071");
    ck_assert_str_eq(quantity_dollars(820126.0).text, "$820,100");
    ck_assert_str_eq(quantity_joules(8.4e12).text, "8.40 TJ");
    ck_assert_str_eq(quantity_large(1.361e12).text, "1.361 T");
    ck_assert_str_eq(quantity_large(72.25e9).text, "72.25 B");
    ck_assert_str_eq(quantity_large(8192.0).text, "8,192");
    ck_assert_str_eq(quantity_duration(11135.0).text, "3.09 hours");
    ck_assert_str_eq(quantity_duration(599.0).text, "599 s");
    ck_assert_str_eq(quantity_duration(797.0).text, "13.3 minutes");
    ck_assert_str_eq(quantity_duration(4721760.0).text, "54.6 days");
}
END_TEST

RUN_TESTS(fold, breaks_under_the_label, keeps_a_number_with_its_unit, counts_characters,
          puts_columns_below, writes_numbers_as_people_do)
