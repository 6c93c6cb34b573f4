/* SPDX-License-Identifier: MIT
 * Whether requests are longer than the positions a model was made for (model.context). */
#ifndef CPSIM_SIM_SCENARIO_CONTEXT_CHECKS_H
#define CPSIM_SIM_SCENARIO_CONTEXT_CHECKS_H

#include "sim/scenario/checker.h"

/* A service of longer requests is an error, a longer conversation a warning. Of lengths without an
 * end the mean counts; a trace's requests are checked when it is read. */
void context_check(const struct checker *checker);

#endif
