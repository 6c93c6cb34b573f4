/* SPDX-License-Identifier: MIT
 * Overlap against overlap.csv: two loops run at once, played with the factors of
 * models/machine/overlap.h until the shorter ends, the rest alone. A factor that fits one kernel
 * and spoils another fails.
 */
#include "models/machine/overlap.h"

#include "platform_files.h"
#include "run_tests.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_ROWS = 100, MAX_LINE = 300, STREAMING_MULTIPROCESSORS = 132 };

struct row {
    char kernel[64], collective[64];
    double m, n;
    double kernel_alone, collective_alone, kernel_together, collective_together; /* us a call */
    double kernel_calls, collective_calls;
};

static bool read_row(const char *line, struct row *row)
{
    double k, bytes;
    return sscanf(line, "%63[^,],%lf,%lf,%lf,%63[^,],%lf,%lf,%lf,%lf,%lf,%lf,%lf", row->kernel,
                  &row->m, &k, &row->n, row->collective, &bytes, &row->kernel_alone,
                  &row->collective_alone, &row->kernel_together, &row->collective_together,
                  &row->kernel_calls, &row->collective_calls) == 12;
}

static size_t read_rows(struct row *rows)
{
    FILE *file = fopen(CPSIM_SOURCE_DIR "/tests/validation/overlap.csv", "r");
    ck_assert_ptr_nonnull(file);
    char line[MAX_LINE];
    size_t count = 0;
    while (count < MAX_ROWS && fgets(line, sizeof line, file) != NULL) {
        count += read_row(line, &rows[count]); /* comments and the header are no rows */
    }
    fclose(file);
    return count;
}

/* Errors of both times a call. */
static void predict(const struct overlap_constants *constants, const struct row *row,
                    double *kernel_error, double *collective_error)
{
    struct overlap_kernel kernel = {.memory_bound = strcmp(row->kernel, "copy") == 0,
                                    .seconds = row->kernel_alone * 1e-6};
    if (strncmp(row->kernel, "gemm", 4) == 0) {
        kernel.wave_seconds =
            overlap_gemm_wave_seconds(constants, (uint64_t)row->m, (uint64_t)row->n, kernel.seconds,
                                      STREAMING_MULTIPROCESSORS);
    }
    struct overlap_collective collective = {.seconds = row->collective_alone * 1e-6};
    struct overlap_factors factors =
        overlap_slowdown(constants, STREAMING_MULTIPROCESSORS, &kernel, &collective);
    double kernel_call = row->kernel_alone * factors.kernel;
    double collective_call = row->collective_alone * factors.collective;
    double together =
        fmin(row->kernel_calls * kernel_call, row->collective_calls * collective_call);
    double kernel_rest = (row->kernel_calls - together / kernel_call) * row->kernel_alone;
    double collective_rest =
        (row->collective_calls - together / collective_call) * row->collective_alone;
    *kernel_error = fabs((together + kernel_rest) / row->kernel_calls / row->kernel_together - 1.0);
    *collective_error =
        fabs((together + collective_rest) / row->collective_calls / row->collective_together - 1.0);
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void judge(const char *what, double *errors, size_t count)
{
    qsort(errors, count, sizeof *errors, by_size);
    printf("%-10s %4zu rows  median %5.1f %%  p90 %5.1f %%  worst %5.1f %%\n", what, count,
           100.0 * errors[count / 2], 100.0 * errors[count * 9 / 10], 100.0 * errors[count - 1]);
    ck_assert_msg(errors[count / 2] <= 0.10, "%s: median error over 10 %%", what);
    ck_assert_msg(errors[count - 1] <= 0.25, "%s: worst error over 25 %%", what);
}

START_TEST(errors_stay_within_their_bounds)
{
    static struct row rows[MAX_ROWS];
    static double kernel_errors[MAX_ROWS], collective_errors[MAX_ROWS];
    size_t count = read_rows(rows);
    ck_assert_uint_eq(count, 24);
    struct arena *arena = arena_create();
    const struct software *software = load_software(arena, "pytorch-nccl");
    for (size_t i = 0; i < count; i++) {
        predict(&software->library.overlap, &rows[i], &kernel_errors[i], &collective_errors[i]);
    }
    arena_destroy(arena);
    judge("kernel", kernel_errors, count);
    judge("collective", collective_errors, count);
}
END_TEST

RUN_TESTS(overlap_validation, errors_stay_within_their_bounds)
