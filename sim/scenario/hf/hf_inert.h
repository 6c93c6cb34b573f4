/* SPDX-License-Identifier: MIT
 * Keys of config.json files that change no cost: names, training, sampling, scales, where rotary
 * angles come from. Internal to sim/scenario/hf. */
#ifndef CPSIM_SIM_SCENARIO_HF_INERT_H
#define CPSIM_SIM_SCENARIO_HF_INERT_H

#include <stdbool.h>

bool hf_is_inert(const char *key);

#endif
