/* SPDX-License-Identifier: MIT
 * A platform file of the user's: SimGrid aborts on one that it does not like. */
#ifndef CPSIM_SIM_ENGINE_PLATFORM_LOAD_H
#define CPSIM_SIM_ENGINE_PLATFORM_LOAD_H

#include "models/machine/cluster.h"
#include "sim/base/diagnostics.h"

#include <stdio.h>

/* Whether SimGrid takes a platform file of the user's, and can play on it: hosts gpu0 and so on,
 * links with a bandwidth, routes between them. A child tries. False after an error. */
bool platform_is_accepted(const char *path, uint32_t gpus, struct diagnostics *diagnostics);

/* The links from one host of the loaded platform to another, by their names there: "nvlink0_UP at
 * 4e+11, ...". */
void platform_write_route(const char *from, const char *to, FILE *stream);

#endif
