/* SPDX-License-Identifier: MIT */
#include "sim/trace/result_file.h"

#include "sim/base/arena.h"
#include "sim/base/file.h"
#include "sim/trace/hdf5_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_ROWS = 64 * 1024, DEFLATE_LEVEL = 4 };

struct result_file {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *path, *part_path;
    hid_t file;
    bool failed;
};

static void fail(struct result_file *file, const char *doing, const char *what)
{
    struct hdf5_failure failure = hdf5_failure();
    if (!file->failed) {
        DIAGNOSE_ERROR(file->diagnostics, ((struct mark){.file = file->path}),
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
        .part_path = arena_printf(arena, "%s.part", path),
    };
    int descriptor = open(file->part_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        int reason = errno;
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = path}),
                       "cannot write the results: %s; %s", strerror(reason), hdf5_advice(reason));
        arena_destroy(arena);
        return NULL;
    }
    close(descriptor);
    file->file = hdf5_create_file(file->part_path);
    if (file->file < 0) {
        fail(file, "starting it", "");
    }
    return file;
}

void result_file_add_text(struct result_file *file, const char *name, const char *text)
{
    if (!file->failed && !hdf5_write_text(file->file, name, text)) {
        fail(file, "its attribute ", name);
    }
}

void result_file_add_count(struct result_file *file, const char *name, uint64_t count)
{
    if (!file->failed && !hdf5_write_u64(file->file, name, count)) {
        fail(file, "its attribute ", name);
    }
}

static hid_t make_group(struct result_file *file, hid_t parent, const char *name,
                        const char *long_name)
{
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, false);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (group < 0 || !hdf5_write_text(group, "long_name", long_name)) {
        fail(file, "making /", name);
        return H5I_INVALID_HID;
    }
    H5Pclose(creation);
    return group;
}

/* How a dataset is made: by creation order, without times. The caller closes it. */
static hid_t dataset_creation(void)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(creation, false);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED);
    return creation;
}

static bool describe(hid_t dataset, const struct trace_column *column)
{
    return hdf5_write_text(dataset, "units", column->units) &&
           hdf5_write_text(dataset, "long_name", column->long_name);
}

