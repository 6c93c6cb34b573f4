/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace.h"

#include "sim/base/arena.h"
#include "sim/base/version.h"
#include "sim/trace/hdf5_file.h"
#include "sim/trace/name_table.h"
#include "sim/trace/trace_signal.h"
#include "sim/trace/trace_tables.h"
#include "sim/trace/trace_watch.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Rows buffered, and rows of a chunk in the file: half a MiB of doubles, a size at which reading
 * one column is as quick as it gets. Deflate's level 4 makes a long service's trace 1 % smaller
 * than level 1 and takes a third more CPU. */
enum { CHUNK_ROWS = 64 * 1024, DEFLATE_LEVEL = 1 };

/* Who watches sees what is older than this. */
#define WATCH_SECONDS 0.5

struct column {
    hid_t dataset, memory_type;
    struct name_table *names; /* of a TRACE_NAME */
};

/* Rows on their way to the file. */
struct lot {
    char *rows; /* [CHUNK_ROWS][layout->row_bytes]; pages never touched cost nothing */
    size_t count;
    struct arena *strings;
};

struct table {
    const struct trace_table_layout *layout;
    hid_t group;            /* not positive: not made yet */
    struct column *columns; /* [layout->column_count] */
    struct lot lots[2];
    unsigned filling; /* which of the two rows are added to */
    bool has_strings;
    uint64_t added;   /* rows that were handed over, the lot being written included */
    uint64_t written; /* rows in the file */
    size_t watched;   /* of the lot that fills: rows that watchers have been shown ... */
    size_t showing;   /* ... and, once the thread is done, will have been */
};

struct trace {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *path;
    struct part_file part;
    hid_t file;
    struct table tables[TRACE_TABLE_COUNT];
    void *cells; /* [CHUNK_ROWS] of one column on its way to the file */
    /* The thread that writes a lot, at most one at a time, and whose it is. What follows it reads
     * after trace_wait() alone. */
    pthread_t writer;
    bool writing;                /* the thread has been started and not waited for */
    atomic_bool idle;            /* it has nothing left to do */
    struct table *being_written; /* whose lot; NULL: it only shows rows to watchers */
    struct trace_watch *watch;   /* NULL: nobody watches */
    double shown_seconds;        /* when watchers were last shown something, of the wall clock */
    bool failed;
    const char *failed_doing;    /* what the thread leaves: NULL, or what it could not do ... */
    struct hdf5_failure failure; /* ... and why */
};

/* Reports the first failure, with HDF5's reason for it; what follows from it is not news. Returns
 * false. */
static bool report_failure(struct trace *trace, const char *doing, const char *table,
                           struct hdf5_failure failure)
{
    if (!trace->failed) {
        const char *reason =
            failure.errno_value != 0 ? strerror(failure.errno_value) : failure.text;
        diagnostics_add(trace->diagnostics, SEVERITY_FAILURE, (struct mark){.file = trace->path},
                        "cannot write the trace (%s%s): %s; %s. No trace is kept", doing, table,
                        reason, hdf5_advice(failure.errno_value));
    }
    trace->failed = true;
    return false;
}

static bool fail(struct trace *trace, const char *doing, const char *table)
{
    return report_failure(trace, doing, table, hdf5_failure());
}

static bool write_root_attributes(hid_t file, const void *context)
{
    const struct trace_attributes *attributes = context;
    return hdf5_write_text(file, "cpsim_format", TRACE_FORMAT) &&
           hdf5_write_text(file, "cpsim_version", version_number()) &&
           hdf5_write_text(file, "git_revision", version_revision()) &&
           hdf5_write_text(file, "simgrid_version", attributes->simgrid_version) &&
           hdf5_write_u64(file, "seed", attributes->seed) &&
           hdf5_write_text(file, "scenario", attributes->scenario);
}

static bool create_group(struct trace *trace, struct table *table)
{
    table->group = hdf5_create_group(trace->file, table->layout->name, table->layout->long_name);
    return table->group >= 0;
}

