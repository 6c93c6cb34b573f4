/* SPDX-License-Identifier: MIT
 * The traces of a sweep's points as one: virtual datasets over their columns. Each trace is opened
 * once, and one at a time, however many there are. */
#include "sim/trace/result_file_internal.h"

#include <string.h>

/* A column over all traces. */
struct column_scan {
    bool agrees; /* all have it, as long as their table, with the same names for its codes */
    const char *categories; /* those names, each with its end; NULL: no trace with rows yet */
    size_t size;            /* of them */
};

struct table_scan {
    hsize_t *rows; /* [count] */
    hsize_t total;
    struct column_scan *columns; /* of its layout */
};

struct sources {
    struct arena *arena;
    const char *const *paths; /* [count], relative */
    const uint64_t *points;   /* [count] */
    size_t count;
    struct table_scan tables[TRACE_TABLE_COUNT];
};

/* --- reading the traces --- */

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

static void scan_column(const struct sources *sources, struct column_scan *column, hid_t file,
                        const char *path, hsize_t table_rows)
{
    hid_t dataset = column->agrees ? H5Dopen2(file, path, H5P_DEFAULT) : H5I_INVALID_HID;
    column->agrees = dataset >= 0 && dataset_rows(dataset) == table_rows;
    if (column->agrees && table_rows > 0) {
        struct arena *scratch = arena_create();
        size_t size = 0;
        const char *names = categories_of(scratch, dataset, &size);
        if (column->categories == NULL) {
            char *copy = ARENA_ARRAY(sources->arena, char, size + 1);
            memcpy(copy, names, size);
            column->categories = copy;
            column->size = size;
        }
        column->agrees = size == column->size && memcmp(column->categories, names, size) == 0;
        arena_destroy(scratch);
    }
    if (dataset >= 0) {
        H5Dclose(dataset);
    }
}

static void scan_table(const struct sources *sources, struct table_scan *table, hid_t file,
                       const struct trace_table_layout *layout, size_t source)
{
    struct arena *scratch = arena_create();
    for (size_t i = 0; i < layout->column_count; i++) {
        const char *path = arena_printf(scratch, "/%s/%s", layout->name, layout->columns[i].name);
        if (i == 0) {
            hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
            table->rows[source] = dataset < 0 ? 0 : dataset_rows(dataset);
            table->total += table->rows[source];
            if (dataset >= 0) {
                H5Dclose(dataset);
            }
        }
        scan_column(sources, &table->columns[i], file, path, table->rows[source]);
    }
    arena_destroy(scratch);
}

/* False when a trace cannot be read; `*unread` is its path. */
static bool scan(struct sources *sources, const char *result_path, const char **unread)
{
    const char *slash = strrchr(result_path, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - result_path);
    for (size_t i = 0; i < TRACE_TABLE_COUNT; i++) {
        struct table_scan *table = &sources->tables[i];
        table->rows = ARENA_ARRAY(sources->arena, hsize_t, sources->count + 1);
        table->columns =
            ARENA_ARRAY(sources->arena, struct column_scan, trace_tables[i].column_count + 1);
        for (size_t j = 0; j < trace_tables[i].column_count; j++) {
            table->columns[j].agrees = true;
        }
    }
    hid_t access = hdf5_access_list();
    bool read = true;
    for (size_t i = 0; i < sources->count && read; i++) {
        const char *path =
            arena_printf(sources->arena, "%.*s%s", folder, result_path, sources->paths[i]);
        hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
        read = file >= 0;
        *unread = sources->paths[i];
        for (size_t j = 0; j < TRACE_TABLE_COUNT && read; j++) {
            scan_table(sources, &sources->tables[j], file, &trace_tables[j], i);
        }
        if (read) {
            H5Fclose(file);
        }
    }
    H5Pclose(access);
    return read;
}

/* --- writing what refers to them --- */

static void write_categories(struct result_file *file, const struct column_scan *column,
                             const char *path, hid_t to)
{
    size_t count = 0;
    const char **names = ARENA_ARRAY(file->arena, const char *, column->size + 1);
    for (size_t at = 0; at < column->size; at += strlen(column->categories + at) + 1) {
        names[count++] = column->categories + at;
    }
    if (count > 0 && !hdf5_write_texts(to, "categories", names, count)) {
        result_fail(file, "naming the categories of ", path);
    }
}

static void add_virtual_column(struct result_file *file, hid_t group, const char *table_name,
                               const struct trace_column *column, const struct sources *sources,
                               const struct table_scan *table, const struct column_scan *found)
{
    const char *path = arena_printf(file->arena, "/%s/%s", table_name, column->name);
    hid_t creation = result_creation();
    hid_t space = H5Screate_simple(1, &table->total, NULL), type = hdf5_file_type(column);
    hsize_t start = 0;
    for (size_t i = 0; i < sources->count; i++) {
        if (table->rows[i] == 0) {
            continue;
        }
        hid_t source = H5Screate_simple(1, &table->rows[i], NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &table->rows[i], NULL);
        H5Pset_virtual(creation, space, sources->paths[i], path, source);
        H5Sclose(source);
        start += table->rows[i];
    }
    H5Sselect_all(space);
    hid_t dataset =
        H5Dcreate2(group, column->name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset < 0 || !hdf5_describe(dataset, column)) {
        result_fail(file, "virtual column ", path);
        return;
    }
    if (column->type == TRACE_NAME && table->total > 0) {
        write_categories(file, found, path, dataset);
    }
    H5Dclose(dataset);
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(creation);
}

static void add_point_column(struct result_file *file, hid_t group, const struct sources *sources,
                             const struct table_scan *table)
{
    uint64_t *cells = ARENA_ARRAY(file->arena, uint64_t, table->total + 1);
    hsize_t row = 0;
    for (size_t i = 0; i < sources->count; i++) {
        for (hsize_t j = 0; j < table->rows[i]; j++) {
            cells[row++] = sources->points[i];
        }
    }
    const struct result_column point = {
        .column = {.name = "point",
                   .type = TRACE_U64,
                   .units = "1",
                   .long_name = "Number of the point whose trace this is of."},
        .cells = cells};
    result_add_column(file, group, &point, table->total);
}

static void add_virtual_table(struct result_file *file, hid_t parent, const struct sources *sources,
                              const struct table_scan *table,
                              const struct trace_table_layout *layout)
{
    hid_t group = result_group(file, parent, layout->name, layout->long_name);
    if (file->failed) {
        return;
    }
    add_point_column(file, group, sources, table);
    for (size_t i = 0; i < layout->column_count && !file->failed; i++) {
        if (table->columns[i].agrees) {
            add_virtual_column(file, group, layout->name, &layout->columns[i], sources, table,
                               &table->columns[i]);
        }
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
    struct sources sources = {
        .arena = file->arena, .paths = paths, .points = points, .count = count};
    const char *unread = "";
    if (!scan(&sources, file->path, &unread)) {
        result_fail(file, "reading ", unread);
        return;
    }
    hid_t group =
        result_group(file, file->file, "traces", "The traces of the points, one after the other.");
    for (size_t i = 0; i < TRACE_TABLE_COUNT && !file->failed; i++) {
        add_virtual_table(file, group, &sources, &sources.tables[i], &trace_tables[i]);
    }
    if (!file->failed) {
        H5Gclose(group);
    }
}
