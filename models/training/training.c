/* SPDX-License-Identifier: MIT */
#include "models/training/training.h"

#include <assert.h>
#include <math.h>

struct pipeline training_pipeline(const struct training *training)
{
    const struct layout *layout = training->replica.layout;
    return (struct pipeline){
        .stages = layout->pipeline,
        .chunks = training->virtual_stages,
        .lead = training->stage_lead,
        .group = training->microbatch_group,
        .micro_batches = training->global_batch / (training->micro_batch * layout->data),
    };
}

uint64_t training_rank_tokens(const struct training *training)
{
    return training->micro_batch *
           context_prefill_tokens(training->sequence_tokens, training->replica.layout->context);
}

struct layer_training training_of_layers(const struct training *training)
{
    return (struct layer_training){
        .replica = &training->replica,
        .micro_batch = training->micro_batch,
        .sequence_tokens = training->sequence_tokens,
        .document_share = training->document_share,
        .micro_batches = training_pipeline(training).micro_batches,
        .recompute = training->recompute,
        .dropout = training->dropout,
        .context_exchange = training->context_exchange,
        .adapter_rank = training->adapter_rank,
        .sequence_parallel = training->sequence_parallel,
        .tensor_overlap = training->tensor_overlap,
    };
}

uint32_t training_part_layers(const struct training *training, uint32_t part)
{
    uint32_t parts = training->replica.layout->pipeline * training->virtual_stages;
    uint32_t layers = training->replica.llm->stack.layers;
    assert(part < parts && "a part that the pipeline does not have");
    uint32_t most = layers / parts + (layers % parts != 0);
    uint32_t missing = most * parts - layers;
    /* The last part lacks the first missing layer, the first part the second, the one before the
     * last the third, ... */
    uint32_t from_end = parts - 1 - part;
    uint32_t turn = part < from_end ? 2 * part + 1 : 2 * from_end;
    return most - (turn < missing ? 1 : 0);
}

uint32_t training_part_first_layer(const struct training *training, uint32_t part)
{
    uint32_t layer = 0;
    for (uint32_t i = 0; i < part; i++) {
        layer += training_part_layers(training, i);
    }
    return layer;
}

uint32_t training_part_predicted(const struct training *training, uint32_t part)
{
    uint32_t parts = training->replica.layout->pipeline * training->virtual_stages;
    return part + 1 == parts ? training->predicted : 0;
}

uint32_t training_part_kind_layers(const struct training *training, uint32_t part, uint32_t kind)
{
    const struct stack *stack = &training->replica.llm->stack;
    uint32_t predicted = training_part_predicted(training, part);
    if (stack->kind_count == 1) {
        return training_part_layers(training, part) + predicted;
    }
    uint32_t first = training_part_first_layer(training, part);
    bool of_last = predicted > 0 && stack_kind(stack, stack->layers - 1) == kind;
    return stack_kind_layers(stack, kind, first, first + training_part_layers(training, part)) +
           (of_last ? predicted : 0);
}

double training_join_parameters(const struct replica *replica)
{
    double hidden = replica->llm->hidden;
    return 2.0 * hidden * hidden / replica->layout->tensor + 3.0 * hidden;
}

double training_layer_parameters(const struct replica *replica)
{
    const struct stack *stack = &replica->llm->stack;
    double parameters = 0.0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        parameters += stack_kind_layers(stack, kind, 0, stack->layers) *
                      train_layer_parameters(replica, &stack->kinds[kind]);
    }
    return parameters / stack->layers;
}

double training_largest_layer_parameters(const struct replica *replica)
{
    const struct stack *stack = &replica->llm->stack;
    double most = 0.0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        most = fmax(most, train_layer_parameters(replica, &stack->kinds[kind]));
    }
    return most;
}

double training_embedding_parameters(const struct replica *replica)
{
    return (double)replica->llm->vocabulary * replica->llm->hidden / replica->layout->tensor;
}

