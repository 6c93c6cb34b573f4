/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace_check.h"

#include "sim/base/arena.h"
#include "sim/base/file.h"
#include "sim/trace/hdf5_file.h"
#include "sim/trace/trace_tables.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { CHUNK_ROWS = 64 * 1024 };

struct check {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct mark mark;
    char *place; /* [TRACE_PLACE_BYTES] or NULL */
    hid_t file;
    bool newer; /* a minor version that may have more columns than we know */
    uint64_t row_counts[TRACE_TABLE_COUNT];
    void *cells; /* [CHUNK_ROWS] */
};

/* A column that looks as it should: what is in it can be looked at. */
struct sound_column {
    const struct trace_table_layout *table;
    const struct trace_column *column;
    hid_t dataset;
    uint64_t row_count;
    uint64_t value_limit; /* of a code: members of the enum, or categories */
};

#define FAULT(check, ...) DIAGNOSE_ERROR((check)->diagnostics, (check)->mark, __VA_ARGS__)

static void note_place(const struct check *check, const char *place)
{
    if (check->place != NULL) {
        snprintf(check->place, TRACE_PLACE_BYTES, "%s", place);
    }
}

/* The text of an attribute, in the arena; NULL when there is none or it is no text. */
static const char *read_text(struct check *check, hid_t object, const char *name)
{
    if (H5Aexists(object, name) <= 0) {
        return NULL;
    }
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    hid_t space = H5Aget_space(attribute), memory_type = hdf5_string_type();
    const char *result = NULL;
    char *text = NULL;
    if (H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aread(attribute, memory_type, &text) >= 0 && text != NULL) {
        result = arena_strdup(check->arena, text);
        H5free_memory(text);
    }
    H5Tclose(memory_type);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return result;
}

static void expect_text(struct check *check, hid_t object, const char *place, const char *name,
                        const char *expected)
{
    const char *text = read_text(check, object, name);
    if (text == NULL) {
        FAULT(check, "%s: the attribute %s is missing or not UTF-8 text of variable length", place,
              name);
    } else if (expected != NULL && strcmp(text, expected) != 0) {
        FAULT(check, "%s: %s is '%s', expected '%s'", place, name, text, expected);
    }
}

/* Reads an attribute whole, whatever it is of (an H5A_operator2_t of a check): negative where it
 * cannot be read, or is larger than any that is written. */
static herr_t read_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data)
{
    (void)info;
    const struct check *check = data;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0) {
        return -1;
    }
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    size_t bytes = H5Tget_size(type);
    herr_t status = -1;
    if (count >= 0 && bytes > 0 && (size_t)count <= CHUNK_ROWS * sizeof(double) / bytes) {
        status = H5Aread(attribute, type, check->cells);
        if (status >= 0 && count > 0) {
            status = H5Dvlen_reclaim(type, space, H5P_DEFAULT, check->cells);
        }
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return status;
}

/* What is not looked at by name is read all the same: others read all there is. */
static void check_attributes(struct check *check, hid_t object, const char *place)
{
    note_place(check, place);
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, read_attribute, check) < 0) {
        FAULT(check, "%s: damaged: its attributes cannot be read", place);
    }
}

/* Elements of an attribute's value; 0 when there is none. */
static uint64_t attribute_length(hid_t object, const char *name)
{
    if (H5Aexists(object, name) <= 0) {
        return 0;
    }
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), space = H5Aget_space(attribute);
    hssize_t length = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    H5Aclose(attribute);
    return length > 0 ? (uint64_t)length : 0;
}

static const char *describe_type(struct check *check, hid_t type)
{
    size_t bits = 8 * H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        return arena_printf(check->arena, "%sint%zu", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "",
                            bits);
    case H5T_FLOAT:
        return arena_printf(check->arena, "float%zu", bits);
    case H5T_STRING:
        return H5Tis_variable_str(type) > 0 ? "string" : "string of fixed length";
    case H5T_ENUM:
        return "enum with other members";
    case H5T_TIME:
    case H5T_BITFIELD:
    case H5T_OPAQUE:
    case H5T_COMPOUND:
    case H5T_REFERENCE:
    case H5T_VLEN:
    case H5T_ARRAY:
    case H5T_NO_CLASS:
    case H5T_NCLASSES:
        break;
    }
    return "something else";
}

