/* SPDX-License-Identifier: MIT
 * cpsim calibrate FILE... -o my-gpu.yaml: a GPU file from measured kernels. */
#include "sim/cli/cli.h"

#include "sim/calibrate/gpu_file.h"
#include "sim/calibrate/report.h"

static int write_result(const struct invocation *invocation, const struct calibration *calibration,
                        struct arena *arena, struct diagnostics *diagnostics)
{
    struct text report = {.arena = arena}, file = {.arena = arena};
    calibration_print(&report, calibration);
    int status = EXIT_DONE;
    if (invocation->output != NULL) {
        gpu_file_print(&file, calibration);
        status = result_write(invocation->output, file.bytes, diagnostics);
        text_print(&report, "\nwritten: %s\n", printable(arena, invocation->output));
    } else {
        text_add(&report, "\nnothing is written: there is no -o FILE\n");
    }
    return status != EXIT_DONE || invocation->quiet ? status
                                                    : result_write(NULL, report.bytes, diagnostics);
}

static int calibrate(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct calibration_request request = {
        .files = invocation->operands,
        .file_count = invocation->operand_count,
        .base = invocation->base == NULL ? "h100-sxm" : invocation->base,
        .overrides = invocation->overrides,
        .override_count = invocation->override_count,
    };
    struct calibration calibration;
    bool done = calibration_run(arena, &request, &calibration, diagnostics);
    int status =
        done ? write_result(invocation, &calibration, arena, diagnostics) : refusal(diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_calibrate = {
    .name = "calibrate",
    .operands = "FILE...",
    .summary = "fit a GPU file to measured kernels",
    .doc =
        "Reads the tables of cpsim compare (CSV; the kind of each is recognised by its columns),\n"
        "fits the constants that they show, starting from the GPU of --base, and prints the "
        "errors\n"
        "by class before and after. What the data sheet says is set with --set gpu.memory=...;\n"
        "docs/calibrate.md says what to measure and how to read the result.",
    .example = "cpsim calibrate measurements.csv --base h100-sxm -o my-gpu.yaml",
    .files = "csv",
    .options = TAKES(OPTION_BASE) | TAKES(OPTION_SET) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_QUIET),
    .least_operands = 1,
    .most_operands = ANY_NUMBER,
    .run = calibrate,
};