double training_part_layer_parameters(const struct training *training, uint32_t part)
{
    const struct stack *stack = &training->replica.llm->stack;
    double parameters = 0.0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        parameters += training_part_kind_layers(training, part, kind) *
                      train_layer_parameters(&training->replica, &stack->kinds[kind]);
    }
    return parameters;
}

double training_part_parameters(const struct training *training, uint32_t part)
{
    const struct replica *replica = &training->replica;
    uint32_t parts = replica->layout->pipeline * training->virtual_stages;
    double parameters = training_part_layer_parameters(training, part);
    double embedding = training_embedding_parameters(replica);
    bool tied = replica->llm->tied_embedding && parts == 1;
    parameters += part == 0 ? embedding : 0.0;
    parameters += part + 1 == parts && !tied ? embedding : 0.0;
    if (training_part_predicted(training, part) > 0) {
        /* Its tokens' embedding: the head's, the first part's, or a copy. */
        struct pipeline pipeline = training_pipeline(training);
        bool here = replica->llm->tied_embedding ||
                    pipeline_part_stage(training->schedule, &pipeline, 0) ==
                        pipeline_part_stage(training->schedule, &pipeline, part);
        parameters +=
            training->predicted * training_join_parameters(replica) + (here ? 0.0 : embedding);
    }
    return parameters;
}

double training_part_expert_parameters(const struct training *training, uint32_t part)
{
    const struct stack *stack = &training->replica.llm->stack;
    double parameters = 0.0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        parameters += training_part_kind_layers(training, part, kind) *
                      train_layer_expert_parameters(&training->replica, &stack->kinds[kind]);
    }
    return training->adapter_rank > 0 ? 0.0 : parameters;
}

double training_part_trained(const struct training *training, uint32_t part)
{
    if (training->adapter_rank == 0) {
        return training_part_parameters(training, part);
    }
    const struct stack *stack = &training->replica.llm->stack;
    struct layer_training of_layers = training_of_layers(training);
    double parameters = 0.0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        parameters += training_part_kind_layers(training, part, kind) *
                      train_adapter_parameters(&of_layers, &stack->kinds[kind]);
    }
    return parameters;
}

struct placement training_placement(const struct training *training)
{
    return placement_of(training->replica.layout, training->replica.cluster,
                        training->pipeline_outside ? STAGES_OUTSIDE : STAGES_INSIDE);
}

struct group_shape training_data_group(const struct training *training)
{
    struct placement placement = training_placement(training);
    return placement_group_shape(&placement, GROUP_DATA);
}

struct group_shape training_expert_data_group(const struct training *training)
{
    struct placement placement = training_placement(training);
    return placement_group_shape(&placement, GROUP_EXPERT_DATA);
}

double training_sharded(const struct training *training, double amount, double of_experts)
{
    return (amount - of_experts) / training_data_group(training).ranks +
           of_experts / training_expert_data_group(training).ranks;
}

double training_step_tokens(const struct training *training)
{
    return (double)training->global_batch * (double)training->sequence_tokens;
}

double training_forward_flops(const struct training *training)
{
    const struct llm *llm = training->replica.llm;
    double sequence = (double)training->sequence_tokens;
    double forward = llm_forward_flops(llm, sequence, 0.0), seen = 1.0;
    if (training->mean_document_share > 0.0) { /* the rest of attention is masked */
        double products = 2.0 * sequence * llm_met_weights(llm);
        seen = (products + (forward - products) * training->mean_document_share) / forward;
    }
    uint32_t last = stack_kind(&llm->stack, llm->stack.layers - 1);
    double join = 2.0 * sequence * 2.0 * (double)llm->hidden * llm->hidden;
    double predicted = llm_layer_flops(llm, last, sequence, 0.0) * seen + join;
    return training->global_batch * (forward * seen + training->predicted * predicted);
}

double training_step_flops(const struct training *training)
{
    const struct llm *llm = training->replica.llm;
    double head = 2.0 * (double)training->sequence_tokens * llm->vocabulary * llm->hidden;
    double heads = training->global_batch * (1.0 + training->predicted) * head;
    double passes = training->adapter_rank > 0 ? 2.0 : 3.0;
    return passes * (training_forward_flops(training) + heads);
}
