/* SPDX-License-Identifier: MIT
 * A line of a trace that is JSON (RFC 8259), or an object of a list over several, read once from
 * its start to its end. The cursor moves along; whoever finds a fault complains at it and returns
 * false. */
#ifndef CPSIM_SIM_SERVING_LOAD_JSON_LINE_H
#define CPSIM_SIM_SERVING_LOAD_JSON_LINE_H

#include "sim/serving/load/request_trace.h"

/* Reads a value, which the cursor is at, and moves past it. `key`: of an object's member, as it is
 * written, `length` bytes without quotes; NULL in a list. */
typedef bool json_value(struct trace_line *line, const char *key, size_t length, void *data);

/* The line is an object: calls `member` for each. */
bool json_line_object(struct trace_line *line, json_value *member, void *data);
/* The value at the cursor is an object inside of another. */
bool json_line_inner(struct trace_line *line, json_value *member, void *data);
/* The value at the cursor is a text: how many characters (code points) it has, escapes resolved. */
bool json_line_text(struct trace_line *line, uint64_t *characters);
/* The value at the cursor is a list: calls `item` for each. */
bool json_line_list(struct trace_line *line, const char *expected, json_value *item, void *data);
/* A value of any kind, passed over. */
bool json_line_skip(struct trace_line *line);

#endif
