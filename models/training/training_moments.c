/* SPDX-License-Identifier: MIT */
#include "models/training/training_moments.h"

#include "models/layers/layer_rows.h"
#include "models/training/training_bytes.h"

#include <math.h>

const char *const training_moment_names[MOMENT_COUNT] = {
    [MOMENT_PASS] = "pass",           [MOMENT_LOSS] = "loss",     [MOMENT_LAYER] = "layer",
    [MOMENT_LAYER_END] = "layer_end", [MOMENT_REDUCE] = "reduce", [MOMENT_OPTIMIZER] = "optimizer",
};

double moment_total(const struct moment_bytes *bytes)
{
    return bytes->parameters + bytes->gradients + bytes->optimizer + bytes->activations;
}

bool training_has_moments(const struct training *training)
{
    return training->sharding == SHARDING_FSDP && training->replica.layout->pipeline == 1 &&
           training->adapter_rank == 0 && training->predicted == 0 && !training->keeps_gathered;
}

static double element_bytes(const struct training *training)
{
    return format_bytes(training->replica.precision->activations);
}

/* Of one element a token of the residual stream, and of a whole one. */
static double tokens_of(const struct training *training)
{
    return (double)training_rank_tokens(training);
}

double training_last_norm_bytes(const struct training *training)
{
    const struct layer_training of_layers = training_of_layers(training);
    const struct llm *llm = training->replica.llm;
    double stream = train_residual(&of_layers);
    double whole = training->replica.software->training.gathered_inputs ? llm->hidden : stream;
    double statistics = (llm->stack.kinds[0].norm_bias ? 2.0 : 1.0) * sizeof(float);
    return tokens_of(training) *
           ((stream + whole) * element_bytes(training) + statistics * stream / llm->hidden);
}

double training_loss_bytes(const struct training *training)
{
    const struct replica *replica = &training->replica;
    const struct training_software *stack = &replica->software->training;
    double columns =
        replica->llm->vocabulary / (stack->whole_logits ? 1.0 : (double)replica->layout->tensor);
    return tokens_of(training) * columns * stack->loss_kept_bytes_per_logit;
}

/* A layer of a kind, whole; on one rank. */
struct layer_size {
    double parameters;
    double kept, full;       /* as recomputation leaves it, and all of it */
    double last;             /* weights of its last product, whose gradient is made first */
    double working, leaving; /* tensors of gradients: at the activation, and at the layer's end */
};

static struct layer_size size_of(const struct training *training, const struct layer_kind *kind)
{
    struct layer_training of_layers = training_of_layers(training);
    const struct replica *replica = &training->replica;
    struct layer_size size = {
        .parameters = train_layer_parameters(replica, kind),
        .kept = train_layer_kept_bytes(&of_layers, kind),
        .full = train_layer_full_bytes(&of_layers, kind),
    };
    /* What the host keeps is here while its layer works. */
    size.full = fmax(size.full, size.kept);
    size.kept *= 1.0 - training->offload.activations;
    size.full += training->offload.activations > 0.0 ? size.full - size.kept : 0.0;
    struct half halves[LAYER_HALVES];
    layer_halves(replica, kind, halves);
    double residual = replica->llm->hidden, inner = 0.0, first = 0.0;
    for (int i = 0; i < LAYER_HALVES; i++) {
        for (uint32_t j = 0; j < halves[i].count; j++) {
            const struct half_op *op = &halves[i].ops[j];
            if (op->kind == HALF_PRODUCT) {
                double copies = fmax(op->weight.experts.count, 1.0);
                double columns = (double)weight_columns(&op->weight, half_ranks(replica));
                first = first > 0.0 ? first : columns;
                size.last =
                    copies * columns * (double)weight_depth(&op->weight, half_ranks(replica));
            } else if (op->pointwise == POINTWISE_ACTIVATION) {
                /* Gradients of gate and up; their product's and the product go as they come. */
                inner = (double)op->columns * fmax((double)op->copies, 1.0) *
                        (kind->ffn.gated ? 2.0 : 1.0);
            }
        }
    }
    double bytes = tokens_of(training) * element_bytes(training);
    size.working = bytes * (residual + inner);
    /* Its input, that normed, the stream, their gradients, and query's, key's and value's. */
    size.leaving = bytes * (5.0 * residual + first);
    return size;
}

struct moments {
    const struct training *training;
    struct moment_bytes fullest;
    struct parameter_bytes layer, other;
    double ranks, element;
    double shards;   /* of parameters, as the optimizer's or beside it */
    double states;   /* of the optimizer */
    double made;     /* gradients that are reduced, on this rank */
    double held;     /* gathered all the time until the end, and gradients that wait for it */
    double leaving;  /* what the last group that was reduced still holds: its input */
    double kept;     /* of layers whose backward pass is to come */
    bool accumulate; /* gradients are there from the start */
};

static void consider(struct moments *moments, enum training_moment moment, double gathered,
                     double gradients, double activations)
{
    struct moment_bytes bytes = {
        .moment = moment,
        .parameters = moments->shards + gathered,
        .gradients = moments->made + gradients,
        .optimizer = moments->states,
        .activations = activations,
    };
    if (moment_total(&bytes) > moment_total(&moments->fullest)) {
        moments->fullest = bytes;
    }
}

