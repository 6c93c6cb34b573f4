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
    double input = training->replica.software->training.gathered_inputs
                       ? training->replica.llm->hidden
                       : widths.hidden;
    double attention =
        widths.hidden * element + input * kept_bytes(training, precision->attention_weights) +
        (widths.query + 2.0 * widths.kv) * element +
        /* Its result: attention's own gradient wants it as it was computed. */
        widths.query * (element + copy_bytes(training, precision->attention_weights)) +
        replica_query_heads(&training->replica) * fp32_bytes;
    double tensors = training->replica.software->training.product_tensors;
    double inner = tensors > 0.0 ? tensors * widths.ffn * element
                                 : gates * widths.ffn * element +
                                       widths.ffn * kept_bytes(training, precision->ffn_weights);
    if (training->adapter_rank > 0) { /* frozen products need no input for a gradient of weights */
        inner = gates * widths.ffn * element;
        return (double)training_rank_tokens(training) *
               (attention + widths.hidden * element + inner);
    }
    double ffn =
        widths.hidden * element + input * kept_bytes(training, precision->ffn_weights) + inner;
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

/* What the last stage of a pipeline keeps of all micro-batches' logits; twice when they are joined.
 */
static double output_bytes(const struct training *training)
{
    const struct replica *replica = &training->replica;
    bool keeps = replica->software->training.pipeline_outputs && replica->layout->pipeline > 1;
    return keeps ? (double)training_pipeline(training).micro_batches *
                       (double)training_rank_tokens(training) * replica->llm->vocabulary /
                       replica->layout->tensor * format_bytes(replica->precision->activations)
                 : 0.0;
}

/* What the loss keeps for its gradient, of every micro-batch that waits for it: the softmax. */
static double loss_bytes(const struct training *training)
{
    const struct replica *replica = &training->replica;
    return fp32_bytes * (double)training_rank_tokens(training) * replica->llm->vocabulary /
           replica->layout->tensor;
}

/* Activations that a stage holds at most: its chunks differ in layers, and in how many of their
 * passes are under way. */
static double bytes_in_flight(const struct training *training, const struct pipeline *pipeline,
                              uint32_t stage, const struct cell *cells)
{
    bool splits = training->schedule->splits_backward;
    double layer = training_layer_activation_bytes(training), loss = loss_bytes(training);
    double held = 0.0, most = 0.0;
    for (uint32_t i = 0; i < pipeline_cell_count(training->schedule, pipeline); i++) {
        uint32_t part = pipeline_part(training->schedule, pipeline, stage, cells[i].chunk);
        bool last = part + 1 == pipeline->stages * pipeline->chunks;
        double bytes = training_part_layers(training, part) * layer + (last ? loss : 0.0);
        held += cells[i].kind == CELL_FORWARD ? bytes : 0.0;
        most = fmax(most, held);
        held -= cells[i].kind == (splits ? CELL_WEIGHT : CELL_BACKWARD) ? bytes : 0.0;
    }
    return most;
}

/* Sharded, a rank keeps its share, unless that is the optimizer's master copy, and what is
 * gathered: all of it, or the layer at work, the one that travels (when most is held, at the loss,
 * the head has been dropped again). */
static double kept_parameter_bytes(const struct training *training, double of_layers,
                                   double of_others)
{
    struct parameter_bytes layer = training_layer_bytes(training);
    struct parameter_bytes other = training_other_bytes(training);
    double whole = of_layers * layer.kept + of_others * other.kept;
    if (training->sharding != SHARDING_FSDP) {
        return whole;
    }
    bool master = training->replica.software->training.parameter_bytes <= 0.0;
    double shard = master ? 0.0 : whole / training_data_group(training).ranks;
    bool all = training->replica.layout->pipeline > 1 || training->keeps_gathered;
    double layer_gathered = master ? layer.kept : layer.gather;
    double other_gathered = master ? other.kept : other.gather;
    double gathered = all ? of_layers * layer_gathered + of_others * other_gathered
                          : 2.0 * training_layer_parameters(&training->replica) * layer_gathered;
    return shard + gathered;
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
        uint32_t part = pipeline_part(training->schedule, &pipeline, stage, chunk);
        parameters += training_part_parameters(training, part);
        layers += training_part_layers(training, part);
    }
    struct parameter_bytes layer = training_layer_bytes(training);
    struct parameter_bytes other = training_other_bytes(training);
    double of_layers = layers * training_layer_parameters(&training->replica);
    double of_others = parameters - of_layers;
    bool adapters = training->adapter_rank > 0;
    double trained_layers = adapters ? layers * training_adapter_parameters(training) : of_layers;
    double trained_others = adapters ? 0.0 : of_others;
    double kept = kept_parameter_bytes(training, of_layers, of_others);
    training->schedule->fill(&pipeline, stage, cells);
    const struct training_software *stack = &training->replica.software->training;
    bool last = pipeline_part_stage(training->schedule, &pipeline,
                                    pipeline.stages * pipeline.chunks - 1) == stage;
    bool shards_gradients = all_sharded && (pipeline.stages == 1 || !stack->whole_gradients);
    double gradients = (trained_layers * layer.gradient + trained_others * other.gradient) /
                       (shards_gradients ? ranks : 1.0);
    double buckets = !sharded && ranks > 1.0 ? stack->bucket_copies * gradients : 0.0;
    double optimizer =
        (trained_layers * layer.states + trained_others * other.states) / (sharded ? ranks : 1.0);
    double activations = bytes_in_flight(training, &pipeline, stage, cells) +
                         working_bytes(training, last) - (last ? loss_bytes(training) : 0.0);
    if (stack->gradients_dropped && pipeline.micro_batches == 1) {
        /* Made as activations go: the larger of the two, told as activations and what is missing.
         */
        gradients = fmax(gradients - activations, 0.0);
    }
    if (last) { /* kept beside the passes; joined after them */
        double outputs = output_bytes(training);
        activations = fmax(activations + outputs, 2.0 * outputs);
    }
    return (struct training_memory){
        .parameter_bytes = kept,
        .gradient_bytes = gradients + buckets,
        .optimizer_bytes = optimizer,
        .activation_bytes = activations,
        .reserved_bytes = stack->reserved_bytes,
        .passes_in_flight = pipeline_in_flight(training->schedule, &pipeline, cells),
    };
}

double training_memory_total(const struct training_memory *memory)
{
    return memory->parameter_bytes + memory->gradient_bytes + memory->optimizer_bytes +
           memory->activation_bytes + memory->reserved_bytes;
}
