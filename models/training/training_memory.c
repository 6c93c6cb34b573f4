/* SPDX-License-Identifier: MIT */
#include "models/training/training_memory.h"

#include "models/training/training_bytes.h"
#include "models/training/training_moments.h"

#include <math.h>

static const double fp32_bytes = 4.0;

double training_layer_activation_bytes(const struct training *training, uint32_t kind)
{
    struct layer_training of_layers = training_of_layers(training);
    return train_layer_kept_bytes(&of_layers, &training->replica.llm->stack.kinds[kind]);
}

double training_part_activation_bytes(const struct training *training, uint32_t part)
{
    double bytes = 0.0;
    for (uint32_t kind = 0; kind < training->replica.llm->stack.kind_count; kind++) {
        bytes += training_part_kind_layers(training, part, kind) *
                 training_layer_activation_bytes(training, kind);
    }
    return bytes;
}

/* Logits of a token that a rank takes the loss of. */
static double loss_columns(const struct replica *replica)
{
    bool whole = replica->software->training.whole_logits;
    return replica->llm->vocabulary / (whole ? 1.0 : (double)replica->layout->tensor);
}

/* Of activations that lie on the host: the layer at work, and the next one's on their way. */
static double offload_buffer(const struct training *training)
{
    double most = 0.0;
    for (uint32_t kind = 0; kind < training->replica.llm->stack.kind_count; kind++) {
        most = fmax(most, training_layer_activation_bytes(training, kind));
    }
    return 2.0 * most * training->offload.activations;
}

/* One pass at work: what a layer computes again, and on the last stage the logits and their
 * gradient. */
static double working_bytes(const struct training *training, bool last)
{
    const struct replica *replica = &training->replica;
    double tokens = (double)training_rank_tokens(training);
    double element = format_bytes(replica->precision->activations);
    double bytes = 2.0 * tokens * replica->llm->hidden * element;
    const struct stack *stack = &replica->llm->stack;
    struct layer_training of_layers = training_of_layers(training);
    double most = 0.0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        most = fmax(most, train_layer_full_bytes(&of_layers, &stack->kinds[kind]) -
                              train_layer_kept_bytes(&of_layers, &stack->kinds[kind]));
    }
    bytes += most + offload_buffer(training);
    return fmax(bytes,
                last ? training_last_norm_bytes(training) + training_loss_bytes(training) : 0.0);
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

/* What the last norm and the loss keep for their gradients, of every micro-batch that waits for
 * it: the softmax of the loss. */
static double loss_bytes(const struct training *training)
{
    const struct replica *replica = &training->replica;
    return fp32_bytes * (double)training_rank_tokens(training) * loss_columns(replica) +
           training_last_norm_bytes(training);
}

/* The same of all losses: what predicts a further token has one too, and keeps its norms' inputs
 * and its product's. */
static double all_loss_bytes(const struct training *training)
{
    const struct replica *replica = &training->replica;
    double joined = (double)training_rank_tokens(training) * 4.0 * replica->llm->hidden *
                    format_bytes(replica->precision->activations) /
                    (training->sequence_parallel ? replica->layout->tensor : 1);
    double one = loss_bytes(training);
    return one + training->predicted * (one + joined);
}

/* What a stage's passes need at work and bring about. */
struct pass_bytes {
    double working;   /* at the loss, or in a layer */
    double gradients; /* of the stage, made by its first backward passes; 0: always there */
};

/* Of a layer of each kind: activations kept, and gradients that wait for those of weights. */
struct layer_bytes {
    double kept[STACK_MAX_KINDS], waiting[STACK_MAX_KINDS];
};

static struct layer_bytes layer_bytes_of(const struct training *training)
{
    const struct stack *stack = &training->replica.llm->stack;
    struct layer_training of_layers = training_of_layers(training);
    struct layer_bytes bytes;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        bytes.kept[kind] =
            training_layer_activation_bytes(training, kind) * (1.0 - training->offload.activations);
        bytes.waiting[kind] = training->schedule->splits_backward
                                  ? train_layer_waiting_bytes(&of_layers, &stack->kinds[kind])
                                  : 0.0;
    }
    return bytes;
}

/* Of all layers of a part. */
static double part_sum(const struct training *training, uint32_t part,
                       const double bytes[STACK_MAX_KINDS])
{
    double sum = 0.0;
    for (uint32_t kind = 0; kind < training->replica.llm->stack.kind_count; kind++) {
        sum += training_part_kind_layers(training, part, kind) * bytes[kind];
    }
    return sum;
}

