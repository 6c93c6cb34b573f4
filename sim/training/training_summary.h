/* SPDX-License-Identifier: MIT
 * What a training run found, for people and for machines (docs/training.md has the keys). */
#ifndef CPSIM_SIM_TRAINING_TRAINING_SUMMARY_H
#define CPSIM_SIM_TRAINING_TRAINING_SUMMARY_H

#include "sim/base/json.h"
#include "sim/training/training_run.h"
#include "sim/workload/title.h"

#include <stdio.h>

void training_summary_print(const struct training_run *run, struct ink ink, FILE *stream);
/* What there is a list of, as members of the object that is open. */
void training_summary_write_json(const struct training_run *run, struct json *json);

#endif