static void add_column(struct result_file *file, hid_t group, const struct result_column *column,
                       hsize_t rows)
{
    hsize_t chunk = rows > CHUNK_ROWS ? CHUNK_ROWS : rows;
    hid_t creation = dataset_creation();
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
        dataset >= 0 && describe(dataset, &column->column) &&
        (rows == 0 || H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, column->cells) >= 0);
    if (!written) {
        fail(file, "column ", column->column.name);
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
    hid_t group = file->failed ? H5I_INVALID_HID : make_group(file, parent, name, long_name);
    for (size_t i = 0; i < column_count && !file->failed; i++) {
        add_column(file, group, &columns[i], row_count);
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

/* --- traces --- */

/* The sources of the virtual tables. */
struct sources {
    struct arena *arena;
    const char *const *paths; /* [count], relative */
    const uint64_t *points;   /* [count] */
    hid_t *files;             /* [count] */
    size_t count;
    hsize_t *rows; /* [count] of the table at hand */
    hsize_t total;
};

static hsize_t dataset_rows(hid_t dataset)
{
    hid_t space = H5Dget_space(dataset);
    hsize_t rows = 0;
    H5Sget_simple_extent_dims(space, &rows, NULL);
    H5Sclose(space);
    return rows;
}

/* The names that a column's codes stand for, each after the other with its end; "" without. */
static const char *categories_of(struct arena *arena, hid_t dataset, size_t *size)
{
    *size = 0;
    if (H5Aexists(dataset, "categories") <= 0) {
        return "";
    }
    hid_t attribute = H5Aopen(dataset, "categories", H5P_DEFAULT), type = hdf5_string_type();
    hid_t space = H5Aget_space(attribute);
    hsize_t count = (hsize_t)H5Sget_simple_extent_npoints(space);
    char **names = ARENA_ARRAY(arena, char *, count + 1);
    H5Aread(attribute, type, names);
    size_t total = 0;
    for (hsize_t i = 0; i < count; i++) {
        total += strlen(names[i]) + 1;
    }
    char *all = ARENA_ARRAY(arena, char, total + 1);
    for (hsize_t i = 0; i < count; i++) {
        memcpy(all + *size, names[i], strlen(names[i]) + 1);
        *size += strlen(names[i]) + 1;
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, names);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return all;
}

/* Whether all sources have the column, as long as their table, with the same names for its codes.
 */
static bool sources_agree(const struct sources *sources, const char *path)
{
    const char *first = NULL;
    size_t first_size = 0;
    bool agree = true;
    for (size_t i = 0; i < sources->count && agree; i++) {
        hid_t dataset = H5Dopen2(sources->files[i], path, H5P_DEFAULT);
        agree = dataset >= 0 && dataset_rows(dataset) == sources->rows[i];
        if (agree && sources->rows[i] > 0) {
            size_t size = 0;
            const char *names = categories_of(sources->arena, dataset, &size);
            agree = first == NULL || (size == first_size && memcmp(first, names, size) == 0);
            first = names;
            first_size = size;
        }
        if (dataset >= 0) {
            H5Dclose(dataset);
        }
    }
    return agree;
}

static void copy_categories(struct result_file *file, hid_t from_file, const char *path, hid_t to)
{
    size_t size = 0, count = 0;
    hid_t from = H5Dopen2(from_file, path, H5P_DEFAULT);
    const char *all = categories_of(file->arena, from, &size);
    const char **names = ARENA_ARRAY(file->arena, const char *, size + 1);
    for (size_t at = 0; at < size; at += strlen(all + at) + 1) {
        names[count++] = all + at;
    }
    if (count > 0 && !hdf5_write_texts(to, "categories", names, count)) {
        fail(file, "naming the categories of ", path);
    }
    H5Dclose(from);
}

static void add_virtual_column(struct result_file *file, hid_t group, const char *table,
                               const struct trace_column *column, const struct sources *sources)
{
    const char *path = arena_printf(file->arena, "/%s/%s", table, column->name);
    if (!sources_agree(sources, path)) {
        return;
    }
    hid_t creation = dataset_creation();
    hid_t space = H5Screate_simple(1, &sources->total, NULL), type = hdf5_file_type(column);
    hsize_t start = 0;
    size_t longest = 0;
    for (size_t i = 0; i < sources->count; i++) {
        if (sources->rows[i] == 0) {
            continue;
        }
        hid_t source = H5Screate_simple(1, &sources->rows[i], NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &sources->rows[i], NULL);
        H5Pset_virtual(creation, space, sources->paths[i], path, source);
        H5Sclose(source);
        start += sources->rows[i];
        longest = sources->rows[i] > sources->rows[longest] ? i : longest;
    }
    H5Sselect_all(space);
    hid_t dataset =
        H5Dcreate2(group, column->name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset < 0 || !describe(dataset, column)) {
        fail(file, "virtual column ", path);
        return;
    }
    if (column->type == TRACE_NAME && sources->total > 0) {
        copy_categories(file, sources->files[longest], path, dataset);
    }
    H5Dclose(dataset);
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(creation);
}

static void add_point_column(struct result_file *file, hid_t group, const struct sources *sources)
{
    uint64_t *cells = ARENA_ARRAY(file->arena, uint64_t, sources->total + 1);
    hsize_t row = 0;
    for (size_t i = 0; i < sources->count; i++) {
        for (hsize_t j = 0; j < sources->rows[i]; j++) {
            cells[row++] = sources->points[i];
        }
    }
    const struct result_column point = {
        .column = {.name = "point",
                   .type = TRACE_U64,
                   .units = "1",
                   .long_name = "Row of /points whose trace this is of."},
        .cells = cells};
    add_column(file, group, &point, sources->total);
}

static void add_virtual_table(struct result_file *file, hid_t parent, struct sources *sources,
                              const struct trace_table_layout *layout)
{
    sources->total = 0;
    for (size_t i = 0; i < sources->count; i++) {
        const char *path =
            arena_printf(file->arena, "/%s/%s", layout->name, layout->columns[0].name);
        hid_t dataset = H5Dopen2(sources->files[i], path, H5P_DEFAULT);
        sources->rows[i] = dataset < 0 ? 0 : dataset_rows(dataset);
        sources->total += sources->rows[i];
        if (dataset >= 0) {
            H5Dclose(dataset);
        }
    }
    hid_t group = make_group(file, parent, layout->name, layout->long_name);
    if (file->failed) {
        return;
    }
    add_point_column(file, group, sources);
    for (size_t i = 0; i < layout->column_count && !file->failed; i++) {
        add_virtual_column(file, group, layout->name, &layout->columns[i], sources);
    }
    if (!file->failed) {
        H5Gclose(group);
    }
}

void result_file_add_traces(struct result_file *file, const char *const *paths,
                            const uint64_t *points, size_t count)
{
    if (file->failed) {
        return;
    }
    const char *slash = strrchr(file->path, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - file->path);
    struct sources sources = {
        .arena = file->arena,
        .paths = paths,
        .points = points,
        .files = ARENA_ARRAY(file->arena, hid_t, count + 1),
        .rows = ARENA_ARRAY(file->arena, hsize_t, count + 1),
        .count = count,
    };
    hid_t access = hdf5_access_list();
    for (size_t i = 0; i < count && !file->failed; i++) {
        const char *path = arena_printf(file->arena, "%.*s%s", folder, file->path, paths[i]);
        sources.files[i] =
            file_is_regular(path) ? H5Fopen(path, H5F_ACC_RDONLY, access) : H5I_INVALID_HID;
        if (sources.files[i] < 0) {
            fail(file, "reading ", paths[i]);
        }
    }
    H5Pclose(access);
    hid_t group = file->failed ? H5I_INVALID_HID
                               : make_group(file, file->file, "traces",
                                            "The traces of the points, one after the other.");
    for (size_t i = 0; i < TRACE_TABLE_COUNT && !file->failed; i++) {
        add_virtual_table(file, group, &sources, &trace_tables[i]);
    }
    for (size_t i = 0; i < count && sources.files[i] > 0; i++) {
        H5Fclose(sources.files[i]);
    }
    if (!file->failed) {
        H5Gclose(group);
    }
}

bool result_file_close(struct result_file *file)
{
    if (file->file > 0 && H5Fclose(file->file) < 0) {
        fail(file, "closing it", "");
    }
    bool written = !file->failed;
    if (written && rename(file->part_path, file->path) != 0) {
        int reason = errno;
        DIAGNOSE_ERROR(file->diagnostics, ((struct mark){.file = file->path}),
                       "cannot rename %s to it: %s; %s", file->part_path, strerror(reason),
                       hdf5_advice(reason));
        written = false;
    }
    if (!written) {
        unlink(file->part_path);
    }
    arena_destroy(file->arena);
    return written;
}
