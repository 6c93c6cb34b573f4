/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/request_trace.h"

#include "sim/base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 64, MAX_FAULTS = 20 };
#define MOST_TOKENS 1e9
#define MOST_SECONDS 1e8 /* three years: a microsecond still counts beside it */
#define MOST_BYTES ((size_t)4 << 30)

static const struct trace_format *const formats[REQUEST_TRACE_FORMAT_COUNT] = {
    REQUEST_TRACES(ROW_OBJECT)};
static const char *const format_names[REQUEST_TRACE_FORMAT_COUNT] = {REQUEST_TRACES(ROW_NAME)};

/* --- lines --- */

bool trace_complain(const struct trace_line *line, const char *what)
{
    struct mark mark = {.file = line->path, .line = line->number, .column = line->indent + 1};
    for (const char *c = line->start; c < line->cursor; c++) {
        mark.column = *c == '\n' ? 1 : mark.column + 1;
        mark.line += *c == '\n';
    }
    DIAGNOSE_ERROR(line->diagnostics, mark, "%s", what);
    return false;
}

bool trace_number(struct trace_line *line, double *value)
{
    char *end = NULL;
    size_t plain = strspn(line->cursor, "+-.0123456789eE"); /* no hexadecimal, no "nan" */
    *value = plain > 0 ? strtod(line->cursor, &end) : 0.0;
    if (plain == 0 || end != line->cursor + plain || !isfinite(*value)) {
        return trace_complain(line, "expected a number");
    }
    line->cursor = end;
    size_t blanks = strspn(end, " \t\r\n");
    if (strchr(",]}", end[blanks]) == NULL) { /* or the line's end */
        return trace_complain(line, "expected nothing behind this number: its unit is known");
    }
    return true;
}

bool trace_tokens(struct trace_line *line, const char *what, double least, uint32_t *tokens)
{
    struct trace_line at = *line;
    double value = 0.0;
    if (!trace_number(line, &value)) {
        return false;
    }
    if (value != floor(value) || value < least || value > MOST_TOKENS) {
        return trace_complain(&at, what);
    }
    *tokens = (uint32_t)value;
    return true;
}

static bool ends_field(char c)
{
    return c == ',' || c == '\0' || c == '\r' || c == '\n';
}

/* Past a field; a quoted one may have commas in it. */
static const char *skip_field(const char *cursor)
{
    if (*cursor == '"') {
        for (cursor++; *cursor != '\0' && (*cursor != '"' || cursor[1] == '"'); cursor++) {
            cursor += *cursor == '"'; /* two of them stand for one */
        }
    }
    while (!ends_field(*cursor)) {
        cursor++;
    }
    return cursor;
}

bool trace_column(struct trace_line *line, unsigned index)
{
    line->cursor = line->start;
    for (unsigned i = 0; i < MAX_COLUMNS; i++) {
        if (line->columns[i] == index + 1) {
            while (*line->cursor == ' ') {
                line->cursor++;
            }
            return !ends_field(*line->cursor);
        }
        line->cursor = skip_field(line->cursor);
        if (*line->cursor != ',') {
            return false;
        }
        line->cursor++;
    }
    return false;
}

bool trace_class(struct trace_line *line, uint16_t *class_number)
{
    size_t length = 0;
    while (!ends_field(line->cursor[length])) {
        length++;
    }
    const char *names = "";
    for (size_t i = 0; i < line->classes->count; i++) {
        const char *name = line->classes->says[i].name;
        if (strlen(name) == length && strncmp(name, line->cursor, length) == 0) {
            *class_number = (uint16_t)(i + 1);
            return true;
        }
        names = arena_printf(line->arena, "%s%s%s", names, i == 0 ? "" : ", ", name);
    }
    return trace_complain(line, arena_printf(line->arena,
                                             "no class of workload.classes has this name; "
                                             "expected one of: %s",
                                             names));
}

/* --- files --- */

/* The whole file, NUL-terminated; NULL after a complaint. */
static char *read_text(struct arena *arena, const char *path, const char *expected,
                       struct diagnostics *diagnostics)
{
    size_t size = 0;
    char *text = file_read(arena, path, MOST_BYTES, expected, &size, diagnostics);
    const char *zero = text == NULL ? NULL : memchr(text, '\0', size);
    if (zero == NULL) {
        return text;
    }
    struct mark mark = {.file = path, .line = 1, .column = 1};
    for (const char *c = text; c < zero; c++) {
        mark.column = *c == '\n' ? 1 : mark.column + 1;
        mark.line += *c == '\n';
    }
    DIAGNOSE_ERROR(diagnostics, mark, "a zero byte: this is not a text file; expected %s",
                   expected);
    return NULL;
}

