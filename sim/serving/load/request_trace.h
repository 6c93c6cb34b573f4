/* SPDX-License-Identifier: MIT
 * A recorded trace of requests, read whole. What is wrong with a line is an error with its place;
 * requests that no service can answer (no answer asked for) are dropped and counted. A format is a
 * file and a row of REQUEST_TRACES in sim/scenario/serving.h. */
#ifndef CPSIM_SIM_SERVING_LOAD_REQUEST_TRACE_H
#define CPSIM_SIM_SERVING_LOAD_REQUEST_TRACE_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"
#include "sim/scenario/scenario.h"

/* Classes and adapters that a file may name; none: what it says of them is not looked at. */
struct trace_classes {
    const struct request_class *says; /* [count] */
    size_t count;
    uint32_t adapters;
};

struct trace_item {
    double seconds; /* from the trace's first request */
    uint32_t prompt_tokens, output_tokens;
    uint32_t session;      /* 0: none */
    uint16_t class_number; /* from 1; 0: the file does not say */
    uint16_t adapter;      /* likewise; the file counts from 0 */
    uint32_t hash_count;
    const uint32_t *hashes; /* [hash_count] */
    uint32_t hash_tokens;   /* of a block that a hash names */
    bool runs;              /* they are of CONTENT_RUNS (request.h), else of CONTENT_HASHES */
};

struct request_trace {
    struct trace_item *items; /* [count], in order of time */
    size_t count;
    size_t dropped; /* they ask for no token */
};

/* Reads the file of the scenario's arrivals, with the times in it or (`timed` false: a closed loop,
 * all at once) without; lengths of the file empirical lengths come from. False with diagnostics.
 * Everything lives in `arena`. */
bool request_trace_read(struct arena *arena, const struct arrivals *arrivals, bool timed,
                        const struct trace_classes *classes, struct request_trace *trace,
                        struct diagnostics *diagnostics);

/* "no answer asked for": why requests of a file were dropped. */
const char *request_trace_dropped(enum request_trace_format format);

struct length_table {
    uint32_t *tokens; /* [count] */
    size_t count;
};

bool length_table_read(struct arena *arena, const char *path, struct length_table *table,
                       struct diagnostics *diagnostics);

/* --- what a format's file sees --- */

/* One line being read; `cursor` moves along it. */
struct trace_line {
    const char *path;
    unsigned number, indent; /* the line of `start`, and what stands before it there */
    const char *start, *cursor, *end;
    struct arena *arena;
    struct diagnostics *diagnostics;
    const unsigned char *columns; /* of a CSV: what each holds, see CSV readers */
    bool timed;                   /* when a request comes matters */
    double time_unit_seconds;     /* of a table whose columns have names of their own */
    double characters_per_token;  /* of texts */
    const struct trace_classes *classes;
};

struct trace_format {
    const char *const *columns; /* of a CSV header, NULL ends; NULL: the file has no header */
    size_t required;            /* so many of them, the first, must be there */
    bool listed;                /* the file is a list of JSON objects, else one a line */
    const char *dropped;        /* whom it drops; NULL: who asks for no answer */
    /* Reads one line; false with a diagnostic. `item->seconds` may be absolute. */
    bool (*read)(struct trace_line *line, struct trace_item *item);
};

#define TRACE_FORMAT_OF(member, object, name, sentence) extern const struct trace_format object;
REQUEST_TRACES(TRACE_FORMAT_OF)
#undef TRACE_FORMAT_OF

/* A complaint at the cursor. Returns false. */
bool trace_complain(const struct trace_line *line, const char *what);
/* A number of seconds or tokens at the cursor, which moves past it; false with a complaint. */
bool trace_number(struct trace_line *line, double *value);
bool trace_tokens(struct trace_line *line, const char *what, double least, uint32_t *tokens);
/* The class that the cursor's field names; false with a complaint that lists those there are. */
bool trace_class(struct trace_line *line, uint16_t *class_number);
/* Moves the cursor to column `index` (of the format's) of a CSV line; false when it isn't there. */
bool trace_column(struct trace_line *line, unsigned index);

#endif
