/* SPDX-License-Identifier: MIT
 * A model that a config.json was read into, in the words of a file of models/llm. Internal to
 * sim/scenario/hf. */
#ifndef CPSIM_SIM_SCENARIO_HF_WRITE_H
#define CPSIM_SIM_SCENARIO_HF_WRITE_H

#include "sim/scenario/hf/hf_reader.h"

/* Adds to `model` what its layers are, keys[layers] (of one layer where it is not said how many
 * there are): at the top what all have in common, kinds and a stack where they are not alike. */
void hf_write_layers(struct hf_reader *reader, struct node *model, struct llm_keys *keys);

#endif