/* Cuts the next line off `*rest`; false at the end. Empty lines are passed over. */
static bool next_line(char **rest, struct trace_line *line)
{
    while (**rest != '\0') {
        char *start = *rest;
        size_t length = strcspn(start, "\n");
        *rest = start + length + (start[length] == '\n');
        start[length] = '\0';
        if (length > 0 && start[length - 1] == '\r') {
            start[--length] = '\0';
        }
        line->number++;
        line->start = line->cursor = start;
        line->end = start + length;
        if (length > 0) {
            return true;
        }
    }
    return false;
}

/* A list of objects while it is cut into them. */
struct list {
    char *rest, kept; /* behind the last object, and what stood there before it was ended */
    bool begun;
};

/* To the next character that is no blank; `line` follows. */
static char *skip_white(char *cursor, struct trace_line *line)
{
    for (; *cursor != '\0' && strchr(" \t\r\n", *cursor) != NULL; cursor++) {
        line->indent = *cursor == '\n' ? 0 : line->indent + 1;
        line->number += *cursor == '\n';
    }
    line->start = line->cursor = cursor;
    return cursor;
}

/* Behind the object that begins at the cursor, or at the end. */
static char *object_end(char *cursor)
{
    size_t depth = 0;
    for (bool quoted = false; *cursor != '\0'; cursor++) {
        if (*cursor == '"') {
            quoted = !quoted;
        } else if (quoted) {
            cursor += *cursor == '\\' && cursor[1] != '\0';
        } else if (*cursor == '{') {
            depth++;
        } else if (*cursor == '}' && --depth == 0) {
            return cursor + 1;
        }
    }
    return cursor;
}

/* Cuts the next object off the list; false at the end and after a complaint. */
static bool next_object(struct list *list, struct trace_line *line)
{
    for (const char *c = line->start; c < list->rest; c++) { /* past the object before */
        line->indent = *c == '\n' ? 0 : line->indent + 1;
        line->number += *c == '\n';
    }
    if (list->kept != '\0') {
        *list->rest = list->kept;
    }
    char *cursor = skip_white(list->rest, line);
    char between = list->begun ? ',' : '[';
    if (*cursor == between) {
        line->indent++;
        cursor = skip_white(cursor + 1, line);
    } else if (*cursor != ']' || !list->begun) {
        return trace_complain(line, list->begun ? "expected ',' or ']'"
                                                : "expected '[' and a list of objects, as JSON");
    }
    if (*cursor == ']') {
        line->indent++;
        cursor = skip_white(cursor + 1, line);
        return *cursor != '\0' && trace_complain(line, "expected the file's end");
    }
    list->begun = true;
    list->rest = *cursor == '{' ? object_end(cursor) : cursor;
    list->kept = *list->rest;
    line->end = list->rest;
    if (*cursor != '{') {
        return trace_complain(line, "expected an object, '{'");
    }
    *list->rest = '\0';
    return true;
}

/* What the columns of a table are called: by its format, or as the scenario says. NULL ends them.
 */
static const char *const *names_of_columns(struct arena *arena, const struct arrivals *arrivals)
{
    const struct trace_columns *own = &arrivals->columns;
    const char *const *names = formats[arrivals->format]->columns;
    if (names == NULL || arrivals->format != REQUEST_TRACE_CSV) {
        return names;
    }
    enum { MOST = 9 };
    const char **called = ARENA_ARRAY(arena, const char *, MOST);
    for (size_t i = 0; i + 1 < MOST && names[i] != NULL; i++) {
        const char *others[] = {own->prompt, own->output, own->arrival, own->session};
        bool renamed = i < sizeof others / sizeof *others && others[i] != NULL;
        called[i] = renamed ? others[i] : names[i];
    }
    return called;
}

/* Which of the format's columns each column of the file is, counted from 1; 0: another. */
static bool read_header(struct trace_line *line, enum request_trace_format kind,
                        const char *const *called, unsigned char *columns)
{
    const struct trace_format *format = formats[kind];
    size_t found = 0;
    unsigned column = 0;
    const char *cursor = line->start;
    for (;; cursor++, column++) {
        while (*cursor == ' ' || (unsigned char)*cursor >= 0x80) {
            cursor++; /* a byte order mark */
        }
        size_t length = strcspn(cursor, ",");
        for (unsigned i = 0; called[i] != NULL && column < MAX_COLUMNS; i++) {
            if (strlen(called[i]) == length && strncmp(called[i], cursor, length) == 0) {
                columns[column] = (unsigned char)(i + 1);
                found += i < format->required;
            }
        }
        cursor += length;
        if (*cursor == '\0') {
            break;
        }
    }
    if (found == format->required) {
        return true;
    }
    const char *names = "";
    for (size_t i = 0; i < format->required; i++) {
        names = arena_printf(line->arena, "%s%s%s", names, i == 0 ? "" : ", ", called[i]);
    }
    return trace_complain(line, arena_printf(line->arena,
                                             "a column is missing; a trace of format '%s' begins "
                                             "with a line of names, with at least: %s",
                                             format_names[kind], names));
}

