/* SPDX-License-Identifier: MIT
 * What must fit together in a service's faults. */
#ifndef CPSIM_SIM_SCENARIO_FAULT_CHECKS_H
#define CPSIM_SIM_SCENARIO_FAULT_CHECKS_H

struct checker;

/* Complains of a fault that names no target, a target of another kind, or one that is not there,
 * and of a factor that does the opposite of what the kind says. */
void check_faults(const struct checker *checker);

#endif
