/* SPDX-License-Identifier: MIT
 * Plays priced step programs on a SimGrid model of the cluster: compute is timed, communication is
 * flows on links, so whatever shares a link slows each other. The only door to SimGrid.
 *
 * SimGrid has one engine a process and cannot make a second: engine_open() once, then any number of
 * engine_play(). The engine owns its memory until engine_close(). */
#ifndef CPSIM_SIM_ENGINE_ENGINE_H
#define CPSIM_SIM_ENGINE_ENGINE_H

#include "models/layout/placement.h"
#include "models/step/critical_path.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;

/* `platform_xml`: a SimGrid platform file with hosts gpu0, gpu1, ... joined by routes, or NULL to
 * make one from the first `nodes` nodes of the cluster. A platform that SimGrid refuses becomes a
 * diagnostic (it is tried in a child process: SimGrid aborts), and the result is NULL. */
struct engine *engine_open(const struct cluster *cluster, uint32_t nodes, const char *platform_xml,
                           struct diagnostics *diagnostics);
void engine_close(struct engine *engine);

/* Others' traffic: `count` flows of `bytes` one after the other, from `start_seconds` of a play on;
 * count 0: until the play ends. */
struct background {
    uint32_t from_gpu, to_gpu;
    double bytes, start_seconds;
    uint64_t count;
};

/* One rank has played one segment once. Spans are seconds from the play's start of the segment,
 * which was at `start_seconds` of the whole play; `repeat` counts from 0. Called inside SimGrid on
 * a small stack: keep it short. */
typedef void engine_observer(void *context, const struct rank_role *role, uint32_t segment,
                             uint32_t repeat, double start_seconds, double end_seconds,
                             const struct span *spans);

struct play {
    const struct step_program *program; /* every rank runs it */
    const struct layout *layout;
    const struct cluster *cluster;
    bool folded; /* one play of each segment, stand-ins for identical ranks */
    bool
        every_rank; /* no stand-ins, folded or not: a network of one's own may treat ranks unlike */
    const struct background *background; /* [background_count] */
    uint32_t background_count;
    engine_observer *observer; /* may be NULL */
    void *context;
};

/* Bytes that crossed each link in the plays so far, [gpu]; see engine_link_bytes(). */
enum link_kind { LINK_NVLINK_OUT, LINK_NVLINK_IN, LINK_NIC_OUT, LINK_NIC_IN, LINK_KIND_COUNT };

/* Plays the program on all ranks (or stand-ins) from a common start; `seconds` gets the time until
 * the last rank has ended, repeats of folded segments included. False when SimGrid stopped before
 * every rank had ended; a diagnostic says so. */
bool engine_play(struct engine *engine, const struct play *play, double *seconds,
                 struct diagnostics *diagnostics);

/* Bytes of the last play over the links of `gpu` (its share of a shared card), repeats included.
 * Of a folded play only stand-ins have any. */
double engine_link_bytes(const struct engine *engine, enum link_kind kind, uint32_t gpu);

/* Seconds of the last play in which anything crossed that link, repeats included. */
double engine_link_busy_seconds(const struct engine *engine, enum link_kind kind, uint32_t gpu);

/* A flow has ended: `bytes` went from one GPU to another, over NVLink or the network, `times` times
 * in all when the play is folded. Seconds are from the start of the play. Called inside SimGrid on
 * a small stack: keep it short. */
struct flow_seen {
    uint32_t from_gpu, to_gpu;
    bool in_node;
    double start_seconds, end_seconds, bytes, times;
};
typedef void engine_flow_observer(void *context, const struct flow_seen *flow);

/* Shows the flows of the plays that follow; NULL: no more. */
void engine_observe_flows(struct engine *engine, engine_flow_observer *observer, void *context);

/* Flows and timed activities that SimGrid played so far. */
uint64_t engine_event_count(const struct engine *engine);

const char *engine_version(void); /* "3.32" */

#endif
