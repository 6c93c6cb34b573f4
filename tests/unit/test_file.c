/* SPDX-License-Identifier: MIT
 * Reading files that a user names: whatever a path leads to, bytes or a sentence, at once. A
 * directory's size is that of its index, a device's never ends and a pipe may have no writer: each
 * of them once stopped a run without a sentence. */
#include "sim/base/file.h"

#include "run_tests.h"
#include "unit/diagnosed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static struct diagnostics *diagnostics;
static char folder[32];

static void open_all(void)
{
    arena = arena_create();
    diagnostics = diagnostics_create();
    snprintf(folder, sizeof folder, "/tmp/test_file_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void close_all(void)
{
    ck_assert_int_eq(rmdir(folder), 0);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    FILE *stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(bytes, 1, size, stream), size);
    ck_assert_int_eq(fclose(stream), 0);
}

static void expect_fault(const char *path, size_t most, const char *expected)
{
    ck_assert_ptr_null(file_read(arena, path, most, "a table", NULL, diagnostics));
    char *text = diagnosed(diagnostics);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(reads_every_byte)
{
    open_all();
    size_t size = 0;
    write_file("f", "a\0b\n", 4);
    const char *bytes = file_read(arena, "f", 4, "a table", &size, diagnostics);
    ck_assert_uint_eq(size, 4);
    ck_assert_mem_eq(bytes, "a\0b\n", 5); /* and a NUL behind the last */
    write_file("f", "", 0);
    ck_assert_str_eq(file_read(arena, "f", 4, "a table", &size, diagnostics), "");
    ck_assert_uint_eq(size, 0);
    ck_assert_uint_eq(diagnostics_error_count(diagnostics), 0);
    unlink("f");
    close_all();
}
END_TEST

START_TEST(reads_what_a_pipe_holds)
{
    open_all();
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "abc", 3), 3);
    close(ends[1]);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    size_t size = 0;
    ck_assert_str_eq(file_read(arena, path, 4, "a table", &size, diagnostics), "abc");
    ck_assert_uint_eq(size, 3);
    close(ends[0]);
    /* A pipe without a writer would be waited for without end. */
    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    ck_assert_str_eq(file_read(arena, "pipe", 4, "a table", &size, diagnostics), "");
    ck_assert_str_eq(file_fault("pipe"), "is a pipe");
    ck_assert(!file_is_regular("pipe"));
    unlink("pipe");
    close_all();
}
END_TEST

START_TEST(complains_of_a_directory)
{
    open_all();
    ck_assert_int_eq(mkdir("d", 0700), 0);
    expect_fault("d", 100, "d: error: is a directory; expected a table\n1 error\n");
    ck_assert_str_eq(file_fault("d"), "is a directory");
    rmdir("d");
    close_all();
}
END_TEST

START_TEST(complains_of_a_device)
{
    open_all();
    expect_fault("/dev/zero", 100, "/dev/zero: error: is a device; expected a table\n1 error\n");
    close_all();
}
END_TEST

START_TEST(complains_of_what_is_not_there)
{
    open_all();
    expect_fault("no", 100, "no: error: cannot be opened: No such file or directory\n1 error\n");
    ck_assert_str_eq(file_fault("no"), "No such file or directory");
    close_all();
}
END_TEST

START_TEST(complains_of_what_is_too_large)
{
    open_all();
    write_file("f", "12345", 5);
    ck_assert_int_eq(truncate("f", 1L << 40), 0); /* a TiB of holes: seen before it is read */
    expect_fault("f", 16 * 1024 * 1024,
                 "f: error: larger than 16 MiB; expected a table\n1 error\n");
    ck_assert(file_is_regular("f"));
    ck_assert_ptr_null(file_fault("f"));
    unlink("f");
    close_all();
}
END_TEST

RUN_TESTS(file, reads_every_byte, reads_what_a_pipe_holds, complains_of_a_directory,
          complains_of_a_device, complains_of_what_is_not_there, complains_of_what_is_too_large)
