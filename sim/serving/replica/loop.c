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

static double take_in_seconds(const struct lane *lane, uint32_t sequences)
{
    const struct engine_loop *loop = loop_of(lane);
    return loop->take_in_seconds + sequences * loop->take_in_sequence_seconds;
}

double loop_answer_seconds(const struct lane *lane, uint32_t sequences)
{
    const struct scenario *scenario = lane->server->pool->scenario;
    double take_in = lane->server->view.limits.ahead ? take_in_seconds(lane, sequences) : 0.0;
    return take_in + sequences * scenario->software.answer_sequence_seconds;
}

/* Of the host, to launch the layers one by one; 0: they come from one CUDA graph. */
static double launch_seconds(const struct lane *lane, const struct step_cost *cost)
{
    if (!loop_launches(lane)) {
        return cost->launch_seconds;
    }
    const struct engine_loop *loop = loop_of(lane);
    double of_experts = cost->experts_launch_seconds;
    return loop->own_launch * (cost->launch_seconds - of_experts) +
           loop->own_experts_launch * of_experts;
}

void loop_draw(struct lane *lane, double watts, double seconds)
{
    const struct gpu *gpu = &lane->server->pool->scenario->gpu;
    double spent = lane->spent_joules + (watts - gpu->power_limit_watts) * seconds;
    lane->spent_joules = fmin(fmax(spent, 0.0), gpu->burst_joules);
}

/* The step begins at a clock between that of a rested GPU and that of one at its limit. */
static void settle_clock(const struct lane *lane, struct step_cost *cost)
{
    const struct gpu *gpu = &lane->server->pool->scenario->gpu;
    double tired = gpu->burst_joules > 0.0 ? lane->spent_joules / gpu->burst_joules : 1.0;
    cost->gpu_seconds = cost->rested_seconds + tired * (cost->gpu_seconds - cost->rested_seconds);
    cost->watts = cost->rested_watts + tired * (cost->watts - cost->rested_watts);
}

void loop_launch(struct lane *lane, const struct step_shape *shape, struct flight *flight)
{
    struct server *server = lane->server;
    const struct engine_loop *loop = loop_of(lane);
    double idle_watts = server->pool->scenario->gpu.idle_watts;
    struct step_cost *cost = &flight->cost;
    flight->sequences = shape->decodes + shape->prompts;
    double begin = engine_clock() + schedule_seconds(lane, flight->sequences);
    if (!loop_launches(lane)) {
        begin = fmax(begin, lane->worker_free_seconds);
    }
    double first = begin + loop->prepare_seconds, last = first + launch_seconds(lane, cost);
    double start = fmax(first, lane->gpu_free_seconds);
    loop_draw(lane, idle_watts, start - lane->gpu_free_seconds);
    settle_clock(lane, cost);
    double pace = server->slowness[0] * pace_of_step(&server->pace, cost->watts, start);
    double gpu = pace * cost->gpu_seconds + lane->swap_seconds;
    flight->launched_seconds = last + loop->sample_seconds;
    flight->ready_seconds = start + gpu;
    if (cost->launch_seconds > 0.0) {
        /* The last layer runs when all are launched. */
        double layer = gpu / server->pool->scenario->llm.stack.layers;
        flight->ready_seconds = fmax(flight->ready_seconds, last + layer);
    }
    flight->ready_seconds = fmax(flight->ready_seconds, flight->launched_seconds);
    loop_draw(lane, cost->watts, gpu);
    loop_draw(lane, idle_watts, flight->ready_seconds - start - gpu);
    lane->gpu_free_seconds = flight->ready_seconds;
    lane->worker_free_seconds = flight->launched_seconds;
}

double loop_taken_in(const struct lane *lane, const struct flight *flight,
                     const struct flight *next)
{
    bool busy = next != NULL && loop_launches(lane);
    double free = busy ? next->launched_seconds : 0.0;
    double begins = fmax(fmax(flight->ready_seconds, free), engine_clock());
    return begins + take_in_seconds(lane, flight->sequences);
}

double loop_pace(const struct lane *lane, const struct step_shape *shape, double gpu_seconds,
                 const struct step_cost *cost)
{
    const struct engine_loop *engine = loop_of(lane);
    double launch = engine->prepare_seconds + launch_seconds(lane, cost) + engine->sample_seconds;
    double loop = schedule_seconds(lane, shape->decodes) + take_in_seconds(lane, shape->decodes) +
                  (loop_launches(lane) ? launch : 0.0);
    return fmax(fmax(gpu_seconds, launch), loop);
}

void loop_go_on(struct lane *lane, struct flight *next, double pace_seconds)
{
    next->launched_seconds = engine_clock();
    next->ready_seconds = engine_clock() + pace_seconds;
    lane->gpu_free_seconds = next->ready_seconds;
    lane->worker_free_seconds = next->launched_seconds;
}
