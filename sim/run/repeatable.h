/* SPDX-License-Identifier: MIT
 * Whether a process may run a scenario after another that came to its end. */
#ifndef CPSIM_SIM_RUN_REPEATABLE_H
#define CPSIM_SIM_RUN_REPEATABLE_H

#include <stdbool.h>

bool run_is_repeatable(void);

#endif