/* What is wrong with what could not be opened: it is not there, or where it is cannot be read. */
static const char *missing(htri_t there, const char *words)
{
    return there == 0 ? words : "damaged: it cannot be opened";
}

static bool check_type(struct check *check, hid_t dataset, const char *place,
                       const struct trace_column *column)
{
    hid_t type = H5Dget_type(dataset), expected = hdf5_file_type(column);
    bool equal = H5Tequal(type, expected) > 0;
    if (!equal) {
        FAULT(check, "%s: the type is %s, expected %s", place, describe_type(check, type),
              column->type == TRACE_NAME ? "uint16 codes of names" : trace_type_name(column->type));
    }
    H5Tclose(expected);
    H5Tclose(type);
    return equal;
}

/* Checks what a column is. Fills `sound` and returns true when what is in it can be checked too;
 * sound->dataset is then the caller's to close. */
static bool check_column(struct check *check, hid_t group, const struct trace_table_layout *table,
                         const struct trace_column *column, struct sound_column *sound)
{
    const char *place = arena_printf(check->arena, "/%s/%s", table->name, column->name);
    note_place(check, place);
    htri_t there = H5Lexists(group, column->name, H5P_DEFAULT);
    hid_t dataset = there > 0 ? H5Dopen2(group, column->name, H5P_DEFAULT) : H5I_INVALID_HID;
    if (dataset < 0) {
        FAULT(check, "%s: %s", place, missing(there, "the column is missing"));
        return false;
    }
    check_attributes(check, dataset, place);
    expect_text(check, dataset, place, "units", column->units);
    expect_text(check, dataset, place, "long_name", NULL);
    if (column->row_of != NULL) {
        expect_text(check, dataset, place, "row_of", column->row_of);
    }
    bool usable = check_type(check, dataset, place, column);
    hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_ndims(space) != 1) {
        FAULT(check, "%s: has %d dimensions, expected 1", place, H5Sget_simple_extent_ndims(space));
        usable = false;
    }
    int64_t rows = usable ? hdf5_row_count(dataset) : 0;
    if (rows < 0) {
        FAULT(check, "%s: damaged: it says that it has more rows than its bytes can hold", place);
        usable = false;
    }
    *sound = (struct sound_column){
        .table = table,
        .column = column,
        .dataset = dataset,
        .row_count = usable ? (uint64_t)rows : 0,
        .value_limit = column->type == TRACE_ENUM ? trace_member_count(column)
                                                  : attribute_length(dataset, "categories"),
    };
    H5Sclose(space);
    if (!usable) {
        H5Dclose(dataset);
    }
    return usable;
}

enum { FAULT_BYTES = 120 };

/* Whether a cell is as it should be; when not, `text` says what is wrong with it. */
static bool check_cell(const struct check *check, const struct sound_column *sound,
                       uint64_t row_limit, size_t index, char text[static FAULT_BYTES])
{
    const struct trace_column *column = sound->column;
    switch (column->type) {
    case TRACE_F64: {
        double value = ((const double *)check->cells)[index];
        if ((isfinite(value) && value >= 0.0) || (isnan(value) && column->may_be_missing)) {
            return true;
        }
        snprintf(text, FAULT_BYTES, "%g is not a finite number from 0 up", value);
        return false;
    }
    case TRACE_U32: {
        uint32_t value = ((const uint32_t *)check->cells)[index];
        if (column->row_of == NULL || value < row_limit) {
            return true;
        }
        snprintf(text, FAULT_BYTES, "%" PRIu32 " is no row of /%s, which has %" PRIu64, value,
                 column->row_of, row_limit);
        return false;
    }
    case TRACE_ENUM: {
        uint8_t value = ((const uint8_t *)check->cells)[index];
        if (value < sound->value_limit) {
            return true;
        }
        snprintf(text, FAULT_BYTES, "%u is no member of the enum", value);
        return false;
    }
    case TRACE_NAME: {
        uint16_t value = ((const uint16_t *)check->cells)[index];
        if (value < sound->value_limit) {
            return true;
        }
        snprintf(text, FAULT_BYTES, "%u is no category; there are %" PRIu64, value,
                 sound->value_limit);
        return false;
    }
    case TRACE_U64: /* every value is possible */
    case TRACE_STRING:
    case TRACE_TYPE_COUNT:
        break;
    }
    return true;
}

