/* SPDX-License-Identifier: MIT
 * Stacks are made by makecontext() and changed by _longjmp(): neither asks the kernel, which
 * swapcontext() does at each change. glibc's fortified longjmp() takes another stack for a mistake.
 */
#undef _FORTIFY_SOURCE
#include "sim/engine/calendar.h"

#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifdef CPSIM_SANITIZE
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK_BYTES = 64 << 10, GUARD_BYTES = 4 << 10, GUARDED_ACTORS = 16384, FIRST_ACTORS = 64 };
static const double SHORTEST_SECONDS = 1e-11; /* SimGrid's surf/precision, see engine.c */

enum request { SLEEP, ACQUIRE, RELEASE, PREPARE, START, MAKE_DAEMON, END };

struct calendar_actor {
    jmp_buf place;
    void *stack; /* NULL: calendar_run()'s own */
    size_t stack_bytes;
    const void *bottom; /* its lowest byte; this and the next for AddressSanitizer */
    void *fake_stack;
    void (*code)(void *data);
    void *data;
    bool daemon, ended;
    /* What it asks for. */
    enum request request;
    double seconds; /* of a sleep, or a limit to the wait; INFINITY: none */
    struct calendar_semaphore *semaphore;
    struct calendar_actor *other; /* whom it starts */
    bool late;                    /* the answer: time passed first */
    /* When it wakes. */
    double date;
    uint64_t asked;         /* numbers its dates; a noted one that is older counts no more */
    uint64_t order;         /* among equal dates */
    uint32_t place_in_heap; /* NOT_IN_HEAP */
    struct calendar_actor *next_free;
};
#define NOT_IN_HEAP UINT32_MAX

/* A date that is not in the heap yet: SimGrid takes them in when time goes on. */
struct noted {
    struct calendar_actor *actor;
    uint64_t asked;
};

struct actors {
    struct calendar_actor **all;
    uint32_t count, capacity;
};

struct calendar {
    double now;
    struct calendar_actor outside; /* who called calendar_run() */
    struct actors ready, running;  /* the next round's, and this one's */
    uint32_t turn;                 /* of running, who is next */
    struct actors heap;            /* by date */
    struct noted *noted;
    uint32_t noted_count, noted_capacity;
    uint64_t asked, order;
    uint32_t live, daemons, made;
    struct calendar_actor *self; /* who runs */
    struct calendar_actor *free; /* those that have ended: their stacks are used again */
    struct calendar_actor *born; /* whose stack is being made */
    struct actors known;         /* all that were made */
    jmp_buf maker;
};

static struct calendar *opened; /* SimGrid's state is the process's too */

/* --- memory: a calendar's own, that grows only with the number of actors --- */

static void *need(void *memory)
{
    if (memory == NULL) {
        fputs("cpsim: error: out of memory (actors)\n", stderr);
        exit(EXIT_FAILURE);
    }
    return memory;
}

static void add(struct actors *actors, struct calendar_actor *actor)
{
    if (actors->count == actors->capacity) {
        actors->capacity = actors->capacity > 0 ? 2 * actors->capacity : FIRST_ACTORS;
        actors->all = need(realloc(actors->all, actors->capacity * sizeof *actors->all));
    }
    actors->all[actors->count++] = actor;
}

struct calendar *calendar_open(void)
{
    assert(opened == NULL && "one calendar at a time");
    opened = need(calloc(1, sizeof *opened));
    opened->self = &opened->outside;
    return opened;
}

void calendar_close(struct calendar *calendar)
{
    if (calendar == NULL) {
        return;
    }
    for (uint32_t i = 0; i < calendar->known.count; i++) {
        munmap(calendar->known.all[i]->stack, STACK_BYTES);
        free(calendar->known.all[i]);
    }
    free(calendar->known.all);
    free(calendar->ready.all);
    free(calendar->running.all);
    free(calendar->heap.all);
    free(calendar->noted);
    free(calendar);
    opened = NULL;
}

struct calendar *calendar_opened(void)
{
    return opened;
}

double calendar_clock(const struct calendar *calendar)
{
    return calendar->now;
}

/* --- dates: a heap, the first at its top --- */

static bool is_before(const struct calendar_actor *a, const struct calendar_actor *b)
{
    return a->date < b->date || (a->date == b->date && a->order < b->order);
}

static void put(struct actors *heap, uint32_t place, struct calendar_actor *actor)
{
    heap->all[place] = actor;
    actor->place_in_heap = place;
}

