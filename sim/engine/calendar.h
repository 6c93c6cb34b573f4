/* SPDX-License-Identifier: MIT
 * Actors that only sleep and wait: time without a network. A calendar of who wakes when takes a
 * tenth of what SimGrid takes for an event, and gives the same order of events and the same bits of
 * its clock, so that a run that sends nothing can be played by either.
 *
 * SimGrid's order, which is kept (unit_test_calendar plays both side by side):
 * - Actors run in rounds. In a round each that is ready runs, one after the other, up to its next
 *   call here; then their calls are answered in the same order, and who is answered is ready.
 * - When nobody is ready the clock goes to the first date: now + (date - now), in doubles.
 * Whoever's date is less than 1e-11 s from it wakes, by date; of equal dates, those asked for later
 * first when they were asked for in one instant, else the earlier.
 * - A sleep is 1e-11 s at least. What starts an actor is answered three times (twice for one that
 *   is no daemon): the actor runs in the round after the second.
 * - Daemons stop with the last actor that is none, at the end of its round.
 *
 * One calendar a process at a time, as SimGrid; an actor's stack has 64 KiB. */
#ifndef CPSIM_SIM_ENGINE_CALENDAR_H
#define CPSIM_SIM_ENGINE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

struct calendar;

/* At 0 s, without actors. Ends the process with a sentence when there is no memory. */
struct calendar *calendar_open(void);
void calendar_close(struct calendar *calendar); /* may be NULL */

/* The one that is open; NULL: none is. */
struct calendar *calendar_opened(void);

/* Starts an actor: before calendar_run(), or inside it from another actor. */
void calendar_start(struct calendar *calendar, void (*code)(void *data), void *data, bool daemon);

/* Plays until every actor but daemons has ended, or those that are left wait for each other. */
void calendar_run(struct calendar *calendar);

double calendar_clock(const struct calendar *calendar); /* s */

/* --- what an actor may call --- */

void calendar_sleep(struct calendar *calendar, double seconds); /* 0 or less: nothing */

/* A semaphore with one waiter at a time. */
struct calendar_actor;
struct calendar_semaphore {
    uint32_t value;
    struct calendar_actor *waiter; /* NULL: nobody */
};

void calendar_acquire(struct calendar *calendar, struct calendar_semaphore *semaphore);
/* False when `seconds` (above 0) have passed first. */
bool calendar_acquire_until(struct calendar *calendar, struct calendar_semaphore *semaphore,
                            double seconds);
void calendar_release(struct calendar *calendar, struct calendar_semaphore *semaphore);

#endif
