/* SPDX-License-Identifier: MIT
 * cpsim plan FILE -o FOLDER: the cheapest way to run a service, the best layout of a training run.
 */
#include "sim/plan/plan.h"

#include "sim/base/progress.h"
#include "sim/cli/cli.h"
#include "sim/config/yaml_tree.h"
#include "sim/plan/layouts/layout_order.h"
#include "sim/plan/layouts/layout_report.h"
#include "sim/plan/layouts/layout_scenario.h"
#include "sim/plan/plan_kind.h"
#include "sim/plan/plan_report.h"
#include "sim/scenario/load.h"
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

/* --- over a training run --- */

static void report_layouts(void *context, uint64_t done, uint64_t total)
{
    progress_update(context, (double)done / (double)total, "layouts");
}

/* FOLDER/plan.csv and, when there is a winner, FOLDER/winner.yaml. An exit status. */
static int write_layouts(const struct layout_job *job, const struct layout_found *found)
{
    struct result csv;
    int status =
        result_open(&csv, arena_printf(job->arena, "%s/plan.csv", job->folder), job->diagnostics);
    if (status != EXIT_DONE) {
        return status;
    }
    layout_write_csv(job, found, csv.stream);
    status = result_close(&csv);
    if (found->winner == SIZE_MAX || status != EXIT_DONE) {
        return EXIT_RUN_FAILED;
    }
    const char *yaml = layout_winner_yaml(job, found);
    const char *path = arena_printf(job->arena, "%s/winner.yaml", job->folder);
    return yaml == NULL ? EXIT_RUN_FAILED : result_write(path, yaml, job->diagnostics);
}

static int plan_layouts(struct arena *arena, struct diagnostics *diagnostics,
                        const struct invocation *invocation)
{
    struct layout_job job = {.overrides = invocation->overrides,
                             .override_count = invocation->override_count,
                             .folder = invocation->output,
                             .report = report_layouts,
                             .arena = arena,
                             .diagnostics = diagnostics};
    struct resolved_scenario base = {.scenario = NULL};
    if (!jobs_read(invocation, &job.workers)) {
        return EXIT_WRONG_INPUT;
    }
    job.file = layout_file_load(arena, invocation->operands[0], diagnostics);
    if (job.file == NULL || !scenario_resolve(arena, job.file->base, job.overrides,
                                              job.override_count, diagnostics, &base)) {
        return refusal(diagnostics);
    }
    job.base = base.scenario;
    job.tree = node_copy(arena, base.tree);
    job.space = layout_space_create(job.file, job.base, arena, diagnostics);
    if (job.space == NULL || !folder_make(job.folder, diagnostics)) {
        return refusal(diagnostics);
    }
    struct layout_found found;
    struct progress progress = progress_start(stderr, invocation->quiet);
    job.context = &progress;
    enum search_end end = layout_search(&job, &found);
    progress_end(&progress);
    if (end == SEARCH_INTERRUPTED) {
        print_safely(stderr, "cpsim: stopped; the same command goes on from here\n");
        return INTERRUPTED_STATUS;
    }
    if (end == SEARCH_BROKEN) {
        return refusal(diagnostics);
    }
    int status = write_layouts(&job, &found);
    if (invocation->json) {
        layout_print_json(&job, &found, stdout);
    } else if (!invocation->quiet) {
        const char *bold = style(stdout, STYLE_BOLD);
        layout_print(&job, &found, bold, bold[0] == '\0' ? "" : STYLE_NONE, stdout);
        print_safely(stdout, "\n%s/plan.csv%s%s%s\n", job.folder, status == EXIT_DONE ? ", " : "",
                     status == EXIT_DONE ? job.folder : "",
                     status == EXIT_DONE ? "/winner.yaml" : "");
    }
    int printed = stdout_close();
    return status != EXIT_DONE ? status : printed;
}

/* --- over a service --- */

static int plan_service(struct arena *arena, struct diagnostics *diagnostics,
                        const struct invocation *invocation)
{
    struct plan_job job = {
        .folder = invocation->output, .report = report, .arena = arena, .diagnostics = diagnostics};
    if (!jobs_read(invocation, &job.workers)) {
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
        struct page page;
        page_open(&page, invocation->columns);
        const struct plan_look look = {.bold = style(stdout, STYLE_BOLD),
                                       .plain = style(stdout, STYLE_NONE),
                                       .columns = page.columns};
        plan_print(&job, candidates, look, page.stream);
        print_safely(page.stream, "%s/plan.csv%s%s%s\n", invocation->output,
                     status == EXIT_DONE ? ", " : "", status == EXIT_DONE ? invocation->output : "",
                     status == EXIT_DONE ? "/winner.yaml" : "");
        page_close(&page);
    }
    int printed = stdout_close();
    return status != EXIT_DONE ? status : printed;
}

static int plan_in(struct arena *arena, struct diagnostics *diagnostics,
                   const struct invocation *invocation)
{
    if (invocation->output == NULL) {
        print_safely(stderr, "cpsim: error: cpsim plan needs -o FOLDER for its results\n");
        return EXIT_WRONG_INPUT;
    }
    return plan_kind_of(invocation->operands[0]) == WORKLOAD_TRAINING
               ? plan_layouts(arena, diagnostics, invocation)
               : plan_service(arena, diagnostics, invocation);
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
    .takes = FILE_PLAN,
    .summary = "find the cheapest layout of a service, or the best of a training run",
    .doc =
        "The base of the plan says which: a service, or a training run. -o names the folder of the "
        "results: plan.csv, a row a candidate, and winner.yaml, a scenario. Stopped or killed, the "
        "same command goes on where it was. cpsim describe plan and cpsim describe training-plan "
        "say what a plan file holds.",
    .example = "cpsim plan scenarios/plans/chats-70b.yaml -o plan",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_SET) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_JOBS) |
               TAKES(OPTION_JSON) | TAKES(OPTION_QUIET),
    .least_operands = 1,
    .most_operands = 1,
    .run = run_plan,
};
