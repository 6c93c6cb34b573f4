/* SPDX-License-Identifier: MIT
 * A training run, as a scenario describes it: one step's batch and schedule, how far it goes, what
 * breaks. Part of struct scenario; canonical units. */
#ifndef CPSIM_SIM_SCENARIO_TRAINING_H
#define CPSIM_SIM_SCENARIO_TRAINING_H

#include "models/laws/scaling_law.h"
#include "models/layers/training_choices.h"
#include "models/pipeline/pipeline_schedule.h"

struct schedule_file;    /* schedule_file.h */
struct document_lengths; /* document_lengths.h */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cause of interruptions. */
struct failure_cause {
    const char *name;
    double gpu_hours; /* of work of one GPU between two of them, on average */
    double detection_seconds, restart_seconds;
};

struct failure_settings {
    const struct failure_cause *causes; /* [cause_count]; none: nothing breaks */
    size_t cause_count;
    double checkpoint_interval_seconds; /* of work; 0: Daly's */
    double checkpoint_seconds;          /* that one keeps the job from work; 0: by its bytes */
    double straggler_slowdown;          /* steps take so much longer while there is one; 1: none */
    double straggler_gpu_hours;         /* of work of one GPU between two; 0: never */
    double straggler_seconds;           /* until it is found and replaced */
};

/* What a run may cost; one of them, the others 0. */
struct compute_budget {
    double flop; /* 6 N D */
    double gpu_hours;
    double dollars;       /* at price_per_gpu_hour */
    double served_tokens; /* over the model's life, paid of flop; 0: none */
};

/* How a batch that grows over the run is spread over GPUs. */
enum batch_width {
    BATCH_WIDTH_FIXED,    /* the layout is the scenario's: replicas run more micro-batches */
    BATCH_WIDTH_GROWING,  /* replicas run as many: there are more of them */
    BATCH_WIDTH_REPLANNED /* all GPUs, in the layout of the least step */
};

/* Which critical batch a growing one follows. */
enum batch_critical { BATCH_CRITICAL_WHOLE_RUN, BATCH_CRITICAL_LOCAL };

struct batch_schedule {
    uint32_t growth; /* of the batch at each change; 1: it never changes */
    double share;    /* of the critical batch of the tokens so far */
    enum batch_critical critical;
    uint64_t from_tokens; /* the first batch has as many at least */
    enum batch_width width;
    double restart_seconds; /* of a change of layout */
};

/* Which replica trains on which sequence. */
enum document_packing { PACKING_IN_ORDER, PACKING_BALANCED };

/* Documents that sequences are packed with, one after the other, cut where a sequence ends. */
struct documents {
    double mean_tokens, variation; /* of a log-normal distribution; mean 0: sequences are whole */
    const char *path;              /* of a file with their lengths; NULL: the distribution's */
    const struct document_lengths *lengths; /* what it holds; mean_tokens is its mean */
    enum document_packing packing;
};

struct training_workload {
    uint32_t global_batch; /* sequences; 0: the critical batch */
    uint32_t micro_batch;
    uint64_t sequence_tokens;
    enum training_schedule schedule;
    const char *schedule_path;                 /* of the user's own; NULL: `schedule` */
    const struct schedule_file *schedule_file; /* what it holds */
    uint32_t virtual_stages;
    uint32_t stage_lead, microbatch_group;
    uint32_t predicted; /* layers that predict further tokens */
    uint32_t adapter_rank;
    enum recompute recompute;
    enum sharding sharding;
    enum context_exchange context_exchange;
    bool pipeline_outside, sequence_parallel, overlap, overlap_experts, tensor_overlap,
        reshard_after_forward;
    double dropout;
    double degraded_link; /* share of its rate that the first stage's network card keeps */
    double tokens;        /* of the whole run; 0: by target_loss, or one step */
    double target_loss;   /* nats a token; 0: none */
    enum training_law law;
    struct compute_budget budget; /* in place of tokens and target_loss */
    uint32_t inner_steps;         /* between two exchanges of sites */
    bool outer_overlap;           /* it travels under the steps that follow */
    struct paths paths;           /* one for each site */
    struct batch_schedule batches;
    uint32_t slow_stage;
    double stage_slowdown;
    struct offload offload;
    struct galore galore;
    bool layer_updates;
    struct documents documents;
    double price_per_gpu_hour; /* dollars */
    struct failure_settings failures;
};

#endif
