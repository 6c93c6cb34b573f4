/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/server.h"

void stage_totals_add(struct stage_totals *stage, const struct step_cost *cost, double steps,
                      double seconds)
{
    /* Whatever makes steps longer makes all their parts longer, so parts never exceed the whole. */
    double stretch = cost->seconds > 0.0 ? seconds / cost->seconds : 1.0;
    struct step_parts parts = cost->parts;
    parts.flops *= stretch > 0.0 ? steps / stretch : 0.0; /* no time passed */
    step_parts_add(&stage->parts, &parts, stretch);
    stage->busy_seconds += seconds;
    stage->joules += seconds * cost->watts;
    stage->bytes += steps * cost->bytes;
    static const enum link_kind nvlink[] = {LINK_NVLINK_OUT, LINK_NVLINK_IN};
    static const enum link_kind card[] = {LINK_NIC_OUT, LINK_NIC_IN};
    for (int i = 0; i < 2; i++) { /* collectives send as much as they receive */
        stage->links[nvlink[i]].bytes += steps * cost->nvlink_bytes;
        stage->links[nvlink[i]].busy_seconds += stretch * cost->parts.nvlink_seconds;
        stage->links[card[i]].bytes += steps * cost->network_bytes;
        stage->links[card[i]].busy_seconds += stretch * cost->parts.network_seconds;
    }
}

void stage_totals_join(struct stage_totals *stage, const struct stage_totals *other)
{
    step_parts_add(&stage->parts, &other->parts, 1.0);
    stage->busy_seconds += other->busy_seconds;
    stage->joules += other->joules;
    stage->bytes += other->bytes;
    for (int i = 0; i < LINK_KIND_COUNT; i++) {
        stage->links[i].bytes += other->links[i].bytes;
        stage->links[i].busy_seconds += other->links[i].busy_seconds;
    }
}

void stage_flow_begin(struct stage_totals *stage, enum link_kind kind)
{
    struct link_totals *link = &stage->links[kind];
    if (link->flows++ == 0) {
        link->since_seconds = engine_clock();
    }
}

void stage_flow_end(struct stage_totals *stage, enum link_kind kind, double bytes)
{
    struct link_totals *link = &stage->links[kind];
    link->bytes += bytes;
    if (--link->flows == 0) {
        link->busy_seconds += engine_clock() - link->since_seconds;
    }
}
