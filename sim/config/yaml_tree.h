/* SPDX-License-Identifier: MIT
 * A YAML text as a tree whose every node knows where it was written. Stricter than YAML: one
 * document, no anchors, aliases or tags, no key twice, bounded size and depth. Scalars stay text;
 * field.h gives them types. Pure: bytes in, tree and diagnostics out.
 * Owner of everything: the arena. */
#ifndef CPSIM_SIM_CONFIG_YAML_TREE_H
#define CPSIM_SIM_CONFIG_YAML_TREE_H

#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_MAX_BYTES = 1024 * 1024,
    YAML_MAX_DEPTH = 32,
    YAML_MAX_KEYS = 4096 /* of one mapping */
};

enum node_kind {
    NODE_SCALAR,
    NODE_LIST,
    NODE_MAPPING,
    NODE_INVALID /* already complained about: readers pass over it in silence */
};

/* What kind of text a node was written in. */
enum node_origin {
    ORIGIN_SCENARIO, /* the scenario file */
    ORIGIN_DATA,     /* a file of a model, GPU, cluster or software stack */
    ORIGIN_PRESET,   /* a named set of values inside the program */
    ORIGIN_SET,      /* --set on the command line */
    ORIGIN_DEFAULT   /* the field table */
};

struct node_entry {
    const char *key;
    struct mark key_mark;
    struct node *value;
};

/* What a scalar's text was last read as, shared by all copies of its node that have that text. */
struct node_number {
    const char *text; /* by its place: a copy that was given another is another value */
    int kind;         /* enum field_kind that it was read for; -1: it was not yet */
    double value;     /* in the canonical unit */
};

struct node {
    enum node_kind kind;
    enum node_origin origin;
    struct mark mark;
    const char *text;           /* scalar */
    bool quoted;                /* scalar, written in quotes or as a block */
    bool accepted;              /* it passed the checks of its field, and is in the struct */
    struct node_number *number; /* scalar that is read over and over; NULL: any other */
    const char *source;         /* where a data file says the value comes from; NULL: it does not */
    struct node_entry *entries; /* mapping: [count] */
    struct node **items;        /* list: [count] */
    size_t count, capacity;
};

/* The tree of `bytes`, or NULL after at least one error. `file` names the text in marks; with
 * ORIGIN_SET and ORIGIN_PRESET marks carry no line. */
struct node *yaml_tree_parse(struct arena *arena, const char *bytes, size_t size, const char *file,
                             enum node_origin origin, struct diagnostics *diagnostics);

struct node *node_scalar(struct arena *arena, const char *text, struct mark mark,
                         enum node_origin origin);
struct node *node_mapping(struct arena *arena, struct mark mark, enum node_origin origin);

/* All of it, in `arena`; texts are shared. */
struct node *node_copy(struct arena *arena, const struct node *node);

/* Gives every scalar a place for the number that it is read as: of a tree that outlives its copies,
 * and whose texts do not change. */
void node_keep_numbers(struct arena *arena, struct node *node);

/* The value of a key, NULL when the node is no mapping or lacks it. */
struct node *node_get(const struct node *mapping, const char *key);
struct node_entry *node_entry(const struct node *mapping, const char *key);
/* Adds a key that the mapping lacks, or replaces its value. */
void node_put(struct arena *arena, struct node *mapping, const char *key, struct mark key_mark,
              struct node *value);
/* Adds a key that the mapping is known to lack. */
void node_append(struct arena *arena, struct node *mapping, const char *key, struct mark key_mark,
                 struct node *value);
/* Removes a key; the value is returned, NULL when there was none. */
struct node *node_take(struct node *mapping, const char *key);
/* The node at "a.b.0.c", NULL when there is none. */
struct node *node_find(struct node *root, const char *path);

/* `base` with what `top` says laid over it: mappings key by key, everything else replaced, also a
 * mapping that names a base of its own with `use`. Changes and returns `base`, or returns `top`. */
struct node *node_overlay(struct arena *arena, struct node *base, struct node *top);

#endif
