/* SPDX-License-Identifier: MIT */
#include "sim/serving/replica/loop.h"

#include "sim/serving/replica/fleet.h"

#include <math.h>

static const struct engine_loop *loop_of(const struct lane *lane)
{
    return &lane->server->pool->scenario->software.loop;
}

static double schedule_seconds(const struct lane *lane, uint32_t sequences)
{
    const struct engine_loop *loop = loop_of(lane);
    return loop->schedule_seconds + sequences * loop->schedule_sequence_seconds;
}

bool loop_launches(const struct lane *lane)
{
    return lane->server->pool->gpus_per_server < loop_of(lane)->worker_ranks;
}

/* Of the host, to launch the layers by hand; 0: they come from CUDA graphs. */
static double launch_seconds(const struct lane *lane, const struct step_cost *cost)
{
    return loop_launches(lane) ? loop_of(lane)->own_launch * cost->launch_seconds
                               : cost->launch_seconds;
}

void loop_launch(struct lane *lane, const struct step_shape *shape, struct flight *flight)
{
    const struct server *server = lane->server;
    const struct step_cost *cost = &flight->cost;
    double begin = engine_clock() + schedule_seconds(lane, shape->decodes + shape->prompts);
    if (!loop_launches(lane)) {
        begin = fmax(begin, lane->worker_free_seconds);
    }
    double gpu = server->slowness[0] * cost->gpu_seconds + lane->swap_seconds;
    flight->launched_seconds = begin + launch_seconds(lane, cost);
    flight->ready_seconds = fmax(begin, lane->gpu_free_seconds) + gpu;
    if (cost->launch_seconds > 0.0) {
        /* The last layer runs when all are launched. */
        double layer = gpu / server->pool->scenario->llm.stack.layers;
        flight->ready_seconds = fmax(flight->ready_seconds, flight->launched_seconds + layer);
    }
    lane->gpu_free_seconds = flight->ready_seconds;
    lane->worker_free_seconds = flight->launched_seconds;
}

double loop_taken_in(const struct lane *lane, const struct flight *flight,
                     const struct flight *next)
{
    bool busy = next != NULL && loop_launches(lane);
    return busy ? fmax(flight->ready_seconds, next->launched_seconds) : flight->ready_seconds;
}

double loop_pace(const struct lane *lane, const struct step_shape *shape, double gpu_seconds,
                 const struct step_cost *cost)
{
    double launch = launch_seconds(lane, cost);
    double loop = schedule_seconds(lane, shape->decodes) + (loop_launches(lane) ? launch : 0.0);
    return fmax(fmax(gpu_seconds, launch), loop);
}

void loop_go_on(struct lane *lane, struct flight *next, double pace_seconds)
{
    next->launched_seconds = engine_clock();
    next->ready_seconds = engine_clock() + pace_seconds;
    lane->gpu_free_seconds = next->ready_seconds;
    lane->worker_free_seconds = next->launched_seconds;
}
