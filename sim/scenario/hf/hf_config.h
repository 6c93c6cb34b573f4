/* SPDX-License-Identifier: MIT
 * The config.json that a model is published with (Hugging Face transformers, PretrainedConfig),
 * read as if it were a file of models/llm/: JSON is YAML, so only the names differ. */
#ifndef CPSIM_SIM_SCENARIO_HF_CONFIG_H
#define CPSIM_SIM_SCENARIO_HF_CONFIG_H

#include "sim/scenario/expand.h"

/* Whether a file's root is such a configuration: it names a `model_type` and no `schema`. */
bool hf_config_is(const struct node *root);

/* The same model in the words of llm_fields, each value with the mark and the file it came from.
 * NULL after an error: a model_type that is not known, or a mechanism whose cost is not modelled
 * (sliding windows, latent attention, layers with experts and without). */
struct node *hf_config_model(const struct expansion *expansion, const struct node *root,
                             const char *path);

#endif
