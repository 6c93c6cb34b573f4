/* SPDX-License-Identifier: MIT
 * Models by their names on the Hugging Face hub, which their files list (`hub`). */
#ifndef CPSIM_SIM_SCENARIO_HUB_H
#define CPSIM_SIM_SCENARIO_HUB_H

#include "sim/config/find.h"

struct hub_name {
    const char *model;  /* the file of models/llm; NULL: none has the name */
    const char *format; /* what the name says of its weights' format ("FP8"); "": nothing */
};

/* Letters' case does not count, nor the owner where another publishes the model in a format of its
 * own ("nvidia/Llama-3.3-70B-Instruct-FP8"). */
struct hub_name hub_find(struct arena *arena, const struct find_path *path, const char *name);

/* What a scalar at the top of a data file says, before anything is expanded; NULL: it has none. */
const char *data_file_word(struct arena *arena, const char *path, const char *key);

/* Whether the file, or one that it uses, says anything of a key at its top. */
bool data_file_has(struct arena *arena, const char *path, const char *key);

/* Whether the file, or one that it uses, says at any depth that there are some of a key ("experts":
 * a kind of layers may have them). */
bool data_file_counts(struct arena *arena, const char *path, const char *key);

#endif