/* A group's gradients as they were made are copied into one buffer, in the format they travel in;
 * the rank's own part comes out. One rank alone divides out of place, the buffer and what came out
 * still there. */
static void reduce(struct moments *moments, double parameters, double made_bytes,
                   const struct parameter_bytes *bytes, double gathered)
{
    double travel = parameters * bytes->reduce;
    consider(moments, MOMENT_REDUCE, gathered,
             moments->ranks > 1.0 ? made_bytes + travel * (1.0 + 1.0 / moments->ranks)
                                  : 3.0 * travel,
             moments->kept);
    moments->made += moments->accumulate ? 0.0 : parameters * bytes->gradient / moments->ranks;
    moments->leaving = travel;
}

/* A layer's backward pass: it is gathered, and the group after it as well; what was reduced before
 * it holds its buffer until it is reduced itself. */
static void layer_backward(struct moments *moments, const struct layer_size *size, double next)
{
    double gathered = moments->held + size->parameters * moments->layer.gather + next;
    double whole = fmax(size->kept, size->full);
    moments->kept -= size->kept;
    consider(moments, MOMENT_LAYER, gathered, moments->leaving + size->last * moments->element,
             moments->kept + whole + size->working);
    consider(moments, MOMENT_LAYER_END, gathered,
             moments->leaving + size->parameters * moments->element, moments->kept + size->leaving);
    reduce(moments, size->parameters, size->parameters * moments->element, &moments->layer,
           moments->held + next);
}

double training_gradient_bytes(const struct training *training)
{
    double of_layers = training_part_layer_parameters(training, 0);
    double others = training_part_parameters(training, 0) - of_layers;
    double bytes = training_layer_bytes(training).gradient;
    return training_sharded(training,
                            of_layers * bytes + others * training_other_bytes(training).gradient,
                            training_part_expert_parameters(training, 0) * bytes);
}

struct moment_bytes training_fullest_moment(const struct training *training)
{
    const struct replica *replica = &training->replica;
    const struct stack *stack = &replica->llm->stack;
    const struct training_software *software = &replica->software->training;
    double parameters = training_part_parameters(training, 0);
    double of_layers = training_part_layer_parameters(training, 0);
    double others = parameters - of_layers;
    double embedding = fmin(training_embedding_parameters(replica), others);
    double head = others - embedding;
    struct moments moments = {.training = training,
                              .layer = training_layer_bytes(training),
                              .other = training_other_bytes(training),
                              .ranks = training_data_group(training).ranks,
                              .element = element_bytes(training)};
    const struct parameter_bytes *layer = &moments.layer, *other = &moments.other;
    bool master = software->parameter_bytes <= 0.0; /* the rank's share is the optimizer's */
    double experts = training_part_expert_parameters(training, 0);
    moments.shards =
        master ? 0.0
               : training_sharded(training, of_layers * layer->kept + others * other->kept,
                                  experts * layer->kept);
    double expert_states = 0.0, states = training_part_state_bytes(training, 0, &expert_states);
    moments.states = training_sharded(training, states, expert_states);
    double gradients = training_gradient_bytes(training);
    moments.accumulate =
        !software->gradients_dropped || training_pipeline(training).micro_batches > 1;
    moments.made = moments.accumulate ? gradients : 0.0;

    struct layer_size sizes[STACK_MAX_KINDS];
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        sizes[kind] = size_of(training, &stack->kinds[kind]);
    }
    for (uint32_t i = 0; i < stack->layers; i++) {
        moments.kept += sizes[stack_kind(stack, i)].kept;
    }
    bool root = software->root_group;
    double last = root ? others : head > 0.0 ? head : embedding; /* gathered at the loss */
    consider(&moments, MOMENT_LOSS, root ? 0.0 : last * other->gather, 0.0,
             moments.kept + training_last_norm_bytes(training) + training_loss_bytes(training));
    if (root) { /* waits, gathered, its head's gradients made, for the end */
        moments.held = last * other->gather + head * moments.element;
    } else if (head > 0.0) {
        reduce(&moments, head, head * moments.element, other, 0.0);
    }
    for (uint32_t i = stack->layers; i-- > 0;) {
        const struct layer_size *size = &sizes[stack_kind(stack, i)];
        double next = i > 0 ? sizes[stack_kind(stack, i - 1)].parameters * layer->gather
                      : root || moments.ranks < 2.0 ? 0.0
                                                    : embedding * other->gather;
        layer_backward(&moments, size, next);
    }
    /* The embedding's gradient, beside the last layer's buffer; then its own, or the root's. */
    consider(&moments, MOMENT_LAYER_END, root ? last * other->gather : embedding * other->gather,
             moments.leaving + (root ? others : embedding) * moments.element, 0.0);
    double made = embedding * moments.element;
    reduce(&moments, root ? others : embedding, made, other, 0.0);
    if (!moments.accumulate) {
        moments.made = gradients;
    }
    consider(&moments, MOMENT_OPTIMIZER, 0.0,
             software->optimizer_copies * sizeof(float) * parameters / moments.ranks, 0.0);
    return moments.fullest;
}
