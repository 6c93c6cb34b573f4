/* SPDX-License-Identifier: MIT
 * A kernel and a collective that run at once slow each other: the collective's channels hold
 * streaming multiprocessors (SMs), both move bytes through the same memory, and each waits for the
 * other's thread blocks to leave an SM. The factors hold while both run; alone, each runs at its
 * own speed. Pure. Constants: platforms/collectives/ *.yaml, fitted to
 * tests/validation/overlap.csv.
 *
 * Over the fabric the NIC moves the bytes and few channels feed it: the kernel loses those SMs, and
 * the collective nothing (arXiv 2411.01783, table 5: a hop of 16.38 MB takes 627 us under 414 us of
 * attention and 631 us under 1608 us). */
#ifndef CPSIM_MODELS_MACHINE_OVERLAP_H
#define CPSIM_MODELS_MACHINE_OVERLAP_H

#include <stdbool.h>
#include <stdint.h>

struct overlap_constants {
    double node_multiprocessors;   /* SMs that a collective's channels hold: over NVLink */
    double fabric_multiprocessors; /* and over the NICs */
    double start_seconds;    /* a starting collective holds SMs idle until its last channel has
                                one, so often as one starts */
    double memory_share;     /* of a memory-bound kernel's rate that a collective takes */
    double extra_waves;      /* of a kernel's blocks that run late, since SMs were held */
    double waiting_share;    /* of a compute-bound kernel, until it lets a collective start */
    double compute_slowdown; /* of a collective's transfer beside a compute-bound kernel */
    double memory_slowdown;  /* and beside a memory-bound one */
    double largest_share;    /* of a kernel's rate that collectives can take, however often they
                                start */
    uint32_t wave_rows, wave_columns; /* of a GEMM's thread block, of which an SM has one */
};

struct overlap_kernel {
    bool memory_bound;
    double seconds;      /* alone */
    double wave_seconds; /* of one thread block, where blocks run in waves as a GEMM's do; else 0 */
};

struct overlap_collective {
    bool fabric;    /* it leaves the node */
    double seconds; /* alone */
};

struct overlap_factors {
    double kernel, collective; /* at least 1: time together over time alone */
};

struct overlap_factors overlap_slowdown(const struct overlap_constants *constants,
                                        uint32_t streaming_multiprocessors,
                                        const struct overlap_kernel *kernel,
                                        const struct overlap_collective *collective);

/* One wave of a GEMM m x n that takes `seconds`. */
double overlap_gemm_wave_seconds(const struct overlap_constants *constants, uint64_t m, uint64_t n,
                                 double seconds, uint32_t streaming_multiprocessors);

#endif
