/* SPDX-License-Identifier: MIT */
#include "sim/engine/background.h"

#include "sim/engine/actor.h"
#include "sim/engine/engine_internal.h"

enum { AWAIT_CHANGE = 0 };

struct background_traffic {
    struct engine *engine;
    struct actor_signal changed; /* a stream has begun or ended */
    uint64_t changes;
};

struct background_stream {
    struct background_traffic *traffic;
    const struct background *background;
};

static void tell(struct background_traffic *traffic)
{
    traffic->changes++;
    signal_wake(&traffic->changed, AWAIT_CHANGE);
}

static void run_stream(void *data)
{
    const struct background_stream *stream = data;
    const struct background *background = stream->background;
    struct engine *engine = stream->traffic->engine;
    const struct cluster *cluster = engine->cluster;
    bool in_node = background->from_gpu / cluster->gpus_per_node ==
                   background->to_gpu / cluster->gpus_per_node;
    double limit = in_node ? 0.0 : cluster->connection_bytes_per_second;
    actor_sleep(background->start_seconds);
    tell(stream->traffic);
    for (uint64_t i = 0; background->count == 0 || i < background->count; i++) {
        actor_send_lane(engine, LANE_OTHERS, background->from_gpu, background->to_gpu,
                        background->bytes, limit, 1.0);
    }
    tell(stream->traffic);
}

struct background_traffic *background_start(struct engine *engine, struct arena *arena,
                                            const struct background *streams, size_t count)
{
    struct background_traffic *traffic = ARENA_NEW(arena, struct background_traffic);
    traffic->engine = engine;
    signal_init(&traffic->changed);
    for (size_t i = 0; i < count; i++) {
        struct background_stream *stream = ARENA_NEW(arena, struct background_stream);
        *stream = (struct background_stream){.traffic = traffic, .background = &streams[i]};
        actor_start(engine, streams[i].from_gpu, run_stream, stream, true);
    }
    return traffic;
}

void background_end(struct background_traffic *traffic)
{
    signal_destroy(&traffic->changed);
}

uint64_t background_changes(const struct background_traffic *traffic)
{
    return traffic->changes;
}

double background_sleep(struct background_traffic *traffic, double seconds)
{
    double since = engine_clock();
    signal_wait_until(&traffic->changed, AWAIT_CHANGE, seconds);
    double passed = engine_clock() - since;
    return passed < seconds ? passed : seconds;
}
