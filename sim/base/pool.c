/* SPDX-License-Identifier: MIT */
#include "sim/base/pool.h"

#include "sim/base/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child's pipe carries what it says on stderr, then its result, then the size of that and this
 * word. Whatever lacks the ending is last words. */
static const char ending[8] = {'\x89', 'r', 'e', 's', 'u', 'l', 't', '\n'};

enum { TICK_MILLISECONDS = 200, READ_BYTES = 64 * 1024, LONGEST_WORDS = 300 };

struct worker {
    pid_t process; /* 0: idle */
    int pipe;
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

static void write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = write(descriptor, bytes, size);
        if (count < 0 && errno != EINTR) {
            _exit(1);
        }
        bytes += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
}

static _Noreturn void be_child(const struct pool *pool, uint64_t job, int pipe_end, int parent)
{
    child_die_with(parent);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL); /* the parent was killed: so ends its child */
    dup2(pipe_end, STDOUT_FILENO);
    dup2(pipe_end, STDERR_FILENO);
    struct text bytes = {.arena = arena_create()};
    text_add(&bytes, "");
    pool->work(pool->context, job, &bytes);
    fflush(NULL);
    uint64_t size = bytes.length;
    write_all(pipe_end, bytes.bytes, bytes.length);
    write_all(pipe_end, (const char *)&size, sizeof size);
    write_all(pipe_end, ending, sizeof ending);
    _exit(0);
}

/* False when the system gives no process; errno says why. */
static bool start(const struct pool *pool, struct worker *workers, struct worker *worker,
                  uint64_t job)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    fflush(NULL);
    int parent = (int)getpid();
    pid_t process = fork();
    if (process == 0) {
        for (unsigned i = 0; i < pool->workers; i++) {
            if (workers[i].process != 0) {
                close(workers[i].pipe);
            }
        }
        close(ends[0]);
        be_child(pool, job, ends[1], parent);
    }
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        return false;
    }
    *worker =
        (struct worker){.process = process, .pipe = ends[0], .job = job, .arena = arena_create()};
    worker->said.arena = worker->arena;
    text_add(&worker->said, "");
    return true;
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

static bool finish(const struct pool *pool, struct worker *worker)
{
    int status = 0;
    close(worker->pipe);
    while (waitpid(worker->process, &status, 0) < 0 && errno == EINTR) {
    }
    const struct text *said = &worker->said;
    struct pool_result result = {.bytes = NULL};
    uint64_t size = 0;
    size_t tail = sizeof size + sizeof ending;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && said->length >= tail &&
        memcmp(said->bytes + said->length - sizeof ending, ending, sizeof ending) == 0) {
        memcpy(&size, said->bytes + said->length - tail, sizeof size);
    }
    if (size > 0 && size <= said->length - tail) {
        result.bytes = said->bytes + said->length - tail - size;
        result.size = size;
    } else {
        result.last_words = last_words(worker, status);
    }
    bool go_on = pool->done(pool->context, worker->job, &result);
    arena_destroy(worker->arena);
    worker->process = 0;
    return go_on;
}

/* Reads what a worker says; at its end takes its result. False stops the pool. */
static bool listen_to(const struct pool *pool, struct worker *worker, char *buffer)
{
    ssize_t count = read(worker->pipe, buffer, READ_BYTES);
    if (count > 0) {
        text_append(&worker->said, buffer, (size_t)count);
        return true;
    }
    return (count < 0 && errno == EINTR) || finish(pool, worker);
}

static void kill_all(const struct pool *pool, struct worker *workers)
{
    for (unsigned i = 0; i < pool->workers; i++) {
        if (workers[i].process != 0) {
            kill(workers[i].process, SIGKILL);
            close(workers[i].pipe);
            while (waitpid(workers[i].process, NULL, 0) < 0 && errno == EINTR) {
            }
            arena_destroy(workers[i].arena);
            workers[i].process = 0;
        }
    }
}

/* Gives idle workers jobs. False when none is at work and none is left. */
static bool employ(const struct pool *pool, struct worker *workers)
{
    bool any = false, left = true;
    for (unsigned i = 0; i < pool->workers; i++) {
        uint64_t job = 0;
        if (workers[i].process == 0 && left) {
            left = pool->next(pool->context, &job);
            if (left && !start(pool, workers, &workers[i], job)) {
                struct pool_result none = {.last_words =
                                               "the system gave it no process; try a smaller -j"};
                pool->done(pool->context, job, &none);
                any = true; /* the next round tries the next job */
            }
        }
        any = any || workers[i].process != 0;
    }
    return any;
}

static enum pool_end serve(const struct pool *pool, struct worker *workers, struct pollfd *polled,
                           char *buffer)
{
    while (employ(pool, workers)) {
        for (unsigned i = 0; i < pool->workers; i++) {
            polled[i] = (struct pollfd){.fd = workers[i].process != 0 ? workers[i].pipe : -1,
                                        .events = POLLIN};
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
    kill_all(pool, workers);
    sigaction(SIGINT, &old_interrupt, NULL);
    sigaction(SIGTERM, &old_terminate, NULL);
    arena_destroy(arena);
    return end;
}
