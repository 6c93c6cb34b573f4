/* SPDX-License-Identifier: MIT
 * Field tables: one row a key says what a value is, where it goes in a struct, what it may be and
 * what it means. Parsing, checks, defaults, --set, `cpsim show`, `cpsim describe`, the reference
 * page, the manual and the completion all come from the same rows. A new key is a new row.
 *
 *     static const struct field turn_fields[] = {
 *         {.key = "prompt", .kind = FIELD_TOKENS, FIELD_AT(turn, prompt_tokens), .required = true,
 *          .min = 1, .doc = "New tokens."},
 *         {0}};
 */
#ifndef CPSIM_SIM_CONFIG_FIELD_H
#define CPSIM_SIM_CONFIG_FIELD_H

#include "sim/config/units.h"
#include "sim/config/yaml_tree.h"

#include <stdbool.h>
#include <stddef.h>

enum field_kind {
    FIELD_COUNT,       /* a whole number, into uint32_t or uint64_t */
    FIELD_TOKENS,      /* the same with a unit */
    FIELD_NUMBER,      /* a plain number, into double; so are all that follow to rates */
    FIELD_MEAN_TOKENS, /* tokens that need not be whole; their unit may be left out */
    FIELD_SECONDS,
    FIELD_BYTES,
    FIELD_BYTES_PER_SECOND,
    FIELD_FLOPS_PER_SECOND,
    FIELD_HERTZ,
    FIELD_WATTS,
    FIELD_JOULES,
    FIELD_PER_SECOND,  /* events, requests */
    FIELD_SIZES,       /* pairs such as "128x256 64x16", into a pointer to uint32_t pairs; their
                          number at `count_offset` */
    FIELD_BOOLEAN,     /* true or false, into bool */
    FIELD_CHOICE,      /* one of `choices`, into an enum */
    FIELD_NAME,        /* a word of letters, digits, '-', '_', '.', into const char * */
    FIELD_STRING,      /* any text, made printable, into const char * */
    FIELD_INPUT_FILE,  /* a path relative to the file that says it, into const char * */
    FIELD_OUTPUT_FILE, /* a path relative to the working directory, into const char *; none: NULL */
    FIELD_MAPPING,     /* keys of its own (`fields`), into a struct */
    FIELD_TAGGED,      /* a mapping whose `kind:` says which of `variants` it is */
    FIELD_LIST,        /* `item`s, into a pointer; their number at `count_offset` */
    FIELD_KEYS,        /* a mapping of keys of another file or mapping (of `fields`, where they are
                          said), into const struct node *; its owner checks them */
    FIELD_KIND_COUNT
};

struct choice {
    const char *name; /* NULL ends the array */
    int value;
    const char *doc;
};
/* A row of a list (models/numeric/rows.h). */
#define CHOICE_OF(member, object, name, sentence) {(name), (member), (sentence)},

/* A named set of values, for `preset: NAME`. */
struct preset {
    const char *name; /* NULL ends the array */
    const char *yaml; /* a mapping of the keys it sets */
    const char *doc;
    const char *also; /* words that others call it by, blanks between; NULL: none */
};

/* What a tagged mapping may be. */
struct variant {
    const char *name; /* NULL ends the array */
    int value;        /* stored at the field's offset, an enum */
    const struct field *fields;
    size_t offset; /* of the variant's struct, in the object that holds the field */
    const char *doc;
    const char *also; /* as a preset's */
};

struct field {
    const char *key; /* NULL ends the table */
    enum field_kind kind;
    size_t offset, size; /* FIELD_AT(); size 0: checked, not stored */
    bool required;
    double min, max;      /* in the canonical unit; of a list or sizes, of its length. max 0: no
                             bound */
    const char *fallback; /* the default as one would write it; NULL: none */
    const char *doc;      /* a sentence, or a few */
    const struct choice *choices;   /* FIELD_CHOICE */
    const struct field *fields;     /* FIELD_MAPPING, FIELD_KEYS */
    const char *shorthand;          /* FIELD_MAPPING: the key that a lone scalar stands for */
    const char *folder;             /* FIELD_MAPPING: `use: NAME` reads NAME.yaml of this folder */
    const struct preset *presets;   /* FIELD_MAPPING */
    const struct variant *variants; /* FIELD_TAGGED */
    const struct field *item;       /* FIELD_LIST: a row without key; its `size` is an item's */
    size_t count_offset;            /* FIELD_LIST, FIELD_SIZES: of a size_t */
};

/* Whether a row has rows inside: a mapping of its own, or one of another's keys that says which. */
static inline bool field_has_keys(const struct field *field)
{
    return field->fields != NULL && (field->kind == FIELD_MAPPING || field->kind == FIELD_KEYS);
}

#define FIELD_SIZE(type, member) sizeof(((struct type *)NULL)->member)
#define FIELD_AT(type, member)                                                                     \
    .offset = offsetof(struct type, member), .size = FIELD_SIZE(type, member)

/* What users of other programs call a key. These are no keys: complaints and `cpsim describe` know
 * them. */
struct alias {
    const char *path;  /* "layout.tensor"; NULL ends the array */
    const char *words; /* "tp tensor_parallel_size" */
};

struct field_context {
    struct arena *arena;
    struct diagnostics *diagnostics;
    /* Of the whole file: complaints of a key that is unknown look here. NULL: nowhere. */
    const struct field *root;
    const struct alias *aliases;
};

/* Reads a mapping into `object` by its table: checks every key and value, adds the defaults to the
 * tree (ORIGIN_DEFAULT), complains of everything that is wrong. `path` is the mapping's own key, ""
 * for the whole file. */
void fields_read(const struct field_context *context, const struct field *fields,
                 struct node *mapping, const char *path, void *object);

/* Checks one value by its row, stores nothing. `path` is what complaints call it. */
void field_check(const struct field_context *context, const struct field *field, struct node *node,
                 const char *path);

/* The row of a key, NULL when there is none. */
const struct field *field_find(const struct field *fields, const char *key);
/* The row of "layout.tensor" or "workload.turns.prompt" (list positions are passed over). In a
 * tagged mapping the key may be any variant's. */
const struct field *field_find_path(const struct field *fields, const char *path);
/* The variant a tagged mapping says it is, NULL when it says none that is known. */
const struct variant *field_variant(const struct field *field, const struct node *mapping);

enum quantity field_quantity(enum field_kind kind);
/* quantity_read() of a value of that kind. */
struct quantity_reading field_quantity_read(enum field_kind kind, const char *text);
const char *field_noun(enum field_kind kind); /* "a time", "true or false" */
/* "a time such as 40 us", "one of: a, b". */
const char *field_expects(struct arena *arena, const struct field *field);
/* The largest value that a number may have; INFINITY when there is no bound. */
double field_largest(const struct field *field);
/* "1 to 1024", "at least 1 GB/s", NULL when anything goes. */
const char *field_range(struct arena *arena, const struct field *field);

#endif
