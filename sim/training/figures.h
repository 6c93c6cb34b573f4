/* SPDX-License-Identifier: MIT
 * The figures of a training run, of a struct training_run. */
#ifndef CPSIM_SIM_TRAINING_FIGURES_H
#define CPSIM_SIM_TRAINING_FIGURES_H

#include "sim/figures/figure.h"
#include "sim/training/training_run.h"

enum training_table {
    TRAINING_STEP,
    TRAINING_RUN, /* the whole run, when the scenario says how far it goes */
    TRAINING_FAILURES,
    TRAINING_WIDTHS,
    TRAINING_SITES,
    TRAINING_BATCHES,
    TRAINING_BUDGET,
    TRAINING_TABLE_COUNT
};
extern const struct figure_table training_tables[TRAINING_TABLE_COUNT + 1];

uint32_t training_fullest_stage(const struct training_run *run);

#endif
