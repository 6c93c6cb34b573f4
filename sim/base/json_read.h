/* SPDX-License-Identifier: MIT
 * A JSON text (RFC 8259) as a tree whose every value knows its place. Python's NaN and Infinity are
 * read as numbers. Pure but for its diagnostics; everything lives in the arena, texts in the buffer
 * that was given, which is changed. */
#ifndef CPSIM_SIM_BASE_JSON_READ_H
#define CPSIM_SIM_BASE_JSON_READ_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

enum { JSON_READ_MAX_DEPTH = 64 };

enum json_kind { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    enum json_kind kind;
    unsigned line, column;
    const char *key; /* of an object's member; NULL: it is none */
    size_t count;    /* items, members; bytes of a string */
    union {
        bool boolean;
        double number;
        const char *text;         /* NUL-terminated */
        struct json_value *items; /* [count] of an array or an object */
    };
};

/* The value that `text` [length], NUL-terminated, is; NULL after an error. `first_line` is the
 * number of its first line in `file`. */
struct json_value *json_parse(struct arena *arena, const char *file, unsigned first_line,
                              char *text, size_t length, struct diagnostics *diagnostics);

/* The member of that key, the last of equal ones; NULL when there is none or it is no object. */
const struct json_value *json_get(const struct json_value *object, const char *key);
/* Its number; `otherwise` when there is none. */
double json_get_number(const struct json_value *object, const char *key, double otherwise);
const char *json_get_text(const struct json_value *object, const char *key); /* "": none */

struct mark json_mark(const char *file, const struct json_value *value);

#endif
