/* SPDX-License-Identifier: MIT */
#include "sim/engine/actor.h"

#include "sim/engine/calendar.h"
#include "sim/engine/engine_internal.h"
#include "sim/engine/platform_xml.h"

#include <assert.h>
#include <simgrid/actor.h>
#include <simgrid/comm.h>
#include <simgrid/engine.h>
#include <simgrid/mailbox.h>
#include <simgrid/semaphore.h>

/* What an actor runs; handed over by the actor's data. */
struct actor {
    struct engine *engine;
    actor_code *code;
    void *data;
    bool counts; /* neither a daemon nor the driver */
};

enum { DRIVER_STACK_KIB = 4096, DRIVER_AWAITS = 0 };

static void run_actor(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct actor *actor = sg_actor_self_get_data();
    actor->code(actor->data);
    if (actor->counts && --actor->engine->live == 0 && actor->engine->driven) {
        signal_wake(&actor->engine->driver, DRIVER_AWAITS);
    }
}

void actor_start(struct engine *engine, uint32_t gpu, actor_code *code, void *data, bool daemon)
{
    if (engine->calendar != NULL) {
        calendar_start(engine->calendar, code, data, daemon);
        return;
    }
    struct actor *actor = ARENA_NEW(engine->actors, struct actor);
    *actor = (struct actor){.engine = engine, .code = code, .data = data, .counts = !daemon};
    engine->live += !daemon;
    sg_actor_t handle = sg_actor_init("actor", engine->hosts[0][gpu]);
    sg_actor_set_data(handle, actor);
    sg_actor_start_(handle, run_actor, 0, NULL);
    if (daemon) {
        sg_actor_daemonize(handle);
    }
}

void engine_run(struct engine *engine)
{
    if (engine->calendar != NULL) {
        calendar_run(engine->calendar);
        return;
    }
    simgrid_run();
    arena_destroy(engine->actors);
    engine->actors = arena_create();
    engine->live = 0;
}

void engine_settle(struct engine *engine)
{
    if (!engine->driven) {
        engine_run(engine);
    } else if (engine->live > 0) {
        signal_wait(&engine->driver, DRIVER_AWAITS);
    }
}

struct driver {
    void (*code)(void *data);
    void *data;
    bool ended;
};

static void run_driver(void *data)
{
    struct driver *driver = data;
    driver->code(driver->data);
    driver->ended = true;
}

bool engine_drive(struct engine *engine, void (*code)(void *data), void *data)
{
    struct driver driver = {.code = code, .data = data};
    struct actor *actor = ARENA_NEW(engine->actors, struct actor);
    *actor = (struct actor){.engine = engine, .code = run_driver, .data = &driver};
    signal_init(&engine->driver);
    engine->driven = true;
    uint32_t host = 0;
    while (engine->hosts[0][host] == NULL) {
        host++;
    }
    sg_actor_t handle = sg_actor_init("driver", engine->hosts[0][host]);
    sg_actor_set_stacksize(handle, DRIVER_STACK_KIB);
    sg_actor_set_data(handle, actor);
    sg_actor_start_(handle, run_actor, 0, NULL);
    engine_run(engine);
    engine->driven = false;
    if (driver.ended) {
        signal_destroy(&engine->driver);
    }
    return driver.ended;
}

double engine_clock(void)
{
    const struct calendar *calendar = calendar_opened();
    return calendar != NULL ? calendar_clock(calendar) : simgrid_get_clock();
}

void actor_sleep(double seconds)
{
    struct calendar *calendar = calendar_opened();
    if (calendar != NULL) {
        calendar_sleep(calendar, seconds);
    } else {
        sg_actor_sleep_for(seconds);
    }
}

/* --- signals --- */

void signal_init(struct actor_signal *signal)
{
    *signal = (struct actor_signal){
        .semaphore = calendar_opened() == NULL ? sg_sem_init(0) : NULL,
        .awaits = SIGNAL_NOTHING,
    };
}

void signal_destroy(struct actor_signal *signal)
{
    if (signal->semaphore != NULL) {
        sg_sem_destroy(signal->semaphore);
    }
}

static void acquire(struct actor_signal *signal)
{
    if (signal->semaphore == NULL) {
        calendar_acquire(calendar_opened(), &signal->in_calendar);
    } else {
        sg_sem_acquire(signal->semaphore);
    }
}

static bool acquire_until(struct actor_signal *signal, double seconds)
{
    return signal->semaphore == NULL
               ? calendar_acquire_until(calendar_opened(), &signal->in_calendar, seconds)
               : sg_sem_acquire_timeout(signal->semaphore, seconds) == 0;
}

void signal_wait(struct actor_signal *signal, uint32_t what)
{
    signal->awaits = what;
    acquire(signal);
}

bool signal_wait_until(struct actor_signal *signal, uint32_t what, double seconds)
{
    signal->awaits = what;
    if (acquire_until(signal, seconds)) {
        return true;
    }
    if (signal->awaits == SIGNAL_NOTHING) {
        acquire(signal); /* woken at the very moment: take what was released */
        return true;
    }
    signal->awaits = SIGNAL_NOTHING;
    return false;
}

void signal_wake(struct actor_signal *signal, uint32_t what)
{
    if (signal->awaits == what) {
        signal->awaits = SIGNAL_NOTHING;
        if (signal->semaphore == NULL) {
            calendar_release(calendar_opened(), &signal->in_calendar);
        } else {
            sg_sem_release(signal->semaphore);
        }
    }
}

