/* SPDX-License-Identifier: MIT */
#include "sim/base/text.h"

#include "sim/base/printable.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* `capacity` bytes in all. */
static void grow(struct text *text, size_t capacity)
{
    char *larger = ARENA_ARRAY(text->arena, char, capacity);
    if (text->length > 0) {
        memcpy(larger, text->bytes, text->length);
    }
    text->bytes = larger;
    text->capacity = capacity;
}

static void reserve(struct text *text, size_t more)
{
    if (text->capacity - text->length > more) {
        return;
    }
    size_t capacity = text->capacity == 0 ? 256 : text->capacity;
    while (capacity - text->length <= more) {
        capacity *= 2;
    }
    grow(text, capacity);
}

void text_reserve(struct text *text, size_t bytes)
{
    if (text->capacity - text->length <= bytes) {
        grow(text, text->length + bytes + 1);
    }
}

void text_append(struct text *text, const char *bytes, size_t length)
{
    reserve(text, length);
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0 && "a format that vsnprintf cannot print");
    reserve(text, (size_t)length);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
    va_end(again);
    text->length += (size_t)length;
}

static size_t last_line_width(const struct text *text)
{
    size_t width = 0;
    while (width < text->length && text->bytes[text->length - width - 1] != '\n') {
        width++;
    }
    return width;
}

void text_pad(struct text *text, size_t column)
{
    for (size_t width = last_line_width(text); width < column; width++) {
        text_append(text, " ", 1);
    }
}

void text_wrap(struct text *text, const char *string, size_t indent, size_t width)
{
    text_pad(text, indent);
    size_t start = last_line_width(text);
    while (*string != '\0') {
        size_t word = strcspn(string, " ");
        size_t line = last_line_width(text);
        if (line > start && line + 1 + word > width) {
            text_append(text, "\n", 1);
            text_pad(text, indent);
            start = indent;
        } else if (line > start) {
            text_append(text, " ", 1);
        }
        text_append(text, string, word);
        string += word;
        string += strspn(string, " ");
    }
    text_append(text, "\n", 1);
}

void text_quote(struct text *text, const char *string)
{
    text_append(text, "\"", 1);
    size_t length = 0;
    for (const char *c = string; *c != '\0'; c += length) {
        uint32_t code = printable_next(c, &length);
        if (*c == '"' || *c == '\\') {
            text_append(text, "\\", 1);
        }
        if (!printable_is_safe(code)) {
            text_print(text, "\\u%04x", code == PRINTABLE_BAD ? 0xfffdU : (unsigned)code);
        } else {
            text_append(text, c, length);
        }
    }
    text_append(text, "\"", 1);
}
