/* SPDX-License-Identifier: MIT
 * The names of the classes that a rank's time is divided into (models/step/breakdown.h), said once
 * for every workload: TIME_CLASSES(ROW) calls ROW(class, name, word, sentence) for each, in order.
 * The name is that of figures (`gemm_seconds`), the word that of a line in the summary. */
#ifndef CPSIM_SIM_FIGURES_TIME_CLASS_H
#define CPSIM_SIM_FIGURES_TIME_CLASS_H

#include "models/step/breakdown.h"

/* clang-format off */
#define TIME_CLASSES(ROW)                                                                          \
    ROW(TIME_GEMM, "gemm", "GEMM", "Time in matrix products.")                                     \
    ROW(TIME_ATTENTION, "attention", "attention", "Time in attention kernels.")                    \
    ROW(TIME_MEMORY, "memory_kernels", "memory",                                                   \
        "Time in kernels bound by memory: norms, activations, quantisation, copies.")              \
    ROW(TIME_TENSOR, "tensor_collectives", "TP",                                                   \
        "Time in collectives of tensor parallelism that nothing hides.")                           \
    ROW(TIME_RING, "context_collectives", "CP",                                                    \
        "Time in communication of context parallelism, such as a ring's hops, that nothing hides.") \
    ROW(TIME_EXPERTS, "expert_exchanges", "EP",                                                    \
        "Time in which tokens travel to other ranks' experts and back, that nothing hides.")       \
    ROW(TIME_HOST, "host", "host", "The GPU waits for the program that drives it.")                \
    ROW(TIME_IDLE, "idle", "idle", "The GPU waits for other ranks.")
/* clang-format on */

#define TIME_CLASS_ONE(class, name, word, doc) +1
_Static_assert(0 TIME_CLASSES(TIME_CLASS_ONE) == TIME_CLASS_COUNT, "a class of time without a row");
#undef TIME_CLASS_ONE

const char *time_class_word(enum time_class time_class); /* "GEMM" */

#endif
