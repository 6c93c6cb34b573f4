/* SPDX-License-Identifier: MIT
 * Collectives against measurements (collectives.csv): each row is predicted from the files of
 * platforms/ alone, and the error of each class, fitted and held out apart, must stay within its
 * bound. A constant that drifts, or a change of an algorithm that fits one size and spoils another,
 * fails here; the closed forms of tests/unit can't see it. Prints the table it judges; with
 * COLLECTIVES_ROWS set in the environment, every row too. */
#include "models/collectives/collective.h"

#include "platform_files.h"
#include "run_tests.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_ROWS = 1000, MAX_LINE = 400, COLUMNS = 13 };

struct row {
    char text[MAX_LINE];
    char *column[COLUMNS]; /* into text */
    double error;          /* predicted / measured - 1 */
};

enum column {
    COLUMN_CLASS,
    COLUMN_CLUSTER,
    COLUMN_SOFTWARE,
    COLUMN_KIND,
    COLUMN_RANKS,
    COLUMN_RANKS_PER_NODE,
    COLUMN_INTEGER,
    COLUMN_LAUNCH,
    COLUMN_ALGORITHM,
    COLUMN_BYTES,
    COLUMN_MICROSECONDS,
    COLUMN_USE,
    COLUMN_SOURCE
};

struct bound {
    const char *class;
    double median, ninth_decile; /* of the absolute error; 0: no bound */
};

/* What docs/validation.md promises. */
static const struct bound bounds[] = {
    {.class = "node", .median = 0.08, .ninth_decile = 0.20},
    {.class = "p2p", .median = 0.08, .ninth_decile = 0.20},
    {.class = "custom", .median = 0.10, .ninth_decile = 0.20},
    {.class = "two-nodes", .median = 0.15, .ninth_decile = 0.25},
    {.class = "scale", .median = 0.15, .ninth_decile = 0.25},
};

static struct row rows[MAX_ROWS];
static size_t row_count;

static enum collective_kind kind_of(const char *name)
{
    for (int kind = 0; kind < COLLECTIVE_KIND_COUNT; kind++) {
        if (strcmp(collective_kind_name((enum collective_kind)kind), name) == 0) {
            return (enum collective_kind)kind;
        }
    }
    ck_abort_msg("no collective is called '%s'", name);
}

static double number(const struct row *row, enum column column)
{
    char *end = NULL;
    double value = strtod(row->column[column], &end);
    ck_assert_msg(end != row->column[column] && *end == '\0', "'%s' is not a number",
                  row->column[column]);
    return value;
}

static void split(struct row *row)
{
    char *cursor = row->text;
    for (int i = 0; i < COLUMNS; i++) {
        row->column[i] = cursor;
        cursor += strcspn(cursor, i + 1 < COLUMNS ? "," : "\n");
        ck_assert_msg(*cursor != '\0', "a row of collectives.csv is too short");
        *cursor++ = '\0';
    }
}

static void read_rows(void)
{
    FILE *file = fopen(CPSIM_SOURCE_DIR "/tests/validation/collectives.csv", "r");
    ck_assert_ptr_nonnull(file);
    bool header = true;
    while (row_count < MAX_ROWS && fgets(rows[row_count].text, MAX_LINE, file) != NULL) {
        if (rows[row_count].text[0] == '#') {
            continue;
        }
        if (header) {
            header = false;
            continue;
        }
        split(&rows[row_count++]);
    }
    ck_assert_msg(feof(file), "collectives.csv has more than %d rows", MAX_ROWS);
    fclose(file);
}

static void predict(struct arena *arena, struct row *row)
{
    struct cluster *cluster = load_cluster(arena, row->column[COLUMN_CLUSTER]);
    struct software *software = load_software(arena, row->column[COLUMN_SOFTWARE]);
    if (strcmp(row->column[COLUMN_ALGORITHM], "nvls-tree") == 0) {
        software->library.tree = false; /* NCCL_ALGO=NVLSTree */
    }
    struct collective_call call = {
        .kind = kind_of(row->column[COLUMN_KIND]),
        .group = {.ranks = (uint32_t)number(row, COLUMN_RANKS),
                  .ranks_per_node = (uint32_t)number(row, COLUMN_RANKS_PER_NODE)},
        .bytes = number(row, COLUMN_BYTES),
        .graph = strcmp(row->column[COLUMN_LAUNCH], "graph") == 0,
        .integer = strcmp(row->column[COLUMN_INTEGER], "yes") == 0,
    };
    struct collective_plan plan = collective_plan(cluster, software, &call);
    double seconds = collective_seconds(cluster, &plan);
    row->error = seconds / (1e-6 * number(row, COLUMN_MICROSECONDS)) - 1.0;
    if (getenv("COLLECTIVES_ROWS") != NULL) {
        printf("%s,%s,%s,%s,%s,%s,%s,%s,%s,%.4g,%+.1f%%,%s,%s\n", row->column[COLUMN_CLASS],
               row->column[COLUMN_USE], row->column[COLUMN_SOURCE], row->column[COLUMN_KIND],
               row->column[COLUMN_RANKS], row->column[COLUMN_LAUNCH], row->column[COLUMN_INTEGER],
               row->column[COLUMN_BYTES], row->column[COLUMN_MICROSECONDS], seconds * 1e6,
               100.0 * row->error, plan.algorithm, plan.protocol);
    }
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Judges the rows of one class that were, or weren't, fitted on. */
static void judge(const struct bound *bound, const char *use)
{
    static double errors[MAX_ROWS];
    size_t count = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (strcmp(rows[i].column[COLUMN_CLASS], bound->class) == 0 &&
            strcmp(rows[i].column[COLUMN_USE], use) == 0) {
            errors[count++] = fabs(rows[i].error);
        }
    }
    if (count == 0) {
        return;
    }
    qsort(errors, count, sizeof *errors, by_size);
    double median = errors[count / 2], ninth_decile = errors[count * 9 / 10];
    printf("%-10s %-9s %4zu rows  median %5.1f %%  p90 %5.1f %%  worst %5.1f %%\n", bound->class,
           use, count, 100.0 * median, 100.0 * ninth_decile, 100.0 * errors[count - 1]);
    ck_assert_msg(median <= bound->median, "%s, %s: median error %.1f %% is over %.0f %%",
                  bound->class, use, 100.0 * median, 100.0 * bound->median);
    ck_assert_msg(ninth_decile <= bound->ninth_decile,
                  "%s, %s: the 90th percentile of the error, %.1f %%, is over %.0f %%",
                  bound->class, use, 100.0 * ninth_decile, 100.0 * bound->ninth_decile);
}

START_TEST(errors_stay_within_their_bounds)
{
    read_rows();
    ck_assert_uint_gt(row_count, 300);
    for (size_t i = 0; i < row_count; i++) {
        struct arena *arena = arena_create();
        predict(arena, &rows[i]);
        arena_destroy(arena);
    }
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        judge(&bounds[i], "fitted");
        judge(&bounds[i], "held-out");
    }
}
END_TEST

RUN_TESTS(collectives, errors_stay_within_their_bounds)
