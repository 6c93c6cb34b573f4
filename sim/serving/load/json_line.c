/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/json_line.h"

#include <string.h>

enum { MOST_DEPTH = 32 };

static void skip_blanks(struct trace_line *line)
{
    while (*line->cursor == ' ' || *line->cursor == '\t') {
        line->cursor++;
    }
}

/* At an opening quote; moves past the closing one. */
static bool skip_string(struct trace_line *line)
{
    const char *at = line->cursor + 1;
    while (*at != '"') {
        at += *at == '\\' && at[1] != '\0' ? 2 : 1;
        if (*at == '\0') {
            return trace_complain(line, "a text without an end; expected '\"' behind it");
        }
    }
    line->cursor = at + 1;
    return true;
}

/* Moves past a key and its colon, to its value. */
static bool read_key(struct trace_line *line, const char **key, size_t *length)
{
    if (*line->cursor != '"') {
        return trace_complain(line, "expected a key in quotes");
    }
    *key = line->cursor + 1;
    if (!skip_string(line)) {
        return false;
    }
    *length = (size_t)(line->cursor - *key) - 1;
    skip_blanks(line);
    if (*line->cursor != ':') {
        return trace_complain(line, "expected ':' and a value");
    }
    line->cursor++;
    skip_blanks(line);
    return true;
}

/* At an opening bracket; moves past the one that closes it. */
static bool read_items(struct trace_line *line, bool keyed, json_value *each, void *data)
{
    char close = keyed ? '}' : ']';
    line->cursor++;
    skip_blanks(line);
    if (*line->cursor == close) {
        line->cursor++;
        return true;
    }
    for (;;) {
        const char *key = NULL;
        size_t length = 0;
        if ((keyed && !read_key(line, &key, &length)) || !each(line, key, length, data)) {
            return false;
        }
        skip_blanks(line);
        if (*line->cursor == close) {
            line->cursor++;
            return true;
        }
        if (*line->cursor != ',') {
            return trace_complain(line, keyed ? "expected ',' or '}'" : "expected ',' or ']'");
        }
        line->cursor++;
        skip_blanks(line);
    }
}

static bool skip_value(struct trace_line *line, const char *key, size_t length, void *data)
{
    static const char *const words[] = {"true", "false", "null"};
    (void)key, (void)length;
    if (*line->cursor == '{' || *line->cursor == '[') {
        unsigned deeper = *(const unsigned *)data + 1;
        return deeper > MOST_DEPTH ? trace_complain(line, "lists in lists: deeper than 32")
                                   : read_items(line, *line->cursor == '{', skip_value, &deeper);
    }
    if (*line->cursor == '"') {
        return skip_string(line);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strncmp(line->cursor, words[i], strlen(words[i])) == 0) {
            line->cursor += strlen(words[i]);
            return true;
        }
    }
    double number = 0.0;
    return trace_number(line, &number);
}

bool json_line_skip(struct trace_line *line)
{
    unsigned depth = 0;
    return skip_value(line, NULL, 0, &depth);
}

bool json_line_list(struct trace_line *line, const char *expected, json_value *item, void *data)
{
    return *line->cursor == '[' ? read_items(line, false, item, data)
                                : trace_complain(line, expected);
}

bool json_line_object(struct trace_line *line, json_value *member, void *data)
{
    skip_blanks(line);
    if (*line->cursor != '{') {
        return trace_complain(line, "expected a JSON object");
    }
    if (!read_items(line, true, member, data)) {
        return false;
    }
    skip_blanks(line);
    return *line->cursor == '\0' || trace_complain(line, "expected the line's end");
}
