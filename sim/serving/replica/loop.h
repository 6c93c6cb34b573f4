/* SPDX-License-Identifier: MIT
 * The two halves of a serving engine that schedules ahead (struct engine_loop), in time: its loop
 * makes a step up and hands it to a worker, who launches it; the GPU runs what was launched, one
 * step after the other; the loop takes a step's outputs in when the GPU is through with it and the
 * loop is free. Two steps are in flight. vLLM 0.24: EngineCore.step_with_batch_queue(). */
#ifndef CPSIM_SIM_SERVING_REPLICA_LOOP_H
#define CPSIM_SIM_SERVING_REPLICA_LOOP_H

#include "sim/serving/replica/server.h"

/* The loop has the time now, makes the step up and has it launched. `flight` says when its launch
 * and its work end. */
void loop_launch(struct lane *lane, const struct step_shape *shape, struct flight *flight);

/* The earliest that the outputs of `flight` are taken in; `next` was launched after it, or NULL. A
 * loop that launches by itself is busy until then. */
double loop_taken_in(const struct lane *lane, const struct flight *flight,
                     const struct flight *next);

/* Seconds from one decode step's outputs to the next one's in a run of steps like `cost`, which the
 * GPU takes `gpu_seconds` for. */
double loop_pace(const struct lane *lane, const struct step_shape *shape, double gpu_seconds,
                 const struct step_cost *cost);

/* A run of steps has ended now, and the one in flight is `next`, alike. */
void loop_go_on(struct lane *lane, struct flight *next, double pace_seconds);

/* A GPU draws `watts` for so long: what it spends of the energy that it may draw beyond its limit
 * at first, or makes up for. */
void loop_draw(struct lane *lane, double watts, double seconds);

/* Whether the loop launches kernels itself. */
bool loop_launches(const struct lane *lane);

/* Seconds from the end of a step of so many sequences until their clients have its tokens. */
double loop_answer_seconds(const struct lane *lane, uint32_t sequences);

#endif
