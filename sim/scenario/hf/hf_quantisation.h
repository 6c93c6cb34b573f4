/* SPDX-License-Identifier: MIT
 * What a checkpoint's weights are kept in: quantization_config of its config.json, or the
 * hf_quant_config.json beside it. Internal to sim/scenario/hf. */
#ifndef CPSIM_SIM_SCENARIO_HF_QUANTISATION_H
#define CPSIM_SIM_SCENARIO_HF_QUANTISATION_H

#include "sim/scenario/hf/hf_reader.h"

/* Adds `precision` to the model, in the words of the scenario's own. `root` is the whole file.
 * Methods that are not known are named in a warning, and leave the model in bf16. */
void hf_quantisation(struct hf_reader *reader, const struct node *root, struct node *model);

#endif