static void sift_up(struct actors *heap, uint32_t place, struct calendar_actor *actor)
{
    while (place > 0 && is_before(actor, heap->all[(place - 1) / 2])) {
        put(heap, place, heap->all[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(heap, place, actor);
}

static void sift_down(struct actors *heap, uint32_t place, struct calendar_actor *actor)
{
    for (uint32_t child; (child = 2 * place + 1) < heap->count; place = child) {
        child += child + 1 < heap->count && is_before(heap->all[child + 1], heap->all[child]);
        if (!is_before(heap->all[child], actor)) {
            break;
        }
        put(heap, place, heap->all[child]);
    }
    put(heap, place, actor);
}

static void take_out(struct actors *heap, struct calendar_actor *actor)
{
    uint32_t place = actor->place_in_heap;
    struct calendar_actor *last = heap->all[--heap->count];
    actor->place_in_heap = NOT_IN_HEAP;
    if (last != actor) {
        bool up = place > 0 && is_before(last, heap->all[(place - 1) / 2]);
        up ? sift_up(heap, place, last) : sift_down(heap, place, last);
    }
}

static void note_date(struct calendar *calendar, struct calendar_actor *actor)
{
    if (calendar->noted_count == calendar->noted_capacity) {
        calendar->noted_capacity =
            calendar->noted_capacity > 0 ? 2 * calendar->noted_capacity : FIRST_ACTORS;
        calendar->noted =
            need(realloc(calendar->noted, calendar->noted_capacity * sizeof *calendar->noted));
    }
    actor->date = calendar->now + fmax(actor->seconds, SHORTEST_SECONDS);
    actor->asked = ++calendar->asked;
    calendar->noted[calendar->noted_count++] = (struct noted){actor, actor->asked};
}

static void forget_date(struct calendar *calendar, struct calendar_actor *actor)
{
    actor->asked = 0;
    if (actor->place_in_heap != NOT_IN_HEAP) {
        take_out(&calendar->heap, actor);
    }
}

static void wake(struct calendar *calendar, struct calendar_actor *actor)
{
    actor->late = true;
    if (actor->request == ACQUIRE) {
        actor->semaphore->waiter = NULL;
    }
    add(&calendar->ready, actor);
}

/* Goes on to the next date. False when there is none. */
static bool advance(struct calendar *calendar)
{
    struct actors *heap = &calendar->heap;
    while (calendar->noted_count > 0) {
        struct noted noted = calendar->noted[--calendar->noted_count];
        if (noted.asked == noted.actor->asked) {
            noted.actor->order = ++calendar->order;
            heap->count++;
            if (heap->count > heap->capacity) {
                heap->count--;
                add(heap, noted.actor);
            }
            sift_up(heap, heap->count - 1, noted.actor);
        }
    }
    if (heap->count == 0) {
        return false;
    }
    calendar->now += heap->all[0]->date - calendar->now;
    while (heap->count > 0 && fabs(heap->all[0]->date - calendar->now) < SHORTEST_SECONDS) {
        struct calendar_actor *first = heap->all[0];
        take_out(heap, first);
        wake(calendar, first);
    }
    return true;
}

/* --- rounds --- */

static void acquire(struct calendar *calendar, struct calendar_actor *actor)
{
    struct calendar_semaphore *semaphore = actor->semaphore;
    if (semaphore->value > 0) {
        semaphore->value--;
        add(&calendar->ready, actor);
        return;
    }
    assert(semaphore->waiter == NULL && "one waiter at a time");
    semaphore->waiter = actor;
    if (!isinf(actor->seconds)) {
        note_date(calendar, actor);
    }
}

static void release(struct calendar *calendar, struct calendar_semaphore *semaphore)
{
    struct calendar_actor *waiter = semaphore->waiter;
    if (waiter == NULL) {
        semaphore->value++;
        return;
    }
    semaphore->waiter = NULL;
    forget_date(calendar, waiter);
    add(&calendar->ready, waiter);
}

static void answer(struct calendar *calendar, struct calendar_actor *actor)
{
    actor->late = false;
    switch (actor->request) {
    case SLEEP:
        note_date(calendar, actor);
        return;
    case ACQUIRE:
        acquire(calendar, actor);
        return;
    case RELEASE:
        release(calendar, actor->semaphore);
        break;
    case START:
        calendar->live++;
        add(&calendar->ready, actor->other);
        break;
    case MAKE_DAEMON:
        if (!actor->other->ended) {
            actor->other->daemon = true;
            calendar->daemons++;
        }
        break;
    case END:
        calendar->live--;
        calendar->daemons -= actor->daemon;
        actor->next_free = calendar->free; /* perhaps on its stack still, and about to leave it */
        calendar->free = actor;
        return;
    case PREPARE:
        break;
    }
    add(&calendar->ready, actor);
}

/* Who runs next; the outside when all is over. */
static struct calendar_actor *next_of(struct calendar *calendar)
{
    for (;;) {
        if (calendar->turn < calendar->running.count) {
            return calendar->running.all[calendar->turn++];
        }
        for (uint32_t i = 0; i < calendar->running.count; i++) {
            answer(calendar, calendar->running.all[i]);
        }
        calendar->running.count = calendar->turn = 0;
        if (calendar->live == calendar->daemons ||
            (calendar->ready.count == 0 && !advance(calendar))) {
            return &calendar->outside;
        }
        struct actors ready = calendar->ready;
        calendar->ready = calendar->running;
        calendar->running = ready;
    }
}

/* --- stacks --- */

/* AddressSanitizer is told of every change. */
static void fiber_leave(struct calendar_actor *from, const struct calendar_actor *to)
{
#ifdef CPSIM_SANITIZE
    __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->stack_bytes);
#else
    (void)from;
    (void)to;
#endif
}

static void fiber_arrive(struct calendar_actor *self)
{
#ifdef CPSIM_SANITIZE
    __sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
#else
    (void)self;
#endif
}

/* Where calendar_run()'s own stack lies is known once it has been left. */
static void fiber_begin(struct calendar *calendar)
{
#ifdef CPSIM_SANITIZE
    struct calendar_actor *maker = calendar->self;
    __sanitizer_finish_switch_fiber(NULL, &maker->bottom, &maker->stack_bytes);
#else
    (void)calendar;
#endif
}

/* From whoever runs to another, until somebody comes back. */
static void change(struct calendar *calendar, struct calendar_actor *to)
{
    struct calendar_actor *self = calendar->self;
    if (to == self) {
        return;
    }
    if (_setjmp(self->place) == 0) {
        fiber_leave(self, to);
        _longjmp(to->place, 1);
    }
    fiber_arrive(self);
    calendar->self = self;
}

static void ask(struct calendar *calendar, enum request request)
{
    calendar->self->request = request;
    change(calendar, next_of(calendar));
}

/* A stack's own code: stops where change() does, and goes on for each actor that is given it. */
static void begin_stack(void)
{
    struct calendar *calendar = opened;
    struct calendar_actor *self = calendar->born;
    fiber_begin(calendar);
    if (_setjmp(self->place) == 0) {
        fiber_leave(self, calendar->self);
        _longjmp(calendar->maker, 1);
    }
    fiber_arrive(self);
    calendar->self = self;
    for (;;) {
        self->code(self->data);
        self->ended = true;
        ask(calendar, END);
    }
}

static struct calendar_actor *make_actor(struct calendar *calendar)
{
    struct calendar_actor *actor = need(calloc(1, sizeof *actor));
    actor->stack_bytes = STACK_BYTES;
    actor->stack = mmap(NULL, actor->stack_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    actor->bottom = need(actor->stack == MAP_FAILED ? NULL : actor->stack);
    if (calendar->made++ < GUARDED_ACTORS) { /* it makes two mappings, of 65,530 at most */
        mprotect(actor->stack, GUARD_BYTES, PROT_NONE);
    }
    add(&calendar->known, actor);
    return actor;
}

/* Brings a new stack to its beginning and comes back. */
static void make_stack(struct calendar *calendar, struct calendar_actor *actor)
{
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = actor->stack;
    context.uc_stack.ss_size = actor->stack_bytes;
    context.uc_link = NULL;
    makecontext(&context, begin_stack, 0);
    calendar->born = actor;
    if (_setjmp(calendar->maker) == 0) {
        fiber_leave(calendar->self, actor);
        setcontext(&context);
    }
    fiber_arrive(calendar->self);
}

void calendar_start(struct calendar *calendar, void (*code)(void *data), void *data, bool daemon)
{
    bool inside = calendar->self != &calendar->outside;
    if (inside) {
        ask(calendar, PREPARE);
    }
    struct calendar_actor *actor = calendar->free;
    if (actor != NULL) {
        calendar->free = actor->next_free;
    } else {
        actor = make_actor(calendar);
        make_stack(calendar, actor);
    }
    actor->code = code;
    actor->data = data;
    actor->daemon = actor->ended = false;
    actor->asked = 0;
    actor->place_in_heap = NOT_IN_HEAP;
    if (!inside) {
        actor->daemon = daemon;
        calendar->live++;
        calendar->daemons += daemon;
        add(&calendar->ready, actor);
        return;
    }
    calendar->self->other = actor;
    ask(calendar, START);
    if (daemon) {
        ask(calendar, MAKE_DAEMON);
    }
}

void calendar_run(struct calendar *calendar)
{
    calendar->running.count = calendar->turn = 0;
    change(calendar, next_of(calendar));
}

/* --- what actors ask --- */

void calendar_sleep(struct calendar *calendar, double seconds)
{
    if (seconds > 0.0) {
        calendar->self->seconds = seconds;
        ask(calendar, SLEEP);
    }
}

bool calendar_acquire_until(struct calendar *calendar, struct calendar_semaphore *semaphore,
                            double seconds)
{
    struct calendar_actor *self = calendar->self;
    self->semaphore = semaphore;
    self->seconds = seconds;
    ask(calendar, ACQUIRE);
    return !self->late;
}

void calendar_acquire(struct calendar *calendar, struct calendar_semaphore *semaphore)
{
    calendar_acquire_until(calendar, semaphore, INFINITY);
}

void calendar_release(struct calendar *calendar, struct calendar_semaphore *semaphore)
{
    calendar->self->semaphore = semaphore;
    ask(calendar, RELEASE);
}
