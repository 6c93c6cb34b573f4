/* SPDX-License-Identifier: MIT
 * Stacks of layers of one tensor-parallel shard: alone, on several GPUs with their all-reduces, and
 * in training. */
#include "sim/compare/calls.h"
#include "sim/compare/shapes.h"
#include "sim/compare/stack.h"

static const struct measurement_choice phases[] = {
    {"prefill", PHASE_PREFILL}, {"decode", PHASE_DECODE}, {NULL, 0}};

/* What the columns of inference stacks say; `shards` is the column that cuts the shapes. */
static struct stack_shape layer_shape(struct measurement *row, const char *shards)
{
    enum phase phase = (enum phase)measurement_choice(row, "phase", phases);
    return (struct stack_shape){
        .llm = row_llm(row),
        .precision = row_precision(row),
        .shards = (uint32_t)measurement_count(row, shards, 1, 1024),
        .tensor = 1,
        .context = 1,
        .slice = row_slice(row, phase),
        .part = STACK_LAYER,
    };
}

static const char *const layer_columns[] = {
    "model",   "tp_shard", "precision",         "phase", "batch", "new_tokens",
    "context", "layers",   "time_us_per_layer", NULL};

static void predict_layers(struct measurement *row)
{
    struct stack_shape shape = layer_shape(row, "tp_shard");
    double layers = measurement_number(row, "layers", 1, 1e4);
    if (row->wrong) {
        return;
    }
    struct power_state state = stack_price(row, &shape, layers, 0.0);
    measurement_compare(row,
                        shape.slice.phase == PHASE_DECODE ? "layers, decode" : "layers, prefill",
                        "time_us_per_layer", 1e6 * state.seconds);
}

const struct measurement_kind kind_layers = {
    .name = "layers",
    .doc = "a stack of layers of one tensor-parallel shard, without communication",
    .columns = layer_columns,
    .software = "pytorch-nccl",
    .predict = predict_layers,
};

static const char *const tensor_columns[] = {"model",
                                             "tp",
                                             "shard_of",
                                             "precision",
                                             "phase",
                                             "batch",
                                             "new_tokens",
                                             "context",
                                             "layers",
                                             "time_us_per_layer",
                                             "time_us_per_layer_nocomm",
                                             NULL};

static void predict_tensor_layers(struct measurement *row)
{
    struct stack_shape shape = layer_shape(row, "shard_of");
    double layers = measurement_number(row, "layers", 1, 1e4);
    uint32_t tensor = (uint32_t)measurement_count(row, "tp", 2, 1024);
    row_group(row, "tp", tensor, 0);
    if (row->wrong) {
        return;
    }
    struct power_state alone = stack_price(row, &shape, layers, 0.0);
    measurement_compare(row, "TP layers without all-reduces", "time_us_per_layer_nocomm",
                        1e6 * alone.seconds);
    shape.tensor = tensor;
    struct power_state together = stack_price(row, &shape, layers, 0.0);
    measurement_compare(row, "TP layers with all-reduces", "time_us_per_layer",
                        1e6 * together.seconds);
}

const struct measurement_kind kind_tensor_layers = {
    .name = "tensor-layers",
    .doc = "stacks cut for shard_of GPUs, run on tp of them with and without their all-reduces",
    .columns = tensor_columns,
    .cluster = true,
    .software = "pytorch-nccl",
    .predict = predict_tensor_layers,
};

static const char *const training_columns[] = {"model",
                                               "tp_shard",
                                               "precision",
                                               "micro_batch",
                                               "seq_len",
                                               "layers",
                                               "forward_us_per_layer",
                                               "forward_backward_us_per_layer",
                                               NULL};

static void predict_training(struct measurement *row)
{
    struct stack_shape shape = {
        .llm = row_llm(row),
        .precision = row_precision(row),
        .shards = (uint32_t)measurement_count(row, "tp_shard", 1, 1024),
        .tensor = 1,
        .context = 1,
        .slice = {.phase = PHASE_PREFILL,
                  .sequences = (uint32_t)measurement_count(row, "micro_batch", 1, ROW_MOST),
                  .new_tokens = measurement_count(row, "seq_len", 2, ROW_MOST)},
        .compiled = true,
        .training = true,
    };
    double layers = measurement_number(row, "layers", 1, 1e4);
    if (!measurement_is(row, "precision", "bf16")) {
        measurement_complain(row, "precision", "training is modelled in bf16 alone");
    }
    if (row->wrong) {
        return;
    }
    struct power_state forward = stack_price(row, &shape, layers, 0.0);
    measurement_compare(row, "training layers, forward", "forward_us_per_layer",
                        1e6 * forward.seconds);
    shape.backward = true;
    struct power_state both = stack_price(row, &shape, layers, 0.0);
    measurement_compare(row, "training layers, forward and backward",
                        "forward_backward_us_per_layer", 1e6 * both.seconds);
}

const struct measurement_kind kind_training_layers = {
    .name = "training-layers",
    .doc = "layers fused by a compiler, forward and with their backward pass, nothing recomputed",
    .columns = training_columns,
    .software = "pytorch-nccl",
    .predict = predict_training,
};
