/* SPDX-License-Identifier: MIT
 * The journal survives what a kill, a crash or a bad disk leaves: records torn at every byte, and
 * bytes flipped, cost the record they are in and no other. */
#include "run_tests.h"
#include "sim/sweep/journal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { POINTS = 5 };

struct folder {
    char path[64];
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *journal;
};

static struct sweep_record sweep_of(uint64_t identity)
{
    static struct recorded_parameter parameter = {.key = "layout.tensor", .unit = "1"};
    return (struct sweep_record){.identity = identity,
                                 .title = "t",
                                 .sweep_yaml = "",
                                 .base_yaml = "",
                                 .version = "1",
                                 .revision = "2",
                                 .point_count = POINTS,
                                 .replications = 1,
                                 .parameters = &parameter,
                                 .parameter_count = 1,
                                 .best = {.metric = ""}};
}

static struct folder folder_open(void)
{
    struct folder folder = {.path = "/tmp/cpsim-journal-XXXXXX",
                            .arena = arena_create(),
                            .diagnostics = diagnostics_create()};
    ck_assert_ptr_nonnull(mkdtemp(folder.path));
    folder.journal = journal_path(folder.arena, folder.path, 0, 1);
    return folder;
}

static void folder_close(struct folder *folder)
{
    unlink(folder->journal);
    unlink(journal_path(folder->arena, folder->path, 1, 2));
    rmdir(folder->path);
    arena_destroy(folder->arena);
    diagnostics_destroy(folder->diagnostics);
}

static void append_point(struct folder *folder, struct journal *journal, uint64_t point,
                         enum point_status status, double value)
{
    struct recorded_value parameter = {.number = 4.0, .text = "4"};
    struct point_record record = {.point = point,
                                  .status = status,
                                  .error = status == POINT_DONE ? "" : "why",
                                  .values = &parameter,
                                  .value_count = 1,
                                  .metrics = {.arena = folder->arena}};
    metric_add_number(&record.metrics, "ttft_seconds", "s", value);
    metric_add_text(&record.metrics, "ring", "pass-Q");
    struct text bytes = {.arena = folder->arena};
    point_record_write(&bytes, &record);
    ck_assert(journal_append(journal, bytes.bytes, bytes.length));
}

static void write_points(struct folder *folder)
{
    struct sweep_record sweep = sweep_of(7);
    struct journal *journal =
        journal_open(folder->arena, folder->journal, &sweep, folder->diagnostics);
    ck_assert_ptr_nonnull(journal);
    for (uint64_t point = 0; point < POINTS; point++) {
        append_point(folder, journal, point, POINT_DONE, 0.1 * (double)point);
    }
    ck_assert(journal_close(journal));
}

static size_t read_bytes(const char *path, char *bytes, size_t size)
{
    FILE *stream = fopen(path, "rb");
    size_t count = fread(bytes, 1, size, stream);
    fclose(stream);
    return count;
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *stream = fopen(path, "wb");
    fwrite(bytes, 1, size, stream);
    fclose(stream);
}

START_TEST(what_is_written_is_read)
{
    struct folder folder = folder_open();
    write_points(&folder);
    struct journal_contents contents;
    ck_assert(journal_read_all(folder.arena, folder.path, &contents, folder.diagnostics));
    ck_assert_uint_eq(contents.done, POINTS);
    for (uint64_t point = 0; point < POINTS; point++) {
        const struct point_record *record = contents.points[point];
        ck_assert_uint_eq(record->point, point);
        ck_assert_str_eq(record->values[0].text, "4");
        ck_assert_double_eq(record->metrics.metrics[0].value, 0.1 * (double)point);
        ck_assert_str_eq(record->metrics.metrics[1].text, "pass-Q");
    }
    folder_close(&folder);
}
END_TEST

