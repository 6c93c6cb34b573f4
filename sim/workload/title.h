/* SPDX-License-Identifier: MIT
 * What every result begins with: the title and the machine, for people and for machines. */
#ifndef CPSIM_SIM_WORKLOAD_TITLE_H
#define CPSIM_SIM_WORKLOAD_TITLE_H

#include "sim/base/json.h"
#include "sim/scenario/scenario.h"

#include <stdio.h>

/* Escapes of a terminal, empty where there is none, and its columns. */
struct ink {
    const char *bold, *dim, *plain;
    size_t columns;
};
struct ink ink_of(bool colour, size_t columns);

void title_print(const struct scenario *scenario, struct ink ink, FILE *stream);
/* Members of the object that is open; `count` notes of the run beside the scenario's. */
void title_write(const struct scenario *scenario, const char *const *notes, size_t count,
                 struct json *json);

#endif
