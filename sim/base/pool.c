/* SPDX-License-Identifier: MIT */
#include "sim/base/pool.h"

#include "sim/base/child.h"
#include "sim/base/pool_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MILLISECONDS = 200, READ_BYTES = 64 * 1024, LONGEST_WORDS = 300 };

struct worker {
    pid_t process; /* 0: none */
    bool at_work;  /* else its process, where there is one, waits for an order */
    int pipe, orders;
    uint64_t job;
    struct arena *arena;
    struct text said;
};

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void close_ends(const struct worker *worker)
{
    close(worker->pipe);
    if (worker->orders >= 0) {
        close(worker->orders);
    }
}

static void wait_for(const struct worker *worker, int *status)
{
    while (waitpid(worker->process, status, 0) < 0 && errno == EINTR) {
    }
}

/* A process of its own, that begins with the worker's job. False when the system gives none; errno
 * says why. */
static bool make_process(const struct pool *pool, const struct worker *workers,
                         struct worker *worker, const struct text *told)
{
    int ends[2], orders[2] = {-1, -1};
    if (pipe(ends) != 0) {
        return false;
    }
    bool made = !pool->keeps || socketpair(AF_UNIX, SOCK_STREAM, 0, orders) == 0;
    fflush(NULL);
    int parent = (int)getpid();
    pid_t process = made ? fork() : -1;
    if (process == 0) {
        child_die_with(parent);
        for (unsigned i = 0; i < pool->workers; i++) {
            if (workers[i].process != 0) {
                close_ends(&workers[i]);
            }
        }
        close(ends[0]);
        if (pool->keeps) {
            close(orders[0]);
        }
        pool_child(pool, worker->job, told, ends[1], orders[1]);
    }
    close(ends[1]);
    if (orders[1] >= 0) {
        close(orders[1]);
    }
    worker->process = process;
    worker->pipe = ends[0];
    worker->orders = orders[0];
    if (process < 0) {
        close_ends(worker);
        worker->process = 0;
    }
    return process > 0;
}

static void let_go(struct worker *worker)
{
    int status = 0;
    close_ends(worker);
    wait_for(worker, &status);
    worker->process = 0;
}

/* False when the system gives no process. */
static bool start(const struct pool *pool, struct worker *workers, struct worker *worker,
                  uint64_t job)
{
    worker->job = job;
    worker->arena = arena_create();
    worker->said = (struct text){.arena = worker->arena};
    struct text told = {.arena = worker->arena};
    text_add(&worker->said, "");
    text_add(&told, "");
    if (pool->tell != NULL) {
        pool->tell(pool->context, job, &told);
    }
    worker->at_work = worker->process != 0 && pool_order_send(worker->orders, job, &told);
    if (!worker->at_work) {
        if (worker->process != 0) { /* somebody ended it while it waited */
            let_go(worker);
        }
        worker->at_work = make_process(pool, workers, worker, &told);
    }
    if (!worker->at_work) {
        arena_destroy(worker->arena);
    }
    return worker->at_work;
}