/* Activations that a stage holds at most, with its pass at work and the gradients that are made by
 * then: its chunks differ in layers, and in how many of their passes are under way. A backward pass
 * ends with the gradients that wait, and without what it worked with. */
static double bytes_in_flight(const struct training *training, const struct pipeline *pipeline,
                              uint32_t stage, const struct cell *cells,
                              const struct pass_bytes *passes)
{
    struct layer_bytes bytes = layer_bytes_of(training);
    double loss = all_loss_bytes(training);
    double parameters = 0.0;
    for (uint32_t chunk = 0; chunk < pipeline->chunks; chunk++) {
        parameters += training_part_trained(
            training, pipeline_part(training->schedule, pipeline, stage, chunk));
    }
    double held = 0.0, made = 0.0, most = 0.0, kept = 0.0, waiting = 0.0;
    uint32_t part = UINT32_MAX, count = pipeline_cell_count(training->schedule, pipeline);
    for (uint32_t i = 0; i < count; i++) {
        const struct cell *cell = &cells[i];
        uint32_t before = part;
        part = pipeline_part(training->schedule, pipeline, stage, cell->chunk);
        bool last = part + 1 == pipeline->stages * pipeline->chunks;
        double logits = last ? loss : 0.0;
        if (part != before) {
            kept = part_sum(training, part, bytes.kept);
            waiting = part_sum(training, part, bytes.waiting);
        }
        held += cell->kind == CELL_FORWARD ? kept + logits : 0.0;
        most = fmax(most, held + made + passes->working);
        bool waits = cell->kind == CELL_BACKWARD;
        if (cell_is_backward(cell->kind)) {
            held += (waits ? waiting : 0.0) - logits;
            most = fmax(most, held + made);
        }
        if (cell_is_last(training->schedule, cell->kind)) {
            held -= kept + (cell->kind == CELL_WHOLE ? 0.0 : waiting);
            made += cell->micro_batch == 0
                        ? passes->gradients * training_part_trained(training, part) / parameters
                        : 0.0;
            most = fmax(most, held + made);
        }
    }
    return most;
}

/* Sharded, a rank keeps its share, unless that is the optimizer's master copy, and what is
 * gathered: all of it, or the layer at work, the one that travels (when most is held, at the loss,
 * the head has been dropped again). */
static double kept_parameter_bytes(const struct training *training, double of_layers,
                                   double of_experts, double of_others)
{
    struct parameter_bytes layer = training_layer_bytes(training);
    struct parameter_bytes other = training_other_bytes(training);
    double whole = of_layers * layer.kept + of_others * other.kept;
    if (training->replica.software->training.autocast) { /* an embedding is no product */
        double element = format_bytes(training->replica.precision->activations);
        double products =
            of_layers + fmax(of_others - training_embedding_parameters(&training->replica), 0.0);
        whole += products * element;
    }
    if (training->sharding != SHARDING_FSDP) {
        return whole;
    }
    bool master = training->replica.software->training.parameter_bytes <= 0.0;
    double shard = master ? 0.0 : training_sharded(training, whole, of_experts * layer.kept);
    bool all = training->replica.layout->pipeline > 1 || training->keeps_gathered;
    double layer_gathered = master ? layer.kept : layer.gather;
    double other_gathered = master ? other.kept : other.gather;
    double gathered =
        all ? of_layers * layer_gathered + of_others * other_gathered
            : 2.0 * training_largest_layer_parameters(&training->replica) * layer_gathered;
    return shard + gathered;
}

/* Activations of all passes under way that lie on the host: as many as the GPU has of the rest. */
static double host_activations(const struct training *training, const struct pipeline *pipeline,
                               uint32_t stage, const struct cell *cells)
{
    double all = 0.0, most = 0.0, bytes[STACK_MAX_KINDS];
    uint32_t count = pipeline_cell_count(training->schedule, pipeline);
    for (uint32_t kind = 0; kind < training->replica.llm->stack.kind_count; kind++) {
        bytes[kind] = training_layer_activation_bytes(training, kind);
    }
    for (uint32_t i = 0; i < count && training->offload.activations > 0.0; i++) {
        uint32_t part = pipeline_part(training->schedule, pipeline, stage, cells[i].chunk);
        double kept = part_sum(training, part, bytes);
        all += cells[i].kind == CELL_FORWARD ? kept : 0.0;
        most = fmax(most, all);
        all -= cell_is_last(training->schedule, cells[i].kind) ? kept : 0.0;
    }
    return most * training->offload.activations;
}

