/* SPDX-License-Identifier: MIT */
#include "sim/trace/hdf5_file.h"

#include "sim/base/output_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void hdf5_prepare(void)
{
    /* HDF5's exit hook flushes what a full disk has refused once, and complains on stderr. */
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

hid_t hdf5_access_list(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_file_locking(access, true, true);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    return access;
}

bool hdf5_create_part(struct part_file *part, struct arena *arena, const char *path,
                      const char *what, struct diagnostics *diagnostics)
{
    const struct mark mark = {.file = path};
    struct stat status;
    bool there = stat(path, &status) == 0;
    if (there && !S_ISREG(status.st_mode)) {
        DIAGNOSE_ERROR(diagnostics, mark, "cannot write %s: it is there and is %s; %s", what,
                       S_ISDIR(status.st_mode) ? "a folder" : "not a file",
                       S_ISDIR(status.st_mode) ? hdf5_advice(EISDIR) : "name a file");
        return false;
    }
    if (!output_is_no_input(path, diagnostics)) {
        return false;
    }
    if (!part_file_create(part, arena, path, PART_KNOWN, diagnostics)) {
        int reason = errno;
        DIAGNOSE_SYSTEM(diagnostics, mark, reason, "cannot write %s: %s; %s", what,
                        strerror(reason), hdf5_advice(reason));
        return false;
    }
    return true;
}

hid_t hdf5_create_file(const char *part_path)
{
    hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = hdf5_access_list();
    H5Pset_file_locking(access, false, true);
    /* No times, and an order of our own: equal runs give equal bytes. */
    H5Pset_obj_track_times(creation, false);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED);
    /* Small nodes in the trees of chunks: the default, 2 KiB a column, is most of a short trace. */
    H5Pset_istore_k(creation, 8);
    hid_t file = H5Fcreate(part_path, H5F_ACC_TRUNC, creation, access);
    if (file >= 0) {
        H5Pclose(access);
        H5Pclose(creation);
    }
    return file;
}

hid_t hdf5_string_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static hid_t enum_type(const struct trace_column *column)
{
    hid_t type = H5Tenum_create(H5T_STD_U8LE);
    for (unsigned char value = 0; column->members[value] != NULL; value++) {
        H5Tenum_insert(type, column->members[value], &value);
    }
    return type;
}

hid_t hdf5_file_type(const struct trace_column *column)
{
    switch (column->type) {
    case TRACE_F64:
        return H5Tcopy(H5T_IEEE_F64LE);
    case TRACE_U64:
        return H5Tcopy(H5T_STD_U64LE);
    case TRACE_U32:
        return H5Tcopy(H5T_STD_U32LE);
    case TRACE_ENUM:
        return enum_type(column);
    case TRACE_STRING:
        return hdf5_string_type();
    case TRACE_NAME:
        return H5Tcopy(H5T_STD_U16LE);
    case TRACE_TYPE_COUNT:
        break;
    }
    return H5I_INVALID_HID;
}

hid_t hdf5_memory_type(const struct trace_column *column)
{
    switch (column->type) {
    case TRACE_F64:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case TRACE_U64:
        return H5Tcopy(H5T_NATIVE_UINT64);
    case TRACE_U32:
        return H5Tcopy(H5T_NATIVE_UINT32);
    case TRACE_ENUM:
        return enum_type(column);
    case TRACE_STRING:
        return hdf5_string_type();
    case TRACE_NAME:
        return H5Tcopy(H5T_NATIVE_UINT16);
    case TRACE_TYPE_COUNT:
        break;
    }
    return H5I_INVALID_HID;
}

static bool write_attribute(hid_t object, const char *name, hid_t space, hid_t file_type,
                            hid_t memory_type, const void *value)
{
    hid_t attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool written = attribute >= 0 && H5Awrite(attribute, memory_type, value) >= 0;
    /* Closing would clear the error stack that the caller is about to read. */
    if (attribute >= 0 && written) {
        written = H5Aclose(attribute) >= 0;
    }
    return written;
}

bool hdf5_write_text(hid_t object, const char *name, const char *text)
{
    hid_t space = H5Screate(H5S_SCALAR), type = hdf5_string_type();
    bool written = write_attribute(object, name, space, type, type, &text);
    if (written) {
        H5Tclose(type);
        H5Sclose(space);
    }
    return written;
}

