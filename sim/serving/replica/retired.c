/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/retired.h"

#include "sim/serving/replica/fleet.h"

void retire(struct fleet *fleet, uint32_t id)
{
    struct requests *requests = fleet->requests;
    uint32_t replica = requests->all[id].replica;
    if (!requests->reuses) {
        return;
    }
    if (replica == REQUEST_NONE) { /* no replica ever had it */
        requests_free(requests, id);
        return;
    }
    struct server *server = &fleet->servers[replica];
    queue_push(&server->over, requests->all, id);
    server->retired++;
}

void retired_free(struct server *server)
{
    struct requests *requests = server->fleet->requests;
    uint64_t since = server->retired; /* what was retired before this one is named no more */
    if (server->over.count == 0 || server->leaving_count > 0) {
        return;
    }
    for (uint32_t i = 0; i < server->lane_count; i++) {
        uint64_t decided = server->lanes[i].decided[0];
        since = decided < since ? decided : since;
    }
    while (server->over.count > 0 && server->retired - server->over.count < since) {
        requests_free(requests, queue_pop(&server->over, requests->all));
    }
}
