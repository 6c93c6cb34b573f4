/* SPDX-License-Identifier: MIT */
#include "models/training/training.h"

#include <assert.h>

struct pipeline training_pipeline(const struct training *training)
{
    const struct layout *layout = training->replica.layout;
    return (struct pipeline){
        .stages = layout->pipeline,
        .chunks = training->virtual_stages,
        .lead = training->stage_lead,
        .micro_batches = training->global_batch / (training->micro_batch * layout->data),
    };
}

uint64_t training_rank_tokens(const struct training *training)
{
    return training->micro_batch *
           context_prefill_tokens(training->sequence_tokens, training->replica.layout->context);
}

uint32_t training_part_layers(const struct training *training, uint32_t part)
{
    uint32_t parts = training->replica.layout->pipeline * training->virtual_stages;
    uint32_t layers = training->replica.llm->keys.layers;
    assert(part < parts && "a part that the pipeline does not have");
    uint32_t most = layers / parts + (layers % parts != 0);
    uint32_t missing = most * parts - layers;
    /* The last part lacks the first missing layer, the first part the second, the one before the
     * last the third, ... */
    uint32_t from_end = parts - 1 - part;
    uint32_t turn = part < from_end ? 2 * part + 1 : 2 * from_end;
    return most - (turn < missing ? 1 : 0);
}

double training_layer_parameters(const struct replica *replica)
{
    const struct llm *llm = replica->llm;
    double query_columns = (double)replica_query_heads(replica) * llm->keys.head_size;
    double kv_columns = (double)replica_kv_heads(replica) * llm->keys.head_size;
    double ffn_columns = (double)llm->keys.ffn_hidden / replica->layout->tensor;
    return llm->hidden * (2.0 * query_columns + 2.0 * kv_columns +
                          (llm->keys.gated_ffn ? 3.0 : 2.0) * ffn_columns + 2.0);
}

double training_embedding_parameters(const struct replica *replica)
{
    return (double)replica->llm->vocabulary * replica->llm->hidden / replica->layout->tensor;
}

double training_part_parameters(const struct training *training, uint32_t part)
{
    const struct replica *replica = &training->replica;
    uint32_t parts = replica->layout->pipeline * training->virtual_stages;
    double parameters = training_part_layers(training, part) * training_layer_parameters(replica);
    double embedding = training_embedding_parameters(replica);
    bool tied = replica->llm->tied_embedding && parts == 1;
    parameters += part == 0 ? embedding : 0.0;
    parameters += part + 1 == parts && !tied ? embedding : 0.0;
    return parameters;
}

double training_adapter_parameters(const struct training *training)
{
    const struct replica *replica = &training->replica;
    double query_columns = (double)replica_query_heads(replica) * replica->llm->keys.head_size;
    double kv_columns = (double)replica_kv_heads(replica) * replica->llm->keys.head_size;
    /* hidden x r and r x columns of query, key and value; the same of the output projection */
    return training->adapter_rank *
           (2.0 * replica->llm->hidden + 2.0 * query_columns + 2.0 * kv_columns);
}

double training_part_trained(const struct training *training, uint32_t part)
{
    return training->adapter_rank > 0
               ? training_part_layers(training, part) * training_adapter_parameters(training)
               : training_part_parameters(training, part);
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

double training_step_tokens(const struct training *training)
{
    return (double)training->global_batch * (double)training->sequence_tokens;
}

double training_step_flops(const struct training *training)
{
    const struct llm *llm = training->replica.llm;
    double sequence = (double)training->sequence_tokens;
    double head = 2.0 * sequence * llm->vocabulary * llm->hidden;
    double passes = training->adapter_rank > 0 ? 2.0 : 3.0;
    return passes * training->global_batch * (llm_forward_flops(llm, sequence, 0.0) + head);
}
