/* SPDX-License-Identifier: MIT
 * Tables of a training summary: a run on other numbers of GPUs, what a compute budget buys. Nothing
 * is printed when the scenario does not ask. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_SUMMARY_TABLES_H
#define CPSIM_SIM_TRAINING_TRAINING_SUMMARY_TABLES_H

#include "sim/training/training_run.h"
#include "sim/workload/title.h"

#include <stdio.h>

void training_print_widths(const struct training_run *run, struct ink ink, FILE *stream);
/* The stretches of a run whose batch grows, against a batch that does not. */
void training_print_batches(const struct training_run *run, struct ink ink, FILE *stream);
void training_print_budget(const struct training_run *run, struct ink ink, FILE *stream);

#endif
