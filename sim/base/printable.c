/* SPDX-License-Identifier: MIT */
#include "sim/base/printable.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

uint32_t printable_next(const char *bytes, size_t *length)
{
    static const struct {
        unsigned char mask, mark;
        uint32_t least; /* a shorter form would do for less: no UTF-8 */
    } forms[] = {
        {0x80, 0x00, 0x00}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    const unsigned char *at = (const unsigned char *)bytes;
    *length = 1;
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
        if ((at[0] & forms[form].mask) != forms[form].mark) {
            continue;
        }
        uint32_t code = at[0] & (unsigned char)~forms[form].mask;
        for (size_t i = 1; i <= form; i++) {
            if ((at[i] & 0xc0) != 0x80) {
                return PRINTABLE_BAD;
            }
            code = code << 6 | (at[i] & 0x3fU);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        if (code < forms[form].least || code > 0x10ffff || surrogate) {
            return PRINTABLE_BAD;
        }
        *length = form + 1;
        return code;
    }
    return PRINTABLE_BAD;
}

bool printable_is_safe(uint32_t code)
{
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    bool separator = code == 0x2028 || code == 0x2029;
    bool turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return code != PRINTABLE_BAD && !control && !separator && !turns;
}

void printable_add(struct text *text, const char *string)
{
    text_add(text, "");
    size_t length = 0;
    for (const char *c = string; *c != '\0'; c += length) {
        uint32_t code = printable_next(c, &length);
        if (code == PRINTABLE_BAD) {
            text_print(text, "\\x%02x", (unsigned)(unsigned char)*c);
        } else if (code == '\n' || code == '\t' || printable_is_safe(code)) {
            text_append(text, c, length);
        } else {
            text_print(text, "\\u%04x", (unsigned)code);
        }
    }
}

const char *printable(struct arena *arena, const char *string)
{
    struct text text = {.arena = arena};
    printable_add(&text, string);
    return strcmp(text.bytes, string) == 0 ? string : text.bytes;
}

void print_safely(FILE *stream, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0 && "a format that vsnprintf cannot print");
    struct arena *arena = arena_create();
    char *raw = ARENA_ARRAY(arena, char, (size_t)length + 1);
    vsnprintf(raw, (size_t)length + 1, format, again);
    va_end(again);
    fputs(printable(arena, raw), stream);
    arena_destroy(arena);
}
