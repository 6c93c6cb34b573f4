/* SPDX-License-Identifier: MIT
 * cpsim trace VERB FILE: what can be done with a trace. A new verb is a row of verbs[]. */
#include "sim/base/child.h"
#include "sim/base/suggest.h"
#include "sim/cli/cli.h"
#include "sim/trace/trace_blame.h"
#include "sim/trace/trace_check.h"
#include "sim/trace/trace_export.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* What a child does with a trace, and what its parent wants to know of it. */
struct reading {
    const struct invocation *invocation;
    const char *path;
    const struct trace_export *export; /* NULL: it is checked */
    FILE *stream;                      /* that is exported to */
    char *place;                       /* [TRACE_PLACE_BYTES] of memory that both see */
};

/* An exit status. A file with bytes changed makes libhdf5 crash, or read without end: a child does
 * the reading, and the answer is where it was. */
static int read_in_child(struct reading *reading, int (*work)(void *reading))
{
    enum { SECONDS = 60, SECONDS_OF_A_MIB = 4, GIB = 1 << 30, MEMORY_OF_A_BYTE = 64 };
    struct stat status;
    size_t size = stat(reading->path, &status) == 0 ? (size_t)status.st_size : 0;
    const struct child_limits limits = {.seconds =
                                            SECONDS + SECONDS_OF_A_MIB * (size / (1024UL * 1024UL)),
                                        .bytes = 4UL * GIB + MEMORY_OF_A_BYTE * size};
    struct child_end end;
    struct arena *arena = arena_create();
    void *shared =
        mmap(NULL, TRACE_PLACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    reading->place = shared == MAP_FAILED ? NULL : shared;
    int answer = EXIT_RUN_FAILED;
    if (reading->place == NULL || !child_run(arena, limits, work, reading, &end)) {
        print_safely(stderr, "%s: error: no process to read it in: %s\n", reading->path,
                     strerror(errno));
    } else if (end.signal == 0) {
        fputs(end.said, stderr);
        answer = end.status;
    } else if (child_crashed(&end)) {
        answer = EXIT_WRONG_INPUT;
        print_safely(stderr,
                     "%s: error: damaged: %s cannot be read (libhdf5 %s there); nothing of it is "
                     "to be relied on, run its scenario again\n1 error\n",
                     reading->path, reading->place,
                     end.signal == SIGXCPU ? "comes to no end" : "crashes");
    } else if (end.signal == SIGPIPE) { /* nobody reads any more: as if the child were this one */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    } else {
        print_safely(stderr, "%s: error: the process that read it was killed (signal %d)\n",
                     reading->path, end.signal);
    }
    if (reading->place != NULL) {
        munmap(reading->place, TRACE_PLACE_BYTES);
    }
    arena_destroy(arena);
    return answer;
}

static int check_here(void *context)
{
    const struct reading *reading = context;
    struct diagnostics *diagnostics = diagnostics_create();
    int status = trace_check_file(reading->path, reading->place, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    return status;
}

static int check_trace(const struct invocation *invocation, const char *path)
{
    struct reading reading = {.invocation = invocation, .path = path};
    int status = read_in_child(&reading, check_here);
    if (status == EXIT_DONE && !invocation->quiet) {
        print_safely(stdout, "%s: ok\n", path);
    }
    return status;
}

/* The complaint about a word that is none of a few: what it could have been. */
static void complain_of_word(const char *option, const char *word, struct suggestion suggestion)
{
    print_safely(stderr, "cpsim: error: %s: there is no '%s'", option, word);
    if (suggestion.best != NULL) {
        print_safely(stderr, " (did you mean '%s'?)", suggestion.best);
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
        print_safely(stderr, "%s %s", export == trace_exports ? "" : ",", (*export)->name);
    }
    fputs("\n", stderr);
    return NULL;
}

static void list_tables(const struct trace_reader *reader)
{
    const char *separator = " ";
    for (enum trace_table i = 0; i < TRACE_TABLE_COUNT; i++) {
        if (trace_reader_has(reader, i)) {
            print_safely(stderr, "%s%s", separator, trace_tables[i].name);
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
        print_safely(stderr, "cpsim: error: --format %s needs --table; one of:", export->name);
        list_tables(reader);
        return false;
    }
    if (invocation->table != NULL && export->extent == EXPORT_WHOLE) {
        print_safely(stderr,
                     "cpsim: error: --format %s takes no --table: it is of the whole trace\n",
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

/* Whether the trace has what the format is made of. */
static bool has_operators(const struct reading *reading, const struct trace_reader *reader)
{
    bool has = !reading->export->of_operators || trace_reader_count(reader, TRACE_OPERATORS) > 0;
    if (!has) {
        print_safely(stderr,
                     "%s: error: holds no operators, of which --format %s is made; expected a run "
                     "with trace.operators: layer, or all\n",
                     reading->path, reading->export->name);
    }
    return has;
}

static int export_here(void *context)
{
    const struct reading *reading = context;
    struct diagnostics *diagnostics = diagnostics_create();
    diagnostics_add_input(diagnostics, reading->path);
    struct trace_reader *reader = trace_reader_open(reading->path, reading->place, diagnostics);
    int status = EXIT_WRONG_INPUT;
    enum trace_table table;
    if (reader == NULL || !find_table(reading->invocation, reader, reading->export, &table) ||
        !has_operators(reading, reader)) {
        status = EXIT_WRONG_INPUT;
    } else if (reading->export->write_files != NULL) {
        bool written =
            reading->export->write_files(reader, reading->invocation->output, diagnostics);
        status = written                                      ? EXIT_DONE
                 : diagnostics_failure_count(diagnostics) > 0 ? EXIT_RUN_FAILED
                                                              : EXIT_WRONG_INPUT;
    } else {
        reading->export->write(reader, table, reading->stream);
        errno = 0;
        status = EXIT_DONE;
        if (fflush(reading->stream) != 0 || ferror(reading->stream) != 0) {
            const char *output = reading->invocation->output;
            print_safely(stderr, "%s: error: cannot be written: %s\n",
                         output == NULL ? "stdout" : output,
                         strerror(output_reason(fileno(reading->stream), errno)));
            status = EXIT_RUN_FAILED;
        }
    }
    if (reader != NULL && !trace_reader_close(reader)) {
        status = EXIT_WRONG_INPUT;
    }
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    return status;
}

static int export_trace(const struct invocation *invocation, const char *path)
{
    const struct trace_export *export = find_export(invocation);
    if (export == NULL) {
        return EXIT_WRONG_INPUT;
    }
    if (export->write_files != NULL) {
        struct reading files = {.invocation = invocation, .path = path, .export = export};
        if (invocation->output == NULL) {
            print_safely(stderr,
                         "cpsim: error: --format %s writes several files: it needs -o PREFIX\n",
                         export->name);
            return EXIT_WRONG_INPUT;
        }
        return read_in_child(&files, export_here);
    }
    struct diagnostics *diagnostics = diagnostics_create();
    diagnostics_add_input(diagnostics, path);
    struct result result;
    int status = result_open(&result, invocation->output, diagnostics);
    if (status == EXIT_DONE) {
        struct reading reading = {
            .invocation = invocation, .path = path, .export = export, .stream = result.stream};
        status = read_in_child(&reading, export_here);
        if (status == EXIT_DONE) {
            status = result_close(&result);
        } else {
            result_abandon(&result);
        }
    }
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    return status;
}

static int blame_here(void *context)
{
    const struct reading *reading = context;
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace_reader *reader = trace_reader_open(reading->path, reading->place, diagnostics);
    bool done = reader != NULL && trace_blame(reader, reading->path, reading->invocation->columns,
                                              stdout, diagnostics);
    if (reader != NULL && !trace_reader_close(reader)) {
        done = false;
    }
    fflush(stdout);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    return done ? EXIT_DONE : EXIT_WRONG_INPUT;
}

static int blame_trace(const struct invocation *invocation, const char *path)
{
    struct reading reading = {.invocation = invocation, .path = path};
    return read_in_child(&reading, blame_here);
}

static const struct verb {
    const char *name;
    int (*run)(const struct invocation *invocation, const char *path);
} verbs[] = {
    {"check", check_trace},
    {"blame", blame_trace},
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
    print_safely(stderr, "cpsim: error: cpsim trace has no '%s'", invocation->operands[0]);
    if (suggestion.best != NULL) {
        print_safely(stderr, " (did you mean '%s'?)", suggestion.best);
    }
    fputs("; see cpsim trace --help\n", stderr);
    return EXIT_WRONG_INPUT;
}

const struct command command_trace = {
    .name = "trace",
    .operands = "check|blame|export FILE",
    .summary = "verify a trace, find who is slow in it, or export it",
    .doc = "check looks at every table, column, type, unit and number; blame says which "
           "stage of a training step, or which network card, the others wait for; export writes "
           "--format "
           "chrome, csv (with --table), json, openmetrics or chakra to stdout or -o. "
           "docs/trace-format.md "
           "says what a "
           "trace holds; analysis/ draws one.",
    .example = "cpsim trace check llama405b.h5",
    .verbs = "check blame export",
    .files = "h5|part",
    .options =
        TAKES(OPTION_FORMAT) | TAKES(OPTION_TABLE) | TAKES(OPTION_OUTPUT) | TAKES(OPTION_QUIET),
    .least_operands = 2,
    .most_operands = 2,
    .run = run_verb,
};
