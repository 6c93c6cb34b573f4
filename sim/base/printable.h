/* SPDX-License-Identifier: MIT
 * Text that others wrote (a title, a key, a file's name, a word of the command line) on its way to
 * a terminal. Control characters would be obeyed there, some others turn a line around, and bytes
 * that are no UTF-8 are read as anything: all of them are shown by their number. */
#ifndef CPSIM_SIM_BASE_PRINTABLE_H
#define CPSIM_SIM_BASE_PRINTABLE_H

#include "sim/base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The code point that `bytes` begin with and, in `*length`, its bytes; PRINTABLE_BAD and a length
 * of 1 for what is no UTF-8. `bytes` end with a NUL. */
#define PRINTABLE_BAD UINT32_MAX
uint32_t printable_next(const char *bytes, size_t *length);

/* Whether a code point may reach a terminal, a web page or a line-wise reader as it is: no control
 * character (C0, DEL, C1), no separator of lines or paragraphs, none that changes the direction of
 * what follows. */
bool printable_is_safe(uint32_t code);

/* Appends `string`; what is not safe as \u001b, what is no UTF-8 as \xff. Line ends and tabs stay.
 */
void printable_add(struct text *text, const char *string);

/* The same text in the arena: itself when all of it is safe. */
const char *printable(struct arena *arena, const char *string);

/* printf, with all of it made printable: line ends and tabs stay, escapes of the format too must
 * come from elsewhere. */
void print_safely(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