static bool open_table(struct trace *trace, struct table *table,
                       const struct trace_table_layout *layout)
{
    table->layout = layout;
    table->columns = ARENA_ARRAY(trace->arena, struct column, layout->column_count);
    for (size_t i = 0; i < layout->column_count; i++) {
        const struct trace_column *column = &layout->columns[i];
        table->columns[i] =
            (struct column){.dataset = H5I_INVALID_HID, .memory_type = hdf5_memory_type(column)};
        table->has_strings |= column->type == TRACE_STRING;
        if (column->type == TRACE_NAME) {
            table->columns[i].names = name_table_create(trace->arena);
        }
    }
    return layout->optional || create_group(trace, table) || fail(trace, "making /", layout->name);
}

struct trace *trace_open(const char *path, const struct trace_attributes *attributes,
                         struct diagnostics *diagnostics)
{
    hdf5_prepare();
    struct arena *arena = arena_create();
    struct trace *trace = ARENA_NEW(arena, struct trace);
    trace->arena = arena;
    trace->diagnostics = diagnostics;
    trace->path = arena_strdup(arena, path);
    if (!hdf5_create_part(&trace->part, arena, path, "the trace", diagnostics)) {
        arena_destroy(arena);
        return NULL;
    }
    trace->cells = arena_array(arena, CHUNK_ROWS, sizeof(double));
    trace->file = hdf5_create_file(trace->part.part_path);
    bool made = (trace->file >= 0 && write_root_attributes(trace->file, attributes)) ||
                fail(trace, "starting it", "");
    for (size_t i = 0; made && i < TRACE_TABLE_COUNT; i++) {
        made = open_table(trace, &trace->tables[i], &trace_tables[i]);
    }
    if (made && attributes->watch) {
        trace->watch = trace_watch_open(arena, path, write_root_attributes, attributes);
        made = trace->watch != NULL || fail(trace, "starting what --watch shows", "");
    }
    if (!made) {
        trace_close(trace);
        return NULL;
    }
    return trace;
}

/* The dataset of a column. Made when its first rows are written, so that a short table has one
 * short chunk: a whole one would cost more to compress than the run took. */
static bool create_dataset(struct table *table, size_t index, hsize_t rows)
{
    const struct trace_column *column = &table->layout->columns[index];
    hsize_t extent = 0, unlimited = H5S_UNLIMITED, chunk = rows > 0 ? rows : 1;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED);
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_fill_time(creation, H5D_FILL_TIME_ALLOC); /* the last chunk's unused end: zeros */
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, DEFLATE_LEVEL);
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(access, 0, 0, 1.0); /* every chunk is written once */
    hid_t space = H5Screate_simple(1, &extent, &unlimited), type = hdf5_file_type(column);
    hid_t dataset =
        H5Dcreate2(table->group, column->name, type, space, H5P_DEFAULT, creation, access);
    table->columns[index].dataset = dataset;
    bool made = dataset >= 0 && hdf5_describe(dataset, column) &&
                (column->row_of == NULL || hdf5_write_text(dataset, "row_of", column->row_of));
    if (made) {
        H5Tclose(type);
        H5Sclose(space);
        H5Pclose(access);
        H5Pclose(creation);
    }
    return made;
}

/* Writes a lot; in the thread, or where nobody else speaks to HDF5. NULL, or what it was doing when
 * it failed. */
static const char *write_lot(struct trace *trace, struct table *table, struct lot *lot)
{
    if (table->group <= 0 && !create_group(trace, table)) {
        return "making /";
    }
    for (size_t i = 0; i < table->layout->column_count; i++) {
        if (table->columns[i].dataset < 0 && !create_dataset(table, i, lot->count)) {
            return "making a column of /";
        }
        if (lot->count > 0) {
            const struct column *column = &table->columns[i];
            trace_gather_cells(table->layout, i, lot->rows, lot->count, trace->cells);
            if (!hdf5_append(column->dataset, column->memory_type, table->written, lot->count,
                             trace->cells)) {
                return "adding rows to /";
            }
        }
    }
    table->written += lot->count;
    return NULL;
}

