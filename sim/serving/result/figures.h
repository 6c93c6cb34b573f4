/* SPDX-License-Identifier: MIT
 * The figures of a service, of a struct serving_metrics. */
#ifndef CPSIM_SIM_SERVING_RESULT_FIGURES_H
#define CPSIM_SIM_SERVING_RESULT_FIGURES_H

#include "sim/figures/figure.h"

extern const struct figure_table serving_tables[2]; /* one, and the end */

#endif
