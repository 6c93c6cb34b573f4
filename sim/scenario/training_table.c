/* SPDX-License-Identifier: MIT
 * `workload: {kind: training}`. */
#include "sim/scenario/scenario.h"
#include "sim/scenario/tables.h"

static const struct choice schedule_choices[] = {PIPELINE_SCHEDULES(CHOICE_OF){0}};

const struct choice recompute_choices[] = {
    {.name = "none", .value = RECOMPUTE_NONE, .doc = "Everything is kept."},
    {.name = "selective",
     .value = RECOMPUTE_SELECTIVE,
     .doc = "What the software stack calls so: software.training.selective."},
    {.name = "core-attention",
     .value = RECOMPUTE_ATTENTION,
     .doc = "Attention between its products again (Megatron-LM's selective; arXiv 2205.05198)."},
    {.name = "operators",
     .value = RECOMPUTE_OPERATORS,
     .doc = "What torchtitan's list of operators does not have: every second product, norms, "
            "activations."},
    {.name = "cheap",
     .value = RECOMPUTE_CHEAP,
     .doc = "Norms, activations and a latent's up-projections (DeepSeek-V3, arXiv 2412.19437, "
            "sections 3.2.3 and 3.3.1; Megatron-Core's recompute modules layernorm, moe_act, "
            "mla_up_proj)."},
    {.name = "full", .value = RECOMPUTE_FULL, .doc = "Each layer again, from its input."},
    {0}};

static const struct choice sharding_choices[] = {
    {.name = "none",
     .value = SHARDING_NONE,
     .doc = "Replicas hold everything; gradients are all-reduced."},
    {.name = "zero1",
     .value = SHARDING_ZERO1,
     .doc = "Replicas share the optimizer (ZeRO-1, Megatron-LM's distributed optimizer): gradients "
            "are reduce-scattered and parameters all-gathered once a step."},
    {.name = "fsdp",
     .value = SHARDING_FSDP,
     .doc = "Replicas share parameters and gradients too (ZeRO-3): gathered for every pass, or, "
            "with a pipeline, once a step."},
    {0}};

static const struct choice exchange_choices[] = {
    {.name = "all-gather",
     .value = CONTEXT_ALL_GATHER,
     .doc = "Keys and values are gathered before attention, exposed (Llama 3)."},
    {.name = "ring",
     .value = CONTEXT_RING,
     .doc = "Keys and values go round under attention (arXiv 2310.01889)."},
    {0}};

static const struct choice law_choices[] = {SCALING_LAWS(CHOICE_OF){0}};

static const struct field budget_fields[] = {
    {.key = "flop",
     .kind = FIELD_NUMBER,
     FIELD_AT(compute_budget, flop),
     .max = 1e32,
     .fallback = "0",
     .doc = "Floating-point operations, 6 a parameter and token as the laws count them."},
    {.key = "gpu_hours",
     .kind = FIELD_NUMBER,
     FIELD_AT(compute_budget, gpu_hours),
     .max = 1e15,
     .fallback = "0",
     .doc = "GPU-hours at the simulated step's rate."},
    {.key = "dollars",
     .kind = FIELD_NUMBER,
     FIELD_AT(compute_budget, dollars),
     .max = 1e15,
     .fallback = "0",
     .doc = "Dollars, at `price` a GPU-hour."},
    {.key = "served_tokens",
     .kind = FIELD_NUMBER,
     FIELD_AT(compute_budget, served_tokens),
     .max = 1e20,
     .fallback = "0",
     .doc = "Tokens that the model reads and writes over its life in service, prompts and answers, "
            "2 FLOPs a parameter each, which `flop` pays for too (arXiv 2401.00448)."},
    {0}};

static const struct choice width_choices[] = {
    {.name = "fixed",
     .value = BATCH_WIDTH_FIXED,
     .doc = "The layout stays: replicas run more micro-batches a step."},
    {.name = "growing",
     .value = BATCH_WIDTH_GROWING,
     .doc = "Replicas run as many micro-batches, and there are more of them: layout.data is the "
            "last."},
    {.name = "replanned",
     .value = BATCH_WIDTH_REPLANNED,
     .doc = "All GPUs, and tensor, pipeline, data and micro-batch of the least step for each batch "
            "(COPUS, arXiv 2604.26687), if it makes up for the restart."},
    {0}};

