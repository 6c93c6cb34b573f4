/* SPDX-License-Identifier: MIT
 * What went wrong, for a person: `file:line:col: error: what, what was expected, what to try`.
 * Diagnostics are collected, all of them, and printed by the command in the order of their place.
 * Owner: the command; the texts are copied. */
#ifndef CPSIM_SIM_BASE_DIAGNOSTICS_H
#define CPSIM_SIM_BASE_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Where a value came from. `line` and `column` count from 1; line 0 means "no place in a file"
 * (then `file` says what instead, for example "--set layout.tensor=9"). The strings are not owned.
 */
struct mark {
    const char *file;
    unsigned line, column;
};

/* A failure is an error that no input is to blame for: a full disk, a limit on open files. */
enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_FAILURE };

struct diagnostics;

struct diagnostics *diagnostics_create(void);
void diagnostics_destroy(struct diagnostics *diagnostics);

void diagnostics_add(struct diagnostics *diagnostics, enum severity severity, struct mark mark,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
#define DIAGNOSE_ERROR(diagnostics, mark, ...)                                                     \
    diagnostics_add((diagnostics), SEVERITY_ERROR, (mark), __VA_ARGS__)

/* An error that the system gave `reason` (an errno) for: the input's when it names no file, or one
 * that may not be touched; else a failure. */
#define DIAGNOSE_SYSTEM(diagnostics, mark, reason, ...)                                            \
    diagnostics_add((diagnostics), severity_of_errno(reason), (mark), __VA_ARGS__)
enum severity severity_of_errno(int reason);

/* Failures count as errors. */
size_t diagnostics_error_count(const struct diagnostics *diagnostics);
size_t diagnostics_failure_count(const struct diagnostics *diagnostics);

/* The message of the first error that was added, without its place; "" when there is none. */
const char *diagnostics_first(const struct diagnostics *diagnostics);

/* Prints every diagnostic, made printable (printable.h), then "N errors" when there are any. At
 * most 100 are kept; the rest are counted. */
void diagnostics_print(const struct diagnostics *diagnostics, FILE *stream);

/* A file was read: what the command writes may not go there. Every reader of files says so here,
 * since `diagnostics` is what all of a command's readers share. */
void diagnostics_add_input(struct diagnostics *diagnostics, const char *path);
/* The input that lies under `path` (the same device and inode, whatever the name); NULL: none. */
const char *diagnostics_input(const struct diagnostics *diagnostics, const char *path);

#endif