static bool read_cells(struct check *check, const struct sound_column *sound, hid_t memory_type,
                       hsize_t start, hsize_t count)
{
    hid_t memory_space = H5Screate_simple(1, &count, NULL);
    hid_t file_space = H5Dget_space(sound->dataset);
    H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, NULL, &count, NULL);
    herr_t status =
        H5Dread(sound->dataset, memory_type, memory_space, file_space, H5P_DEFAULT, check->cells);
    H5Sclose(file_space);
    H5Sclose(memory_space);
    return status >= 0;
}

/* Rows of a table that is written when the run is over. Those of a run that was broken off are rows
 * of what is not there yet; a run that ended well says how many events it took. */
static bool is_not_there_yet(const struct check *check, uint64_t row_count)
{
    return row_count == 0 && H5Aexists(check->file, "events") == 0;
}

/* Looks at every cell; reports the first fault of the column and how many more there are. */
static void check_cells(struct check *check, const struct sound_column *sound)
{
    const struct trace_column *column = sound->column;
    if (column->type == TRACE_STRING) {
        return; /* any text will do */
    }
    note_place(check, arena_printf(check->arena, "/%s/%s", sound->table->name, column->name));
    uint64_t row_limit = 0;
    for (size_t i = 0; column->row_of != NULL && i < TRACE_TABLE_COUNT; i++) {
        if (strcmp(trace_tables[i].name, column->row_of) == 0) {
            row_limit =
                is_not_there_yet(check, check->row_counts[i]) ? UINT64_MAX : check->row_counts[i];
        }
    }
    hid_t memory_type = hdf5_memory_type(column);
    char first_fault[FAULT_BYTES], later_fault[FAULT_BYTES];
    uint64_t first_row = 0, faults = 0;
    for (uint64_t start = 0; start < sound->row_count; start += CHUNK_ROWS) {
        uint64_t left = sound->row_count - start, count = left < CHUNK_ROWS ? left : CHUNK_ROWS;
        if (!read_cells(check, sound, memory_type, start, count)) {
            FAULT(check, "/%s/%s: row %" PRIu64 " and those after it cannot be read: %s",
                  sound->table->name, column->name, start, hdf5_failure().text);
            break;
        }
        for (size_t i = 0; i < count; i++) {
            if (!check_cell(check, sound, row_limit, i, faults == 0 ? first_fault : later_fault) &&
                faults++ == 0) {
                first_row = start + i;
            }
        }
    }
    H5Tclose(memory_type);
    if (faults > 0) {
        FAULT(check, "/%s/%s: row %" PRIu64 ": %s (%" PRIu64 " faulty row%s)", sound->table->name,
              column->name, first_row, first_fault, faults, faults == 1 ? "" : "s");
    }
}

/* Whether a group (or the root, when `table` is NULL) should have something called `name`. */
static bool is_known(const struct trace_table_layout *table, const char *name)
{
    size_t count = table == NULL ? TRACE_TABLE_COUNT : table->column_count;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, table == NULL ? trace_tables[i].name : table->columns[i].name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_names(struct check *check, hid_t group, const struct trace_table_layout *table)
{
    H5G_info_t info;
    if (check->newer || H5Gget_info(group, &info) < 0) {
        return;
    }
    for (hsize_t i = 0; i < info.nlinks; i++) {
        char name[80] = "";
        H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                           H5P_DEFAULT);
        if (!is_known(table, name)) {
            FAULT(check, "/%s%s%s: format " TRACE_FORMAT " has no such thing",
                  table == NULL ? "" : table->name, table == NULL ? "" : "/", name);
        }
    }
}

