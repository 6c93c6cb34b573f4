/* SPDX-License-Identifier: MIT
 * The life of a trace file: what is on disk before, during and after, and what a person is told
 * when the disk says no. That a failed run leaves nothing that looks whole can't be seen by reading
 * a good file back, as the Python tests do. */
#include "sim/trace/trace.h"
#include "sim/trace/trace_check.h"
#include "sim/trace/trace_tables.h"

#include "run_tests.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct trace_attributes attributes = {
    .seed = 1, .simgrid_version = "3.32.0", .scenario = "schema: 1\n"};

static char folder[] = "/tmp/cpsim-trace-test-aaaaaa"; /* of this process: check forks a test */

static const char *in_folder(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void make_folder(void)
{
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* Every test leaves its folder with at most these. */
static void remove_folder(void)
{
    static const char *const names[] = {"run.h5", "run.h5.part"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        unlink(in_folder(names[i]));
    }
    ck_assert_msg(rmdir(folder) == 0, "the test left something else in %s", folder);
}

static bool exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

/* What a person would read, at most 2 KiB of it. */
static const char *printed(const struct diagnostics *diagnostics)
{
    static char text[2048];
    FILE *stream = fmemopen(text, sizeof text, "w");
    diagnostics_print(diagnostics, stream);
    fclose(stream);
    return text;
}

/* Asserts nothing: check writes a note for each assertion, to a file. */
static void add_operators(struct trace *trace, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t scrambled = i * UINT64_C(0x9e3779b97f4a7c15) >> 11; /* hard to compress */
        trace_add_operator(trace, &(struct trace_operator){.segment = "layers",
                                                           .name = "qkv",
                                                           .start_seconds = (double)scrambled,
                                                           .flops = (double)scrambled});
    }
}

static struct trace *open_with_machine(const char *path, struct diagnostics *diagnostics)
{
    struct trace *trace = trace_open(path, &attributes, diagnostics);
    ck_assert_ptr_nonnull(trace);
    trace_add_phase(trace, &(struct trace_phase){.name = "prefill turn 1", .joules = NAN});
    trace_add_gpu(trace, &(struct trace_gpu){.joules = NAN});
    return trace;
}

START_TEST(every_field_of_a_row_is_a_column)
{
    for (size_t i = 0; i < TRACE_TABLE_COUNT; i++) {
        const struct trace_table_layout *table = &trace_tables[i];
        size_t end = 0; /* of the field before; offsets ascend as the struct is written */
        for (size_t j = 0; j < table->column_count; j++) {
            static const size_t bytes[TRACE_TYPE_COUNT] = {[TRACE_F64] = 8,
                                                           [TRACE_U64] = 8,
                                                           [TRACE_U32] = 4,
                                                           [TRACE_ENUM] = sizeof(enum trace_ring),
                                                           [TRACE_STRING] = sizeof(char *),
                                                           [TRACE_NAME] = sizeof(char *)};
            const struct trace_column *column = &table->columns[j];
            ck_assert_msg(column->offset >= end && column->offset - end < 8,
                          "/%s: a field before %s has no column", table->name, column->name);
            ck_assert_msg(column->offset - end < 4 || bytes[column->type] == 8,
                          "/%s: a small field before %s has no column", table->name, column->name);
            end = column->offset + bytes[column->type];
        }
        ck_assert_msg(table->row_bytes - end < 8, "/%s: the last field has no column", table->name);
    }
}
END_TEST

START_TEST(the_file_has_its_name_only_when_it_is_whole)
{
    make_folder();
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace *trace = open_with_machine(in_folder("run.h5"), diagnostics);
    add_operators(trace, 100000); /* one full chunk and a part */
    ck_assert(exists(in_folder("run.h5.part")));
    ck_assert(!exists(in_folder("run.h5")));
    ck_assert(trace_close(trace));
    ck_assert(!exists(in_folder("run.h5.part")));
    ck_assert_int_eq(trace_check_file(in_folder("run.h5"), NULL, diagnostics), 0);
    ck_assert_str_eq(printed(diagnostics), "");
    diagnostics_destroy(diagnostics);
    remove_folder();
}
END_TEST

START_TEST(rows_are_numbered_from_zero)
{
    make_folder();
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace *trace = trace_open(in_folder("run.h5"), &attributes, diagnostics);
    const struct trace_gpu gpu = {.joules = NAN};
    ck_assert_uint_eq(trace_add_gpu(trace, &gpu), 0);
    ck_assert_uint_eq(trace_add_gpu(trace, &gpu), 1);
    for (int i = 2; i < 65536; i++) {
        trace_add_gpu(trace, &gpu);
    }
    ck_assert_uint_eq(trace_add_gpu(trace, &gpu), 65536); /* the first of the second chunk */
    ck_assert(trace_close(trace));
    diagnostics_destroy(diagnostics);
    remove_folder();
}
END_TEST

START_TEST(an_empty_trace_is_a_trace)
{
    make_folder();
    struct diagnostics *diagnostics = diagnostics_create();
    ck_assert(trace_close(trace_open(in_folder("run.h5"), &attributes, diagnostics)));
    ck_assert_int_eq(trace_check_file(in_folder("run.h5"), NULL, diagnostics), 0);
    ck_assert_str_eq(printed(diagnostics), "");
    diagnostics_destroy(diagnostics);
    remove_folder();
}
END_TEST

START_TEST(exactly_one_chunk_is_written_once)
{
    make_folder();
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace *trace = open_with_machine(in_folder("run.h5"), diagnostics);
    add_operators(trace, 65536);
    ck_assert(trace_close(trace));
    ck_assert_int_eq(trace_check_file(in_folder("run.h5"), NULL, diagnostics), 0);
    ck_assert_str_eq(printed(diagnostics), "");
    diagnostics_destroy(diagnostics);
    remove_folder();
}
END_TEST

START_TEST(a_run_broken_off_leaves_a_readable_part)
{
    make_folder();
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace *trace = open_with_machine(in_folder("run.h5"), diagnostics);
    add_operators(trace, 70000);
    trace_abandon(trace);
    ck_assert(!exists(in_folder("run.h5")));
    ck_assert_int_eq(trace_check_file(in_folder("run.h5.part"), NULL, diagnostics), 0);
    ck_assert_str_eq(printed(diagnostics), "");
    diagnostics_destroy(diagnostics);
    remove_folder();
}
END_TEST

/* A limit on the size of files refuses a write as a full disk does, and needs no privilege. It
 * holds for check's own files too, so no assertion may run under it. */
static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void expect_refused(uint64_t operators, const char *doing)
{
    make_folder();
    /* The trace of an earlier run, which must survive. */
    FILE *old = fopen(in_folder("run.h5"), "w");
    fputs("old", old);
    fclose(old);
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace *trace = open_with_machine(in_folder("run.h5"), diagnostics);
    signal(SIGXFSZ, SIG_IGN);
    limit_file_size(64 * 1024);
    add_operators(trace, operators);
    bool written = trace_close(trace);
    limit_file_size(RLIM_INFINITY);
    ck_assert(!written);
    ck_assert(!exists(in_folder("run.h5.part")));
    struct stat status;
    ck_assert_int_eq(stat(in_folder("run.h5"), &status), 0);
    ck_assert_int_eq(status.st_size, 3);
    char expected[1024];
    snprintf(
        expected, sizeof expected,
        "%s: error: cannot write the trace (%s): File too large; raise the limit on file sizes "
        "(ulimit -f). No trace is kept\n1 error\n",
        in_folder("run.h5"), doing);
    ck_assert_str_eq(printed(diagnostics), expected);
    diagnostics_destroy(diagnostics);
    remove_folder();
}

START_TEST(a_full_disk_in_the_middle_is_said_once)
{
    expect_refused(300000, "adding rows to /operators");
}
END_TEST

START_TEST(a_full_disk_at_the_end_is_said_too)
{
    expect_refused(20000, "adding rows to /operators");
}
END_TEST

static void expect_no_trace(const char *path, const char *why)
{
    struct diagnostics *diagnostics = diagnostics_create();
    ck_assert_ptr_null(trace_open(path, &attributes, diagnostics));
    char expected[2048];
    snprintf(expected, sizeof expected, "%s: error: cannot write the trace: %s\n1 error\n", path,
             why);
    ck_assert_str_eq(printed(diagnostics), expected);
    diagnostics_destroy(diagnostics);
}

START_TEST(a_path_that_cannot_be_written_is_explained)
{
    make_folder();
    expect_no_trace(in_folder("missing/run.h5"),
                    "No such file or directory; make the folder first (mkdir -p), or name another");
    expect_no_trace(folder, "it is there and is a folder; name a file in that folder");
    expect_no_trace("/dev/null", "it is there and is not a file; name a file");
    expect_no_trace("/dev/null/run.h5",
                    "Not a directory; a part of the path is a file; name another folder");
    char long_name[300];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    expect_no_trace(in_folder(long_name), "File name too long; choose a shorter name");
    /* Root may write anywhere: be somebody else. */
    ck_assert_int_eq(chmod(folder, 0555), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(seteuid(65534), 0);
    }
    expect_no_trace(in_folder("run.h5"), "Permission denied; name a folder that you may write to");
    ck_assert_int_eq(seteuid(getuid()), 0);
    remove_folder();
}
END_TEST

START_TEST(too_many_names_end_the_trace)
{
    make_folder();
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace *trace = open_with_machine(in_folder("run.h5"), diagnostics);
    for (int i = 0; i < 4001; i++) {
        char name[32];
        snprintf(name, sizeof name, "operator %d", i);
        trace_add_operator(trace, &(struct trace_operator){.segment = "layers", .name = name});
    }
    ck_assert(!trace_close(trace));
    ck_assert(!exists(in_folder("run.h5")));
    char expected[1024];
    snprintf(expected, sizeof expected,
             "%s: error: more than 4000 different names in /operators/name; no trace is kept\n"
             "1 error\n",
             in_folder("run.h5"));
    ck_assert_str_eq(printed(diagnostics), expected);
    diagnostics_destroy(diagnostics);
    remove_folder();
}
END_TEST

START_TEST(four_thousand_names_fit)
{
    make_folder();
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace *trace = open_with_machine(in_folder("run.h5"), diagnostics);
    for (int i = 0; i < 8000; i++) {
        char name[32];
        snprintf(name, sizeof name, "operator %d", i % 4000);
        trace_add_operator(trace, &(struct trace_operator){.segment = "layers", .name = name});
    }
    ck_assert(trace_close(trace));
    ck_assert_int_eq(trace_check_file(in_folder("run.h5"), NULL, diagnostics), 0);
    ck_assert_str_eq(printed(diagnostics), "");
    diagnostics_destroy(diagnostics);
    remove_folder();
}
END_TEST

/* 5 million rows are 520 MB of structs; the writer may hold one chunk of them and of each column
 * (7 MB + 0.5 MB), and what HDF5 needs to compress it. The sanitizers keep freed memory back, so
 * under them only the rows are counted. */
START_TEST(memory_is_bounded)
{
#ifdef CPSIM_SANITIZE
    const uint64_t rows = 500000;
#else
    const uint64_t rows = 5000000;
#endif
    make_folder();
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace *trace = open_with_machine(in_folder("run.h5"), diagnostics);
    for (uint64_t i = 0; i < rows; i++) {
        trace_add_operator(trace, &(struct trace_operator){.segment = "layers",
                                                           .name = i % 2 ? "qkv" : "out",
                                                           .start_seconds = (double)i * 1e-6});
    }
    ck_assert(trace_close(trace));
#ifndef CPSIM_SANITIZE
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    ck_assert_int_lt(usage.ru_maxrss, 40 * 1024); /* KiB */
#endif
    ck_assert_int_eq(trace_check_file(in_folder("run.h5"), NULL, diagnostics), 0);
    ck_assert_str_eq(printed(diagnostics), "");
    diagnostics_destroy(diagnostics);
    remove_folder();
}
END_TEST

RUN_TESTS(trace_writer, every_field_of_a_row_is_a_column,
          the_file_has_its_name_only_when_it_is_whole, rows_are_numbered_from_zero,
          an_empty_trace_is_a_trace, exactly_one_chunk_is_written_once,
          a_run_broken_off_leaves_a_readable_part, a_full_disk_in_the_middle_is_said_once,
          a_full_disk_at_the_end_is_said_too, a_path_that_cannot_be_written_is_explained,
          too_many_names_end_the_trace, four_thousand_names_fit, memory_is_bounded)
