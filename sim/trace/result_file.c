/* SPDX-License-Identifier: MIT */
#include "sim/trace/result_file_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 64 * 1024, DEFLATE_LEVEL = 4 };

void result_fail(struct result_file *file, const char *doing, const char *what)
{
    struct hdf5_failure failure = hdf5_failure();
    if (!file->failed) {
        diagnostics_add(file->diagnostics, SEVERITY_FAILURE, (struct mark){.file = file->path},
                        "cannot write the results (%s%s): %s; %s", doing, what,
                        failure.errno_value != 0 ? strerror(failure.errno_value) : failure.text,
                        hdf5_advice(failure.errno_value));
    }
    file->failed = true;
}

struct result_file *result_file_open(const char *path, struct diagnostics *diagnostics)
{
    hdf5_prepare();
    struct arena *arena = arena_create();
    struct result_file *file = ARENA_NEW(arena, struct result_file);
    *file = (struct result_file){
        .arena = arena,
        .diagnostics = diagnostics,
        .path = arena_strdup(arena, path),
    };
    if (!hdf5_create_part(&file->part, arena, path, "the results", diagnostics)) {
        arena_destroy(arena);
        return NULL;
    }
    file->file = hdf5_create_file(file->part.part_path);
    if (file->file < 0) {
        result_fail(file, "starting it", "");
    }
    return file;
}

void result_file_add_text(struct result_file *file, const char *name, const char *text)
{
    if (!file->failed && !hdf5_write_text(file->file, name, text)) {
        result_fail(file, "its attribute ", name);
    }
}

void result_file_add_count(struct result_file *file, const char *name, uint64_t count)
{
    if (!file->failed && !hdf5_write_u64(file->file, name, count)) {
        result_fail(file, "its attribute ", name);
    }
}

hid_t result_group(struct result_file *file, hid_t parent, const char *name, const char *long_name)
{
    hid_t group = hdf5_create_group(parent, name, long_name);
    if (group < 0) {
        result_fail(file, "making /", name);
    }
    return group;
}

hid_t result_creation(void)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED);
    return creation;
}

void result_add_column(struct result_file *file, hid_t group, const struct result_column *column,
                       hsize_t rows)
{
    hsize_t chunk = rows > CHUNK_ROWS ? CHUNK_ROWS : rows;
    hid_t creation = result_creation();
    if (rows > 0) {
        H5Pset_chunk(creation, 1, &chunk);
        H5Pset_fill_time(creation, H5D_FILL_TIME_ALLOC);
        H5Pset_shuffle(creation);
        H5Pset_deflate(creation, DEFLATE_LEVEL);
    }
    hid_t space = H5Screate_simple(1, &rows, NULL), type = hdf5_file_type(&column->column);
    hid_t memory = hdf5_memory_type(&column->column);
    hid_t dataset =
        H5Dcreate2(group, column->column.name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    bool written =
        dataset >= 0 && hdf5_describe(dataset, &column->column) &&
        (rows == 0 || H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, column->cells) >= 0);
    if (!written) {
        result_fail(file, "column ", column->column.name);
        return;
    }
    H5Dclose(dataset);
    H5Tclose(memory);
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(creation);
}

static void add_table(struct result_file *file, hid_t parent, const char *name,
                      const char *long_name, const struct result_column *columns,
                      size_t column_count, uint64_t row_count)
{
    hid_t group = file->failed ? H5I_INVALID_HID : result_group(file, parent, name, long_name);
    for (size_t i = 0; i < column_count && !file->failed; i++) {
        result_add_column(file, group, &columns[i], row_count);
    }
    if (!file->failed) {
        H5Gclose(group);
    }
}

void result_file_add_table(struct result_file *file, const char *name, const char *long_name,
                           const struct result_column *columns, size_t column_count,
                           uint64_t row_count)
{
    add_table(file, file->file, name, long_name, columns, column_count, row_count);
}

bool result_file_close(struct result_file *file)
{
    if (file->file > 0 && H5Fclose(file->file) < 0) {
        result_fail(file, "closing it", "");
    }
    bool written = !file->failed;
    if (!written) {
        part_file_remove(&file->part);
    } else if (!part_file_keep(&file->part)) {
        int reason = errno;
        DIAGNOSE_SYSTEM(file->diagnostics, ((struct mark){.file = file->path}), reason,
                        "cannot rename %s to it: %s; %s", file->part.part_path, strerror(reason),
                        hdf5_advice(reason));
        written = false;
    }
    arena_destroy(file->arena);
    return written;
}
