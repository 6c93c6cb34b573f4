/* SPDX-License-Identifier: MIT
 * cpsim compare FILE...: how well the models predict what was measured. */
#include "sim/cli/cli.h"
#include "sim/cli/file_kind.h"

#include "sim/clients/client_comparison.h"
#include "sim/compare/report.h"

#include <string.h>

static int list_kinds(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct text text = {.arena = arena};
    report_print_kinds(&text);
    struct diagnostics *diagnostics = diagnostics_create();
    int status = result_write_folded(invocation, text.bytes, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

/* What is compared: files of a kind each, and what came of them. */
struct compared {
    const struct invocation *invocation;
    struct arena *arena;
    struct diagnostics *diagnostics;
    const struct scenario *scenario; /* NULL: none was given */
    const char **tables, **clients;  /* operands */
    size_t table_count, client_count;
    struct comparison comparison;               /* of the tables */
    struct client_comparison client_comparison; /* of what clients wrote */
};

static void add_text(const struct compared *compared, struct text *text)
{
    if (compared->client_count > 0) {
        client_comparison_print(text, &compared->client_comparison);
    }
    if (compared->client_count > 0 && compared->table_count > 0) {
        text_add(text, "\n");
    }
    if (compared->table_count > 0) {
        report_print(text, &compared->comparison, compared->invocation->columns);
    }
}

/* All rows go to the file of --csv, the summary to stdout or the file of -o. */
static int print_result(const struct compared *compared)
{
    const struct invocation *invocation = compared->invocation;
    struct diagnostics *diagnostics = compared->diagnostics;
    bool clients = compared->client_count > 0;
    if (invocation->csv != NULL) {
        struct text rows = {.arena = compared->arena};
        if (clients) {
            client_comparison_print_csv(&rows, &compared->client_comparison);
        } else {
            report_print_csv(&rows, &compared->comparison);
        }
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
        if (clients) {
            client_comparison_print_json(&compared->client_comparison, result.stream);
        } else {
            report_print_json(&compared->comparison, result.stream);
        }
        return result_close(&result);
    }
    struct text text = {.arena = compared->arena};
    add_text(compared, &text);
    return result_write_folded(invocation, text.bytes, diagnostics);
}

/* "python3 -m analysis compare a.h5 b.h5": two runs beside each other. */
static const char *beside_each_other(const struct invocation *invocation, struct arena *arena)
{
    struct text text = {.arena = arena};
    text_add(&text, "python3 -m analysis compare");
    for (size_t i = 0; i < invocation->operand_count; i++) {
        const char *path = invocation->operands[i], *dot = strrchr(path, '.');
        const char *slash = strrchr(path, '/');
        size_t length =
            dot != NULL && (slash == NULL || dot > slash) ? (size_t)(dot - path) : strlen(path);
        text_print(&text, " %.*s.h5", (int)length, path);
    }
    return text.bytes;
}

/* Runs and scenarios are no measurements: false after a complaint that says what compares them. */
static bool are_measured(const struct invocation *invocation, struct arena *arena,
                         struct diagnostics *diagnostics)
{
    bool good = true;
    for (size_t i = 0; i < invocation->operand_count; i++) {
        const char *path = invocation->operands[i], *dot = strrchr(path, '.');
        const struct mark mark = {.file = path};
        dot = dot == NULL ? "" : dot;
        bool yaml = strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0;
        if (strcmp(dot, ".h5") == 0) {
            DIAGNOSE_ERROR(diagnostics, mark,
                           "this is a run's trace, and cpsim compare reads tables of what was "
                           "measured; %s compares runs",
                           beside_each_other(invocation, arena));
            good = false;
        } else if (yaml && file_kind_of(path) == FILE_SCENARIO) {
            DIAGNOSE_ERROR(diagnostics, mark,
                           "this is a scenario, and cpsim compare reads tables of what was "
                           "measured; run each (cpsim %s -o RUN.h5), then %s; what clients of a "
                           "service wrote is compared with --scenario %s",
                           path, beside_each_other(invocation, arena), path);
            good = false;
        }
    }
    return good;
}

static void sort_operands(struct compared *compared)
{
    const struct invocation *invocation = compared->invocation;
    compared->tables = ARENA_ARRAY(compared->arena, const char *, invocation->operand_count + 1);
    compared->clients = ARENA_ARRAY(compared->arena, const char *, invocation->operand_count + 1);
    for (size_t i = 0; i < invocation->operand_count; i++) {
        const char *path = invocation->operands[i];
        if (client_file_is_one(path)) {
            compared->clients[compared->client_count++] = path;
        } else {
            compared->tables[compared->table_count++] = path;
        }
    }
}

/* False after an error. */
static bool read_scenario(struct compared *compared)
{
    const struct invocation *invocation = compared->invocation;
    struct diagnostics *diagnostics = compared->diagnostics;
    if (invocation->scenario == NULL && compared->client_count > 0) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = compared->clients[0]}),
                       "requests of a client are played again: by which service? --scenario FILE "
                       "(docs/own-engine.md)");
        return false;
    }
    if (invocation->scenario == NULL) {
        return true;
    }
    compared->scenario = scenario_load(compared->arena, invocation->scenario, invocation->overrides,
                                       invocation->override_count, diagnostics);
    if (compared->scenario != NULL && compared->scenario->workload != WORKLOAD_SERVING) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = invocation->scenario}),
                       "clients measure a service: its workload must be of kind serving");
        return false;
    }
    return compared->scenario != NULL;
}

