/* SPDX-License-Identifier: MIT
 * The reader of tables: quotes, line ends, places of fields, and every way a table can be wrong. A
 * field off by one column would still give plausible predictions; only these tests would see it. */
#include "sim/base/csv.h"

#include "run_tests.h"
#include "unit/diagnosed.h"

#include <string.h>

static struct arena *arena;
static struct diagnostics *diagnostics;

static struct csv *parse(const char *text)
{
    arena = arena_create();
    diagnostics = diagnostics_create();
    return csv_parse(arena, "t.csv", text, strlen(text), diagnostics);
}

static void close_table(void)
{
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

static void expect_diagnosed(const char *expected)
{
    char *text = diagnosed(diagnostics);
    ck_assert_str_eq(text, expected);
    free(text);
}

/* The complaints about `text`, as they would be printed. */
static void expect_complaints(const char *text, const char *expected)
{
    parse(text);
    expect_diagnosed(expected);
    close_table();
}

START_TEST(reads_fields_and_their_places)
{
    struct csv *csv = parse("op,m, time_us\n"
                            "qkv,1,30.68\r\n"
                            "\n"
                            "# a comment, with commas\n"
                            "out , 16 ,\t31\n");
    ck_assert_uint_eq(csv->column_count, 3);
    ck_assert_uint_eq(csv->row_count, 2);
    ck_assert_int_eq(csv_column(csv, "time_us"), 2);
    ck_assert_int_eq(csv_column(csv, "n"), CSV_NO_COLUMN);
    ck_assert_str_eq(csv->rows[0].fields[2].text, "30.68"); /* no \r */
    ck_assert_str_eq(csv->rows[1].fields[0].text, "out");
    ck_assert_str_eq(csv->rows[1].fields[2].text, "31");
    ck_assert_uint_eq(csv->rows[1].line, 5);
    ck_assert_uint_eq(csv->rows[1].fields[1].column, 7); /* "out , 16": the 1 is the 7th byte */
    ck_assert_uint_eq(diagnostics_error_count(diagnostics), 0);
    close_table();
}
END_TEST

START_TEST(quoted_fields_hold_commas_quotes_and_lines)
{
    struct csv *csv = parse("\xef\xbb\xbf\"a\",b\n"
                            "\"16 q heads, causal\",\"say \"\"hi\"\"\"\n"
                            "\"two\nlines\",2\n"
                            "\"\",last");
    ck_assert_uint_eq(csv->row_count, 3);
    ck_assert_int_eq(csv_column(csv, "a"), 0); /* the byte order mark is no part of it */
    ck_assert_str_eq(csv->rows[0].fields[0].text, "16 q heads, causal");
    ck_assert_str_eq(csv->rows[0].fields[1].text, "say \"hi\"");
    ck_assert_str_eq(csv->rows[1].fields[0].text, "two\nlines");
    ck_assert_uint_eq(csv->rows[1].line, 3);
    ck_assert_uint_eq(csv->rows[1].fields[1].line, 4);
    ck_assert_uint_eq(csv->rows[1].fields[1].column, 8);
    ck_assert_str_eq(csv->rows[2].fields[0].text, "");
    ck_assert_uint_eq(csv->rows[2].line, 5);
    close_table();
}
END_TEST

START_TEST(all_faults_are_reported_and_good_rows_kept)
{
    struct csv *csv = parse("a,b\n"
                            "1\n"
                            "\"x\" y,2\n"
                            "3,4\n"
                            "5,6,7\n"
                            "8,9\n");
    expect_diagnosed(
        "t.csv:2:1: error: 1 fields, but the header names 2 columns\n"
        "t.csv:3:5: error: text after a closing quote; a comma or the line's end was expected\n"
        "t.csv:5:1: error: 3 fields, but the header names 2 columns\n"
        "3 errors\n");
    ck_assert_uint_eq(csv->row_count, 2);
    ck_assert_str_eq(csv->rows[0].fields[0].text, "3");
    ck_assert_str_eq(csv->rows[1].fields[0].text, "8");
    close_table();
}
END_TEST

START_TEST(tables_without_a_header_are_refused)
{
    static const char *const empty[] = {"", "\n\n", "# only a comment\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        ck_assert_ptr_null(parse(empty[i]));
        ck_assert_uint_eq(diagnostics_error_count(diagnostics), 1);
        close_table();
    }
    expect_complaints("a,,a\n1,2,3\n", "t.csv:1:3: error: a column without a name\n"
                                       "t.csv:1:4: error: two columns are called 'a'\n"
                                       "2 errors\n");
}
END_TEST

START_TEST(an_open_quote_ends_the_table)
{
    expect_complaints("a\n1\n\"2\n3\n", "t.csv:3:1: error: this quote is never closed; write \"\" "
                                        "for a quote inside a field\n1 error\n");
}
END_TEST

START_TEST(a_zero_byte_is_no_text)
{
    arena = arena_create();
    diagnostics = diagnostics_create();
    csv_parse(arena, "t.csv", "a\n1\0002\n3\n", 8, diagnostics);
    expect_diagnosed("t.csv:2:2: error: a zero byte: this is not a text file\n1 error\n");
    close_table();
}
END_TEST

START_TEST(too_many_columns)
{
    char text[4 * CSV_MAX_COLUMNS + 8] = "";
    for (int i = 0; i <= CSV_MAX_COLUMNS; i++) {
        strncat(text, i == 0 ? "c" : ",c", 3);
    }
    ck_assert_ptr_null(parse(text));
    ck_assert_uint_eq(diagnostics_error_count(diagnostics), 1);
    close_table();
}
END_TEST

/* Whatever the bytes, reading ends, and every row has as many fields as the header. */
START_TEST(any_bytes_are_read_safely)
{
    static const char alphabet[] = "a,\"\n\r# \t1\0";
    uint64_t state = 12345;
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = alphabet[(state >> 33) % (sizeof alphabet - 1)];
        }
        arena = arena_create();
        diagnostics = diagnostics_create();
        const struct csv *csv = csv_parse(arena, "t.csv", bytes, sizeof bytes, diagnostics);
        for (size_t i = 0; csv != NULL && i < csv->row_count; i++) {
            ck_assert_ptr_nonnull(csv->rows[i].fields[csv->column_count - 1].text);
        }
        close_table();
    }
}
END_TEST

START_TEST(a_missing_file_is_an_error)
{
    arena = arena_create();
    diagnostics = diagnostics_create();
    ck_assert_ptr_null(csv_load(arena, "no/such.csv", diagnostics));
    expect_diagnosed("no/such.csv: error: cannot be opened: No such file or directory\n1 error\n");
    close_table();
}
END_TEST

RUN_TESTS(csv, reads_fields_and_their_places, quoted_fields_hold_commas_quotes_and_lines,
          all_faults_are_reported_and_good_rows_kept, tables_without_a_header_are_refused,
          an_open_quote_ends_the_table, a_zero_byte_is_no_text, too_many_columns,
          any_bytes_are_read_safely, a_missing_file_is_an_error)
