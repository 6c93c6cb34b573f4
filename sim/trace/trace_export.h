/* SPDX-License-Identifier: MIT
 * A trace in other formats than HDF5, for `cpsim trace export`. A format is a file and a row of
 * trace_exports[]. Each goes through the trace a chunk at a time: memory is bounded. */
#ifndef CPSIM_SIM_TRACE_TRACE_EXPORT_H
#define CPSIM_SIM_TRACE_TRACE_EXPORT_H

#include "sim/trace/trace_read.h"

#include <stdio.h>

struct trace_export {
    const char *name; /* "chrome" */
    const char *doc;  /* half a sentence */
    enum { EXPORT_WHOLE, EXPORT_ANY_TABLE, EXPORT_ONE_TABLE } extent;
    bool of_operators; /* says nothing of a trace without operators */
    /* Of one table, or of all when `table` is TRACE_TABLE_COUNT. What cannot be read is the
     * reader's to report, what cannot be written the stream's owner's. */
    void (*write)(struct trace_reader *reader, enum trace_table table, FILE *stream);
    /* In place of write: several files, whose names begin with `prefix`. False after an error. */
    bool (*write_files)(struct trace_reader *reader, const char *prefix,
                        struct diagnostics *diagnostics);
};

/* A timeline of the Trace Event Format, times in microseconds: a process a GPU, a thread a stream;
 * a process a replica with its steps, its requests as async spans and its queue and KV cache as
 * counters.
 * Perfetto (ui.perfetto.dev) and chrome://tracing open it.
 * docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
extern const struct trace_export trace_export_chrome;
extern const struct trace_export trace_export_csv;  /* RFC 4180, a header line; NaN is empty */
extern const struct trace_export trace_export_json; /* rows as objects; NaN is null */
/* Every rank's operators as execution traces of Chakra (MLCommons), which ASTRA-sim plays. */
extern const struct trace_export trace_export_chakra;
extern const struct trace_export trace_export_openmetrics; /* of a service, as vLLM's /metrics */

extern const struct trace_export *const trace_exports[]; /* ended by NULL */

#endif
