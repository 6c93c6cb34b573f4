/* SPDX-License-Identifier: MIT
 * Jobs in other processes, so many at a time: a job that crashes takes nothing with it. A child
 * starts as a copy of the parent, so what the parent has read needs no reading again. It does one
 * job, or, where jobs leave nothing behind (`keeps`), one after the other, warm. */
#ifndef CPSIM_SIM_BASE_POOL_H
#define CPSIM_SIM_BASE_POOL_H

#include "sim/base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct pool_result {
    const char *bytes; /* [size] what the job wrote; NULL: its process died */
    size_t size;
    const char *last_words; /* "signal 9 (Killed): out of memory"; of a process that died */
};

struct pool {
    unsigned workers;
    void *context;
    /* The next job; false when there is none now: jobs under way may bring more. In the parent. */
    bool (*next)(void *context, uint64_t *job);
    /* Does the job and leaves what it found in `bytes`. In a child. */
    void (*work)(void *context, uint64_t job, struct text *bytes);
    bool keeps; /* a child that has done a job may do others */
    /* Of `keeps`. What a child must know of a job beside its number and what the parent knew when
     * it began: `tell` writes it in the parent, `told` reads it in the child. NULL: nothing. */
    void (*tell)(void *context, uint64_t job, struct text *bytes);
    void (*told)(void *context, uint64_t job, const char *bytes);
    /* Whether this child may do another job. In the child. NULL: it may. */
    bool (*fit)(void *context);
    /* Takes what came of it, in the order in which jobs end; false stops the pool. In the parent.
     */
    bool (*done)(void *context, uint64_t job, const struct pool_result *result);
    /* Called a few times a second. In the parent. */
    void (*tick)(void *context);
};

enum pool_end { POOL_DONE, POOL_STOPPED /* by done() */, POOL_INTERRUPTED /* SIGINT, SIGTERM */ };

/* Runs all jobs. When it stops early, the jobs under way are killed. */
enum pool_end pool_run(const struct pool *pool);

#endif
