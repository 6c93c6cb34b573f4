/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace_watch.h"

#include "sim/trace/hdf5_file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Small chunks: a file that few rows a second reach shows them without waiting for more, and
 * readers fetch no more than is new. */
enum { CHUNK_ROWS = 4096 };

struct watched_table {
    hid_t *columns; /* [column_count]; not positive: not in this file */
    hid_t *types;   /* [column_count], in memory */
    hsize_t rows;
};

struct trace_watch {
    const char *path; /* of FILE.live */
    dev_t device;     /* of it, so that another run's is not taken for it */
    ino_t inode;
    hid_t file;
    struct watched_table tables[TRACE_TABLE_COUNT];
    void *cells; /* [CHUNK_ROWS] of one column */
    bool failed;
};

static bool is_watched(const struct trace_column *column)
{
    return column->type != TRACE_STRING && column->type != TRACE_NAME;
}

static hid_t create_column(hid_t group, const struct trace_column *column)
{
    hsize_t extent = 0, unlimited = H5S_UNLIMITED, chunk = CHUNK_ROWS;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 1, &chunk);
    hid_t space = H5Screate_simple(1, &extent, &unlimited), type = hdf5_file_type(column);
    hid_t dataset =
        H5Dcreate2(group, column->name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    bool made = dataset >= 0 && hdf5_describe(dataset, column) &&
                (column->row_of == NULL || hdf5_write_text(dataset, "row_of", column->row_of));
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(creation);
    return made ? dataset : H5I_INVALID_HID;
}

static bool create_table(struct trace_watch *watch, struct arena *arena, enum trace_table which)
{
    const struct trace_table_layout *layout = &trace_tables[which];
    struct watched_table *table = &watch->tables[which];
    table->columns = ARENA_ARRAY(arena, hid_t, layout->column_count);
    table->types = ARENA_ARRAY(arena, hid_t, layout->column_count);
    hid_t group = hdf5_create_group(watch->file, layout->name, layout->long_name);
    bool made = group >= 0;
    for (size_t i = 0; made && i < layout->column_count; i++) {
        if (is_watched(&layout->columns[i])) {
            table->columns[i] = create_column(group, &layout->columns[i]);
            table->types[i] = hdf5_memory_type(&layout->columns[i]);
            made = table->columns[i] >= 0;
        }
    }
    return made && H5Gclose(group) >= 0;
}

static void remove_own(const struct trace_watch *watch)
{
    struct stat status;
    if (stat(watch->path, &status) == 0 && status.st_dev == watch->device &&
        status.st_ino == watch->inode) {
        unlink(watch->path);
    }
}

struct trace_watch *trace_watch_open(struct arena *arena, const char *path,
                                     bool (*describe_root)(hid_t file, const void *context),
                                     const void *context)
{
    struct trace_watch *watch = ARENA_NEW(arena, struct trace_watch);
    watch->path = arena_printf(arena, "%s.live", path);
    watch->cells = arena_array(arena, CHUNK_ROWS, sizeof(double));
    unlink(watch->path); /* of a run that was killed; who watches it still may */
    hid_t access = hdf5_access_list();
    /* Readers of a file that grows need its newest layout: checksums on all that they follow. */
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    watch->file = H5Fcreate(watch->path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (watch->file < 0) {
        return NULL;
    }
    struct stat status;
    if (stat(watch->path, &status) == 0) {
        watch->device = status.st_dev;
        watch->inode = status.st_ino;
    }
    bool made = describe_root(watch->file, context);
    for (enum trace_table table = 0; made && table < TRACE_TABLE_COUNT; table++) {
        made = create_table(watch, arena, table);
    }
    if (!made || H5Fstart_swmr_write(watch->file) < 0) {
        remove_own(watch);
        return NULL;
    }
    return watch;
}

void trace_watch_add(struct trace_watch *watch, enum trace_table which, const void *rows,
                     size_t count)
{
    const struct trace_table_layout *layout = &trace_tables[which];
    struct watched_table *table = &watch->tables[which];
    for (size_t at = 0; at < count && !watch->failed; at += CHUNK_ROWS) {
        size_t some = count - at < CHUNK_ROWS ? count - at : CHUNK_ROWS;
        const char *first = (const char *)rows + at * layout->row_bytes;
        for (size_t i = 0; i < layout->column_count && !watch->failed; i++) {
            if (table->columns[i] > 0) {
                trace_gather_cells(layout, i, first, some, watch->cells);
                watch->failed = !hdf5_append(table->columns[i], table->types[i], table->rows, some,
                                             watch->cells);
            }
        }
        table->rows += some;
    }
    for (size_t i = 0; i < layout->column_count && !watch->failed; i++) {
        watch->failed = table->columns[i] > 0 && H5Dflush(table->columns[i]) < 0;
    }
}

void trace_watch_close(struct trace_watch *watch)
{
    for (enum trace_table which = 0; which < TRACE_TABLE_COUNT; which++) {
        for (size_t i = 0; i < trace_tables[which].column_count; i++) {
            if (watch->tables[which].columns[i] > 0) {
                H5Dclose(watch->tables[which].columns[i]);
                H5Tclose(watch->tables[which].types[i]);
            }
        }
    }
    H5Fclose(watch->file);
    remove_own(watch);
}
