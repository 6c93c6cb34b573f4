/* SPDX-License-Identifier: MIT
 * What the writer and the checker both need of HDF5: our types and attributes, and its errors as
 * sentences. Inside sim/trace only. */
#ifndef CPSIM_SIM_TRACE_HDF5_FILE_H
#define CPSIM_SIM_TRACE_HDF5_FILE_H

#include "sim/base/diagnostics.h"
#include "sim/base/part_file.h"
#include "sim/trace/trace_tables.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Call before anything else: HDF5 then keeps its error messages to itself, and an exit after a
 * failed write does not try again. */
void hdf5_prepare(void);

/* File access for traces: works on file systems without locks. The caller closes it. */
hid_t hdf5_access_list(void);

/* The part file of `path`, empty and locked; asked of the system, whose reasons are plainer than
 * HDF5's. `what` it is for: "the trace". False after a diagnostic. */
bool hdf5_create_part(struct part_file *part, struct arena *arena, const char *path,
                      const char *what, struct diagnostics *diagnostics);

/* Makes a part file an empty file of ours: no times, objects in the order they were made. HDF5 does
 * not lock it, since its writer does. The caller closes it. */
hid_t hdf5_create_file(const char *part_path);

/* The type of a column in the file and in a chunk buffer (the two are the same on the machines that
 * HDF5 calls little-endian; it converts on others). The caller closes both. */
hid_t hdf5_file_type(const struct trace_column *column);
hid_t hdf5_memory_type(const struct trace_column *column);

/* UTF-8 of any length: Python's str. The caller closes it. */
hid_t hdf5_string_type(void);

bool hdf5_write_text(hid_t object, const char *name, const char *text);
bool hdf5_write_texts(hid_t object, const char *name, const char *const *texts, size_t count);
bool hdf5_write_u64(hid_t object, const char *name, uint64_t value);
bool hdf5_write_f64(hid_t object, const char *name, double value);

/* A group whose members keep the order they were made in. The caller closes it; not positive when
 * it cannot be made. */
hid_t hdf5_create_group(hid_t parent, const char *name, const char *long_name);

/* The attributes `units` and `long_name` of a column. */
bool hdf5_describe(hid_t dataset, const struct trace_column *column);

/* Makes the dataset, of `rows` so far, `count` longer. */
bool hdf5_append(hid_t dataset, hid_t memory_type, hsize_t rows, size_t count, const void *cells);

/* Why the last call failed, from HDF5's error stack; call it before any other function of HDF5.
 * `errno_value` is the system's reason, 0 when there was none; the text is HDF5's own. */
struct hdf5_failure {
    int errno_value;
    char text[200];
};
struct hdf5_failure hdf5_failure(void);

/* The number of a dataset's rows when its bytes in the file can make so many; -1 when they cannot,
 * as of a file that was damaged: nothing shall then count to 2^60. */
int64_t hdf5_row_count(hid_t dataset);

/* What to try about an errno: "free some space, or ...". Never NULL. */
const char *hdf5_advice(int errno_value);

#endif
