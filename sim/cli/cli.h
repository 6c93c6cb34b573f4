/* SPDX-License-Identifier: MIT
 * The command line: one file a command, each with its descriptor; a new command is a file, a line
 * here and a line in commands.c. Options are a table too (options.c): a new one is a member of
 * struct invocation, an option_id and a row. Help, the manual and the completion come from both.
 * Results go to stdout, talk to stderr. */
#ifndef CPSIM_SIM_CLI_CLI_H
#define CPSIM_SIM_CLI_CLI_H

#include "sim/base/output_file.h"
#include "sim/base/printable.h"
#include "sim/base/text.h"
#include "sim/cli/file_kind.h"
#include "sim/scenario/scenario.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum exit_status { EXIT_DONE = 0, EXIT_RUN_FAILED = 1, EXIT_WRONG_INPUT = 2 };

/* A command line that has been read. */
struct invocation {
    const char **operands; /* [operand_count]: files, keys */
    size_t operand_count;
    struct override *overrides; /* [override_count]: --set, in order */
    size_t override_count;
    const char *output; /* -o FILE; NULL: not given; so are the next */
    const char *gpu, *cluster, *software, *csv, *base, *format, *table, *jobs, *shard, *slurm,
        *scenario, *as, *width;
    size_t columns; /* of what is printed for people */
    bool json, quiet, markdown, data_sheet, platform_xml, schedule, retry_failed, submit, partial,
        watch, plot;
};

enum option_id {
    OPTION_SET,
    OPTION_OUTPUT,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_MARKDOWN,
    OPTION_DATA_SHEET,
    OPTION_PLATFORM_XML,
    OPTION_SCHEDULE,
    OPTION_GPU,
    OPTION_CLUSTER,
    OPTION_SOFTWARE,
    OPTION_SCENARIO,
    OPTION_AS,
    OPTION_CSV,
    OPTION_BASE,
    OPTION_FORMAT,
    OPTION_TABLE,
    OPTION_JOBS,
    OPTION_SHARD,
    OPTION_RETRY_FAILED,
    OPTION_PARTIAL,
    OPTION_SLURM,
    OPTION_SUBMIT,
    OPTION_WATCH,
    OPTION_PLOT,
    OPTION_WIDTH,
    OPTION_COUNT
};

struct option {
    const char *name;     /* "--output" */
    const char *letter;   /* "-o"; NULL: it has none */
    const char *argument; /* "FILE"; NULL: it takes none */
    const char *doc;
    size_t
        offset; /* in struct invocation: of a bool, or of a const char * when it has an argument */
};

extern const struct option command_options[OPTION_COUNT];

#define TAKES(option) (1U << (option))

struct command {
    const char *name, *operands, *summary; /* "check", "FILE...", half a sentence */
    const char *doc;                       /* a few sentences more; NULL: the summary says it all */
    const char *example;                   /* a command line */
    enum file_kind takes; /* what its first operand must be; FILE_ANY: it looks itself */
    bool scenarios; /* its operands are scenarios, sweeps or plans: those that came with cpsim go by
                       name, from anywhere */
    const char *verbs; /* first operands to complete, spaces between; NULL: it takes files */
    const char *files; /* endings of files to complete, bars between; NULL: "yaml|yml" */
    unsigned options;  /* TAKES(OPTION_...) | ... */
    size_t least_operands, most_operands;
    int (*run)(const struct invocation *invocation); /* returns an exit status */
};

enum { ANY_NUMBER = 1000000 };

extern const struct command command_run, command_check, command_show, command_describe,
    command_trace, command_models, command_platforms, command_compare, command_roofline,
    command_calibrate, command_import, command_sweep, command_plan, command_scenarios;

/* In the order of the help; NULL after the last. */
extern const struct command *const all_commands[];
const struct command *command_find(const char *name); /* NULL: none */

/* Reads the arguments of a command. False after a complaint on stderr. The invocation's arrays have
 * room for `count` each. */
bool options_read(const struct command *command, char *const *arguments, size_t count,
                  struct invocation *invocation);

/* The file that an operand names: as it is, or one of those that `cpsim scenarios` lists. */
const char *scenario_file(struct arena *arena, const char *operand);
/* Those that it lists, as what may have been meant. */
struct suggestion;
void scenario_consider(struct arena *arena, struct suggestion *suggestion);

/* A number from 1 to `most` that an option gives; false after a complaint on stderr. */
bool count_read(const char *option, const char *text, unsigned long most, unsigned *count);
/* -j, or as many as there are processors; under Slurm, whose shares ask for processors, one. False
 * after a complaint. */
bool jobs_read(const struct invocation *invocation, unsigned *workers);

/* Where a result goes: stdout, or a file (output_file.h). */
struct result {
    FILE *stream;
    struct output_file *file; /* NULL: stdout */
    const char *path;
    struct diagnostics *faults; /* of the file */
};

/* `path` NULL: stdout. An exit status; EXIT_WRONG_INPUT: the file is one that `diagnostics` knows
 * as an input. */
int result_open(struct result *result, const char *path, struct diagnostics *diagnostics);
/* Ends it. An exit status: EXIT_RUN_FAILED, after an error, when not all was written. */
int result_close(struct result *result);
/* Ends it, and leaves the file as it was. */
void result_abandon(struct result *result);
/* Both, around one text, made printable. */
int result_write(const char *path, const char *text, struct diagnostics *diagnostics);
/* Likewise for people: lines of at most invocation->columns, to -o or stdout. */
int result_write_folded(const struct invocation *invocation, const char *text,
                        struct diagnostics *diagnostics);

/* What is printed into `stream` goes to stdout at the end, in lines of at most `columns`. */
struct page {
    FILE *stream;
    char *bytes;
    size_t size, columns;
};
/* In place, for `stream` is bound to it. */
void page_open(struct page *page, size_t columns);
void page_close(struct page *page);

/* Flushes stdout. An exit status; EXIT_RUN_FAILED after a complaint on stderr. */
int stdout_close(void);

/* The exit status of a command that `diagnostics` stopped: EXIT_WRONG_INPUT, unless the machine is
 * to blame (a full disk, a limit). */
int refusal(const struct diagnostics *diagnostics);

/* `code` when the stream is a terminal that may be coloured (NO_COLOR unset, TERM not dumb), else
 * "". STYLE_BOLD ... STYLE_NONE. */
#define STYLE_BOLD "\x1b[1m"
#define STYLE_DIM "\x1b[2m"
#define STYLE_NONE "\x1b[0m"
const char *style(FILE *stream, const char *code);

void help_examples(FILE *stream);                               /* cpsim, alone */
void help_all(FILE *stream);                                    /* cpsim --help */
void help_command(FILE *stream, const struct command *command); /* cpsim check --help */

/* cpsim --generate man | man-COMMAND | bash-completion | zsh-completion | fish-completion, for the
 * build. An exit status. */
int generate(const char *what);

#endif