static const struct choice packing_choices[] = {
    {.name = "in-order",
     .value = PACKING_IN_ORDER,
     .doc = "Sequences go to replicas as they come."},
    {.name = "balanced",
     .value = PACKING_BALANCED,
     .doc =
         "Of a step's sequences the one with most work goes to the replica with least so far, all "
         "with as many (WLB-LLM, arXiv 2503.17924, does so with documents)."},
    {0}};

static const struct field document_fields[] = {
    {.key = "mean",
     .kind = FIELD_MEAN_TOKENS,
     FIELD_AT(documents, mean_tokens),
     .max = 1e9,
     .fallback = "0 tokens",
     .doc = "Mean length of a document. 0: sequences are whole."},
    {.key = "variation",
     .kind = FIELD_NUMBER,
     FIELD_AT(documents, variation),
     .max = 100,
     .fallback = "1",
     .doc =
         "Coefficient of variation (standard deviation over mean) of the log-normal distribution "
         "of lengths; 0: all alike."},
    {.key = "file",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(documents, path),
     .doc =
         "A CSV file with lengths, in place of `mean` and `variation`: a column `tokens`, a row a "
         "document, or with a column `count` a row for so many. Documents are drawn from it by "
         "the seed."},
    {.key = "packing",
     .kind = FIELD_CHOICE,
     FIELD_AT(documents, packing),
     .fallback = "in-order",
     .choices = packing_choices,
     .doc = "Which replica trains on which sequence."},
    {0}};

static const struct field slow_fields[] = {
    {.key = "stage",
     .kind = FIELD_COUNT,
     FIELD_AT(training_workload, slow_stage),
     .max = 1023,
     .fallback = "0",
     .doc = "The stage that it is of, from 0."},
    {.key = "slowdown",
     .kind = FIELD_NUMBER,
     FIELD_AT(training_workload, stage_slowdown),
     .min = 1,
     .max = 1e6,
     .fallback = "1",
     .doc = "How many times as long its kernels take; a thousand is a rank that hangs."},
    {0}};

#define OFFLOADED(name, what)                                                                      \
    {                                                                                              \
        .key = #name, .kind = FIELD_NUMBER, FIELD_AT(offload, name), .max = 1, .fallback = "0",    \
        .doc = what                                                                                \
    }

static const struct field offload_fields[] = {
    OFFLOADED(states, "Share of the optimizer's states and master weights, which come to the GPU "
                      "for the update and go back."),
    OFFLOADED(activations, "Share of what layers keep for their backward passes: it leaves in a "
                           "forward pass and comes back in the backward pass."),
    OFFLOADED(parameters, "Share of the parameters that a GPU holds, fetched for every pass."),
    {0}};

static const struct field path_fields[] = {
    {.key = "levels",
     .kind = FIELD_COUNT,
     FIELD_AT(paths, levels),
     .max = 16,
     .fallback = "0",
     .doc = "Levels that the model's layers are split into, as many parameters each. 0: none."},
    {.key = "modules",
     .kind = FIELD_COUNT,
     FIELD_AT(paths, modules),
     .min = 1,
     .max = 65536,
     .fallback = "1",
     .doc = "Modules of each level, of which a path takes one: modules ^ levels paths, as many as "
            "cluster.sites."},
    {.key = "own",
     .kind = FIELD_NUMBER,
     FIELD_AT(paths, own),
     .max = 1,
     .fallback = "0",
     .doc = "Share of a path's parameters that are its own and never leave their site."},
    {0}};

static const struct field galore_fields[] = {
    {.key = "rank",
     .kind = FIELD_COUNT,
     FIELD_AT(galore, rank),
     .max = 65536,
     .fallback = "0",
     .doc = "Directions of a matrix's gradient that moments are kept of. 0: moments are whole."},
    {.key = "period",
     .kind = FIELD_COUNT,
     FIELD_AT(galore, period),
     .min = 1,
     .max = 1e9,
     .fallback = "200",
     .doc = "Steps after which the directions are found anew, by a singular value decomposition of "
            "every gradient at `software.training.svd_rate`."},
    {0}};