/* Moves to the host what lies there. Of the optimizer and of parameters the GPU keeps two layers
 * beside: one at work, one that travels. */
static void offload(const struct training *training, const struct pipeline *pipeline,
                    uint32_t stage, const struct cell *cells, struct training_memory *memory)
{
    const struct offload *shares = &training->offload;
    double layers =
        fmax(training->replica.llm->stack.layers, 1.0) / training->replica.layout->pipeline;
    double two = fmin(2.0 / layers, 1.0);
    double optimizer = shares->states * memory->optimizer_bytes;
    double parameters = shares->parameters * memory->parameter_bytes;
    memory->host_bytes =
        optimizer + parameters + host_activations(training, pipeline, stage, cells);
    memory->optimizer_bytes -= optimizer * (1.0 - two);
    memory->parameter_bytes -= parameters * (1.0 - two);
}

/* Beside tensors: what the allocator cannot use, and holds for gradients that are not there. */
static double allocator_bytes(const struct training *training, double gradients, double counted)
{
    const struct training_software *stack = &training->replica.software->training;
    double apart = stack->reserved_gradients ? fmax(gradients - counted, 0.0) : 0.0;
    return stack->reserved_bytes + apart;
}

static struct training_memory moment_memory(const struct training *training)
{
    struct moment_bytes fullest = training_fullest_moment(training);
    return (struct training_memory){
        .parameter_bytes = fullest.parameters,
        .gradient_bytes = fullest.gradients,
        .optimizer_bytes = fullest.optimizer,
        .activation_bytes = fullest.activations,
        .reserved_bytes =
            allocator_bytes(training, training_gradient_bytes(training), fullest.gradients),
        .outside_bytes = training->replica.software->training.outside_bytes,
        .moment = fullest.moment,
        .passes_in_flight = 1,
    };
}

double training_part_kept_bytes(const struct training *training, uint32_t part)
{
    double of_layers = training_part_layer_parameters(training, part);
    double of_others = training_part_parameters(training, part) - of_layers;
    double layer = training_layer_bytes(training).kept;
    double bytes = of_layers * layer + of_others * training_other_bytes(training).kept;
    double experts = training_part_expert_parameters(training, part);
    return training->sharding == SHARDING_FSDP ? training_sharded(training, bytes, experts * layer)
                                               : bytes;
}

double training_stage_optimizer_bytes(const struct training *training, uint32_t stage)
{
    struct pipeline pipeline = training_pipeline(training);
    double bytes = 0.0, of_experts = 0.0;
    for (uint32_t chunk = 0; chunk < pipeline.chunks; chunk++) {
        double experts = 0.0;
        bytes += training_part_state_bytes(
            training, pipeline_part(training->schedule, &pipeline, stage, chunk), &experts);
        of_experts += experts;
    }
    return training->sharding != SHARDING_NONE ? training_sharded(training, bytes, of_experts)
                                               : bytes;
}

/* Of one layer, or of the embedding: whatever is updated last of all that are made. */
static double layer_gradient_bytes(const struct training *training)
{
    return fmax(training_largest_layer_parameters(&training->replica) *
                    training_layer_bytes(training).gradient,
                training_embedding_parameters(&training->replica) *
                    training_other_bytes(training).gradient);
}

struct training_memory training_stage_memory(const struct training *training, uint32_t stage,
                                             struct cell *cells)
{
    struct pipeline pipeline = training_pipeline(training);
    pipeline_fill(training->schedule, &pipeline, stage, cells);
    return training_filled_memory(training, stage, cells);
}

