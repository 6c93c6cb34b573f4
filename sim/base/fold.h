/* SPDX-License-Identifier: MIT
 * What people read, in lines of a width: text that others wrote one sentence a line is broken at
 * commas and words, and goes on under its own beginning. Tables (sim/base/table.h) fit by
 * themselves. Escapes take no room, and UTF-8 takes a column a character. */
#ifndef CPSIM_SIM_BASE_FOLD_H
#define CPSIM_SIM_BASE_FOLD_H

#include "sim/base/text.h"

#include <stddef.h>

enum {
    FOLD_WIDTH = 80, /* of a terminal, unless one says that it is wider */
    FOLD_MOST = 1000,
    FOLD_LABEL = 16 /* where the text behind a label begins: "energy          7.76 MJ" */
};

/* Columns that `bytes` takes, up to its end or the end of its line. */
size_t fold_columns(const char *bytes);

/* `string`, each of its lines broken where it is wider than `width`: after a comma or a semicolon
 * where one is near the end, otherwise between words, never between a number and its unit. What
 * follows stands under the text behind a label, under the indentation, or two columns in. A word
 * that is wider is broken after a comma, or stays whole. */
void fold(struct text *text, const char *string, size_t width);

#endif