static const struct choice critical_choices[] = {
    {.name = "whole-run",
     .value = BATCH_CRITICAL_WHOLE_RUN,
     .doc = "That of a run which ends there (arXiv 2410.21676): a larger one costs tokens, by the "
            "law's curve. Of a run to a `target_loss`."},
    {.name = "local",
     .value = BATCH_CRITICAL_LOCAL,
     .doc = "The largest that from there on costs no tokens, as branches of OLMo's runs showed "
            "(batch size warmup, arXiv 2505.23971): nearly none at first, 16.8 M tokens from 503 "
            "B on, whatever the model."},
    {0}};

static const struct field batch_fields[] = {
    {.key = "growth",
     .kind = FIELD_COUNT,
     FIELD_AT(batch_schedule, growth),
     .min = 1,
     .max = 1024,
     .fallback = "1",
     .doc = "How many times as large the batch is after each change. 1: it stays."},
    {.key = "share",
     .kind = FIELD_NUMBER,
     FIELD_AT(batch_schedule, share),
     .min = 0.01,
     .max = 100,
     .fallback = "1",
     .doc = "A batch is taken as soon as so much of the critical batch of the tokens so far is as "
            "large."},
    {.key = "critical",
     .kind = FIELD_CHOICE,
     FIELD_AT(batch_schedule, critical),
     .fallback = "whole-run",
     .choices = critical_choices,
     .doc = "Which critical batch of the tokens so far."},
    {.key = "from",
     .kind = FIELD_TOKENS,
     FIELD_AT(batch_schedule, from_tokens),
     .max = 1e9,
     .fallback = "0 tokens",
     .doc = "The first batch has so many tokens or more, and so is not below the best small one of "
            "arXiv 2410.21676, 131,072 tokens."},
    {.key = "width",
     .kind = FIELD_CHOICE,
     FIELD_AT(batch_schedule, width),
     .fallback = "fixed",
     .choices = width_choices,
     .doc = "How a larger batch is spread over GPUs."},
    {.key = "restart",
     .kind = FIELD_SECONDS,
     FIELD_AT(batch_schedule, restart_seconds),
     .max = 1e6,
     .fallback = "300 s",
     .doc = "What a change of the layout keeps the job from work: a checkpoint, and a start from "
            "it."},
    {0}};

static const struct field cause_fields[] = {
    {.key = "name",
     .kind = FIELD_NAME,
     FIELD_AT(failure_cause, name),
     .required = true,
     .doc = "What the summary calls it."},
    {.key = "gpu_hours",
     .kind = FIELD_NUMBER,
     FIELD_AT(failure_cause, gpu_hours),
     .required = true,
     .min = 1,
     .max = 1e12,
     .doc = "Hours of work of one GPU between two interruptions, on average: GPUs x hours / "
            "interruptions."},
    {.key = "detection",
     .kind = FIELD_SECONDS,
     FIELD_AT(failure_cause, detection_seconds),
     .max = 1e6,
     .fallback = "60 s",
     .doc = "Until the job stops for it."},
    {.key = "restart",
     .kind = FIELD_SECONDS,
     FIELD_AT(failure_cause, restart_seconds),
     .max = 1e6,
     .fallback = "300 s",
     .doc = "Until it trains again from its last checkpoint."},
    {0}};

static const struct field cause_item = {.kind = FIELD_MAPPING,
                                        .size = sizeof(struct failure_cause),
                                        .fields = cause_fields,
                                        .doc = "A cause of interruptions."};

