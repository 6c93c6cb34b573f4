/* SPDX-License-Identifier: MIT
 * What a training run found, for people and for machines (docs/training.md has the keys). */
#ifndef CPSIM_SIM_TRAINING_TRAINING_SUMMARY_H
#define CPSIM_SIM_TRAINING_TRAINING_SUMMARY_H

#include "sim/training/training_run.h"

#include <stdio.h>

void training_summary_print(const struct training_run *run, FILE *stream);
void training_summary_print_json(const struct training_run *run, FILE *stream);

#endif
