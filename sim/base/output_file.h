/* SPDX-License-Identifier: MIT
 * A text that the program writes into a file that a user named: whole or not at all (part_file.h),
 * and never over a file that it was made from. A device, a pipe or a terminal is written to as it
 * is. */
#ifndef CPSIM_SIM_BASE_OUTPUT_FILE_H
#define CPSIM_SIM_BASE_OUTPUT_FILE_H

#include "sim/base/diagnostics.h"

#include <stdio.h>
#include <sys/types.h>

struct output_file;

/* False after an error: what was read for this run (diagnostics_add_input()) lies under `path`, by
 * that name or another. */
bool output_is_no_input(const char *path, struct diagnostics *diagnostics);

/* Why a stream could not be written: `reason` unless that is 0, for a write in between has failed
 * and errno is another's since; then what one more write says. */
int output_reason(int descriptor, int reason);

/* NULL after an error. */
struct output_file *output_open(const char *path, struct diagnostics *diagnostics);
FILE *output_stream(struct output_file *output);

/* Ends it: the file gets its name, and `mode` unless that is 0. False after an error: then there is
 * what was there before. */
bool output_close(struct output_file *output, mode_t mode);
void output_abandon(struct output_file *output);

/* All three, around one text. */
bool output_write(const char *path, const char *text, mode_t mode, struct diagnostics *diagnostics);

#endif
