/* SPDX-License-Identifier: MIT
 * Pictures in characters, by hand: 58 columns are 18 of label and edge and 40 of picture. */
#include "run_tests.h"

#include "sim/base/plot.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 58 };
#define BLANKS "                 " /* FOLD_LABEL, and one before the edge */

struct drawing {
    char *bytes;
    size_t size;
    struct plot plot;
};

static struct drawing *begin(void)
{
    struct drawing *drawing = calloc(1, sizeof *drawing);
    drawing->plot = (struct plot){.stream = open_memstream(&drawing->bytes, &drawing->size),
                                  .columns = COLUMNS};
    return drawing;
}

static void expect(struct drawing *drawing, const char *text)
{
    fclose(drawing->plot.stream);
    ck_assert_str_eq(drawing->bytes, text);
    free(drawing->bytes);
    free(drawing);
}

/* 40 s are a second a column. F from 0 to 2.5 has the middles 0.5 and 1.5; 2.5 is B's, until 10.
 * Then nothing until W at 20.6 to 20.9, between the middles of its column and the next: shown, for
 * nothing else is there. F at 5.1 to 5.2 is not: B is. The last ends with the picture. */
START_TEST(rows_over_time)
{
    const struct plot_span spans[] = {
        {0.0, 2.5, 'F'}, {2.5, 10.0, 'B'}, {20.6, 20.9, 'W'}, {5.1, 5.2, 'F'}, {38.0, 40.0, 'B'}};
    struct drawing *drawing = begin();
    plot_spans(&drawing->plot, "stage 0", spans, sizeof spans / sizeof *spans, 40.0);
    plot_spans(&drawing->plot, "idle", spans, 0, 40.0);
    plot_seconds(&drawing->plot, 40.0);
    expect(drawing, "         stage 0 |FFBBBBBBBB..........W.................BB\n"
                    "            idle |........................................\n" BLANKS
                    "+----------------------------------------\n" BLANKS
                    " 0 s                               40.0 s\n");
}
END_TEST

/* The most is 12, six lines of 2: a count fills a line from its half on, 1, 3, 5, 7, 9 and 11. */
START_TEST(counts_over_time)
{
    double lower[40] = {0.0}, upper[40] = {0.0};
    lower[0] = 12.0; /* all of it */
    lower[1] = 5.0;  /* three lines, 1, 3 and 5 */
    upper[1] = 2.0;  /* up to 7: one more */
    lower[3] = 0.9;  /* less than half a line */
    upper[4] = 1.0;
    struct drawing *drawing = begin();
    ck_assert_uint_eq(plot_width(&drawing->plot), 40);
    plot_stack(&drawing->plot, "requests", "at once", lower, upper, 1.0);
    expect(drawing,
           "requests        at once\n"
           "              12 |#\n" BLANKS "|#\n" BLANKS "|#:\n" BLANKS "|##\n" BLANKS "|##\n" BLANKS
           "|##  :\n" BLANKS "+----------------------------------------\n" BLANKS
           " 0 s                               1.00 s\n");
}
END_TEST

/* 200 values: 100 of 0.06 s, 50 of 0.16, 48 of 0.34 and two of 9 s. The 99th percentile, the 198th,
 * is 0.34; a ninth of it is 0.038, so rows are of 50 ms and seven reach it.
 * Bars: 40 columns less "100" and a blank are 36 for the 100, 18 for 50, 17.28 and so 18
 * for 48, 0.72 and so 1 for two. */
START_TEST(histograms)
{
    double values[200];
    for (size_t i = 0; i < 200; i++) {
        values[199 - i] = i < 100 ? 0.06 : i < 150 ? 0.16 : i < 198 ? 0.34 : 9.0;
    }
    struct drawing *drawing = begin();
    plot_histogram(&drawing->plot, "TTFT", "of requests", values, 200);
    plot_histogram(&drawing->plot, "TTFT", "of none", values, 0);
    expect(drawing, "TTFT            of requests\n"
                    "      to 50.0 ms |\n"
                    "       to 100 ms |#################################### 100\n"
                    "       to 150 ms |\n"
                    "       to 200 ms |################## 50\n"
                    "       to 250 ms |\n"
                    "       to 300 ms |\n"
                    "       to 350 ms |################## 48\n"
                    "            more |# 2\n");
}
END_TEST

RUN_TESTS(plot, rows_over_time, counts_over_time, histograms)
