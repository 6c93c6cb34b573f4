/* SPDX-License-Identifier: MIT */
#include "sim/base/diagnostics.h"

#include "sim/base/printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEPT_DIAGNOSTICS = 100 };

struct diagnostic {
    enum severity severity;
    struct mark mark;
    const char *message;
};

struct input {
    dev_t device;
    ino_t inode;
    const char *path;
    struct input *next;
};

struct diagnostics {
    struct arena *arena;
    struct diagnostic kept[KEPT_DIAGNOSTICS];
    size_t count, error_count; /* count may exceed KEPT_DIAGNOSTICS */
    size_t failure_count;      /* of the errors */
    struct input *inputs;
};

struct diagnostics *diagnostics_create(void)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = ARENA_NEW(arena, struct diagnostics);
    diagnostics->arena = arena;
    return diagnostics;
}

void diagnostics_destroy(struct diagnostics *diagnostics)
{
    if (diagnostics != NULL) {
        arena_destroy(diagnostics->arena);
    }
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Whether the same was said of the same place before: a scenario's pools are checked one by one. */
static bool was_said(const struct diagnostics *diagnostics, enum severity severity,
                     struct mark mark, const char *message)
{
    for (size_t i = 0; i < diagnostics->count && i < KEPT_DIAGNOSTICS; i++) {
        const struct diagnostic *kept = &diagnostics->kept[i];
        if (kept->severity == severity && kept->mark.line == mark.line &&
            kept->mark.column == mark.column && is_same_text(kept->mark.file, mark.file) &&
            strcmp(kept->message, message) == 0) {
            return true;
        }
    }
    return false;
}

void diagnostics_add(struct diagnostics *diagnostics, enum severity severity, struct mark mark,
                     const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    size_t size = length < 0 ? 1 : (size_t)length + 1;
    char *message = arena_array(diagnostics->arena, size, 1);
    va_start(arguments, format);
    vsnprintf(message, size, format, arguments);
    va_end(arguments);
    if (was_said(diagnostics, severity, mark, message)) {
        return;
    }
    diagnostics->error_count += severity >= SEVERITY_ERROR;
    diagnostics->failure_count += severity == SEVERITY_FAILURE;
    if (diagnostics->count++ >= KEPT_DIAGNOSTICS) {
        return;
    }
    diagnostics->kept[diagnostics->count - 1] = (struct diagnostic){
        .severity = severity,
        .mark = {.file = mark.file == NULL ? NULL : arena_strdup(diagnostics->arena, mark.file),
                 .line = mark.line,
                 .column = mark.column},
        .message = message,
    };
}

size_t diagnostics_error_count(const struct diagnostics *diagnostics)
{
    return diagnostics->error_count;
}

size_t diagnostics_failure_count(const struct diagnostics *diagnostics)
{
    return diagnostics->failure_count;
}

enum severity severity_of_errno(int reason)
{
    static const int machine[] = {ENOSPC, EDQUOT, EFBIG, EIO, EMFILE, ENFILE, ENOMEM, EAGAIN};
    for (size_t i = 0; i < sizeof machine / sizeof *machine; i++) {
        if (machine[i] == reason) {
            return SEVERITY_FAILURE;
        }
    }
    return SEVERITY_ERROR;
}

void diagnostics_add_input(struct diagnostics *diagnostics, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return;
    }
    struct input *input = ARENA_NEW(diagnostics->arena, struct input);
    *input = (struct input){.device = status.st_dev,
                            .inode = status.st_ino,
                            .path = arena_strdup(diagnostics->arena, path),
                            .next = diagnostics->inputs};
    diagnostics->inputs = input;
}

const char *diagnostics_input(const struct diagnostics *diagnostics, const char *path)
{
    struct stat status;
    bool file = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    for (const struct input *input = diagnostics->inputs; file && input != NULL;
         input = input->next) {
        if (input->device == status.st_dev && input->inode == status.st_ino) {
            return input->path;
        }
    }
    return NULL;
}

const char *diagnostics_first(const struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count && i < KEPT_DIAGNOSTICS; i++) {
        if (diagnostics->kept[i].severity >= SEVERITY_ERROR) {
            return diagnostics->kept[i].message;
        }
    }
    return "";
}

/* In the order of the file; what has no place keeps its order, before the rest. */
static int by_place(const void *left, const void *right)
{
    const struct diagnostic *a = *(const struct diagnostic *const *)left;
    const struct diagnostic *b = *(const struct diagnostic *const *)right;
    int files =
        strcmp(a->mark.file == NULL ? "" : a->mark.file, b->mark.file == NULL ? "" : b->mark.file);
    if (files != 0) {
        return files;
    }
    if (a->mark.line != b->mark.line) {
        return a->mark.line < b->mark.line ? -1 : 1;
    }
    if (a->mark.column != b->mark.column) {
        return a->mark.column < b->mark.column ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

void diagnostics_print(const struct diagnostics *diagnostics, FILE *stream)
{
    static const char *const words[] = {[SEVERITY_NOTE] = "note",
                                        [SEVERITY_WARNING] = "warning",
                                        [SEVERITY_ERROR] = "error",
                                        [SEVERITY_FAILURE] = "error"};
    const struct diagnostic *order[KEPT_DIAGNOSTICS];
    size_t kept = diagnostics->count < KEPT_DIAGNOSTICS ? diagnostics->count : KEPT_DIAGNOSTICS;
    for (size_t i = 0; i < kept; i++) {
        order[i] = &diagnostics->kept[i];
    }
    qsort(order, kept, sizeof *order, by_place);
    for (size_t i = 0; i < kept; i++) {
        const struct diagnostic *diagnostic = order[i];
        const struct mark *mark = &diagnostic->mark;
        if (mark->line > 0) {
            print_safely(stream, "%s:%u:%u: ", mark->file, mark->line, mark->column);
        } else if (mark->file != NULL) {
            print_safely(stream, "%s: ", mark->file);
        } else {
            fprintf(stream, "cpsim: ");
        }
        print_safely(stream, "%s: %s\n", words[diagnostic->severity], diagnostic->message);
    }
    if (diagnostics->count > kept) {
        fprintf(stream, "... and %zu more\n", diagnostics->count - kept);
    }
    if (diagnostics->error_count > 0) {
        fprintf(stream, "%zu error%s\n", diagnostics->error_count,
                diagnostics->error_count == 1 ? "" : "s");
    }
}
