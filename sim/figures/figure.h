/* SPDX-License-Identifier: MIT
 * A figure is something that a run found out. It is said once: a row of its workload's table, with
 * name, unit, a sentence, and the member of the result or the function that has its value. From the
 * row come the members of `figures` in --json, the columns of a sweep, the attributes of a trace,
 * `cpsim describe figures` and the tables of docs/json-output.md, all under the same name.
 *
 * A name ends in its unit (`ttft_p99_seconds`). Figures of a part of the run, such as a
 * conversation's phase, have the part before their names there (`prefill_mfu`), and the turn before
 * that from the second on (`turn2_prefill_mfu`). */
#ifndef CPSIM_SIM_FIGURES_FIGURE_H
#define CPSIM_SIM_FIGURES_FIGURE_H

#include "sim/base/json.h"
#include "sim/base/metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum figure_kind { FIGURE_NUMBER, FIGURE_COUNT, FIGURE_COUNT32, FIGURE_FLAG, FIGURE_TEXT };

struct figure {
    const char *name;
    const char *unit; /* "s"; "1" for a fraction, a count, a flag (0 or 1) or a text */
    const char *doc;  /* one sentence */
    /* Its value: the member of the subject at `offset`, or what `number` or `text` says. */
    enum figure_kind kind;
    size_t offset;
    double (*number)(const void *subject);
    const char *(*text)(const void *subject);
    bool (*applies)(const void *subject); /* NULL: always; else it is left out where it does not */
    bool bare;                            /* no part stands before its name: `ttft_seconds` */
    /* Deprecated, printed for one release more; then these go. NULL: there is none. */
    const char *former_key;    /* in --json: "service.hit_share" */
    const char *former_column; /* of a sweep, beside `name` */
    const char *former_name;   /* beside `name`, wherever that stands */
};

/* The value is a member of the subject, of the type that it has. */
#define FIGURE_AT(type, member)                                                                    \
    .offset = offsetof(type, member), .kind = _Generic(((type *)0)->member, double                 \
                                                       : FIGURE_NUMBER, uint64_t                   \
                                                       : FIGURE_COUNT, uint32_t                    \
                                                       : FIGURE_COUNT32, bool                      \
                                                       : FIGURE_FLAG)

/* The figures of one kind of subject. */
struct figure_table {
    const char *heading;      /* on the page: "A service" */
    const char *doc;          /* below it; "" */
    const char *key;          /* where --json has them: "figures", "phases[]" */
    const char *const *parts; /* what they can be of, ended by NULL: "prefill_"; NULL: the run */
    const struct figure *figures; /* [count] */
    size_t count;
};

double figure_number(const struct figure *figure, const void *subject);
/* For a line of a summary: the number of that name, which a row of the table must have. */
double figure_value(const struct figure_table *table, const void *subject, const char *name);

/* What is behind "turn12_" of a name; `name` itself where nothing of the kind is before it. */
const char *figure_without_turn(const char *name);
bool figure_is_of_later_turn(const char *name);

/* What stands before the names of figures of a part, and which names are wanted. */
struct figure_naming {
    uint32_t turn;    /* from 1; 0 or 1: nothing */
    const char *part; /* "prefill_"; NULL: nothing */
    bool former;      /* former_column besides */
};

/* Adds the subject's figures to a list. */
void figures_collect(const struct figure_table *table, const void *subject,
                     struct figure_naming naming, struct metric_list *list);

/* "figures": {...}, a list's members. */
void figures_write_list(const struct metric_list *list, struct json *json);

/* The subject's figures by their own names, into the object that is open. */
void figures_write(const struct figure_table *table, const void *subject, struct json *json);

/* Likewise those whose former key is PATH.something, as something. */
void figures_write_former(const struct figure_table *table, const void *subject, const char *path,
                          struct json *json);

#endif
