/* SPDX-License-Identifier: MIT
 * The classes that a rank's time is divided into, said once for all that tell of them:
 * TIME_CLASSES(ROW) calls ROW(class, name, word, heading, sentence) for each, in order. The name is
 * that of figures (`gemm_seconds`), the word that of a line in a summary, the heading that of a
 * column in a table of phases, in at most 9 letters; * stands for what nothing hides. */
#ifndef CPSIM_MODELS_STEP_TIME_CLASS_H
#define CPSIM_MODELS_STEP_TIME_CLASS_H

/* clang-format off */
#define TIME_CLASSES(ROW)                                                                          \
    ROW(TIME_GEMM, "gemm", "GEMM", "GEMM", "Time in GEMMs.")                             \
    ROW(TIME_ATTENTION, "attention", "attention", "attention", "Time in attention kernels.")       \
    ROW(TIME_MEMORY, "memory_kernels", "memory", "norms",                                          \
        "Time in kernels bound by memory: norms, activations, quantisation, copies.")              \
    ROW(TIME_TENSOR, "tensor_collectives", "TP", "TP coll.",                                       \
        "Time in collectives of tensor parallelism that nothing hides.")                           \
    ROW(TIME_RING, "context_collectives", "CP", "ring*",                                           \
        "Time in communication of context parallelism, such as a ring's hops, that nothing hides.") \
    ROW(TIME_EXPERTS, "expert_exchanges", "EP", "experts*",                                        \
        "Time in which tokens travel to other ranks' experts and back, that nothing hides.")       \
    ROW(TIME_HOST, "host", "host", "host", "The GPU waits for the program that drives it.")        \
    ROW(TIME_IDLE, "idle", "idle", "idle", "The GPU waits for other ranks.")
/* clang-format on */

#define TIME_CLASS_MEMBER(class, name, word, heading, sentence) class,
enum time_class { TIME_CLASSES(TIME_CLASS_MEMBER) TIME_CLASS_COUNT };
#undef TIME_CLASS_MEMBER

const char *time_class_word(enum time_class time_class);    /* "GEMM" */
const char *time_class_heading(enum time_class time_class); /* "TP coll." */

#endif