/* At least as many as there are lines, or objects of a list. */
static size_t count_items(const char *text, char mark)
{
    size_t items = 1;
    for (const char *c = text; *c != '\0'; c++) {
        items += *c == mark;
    }
    return items;
}

const char *request_trace_dropped(enum request_trace_format format)
{
    return formats[format]->dropped != NULL ? formats[format]->dropped : "no answer asked for";
}

struct reader {
    const struct arrivals *arrivals;
    struct request_trace *trace;
    double first_seconds, last_seconds; /* as the file has them */
    size_t items;                       /* read, dropped ones too */
};

/* Keeps what the scenario asks for. False after a complaint. */
static bool keep_item(struct reader *reader, struct trace_line *line, struct trace_item *item)
{
    struct request_trace *trace = reader->trace;
    item->seconds = line->timed ? item->seconds : 0.0;
    if (reader->items == 0) {
        reader->first_seconds = item->seconds;
    } else if (item->seconds < reader->last_seconds) {
        line->cursor = line->start;
        return trace_complain(line, "its time is before that of the line above; sort the trace");
    }
    reader->items++;
    reader->last_seconds = item->seconds;
    double seconds = item->seconds - reader->first_seconds - reader->arrivals->start_seconds;
    bool wanted = reader->arrivals->limit == 0 || trace->count < reader->arrivals->limit;
    if (seconds < 0.0 || !wanted) {
        return true;
    }
    if (item->output_tokens == 0) {
        trace->dropped++;
        return true;
    }
    item->seconds = line->timed ? seconds * reader->arrivals->time_scale : 0.0;
    if (item->seconds > MOST_SECONDS) {
        line->cursor = line->start;
        return trace_complain(line, "its time is more than 1e8 s after the first one's (or what "
                                    "`time_scale` makes of it)");
    }
    trace->items[trace->count++] = *item;
    return true;
}

bool request_trace_read(struct arena *arena, const struct arrivals *arrivals, bool timed,
                        const struct trace_classes *classes, struct request_trace *trace,
                        struct diagnostics *diagnostics)
{
    const struct trace_format *format = formats[arrivals->format];
    *trace = (struct request_trace){0};
    size_t before = diagnostics_error_count(diagnostics);
    char *text = read_text(arena, arrivals->file, "a trace of requests, as text", diagnostics);
    if (text == NULL) {
        return false;
    }
    trace->items =
        ARENA_ARRAY(arena, struct trace_item, count_items(text, format->listed ? '{' : '\n'));
    unsigned char columns[MAX_COLUMNS] = {0};
    struct trace_line line = {.path = arrivals->file,
                              .arena = arena,
                              .diagnostics = diagnostics,
                              .columns = columns,
                              .timed = timed,
                              .classes = classes,
                              .time_unit_seconds = pow(1e-3, arrivals->columns.unit),
                              .characters_per_token = arrivals->characters_per_token};
    char *rest = text;
    line.start = line.cursor = text;
    if (format->columns != NULL &&
        (next_line(&rest, &line),
         !read_header(&line, arrivals->format, names_of_columns(arena, arrivals), columns))) {
        return false;
    }
    struct reader reader = {.arrivals = arrivals, .trace = trace};
    struct list list = {.rest = text};
    line.number = format->listed ? 1 : line.number;
    while ((format->listed ? next_object(&list, &line) : next_line(&rest, &line)) &&
           diagnostics_error_count(diagnostics) < before + MAX_FAULTS) {
        struct trace_item item = {0};
        if (format->read(&line, &item)) {
            keep_item(&reader, &line, &item);
        }
    }
    if (diagnostics_error_count(diagnostics) == before && trace->count == 0) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = arrivals->file}),
                       "no request is left to play: the trace is empty, or `start` is after its "
                       "end");
    }
    return diagnostics_error_count(diagnostics) == before;
}

bool length_table_read(struct arena *arena, const char *path, struct length_table *table,
                       struct diagnostics *diagnostics)
{
    size_t before = diagnostics_error_count(diagnostics);
    char *text = read_text(arena, path, "a length a line, as text", diagnostics);
    if (text == NULL) {
        return false;
    }
    *table = (struct length_table){.tokens = ARENA_ARRAY(arena, uint32_t, count_items(text, '\n'))};
    struct trace_line line = {.path = path, .arena = arena, .diagnostics = diagnostics};
    while (next_line(&text, &line) && diagnostics_error_count(diagnostics) < before + MAX_FAULTS) {
        if (trace_tokens(&line, "expected a whole number of tokens, 1 to 1e9", 1.0,
                         &table->tokens[table->count])) {
            table->count++;
        }
    }
    if (diagnostics_error_count(diagnostics) == before && table->count == 0) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = path}),
                       "holds no length; expected a whole number of tokens a line");
    }
    return diagnostics_error_count(diagnostics) == before;
}
