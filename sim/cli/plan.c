/* SPDX-License-Identifier: MIT
 * cpsim plan FILE -o FOLDER: the cheapest way to run a service, the best layout of a training run,
 * the fewest nodes for a conversation.
 */
#include "sim/plan/plan.h"

#include "sim/base/file.h"
#include "sim/base/progress.h"
#include "sim/cli/cli.h"
#include "sim/config/yaml_tree.h"
#include "sim/plan/conversations/node_plan.h"
#include "sim/plan/layouts/layout_order.h"
#include "sim/plan/layouts/layout_report.h"
#include "sim/plan/layouts/layout_scenario.h"
#include "sim/plan/plan_kind.h"
#include "sim/plan/plan_report.h"
#include "sim/scenario/load.h"
#include "sim/sweep/folder.h"

enum { INTERRUPTED_STATUS = 130 };

/* --- what any plan leaves --- */

/* A plan that was searched, and what says of it. */
struct answer_of_plan {
    const void *context;
    void (*write_csv)(const void *context, FILE *stream);
    bool (*has_winner)(const void *context);
    const char *(*winner_yaml)(const void *context, struct diagnostics *diagnostics); /* or NULL */
    void (*print_json)(const void *context, FILE *stream);
    void (*print)(const void *context, struct plan_look look, FILE *stream);
};

/* FOLDER/plan.csv and, when there is a winner, FOLDER/winner.yaml. An exit status. */
static int write_files(const struct answer_of_plan *answer, const char *folder, struct arena *arena,
                       struct diagnostics *diagnostics)
{
    struct result csv;
    int status = result_open(&csv, arena_printf(arena, "%s/plan.csv", folder), diagnostics);
    if (status != EXIT_DONE) {
        return status;
    }
    answer->write_csv(answer->context, csv.stream);
    status = result_close(&csv);
    if (!answer->has_winner(answer->context) || status != EXIT_DONE) {
        return EXIT_RUN_FAILED;
    }
    const char *yaml = answer->winner_yaml(answer->context, diagnostics);
    const char *path = arena_printf(arena, "%s/winner.yaml", folder);
    return yaml == NULL ? EXIT_RUN_FAILED : result_write(path, yaml, diagnostics);
}

static int end_plan(const struct answer_of_plan *answer, const struct invocation *invocation,
                    struct arena *arena, struct diagnostics *diagnostics)
{
    const char *folder = invocation->output;
    int status = write_files(answer, folder, arena, diagnostics);
    if (invocation->json) {
        answer->print_json(answer->context, stdout);
    } else if (!invocation->quiet) {
        struct page page;
        page_open(&page, invocation->columns);
        const struct plan_look look = {.bold = style(stdout, STYLE_BOLD),
                                       .plain = style(stdout, STYLE_NONE),
                                       .columns = page.columns};
        answer->print(answer->context, look, page.stream);
        print_safely(page.stream, "%s/plan.csv%s%s%s\n", folder, status == EXIT_DONE ? ", " : "",
                     status == EXIT_DONE ? folder : "", status == EXIT_DONE ? "/winner.yaml" : "");
        page_close(&page);
    }
    int printed = stdout_close();
    return status != EXIT_DONE ? status : printed;
}

static int say_stopped(void)
{
    print_safely(stderr, "cpsim: stopped; the same command goes on from here\n");
    return INTERRUPTED_STATUS;
}

/* --- over a training run --- */

static void report_layouts(void *context, uint64_t done, uint64_t total)
{
    progress_update(context, (double)done / (double)total, "layouts");
}

struct layout_plan {
    struct layout_job job;
    struct layout_found found;
};

static void layouts_csv(const void *context, FILE *stream)
{
    const struct layout_plan *plan = context;
    layout_write_csv(&plan->job, &plan->found, stream);
}

static bool layouts_winner(const void *context)
{
    const struct layout_plan *plan = context;
    return plan->found.winner != SIZE_MAX;
}

static const char *layouts_yaml(const void *context, struct diagnostics *diagnostics)
{
    (void)diagnostics; /* the job has them */
    const struct layout_plan *plan = context;
    return layout_winner_yaml(&plan->job, &plan->found);
}

static void layouts_json(const void *context, FILE *stream)
{
    const struct layout_plan *plan = context;
    layout_print_json(&plan->job, &plan->found, stream);
}

