/* SPDX-License-Identifier: MIT
 * cpsim compare FILE...: how well the models predict what was measured. */
#include "sim/cli/cli.h"

#include "sim/compare/report.h"

#include <string.h>

static int list_kinds(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct text text = {.arena = arena};
    report_print_kinds(&text);
    struct diagnostics *diagnostics = diagnostics_create();
    int status = result_write(invocation->output, text.bytes, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

/* All rows go to the file of --csv, the summary to stdout or the file of -o. */
static int print_result(const struct invocation *invocation, const struct comparison *comparison,
                        struct arena *arena, struct diagnostics *diagnostics)
{
    if (invocation->csv != NULL) {
        struct text rows = {.arena = arena};
        report_print_csv(&rows, comparison);
        int status = result_write(invocation->csv, rows.bytes, diagnostics);
        if (status != EXIT_DONE) {
            return status;
        }
    }
    if (invocation->json) {
        struct result result;
        int status = result_open(&result, invocation->output, diagnostics);
        if (status != EXIT_DONE) {
            return status;
        }
        report_print_json(comparison, result.stream);
        return result_close(&result);
    }
    struct text text = {.arena = arena};
    report_print(&text, comparison);
    return result_write(invocation->output, text.bytes, diagnostics);
}

static int compare_tables(const struct invocation *invocation)
{
    if (invocation->operand_count == 0) {
        return list_kinds(invocation);
    }
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct comparison_request request = {.files = invocation->operands,
                                         .file_count = invocation->operand_count,
                                         .gpu = invocation->gpu,
                                         .cluster = invocation->cluster,
                                         .software = invocation->software};
    struct comparison comparison;
    bool done = comparison_run(arena, &request, &comparison, diagnostics);
    int status =
        done ? print_result(invocation, &comparison, arena, diagnostics) : refusal(diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_compare = {
    .name = "compare",
    .operands = "[FILE...]",
    .summary = "predict what was measured and print the errors by class",
    .doc =
        "Tables as CSV; the kind of each is recognised by its columns. Without a file: the kinds "
        "and\ntheir columns. analysis/measure_gpu.py measures such tables on a GPU of yours.",
    .example = "cpsim compare measurements.csv --gpu h100-sxm --cluster dgx-h100",
    .files = "csv",
    .options = TAKES(OPTION_GPU) | TAKES(OPTION_CLUSTER) | TAKES(OPTION_SOFTWARE) |
               TAKES(OPTION_CSV) | TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .most_operands = ANY_NUMBER,
    .run = compare_tables,
};