bool hdf5_write_texts(hid_t object, const char *name, const char *const *texts, size_t count)
{
    hsize_t length = count;
    hid_t space = H5Screate_simple(1, &length, NULL), type = hdf5_string_type();
    bool written = write_attribute(object, name, space, type, type, texts);
    if (written) {
        H5Tclose(type);
        H5Sclose(space);
    }
    return written;
}

bool hdf5_write_u64(hid_t object, const char *name, uint64_t value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    bool written = write_attribute(object, name, space, H5T_STD_U64LE, H5T_NATIVE_UINT64, &value);
    if (written) {
        H5Sclose(space);
    }
    return written;
}

bool hdf5_write_f64(hid_t object, const char *name, double value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    bool written = write_attribute(object, name, space, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value);
    if (written) {
        H5Sclose(space);
    }
    return written;
}

hid_t hdf5_create_group(hid_t parent, const char *name, const char *long_name)
{
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, false);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (group < 0 || !hdf5_write_text(group, "long_name", long_name)) {
        return H5I_INVALID_HID;
    }
    H5Pclose(creation);
    return group;
}

bool hdf5_describe(hid_t dataset, const struct trace_column *column)
{
    return hdf5_write_text(dataset, "units", column->units) &&
           hdf5_write_text(dataset, "long_name", column->long_name);
}

bool hdf5_append(hid_t dataset, hid_t memory_type, hsize_t rows, size_t count, const void *cells)
{
    hsize_t added = count, extent = rows + added;
    if (H5Dset_extent(dataset, &extent) < 0) {
        return false;
    }
    hid_t memory_space = H5Screate_simple(1, &added, NULL), file_space = H5Dget_space(dataset);
    bool written =
        H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &rows, NULL, &added, NULL) >= 0 &&
        H5Dwrite(dataset, memory_type, memory_space, file_space, H5P_DEFAULT, cells) >= 0;
    if (written) {
        H5Sclose(file_space);
        H5Sclose(memory_space);
    }
    return written;
}

/* The innermost record comes first: where the system said no, or where HDF5 lost its way. */
static herr_t innermost(unsigned depth, const H5E_error2_t *error, void *data)
{
    (void)depth;
    struct hdf5_failure *failure = data;
    const char *number = strstr(error->desc, "errno = ");
    if (failure->text[0] == '\0' || (failure->errno_value == 0 && number != NULL)) {
        snprintf(failure->text, sizeof failure->text, "%s", error->desc);
    }
    if (failure->errno_value == 0 && number != NULL) {
        failure->errno_value = (int)strtol(number + strlen("errno = "), NULL, 10);
    }
    return 0;
}

struct hdf5_failure hdf5_failure(void)
{
    struct hdf5_failure failure = {.errno_value = 0};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, &failure);
    return failure;
}

int64_t hdf5_row_count(hid_t dataset)
{
    /* Deflate makes at most 1,032 bytes of one; a chunk more for what a fill is. */
    const double most_of_a_byte = 1100.0;
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    hssize_t rows = H5Sget_simple_extent_npoints(space);
    double bytes = (double)rows * (double)H5Tget_size(type);
    double stored = (double)H5Dget_storage_size(dataset);
    H5Tclose(type);
    H5Sclose(space);
    return rows < 0 || bytes > most_of_a_byte * stored ? -1 : (int64_t)rows;
}

const char *hdf5_advice(int errno_value)
{
    static const struct {
        int errno_value;
        const char *advice;
    } advice[] = {
        {.errno_value = ENOSPC, .advice = "free some space, or write the trace to another disk"},
        {.errno_value = EDQUOT, .advice = "free some of your quota, or write it to another disk"},
        {.errno_value = EFBIG, .advice = "raise the limit on file sizes (ulimit -f)"},
        {.errno_value = ENOENT, .advice = "make the folder first (mkdir -p), or name another"},
        {.errno_value = ENOTDIR, .advice = "a part of the path is a file; name another folder"},
        {.errno_value = EMFILE, .advice = "raise the limit on open files (ulimit -n)"},
        {.errno_value = EISDIR, .advice = "name a file in that folder"},
        {.errno_value = EACCES, .advice = "name a folder that you may write to"},
        {.errno_value = EPERM, .advice = "name a folder that you may write to"},
        {.errno_value = EROFS, .advice = "name a folder on a disk that can be written"},
        {.errno_value = ENAMETOOLONG, .advice = "choose a shorter name"},
    };
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++) {
        if (advice[i].errno_value == errno_value) {
            return advice[i].advice;
        }
    }
    return "try another folder or disk";
}