/* --- the thread --- */

static struct lot *lot_to_show(const struct trace *trace, struct table *table)
{
    return &table->lots[table == trace->being_written ? 1 - table->filling : table->filling];
}

/* Rows below `showing` do not change, whatever is added behind them meanwhile. */
static void show_rows(struct trace *trace)
{
    for (enum trace_table which = 0; which < TRACE_TABLE_COUNT; which++) {
        struct table *table = &trace->tables[which];
        if (table->showing > table->watched) {
            const char *rows = lot_to_show(trace, table)->rows;
            trace_watch_add(trace->watch, which, rows + table->watched * table->layout->row_bytes,
                            table->showing - table->watched);
        }
    }
}

static void *write_in_thread(void *context)
{
    struct trace *trace = context;
    struct table *table = trace->being_written;
    hdf5_prepare(); /* its errors are a thread's own */
    if (trace->watch != NULL) {
        show_rows(trace);
    }
    trace->failed_doing =
        table == NULL ? NULL : write_lot(trace, table, &table->lots[1 - table->filling]);
    if (trace->failed_doing != NULL) {
        trace->failure = hdf5_failure();
        H5Eclear2(H5E_DEFAULT); /* the thread's own stack, which nobody clears after it */
    }
    atomic_store(&trace->idle, true);
    return NULL;
}

static void start_writer(struct trace *trace, struct table *table)
{
    trace->being_written = table;
    for (size_t i = 0; trace->watch != NULL && i < TRACE_TABLE_COUNT; i++) {
        trace->tables[i].showing = lot_to_show(trace, &trace->tables[i])->count;
    }
    atomic_store(&trace->idle, false);
    int refused = pthread_create(&trace->writer, NULL, write_in_thread, trace);
    assert(refused == 0 && "the system has no thread left for the trace");
    trace->writing = true;
}

/* Until the thread is done: the lot that it had is in the file, and watchers have seen the rest. */
static bool wait_for_writer(struct trace *trace)
{
    if (!trace->writing) {
        return !trace->failed;
    }
    pthread_join(trace->writer, NULL);
    trace->writing = false;
    struct table *table = trace->being_written;
    for (size_t i = 0; i < TRACE_TABLE_COUNT; i++) {
        trace->tables[i].watched = &trace->tables[i] == table ? 0 : trace->tables[i].showing;
        trace->tables[i].showing = trace->tables[i].watched;
    }
    if (table != NULL) {
        struct lot *lot = &table->lots[1 - table->filling];
        lot->count = 0;
        arena_destroy(lot->strings);
        lot->strings = NULL;
        trace->being_written = NULL;
    }
    if (trace->failed_doing != NULL) {
        report_failure(trace, trace->failed_doing, table->layout->name, trace->failure);
    }
    return !trace->failed;
}

/* Hands the rows added so far over to a thread; the next go to the other lot. */
static bool flush_table(struct trace *trace, struct table *table)
{
    if (!wait_for_writer(trace)) {
        return false;
    }
    table->added += table->lots[table->filling].count;
    table->filling = 1 - table->filling;
    start_writer(trace, table);
    return true;
}

/* Now and then, and only when the thread has nothing else to do. */
static void show_watchers(struct trace *trace)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    if (seconds - trace->shown_seconds < WATCH_SECONDS ||
        (trace->writing && !atomic_load(&trace->idle))) {
        return;
    }
    trace->shown_seconds = seconds;
    if (wait_for_writer(trace)) {
        start_writer(trace, NULL);
    }
}

/* --- rows --- */

/* Gives the buffered row strings that stay: copies, and codes of names in the field's first bytes.
 */