/* --- flows --- */

static bool in_one_node(const struct engine *engine, uint32_t from, uint32_t to)
{
    uint32_t gpus = engine->cluster->gpus_per_node;
    return from / gpus == to / gpus;
}

/* A flow takes both ends of its way; `times`: plays that this one stands for. */
struct way {
    struct engine *engine;
    struct link_use *ends[2];
    const struct flow_watch *watch;
    double play_start, times;
    struct flow_seen seen;
};

static struct way enter(struct engine *engine, enum engine_lane lane, uint32_t from, uint32_t to,
                        double bytes, double times)
{
    bool in_node = in_one_node(engine, from, to), others = lane == LANE_OTHERS;
    struct link_use **use = others ? engine->others_use : engine->link_use;
    double play_start = others ? 0.0 : engine->play_start;
    struct way way = {
        .ends = {&use[in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT][from],
                 &use[in_node ? LINK_NVLINK_IN : LINK_NIC_IN][to]},
        .engine = engine,
        .watch = others ? &engine->others_watch : &engine->watch,
        .play_start = play_start,
        .times = times,
        .seen = {.from_gpu = from,
                 .to_gpu = to,
                 .in_node = in_node,
                 .start_seconds = simgrid_get_clock() - play_start,
                 .bytes = bytes,
                 .times = times},
    };
    for (int i = 0; i < 2; i++) {
        way.ends[i]->bytes += times * bytes;
        if (way.ends[i]->flows++ == 0) {
            way.ends[i]->since = simgrid_get_clock();
        }
    }
    uint32_t end = (from > to ? from : to) + 1;
    engine->used_end = end > engine->used_end ? end : engine->used_end;
    engine->events++;
    return way;
}

static void leave(struct way way)
{
    if (way.watch->observer != NULL) {
        way.seen.end_seconds = simgrid_get_clock() - way.play_start;
        way.watch->observer(way.watch->context, &way.seen);
    }
    for (int i = 0; i < 2; i++) {
        if (--way.ends[i]->flows == 0) {
            way.ends[i]->busy_seconds += way.times * (simgrid_get_clock() - way.ends[i]->since);
        }
    }
}

void engine_set_limit(struct engine *engine, enum engine_lane lane, uint32_t from, uint32_t to,
                      double limit)
{
    enum limiter limiter = in_one_node(engine, from, to) ? LIMITER_NODE : LIMITER_FABRIC;
    double wanted = limit > 0.0 ? limit : PLATFORM_UNLIMITED;
    if (!engine->own_platform && engine->limits[lane][limiter][from] != wanted) {
        engine->limits[lane][limiter][from] = wanted;
        sg_link_set_bandwidth(engine->limiters[lane][limiter][from], wanted);
    }
}

/* Bytes that take as long alone as `bytes` at the limit: on a platform of the user's own there is
 * no limiter to set. */
static double stretched_bytes(const struct engine *engine, uint32_t from, uint32_t to, double bytes,
                              double limit)
{
    double route = sg_host_get_route_bandwidth(engine->hosts[0][from], engine->hosts[0][to]);
    return limit > 0.0 && route > limit ? bytes * route / limit : bytes;
}

/* Sets the limit on what is about to be sent; returns the bytes to simulate. */
static double prepare(struct engine *engine, enum engine_lane lane, uint32_t from, uint32_t to,
                      double bytes, double limit)
{
    if (engine->own_platform) {
        return stretched_bytes(engine, from, to, bytes, limit);
    }
    engine_set_limit(engine, lane, from, to, limit);
    return bytes;
}

void actor_send_lane(struct engine *engine, enum engine_lane lane, uint32_t from, uint32_t to,
                     double bytes, double limit, double times)
{
    assert(engine->calendar == NULL && "an engine that was opened for actors that send nothing");
    assert(lane < engine->lanes && "a lane that the engine was not opened with");
    struct way way = enter(engine, lane, from, to, bytes, times);
    sg_host_sendto(engine->hosts[lane][from], engine->hosts[0][to],
                   prepare(engine, lane, from, to, bytes, limit));
    leave(way);
}

void actor_send(struct engine *engine, uint32_t from, uint32_t to, double bytes, double limit,
                double times)
{
    actor_send_lane(engine, LANE_COLLECTIVES, from, to, bytes, limit, times);
}

void *actor_inbox(const char *name)
{
    return sg_mailbox_by_name(name);
}

void actor_exchange(struct engine *engine, uint32_t from, const struct actor_way *ways,
                    uint32_t count, double times)
{
    static char token; /* SimGrid wants something to hand over */
    assert(count <= ACTOR_MAX_WAYS && "more ways than an exchange can take");
    sg_comm_t gone[ACTOR_MAX_WAYS], come[ACTOR_MAX_WAYS];
    struct way taken[ACTOR_MAX_WAYS];
    void *received;
    for (uint32_t i = 0; i < count; i++) {
        const struct actor_way *way = &ways[i];
        taken[i] = enter(engine, LANE_COLLECTIVES, from, way->to_gpu, way->bytes, times);
        double bytes = prepare(engine, LANE_COLLECTIVES, from, way->to_gpu, way->bytes, way->limit);
        come[i] = sg_mailbox_get_async(way->inbox, &received);
        gone[i] = sg_mailbox_put_async(way->outbox, &token, (long)bytes);
    }
    for (uint32_t i = 0; i < count; i++) {
        sg_comm_wait(gone[i]);
        leave(taken[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        sg_comm_wait(come[i]);
    }
}
