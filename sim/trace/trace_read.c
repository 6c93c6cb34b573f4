/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace_read.h"

#include "sim/base/arena.h"
#include "sim/base/file.h"
#include "sim/trace/hdf5_file.h"
#include "sim/trace/trace_check.h"

#include <inttypes.h>
#include <string.h>

/* As the writer's chunks, so that each is inflated once. */
enum { CHUNK_ROWS = 64 * 1024 };

struct read_column {
    hid_t dataset, memory_type;
    const char *const *names; /* [name_count] of a TRACE_NAME */
    size_t name_count;
};

struct read_table {
    bool present;
    uint64_t count;
    uint64_t first, held; /* the rows that are in memory */
    char *rows;           /* [CHUNK_ROWS][row_bytes]; NULL until asked for */
    struct arena *strings;
    struct read_column *columns; /* [column_count] */
};

struct trace_reader {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *path;
    char *place; /* [TRACE_PLACE_BYTES] or NULL */
    hid_t file;
    bool failed;
    uint64_t seed;
    void *cells; /* [CHUNK_ROWS] of one column */
    struct read_table tables[TRACE_TABLE_COUNT];
};

/* Reports the first fault only: what follows from it is no news. Returns false. */
static bool refuse(struct trace_reader *reader, const char *table, const char *column,
                   const char *what)
{
    if (!reader->failed) {
        DIAGNOSE_ERROR(reader->diagnostics, ((struct mark){.file = reader->path}),
                       "/%s/%s %s; cpsim trace check says more", table, column, what);
    }
    reader->failed = true;
    return false;
}

static void note_place(const struct trace_reader *reader, const char *table, const char *column)
{
    if (reader->place != NULL) {
        snprintf(reader->place, TRACE_PLACE_BYTES, "/%s/%s", table, column);
    }
}

/* The names that the codes of a column stand for. */
static bool read_categories(struct trace_reader *reader, struct read_column *column)
{
    if (H5Aexists(column->dataset, "categories") <= 0) {
        return true; /* of an empty column, or a .part: no code will be valid */
    }
    hid_t attribute = H5Aopen(column->dataset, "categories", H5P_DEFAULT);
    hid_t space = H5Aget_space(attribute), type = hdf5_string_type();
    hssize_t count = H5Sget_simple_extent_npoints(space);
    char **texts = count > 0 ? ARENA_ARRAY(reader->arena, char *, (size_t)count) : NULL;
    const char **names = ARENA_ARRAY(reader->arena, const char *, (size_t)(count > 0 ? count : 1));
    bool sound = count <= 0 || H5Aread(attribute, type, texts) >= 0;
    for (hssize_t i = 0; sound && i < count; i++) {
        names[i] = arena_strdup(reader->arena, texts[i] == NULL ? "" : texts[i]);
        H5free_memory(texts[i]);
    }
    column->names = names;
    column->name_count = sound && count > 0 ? (size_t)count : 0;
    H5Tclose(type);
    H5Sclose(space);
    H5Aclose(attribute);
    return sound;
}

static bool open_column(struct trace_reader *reader, hid_t group, size_t table_index, size_t index)
{
    const struct trace_table_layout *layout = &trace_tables[table_index];
    const struct trace_column *column = &layout->columns[index];
    struct read_table *table = &reader->tables[table_index];
    struct read_column *opened = &table->columns[index];
    *opened = (struct read_column){.dataset = H5I_INVALID_HID, .memory_type = H5I_INVALID_HID};
    note_place(reader, layout->name, column->name);
    if (H5Lexists(group, column->name, H5P_DEFAULT) <= 0) {
        return true; /* of an older minor version */
    }
    opened->dataset = H5Dopen2(group, column->name, H5P_DEFAULT);
    if (opened->dataset < 0) {
        return refuse(reader, layout->name, column->name, "is no column");
    }
    opened->memory_type = hdf5_memory_type(column);
    hid_t type = H5Dget_type(opened->dataset), space = H5Dget_space(opened->dataset);
    int64_t count = hdf5_row_count(opened->dataset);
    if (count < 0) {
        H5Sclose(space);
        H5Tclose(type);
        return refuse(reader, layout->name, column->name,
                      "is damaged: it says that it has more rows than its bytes can hold");
    }
    bool sound = H5Tget_class(type) == H5Tget_class(opened->memory_type) &&
                 H5Sget_simple_extent_ndims(space) == 1 &&
                 (column->type != TRACE_STRING || H5Tis_variable_str(type) > 0);
    H5Sclose(space);
    H5Tclose(type);
    if (!sound) {
        return refuse(reader, layout->name, column->name, "is of another type than it should be");
    }
    if (!table->present) {
        table->present = true;
        table->count = (uint64_t)count;
    } else if ((uint64_t)count != table->count) {
        return refuse(reader, layout->name, column->name, "is not as long as the other columns");
    }
    return column->type != TRACE_NAME || read_categories(reader, opened) ||
           refuse(reader, layout->name, column->name, "has names that cannot be read");
}

