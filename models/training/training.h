/* SPDX-License-Identifier: MIT
 * How a model is trained: batch, pipeline schedule, what is sharded, recomputed and overlapped; and
 * what follows from it by counting. Layers go over stages x virtual stages in equal parts; what
 * does not divide is missing first from the last part, then from the first (the embedding and the
 * head fill the gap, arXiv 2407.21783, section 3.3.2). Pure. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_H
#define CPSIM_MODELS_TRAINING_TRAINING_H

#include "models/layers/train_builder.h"
#include "models/layout/placement.h"
#include "models/passes/transformer.h"
#include "models/pipeline/pipeline_schedule.h"

struct training {
    struct replica replica;
    uint32_t global_batch, micro_batch; /* sequences */
    uint64_t sequence_tokens;
    const struct pipeline_schedule *schedule;
    uint32_t virtual_stages;   /* parts of the model on each stage */
    uint32_t stage_lead;       /* struct pipeline's lead; 0: the schedule's own */
    uint32_t microbatch_group; /* struct pipeline's group */
    enum recompute recompute;
    enum sharding sharding;
    enum context_exchange context_exchange;
    uint32_t predicted; /* layers behind the last that predict further tokens, each with a loss of
                           its own (arXiv 2404.19737; 2412.19437, section 2.2) */
    uint32_t adapter_rank;  /* of LoRA adapters on attention's linear layers, all that is trained
                               then  (arXiv 2106.09685); 0: everything is */
    bool pipeline_outside;  /* stages lie farther from each other than replicas, as Megatron-LM and
                               torchtitan place them; otherwise nearer, as struct layout says and
                               Llama 3 does */
    bool sequence_parallel; /* norms on 1/tensor of the tokens; all-gather and reduce-scatter in
                               place of all-reduce (arXiv 2205.05198) */
    bool keeps_gathered;    /* with FSDP and no pipeline, what a forward pass gathered waits for the
                               backward pass (FSDP2's reshard_after_forward = False) */
    bool overlap;           /* gradients and parameters travel beside compute */
    bool overlap_experts;   /* a pair of passes sends its tokens to experts under each other's
                               kernels */
    bool dropout;           /* masks of dropout are kept */
    /* Of a sequence's pairs of tokens, those within one document: of the replica that has most, and
     * on average; 0: sequences are whole. */
    double document_share, mean_document_share;
    uint32_t slow_stage;   /* a GPU of it takes ... */
    double stage_slowdown; /* ... so many times as long; 0 or 1: none does */
    struct offload offload;
    struct galore galore;
    struct paths paths;
    bool layer_updates;  /* a layer's weights are updated, and its gradient dropped, as soon as that
                            is made */
    bool jitter;         /* GPUs differ and drift, and all wait for the slowest (gpu->jitter) */
    bool tensor_overlap; /* tensor-parallel exchanges travel beside the products that they feed
                            or that feed them, cut in `tensor` pieces */
};

/* The numbers of stages, parts and micro-batches of one pipeline. */
struct pipeline training_pipeline(const struct training *training);

/* Tokens of a micro-batch that one rank pushes through the linear layers. */
uint64_t training_rank_tokens(const struct training *training);

/* What its layers' passes depend on. */
struct layer_training training_of_layers(const struct training *training);

/* Layers of part `part` of stages x virtual stages, in the order of the model; the first of them;
 * those that predict further tokens, of the last part, which are of the last layer's kind; and
 * those of one kind, these included. */
uint32_t training_part_layers(const struct training *training, uint32_t part);
uint32_t training_part_first_layer(const struct training *training, uint32_t part);
uint32_t training_part_predicted(const struct training *training, uint32_t part);
uint32_t training_part_kind_layers(const struct training *training, uint32_t part, uint32_t kind);

/* Parameters that one tensor rank holds: of a layer on average and of the largest, and of the
 * embedding or the head. */
double training_layer_parameters(const struct replica *replica);
double training_largest_layer_parameters(const struct replica *replica);
double training_embedding_parameters(const struct replica *replica);
/* Of what joins a token's embedding to the residual before a layer that predicts. */
double training_join_parameters(const struct replica *replica);
/* Of part `part`: its layers', and all with embedding and head. */
double training_part_layer_parameters(const struct training *training, uint32_t part);
double training_part_parameters(const struct training *training, uint32_t part);
/* Of part `part`, those of experts that lie whole on ranks: fewer ranks hold the same. */
double training_part_expert_parameters(const struct training *training, uint32_t part);
/* Of part `part`, those that are trained: all, or the adapters'. */
double training_part_trained(const struct training *training, uint32_t part);

/* Where its ranks lie. */
struct placement training_placement(const struct training *training);

/* Ranks that hold the same parameters: data x context. */
struct group_shape training_data_group(const struct training *training);
/* Ranks that hold the same experts. */
struct group_shape training_expert_data_group(const struct training *training);
/* What a rank holds of `amount` that is sharded, `of_experts` of it over those that hold the same
 * experts. */
double training_sharded(const struct training *training, double amount, double of_experts);

/* Useful FLOPs of a step: three times the forward pass (twice with adapters: most weights have no
 * gradient), causal attention counted half, the head's
 * product included, nothing that is computed again. */
double training_step_flops(const struct training *training);
/* Of the layers' forward passes alone. */
double training_forward_flops(const struct training *training);
double training_step_tokens(const struct training *training);

#endif
