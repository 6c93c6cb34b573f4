/* SPDX-License-Identifier: MIT
 * JSON as it is written, with commas where they belong. The stream is the caller's. */
#ifndef CPSIM_SIM_BASE_JSON_H
#define CPSIM_SIM_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_MAX_DEPTH = 16 };

struct json {
    FILE *stream;
    unsigned depth;
    unsigned one_line_depth;     /* containers so deep and deeper stay on one line; 0: none does */
    bool filled[JSON_MAX_DEPTH]; /* the container already has an item */
};

/* `key` is NULL for items of an array and for the outermost value. */
void json_open(struct json *json, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *json, char bracket);                 /* '}' or ']' */
void json_string(struct json *json, const char *key, const char *value);
void json_boolean(struct json *json, const char *key, bool value);
void json_count(struct json *json, const char *key, uint64_t value);
void json_number(struct json *json, const char *key, double value); /* not finite: null */
/* As few digits as read back to the same number; json_number() keeps ten. */
void json_exact(struct json *json, const char *key, double value);

enum { EXACT_NUMBER_BYTES = 32 };
/* The same digits, for other formats than JSON. `value` is finite. Returns `text`. */
const char *exact_number(double value, char text[static EXACT_NUMBER_BYTES]);

#endif
