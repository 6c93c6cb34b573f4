/* SPDX-License-Identifier: MIT */
#include "sim/scenario/finetuning.h"

#include "models/layers/layer_rows.h"
#include "models/training/training_memory.h"
#include "models/training/training_step.h"
#include "sim/scenario/checker.h"
#include "sim/scenario/training_scratch.h"

/* One micro-batch of one replica. Points into the scenario and `layout`, which it sets. */
static struct training training_of(const struct scenario *scenario, struct layout *layout)
{
    const struct finetuning *says = &scenario->serving.service.finetuning;
    *layout = scenario->layout;
    layout->data = 1;
    return (struct training){
        .replica = {.llm = &scenario->llm,
                    .gpu = &scenario->gpu,
                    .cluster = &scenario->cluster,
                    .software = &says->stack,
                    .layout = layout,
                    .precision = &scenario->precision,
                    .splits_tokens = true},
        .global_batch = says->micro_batch,
        .micro_batch = says->micro_batch,
        .sequence_tokens = says->sequence_tokens,
        .schedule = pipeline_schedules[0],
        .virtual_stages = 1,
        .adapter_rank = says->rank,
        .recompute = says->recompute,
        .sharding = SHARDING_NONE,
        .sequence_parallel = layout->tensor > 1,
    };
}

double finetuning_room_bytes(const struct scenario *scenario)
{
    enum { MOST_CELLS = 16 }; /* of one stage and one micro-batch there are a few */
    const struct finetuning *says = &scenario->serving.service.finetuning;
    if (says->policy == FINETUNING_NONE || says->stack.name == NULL) {
        return 0.0;
    }
    struct cell cells[MOST_CELLS];
    struct layout layout;
    struct training training = training_of(scenario, &layout);
    struct training_memory memory = training_stage_memory(&training, 0, cells);
    double adapters =
        training_part_trained(&training, 0) * format_bytes(scenario->precision.activations);
    return adapters + memory.gradient_bytes + memory.optimizer_bytes + memory.activation_bytes;
}

struct finetuning_price finetuning_price(const struct scenario *scenario, struct arena *arena)
{
    struct layout layout;
    struct training training = training_of(scenario, &layout);
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs;
    struct training_result result = training_step(&training, &scratch, &costs);
    double gpus = layout_gpus(&layout);
    return (struct finetuning_price){
        .seconds = result.seconds,
        .pieces = 2.0 * scenario->llm.stack.layers,
        .tokens = training_step_tokens(&training),
        .watts = result.joules / result.seconds / gpus,
        .flops = result.flops / gpus,
    };
}

/* A format that was not read has been complained about. */
static bool is_narrow(enum format format)
{
    return format != FORMAT_UNSET && format_bytes(format) < 2.0;
}

void finetuning_check(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct service *service = &scenario->serving.service;
    const struct finetuning *says = &service->finetuning;
    const char *path = "workload.service.finetuning";
    if (says->policy == FINETUNING_NONE) {
        return;
    }
    const struct layout *layout = &scenario->layout;
    bool trains = true;
    for (uint32_t kind = 0; kind < scenario->llm.stack.kind_count; kind++) {
        trains = trains && layer_kind_trains(&scenario->llm.stack.kinds[kind]);
    }
    const struct {
        bool wrong;
        const char *what;
    } rules[] = {
        {says->stack.name == NULL,
         "nothing says what a pass of training takes; expected `stack`, such as "
         "pytorch-training-bf16"},
        {says->stack.name != NULL && says->stack.runs == SOFTWARE_INFERENCE,
         "its stack does not train; expected `stack`, such as pytorch-training-bf16"},
        {!trains, "layers of this model run in inference alone; expected another model"},
        {is_narrow(scenario->precision.attention_weights.format) ||
             is_narrow(scenario->precision.ffn_weights.format),
         "gradients through weights of less than 16 bits are not modelled; expected precision "
         "bf16"},
        {says->policy == FINETUNING_SLACK && says->target_seconds <= 0.0,
         "steps leave something of a time; expected `target`, such as 40 ms"},
        {says->policy == FINETUNING_SHARE && says->share <= 0.0,
         "expected `share`, such as 0.2 of a step's time"},
        {says->policy != FINETUNING_SLACK && says->target_seconds > 0.0,
         "only the policy slack has a `target`; leave it out"},
        {says->policy != FINETUNING_SHARE && says->share > 0.0,
         "only the policy share has a `share`; leave it out"},
        {says->interval_seconds <= 0.0 && says->most_waiting > 0,
         "nobody looks at the queue; expected `interval`, or leave `most_waiting` out"},
        {layout->pipeline > 1 || layout->context > 1 || layout_attention_data(layout) > 1 ||
             layout->expert > 1,
         "replicas of tensor ranks train; expected layout.pipeline, context, attention_data and "
         "expert 1"},
        {service->policy == BATCHING_DISAGGREGATED || scenario->is_pool,
         "not on replicas of two phases; expected another policy"},
        {scenario->serving.fault_count > 0 ||
             scenario->serving.random_faults.mean_between_seconds > 0.0,
         "what a replica that fails loses of its training is not modelled; leave faults out"},
        {service->scaling.target > 0.0,
         "replicas that come and go do not train; leave service.scaling out"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].wrong) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path), "%s: %s", path,
                           rules[i].what);
        }
    }
}
