/* SPDX-License-Identifier: MIT
 * A step program: one rank's work as operators with sizes, streams and dependencies. A pure
 * function of model, layout, precision and batch (transformer.h); priced by step_price.h; played on
 * SimGrid by sim/engine, or in closed form by critical_path.h. Every rank of a group runs the same
 * program (load-balanced sharding makes them alike). */
#ifndef CPSIM_MODELS_STEP_PROGRAM_H
#define CPSIM_MODELS_STEP_PROGRAM_H

#include "models/collective.h"
#include "models/gpu_kernel.h"

#include <stddef.h>
#include <stdint.h>

enum operator_kind {
    OPERATOR_GEMM,
    OPERATOR_ATTENTION,
    OPERATOR_MEMORY,
    OPERATOR_COLLECTIVE,
    OPERATOR_HOST, /* the GPU waits for the program that drives it */
    OPERATOR_KIND_COUNT
};

enum stream { STREAM_COMPUTE, STREAM_COMMUNICATION, STREAM_COUNT };
enum group { GROUP_TENSOR, GROUP_CONTEXT, GROUP_COUNT };

enum { OPERATOR_MAX_DEPENDENCIES = 3 };

struct operator_step {
    enum operator_kind kind;
    enum stream stream;
    const char *name;   /* "qkv", "ring hop", ...: a literal, not owned */
    uint16_t iteration; /* of the ring: 0 when it has none */
    union {
        struct gemm_shape gemm;
        struct attention_shape attention[2]; /* two rectangles at most; the second has sequences 0
                                                when unused. Played as one kernel. */
        struct memory_shape memory;
        struct {
            enum group group;
            struct collective_call call;
        } collective;
        double host_seconds;
    };
    uint32_t after[OPERATOR_MAX_DEPENDENCIES]; /* earlier operators that must have ended */
    uint8_t after_count;
    /* Filled by step_price(): */
    struct kernel_cost cost;     /* compute and host operators, seconds alone */
    struct collective_plan plan; /* collectives */
};

/* A run of identical layers: operators, played `repeat` times one after the other. */
struct step_segment {
    const char *name; /* "layers", "first and last layers", "embedding", "head" */
    struct operator_step *operators;
    uint32_t count, capacity, repeat;
};

enum { STEP_MAX_SEGMENTS = 4 };

struct step_program {
    struct step_segment segments[STEP_MAX_SEGMENTS];
    uint32_t segment_count;
};

#endif
