/* SPDX-License-Identifier: MIT */
#include "sim/base/pool_child.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char ending[8] = {'\x89', 'r', 'e', 's', 'u', 'l', 't', '\n'};

/* What a library keeps of each job does not grow without end. */
enum { JOBS_MOST = 256 };
/* What is zeroed memory comes from the system at every job, else all of it is zeroed by hand:
 * SimGrid takes half a megabyte of it for each model of an engine, and uses a page. */
enum { LEAST_MAPPED_BYTES = 256 << 10 };

bool pool_tail_read(const struct text *said, struct pool_tail *tail)
{
    if (said->length < sizeof *tail) {
        return false;
    }
    memcpy(tail, said->bytes + said->length - sizeof *tail, sizeof *tail);
    return memcmp(tail->ending, ending, sizeof ending) == 0 && tail->size > 0 &&
           tail->size <= said->length - sizeof *tail;
}

static bool send_all(int orders, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t count = send(orders, at, size, MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        at += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

bool pool_order_send(int orders, uint64_t job, const struct text *told)
{
    const struct pool_order order = {.job = job, .size = told->length};
    return send_all(orders, &order, sizeof order) && send_all(orders, told->bytes, told->length);
}

static bool receive_all(int orders, void *bytes, size_t size)
{
    char *at = bytes;
    while (size > 0) {
        ssize_t count = recv(orders, at, size, 0);
        if (count == 0 || (count < 0 && errno != EINTR)) {
            return false;
        }
        at += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

static void write_all(int descriptor, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t count = write(descriptor, at, size);
        if (count < 0 && errno != EINTR) {
            _exit(1);
        }
        at += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
}

/* Result and tail in one write, where a pipe takes that: the parent wakes once. */
static void answer(const struct pool *pool, uint64_t job, int pipe_end, bool may_stay, bool *stays)
{
    struct text bytes = {.arena = arena_create()};
    text_add(&bytes, "");
    pool->work(pool->context, job, &bytes);
    fflush(NULL);
    *stays = may_stay && (pool->fit == NULL || pool->fit(pool->context));
    struct pool_tail tail = {.size = bytes.length, .stays = *stays};
    memcpy(tail.ending, ending, sizeof ending);
    text_append(&bytes, (const char *)&tail, sizeof tail);
    write_all(pipe_end, bytes.bytes, bytes.length);
    arena_destroy(bytes.arena);
}

_Noreturn void pool_child(const struct pool *pool, uint64_t job, const struct text *told,
                          int pipe_end, int orders)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL); /* the parent was killed: so ends its child */
    dup2(pipe_end, STDOUT_FILENO);
    dup2(pipe_end, STDERR_FILENO);
    bool stays = true;
    if (orders >= 0) {
        mallopt(M_MMAP_THRESHOLD, LEAST_MAPPED_BYTES);
    }
    if (pool->told != NULL) {
        pool->told(pool->context, job, told->bytes);
    }
    for (unsigned done = 1;; done++) {
        answer(pool, job, pipe_end, orders >= 0 && done < JOBS_MOST, &stays);
        struct pool_order order;
        if (!stays || !receive_all(orders, &order, sizeof order)) {
            _exit(0);
        }
        struct arena *arena = arena_create();
        char *bytes = ARENA_ARRAY(arena, char, order.size + 1);
        if (!receive_all(orders, bytes, order.size)) {
            _exit(0);
        }
        job = order.job;
        if (pool->told != NULL) {
            pool->told(pool->context, job, bytes);
        }
        arena_destroy(arena);
    }
}
