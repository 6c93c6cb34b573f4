/* SPDX-License-Identifier: MIT */
#include "models/training_memory.h"

#include "models/training_bytes.h"

#include <math.h>

static const double fp32_bytes = 4.0;

/* What a product keeps of its input, bytes an element. */
static double kept_bytes(const struct training *training, struct number number)
{
    double element = format_bytes(training->replica.precision->activations);
    enum format activations = training->replica.precision->activations;
    return fmin(
        element,
        format_bytes(precision_product(training->replica.gpu, number, activations).compute));
}

/* Elements of one token by who holds them. */
struct widths {
    double hidden, query, kv, ffn; /* hidden: of a shard when norms run on one */
};

static struct widths token_widths(const struct training *training)
{
    const struct replica *replica = &training->replica;
    const struct llm *llm = replica->llm;
    double tensor = replica->layout->tensor;
    return (struct widths){
        .hidden = training->sequence_parallel ? llm->hidden / tensor : llm->hidden,
        .query = (double)replica_query_heads(replica) * llm->head_size,
        .kv = (double)replica_kv_heads(replica) * llm->head_size,
        .ffn = llm->ffn_hidden / tensor,
    };
}

/* What is kept a second time for the product that takes a tensor in a narrower format. */
static double copy_bytes(const struct training *training, struct number number)
{
    double kept = kept_bytes(training, number);
    return kept < format_bytes(training->replica.precision->activations) ? kept : 0.0;
}

static double full_layer_bytes(const struct training *training)
{
    const struct precision *precision = training->replica.precision;
    struct widths widths = token_widths(training);
    double element = format_bytes(precision->activations);
    double gates = training->replica.llm->gated_ffn ? 2.0 : 1.0;
    double attention =
        widths.hidden * (element + kept_bytes(training, precision->attention_weights)) +
        (widths.query + 2.0 * widths.kv) * element +
        /* Its result: attention's own gradient wants it as it was computed. */
        widths.query * (element + copy_bytes(training, precision->attention_weights)) +
        replica_query_heads(&training->replica) * fp32_bytes;
    double ffn = widths.hidden * (element + kept_bytes(training, precision->ffn_weights)) +
                 gates * widths.ffn * element +
                 widths.ffn * kept_bytes(training, precision->ffn_weights);
    return (double)training_rank_tokens(training) * (attention + ffn);
}

double training_layer_activation_bytes(const struct training *training)
{
    double element = format_bytes(training->replica.precision->activations);
    double tokens = (double)training_rank_tokens(training);
    struct widths widths = token_widths(training);
    bool products = training->replica.software->training.selective == SELECTIVE_PRODUCTS;
    if (training->recompute == RECOMPUTE_FULL) {
        return tokens * widths.hidden * element;
    }
    if (training->recompute == RECOMPUTE_SELECTIVE && products) {
        /* The layer's input, query, value, attention's result, gate, and what down gave. */
        return tokens * element *
               (2.0 * widths.hidden + 2.0 * widths.query + widths.kv + widths.ffn);
    }
    return full_layer_bytes(training);
}

/* One pass at work: a layer computed again, and on the last stage the logits and their gradient. */
static double working_bytes(const struct training *training, bool last)
{
    const struct replica *replica = &training->replica;
    double tokens = (double)training_rank_tokens(training);
    double element = format_bytes(replica->precision->activations);
    double bytes = 2.0 * tokens * replica->llm->hidden * element;
    if (training->recompute != RECOMPUTE_NONE) {
        bytes += full_layer_bytes(training);
    }
    double logits = tokens * replica->llm->vocabulary / replica->layout->tensor;
    double kept = replica->software->training.loss_kept_bytes_per_logit;
    return fmax(bytes, last ? logits * kept : 0.0);
}

struct training_memory training_stage_memory(const struct training *training, uint32_t stage,
                                             struct cell *cells)
{
    struct pipeline pipeline = training_pipeline(training);
    double ranks = training_data_group(training).ranks;
    bool sharded = training->sharding != SHARDING_NONE;
    bool all_sharded = training->sharding == SHARDING_FSDP;
    double parameters = 0.0, layers = 0.0;
    for (uint32_t chunk = 0; chunk < pipeline.chunks; chunk++) {
        uint32_t part = chunk * pipeline.stages + stage;
        parameters += training_part_parameters(training, part);
        layers += training_part_layers(training, part);
    }
    struct parameter_bytes layer = training_layer_bytes(training);
    struct parameter_bytes other = training_other_bytes(training);
    double of_layers = layers * training_layer_parameters(&training->replica);
    double of_others = parameters - of_layers;
    double kept = all_sharded && pipeline.stages == 1
                      ? 2.0 * training_layer_parameters(&training->replica) * layer.kept
                      : of_layers * layer.kept + of_others * other.kept;
    training->schedule->fill(&pipeline, stage, cells);
    uint32_t in_flight = pipeline_in_flight(training->schedule, &pipeline, cells);
    bool last = stage + 1 == pipeline.stages;
    return (struct training_memory){
        .parameter_bytes = kept,
        .gradient_bytes =
            (of_layers * layer.gradient + of_others * other.gradient) / (all_sharded ? ranks : 1.0),
        .optimizer_bytes =
            (of_layers * layer.states + of_others * other.states) / (sharded ? ranks : 1.0),
        .activation_bytes =
            in_flight * layers / pipeline.chunks * training_layer_activation_bytes(training) +
            working_bytes(training, last),
        .reserved_bytes = training->replica.software->training.reserved_bytes,
        .passes_in_flight = in_flight,
    };
}

double training_memory_total(const struct training_memory *memory)
{
    return memory->parameter_bytes + memory->gradient_bytes + memory->optimizer_bytes +
           memory->activation_bytes + memory->reserved_bytes;
}
