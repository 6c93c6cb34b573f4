/* SPDX-License-Identifier: MIT
 * Runs a conversation: for each turn a prefill (full, or partial on the cached context), then
 * decode. Every phase is a step program played by the engine. */
#ifndef CPSIM_SIM_INFERENCE_CONVERSATION_H
#define CPSIM_SIM_INFERENCE_CONVERSATION_H

#include "models/passes/memory.h"
#include "models/step/breakdown.h"
#include "models/step/operator_total.h"
#include "sim/base/progress.h"
#include "sim/engine/engine.h"
#include "sim/scenario/scenario.h"

struct phase_result {
    enum phase phase;
    uint32_t turn; /* from 1 */
    uint32_t sequences;
    uint64_t new_tokens;    /* of one sequence: the prompt, or the tokens decoded */
    uint64_t cached_tokens; /* before the phase, of one sequence */
    enum ring_variant variant;
    struct ring_answer answer; /* prefill on a ring: what the rule compared */
    double other_seconds;      /* ring: auto: what the other variant would take; else 0 */
    double start_seconds, seconds;
    double latency_seconds;           /* TTFT of a prefill, mean TPOT of decode */
    struct breakdown breakdown;       /* of rank 0 over the whole phase */
    double flops;                     /* useful, the whole cluster */
    double mfu;                       /* of the bf16 peak */
    double tokens_per_second_per_gpu; /* of decode */
    double knee_sequences;            /* of decode, at its mean context: memory_knee_sequences() */
    double node_bytes, fabric_bytes;  /* over NVLink and NICs, the whole cluster */
    double clock_hertz, watts;        /* of one GPU, average */
    struct operator_totals *totals;   /* of rank 0, in the phase's first step */
    double joules;                    /* the whole cluster */
    struct memory_use memory;         /* of one GPU at the phase's end */
};

struct conversation_result {
    const struct scenario *scenario;
    struct phase_result *phases; /* [phase_count] */
    uint32_t phase_count;
    const struct phase_result *fullest; /* that uses most of a GPU's memory */
    double seconds;
    double node_bytes, fabric_bytes;
    double joules;
    double *link_bytes[LINK_KIND_COUNT];        /* [gpu_count], the whole run */
    double *link_busy_seconds[LINK_KIND_COUNT]; /* [gpu_count] */
    struct breakdown *rank_breakdowns;          /* [layout_gpus()], the whole run */
    uint32_t gpu_count;
    struct breakdown breakdown; /* of rank 0, the whole run */
    uint64_t events;
    bool quality_asked; /* the scenario says how the model was trained */
    struct quality_answer quality;
    bool over_trained; /* on more tokens than its bits have use for */
};

struct trace_run; /* sim/inference/trace_run.h: rows of the trace; NULL: none */

/* False with diagnostics when the simulation failed. The result lives in `arena`. `progress` may be
 * NULL. */
bool conversation_run(const struct scenario *scenario, struct arena *arena, struct trace_run *trace,
                      struct progress *progress, struct conversation_result *result,
                      struct diagnostics *diagnostics);

/* The GPU that is played in place of `gpu`: itself, or in a folded run the one that stands for it.
 */
uint32_t conversation_stand_in(const struct scenario *scenario, uint32_t gpu);

#endif