static bool keep_strings(struct trace *trace, struct table *table, struct lot *lot, char *row)
{
    for (size_t i = 0; i < table->layout->column_count; i++) {
        const struct trace_column *column = &table->layout->columns[i];
        if (column->type != TRACE_STRING && column->type != TRACE_NAME) {
            continue;
        }
        const char *text;
        memcpy(&text, row + column->offset, sizeof text);
        assert(text != NULL && "a row of the trace whose string was not filled in");
        if (column->type == TRACE_STRING) {
            text = arena_strdup(lot->strings, text);
            memcpy(row + column->offset, &text, sizeof text);
            continue;
        }
        uint16_t code;
        if (!name_table_code(table->columns[i].names, text, &code)) {
            DIAGNOSE_ERROR(trace->diagnostics, ((struct mark){.file = trace->path}),
                           "more than %d different names in /%s/%s; no trace is kept",
                           NAME_TABLE_CAPACITY, table->layout->name, column->name);
            trace->failed = true;
            return false;
        }
        memcpy(row + column->offset, &code, sizeof code);
    }
    return true;
}

static void *abandon_in_thread(void *trace)
{
    trace_abandon(trace);
    return NULL;
}

/* Ends the process: from the depth of a simulation there is no other way out. In a thread, for an
 * actor's stack is too small for HDF5. */
static _Noreturn void end_interrupted(struct trace *trace)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", trace->part.part_path);
    pthread_t thread;
    if (pthread_create(&thread, NULL, abandon_in_thread, trace) == 0) {
        pthread_join(thread, NULL);
        fprintf(stderr, "cpsim: interrupted; what the run wrote so far is in %s\n", path);
    }
    _exit(128 + trace_signal_seen());
}

static uint64_t add_row(struct trace *trace, enum trace_table which, const void *row)
{
    struct table *table = &trace->tables[which];
    struct lot *lot = &table->lots[table->filling];
    size_t row_bytes = table->layout->row_bytes;
    uint64_t number = table->added + lot->count;
    if (trace->failed) {
        return number;
    }
    if (trace_signal_seen() != 0) {
        end_interrupted(trace);
    }
    if (lot->rows == NULL) {
        lot->rows = arena_array(trace->arena, CHUNK_ROWS, row_bytes);
    }
    if (lot->strings == NULL && table->has_strings) {
        lot->strings = arena_create();
    }
    char *kept = lot->rows + lot->count * row_bytes;
    memcpy(kept, row, row_bytes);
    if (keep_strings(trace, table, lot, kept) && ++lot->count == CHUNK_ROWS) {
        flush_table(trace, table);
    }
    if (trace->watch != NULL) {
        show_watchers(trace);
    }
    return number;
}

uint64_t trace_add_phase(struct trace *trace, const struct trace_phase *phase)
{
    return add_row(trace, TRACE_PHASES, phase);
}

uint64_t trace_add_operator(struct trace *trace, const struct trace_operator *operator_run)
{
    return add_row(trace, TRACE_OPERATORS, operator_run);
}

uint64_t trace_add_link(struct trace *trace, const struct trace_link *link)
{
    return add_row(trace, TRACE_LINKS, link);
}

uint64_t trace_add_gpu(struct trace *trace, const struct trace_gpu *gpu)
{
    return add_row(trace, TRACE_GPUS, gpu);
}

uint64_t trace_add_request(struct trace *trace, const struct trace_request *request)
{
    return add_row(trace, TRACE_REQUESTS, request);
}

uint64_t trace_add_step(struct trace *trace, const struct trace_step *step)
{
    return add_row(trace, TRACE_STEPS, step);
}

uint64_t trace_add_sample(struct trace *trace, const struct trace_sample *sample)
{
    return add_row(trace, TRACE_SERIES, sample);
}

uint64_t trace_add_fault(struct trace *trace, const struct trace_fault *fault)
{
    return add_row(trace, TRACE_FAULTS, fault);
}