static void layouts_print(const void *context, struct plan_look look, FILE *stream)
{
    const struct layout_plan *plan = context;
    layout_print(&plan->job, &plan->found, look, stream);
}

static int plan_layouts(struct arena *arena, struct diagnostics *diagnostics,
                        const struct invocation *invocation)
{
    struct layout_plan plan = {.job = {.overrides = invocation->overrides,
                                       .override_count = invocation->override_count,
                                       .folder = invocation->output,
                                       .report = report_layouts,
                                       .arena = arena,
                                       .diagnostics = diagnostics}};
    struct layout_job *job = &plan.job;
    struct resolved_scenario base = {.scenario = NULL};
    if (!jobs_read(invocation, &job->workers)) {
        return EXIT_WRONG_INPUT;
    }
    job->file = layout_file_load(arena, invocation->operands[0], diagnostics);
    if (job->file == NULL || !scenario_resolve_open(arena, job->file->base, job->overrides,
                                                    job->override_count, diagnostics, &base)) {
        return refusal(diagnostics);
    }
    job->base = base.scenario;
    job->tree = node_copy(arena, base.tree);
    job->space = layout_space_create(job->file, job->base, arena, diagnostics);
    if (job->space == NULL || !folder_make(job->folder, diagnostics)) {
        return refusal(diagnostics);
    }
    struct progress progress = progress_start(stderr, invocation->quiet);
    job->context = &progress;
    enum search_end end = layout_search(job, &plan.found);
    progress_end(&progress);
    if (end != SEARCH_DONE) {
        return end == SEARCH_INTERRUPTED ? say_stopped() : refusal(diagnostics);
    }
    const struct answer_of_plan answer = {&plan,        layouts_csv,  layouts_winner,
                                          layouts_yaml, layouts_json, layouts_print};
    return end_plan(&answer, invocation, arena, diagnostics);
}

/* --- over a conversation --- */

static void report_nodes(void *context, const struct sweep_progress *at)
{
    progress_update(
        context, (double)(at->already + at->done + at->rejected + at->failed) / (double)at->total,
        "candidates");
}

static void nodes_csv(const void *context, FILE *stream)
{
    node_plan_write_csv(context, stream);
}

static bool nodes_winner(const void *context)
{
    const struct node_plan *plan = context;
    return plan->winner != SIZE_MAX;
}

static const char *nodes_yaml(const void *context, struct diagnostics *diagnostics)
{
    return node_plan_winner_yaml(context, diagnostics);
}

static void nodes_json(const void *context, FILE *stream)
{
    node_plan_print_json(context, stream);
}

static void nodes_print(const void *context, struct plan_look look, FILE *stream)
{
    node_plan_print(context, look, stream);
}

static int plan_nodes(struct arena *arena, struct diagnostics *diagnostics,
                      const struct invocation *invocation)
{
    const char *path = invocation->operands[0];
    struct node_plan plan = {.arena = arena};
    struct sweep_job job = {.folder = invocation->output,
                            .shards = 1,
                            .report = report_nodes,
                            .arena = arena,
                            .diagnostics = diagnostics};
    if (!jobs_read(invocation, &job.workers)) {
        return EXIT_WRONG_INPUT;
    }
    plan.file = node_plan_file_load(arena, path, diagnostics);
    job.text = plan.file == NULL
                   ? NULL
                   : file_read(arena, path, YAML_MAX_BYTES, "a plan file", NULL, diagnostics);
    plan.points = job.text == NULL ? NULL
                                   : points_create(arena, &plan.file->sweep, invocation->overrides,
                                                   invocation->override_count, diagnostics);
    if (plan.points == NULL) {
        return refusal(diagnostics);
    }
    job.file = &plan.file->sweep;
    job.points = plan.points;
    struct progress progress = progress_start(stderr, invocation->quiet);
    job.context = &progress;
    struct journal_contents contents;
    enum sweep_end end = sweep_run(&job, &contents);
    progress_end(&progress);
    if (end == SWEEP_INTERRUPTED) {
        return say_stopped();
    }
    if (end != SWEEP_WHOLE || !node_plan_read(&plan, &contents, diagnostics)) {
        return refusal(diagnostics);
    }
    const struct answer_of_plan answer = {&plan,      nodes_csv,  nodes_winner,
                                          nodes_yaml, nodes_json, nodes_print};
    return end_plan(&answer, invocation, arena, diagnostics);
}

