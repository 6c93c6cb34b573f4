/* SPDX-License-Identifier: MIT
 * A step program: one rank's work in one forward pass as operators with sizes, streams and
 * dependencies. A pure function of model, layout, precision and batch (transformer.h); priced by
 * step_price.h; played on SimGrid by sim/engine, or in closed form by critical_path.h. Every rank
 * runs the same program: load-balanced sharding makes them alike. */
#ifndef CPSIM_MODELS_STEP_STEP_PROGRAM_H
#define CPSIM_MODELS_STEP_STEP_PROGRAM_H

#include "models/collectives/collective.h"
#include "models/kernels/gpu_kernel.h"
#include "models/machine/overlap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum operator_kind {
    OPERATOR_GEMM,
    OPERATOR_ATTENTION,
    OPERATOR_MEMORY,
    OPERATOR_COLLECTIVE,
    OPERATOR_HOST,   /* the GPU waits for the program that drives it */
    OPERATOR_KERNEL, /* of a library's file (models/machine/mixer_kernels.h): its work is said */
    OPERATOR_KIND_COUNT
};

/* Operators of one stream run one after the other, in the order of the program. */
enum stream { STREAM_COMPUTE, STREAM_COMMUNICATION, STREAM_COUNT };

/* The ranks that take part in a collective: one layer's shards, one sequence's, those that hold the
 * same parameters (context and data ranks), those that a layer's experts lie on, of these the ones
 * with other requests, and those that hold the same experts. */
enum group {
    GROUP_TENSOR,
    GROUP_CONTEXT,
    GROUP_DATA,
    GROUP_EXPERT,
    GROUP_ATTENTION,
    GROUP_EXPERT_DATA,
    GROUP_COUNT
};

enum { OPERATOR_MAX_DEPENDENCIES = 2 };

struct step_operator {
    enum operator_kind kind;
    enum stream stream;
    const char *name;   /* "qkv", "ring hop", ...: a literal, not owned */
    uint32_t iteration; /* of the ring; 0 when it has none */
    union {
        struct gemm_shape gemm;
        struct attention_shape attention;
        struct memory_shape memory;
        struct kernel_work kernel;
        struct {
            enum group group;
            struct collective_call call;
        } collective;
        double host_seconds;
    };
    uint32_t after[OPERATOR_MAX_DEPENDENCIES]; /* earlier operators that must have ended */
    uint32_t after_count;
    /* Filled by step_price(): */
    struct kernel_cost cost;     /* compute and host operators, alone */
    struct collective_plan plan; /* collectives */
};

/* Which part of a pass a segment is. */
enum step_part { STEP_EMBEDDING, STEP_LAYERS, STEP_HEAD, STEP_OTHER };

/* Operators played `repeat` times, one play after the other: identical layers. */
struct step_segment {
    enum step_part part;
    const char *name; /* "embedding", "layers", "first layers", "head"; for people, nothing is found
                         by it */
    bool distinct;    /* STEP_LAYERS: some of the model's, of which the name says which */
    /* STEP_LAYERS stands for `repeat` layers of one kind of the stack, of which `layer` is the
     * first, all before `end`. */
    uint32_t kind, layer, end;
    uint32_t repeat;
    double launch_seconds; /* of the host for one play, which takes no less; 0: eager_launch an
                              operator, nothing from a graph */
    bool experts_by_hand;  /* it is of a layer with experts beyond all graphs */
    uint32_t count, capacity;
    struct step_operator *operators; /* [capacity], the caller's */
};

enum { STEP_MAX_SEGMENTS = 84 };

struct step_program {
    struct step_segment segments[STEP_MAX_SEGMENTS]; /* one after the other */
    uint32_t segment_count;
    bool graph; /* launched from a CUDA graph; otherwise kernel by kernel */
    /* Set by step_price(), for what runs side by side; see step_overlap.h. */
    struct overlap_constants overlap;
    uint32_t streaming_multiprocessors; /* 0: nothing slows anything */
};

/* Appends a copy of `op`, which waits for `after` and `also` (STEP_NO_OPERATOR: for nothing besides
 * its stream). Returns its index. Asserts that there is room. */
#define STEP_NO_OPERATOR UINT32_MAX
uint32_t step_append(struct step_segment *segment, struct step_operator op, uint32_t after,
                     uint32_t also);

/* On the communication stream; priced later. */
struct step_operator step_collective_operator(const char *name, enum group group,
                                              struct collective_call call);
/* The GPU waits for its host. */
struct step_operator step_host_operator(const char *name, uint32_t iteration, double seconds);
/* A memory-bound kernel over rows x columns that moves `bytes_per_element` for each. */
struct step_operator step_memory_operator(const char *name, enum memory_kernel kernel,
                                          uint64_t rows, uint64_t columns, double bytes_per_element,
                                          bool fused);

#endif