uint64_t trace_add_group_dimension(struct trace *trace,
                                   const struct trace_group_dimension *dimension)
{
    return add_row(trace, TRACE_GROUPS, dimension);
}

uint64_t trace_add_cell(struct trace *trace, const struct trace_cell *cell)
{
    return add_row(trace, TRACE_CELLS, cell);
}

uint64_t trace_add_stage(struct trace *trace, const struct trace_stage *stage)
{
    return add_row(trace, TRACE_STAGES, stage);
}

uint64_t trace_add_link_sample(struct trace *trace, const struct trace_link_sample *sample)
{
    return add_row(trace, TRACE_LINK_SERIES, sample);
}

void trace_set_number(struct trace *trace, const char *name, double value)
{
    if (wait_for_writer(trace) && !hdf5_write_f64(trace->file, name, value)) {
        fail(trace, "attribute ", name);
    }
}

void trace_set_text(struct trace *trace, const char *name, const char *text)
{
    if (wait_for_writer(trace) && !hdf5_write_text(trace->file, name, text)) {
        fail(trace, "attribute ", name);
    }
}

/* What is still in memory: the buffered rows, and the names that codes stand for. */
static bool finish_table(struct trace *trace, struct table *table)
{
    bool absent =
        table->layout->optional && table->added == 0 && table->lots[table->filling].count == 0;
    if (absent) {
        return true;
    }
    if (!flush_table(trace, table) || !wait_for_writer(trace)) {
        return false;
    }
    for (size_t i = 0; i < table->layout->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (column->names != NULL &&
            !hdf5_write_texts(column->dataset, "categories", name_table_names(column->names),
                              name_table_count(column->names))) {
            return fail(trace, "naming the categories of /", table->layout->name);
        }
    }
    return true;
}

static void close_table(struct table *table)
{
    for (size_t i = 0; table->layout != NULL && i < table->layout->column_count; i++) {
        if (table->columns[i].dataset > 0) {
            H5Dclose(table->columns[i].dataset);
        }
        H5Tclose(table->columns[i].memory_type);
    }
    if (table->group > 0) {
        H5Gclose(table->group);
    }
    for (size_t i = 0; i < 2; i++) {
        arena_destroy(table->lots[i].strings);
    }
}

/* Writes everything and closes the file; the .part file is whole when this returns true. */
static bool finish(struct trace *trace)
{
    wait_for_writer(trace);
    for (size_t i = 0; i < TRACE_TABLE_COUNT && !trace->failed; i++) {
        finish_table(trace, &trace->tables[i]);
    }
    for (size_t i = 0; i < TRACE_TABLE_COUNT; i++) {
        close_table(&trace->tables[i]);
    }
    if (!trace->failed) {
        assert(H5Fget_obj_count(trace->file, H5F_OBJ_ALL) == 1 &&
               "an object of the trace is still open");
    }
    if (trace->file > 0 && H5Fclose(trace->file) < 0) {
        fail(trace, "closing it", "");
    }
    return !trace->failed;
}

/* Last of all: who watches looks for the whole file once FILE.live is gone. */
static void end(struct trace *trace)
{
    if (trace->watch != NULL) {
        trace_watch_close(trace->watch);
    }
    arena_destroy(trace->arena);
}

bool trace_close(struct trace *trace)
{
    bool written = finish(trace);
    if (!written) {
        part_file_remove(&trace->part);
    } else if (!part_file_keep(&trace->part)) {
        int reason = errno;
        DIAGNOSE_SYSTEM(trace->diagnostics, ((struct mark){.file = trace->path}), reason,
                        "cannot rename %s to it: %s; %s. No trace is kept", trace->part.part_path,
                        strerror(reason), hdf5_advice(reason));
        written = false;
    }
    end(trace);
    return written;
}

void trace_abandon(struct trace *trace)
{
    if (finish(trace)) {
        part_file_leave(&trace->part);
    } else {
        part_file_remove(&trace->part);
    }
    end(trace);
}
