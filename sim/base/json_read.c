/* SPDX-License-Identifier: MIT */
#include "sim/base/json_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct arena *arena;
    const char *file;
    char *cursor, *line_start;
    const char *end;
    unsigned line, depth;
    struct json_value *open; /* [open_count of open_capacity]: items of what is not closed yet */
    size_t open_count, open_capacity;
    struct diagnostics *diagnostics;
};

static bool complain(const struct reader *reader, const char *what)
{
    struct mark mark = {.file = reader->file,
                        .line = reader->line,
                        .column = (unsigned)(reader->cursor - reader->line_start) + 1};
    DIAGNOSE_ERROR(reader->diagnostics, mark, "%s", what);
    return false;
}

static void skip_blanks(struct reader *reader)
{
    for (;; reader->cursor++) {
        if (*reader->cursor == '\n') {
            reader->line++;
            reader->line_start = reader->cursor + 1;
        } else if (*reader->cursor != ' ' && *reader->cursor != '\t' && *reader->cursor != '\r') {
            return;
        }
    }
}

/* --- strings --- */

/* Four hexadecimal digits at `at`. */
static bool read_hex(const char *at, unsigned *code)
{
    *code = 0;
    for (size_t i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)at[i];
        unsigned digit = c >= '0' && c <= '9'   ? c - (unsigned)'0'
                         : c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10U
                         : c >= 'A' && c <= 'F' ? c - (unsigned)'A' + 10U
                                                : 16U;
        if (digit == 16) {
            return false;
        }
        *code = 16 * *code + digit;
    }
    return true;
}

static char *put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* Behind "\u" at the cursor. A pair of surrogates is one character; half of one stands for none. */
static bool read_unicode(struct reader *reader, char **out)
{
    unsigned code = 0, low = 0;
    if (!read_hex(reader->cursor, &code)) {
        return complain(reader, "expected four hexadecimal digits behind \\u");
    }
    reader->cursor += 4;
    if (code >= 0xd800 && code < 0xdc00 && reader->cursor[0] == '\\' && reader->cursor[1] == 'u' &&
        read_hex(reader->cursor + 2, &low) && low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        reader->cursor += 6;
    } else if (code == 0 || (code >= 0xd800 && code < 0xe000)) {
        code = 0xfffd;
    }
    *out = put_utf8(*out, code);
    return true;
}

