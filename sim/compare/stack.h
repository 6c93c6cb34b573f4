/* SPDX-License-Identifier: MIT
 * One layer of a measured stack as a step program: models/layers builds it, what a measuring
 * program leaves out is taken away, models/passes/step_price.h prices it for the length of the
 * measurement, and it is played in closed form. */
#ifndef CPSIM_SIM_COMPARE_STACK_H
#define CPSIM_SIM_COMPARE_STACK_H

#include "models/kernels/gpu_power.h"
#include "models/passes/step_price.h"
#include "sim/compare/measurement.h"

/* Which of a layer's operators the measuring program ran. */
enum stack_part {
    STACK_LAYER,          /* all but the append to a cache, which a stack without one lacks */
    STACK_RING,           /* ring attention: hops, attention, all-to-all, merge */
    STACK_RING_ATTENTION, /* the same without what communicates */
    STACK_BLOCK,          /* a feed-forward block without its norm */
    STACK_BLOCK_ALONE     /* the same without what communicates */
};

struct stack_shape {
    const struct llm *llm;
    struct precision precision;
    uint32_t shards; /* tensor-parallel size that the shapes are cut for */
    uint32_t tensor; /* GPUs that really share a layer: 1: its collectives are left out */
    uint32_t context;
    uint32_t expert, attention_data; /* struct layout's; 0: 1 */
    enum routing_kind routing;
    struct batch_slice slice;
    enum ring_variant variant;
    enum stack_part part;
    bool eager;    /* launched kernel by kernel */
    bool compiled; /* a compiler fused the kernels bound by memory */
    bool training; /* a layer's passes in training: forward, and ... */
    bool backward; /* ... the backward pass after it, nothing recomputed */
};

/* Seconds and power of one layer. It is repeated `passes` times in a pass; a measurement is some
 * passes long (models/kernels/measurement.h). `run_seconds` > 0: it is that long instead. Marks the
 * row when a kernel or collective lies outside the models' data. */
struct power_state stack_price(struct measurement *row, const struct stack_shape *shape,
                               double passes, double run_seconds);

/* Seconds that the collectives of that name take alone, in one layer. */
double stack_collective_seconds(struct measurement *row, const struct stack_shape *shape,
                                const char *name);

/* Columns model, precision (bf16; fp8ffn, the feed-forward blocks; fp8; mxfp4, those blocks). */
const struct llm *row_llm(struct measurement *row); /* NULL after a complaint */
struct precision row_precision(struct measurement *row);
/* Columns phase, batch, new_tokens, context: the tokens of a sequence, new ones included. */
struct batch_slice row_slice(struct measurement *row, enum phase phase);

#endif
