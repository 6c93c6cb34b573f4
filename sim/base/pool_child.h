/* SPDX-License-Identifier: MIT
 * What a pool's child does, and what it and its parent say to each other.
 *
 * A child's pipe carries what it says on stderr, its result, then a `struct pool_tail`. Whatever
 * lacks a tail is last words. Orders come over a socket: a `struct pool_order`, then its bytes. */
#ifndef CPSIM_SIM_BASE_POOL_CHILD_H
#define CPSIM_SIM_BASE_POOL_CHILD_H

#include "sim/base/pool.h"

struct pool_tail {
    uint64_t size;  /* of the result before it, in bytes */
    uint64_t stays; /* 1: the child waits for an order; 0: it ends */
    char ending[8];
};

struct pool_order {
    uint64_t job;
    uint64_t size; /* of what is told, in bytes; 0: nothing is */
};

/* The tail at the end of what a child has said; false: there is none. */
bool pool_tail_read(const struct text *said, struct pool_tail *tail);

/* Hands an order to a child that waits; false: it is not there. */
bool pool_order_send(int orders, uint64_t job, const struct text *told);

/* Does `job`, then what is ordered, and ends. `orders`: a socket, -1: no more come. */
_Noreturn void pool_child(const struct pool *pool, uint64_t job, const struct text *told,
                          int pipe_end, int orders);

#endif
