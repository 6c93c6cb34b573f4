/* SPDX-License-Identifier: MIT
 * Others' traffic on the same links, the same for every workload: streams of transfers one after
 * the other from an absolute simulated time on, each as fast as one connection between its two GPUs
 * can be, whatever else leaves the GPU. */
#ifndef CPSIM_SIM_ENGINE_BACKGROUND_H
#define CPSIM_SIM_ENGINE_BACKGROUND_H

#include "models/machine/background.h"
#include "sim/base/arena.h"
#include "sim/engine/engine.h"

/* Streams that play themselves; the arena's. */
struct background_traffic;

/* Starts `count` streams when the engine next runs; they end with the last actor that is none of
 * them. The engine was opened with LANE_OTHERS. */
struct background_traffic *background_start(struct engine *engine, struct arena *arena,
                                            const struct background *streams, size_t count);

/* When the engine has run, before it is closed. */
void background_end(struct background_traffic *traffic);

/* How many streams have begun or ended so far, each counted for either. */
uint64_t background_changes(const struct background_traffic *traffic);

/* From inside engine_drive(): sleeps `seconds`, or until a stream begins or ends before that.
 * Returns what has passed. */
double background_sleep(struct background_traffic *traffic, double seconds);

#endif
