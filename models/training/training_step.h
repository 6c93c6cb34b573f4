/* SPDX-License-Identifier: MIT
 * The time of one training step: what each pass of each part of the model costs, what is exchanged
 * between stages and between replicas, and the schedule that joins them. training_price() gives the
 * costs, which sim/training plays on SimGrid; training_step_close() plays them in closed form.
 * Pure. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_STEP_H
#define CPSIM_MODELS_TRAINING_TRAINING_STEP_H

#include "models/passes/step_price.h"
#include "models/pipeline/pipeline_play.h"
#include "models/step/breakdown.h"
#include "models/training/training_program.h"

/* Room to work in, the caller's. */
struct training_scratch {
    struct step_operator *operators; /* [training_segment_count() * training_max_operators()] */
    struct step_scratch step;        /* each as long */
    struct part_cost *parts;         /* [stages * virtual stages] */
    struct pipeline_scratch pipeline;
    double *hop_seconds;        /* [stages] */
    struct stage_times *stages; /* [stages] */
};

/* What a step is made of. */
struct training_costs {
    struct step_program program;               /* priced */
    struct power_state power;                  /* of a GPU that computes without a break */
    double segment_seconds[STEP_MAX_SEGMENTS]; /* one play of each */
    double jitter_seconds[STEP_MAX_SEGMENTS];  /* of it, what slower GPUs take longer */
    double slowdown;                           /* of kernels by these, 0: none */
    double experts_seconds[STEP_MAX_SEGMENTS]; /* of it, in exchanges of experts alone */
    struct pipeline_play play;                 /* its parts are the scratch's */
    struct collective_plan gather, reduce;     /* of one bucket */
    /* Of a layer's experts, where they lie whole on ranks: among those that hold the same. */
    struct collective_plan expert_gather, expert_reduce;
    struct collective_plan send[2]; /* of one micro-batch: between nodes, inside one */
    /* After the last stage has ended: */
    double optimizer_seconds, host_seconds;
    double svd_seconds; /* a step's share of finding low-rank states' directions */
};

struct training_costs training_price(const struct training *training,
                                     const struct training_scratch *scratch);

struct training_result {
    double seconds;          /* of a step */
    double pipeline_seconds; /* of it: the schedule, gradients reduced */
    double flops;            /* useful */
    double tokens_per_second;
    double mfu;               /* of the GPU's stated bf16 rate */
    uint32_t slowest_stage;   /* the one that is busy longest */
    double bubble_seconds;    /* in which that stage waits for others */
    double offload_seconds;   /* in which it waits for what lies in the host's memory */
    double jitter_seconds;    /* in which it waits for the slowest of all GPUs */
    double exchange_seconds;  /* in which it waits for parameters or gradients alone */
    struct breakdown classes; /* of its passes and the optimizer */
    double joules;            /* of all GPUs */
};

/* Where the time of one stage's passes goes, over a step: exposed times. */
struct breakdown training_stage_classes(const struct training *training,
                                        const struct training_costs *costs,
                                        const struct training_scratch *scratch, uint32_t stage);

/* What one GPU of a stage sends inside the passes of a step, to its tensor and context ranks.
 * Between stages and replicas, and to experts, it sends what the player's links count. */
struct traffic training_stage_traffic(const struct training *training,
                                      const struct training_costs *costs, uint32_t stage);

/* The result of a step whose schedule takes `pipeline_seconds` and whose stages ran so. */
struct training_result training_summarise(const struct training *training,
                                          const struct training_costs *costs,
                                          const struct training_scratch *scratch,
                                          double pipeline_seconds);

/* The two in closed form. */
struct training_result training_step(const struct training *training,
                                     const struct training_scratch *scratch,
                                     struct training_costs *costs);

#endif
