/* SPDX-License-Identifier: MIT
 * Models by their names on the Hugging Face hub, which their files list (`hub`). */
#ifndef CPSIM_SIM_SCENARIO_HUB_H
#define CPSIM_SIM_SCENARIO_HUB_H

#include "sim/config/find.h"

struct hub_name {
    const char *model;  /* the file of models/llm; NULL: none has the name */
    const char *format; /* what the name says of its weights' format ("FP8"); "": nothing */
};

/* Letters' case does not count, a dash is an underscore, nor does the owner or folder where another
 * keeps the model, in a format of its own perhaps ("nvidia/Llama-3.3-70B-Instruct-FP8",
 * "/models/Llama-3.1-8B"). The name of the model's file will do too. */
struct hub_name hub_find(struct arena *arena, const struct find_path *path, const char *name);

/* The name without owner, folders and slashes at its end. */
const char *hub_plain_name(struct arena *arena, const char *name);

/* What a scalar at the top of a data file says, before anything is expanded; NULL: it has none. */
const char *data_file_word(struct arena *arena, const char *path, const char *key);

/* Whether the file, or one that it uses, says anything of a key at its top. */
bool data_file_has(struct arena *arena, const char *path, const char *key);

/* Whether the file, or the first that it uses and that says anything of a key at its top, has one
 * of the words (apart by blanks) below that key. */
bool data_file_says(struct arena *arena, const char *path, const char *key, const char *words);

/* Whether the file, or one that it uses, says at any depth that there are some of a key ("experts":
 * a kind of layers may have them). */
bool data_file_counts(struct arena *arena, const char *path, const char *key);

#endif
