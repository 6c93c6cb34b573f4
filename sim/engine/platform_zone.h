/* SPDX-License-Identifier: MIT
 * A cluster's platform made in SimGrid itself: the hosts, links and routes that
 * platform_xml_write() describes, without the text and without a table of routes. SimGrid's C
 * interface makes none, so platform_zone.cpp is the one file here in C++
 * (docs/decisions/0016-platform-zone.md). */
#ifndef CPSIM_SIM_ENGINE_PLATFORM_ZONE_H
#define CPSIM_SIM_ENGINE_PLATFORM_ZONE_H

#include "sim/engine/platform_xml.h"

#include <simgrid/host.h>
#include <simgrid/link.h>
#include <stdbool.h>

/* What one lane's flows leave by; each is [gpu] of the platform's. */
struct platform_lane {
    sg_host_t *hosts;
    sg_link_t *node_limiters, *fabric_limiters;
};

#ifdef __cplusplus
extern "C" {
#endif

/* Makes the platform in a SimGrid that has been started and fills lanes[0, lane_count), whose
 * arrays the caller gives. False when memory ends. */
bool platform_zone_make(const struct platform_nodes *platform, const struct platform_lane *lanes,
                        uint32_t lane_count);

/* Starts SimGrid, at 0 s and without a platform; options count the first time in a process alone.
 * One that has been at work here is taken down first: its hosts and links are no more. */
void simgrid_begin(int *argument_count, char **arguments);

/* Whether it can be started more than once: its clock has no setter, and is looked for by name. */
bool simgrid_begins_again(void);

#ifdef __cplusplus
}
#endif

#endif