struct training_memory training_filled_memory(const struct training *training, uint32_t stage,
                                              const struct cell *cells)
{
    struct pipeline pipeline = training_pipeline(training);
    if (training_has_moments(training)) {
        struct training_memory memory = moment_memory(training);
        offload(training, &pipeline, stage, cells, &memory);
        return memory;
    }
    double ranks = training_data_group(training).ranks;
    bool sharded = training->sharding != SHARDING_NONE;
    bool all_sharded = training->sharding == SHARDING_FSDP;
    double parameters = 0.0, of_layers = 0.0, of_experts = 0.0, trained = 0.0;
    for (uint32_t chunk = 0; chunk < pipeline.chunks; chunk++) {
        uint32_t part = pipeline_part(training->schedule, &pipeline, stage, chunk);
        parameters += training_part_parameters(training, part);
        of_layers += training_part_layer_parameters(training, part);
        of_experts += training_part_expert_parameters(training, part);
        trained += training_part_trained(training, part);
    }
    struct parameter_bytes layer = training_layer_bytes(training);
    struct parameter_bytes other = training_other_bytes(training);
    double of_others = parameters - of_layers;
    bool adapters = training->adapter_rank > 0;
    double trained_layers = adapters ? trained : of_layers;
    double trained_others = adapters ? 0.0 : of_others;
    double kept = kept_parameter_bytes(training, of_layers, of_experts, of_others);
    const struct training_software *stack = &training->replica.software->training;
    bool last = pipeline_part_stage(training->schedule, &pipeline,
                                    pipeline.stages * pipeline.chunks - 1) == stage;
    bool shards_gradients = all_sharded && (pipeline.stages == 1 || !stack->whole_gradients);
    double gradients = trained_layers * layer.gradient + trained_others * other.gradient;
    gradients = shards_gradients
                    ? training_sharded(training, gradients, of_experts * layer.gradient)
                    : gradients;
    if (training->layer_updates) {
        gradients = fmin(gradients, layer_gradient_bytes(training));
    }
    double buckets = !sharded && ranks > 1.0 ? stack->bucket_copies * gradients : 0.0;
    double optimizer = training_stage_optimizer_bytes(training, stage);
    struct pass_bytes passes = {.working = working_bytes(training, last) -
                                           (last ? loss_bytes(training) : 0.0)};
    double activations = bytes_in_flight(training, &pipeline, stage, cells, &passes);
    double all_gradients = gradients;
    if (stack->gradients_dropped) { /* told as activations and what is missing */
        passes.gradients = gradients;
        gradients = bytes_in_flight(training, &pipeline, stage, cells, &passes) - activations;
    }
    if (last) { /* kept beside the passes; joined after them */
        double outputs = output_bytes(training);
        activations = fmax(activations + outputs, 2.0 * outputs);
    }
    struct training_memory memory = {
        .parameter_bytes = kept,
        .gradient_bytes = gradients + buckets,
        .optimizer_bytes = optimizer,
        .activation_bytes = activations,
        .reserved_bytes = allocator_bytes(training, all_gradients, gradients),
        .outside_bytes = stack->outside_bytes,
        .passes_in_flight = pipeline_in_flight(training->schedule, &pipeline, cells),
    };
    offload(training, &pipeline, stage, cells, &memory);
    return memory;
}

double training_memory_allocated(const struct training_memory *memory)
{
    return memory->parameter_bytes + memory->gradient_bytes + memory->optimizer_bytes +
           memory->activation_bytes;
}

double training_memory_total(const struct training_memory *memory)
{
    return training_memory_allocated(memory) + memory->reserved_bytes + memory->outside_bytes;
}

struct training_memory training_fullest_memory(const struct training *training, uint32_t *stage,
                                               struct cell *cells)
{
    struct training_memory fullest = {0};
    for (uint32_t i = 0; i < training->replica.layout->pipeline; i++) {
        struct training_memory memory = training_stage_memory(training, i, cells);
        if (training_memory_total(&memory) > training_memory_total(&fullest)) {
            fullest = memory;
            if (stage != NULL) {
                *stage = i;
            }
        }
    }
    return fullest;
}

double training_host_bytes(const struct training *training, struct cell *cells)
{
    const struct offload *shares = &training->offload;
    double most = 0.0;
    bool none = shares->states <= 0.0 && shares->activations <= 0.0 && shares->parameters <= 0.0;
    for (uint32_t i = 0; i < training->replica.layout->pipeline && !none; i++) {
        most = fmax(most, training_stage_memory(training, i, cells).host_bytes);
    }
    return most;
}

bool training_host_has_room(const struct training *training, double host_bytes)
{
    const struct cluster *cluster = training->replica.cluster;
    return cluster->host_memory_bytes <= 0.0 ||
           host_bytes * cluster->gpus_per_node <= cluster->host_memory_bytes;
}