/* Adds the table's sound columns to sounds[] and returns how many. */
static size_t check_table(struct check *check, size_t index, struct sound_column *sounds)
{
    const struct trace_table_layout *table = &trace_tables[index];
    const char *place = arena_printf(check->arena, "/%s", table->name);
    note_place(check, place);
    htri_t there = H5Lexists(check->file, table->name, H5P_DEFAULT);
    hid_t group = there > 0 ? H5Gopen2(check->file, table->name, H5P_DEFAULT) : H5I_INVALID_HID;
    if (group < 0) {
        if (there != 0 || !table->optional) {
            FAULT(check, "%s: %s", place, missing(there, "the table is missing"));
        }
        return 0;
    }
    check_attributes(check, group, place);
    expect_text(check, group, place, "long_name", NULL);
    size_t count = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        struct sound_column *sound = &sounds[count];
        if (!check_column(check, group, table, &table->columns[i], sound)) {
            continue;
        }
        if (count++ == 0) {
            check->row_counts[index] = sound->row_count;
        } else if (sound->row_count != sounds[0].row_count) {
            FAULT(check, "%s/%s: has %" PRIu64 " rows, but %s has %" PRIu64, place,
                  sound->column->name, sound->row_count, sounds[0].column->name,
                  sounds[0].row_count);
        }
    }
    check_names(check, group, table);
    H5Gclose(group);
    return count;
}

static void check_tables(struct check *check)
{
    size_t column_count = 0;
    for (size_t i = 0; i < TRACE_TABLE_COUNT; i++) {
        column_count += trace_tables[i].column_count;
    }
    struct sound_column *sounds = ARENA_ARRAY(check->arena, struct sound_column, column_count);
    size_t sound_count = 0;
    for (size_t i = 0; i < TRACE_TABLE_COUNT; i++) {
        sound_count += check_table(check, i, sounds + sound_count);
    }
    check_names(check, check->file, NULL);
    /* Only now is every table's length known. */
    for (size_t i = 0; i < sound_count; i++) {
        check_cells(check, &sounds[i]);
        H5Dclose(sounds[i].dataset);
    }
}

/* Whether the file is of a format that can be checked at all. */
static bool check_format(struct check *check)
{
    const char *format = read_text(check, check->file, "cpsim_format");
    if (format == NULL) {
        FAULT(check, H5Aexists(check->file, "cpsim_format") == 0
                         ? "not a trace of cpsim: its root has no attribute cpsim_format"
                         : "/: damaged: its attributes cannot be read");
        return false;
    }
    size_t major_length = strcspn(TRACE_FORMAT, ".") + 1;
    if (strncmp(format, TRACE_FORMAT, major_length) != 0) {
        FAULT(check, "its format is %s, and this cpsim knows " TRACE_FORMAT, format);
        return false;
    }
    check->newer = strcmp(format, TRACE_FORMAT) != 0;
    return true;
}

static void check_root(struct check *check)
{
    static const char *const texts[] = {"cpsim_version", "git_revision", "simgrid_version",
                                        "scenario"};
    check_attributes(check, check->file, "/");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        expect_text(check, check->file, "/", texts[i], NULL);
    }
    if (attribute_length(check->file, "seed") != 1) {
        FAULT(check, "/: the attribute seed is missing");
    }
}

static hid_t open_file(struct check *check)
{
    const char *path = check->mark.file;
    note_place(check, "its beginning");
    const char *fault = file_fault(path);
    if (fault != NULL) {
        FAULT(check, "cannot be read: %s", fault);
        return H5I_INVALID_HID;
    }
    hid_t access = hdf5_access_list();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (file < 0) {
        struct hdf5_failure failure = hdf5_failure();
        FAULT(check, "cannot be read: %s",
              failure.errno_value != 0 ? strerror(failure.errno_value)
                                       : "not an HDF5 file, or one that was cut short");
    }
    H5Pclose(access);
    return file;
}

int trace_check_file(const char *path, char *place, struct diagnostics *diagnostics)
{
    hdf5_prepare();
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct check check = {.arena = arena_create(),
                          .diagnostics = diagnostics,
                          .mark = {.file = path},
                          .place = place};
    check.cells = arena_array(check.arena, CHUNK_ROWS, sizeof(double));
    check.file = open_file(&check);
    if (check.file >= 0) {
        if (check_format(&check)) {
            check_root(&check);
            check_tables(&check);
        }
        note_place(&check, "its end");
        H5Fclose(check.file);
    }
    arena_destroy(check.arena);
    return diagnostics_error_count(diagnostics) == errors_before ? 0 : 2;
}
