/* SPDX-License-Identifier: MIT
 * A config.json being read: its keys under any of the names that families give them, its class's
 * defaults where it is silent, and which keys have been asked for. Internal to sim/scenario/hf. */
#ifndef CPSIM_SIM_SCENARIO_HF_READER_H
#define CPSIM_SIM_SCENARIO_HF_READER_H

#include "models/architecture/llm.h"
#include "sim/scenario/expand.h"

struct hf_family;

struct hf_reader {
    const struct expansion *expansion;
    const struct node *text; /* the mapping that describes the text model */
    const struct hf_family *family;
    bool *asked; /* [text->count]: keys that were asked for */
    const char *path;
    uint32_t layer, layers; /* the layer that is being read: of a list its item is taken */
    uint32_t hidden;
    struct llm *llm; /* what is read beside layers */
    bool failed;     /* something has been complained of */
};

/* In all that follow `names` are alternatives, "num_attention_heads|n_head": the first that the
 * file says counts, then the first that the family's defaults say. "attn_config.kv_n_heads" is in a
 * mapping. JSON's null says nothing. Of a list with an item a layer the current layer's is taken.
 */

/* The value's node, whole; NULL: the file does not say it. */
const struct node *hf_node(struct hf_reader *reader, const char *names);
bool hf_has(struct hf_reader *reader, const char *names);
double hf_number(struct hf_reader *reader, const char *names, double fallback);
/* A whole number; -1, which some files write for none, is 0, and what is none is refused. */
uint32_t hf_count(struct hf_reader *reader, const char *names, uint32_t fallback);
/* The whole part of a number, 0 below 1 and where it is larger than any count. */
uint32_t hf_whole(double value);
bool hf_flag(struct hf_reader *reader, const char *names, bool fallback);
/* NULL: it is not said. */
const char *hf_text(struct hf_reader *reader, const char *names);
/* Whether a list of numbers holds one. */
bool hf_lists(struct hf_reader *reader, const char *names, uint32_t number);

/* The file cannot be read: one sentence at a key of it, or at its model_type. */
void hf_refuse(struct hf_reader *reader, const char *key, const char *what);

#endif
