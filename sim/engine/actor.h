/* SPDX-License-Identifier: MIT
 * Actors: code that lives in simulated time on one GPU's host, and what it may do there: sleep,
 * wait for another, send bytes. All of cpsim's moving parts (ranks that play step programs, others'
 * traffic, replicas that serve) are actors; SimGrid stays behind this header. Where nobody sends, a
 * calendar plays them in its place, to the same bits (calendar.h, struct engine_setup's
 * `sends_nothing`).
 *
 * Actors run one at a time and only change places inside these calls, so plain fields that they
 * share need no lock. Their stacks are small (64 KiB): no HDF5, no YAML, no large arrays. */
#ifndef CPSIM_SIM_ENGINE_ACTOR_H
#define CPSIM_SIM_ENGINE_ACTOR_H

#include "sim/engine/calendar.h"
#include "sim/engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

typedef void actor_code(void *data);

/* Starts an actor when the engine next runs (or at once, from inside an actor). A daemon ends with
 * the last actor that is none. */
void actor_start(struct engine *engine, uint32_t gpu, actor_code *code, void *data, bool daemon);

/* Plays until every actor has ended, or all that are left wait for each other. */
void engine_run(struct engine *engine);

double engine_clock(void); /* simulated seconds since the engine was opened */

void actor_sleep(double seconds);

/* Something an actor can wait for. One waiter a signal; `what` is the caller's number for what is
 * awaited, so that others wake it for that only. */
struct actor_signal {
    void *semaphore; /* SimGrid's; NULL: the calendar's */
    struct calendar_semaphore in_calendar;
    uint32_t awaits; /* SIGNAL_NOTHING: nobody waits */
};
#define SIGNAL_NOTHING UINT32_MAX

void signal_init(struct actor_signal *signal);
void signal_destroy(struct actor_signal *signal);
void signal_wait(struct actor_signal *signal, uint32_t what);
/* True when woken, false when `seconds` have passed first. */
bool signal_wait_until(struct actor_signal *signal, uint32_t what, double seconds);
/* Wakes the waiter if that is what it waits for. */
void signal_wake(struct actor_signal *signal, uint32_t what);

/* Sends bytes from one GPU to another and returns when they have arrived. `limit`: bytes per second
 * that this flow may reach at most, 0: what the links give (see enum engine_lane). `times`: plays
 * that this flow stands for, in the links' accounts. Whole bytes move. */
void actor_send_lane(struct engine *engine, enum engine_lane lane, uint32_t from_gpu,
                     uint32_t to_gpu, double bytes, double limit, double times);
/* The same on the first lane. */
void actor_send(struct engine *engine, uint32_t from_gpu, uint32_t to_gpu, double bytes,
                double limit, double times);

/* A place where flows for one receiver arrive; `name` must be unique. */
void *actor_inbox(const char *name);

/* One way of an exchange: out to another's inbox, and in from whoever sends to one's own. */
struct actor_way {
    void *outbox, *inbox;
    uint32_t to_gpu;
    double bytes, limit; /* as in actor_send() */
};
enum { ACTOR_MAX_WAYS = 4 };

/* Sends and receives along all ways at once, on the first lane of the actor's own GPU, and returns
 * when everything has gone and come. A flow starts when both of its ends are here. Cheaper than
 * actor_send() where many are under way at once: SimGrid then keeps no list of them all. */
void actor_exchange(struct engine *engine, uint32_t from_gpu, const struct actor_way *ways,
                    uint32_t count, double times);

/* Changes the limit of what `from_gpu` sends on the lane to `to_gpu`'s side (inside the node or out
 * of it), flows under way included. No effect on a platform of the user's own. */
void engine_set_limit(struct engine *engine, enum engine_lane lane, uint32_t from_gpu,
                      uint32_t to_gpu, double limit);

#endif
