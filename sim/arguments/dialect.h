/* SPDX-License-Identifier: MIT
 * Command lines of engines and training frameworks, both ways: a row says which flag means which
 * key of a scenario, so that what is printed and what is read cannot disagree. A dialect is a file
 * dialect_*.c and a line of the table in dialect.c. */
#ifndef CPSIM_SIM_ARGUMENTS_DIALECT_H
#define CPSIM_SIM_ARGUMENTS_DIALECT_H

#include "sim/base/text.h"
#include "sim/config/yaml_tree.h"
#include "sim/scenario/load.h"

#include <stdbool.h>
#include <stdint.h>

/* What a flag calls a value, and what a key does. */
struct flag_word {
    const char *theirs, *ours;
};

struct flag {
    const char *name;   /* "--max-num-seqs" */
    const char *others; /* "-tp --tp": other names, blanks between; NULL: none */
    const char
        *key; /* of a scenario; NULL: nothing here depends on it (its value is passed over) */
    const char *unit;              /* behind the number in a scenario: "tokens"; NULL: none */
    const struct flag_word *words; /* ended by {0}; NULL: the value is a number or a text */
    const char *on;                /* the value that the flag alone means; NULL: it takes a value */
    const char *absent; /* the value without the flag; NULL: the scenario's own default */
    bool fixed;         /* with `key`: the program's constant, read and not printed */
    bool always;        /* printed where the scenario leaves it to its default too: theirs has none,
                           or another */
};

/* Arguments while they are read into a scenario. */
struct import {
    struct arena *arena;
    const struct dialect *dialect;
    const char *from;  /* what they are called in complaints */
    struct node *tree; /* the scenario */
    struct text lost;  /* a line each: what could not be carried over */
    uint32_t gpus;     /* that a launcher starts; 0: not said */
    struct diagnostics *diagnostics;
};

/* A scenario while it is written as arguments. */
struct export
{
    struct arena *arena;
    const struct resolved_scenario *resolved;
    struct text line; /* the command */
    struct text lost;
};

struct dialect {
    const char *name;     /* "vllm" */
    const char *command;  /* "vllm serve" */
    const char *program;  /* behind torchrun, which says how many it starts; NULL: there is none */
    const char *doc;      /* "vLLM's server" */
    const char *workload; /* "serving" */
    const char *software; /* of platforms/software */
    const char *model_flag;   /* NULL: the model is the first argument without a flag */
    bool sizes;               /* the model is its sizes: flags say these */
    bool equals;              /* values are written behind '=' */
    const struct flag *flags; /* name NULL ends them */
    const char *const *inert; /* flags that change nothing that is modelled, with a value ... */
    const char *const *inert_switches; /* ... and alone; NULL ends both */
    /* What takes more than one flag or key; NULL: nothing does. `export` returns whether it has
     * taken care of the key. */
    void (*import)(struct import *import);
    void (*export)(struct export *export);
};

extern const struct dialect dialect_vllm, dialect_sglang, dialect_trtllm, dialect_megatron,
    dialect_torchtitan, dialect_aiconfigurator;
extern const struct dialect *const dialects[];        /* NULL ends them */
const struct dialect *dialect_find(const char *name); /* NULL: none */
const char *dialect_names(struct arena *arena);       /* "vllm, trtllm, ..." */

/* The scenario that a command line is, as YAML with comments; NULL after an error. What it could
 * not carry over is said in its first lines. `text` is the line, or a file's text. */
const char *arguments_import(struct arena *arena, const struct dialect *dialect, const char *from,
                             const char *text, struct diagnostics *diagnostics);

/* The command line that a scenario is, with comments on what it leaves out; NULL after an error. */
const char *arguments_export(struct arena *arena, const struct dialect *dialect, const char *path,
                             const struct resolved_scenario *resolved,
                             struct diagnostics *diagnostics);

/* --- for dialects --- */

/* The value at "layout.tensor", "" when there is none. */
const char *import_get(const struct import *import, const char *key);
uint32_t import_count(const struct import *import, const char *key, uint32_t otherwise);
void import_put(struct import *import, const char *key, const char *value);
void import_take(struct import *import, const char *key);
void import_lose(struct import *import, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What is asked of a server, which is no argument of it, as an example; and that is said. */
void import_put_load(struct import *import);
/* The model's first name on the hub, or its file's. */
const char *export_model(const struct export *export);
/* The node at "layout.tensor"; NULL: there is none. */
const struct node *export_find(const struct export *export, const char *key);
void export_flag(struct export *export, const struct dialect *dialect, const char *name,
                 const char *value); /* NULL: it stands alone */
void export_lose(struct export *export, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
