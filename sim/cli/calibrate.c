/* SPDX-License-Identifier: MIT
 * cpsim calibrate FILE... -o my-gpu.yaml: a GPU file from measured kernels; with --scenario a
 * software file from a measured engine. */
#include "sim/cli/cli.h"

#include "sim/base/fold.h"
#include "sim/calibrate/gpu_file.h"
#include "sim/calibrate/report.h"
#include "sim/calibrate/software_calibration.h"

static int write_result(const struct invocation *invocation, const struct calibration *calibration,
                        struct arena *arena, struct diagnostics *diagnostics)
{
    struct text report = {.arena = arena}, file = {.arena = arena};
    calibration_print(&report, calibration, invocation->columns);
    int status = EXIT_DONE;
    if (invocation->output != NULL) {
        gpu_file_print(&file, calibration);
        status = result_write(invocation->output, file.bytes, diagnostics);
        text_print(&report, "\nwritten: %s\n", printable(arena, invocation->output));
    } else {
        text_add(&report, "\nnothing is written: there is no -o FILE\n");
    }
    if (status != EXIT_DONE || invocation->quiet) {
        return status;
    }
    struct text folded = {.arena = arena};
    fold(&folded, report.bytes, invocation->columns);
    return result_write(NULL, folded.bytes, diagnostics);
}

/* --- an engine's software --- */

static int write_software(const struct invocation *invocation,
                          const struct software_calibration *calibration, struct arena *arena,
                          struct diagnostics *diagnostics)
{
    struct text report = {.arena = arena}, file = {.arena = arena};
    int status = EXIT_DONE;
    software_calibration_print(&report, calibration);
    if (!software_calibration_moved(calibration)) {
        text_add(&report, "\nnothing is written: no constant got better\n");
    } else if (invocation->output == NULL) {
        text_add(&report, "\nnothing is written: there is no -o FILE\n");
    } else {
        software_file_print(&file, calibration);
        status = result_write(invocation->output, file.bytes, diagnostics);
        text_print(&report, "\nwritten: %s\n", printable(arena, invocation->output));
    }
    return status != EXIT_DONE || invocation->quiet ? status
                                                    : result_write(NULL, report.bytes, diagnostics);
}

static int calibrate_software(const struct invocation *invocation, struct arena *arena,
                              struct diagnostics *diagnostics)
{
    const struct scenario *scenario =
        scenario_load(arena, invocation->scenario, invocation->overrides,
                      invocation->override_count, diagnostics);
    if (scenario == NULL) {
        return refusal(diagnostics);
    }
    if (scenario->workload != WORKLOAD_SERVING) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = invocation->scenario}),
                       "an engine that was measured serves: its workload must be of kind serving");
        return refusal(diagnostics);
    }
    const char **tables = ARENA_ARRAY(arena, const char *, invocation->operand_count);
    const char **clients = ARENA_ARRAY(arena, const char *, invocation->operand_count);
    struct software_calibration_request request = {.tables = tables,
                                                   .clients = clients,
                                                   .scenario = scenario,
                                                   .base = scenario->software.name};
    for (size_t i = 0; i < invocation->operand_count; i++) {
        if (client_file_is_one(invocation->operands[i])) {
            clients[request.client_count++] = invocation->operands[i];
        } else {
            tables[request.table_count++] = invocation->operands[i];
        }
    }
    struct software_calibration calibration;
    return software_calibration_run(arena, &request, &calibration, diagnostics)
               ? write_software(invocation, &calibration, arena, diagnostics)
               : refusal(diagnostics);
}

/* --- a GPU --- */

static int calibrate_gpu(const struct invocation *invocation, struct arena *arena,
                         struct diagnostics *diagnostics)
{
    struct progress progress = progress_start(stderr, invocation->quiet);
    struct calibration_request request = {
        .files = invocation->operands,
        .file_count = invocation->operand_count,
        .base = invocation->base == NULL ? "h100-sxm" : invocation->base,
        .overrides = invocation->overrides,
        .override_count = invocation->override_count,
        .progress = &progress,
    };
    struct calibration calibration;
    bool done = calibration_run(arena, &request, &calibration, diagnostics);
    progress_end(&progress);
    return done ? write_result(invocation, &calibration, arena, diagnostics) : refusal(diagnostics);
}

static int calibrate(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    int status = invocation->scenario != NULL ? calibrate_software(invocation, arena, diagnostics)
                                              : calibrate_gpu(invocation, arena, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_calibrate = {
    .name = "calibrate",
    .operands = "FILE...",
    .summary = "fit a GPU file to measured kernels, or a software file to a measured engine",
    .doc =
        "Reads the tables of cpsim compare (CSV; the kind of each is recognised by its columns), "
        "fits the constants that they show, starting from the GPU of --base, and prints the "
        "errors "
        "by class before and after. What the data sheet says is set with --set gpu.memory=...; "
        "docs/calibrate.md says what to measure and how to read the result. With --scenario FILE, "
        "the service that was measured: fits the constants of its software's host to steps and "
        "requests (docs/own-engine.md), and writes a software file that uses it.",
    .example = "cpsim calibrate measurements.csv --base h100-sxm -o my-gpu.yaml",
    .files = "csv|json|jsonl",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_BASE) | TAKES(OPTION_SCENARIO) |
               TAKES(OPTION_SET) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_QUIET),
    .least_operands = 1,
    .most_operands = ANY_NUMBER,
    .run = calibrate,
};