static bool open_table(struct trace_reader *reader, size_t index)
{
    const struct trace_table_layout *layout = &trace_tables[index];
    struct read_table *table = &reader->tables[index];
    table->columns = ARENA_ARRAY(reader->arena, struct read_column, layout->column_count);
    for (size_t i = 0; i < layout->column_count; i++) {
        table->columns[i].dataset = table->columns[i].memory_type = H5I_INVALID_HID;
    }
    hid_t group = H5Lexists(reader->file, layout->name, H5P_DEFAULT) > 0
                      ? H5Gopen2(reader->file, layout->name, H5P_DEFAULT)
                      : H5I_INVALID_HID;
    if (group < 0) {
        return true;
    }
    bool sound = true;
    for (size_t i = 0; i < layout->column_count && sound; i++) {
        sound = open_column(reader, group, index, i);
    }
    H5Gclose(group);
    return sound;
}

const char *trace_reader_text(const struct trace_reader *reader, const char *name)
{
    if (H5Aexists(reader->file, name) <= 0) {
        return "";
    }
    hid_t attribute = H5Aopen(reader->file, name, H5P_DEFAULT), type = hdf5_string_type();
    char *text = NULL;
    const char *kept = "";
    if (H5Aread(attribute, type, &text) >= 0 && text != NULL) {
        kept = arena_strdup(reader->arena, text);
        H5free_memory(text);
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return kept;
}

/* Of every trace. */
static bool is_of_the_file(const char *name)
{
    static const char *const names[] = {"cpsim_format",    "cpsim_version", "git_revision",
                                        "simgrid_version", "scenario",      "seed"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

struct figure_scan {
    struct trace_reader *reader;
    struct trace_figure *figures; /* [as many as there are attributes] */
    size_t count;
};

static herr_t scan_attribute(hid_t file, const char *name, const H5A_info_t *info, void *context)
{
    struct figure_scan *scan = context;
    (void)info;
    if (is_of_the_file(name)) {
        return 0;
    }
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    hid_t space = H5Aget_space(attribute);
    bool single = H5Sget_simple_extent_npoints(space) == 1;
    struct trace_figure figure = {.name = arena_strdup(scan->reader->arena, name)};
    if (single && H5Tget_class(type) == H5T_FLOAT &&
        H5Aread(attribute, H5T_NATIVE_DOUBLE, &figure.value) >= 0) {
        scan->figures[scan->count++] = figure;
    } else if (single && H5Tis_variable_str(type) > 0) {
        figure.text = trace_reader_text(scan->reader, name);
        scan->figures[scan->count++] = figure;
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return 0;
}

size_t trace_reader_figures(struct trace_reader *reader, const struct trace_figure **figures)
{
    H5O_info_t info;
    bool known = H5Oget_info2(reader->file, &info, H5O_INFO_NUM_ATTRS) >= 0;
    size_t most = known ? (size_t)info.num_attrs : 0;
    struct figure_scan scan = {
        .reader = reader, .figures = ARENA_ARRAY(reader->arena, struct trace_figure, most + 1)};
    if (most > 0) {
        H5Aiterate2(reader->file, H5_INDEX_NAME, H5_ITER_INC, NULL, scan_attribute, &scan);
    }
    *figures = scan.figures;
    return scan.count;
}

static bool check_format(struct trace_reader *reader)
{
    const char *format = trace_reader_text(reader, "cpsim_format");
    const struct mark mark = {.file = reader->path};
    if (format[0] == '\0') {
        DIAGNOSE_ERROR(reader->diagnostics, mark,
                       "not a trace of cpsim: its root has no attribute cpsim_format");
        return false;
    }
    size_t major_length = strcspn(TRACE_FORMAT, ".") + 1;
    if (strncmp(format, TRACE_FORMAT, major_length) != 0) {
        DIAGNOSE_ERROR(reader->diagnostics, mark,
                       "its format is %s, and this cpsim knows " TRACE_FORMAT, format);
        return false;
    }
    return true;
}

static void read_seed(struct trace_reader *reader)
{
    if (H5Aexists(reader->file, "seed") > 0) {
        hid_t attribute = H5Aopen(reader->file, "seed", H5P_DEFAULT);
        H5Aread(attribute, H5T_NATIVE_UINT64, &reader->seed);
        H5Aclose(attribute);
    }
}

static hid_t open_file(const char *path, struct diagnostics *diagnostics)
{
    const struct mark mark = {.file = path};
    const char *fault = file_fault(path);
    if (fault != NULL) {
        DIAGNOSE_ERROR(diagnostics, mark, "cannot be read: %s", fault);
        return H5I_INVALID_HID;
    }
    hid_t access = hdf5_access_list();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (file < 0) {
        struct hdf5_failure failure = hdf5_failure();
        DIAGNOSE_ERROR(diagnostics, mark, "cannot be read: %s",
                       failure.errno_value != 0 ? strerror(failure.errno_value)
                                                : "not an HDF5 file, or one that was cut short");
    }
    H5Pclose(access);
    return file;
}

struct trace_reader *trace_reader_open(const char *path, char *place,
                                       struct diagnostics *diagnostics)
{
    hdf5_prepare();
    if (place != NULL) {
        snprintf(place, TRACE_PLACE_BYTES, "its beginning");
    }
    hid_t file = open_file(path, diagnostics);
    if (file < 0) {
        return NULL;
    }
    struct arena *arena = arena_create();
    struct trace_reader *reader = ARENA_NEW(arena, struct trace_reader);
    reader->arena = arena;
    reader->diagnostics = diagnostics;
    reader->path = arena_strdup(arena, path);
    reader->file = file;
    reader->place = place;
    bool sound = check_format(reader);
    for (size_t i = 0; i < TRACE_TABLE_COUNT && sound; i++) {
        sound = open_table(reader, i);
    }
    if (!sound) {
        trace_reader_close(reader);
        return NULL;
    }
    read_seed(reader);
    reader->cells = arena_array(arena, CHUNK_ROWS, sizeof(double));
    return reader;
}

uint64_t trace_reader_seed(const struct trace_reader *reader)
{
    return reader->seed;
}

bool trace_reader_has(const struct trace_reader *reader, enum trace_table table)
{
    return reader->tables[table].present;
}

uint64_t trace_reader_count(const struct trace_reader *reader, enum trace_table table)
{
    return reader->tables[table].count;
}

bool trace_reader_has_column(const struct trace_reader *reader, enum trace_table table,
                             size_t column)
{
    const struct read_table *read = &reader->tables[table];
    return read->present && read->columns[column].dataset >= 0;
}

/* Puts one cell into its field of the row's struct. false when a code stands for nothing. */
static bool place_cell(struct read_table *table, const struct read_column *column,
                       const struct trace_column *layout, const void *cells, size_t index,
                       char *field)
{
    size_t cell_bytes = trace_cell_bytes(layout->type);
    const char *cell = (const char *)cells + index * cell_bytes;
    if (layout->type == TRACE_ENUM) {
        unsigned value = (uint8_t)*cell;
        memcpy(field, &value, sizeof value);
        return value < trace_member_count(layout);
    }
    if (layout->type == TRACE_NAME) {
        uint16_t code;
        memcpy(&code, cell, sizeof code);
        if (code >= column->name_count) {
            return false;
        }
        memcpy(field, &column->names[code], sizeof column->names[code]);
        return true;
    }
    if (layout->type == TRACE_STRING) {
        char *text;
        memcpy(&text, cell, sizeof text);
        const char *kept = arena_strdup(table->strings, text == NULL ? "" : text);
        H5free_memory(text);
        memcpy(field, &kept, sizeof kept);
        return true;
    }
    memcpy(field, cell, cell_bytes);
    return true;
}

static bool read_column(struct trace_reader *reader, size_t table_index, size_t index)
{
    const struct trace_table_layout *layout = &trace_tables[table_index];
    const struct trace_column *column = &layout->columns[index];
    struct read_table *table = &reader->tables[table_index];
    const struct read_column *opened = &table->columns[index];
    if (opened->dataset < 0) {
        return true; /* rows[] is zeroed; text_of_missing() sees to the strings */
    }
    note_place(reader, layout->name, column->name);
    hsize_t start = table->first, count = table->held;
    hid_t memory_space = H5Screate_simple(1, &count, NULL);
    hid_t file_space = H5Dget_space(opened->dataset);
    H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, NULL, &count, NULL);
    bool sound = H5Dread(opened->dataset, opened->memory_type, memory_space, file_space,
                         H5P_DEFAULT, reader->cells) >= 0;
    H5Sclose(file_space);
    H5Sclose(memory_space);
    if (!sound) {
        return refuse(reader, layout->name, column->name, "cannot be read");
    }
    char *field = table->rows + column->offset;
    for (size_t row = 0; row < table->held; row++, field += layout->row_bytes) {
        sound &= place_cell(table, opened, column, reader->cells, row, field);
    }
    return sound || refuse(reader, layout->name, column->name, "has codes that stand for nothing");
}

/* Strings of columns that the file lacks: empty, not NULL. */
static void text_of_missing(struct read_table *table, const struct trace_table_layout *layout)
{
    static const char *const empty = "";
    for (size_t i = 0; i < layout->column_count; i++) {
        enum trace_type type = layout->columns[i].type;
        if (table->columns[i].dataset >= 0 || (type != TRACE_STRING && type != TRACE_NAME)) {
            continue;
        }
        for (size_t row = 0; row < CHUNK_ROWS; row++) {
            memcpy(table->rows + row * layout->row_bytes + layout->columns[i].offset, &empty,
                   sizeof empty);
        }
    }
}

static bool read_chunk(struct trace_reader *reader, size_t index, uint64_t first)
{
    const struct trace_table_layout *layout = &trace_tables[index];
    struct read_table *table = &reader->tables[index];
    if (table->rows == NULL) {
        table->rows = arena_array(reader->arena, CHUNK_ROWS, layout->row_bytes);
        text_of_missing(table, layout);
    }
    arena_destroy(table->strings);
    table->strings = arena_create();
    uint64_t left = table->count - first;
    table->first = first;
    table->held = left < CHUNK_ROWS ? left : CHUNK_ROWS;
    for (size_t i = 0; i < layout->column_count; i++) {
        if (!read_column(reader, index, i)) {
            return false;
        }
    }
    return true;
}

const void *trace_reader_row(struct trace_reader *reader, enum trace_table which, uint64_t number)
{
    struct read_table *table = &reader->tables[which];
    if (number >= table->count || reader->failed) {
        return NULL;
    }
    bool there =
        table->rows != NULL && number >= table->first && number - table->first < table->held;
    if (!there && !read_chunk(reader, which, number - number % CHUNK_ROWS)) {
        return NULL;
    }
    return table->rows + (number - table->first) * trace_tables[which].row_bytes;
}

bool trace_reader_close(struct trace_reader *reader)
{
    for (size_t i = 0; i < TRACE_TABLE_COUNT; i++) {
        struct read_table *table = &reader->tables[i];
        for (size_t j = 0; table->columns != NULL && j < trace_tables[i].column_count; j++) {
            if (table->columns[j].dataset >= 0) {
                H5Dclose(table->columns[j].dataset);
            }
            if (table->columns[j].memory_type >= 0) {
                H5Tclose(table->columns[j].memory_type);
            }
        }
        arena_destroy(table->strings);
    }
    H5Fclose(reader->file);
    bool sound = !reader->failed;
    arena_destroy(reader->arena);
    return sound;
}
