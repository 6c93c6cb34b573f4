/* SPDX-License-Identifier: MIT
 * How a platform reaches SimGrid, which aborts on one that it does not like, and on one that it
 * cannot open. */
#ifndef CPSIM_SIM_ENGINE_PLATFORM_LOAD_H
#define CPSIM_SIM_ENGINE_PLATFORM_LOAD_H

#include "models/machine/cluster.h"
#include "sim/base/diagnostics.h"

/* Whether SimGrid takes a platform file of the user's, and can play on it: hosts gpu0 and so on,
 * links with a bandwidth, routes between them. A child tries. False after an error. */
bool platform_is_accepted(const char *path, uint32_t gpus, struct diagnostics *diagnostics);

struct platform_nodes; /* platform_xml.h */

/* Loads the platform of such nodes into a SimGrid that has been started. False after an error: no
 * memory for it, no file. */
bool platform_load(const struct platform_nodes *platform, uint32_t lanes,
                   struct diagnostics *diagnostics);

#endif
