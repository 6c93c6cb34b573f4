/* SPDX-License-Identifier: MIT
 * cpsim plan FILE -o FOLDER: the cheapest way to run a service. */
#include "sim/plan/plan.h"

#include "sim/base/progress.h"
#include "sim/cli/cli.h"
#include "sim/plan/plan_report.h"
#include "sim/sweep/folder.h"

enum { INTERRUPTED_STATUS = 130 };

static void report(void *context, uint64_t done, uint64_t total, double seconds)
{
    (void)seconds;
    progress_update(context, (double)done / (double)total, "candidates");
}

/* FOLDER/plan.csv and, when there is a winner, FOLDER/winner.yaml. An exit status. */
static int write_files(const struct plan_job *job, const struct candidate *candidates,
                       const char *folder, struct diagnostics *diagnostics)
{
    struct result csv;
    int status = result_open(&csv, arena_printf(job->arena, "%s/plan.csv", folder), diagnostics);
    if (status != EXIT_DONE) {
        return status;
    }
    plan_write_csv(job, candidates, csv.stream);
    status = result_close(&csv);
    size_t winner = plan_winner(candidates, job->points->count);
    if (winner == SIZE_MAX || status != EXIT_DONE) {
        return EXIT_RUN_FAILED;
    }
    const char *yaml = plan_scenario(job, candidates, winner, diagnostics);
    const char *path = arena_printf(job->arena, "%s/winner.yaml", folder);
    return yaml == NULL ? EXIT_RUN_FAILED : result_write(path, yaml, diagnostics);
}

static int plan_in(struct arena *arena, struct diagnostics *diagnostics,
                   const struct invocation *invocation)
{
    struct plan_job job = {
        .folder = invocation->output, .report = report, .arena = arena, .diagnostics = diagnostics};
    if (!jobs_read(invocation, &job.workers)) {
        return EXIT_WRONG_INPUT;
    }
    if (invocation->output == NULL) {
        print_safely(stderr, "cpsim: error: cpsim plan needs -o FOLDER for its results\n");
        return EXIT_WRONG_INPUT;
    }
    job.file = plan_file_load(arena, invocation->operands[0], diagnostics);
    job.points = job.file == NULL ? NULL
                                  : points_create(arena, &job.file->sweep, invocation->overrides,
                                                  invocation->override_count, diagnostics);
    if (job.points == NULL || !folder_make(invocation->output, diagnostics)) {
        return refusal(diagnostics);
    }
    struct candidate *candidates = ARENA_ARRAY(arena, struct candidate, job.points->count);
    struct progress progress = progress_start(stderr, invocation->quiet);
    job.context = &progress;
    enum plan_end end = plan_run(&job, candidates);
    progress_end(&progress);
    if (end == PLAN_INTERRUPTED) {
        print_safely(stderr, "cpsim: stopped; the same command goes on from here\n");
        return INTERRUPTED_STATUS;
    }
    if (end == PLAN_BROKEN) {
        return refusal(diagnostics);
    }
    int status = write_files(&job, candidates, invocation->output, diagnostics);
    if (invocation->json) {
        plan_print_json(&job, candidates, stdout);
    } else if (!invocation->quiet) {
        const char *bold = style(stdout, STYLE_BOLD);
        plan_print(&job, candidates, bold, bold[0] == '\0' ? "" : STYLE_NONE, stdout);
        print_safely(stdout, "%s/plan.csv%s%s%s\n", invocation->output,
                     status == EXIT_DONE ? ", " : "", status == EXIT_DONE ? invocation->output : "",
                     status == EXIT_DONE ? "/winner.yaml" : "");
    }
    int printed = stdout_close();
    return status != EXIT_DONE ? status : printed;
}

static int run_plan(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    int status = plan_in(arena, diagnostics, invocation);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_plan = {
    .name = "plan",
    .operands = "FILE",
    .scenarios = true,
    .summary = "find the cheapest layout of a service that keeps to its targets",
    .doc =
        "-o names the folder of the results: plan.csv, a row a candidate, and winner.yaml, a "
        "scenario. Stopped or killed, the same command goes on where it was. cpsim describe plan "
        "says what a plan file holds.",
    .example = "cpsim plan scenarios/plans/chats-70b.yaml -o plan",
    .options = TAKES(OPTION_SET) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_JOBS) | TAKES(OPTION_JSON) |
               TAKES(OPTION_QUIET),
    .least_operands = 1,
    .most_operands = 1,
    .run = run_plan,
};
