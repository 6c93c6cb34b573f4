/* SPDX-License-Identifier: MIT
 * Plays priced step programs on a SimGrid model of the cluster: compute is timed, communication is
 * flows on links, so whatever shares a link slows each other. The only door to SimGrid.
 *
 * SimGrid has one engine a process at a time: engine_open(), then any number of engine_play(), then
 * engine_close(), which the next engine_open() must follow. The engine owns its memory until it is
 * closed. */
#ifndef CPSIM_SIM_ENGINE_ENGINE_H
#define CPSIM_SIM_ENGINE_ENGINE_H

#include "models/layout/placement.h"
#include "models/step/critical_path.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;

/* Each flow has a limit of its own; where flows of one GPU with unlike limits leave at once, each
 * kind takes a lane, a way out over the same links. Flows of one lane that leave the same way at
 * the same time share the last limit set. */
enum engine_lane { LANE_COLLECTIVES, LANE_STAGES, LANE_REPLICAS, LANE_OTHERS, LANE_COUNT };

struct engine_setup {
    const struct cluster *cluster;
    /* [kind_count], in order, by the cluster's numbers of nodes; none: all nodes are the cluster's
     */
    const struct node_links *kinds;
    uint32_t kind_count;
    uint32_t nodes; /* the cluster's first */
    /* The only ones of them that are made, in order; NULL: all. The others' GPUs can do nothing. */
    const uint32_t *made; /* [made_count] */
    uint32_t made_count;
    uint32_t lanes; /* the first so many of enum engine_lane; 0: one */
    /* A SimGrid platform file with hosts gpu0, gpu1, ... joined by routes; NULL: made from the
     * cluster. It has one lane, and a flow's limit there is that of its way alone. */
    const char *platform_xml;
    /* No actor sends, nothing is played: no platform is made, and time passes without SimGrid.
     * Not with a platform file, which is for SimGrid to take or refuse. */
    bool sends_nothing;
};

/* A platform that SimGrid refuses becomes a diagnostic (it is tried in a child process: SimGrid
 * aborts), and the result is NULL. */
struct engine *engine_open(const struct engine_setup *setup, struct diagnostics *diagnostics);
void engine_close(struct engine *engine);

/* Whether a process may open an engine after another: it is as the first was, its clock at 0. */
bool engine_opens_again(void);

/* One rank has played one segment once. Spans are seconds from the play's start of the segment,
 * which was at `start_seconds` of the whole play; `repeat` counts from 0. Called inside SimGrid on
 * a small stack: keep it short. */
typedef void engine_observer(void *context, const struct rank_role *role, uint32_t segment,
                             uint32_t repeat, double start_seconds, double end_seconds,
                             const struct span *spans);

struct play {
    const struct step_program *program; /* every rank runs it */
    const struct placement *placement;
    bool folded; /* one play of each segment, stand-ins for identical ranks */
    bool
        every_rank; /* no stand-ins, folded or not: a network of one's own may treat ranks unlike */
    engine_observer *observer; /* may be NULL */
    void *context;
};

/* Bytes that crossed each link in the plays so far, [gpu]; see engine_link_bytes(). */
enum link_kind { LINK_NVLINK_OUT, LINK_NVLINK_IN, LINK_NIC_OUT, LINK_NIC_IN, LINK_KIND_COUNT };

/* Plays the program on all ranks (or stand-ins) from a common start; `seconds` gets the time until
 * the last rank has ended, repeats of folded segments included. False when SimGrid stopped before
 * every rank had ended; a diagnostic says so. Inside engine_drive() time goes on where it was. */
bool engine_play(struct engine *engine, const struct play *play, double *seconds,
                 struct diagnostics *diagnostics);

/* Runs `code` as an actor that may call engine_play(), while others' traffic goes on from one play
 * to the next. Its stack is large: it may write files. False when it has not come to its end. */
bool engine_drive(struct engine *engine, void (*code)(void *data), void *data);

/* Bytes of the last play over the links of `gpu` (its share of a shared card), repeats included.
 * Of a folded play only stand-ins have any. */
double engine_link_bytes(const struct engine *engine, enum link_kind kind, uint32_t gpu);

/* Seconds of the last play in which anything crossed that link, repeats included. */
double engine_link_busy_seconds(const struct engine *engine, enum link_kind kind, uint32_t gpu);

/* The same of others' traffic (LANE_OTHERS), since the engine was opened. */
double engine_others_bytes(const struct engine *engine, enum link_kind kind, uint32_t gpu);
double engine_others_busy_seconds(const struct engine *engine, enum link_kind kind, uint32_t gpu);

/* A flow has ended: `bytes` went from one GPU to another, over NVLink or the network, `times` times
 * in all when the play is folded. Seconds are from the start of the play. Called inside SimGrid on
 * a small stack: keep it short. */
struct flow_seen {
    uint32_t from_gpu, to_gpu;
    bool in_node;
    double start_seconds, end_seconds, bytes, times;
};
typedef void engine_flow_observer(void *context, const struct flow_seen *flow);

/* Shows the flows of the plays that follow; NULL: no more. Others' apart, from the engine's start.
 */
void engine_observe_flows(struct engine *engine, engine_flow_observer *observer, void *context);
void engine_observe_others(struct engine *engine, engine_flow_observer *observer, void *context);

/* Flows and timed activities that SimGrid played so far. */
uint64_t engine_event_count(const struct engine *engine);

const char *engine_version(void); /* "3.32" */

#endif