static const struct field failure_fields[] = {
    {.key = "causes",
     .kind = FIELD_LIST,
     FIELD_AT(failure_settings, causes),
     .count_offset = offsetof(struct failure_settings, cause_count),
     .max = 64,
     .item = &cause_item,
     .doc = "What interrupts the run, each at its own rate."},
    {.key = "checkpoint_interval",
     .kind = FIELD_SECONDS,
     FIELD_AT(failure_settings, checkpoint_interval_seconds),
     .max = 1e8,
     .fallback = "0",
     .doc = "Work between checkpoints, a step at least. 0: Daly's optimum for the causes."},
    {.key = "checkpoint",
     .kind = FIELD_SECONDS,
     FIELD_AT(failure_settings, checkpoint_seconds),
     .max = 1e6,
     .fallback = "30 s",
     .doc = "How long writing a checkpoint keeps the job from work. 0: its bytes at the cluster's "
            "`storage_rate` and `node_storage_rate`."},
    {.key = "straggler_slowdown",
     .kind = FIELD_NUMBER,
     FIELD_AT(failure_settings, straggler_slowdown),
     .min = 1,
     .max = 100,
     .fallback = "1",
     .doc = "How much longer every step takes while one GPU is slow: all wait for it."},
    {.key = "straggler_gpu_hours",
     .kind = FIELD_NUMBER,
     FIELD_AT(failure_settings, straggler_gpu_hours),
     .max = 1e12,
     .fallback = "0",
     .doc = "Hours of work of one GPU until it turns slow, on average. 0: never."},
    {.key = "straggler_found",
     .kind = FIELD_SECONDS,
     FIELD_AT(failure_settings, straggler_seconds),
     .max = 1e8,
     .fallback = "3600 s",
     .doc = "Until a slow GPU is found and replaced, without an interruption."},
    {0}};

static const struct field schedule_fields[] = {
    {.key = "kind",
     .kind = FIELD_CHOICE,
     FIELD_AT(training_workload, schedule),
     .fallback = "1f1b",
     .choices = schedule_choices,
     .doc = "An order that is known by name."},
    {.key = "file",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(training_workload, schedule_path),
     .doc = "A CSV file with an order of your own, in place of `kind`: a row a rank, an action a "
            "cell, as PyTorch dumps it and torchtitan reads it (3F1, 2I0, 2W0, 2B0). It says how "
            "many parts a stage has; micro-batches and stages must be those of the run."},
    {0}};