/* The string at the cursor, on its quote; unescaped where it stands, which is never longer. */
static bool read_string(struct reader *reader, const char **text, size_t *length)
{
    static const char escapes[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char *out = ++reader->cursor;
    *text = out;
    while (*reader->cursor != '"') {
        if ((unsigned char)*reader->cursor < 0x20) {
            return complain(reader, "a string ends with its line: expected '\"'");
        }
        if (*reader->cursor != '\\') {
            *out++ = *reader->cursor++;
            continue;
        }
        char escape = *++reader->cursor;
        const char *known = escape == '\0' ? NULL : strchr(escapes, escape);
        if (escape == 'u') {
            reader->cursor++;
            if (!read_unicode(reader, &out)) {
                return false;
            }
        } else if (known != NULL) {
            *out++ = values[known - escapes];
            reader->cursor++;
        } else {
            return complain(reader,
                            "no such escape; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
        }
    }
    reader->cursor++;
    *out = '\0'; /* on the closing quote or before it */
    *length = (size_t)(out - *text);
    return true;
}

/* --- values --- */

static bool read_value(struct reader *reader, struct json_value *value);

static struct json_value *push(struct reader *reader)
{
    if (reader->open_count == reader->open_capacity) {
        size_t capacity = reader->open_capacity == 0 ? 64 : 2 * reader->open_capacity;
        struct json_value *open = ARENA_ARRAY(reader->arena, struct json_value, capacity);
        if (reader->open_count > 0) {
            memcpy(open, reader->open, reader->open_count * sizeof *open);
        }
        reader->open = open;
        reader->open_capacity = capacity;
    }
    return &reader->open[reader->open_count++];
}

static bool read_key(struct reader *reader, const char **key)
{
    size_t length = 0;
    if (*reader->cursor != '"') {
        return complain(reader, "expected a key in quotes");
    }
    if (!read_string(reader, key, &length)) {
        return false;
    }
    skip_blanks(reader);
    if (*reader->cursor != ':') {
        return complain(reader, "expected ':' behind a key");
    }
    reader->cursor++;
    skip_blanks(reader);
    return true;
}

static bool read_items(struct reader *reader, struct json_value *value, char closing)
{
    size_t first = reader->open_count;
    reader->cursor++;
    skip_blanks(reader);
    while (*reader->cursor != closing) {
        const char *key = NULL;
        struct json_value item = {0};
        if ((closing == '}' && !read_key(reader, &key)) || !read_value(reader, &item)) {
            return false;
        }
        item.key = key;
        *push(reader) = item;
        skip_blanks(reader);
        if (*reader->cursor == ',') {
            reader->cursor++;
            skip_blanks(reader);
            if (*reader->cursor == closing) {
                return complain(reader, "expected another item behind ','");
            }
        } else if (*reader->cursor != closing) {
            return complain(reader, closing == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
        }
    }
    reader->cursor++;
    value->count = reader->open_count - first;
    value->items = ARENA_ARRAY(reader->arena, struct json_value, value->count + 1);
    if (value->count > 0) {
        memcpy(value->items, reader->open + first, value->count * sizeof *value->items);
    }
    reader->open_count = first;
    return true;
}

static bool read_word(struct reader *reader, struct json_value *value)
{
    static const struct {
        const char *word;
        struct json_value value;
    } words[] = {
        {"null", {.kind = JSON_NULL}},
        {"true", {.kind = JSON_BOOLEAN, .boolean = true}},
        {"false", {.kind = JSON_BOOLEAN}},
        {"NaN", {.kind = JSON_NUMBER, .number = (double)NAN}},
        {"Infinity", {.kind = JSON_NUMBER, .number = (double)INFINITY}},
        {"-Infinity", {.kind = JSON_NUMBER, .number = -(double)INFINITY}},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].word);
        if (strncmp(reader->cursor, words[i].word, length) == 0) {
            struct json_value found = words[i].value;
            found.line = value->line;
            found.column = value->column;
            *value = found;
            reader->cursor += length;
            return true;
        }
    }
    char *after = NULL;
    size_t plain = strspn(reader->cursor, "+-.0123456789eE");
    value->kind = JSON_NUMBER;
    value->number = plain > 0 ? strtod(reader->cursor, &after) : 0.0;
    if (plain == 0 || after != reader->cursor + plain) {
        return complain(reader, "expected a JSON value");
    }
    reader->cursor = after;
    return true;
}

static bool read_value(struct reader *reader, struct json_value *value)
{
    *value = (struct json_value){.line = reader->line,
                                 .column = (unsigned)(reader->cursor - reader->line_start) + 1};
    char first = *reader->cursor;
    if (first == '"') {
        value->kind = JSON_STRING;
        return read_string(reader, &value->text, &value->count);
    }
    if (first != '{' && first != '[') {
        return read_word(reader, value);
    }
    if (reader->depth == JSON_READ_MAX_DEPTH) {
        return complain(reader, "lists and objects lie deeper than 64 in each other");
    }
    reader->depth++;
    value->kind = first == '{' ? JSON_OBJECT : JSON_ARRAY;
    bool read = read_items(reader, value, first == '{' ? '}' : ']');
    reader->depth--;
    return read;
}

struct json_value *json_parse(struct arena *arena, const char *file, unsigned first_line,
                              char *text, size_t length, struct diagnostics *diagnostics)
{
    struct reader reader = {.arena = arena,
                            .file = file,
                            .cursor = text,
                            .line_start = text,
                            .end = text + length,
                            .line = first_line,
                            .diagnostics = diagnostics};
    struct json_value *value = ARENA_NEW(arena, struct json_value);
    skip_blanks(&reader);
    if (!read_value(&reader, value)) {
        return NULL;
    }
    skip_blanks(&reader);
    if (reader.cursor != reader.end) {
        complain(&reader, "expected the end of the file");
        return NULL;
    }
    return value;
}

/* --- looking --- */

const struct json_value *json_get(const struct json_value *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT) {
        return NULL;
    }
    for (size_t i = object->count; i > 0; i--) {
        if (strcmp(object->items[i - 1].key, key) == 0) {
            return &object->items[i - 1];
        }
    }
    return NULL;
}

double json_get_number(const struct json_value *object, const char *key, double otherwise)
{
    const struct json_value *value = json_get(object, key);
    return value == NULL || value->kind != JSON_NUMBER || !isfinite(value->number) ? otherwise
                                                                                   : value->number;
}

const char *json_get_text(const struct json_value *object, const char *key)
{
    const struct json_value *value = json_get(object, key);
    return value == NULL || value->kind != JSON_STRING ? "" : value->text;
}

struct mark json_mark(const char *file, const struct json_value *value)
{
    return (struct mark){.file = file, .line = value->line, .column = value->column};
}
