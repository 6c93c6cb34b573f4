/* SPDX-License-Identifier: MIT
 * A service of vLLM's under a closed loop of clients, against measured latencies: the step program,
 * the scheduler, the engine's overhead and the waiting together. Prints every row. */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>
#include <string.h>

enum { MOST_ROWS = 64, SEEDS = 3 };

struct row {
    unsigned tensor, prompt, output, clients;
    double ttft_ms, tpot_ms;
    char fitted[16];
};

static size_t read_rows(struct row *rows)
{
    FILE *file = fopen(CPSIM_SOURCE_DIR "/tests/validation/serving_vllm.csv", "r");
    ck_assert_ptr_nonnull(file);
    char line[256];
    size_t count = 0;
    while (count < MOST_ROWS && fgets(line, sizeof line, file) != NULL) {
        struct row *row = &rows[count];
        *row = (struct row){0};
        count += sscanf(line, "%u,%u,%u,%u,%lf,%lf,%15s", &row->tensor, &row->prompt, &row->output,
                        &row->clients, &row->ttft_ms, &row->tpot_ms, row->fitted) >= 6;
    }
    fclose(file);
    ck_assert_uint_gt(count, 0);
    return count;
}

/* Lengths are drawn from 0.8 to 1 of the row's: the mean of a few seeds is compared. */
static struct played play_row(const struct row *row, unsigned seed)
{
    char tensor[64], prompt[128], output[128], clients[64], sequences[64], requests[64], random[64];
    static const char uniform[] =
        "workload.lengths.%s={kind: uniform, least: %u tokens, most: %u tokens}";
    snprintf(tensor, sizeof tensor, "layout.tensor=%u", row->tensor);
    snprintf(prompt, sizeof prompt, uniform, "prompt", row->prompt * 4 / 5, row->prompt);
    snprintf(output, sizeof output, uniform, "output", row->output * 4 / 5, row->output);
    snprintf(clients, sizeof clients, "workload.arrivals.clients=%u", row->clients);
    snprintf(sequences, sizeof sequences, "workload.service.max_sequences=%u", row->clients);
    snprintf(requests, sizeof requests, "workload.requests=%u", 10 * row->clients);
    snprintf(random, sizeof random, "seed=%u", seed);
    const char *const overrides[] = {tensor,    prompt,   output, clients,
                                     sequences, requests, random, NULL};
    return play_serving(CPSIM_SOURCE_DIR "/tests/validation/serving_vllm.yaml", overrides);
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void judge(const char *name, double *errors, size_t count, double median, double worst)
{
    qsort(errors, count, sizeof *errors, by_size);
    double middle = 0.5 * (errors[(count - 1) / 2] + errors[count / 2]);
    printf("%s: median error %.1f %%, worst %.1f %%, %zu rows\n", name, 100.0 * middle,
           100.0 * errors[count - 1], count);
    ck_assert_msg(middle <= median, "%s: median error %.1f %%", name, 100.0 * middle);
    ck_assert_msg(errors[count - 1] <= worst, "%s: worst error %.1f %%", name,
                  100.0 * errors[count - 1]);
}

START_TEST(closed_loops_of_vllm)
{
    struct row rows[MOST_ROWS];
    double ttft_errors[MOST_ROWS], tpot_errors[MOST_ROWS]; /* of rows held out */
    double all_ttft_errors[MOST_ROWS], all_tpot_errors[MOST_ROWS];
    size_t count = read_rows(rows), held_out = 0;
    printf(
        "tensor prompt clients |   TTFT measured  simulated  error |   TPOT measured  simulated  "
        "error | fitted\n");
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        double ttft = 0.0, tpot = 0.0;
        for (unsigned seed = 1; seed <= SEEDS; seed++) {
            struct played played = play_row(row, seed);
            ttft += 1e3 * played.metrics.latencies[LATENCY_TTFT].mean / SEEDS;
            tpot += 1e3 * played.metrics.latencies[LATENCY_TPOT].mean / SEEDS;
        }
        double ttft_error = ttft / row->ttft_ms - 1.0, tpot_error = tpot / row->tpot_ms - 1.0;
        printf("%6u %6u %7u | %12.1f ms %7.1f ms %+5.1f %% | %12.2f ms %7.2f ms %+5.1f %% | %s\n",
               row->tensor, row->prompt, row->clients, row->ttft_ms, ttft, 100.0 * ttft_error,
               row->tpot_ms, tpot, 100.0 * tpot_error, row->fitted);
        all_ttft_errors[i] = fabs(ttft_error);
        all_tpot_errors[i] = fabs(tpot_error);
        if (row->fitted[0] == '\0') {
            ttft_errors[held_out] = fabs(ttft_error);
            tpot_errors[held_out++] = fabs(tpot_error);
        }
    }
    judge("TTFT, rows that nothing was fitted on", ttft_errors, held_out, 0.08, 0.25);
    judge("TPOT, rows that nothing was fitted on", tpot_errors, held_out, 0.045, 0.12);
    judge("TTFT", all_ttft_errors, count, 0.08, 0.25);
    judge("TPOT", all_tpot_errors, count, 0.045, 0.12);
}
END_TEST

RUN_TESTS(validate_serving, closed_loops_of_vllm)
