/* SPDX-License-Identifier: MIT
 * What one step of a serving replica costs: the step program of its batch, built and priced in
 * closed form (models/passes/step_price.h, models/step/critical_path.h) the first time such a batch
 * is met, and remembered. A pure decode step is interpolated between contexts an eighth of an
 * octave apart, and within 0.1 % of the exact batch; the shape of a step with prompts is rounded to
 * 1/256 (tokens) or 1/64 (contexts, sequences that decode) of itself, 0.5 % off on average and 3.2
 * % at worst, where a product's last wave of tiles fills (tests/unit/test_step_cost.c). Owner: the
 * arena it was created in. */
#ifndef CPSIM_SIM_SERVING_BATCHING_STEP_COST_H
#define CPSIM_SIM_SERVING_BATCHING_STEP_COST_H

#include "models/passes/transformer.h"
#include "models/step/critical_path.h"
#include "sim/base/arena.h"
#include "sim/scenario/scenario.h"

struct step_costs;
struct price_store;

/* Where a step's time goes, and its useful work; the rest of it is the host's. Of one GPU. */
struct step_parts {
    double gemm_seconds, attention_seconds, memory_kernel_seconds;
    double communication_seconds;           /* that nothing hides */
    double experts_seconds;                 /* of it, exchanges of experts */
    double nvlink_seconds, network_seconds; /* in which collectives use them, hidden or not */
    double flops;
};

struct step_cost {
    double seconds;
    double gpu_seconds;            /* of it, what the GPU takes when nobody holds it up */
    double host_seconds;           /* in which the GPU waits for its host */
    double launch_seconds;         /* of the host, where it launches layer by layer; else 0 ... */
    double experts_launch_seconds; /* ... of it, those of layers with experts */
    double watts;                  /* of one GPU, average */
    /* gpu_seconds and watts of a step before which the GPU has drawn less than its limit, for long
     * enough to make up for what it may draw more at first (gpu_power.h). */
    double rested_seconds, rested_watts;
    double bytes;                       /* to and from one GPU's memory */
    double nvlink_bytes, network_bytes; /* sent by one GPU */
    struct step_parts parts;
    double norm_seconds, sum_seconds; /* of its kernels residual sums and norms, and all-reduces of
                                         tensor ranks that nothing hides */
    double finetuning_seconds;        /* of it, in which adapters are trained (finetuning.h) */
    enum ring_variant variant;        /* of its prompts */
};

/* Adds `times` of `parts`. */
void step_parts_add(struct step_parts *sum, const struct step_parts *parts, double times);

/* Adds the host's launches of a segment that it launches layer by layer. */
void step_launch_add(struct step_cost *sum, const struct step_segment *segment);

/* A batch: sequences that decode, and prompts, or parts of prompts, together. */
struct step_shape {
    uint32_t decodes;
    double decode_context; /* mean cached tokens of those that decode */
    uint32_t prompts;
    uint64_t prompt_tokens; /* new, of all prompts */
    double prompt_pairs;    /* of all prompts: new tokens x (cached + new / 2) */
    /* Of them, those whose queries go round a ring where others' keys do (attention.ring: mixed).
     */
    uint32_t query_prompts;
    uint64_t query_tokens;
    double query_pairs;
    uint32_t adapters;       /* different ones that tokens bring (models/passes/adapters.h) ... */
    uint64_t adapter_tokens; /* ... and tokens that do */
    double shared_tokens;    /* that all ranks which share experts bring, prompts and answers; 0: as
                                many each. Rounded to an eighth of an octave */
};

/* Of the layers of one stage of the layout's pipeline (0 and there is but one: of all), on network
 * cards that carry `nic_share` of their rate. */
struct step_costs *step_costs_create(struct arena *arena, const struct scenario *scenario,
                                     uint32_t stage, double nic_share);

/* Prices are looked up in `store` (price_store.h), which outlives the costs, and put there. `kind`
 * names the replica and how it is served (sim/sweep/price_kind.h). */
void step_costs_share(struct step_costs *costs, struct price_store *store, uint64_t kind);

/* Both need at least one sequence. */
struct step_cost step_cost(struct step_costs *costs, const struct step_shape *shape);

/* A pure decode step's seconds alone, at another context: what a run of them asks for most. */
double step_cost_decode_seconds(struct step_costs *costs, const struct step_shape *shape,
                                double context);

/* Tokens that it computes, guesses that are verified among them. */
double step_cost_tokens(const struct step_costs *costs, const struct step_shape *shape);

/* Who is shown a segment of a program: when its operators run in one play of so many seconds. */
typedef void step_visit(void *context, const struct step_segment *segment, const struct span *spans,
                        double seconds);

/* The model's own program of the exact batch, segment by segment, nothing remembered, and what it
 * costs: without what guesses tokens and adapters add, and of two halves that run side by side
 * (two_batch_overlap, token_weave) as one batch. */
struct step_cost step_cost_show(struct step_costs *costs, const struct step_shape *shape,
                                step_visit *visit, void *context);

/* The exact batch's price, nothing remembered: what the others are tested against. */
struct step_cost step_cost_exact(struct step_costs *costs, const struct step_shape *shape);

uint64_t step_costs_built(const struct step_costs *costs); /* programs built so far */

#endif
