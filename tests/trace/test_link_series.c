/* SPDX-License-Identifier: MIT
 * Bytes spread over stretches of time, worked by hand. A picture of such a series looks right with
 * its bytes in the wrong stretch, or with the end of a run left out of the sum. */
#include "sim/trace/link_series.h"
#include "sim/trace/trace_read.h"

#include "run_tests.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 2048 };

/* What the trace has in the end, of links 0 and 1 together as row 0 of /links. */
static size_t written(const struct link_series *series, double end_seconds,
                      struct trace_link_sample *samples)
{
    char path[] = "/tmp/cpsim-link-series-XXXXXX";
    ck_assert_int_ge(mkstemp(path), 0);
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace *trace = trace_open(
        path, &(struct trace_attributes){.simgrid_version = "", .scenario = ""}, diagnostics);
    ck_assert_ptr_nonnull(trace);
    trace_add_gpu(trace, &(struct trace_gpu){0});
    trace_add_link(trace, &(struct trace_link){.name = "nvlink0_UP"});
    link_series_write(series, (const size_t[]){0, 1}, 2, 0, end_seconds, trace);
    ck_assert(trace_close(trace));
    struct trace_reader *reader = trace_reader_open(path, NULL, diagnostics);
    ck_assert_ptr_nonnull(reader);
    size_t count = 0;
    TRACE_READ_EACH(reader, TRACE_LINK_SERIES, struct trace_link_sample, sample)
    {
        samples[count++] = *sample;
    }
    ck_assert(trace_reader_close(reader));
    diagnostics_destroy(diagnostics);
    unlink(path);
    return count;
}

static void check_sample(const struct trace_link_sample *sample, double time, double duration,
                         double rate)
{
    ck_assert_double_eq_tol(sample->time_seconds, time, 1e-12);
    ck_assert_double_eq_tol(sample->duration_seconds, duration, 1e-12);
    ck_assert_double_eq_tol(sample->bytes_per_second, rate, 1e-12);
}

/* 8 bytes from 0.5 to 2.5 s are 4 B/s: 2, 4 and 2 bytes in stretches of a second. Link 1 adds 3
 * bytes at 2.25 s, in no time. Nothing moves from 3 to 5 s; 1 byte does from 5 to 5.5, when the run
 * ends: a stretch of half a second at 2 B/s. */
START_TEST(bytes_lie_where_they_moved)
{
    static struct trace_link_sample samples[MOST];
    struct arena *arena = arena_create();
    struct link_series *series = link_series_create(arena, 2, 1.0);
    link_series_add(series, 0, 0.5, 2.5, 8.0);
    link_series_add(series, 1, 2.25, 2.25, 3.0);
    link_series_add(series, 0, 5.0, 5.5, 1.0);
    ck_assert_uint_eq(written(series, 5.5, samples), 4);
    check_sample(&samples[0], 0.5, 1.0, 2.0);
    check_sample(&samples[1], 1.5, 1.0, 4.0);
    check_sample(&samples[2], 2.5, 1.0, 5.0);
    check_sample(&samples[3], 5.25, 0.5, 2.0);
    arena_destroy(arena);
}
END_TEST

/* Once 2 bytes from 0 to 0.5 s, 3 times 2 s apart: stretches 0, 2 and 4. Once 1 byte from 0 to 0.25
 * s, 8 times 0.5 s apart: from 0 to 3.75 s at 8 / 3.75 B/s. */
START_TEST(repeats_follow_their_period_when_it_can_be_seen)
{
    static struct trace_link_sample samples[MOST];
    struct arena *arena = arena_create();
    struct link_series *seen = link_series_create(arena, 2, 1.0);
    link_series_add_repeated(seen, 0, 0.0, 0.5, 2.0, 2.0, 3.0);
    ck_assert_uint_eq(written(seen, 5.0, samples), 3);
    for (size_t i = 0; i < 3; i++) {
        check_sample(&samples[i], 0.5 + 2.0 * (double)i, 1.0, 2.0);
    }
    struct link_series *fine = link_series_create(arena, 2, 1.0);
    link_series_add_repeated(fine, 1, 0.0, 0.25, 1.0, 0.5, 8.0);
    ck_assert_uint_eq(written(fine, 4.0, samples), 4);
    check_sample(&samples[0], 0.5, 1.0, 8.0 / 3.75);
    check_sample(&samples[3], 3.5, 1.0, 0.75 * 8.0 / 3.75);
    arena_destroy(arena);
}
END_TEST

/* A byte each second for 10,000 s: stretches double from 2^-20 s to 16 s, the first in which 1,024
 * of them reach so far; 625 hold 16 bytes each. Asked for, 1 s stays 1 s. */
START_TEST(stretches_grow_with_the_run)
{
    static struct trace_link_sample samples[16384];
    struct arena *arena = arena_create();
    struct link_series *own = link_series_create(arena, 2, 0.0);
    struct link_series *asked = link_series_create(arena, 2, 1.0);
    for (int i = 0; i < 10000; i++) {
        link_series_add(own, 0, i, i + 0.5, 1.0);
        link_series_add(asked, 0, i, i + 0.5, 1.0);
    }
    ck_assert_uint_eq(written(own, 10000.0, samples), 625);
    for (size_t i = 0; i < 625; i++) {
        check_sample(&samples[i], 16.0 * (double)i + 8.0, 16.0, 1.0);
    }
    ck_assert_uint_eq(written(asked, 10000.0, samples), 10000);
    check_sample(&samples[9999], 9999.5, 1.0, 1.0);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(link_series, bytes_lie_where_they_moved, repeats_follow_their_period_when_it_can_be_seen,
          stretches_grow_with_the_run)