const struct field training_fields[] = {
    {.key = "global_batch",
     .kind = FIELD_COUNT,
     FIELD_AT(training_workload, global_batch),
     .max = 1e9,
     .fallback = "0",
     .doc =
         "Sequences of a step. 0: the critical batch of the model and tokens (arXiv 2410.21676), "
         "rounded to what the layout divides."},
    {.key = "micro_batch",
     .kind = FIELD_COUNT,
     FIELD_AT(training_workload, micro_batch),
     .min = 1,
     .max = 65536,
     .fallback = "1",
     .doc = "Sequences of a pass."},
    {.key = "sequence",
     .kind = FIELD_TOKENS,
     FIELD_AT(training_workload, sequence_tokens),
     .required = true,
     .min = 1,
     .max = 1e9,
     .doc = "Tokens of a sequence."},
    {.key = "schedule",
     .kind = FIELD_MAPPING,
     .fields = schedule_fields,
     .shorthand = "kind",
     .doc = "In which order stages run their passes. A lone word is its `kind`."},
    {.key = "virtual_stages",
     .kind = FIELD_COUNT,
     FIELD_AT(training_workload, virtual_stages),
     .min = 1,
     .max = 1024,
     .fallback = "1",
     .doc = "Parts of the model on each stage; more than one needs `schedule: interleaved`, "
            "zero-bubble or loop-bfs, and zbv and dualpipev need two."},
    {.key = "microbatch_group",
     .kind = FIELD_COUNT,
     FIELD_AT(training_workload, microbatch_group),
     .max = 1e9,
     .fallback = "0",
     .doc =
         "Micro-batches that interleaved and zero-bubble stages take through one of their parts "
         "before the next. 0: equal rounds, as many as hold the number of stages each, as PyTorch; "
         "Megatron-Core's own default is the number of stages."},
    {.key = "stage_lead",
     .kind = FIELD_COUNT,
     FIELD_AT(training_workload, stage_lead),
     .min = 1,
     .max = 2,
     .fallback = "2",
     .doc =
         "Forward passes that `schedule: interleaved` runs ahead for every stage after its own: 2 "
         "hides what is sent (Megatron-LM, PyTorch), 1 holds fewer activations."},
    {.key = "adapter_rank",
     .kind = FIELD_COUNT,
     FIELD_AT(training_workload, adapter_rank),
     .max = 65536,
     .fallback = "0",
     .doc =
         "Rank of LoRA adapters on attention's linear layers, which alone are trained then (arXiv "
         "2106.09685). 0: everything is trained."},
    {.key = "recompute",
     .kind = FIELD_CHOICE,
     FIELD_AT(training_workload, recompute),
     .fallback = "none",
     .choices = recompute_choices,
     .doc = "What backward passes compute again in place of keeping it."},
    {.key = "dropout",
     .kind = FIELD_NUMBER,
     FIELD_AT(training_workload, dropout),
     .max = 1,
     .fallback = "0",
     .doc = "Share of attention's scores and of both halves' results that training drops. Above 0 "
            "masks of a byte an element are kept for the backward pass; kernels that drop are "
            "joined with their neighbours and take no time of their own."},
    {.key = "sharding",
     .kind = FIELD_CHOICE,
     FIELD_AT(training_workload, sharding),
     .fallback = "zero1",
     .choices = sharding_choices,
     .doc = "What the ranks that hold the same parameters (data x context) share."},
    {.key = "reshard_after_forward",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(training_workload, reshard_after_forward),
     .fallback = "true",
     .doc = "With fsdp and no pipeline: whether a layer's parameters are dropped after its forward "
            "pass and gathered again for its backward pass (ZeRO-3), or wait (ZeRO-2)."},
    {.key = "context_exchange",
     .kind = FIELD_CHOICE,
     FIELD_AT(training_workload, context_exchange),
     .fallback = "ring",
     .choices = exchange_choices,
     .doc = "How context ranks exchange keys and values."},
    {.key = "stages_outside",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(training_workload, pipeline_outside),
     .fallback = "false",
     .doc = "Whether stages lie farther from each other than replicas do, as Megatron-LM and "
            "torchtitan place them; otherwise nearer, as Llama 3."},
    {.key = "sequence_parallel",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(training_workload, sequence_parallel),
     .fallback = "true",
     .doc = "Whether tensor ranks run norms on parts of the tokens: all-gather and reduce-scatter "
            "in place of all-reduce (arXiv 2205.05198)."},
    {.key = "overlap",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(training_workload, overlap),
     .fallback = "true",
     .doc = "Whether parameters and gradients travel beside compute."},
    {.key = "multi_token_prediction",
     .kind = FIELD_COUNT,
     FIELD_AT(training_workload, predicted),
     .max = 64,
     .fallback = "0",
     .doc = "Layers behind the last that are trained to predict the tokens after the next, at most "
            "the model's (`model.multi_token_prediction`): each with a product that joins the "
            "token's embedding, a layer of the last one's kind, and the head and loss again."},
    {.key = "overlap_experts",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(training_workload, overlap_experts),
     .fallback = "false",
     .doc =
         "Whether a forward pass and another micro-batch's backward pass run in one another, each "
         "one's exchange of experts under the other's kernels, which lose the SMs that it takes: "
         "DualPipe (`dualpipev`), and Megatron-Core's combined 1F1B (`interleaved`)."},
    {.key = "tensor_overlap",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(training_workload, tensor_overlap),
     .fallback = "false",
     .doc = "Whether tensor-parallel exchanges travel in pieces beside their products "
            "(Transformer Engine's user buffers, asynchronous tensor parallelism)."},
    {.key = "slow_gpu",
     .kind = FIELD_MAPPING,
     .fields = slow_fields,
     .doc = "A GPU that is slow in this step: all wait for it. `cpsim trace blame` finds it."},
    {.key = "degraded_link",
     .kind = FIELD_NUMBER,
     FIELD_AT(training_workload, degraded_link),
     .min = 0.001,
     .max = 1,
     .fallback = "1",
     .doc = "Share of its rate that one network card of the first stage keeps."},
    {.key = "tokens",
     .kind = FIELD_NUMBER,
     FIELD_AT(training_workload, tokens),
     .max = 1e18,
     .fallback = "0",
     .doc = "Tokens of the whole run. 0: by target_loss, or a single step."},
    {.key = "target_loss",
     .kind = FIELD_NUMBER,
     FIELD_AT(training_workload, target_loss),
     .max = 100,
     .fallback = "0",
     .doc = "Loss to reach, nats a token, by loss_law. 0: none."},
    {.key = "loss_law",
     .kind = FIELD_CHOICE,
     FIELD_AT(training_workload, law),
     .fallback = "besiroglu",
     .choices = law_choices,
     .doc = "Loss as a function of parameters and tokens."},
    {.key = "compute_budget",
     .kind = FIELD_MAPPING,
     FIELD_AT(training_workload, budget),
     .fields = budget_fields,
     .shorthand = "flop",
     .doc = "What the run may cost, in place of tokens and target_loss: one of its keys, or a lone "
            "number of FLOPs. Every law then says which model, tokens and batch make most of it."},
    {.key = "documents",
     .kind = FIELD_MAPPING,
     FIELD_AT(training_workload, documents),
     .fields = document_fields,
     .shorthand = "mean",
     .doc =
         "Documents that sequences are packed with, drawn by the seed: attention stays within one, "
         "so sequences differ in work, and the step waits for the replica with most. A lone "
         "number is their mean length."},
    {.key = "inner_steps",
     .kind = FIELD_COUNT,
     FIELD_AT(training_workload, inner_steps),
     .min = 1,
     .max = 1e9,
     .fallback = "1",
     .doc =
         "Steps that each of the cluster's sites takes alone before they exchange what changed "
         "(DiLoCo, arXiv 2311.08105). 1: gradients of every step. The loss is taken to be that of "
         "steps in common."},
    {.key = "outer_overlap",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(training_workload, outer_overlap),
     .fallback = "false",
     .doc = "Whether sites train on while their exchange travels (arXiv 2501.18512)."},
    {.key = "paths",
     .kind = FIELD_MAPPING,
     FIELD_AT(training_workload, paths),
     .fields = path_fields,
     .doc =
         "A model of modules, of which each site trains one path, the scenario's `model` (DiPaCo, "
         "arXiv 2403.10616): a site exchanges each module with the sites that have it too."},
    {.key = "offload",
     .kind = FIELD_MAPPING,
     FIELD_AT(training_workload, offload),
     .fields = offload_fields,
     .shorthand = "states",
     .doc = "What lies in the hosts' memory (cluster.host_rate). It travels under the passes that "
            "need it, layer by layer; a pass takes as long as what travels if that is longer. A "
            "lone number is that of the optimizer's states."},
    {.key = "galore",
     .kind = FIELD_MAPPING,
     FIELD_AT(training_workload, galore),
     .fields = galore_fields,
     .shorthand = "rank",
     .doc = "Moments of low-rank gradients (GaLore, arXiv 2403.03507), of a layer's products: less "
            "memory, two products more an update. With `precision.first_moment: int8` and "
            "`second_moment: int8` 8-bit GaLore. A lone number is its `rank`."},
    {.key = "layer_updates",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(training_workload, layer_updates),
     .fallback = "false",
     .doc = "Whether a layer's weights are updated as soon as its gradient is made, which is then "
            "dropped (arXiv 2403.03507, section 4.3): one replica of one stage, one micro-batch."},
    {.key = "batch_schedule",
     .kind = FIELD_MAPPING,
     FIELD_AT(training_workload, batches),
     .fields = batch_fields,
     .shorthand = "growth",
     .doc = "A batch that grows as the critical batch does, up to `global_batch`, of a run to a "
            "`target_loss`. A lone number is its `growth`."},
    {.key = "price",
     .kind = FIELD_NUMBER,
     FIELD_AT(training_workload, price_per_gpu_hour),
     .max = 1e9,
     .fallback = "0",
     .doc = "Dollars of an hour of one GPU."},
    {.key = "failures",
     .kind = FIELD_MAPPING,
     FIELD_AT(training_workload, failures),
     .fields = failure_fields,
     .doc = "What breaks, and what is done about it."},
    {0}};