static bool compare_all(struct compared *compared)
{
    const struct invocation *invocation = compared->invocation;
    const struct scenario *scenario = compared->scenario;
    struct progress progress = progress_start(stderr, false);
    struct comparison_request request = {
        .progress = &progress,
        .files = compared->tables,
        .file_count = compared->table_count,
        .gpu = invocation->gpu,
        .cluster = invocation->cluster,
        .software = invocation->software,
        .gpu_values = scenario == NULL || invocation->gpu != NULL ? NULL : &scenario->gpu,
        .cluster_values =
            scenario == NULL || invocation->cluster != NULL ? NULL : &scenario->cluster,
        .software_values =
            scenario == NULL || invocation->software != NULL ? NULL : &scenario->software,
    };
    bool done =
        compared->table_count == 0 ||
        comparison_run(compared->arena, &request, &compared->comparison, compared->diagnostics);
    progress_end(&progress);
    if (!done) {
        return false;
    }
    return compared->client_count == 0 ||
           client_comparison_run(compared->arena, scenario, compared->clients,
                                 compared->client_count, &compared->client_comparison,
                                 compared->diagnostics);
}

static int compare(const struct invocation *invocation)
{
    if (invocation->operand_count == 0) {
        return list_kinds(invocation);
    }
    struct compared compared = {
        .invocation = invocation, .arena = arena_create(), .diagnostics = diagnostics_create()};
    sort_operands(&compared);
    bool done = are_measured(invocation, compared.arena, compared.diagnostics) &&
                read_scenario(&compared) && compare_all(&compared);
    int status = done ? print_result(&compared) : refusal(compared.diagnostics);
    diagnostics_print(compared.diagnostics, stderr);
    diagnostics_destroy(compared.diagnostics);
    arena_destroy(compared.arena);
    return status;
}

const struct command command_compare = {
    .name = "compare",
    .operands = "[FILE...]",
    .summary = "predict what was measured and print the errors by class",
    .doc =
        "Tables as CSV; the kind of each is recognised by its columns. Without a file: the kinds "
        "and their columns. analysis/measure_gpu.py measures such tables on a GPU of yours. With "
        "--scenario also what clients of a service wrote (analysis/engine_client.py, vllm bench, "
        "AIPerf, GuideLLM): its requests are played again.",
    .example = "cpsim compare measurements.csv --gpu h100-sxm --cluster dgx-h100",
    .files = "csv|json|jsonl",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_GPU) | TAKES(OPTION_CLUSTER) |
               TAKES(OPTION_SOFTWARE) | TAKES(OPTION_SCENARIO) | TAKES(OPTION_SET) |
               TAKES(OPTION_CSV) | TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .most_operands = ANY_NUMBER,
    .run = compare,
};