/* --- over a service --- */

static void report(void *context, uint64_t done, uint64_t total, double seconds)
{
    (void)seconds;
    progress_update(context, (double)done / (double)total, "candidates");
}

struct service_plan {
    struct plan_job job;
    struct candidate *candidates;
};

static void service_csv(const void *context, FILE *stream)
{
    const struct service_plan *plan = context;
    plan_write_csv(&plan->job, plan->candidates, stream);
}

static bool service_winner(const void *context)
{
    const struct service_plan *plan = context;
    return plan_winner(plan->candidates, plan->job.points->count) != SIZE_MAX;
}

static const char *service_yaml(const void *context, struct diagnostics *diagnostics)
{
    const struct service_plan *plan = context;
    size_t winner = plan_winner(plan->candidates, plan->job.points->count);
    return plan_scenario(&plan->job, plan->candidates, winner, diagnostics);
}

static void service_json(const void *context, FILE *stream)
{
    const struct service_plan *plan = context;
    plan_print_json(&plan->job, plan->candidates, stream);
}

static void service_print(const void *context, struct plan_look look, FILE *stream)
{
    const struct service_plan *plan = context;
    plan_print(&plan->job, plan->candidates, look, stream);
}

static int plan_service(struct arena *arena, struct diagnostics *diagnostics,
                        const struct invocation *invocation)
{
    struct service_plan plan = {.job = {.folder = invocation->output,
                                        .report = report,
                                        .arena = arena,
                                        .diagnostics = diagnostics}};
    struct plan_job *job = &plan.job;
    if (!jobs_read(invocation, &job->workers)) {
        return EXIT_WRONG_INPUT;
    }
    job->file = plan_file_load(arena, invocation->operands[0], diagnostics);
    job->points = job->file == NULL ? NULL
                                    : points_create(arena, &job->file->sweep, invocation->overrides,
                                                    invocation->override_count, diagnostics);
    if (job->points == NULL || !folder_make(invocation->output, diagnostics)) {
        return refusal(diagnostics);
    }
    plan.candidates = ARENA_ARRAY(arena, struct candidate, job->points->count);
    struct progress progress = progress_start(stderr, invocation->quiet);
    job->context = &progress;
    enum plan_end end = plan_run(job, plan.candidates);
    progress_end(&progress);
    if (end != PLAN_DONE) {
        return end == PLAN_INTERRUPTED ? say_stopped() : refusal(diagnostics);
    }
    const struct answer_of_plan answer = {&plan,        service_csv,  service_winner,
                                          service_yaml, service_json, service_print};
    return end_plan(&answer, invocation, arena, diagnostics);
}

static int plan_in(struct arena *arena, struct diagnostics *diagnostics,
                   const struct invocation *invocation)
{
    if (invocation->output == NULL) {
        print_safely(stderr, "cpsim: error: cpsim plan needs -o FOLDER for its results\n");
        return EXIT_WRONG_INPUT;
    }
    switch (plan_kind_of(invocation->operands[0])) {
    case WORKLOAD_TRAINING:
        return plan_layouts(arena, diagnostics, invocation);
    case WORKLOAD_CONVERSATION:
        return plan_nodes(arena, diagnostics, invocation);
    case WORKLOAD_SERVING:
    case WORKLOAD_KIND_COUNT:
        break;
    }
    return plan_service(arena, diagnostics, invocation);
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
    .summary =
        "find the cheapest layout of a service, the best of a training run, the fewest nodes "
        "for a conversation",
    .doc =
        "The base of the plan says which: a service, a training run, or a conversation. -o names "
        "the folder of the "
        "results: plan.csv, a row a candidate, and winner.yaml, a scenario. Stopped or killed, the "
        "same command goes on where it was. cpsim describe plan, training-plan and node-plan say "
        "what a plan file holds.",
    .example = "cpsim plan scenarios/plans/chats-70b.yaml -o plan",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_SET) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_JOBS) |
               TAKES(OPTION_JSON) | TAKES(OPTION_QUIET),
    .least_operands = 1,
    .most_operands = 1,
    .run = run_plan,
};
