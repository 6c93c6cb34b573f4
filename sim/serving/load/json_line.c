/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/json_line.h"

#include <string.h>

enum { MOST_DEPTH = 32 };

static void skip_blanks(struct trace_line *line)
{
    line->cursor += strspn(line->cursor, " \t\r\n"); /* an object of a list may go over lines */
}

/* Past a character of a text, however it is written; counts it. Of a pair \\ud83d\\ude00, which is
 * one character, the first half is not counted. */
static const char *skip_character(const char *at, uint64_t *characters)
{
    bool escape = *at == '\\' && at[1] != '\0';
    bool coded = escape && at[1] == 'u' && strspn(at + 2, "0123456789abcdefABCDEF") >= 4;
    bool first_half = coded && (at[2] == 'd' || at[2] == 'D') && strchr("89abAB", at[3]) != NULL;
    bool continues = ((unsigned char)*at & 0xC0U) == 0x80U; /* a later byte of UTF-8 */
    *characters += !first_half && !continues;
    return at + (coded ? 6 : escape ? 2 : 1);
}

/* At an opening quote; moves past the closing one. */
static bool skip_string(struct trace_line *line, uint64_t *characters)
{
    const char *at = line->cursor + 1;
    *characters = 0;
    while (*at != '"') {
        if (*at == '\0') {
            return trace_complain(line, "a text without an end; expected '\"' behind it");
        }
        at = skip_character(at, characters);
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
    uint64_t characters = 0;
    *key = line->cursor + 1;
    if (!skip_string(line, &characters)) {
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
        uint64_t characters = 0;
        return skip_string(line, &characters);
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

bool json_line_text(struct trace_line *line, uint64_t *characters)
{
    return *line->cursor == '"' ? skip_string(line, characters)
                                : trace_complain(line, "expected a text in quotes");
}

bool json_line_list(struct trace_line *line, const char *expected, json_value *item, void *data)
{
    return *line->cursor == '[' ? read_items(line, false, item, data)
                                : trace_complain(line, expected);
}

bool json_line_inner(struct trace_line *line, json_value *member, void *data)
{
    return *line->cursor == '{' ? read_items(line, true, member, data)
                                : trace_complain(line, "expected a JSON object");
}

bool json_line_object(struct trace_line *line, json_value *member, void *data)
{
    skip_blanks(line);
    if (!json_line_inner(line, member, data)) {
        return false;
    }
    skip_blanks(line);
    return *line->cursor == '\0' || trace_complain(line, "expected the line's end");
}
