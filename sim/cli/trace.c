/* SPDX-License-Identifier: MIT
 * cpsim trace VERB FILE: what can be done with a trace. A new verb is a row of verbs[]. */
#include "sim/base/suggest.h"
#include "sim/cli/cli.h"
#include "sim/trace/trace_check.h"
#include "sim/trace/trace_export.h"

#include <string.h>

static int check_trace(const struct invocation *invocation, const char *path)
{
    struct diagnostics *diagnostics = diagnostics_create();
    int status = trace_check_file(path, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    if (status == EXIT_DONE && !invocation->quiet) {
        printf("%s: ok\n", path);
    }
    return status;
}

/* The complaint about a word that is none of a few: what it could have been. */
static void complain_of_word(const char *option, const char *word, struct suggestion suggestion)
{
    fprintf(stderr, "cpsim: error: %s: there is no '%s'", option, word);
    if (suggestion.best != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", suggestion.best);
    }
    fputs("; one of:", stderr);
}

/* NULL after a complaint. */
static const struct trace_export *find_export(const struct invocation *invocation)
{
    struct suggestion suggestion = {.word = invocation->format};
    for (const struct trace_export *const *export = trace_exports; *export != NULL; export ++) {
        if (invocation->format != NULL && strcmp((*export)->name, invocation->format) == 0) {
            return *export;
        }
        if (invocation->format != NULL) {
            suggestion_consider(&suggestion, (*export)->name);
        }
    }
    if (invocation->format == NULL) {
        fputs("cpsim: error: cpsim trace export needs --format; one of:", stderr);
    } else {
        complain_of_word("--format", invocation->format, suggestion);
    }
    for (const struct trace_export *const *export = trace_exports; *export != NULL; export ++) {
        fprintf(stderr, "%s %s", export == trace_exports ? "" : ",", (*export)->name);
    }
    fputs("\n", stderr);
    return NULL;
}

static void list_tables(const struct trace_reader *reader)
{
    const char *separator = " ";
    for (enum trace_table i = 0; i < TRACE_TABLE_COUNT; i++) {
        if (trace_reader_has(reader, i)) {
            fprintf(stderr, "%s%s", separator, trace_tables[i].name);
            separator = ", ";
        }
    }
    fputs("\n", stderr);
}

/* The table that --table names, TRACE_TABLE_COUNT for all. false after a complaint. */
static bool find_table(const struct invocation *invocation, const struct trace_reader *reader,
                       const struct trace_export *export, enum trace_table *table)
{
    *table = TRACE_TABLE_COUNT;
    struct suggestion suggestion = {.word = invocation->table};
    if (invocation->table == NULL && export->extent == EXPORT_ONE_TABLE) {
        fprintf(stderr, "cpsim: error: --format %s needs --table; one of:", export->name);
        list_tables(reader);
        return false;
    }
    if (invocation->table != NULL && export->extent == EXPORT_WHOLE) {
        fprintf(stderr, "cpsim: error: --format %s takes no --table: it is of the whole trace\n",
                export->name);
        return false;
    }
    for (enum trace_table i = 0; i < TRACE_TABLE_COUNT && invocation->table != NULL; i++) {
        if (!trace_reader_has(reader, i)) {
            continue;
        }
        if (strcmp(trace_tables[i].name, invocation->table) == 0) {
            *table = i;
            return true;
        }
        suggestion_consider(&suggestion, trace_tables[i].name);
    }
    if (invocation->table != NULL) {
        complain_of_word("--table", invocation->table, suggestion);
        list_tables(reader);
    }
    return invocation->table == NULL;
}

static int write_export(const struct invocation *invocation, struct trace_reader *reader,
                        const struct trace_export *export)
{
    enum trace_table table;
    if (!find_table(invocation, reader, export, &table)) {
        return EXIT_WRONG_INPUT;
    }
    FILE *stream = result_open(invocation);
    if (stream == NULL) {
        return EXIT_RUN_FAILED;
    }
    export->write(reader, table, stream);
    return result_close(invocation, stream);
}

static int export_trace(const struct invocation *invocation, const char *path)
{
    const struct trace_export *export = find_export(invocation);
    if (export == NULL) {
        return EXIT_WRONG_INPUT;
    }
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace_reader *reader = trace_reader_open(path, diagnostics);
    int status = EXIT_WRONG_INPUT;
    if (reader != NULL) {
        status = write_export(invocation, reader, export);
        if (!trace_reader_close(reader)) {
            status = EXIT_WRONG_INPUT;
        }
    }
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    return status;
}

static const struct verb {
    const char *name;
    int (*run)(const struct invocation *invocation, const char *path);
} verbs[] = {
    {"check", check_trace},
    {"export", export_trace},
};

static int run_verb(const struct invocation *invocation)
{
    struct suggestion suggestion = {.word = invocation->operands[0]};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].name, invocation->operands[0]) == 0) {
            return verbs[i].run(invocation, invocation->operands[1]);
        }
        suggestion_consider(&suggestion, verbs[i].name);
    }
    fprintf(stderr, "cpsim: error: cpsim trace has no '%s'", invocation->operands[0]);
    if (suggestion.best != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", suggestion.best);
    }
    fputs("; see cpsim trace --help\n", stderr);
    return EXIT_WRONG_INPUT;
}

const struct command command_trace = {
    .name = "trace",
    .operands = "check|export FILE",
    .summary = "verify a trace, or export it for Perfetto or as CSV or JSON",
    .doc = "check looks at every table, column, type, unit and number; export writes --format "
           "chrome, csv (with --table) or json to stdout or -o. docs/trace-format.md says what a "
           "trace holds; analysis/ draws one.",
    .example = "cpsim trace check llama405b.h5",
    .verbs = "check export",
    .files = "h5|part",
    .options =
        TAKES(OPTION_FORMAT) | TAKES(OPTION_TABLE) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_QUIET),
    .least_operands = 2,
    .most_operands = 2,
    .run = run_verb,
};