START_TEST(a_torn_end_costs_one_record_and_writing_goes_on)
{
    struct folder folder = folder_open();
    static char bytes[16384], cut[16384];
    write_points(&folder);
    size_t size = read_bytes(folder.journal, bytes, sizeof bytes), last = 0;
    for (size_t i = 1; i + 8 < size; i++) {
        last = memcmp(bytes + i,
                      "\x89"
                      "cpsim\r\n",
                      8) == 0
                   ? i
                   : last;
    }
    for (size_t length = last; length < size; length++) {
        memcpy(cut, bytes, length);
        write_bytes(folder.journal, cut, length);
        struct sweep_record sweep = sweep_of(7);
        struct journal *journal =
            journal_open(folder.arena, folder.journal, &sweep, folder.diagnostics);
        append_point(&folder, journal, 0, POINT_DONE, 42.0);
        journal_close(journal);
        struct journal_contents contents;
        ck_assert(journal_read_all(folder.arena, folder.path, &contents, folder.diagnostics));
        ck_assert_uint_eq(contents.done, POINTS - 1);
        ck_assert_ptr_null(contents.points[POINTS - 1]);
        ck_assert_double_eq(contents.points[0]->metrics.metrics[0].value, 42.0);
    }
    folder_close(&folder);
}
END_TEST

START_TEST(a_flipped_byte_costs_the_record_it_is_in)
{
    struct folder folder = folder_open();
    static char bytes[16384];
    write_points(&folder);
    size_t size = read_bytes(folder.journal, bytes, sizeof bytes), start = 0;
    for (size_t i = 1; start == 0 && i + 8 < size; i++) {
        start = memcmp(bytes + i,
                       "\x89"
                       "cpsim\r\n",
                       8) == 0
                    ? i
                    : 0;
    }
    for (size_t at = start; at < size; at++) { /* the points' records */
        bytes[at] = (char)(bytes[at] ^ 0x20);
        write_bytes(folder.journal, bytes, size);
        bytes[at] = (char)(bytes[at] ^ 0x20);
        struct journal_contents contents;
        ck_assert(journal_read_all(folder.arena, folder.path, &contents, folder.diagnostics));
        ck_assert_uint_eq(contents.done, POINTS - 1);
    }
    folder_close(&folder);
}
END_TEST

START_TEST(a_done_record_wins_over_a_failed_one)
{
    struct folder folder = folder_open();
    struct sweep_record sweep = sweep_of(7);
    struct journal *journal =
        journal_open(folder.arena, folder.journal, &sweep, folder.diagnostics);
    append_point(&folder, journal, 0, POINT_DONE, 1.0);
    append_point(&folder, journal, 0, POINT_FAILED, 0.0);
    append_point(&folder, journal, 1, POINT_FAILED, 0.0);
    append_point(&folder, journal, 1, POINT_REJECTED, 0.0);
    journal_close(journal);
    struct journal_contents contents;
    ck_assert(journal_read_all(folder.arena, folder.path, &contents, folder.diagnostics));
    ck_assert_int_eq(contents.points[0]->status, POINT_DONE);
    ck_assert_int_eq(contents.points[1]->status, POINT_REJECTED); /* the later */
    ck_assert_uint_eq(contents.done, 1);
    ck_assert_uint_eq(contents.rejected, 1);
    ck_assert_uint_eq(contents.failed, 0);
    folder_close(&folder);
}
END_TEST

START_TEST(journals_of_two_sweeps_do_not_mix)
{
    struct folder folder = folder_open();
    write_points(&folder);
    struct sweep_record other = sweep_of(8);
    const char *path = journal_path(folder.arena, folder.path, 1, 2);
    journal_close(journal_open(folder.arena, path, &other, folder.diagnostics));
    struct journal_contents contents;
    ck_assert(!journal_read_all(folder.arena, folder.path, &contents, folder.diagnostics));
    ck_assert_uint_eq(diagnostics_error_count(folder.diagnostics), 1);
    folder_close(&folder);
}
END_TEST

RUN_TESTS(journal, what_is_written_is_read, a_torn_end_costs_one_record_and_writing_goes_on,
          a_flipped_byte_costs_the_record_it_is_in, a_done_record_wins_over_a_failed_one,
          journals_of_two_sweeps_do_not_mix)
