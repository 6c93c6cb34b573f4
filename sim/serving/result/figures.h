/* SPDX-License-Identifier: MIT
 * The figures of a service, of a class of its requests, and of a tenant: all of a struct
 * serving_metrics. */
#ifndef CPSIM_SIM_SERVING_RESULT_FIGURES_H
#define CPSIM_SIM_SERVING_RESULT_FIGURES_H

#include "sim/figures/figure.h"

enum { SERVING_ALL, SERVING_CLASS, SERVING_TENANT, SERVING_TABLE_COUNT };

extern const struct figure_table serving_tables[SERVING_TABLE_COUNT + 1]; /* and the end */

#endif
