/* SPDX-License-Identifier: MIT */
#include "sim/base/fold.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Bytes of an escape that sets a style, 0 where none begins. */
static size_t escape_bytes(const char *bytes)
{
    if (bytes[0] != '\x1b' || bytes[1] != '[') {
        return 0;
    }
    size_t length = 2 + strspn(bytes + 2, "0123456789;");
    return bytes[length] == '\0' ? length : length + 1;
}

/* Bytes of the next character or escape; `*columns` grows by what it takes. */
static size_t step(const char *bytes, size_t *columns)
{
    size_t length = escape_bytes(bytes);
    if (length > 0) {
        return length;
    }
    length = 1;
    while (((unsigned char)bytes[length] & 0xC0) == 0x80) {
        length++;
    }
    *columns += 1;
    return length;
}

size_t fold_columns(const char *bytes)
{
    size_t columns = 0;
    while (*bytes != '\0' && *bytes != '\n') {
        bytes += step(bytes, &columns);
    }
    return columns;
}

/* A line may end so much earlier for the sake of a comma. */
enum { CLAUSE_ROOM = 24 };

static size_t indent_of(const char *line)
{
    size_t spaces = strspn(line, " ");
    if (spaces > 0) {
        return spaces < FOLD_WIDTH / 2 ? spaces : FOLD_WIDTH / 2;
    }
    bool labelled = strcspn(line, "\n") > FOLD_LABEL &&
                    memcmp(line + FOLD_LABEL - 2, "  ", 2) == 0 && line[FOLD_LABEL] != ' ';
    return labelled ? FOLD_LABEL : 2;
}

/* "84.9 GB", "13 %", "4 x h100": one thing. */
static bool is_inside_quantity(const char *line, const char *space)
{
    const char *word = space;
    while (word > line && word[-1] != ' ') {
        word--;
    }
    bool number = isdigit((unsigned char)word[0]) || strchr("$<~+-.", word[0]) != NULL;
    return number && isdigit((unsigned char)space[-1]) &&
           (isalpha((unsigned char)space[1]) || space[1] == '%');
}

/* Where to break a line that is too wide: where the next begins, or the space before; NULL when
 * there is none. `from`: where its text begins, before which there is no break. */
static const char *break_of(const char *line, const char *from, size_t width)
{
    size_t columns = 0;
    const char *clause = NULL, *word = NULL, *any = NULL, *inside = NULL, *at = line;
    size_t clause_columns = 0;
    while (*at != '\0' && *at != '\n' && columns <= width) {
        inside = at > from && at[-1] == ',' && *at != ' ' && columns < width ? at : inside;
        if (*at == ' ' && at > from && at[-1] != ' ') {
            any = at;
            if (!is_inside_quantity(line, at)) {
                word = at;
                if (strchr(",;:.", at[-1]) != NULL || at[1] == '(') {
                    clause = at;
                    clause_columns = columns;
                }
            }
        }
        at += step(at, &columns);
    }
    if (any == NULL && inside != NULL) {
        return inside; /* in a list without spaces, such as a CSV header */
    }
    if (any == NULL) { /* a word wider than the line: break behind it */
        const char *space = strchr(at, ' '), *end = strchr(at, '\n');
        return space != NULL && (end == NULL || space < end) ? space : NULL;
    }
    if (clause != NULL && clause_columns + CLAUSE_ROOM > width) {
        return clause;
    }
    return word != NULL ? word : any;
}

static void add_spaces(struct text *text, size_t count)
{
    while (count-- > 0) {
        text_append(text, " ", 1);
    }
}

/* One line without its end. */
static void fold_line(struct text *text, const char *line, size_t width)
{
    size_t indent = indent_of(line), room = width;
    const char *from = line + strspn(line, " ");
    if (indent == FOLD_LABEL && from == line) {
        from = line + FOLD_LABEL;
    }
    while (fold_columns(line) > room) {
        const char *space = break_of(line, from, room);
        if (space == NULL) {
            break;
        }
        text_append(text, line, (size_t)(space - line));
        text_append(text, "\n", 1);
        add_spaces(text, indent);
        line = space + strspn(space, " ");
        from = line;
        room = width - indent;
    }
    text_append(text, line, strcspn(line, "\n"));
}

void fold(struct text *text, const char *string, size_t width)
{
    text_add(text, "");
    while (*string != '\0') {
        fold_line(text, string, width);
        string += strcspn(string, "\n");
        if (*string == '\n') {
            text_append(text, "\n", 1);
            string++;
        }
    }
}
