/* SPDX-License-Identifier: MIT
 * What result_file.c and result_traces.c share. */
#ifndef CPSIM_SIM_TRACE_RESULT_FILE_INTERNAL_H
#define CPSIM_SIM_TRACE_RESULT_FILE_INTERNAL_H

#include "sim/base/arena.h"
#include "sim/trace/hdf5_file.h"
#include "sim/trace/result_file.h"

struct result_file {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *path;
    struct part_file part;
    hid_t file;
    bool failed;
};

/* Says once what could not be done; nothing more is written then. */
void result_fail(struct result_file *file, const char *doing, const char *what);

/* A group that knows the order of what is in it; the caller closes it. */
hid_t result_group(struct result_file *file, hid_t parent, const char *name, const char *long_name);

/* How a dataset is made: by creation order, without times. The caller closes it. */
hid_t result_creation(void);

void result_add_column(struct result_file *file, hid_t group, const struct result_column *column,
                       hsize_t rows);

#endif
