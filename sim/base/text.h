/* SPDX-License-Identifier: MIT
 * A text that grows at its end, in an arena. Start from {.arena = arena}; `bytes` is always a
 * NUL-terminated string once something has been added. */
#ifndef CPSIM_SIM_BASE_TEXT_H
#define CPSIM_SIM_BASE_TEXT_H

#include "sim/base/arena.h"

#include <stddef.h>

struct text {
    struct arena *arena;
    char *bytes;
    size_t length, capacity;
};

/* Room for so many bytes and a NUL, at once. */
void text_reserve(struct text *text, size_t bytes);
void text_add(struct text *text, const char *string);
void text_append(struct text *text, const char *bytes, size_t length);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Spaces until the last line is `column` wide. */
void text_pad(struct text *text, size_t column);
/* Words of `string`, broken into lines of at most `width`, each after `indent` spaces. */
void text_wrap(struct text *text, const char *string, size_t indent, size_t width);
/* In double quotes, with the escapes that YAML and JSON share. */
void text_quote(struct text *text, const char *string);

#endif