/* "signal 11 (Segmentation fault): what it said last", on one line. */
static const char *last_words(struct worker *worker, int status)
{
    struct text words = {.arena = worker->arena};
    if (WIFSIGNALED(status)) {
        text_print(&words, "its process died of signal %d (%s)", WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    } else {
        text_print(&words, "its process ended with status %d", WEXITSTATUS(status));
    }
    size_t line = strcspn(worker->said.bytes, "\n");
    if (line > 0) {
        text_print(&words, ": %.*s", (int)(line < LONGEST_WORDS ? line : LONGEST_WORDS),
                   worker->said.bytes);
    }
    return words.bytes;
}

/* Takes what the worker has found, or that its process is dead. False stops the pool. */
static bool finish(const struct pool *pool, struct worker *worker, bool ended)
{
    int status = 0;
    const struct text *said = &worker->said;
    struct pool_result result = {.bytes = NULL};
    struct pool_tail tail;
    bool answered = pool_tail_read(said, &tail);
    if (ended) {
        close_ends(worker);
        wait_for(worker, &status);
        worker->process = 0;
        answered = answered && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    if (answered) {
        result.bytes = said->bytes + said->length - sizeof tail - tail.size;
        result.size = tail.size;
    } else {
        result.last_words = last_words(worker, status);
    }
    worker->at_work = false;
    bool go_on = pool->done(pool->context, worker->job, &result);
    arena_destroy(worker->arena);
    return go_on;
}

/* Reads what a worker says; at its end takes its result. False stops the pool. */
static bool listen_to(const struct pool *pool, struct worker *worker, char *buffer)
{
    ssize_t count = read(worker->pipe, buffer, READ_BYTES);
    if (count > 0) {
        struct pool_tail tail;
        text_append(&worker->said, buffer, (size_t)count);
        bool waits = pool_tail_read(&worker->said, &tail) && tail.stays == 1;
        return !waits || finish(pool, worker, false);
    }
    return (count < 0 && errno == EINTR) || finish(pool, worker, true);
}

static void end_all(const struct pool *pool, struct worker *workers)
{
    for (unsigned i = 0; i < pool->workers; i++) {
        if (workers[i].process == 0) {
            continue;
        }
        if (workers[i].at_work) {
            kill(workers[i].process, SIGKILL);
            arena_destroy(workers[i].arena);
        }
        let_go(&workers[i]); /* one that waits sees that no order will come */
    }
}

/* Gives idle workers jobs. False when none is at work and none is left. */
static bool employ(const struct pool *pool, struct worker *workers)
{
    bool any = false, left = true;
    for (unsigned i = 0; i < pool->workers; i++) {
        uint64_t job = 0;
        if (!workers[i].at_work && left) {
            left = pool->next(pool->context, &job);
            if (left && !start(pool, workers, &workers[i], job)) {
                struct pool_result none = {.last_words =
                                               "the system gave it no process; try a smaller -j"};
                pool->done(pool->context, job, &none);
                any = true; /* the next round tries the next job */
            }
        }
        any = any || workers[i].at_work;
    }
    return any;
}

static enum pool_end serve(const struct pool *pool, struct worker *workers, struct pollfd *polled,
                           char *buffer)
{
    while (employ(pool, workers)) {
        for (unsigned i = 0; i < pool->workers; i++) {
            polled[i] =
                (struct pollfd){.fd = workers[i].at_work ? workers[i].pipe : -1, .events = POLLIN};
        }
        int ready = poll(polled, pool->workers, TICK_MILLISECONDS);
        if (interrupted) {
            return POOL_INTERRUPTED;
        }
        for (unsigned i = 0; ready > 0 && i < pool->workers; i++) {
            bool speaks = polled[i].fd >= 0 && polled[i].revents != 0;
            if (speaks && !listen_to(pool, &workers[i], buffer)) {
                return POOL_STOPPED;
            }
        }
        pool->tick(pool->context);
    }
    return POOL_DONE;
}

enum pool_end pool_run(const struct pool *pool)
{
    struct sigaction action = {.sa_handler = interrupt}, old_interrupt, old_terminate;
    sigemptyset(&action.sa_mask);
    interrupted = 0;
    sigaction(SIGINT, &action, &old_interrupt);
    sigaction(SIGTERM, &action, &old_terminate);
    struct arena *arena = arena_create();
    struct worker *workers = ARENA_ARRAY(arena, struct worker, pool->workers);
    enum pool_end end = serve(pool, workers, ARENA_ARRAY(arena, struct pollfd, pool->workers),
                              ARENA_ARRAY(arena, char, READ_BYTES));
    end_all(pool, workers);
    sigaction(SIGINT, &old_interrupt, NULL);
    sigaction(SIGTERM, &old_terminate, NULL);
    arena_destroy(arena);
    return end;
}
