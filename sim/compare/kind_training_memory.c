/* SPDX-License-Identifier: MIT
 * What PyTorch keeps of a decoder layer for its backward pass, and the fullest moment of whole
 * steps, bytes of storages on one rank (tests/validation/memory). */
#include "models/layers/train_builder.h"
#include "models/training/training_memory.h"
#include "sim/compare/shapes.h"

#include <stdio.h>
#include <string.h>

/* What the rows' columns leave to their model's name. */
struct family {
    const char *prefix;
    bool gpt; /* LayerNorm, learned positions, biases, an ungated block */
    enum query_key_norm norm;
    struct experts experts;
    uint32_t head_size; /* 0: hidden / heads */
};
static const struct family families[] = {
    {.prefix = "Llama-3"},
    {.prefix = "GPT-3", .gpt = true},
    {.prefix = "Qwen3-30B-A3B",
     .norm = QK_NORM_HEAD,
     .experts = {.count = 128, .per_token = 8},
     .head_size = 128},
};

static const struct family *family_of(struct measurement *row)
{
    const char *model = measurement_text(row, "model");
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (strncmp(model, families[i].prefix, strlen(families[i].prefix)) == 0) {
            return &families[i];
        }
    }
    measurement_complain(row, "model", "'%.60s' is of no known family (Llama-3, GPT-3, Qwen3)",
                         model);
    return &families[0];
}

static uint32_t count(struct measurement *row, const char *column)
{
    return (uint32_t)measurement_count(row, column, 1, ROW_MOST);
}

static struct llm llm_of(struct measurement *row)
{
    const struct family *family = family_of(row);
    uint32_t hidden = count(row, "hidden"), heads = count(row, "heads");
    struct llm llm = {
        .name = "row",
        .hidden = hidden,
        .vocabulary = count(row, "vocab"),
        .keys = {.layers = count(row, "layers"),
                 .ffn_hidden = count(row, "ffn"),
                 .query_heads = heads,
                 .kv_heads = count(row, "kv_heads"),
                 .head_size = family->head_size > 0 ? family->head_size : hidden / heads,
                 .experts = family->experts,
                 .gated_ffn = !family->gpt,
                 .gqa = {.norm = family->norm,
                         .query_bias = family->gpt,
                         .kv_bias = family->gpt,
                         .out_bias = family->gpt,
                         .plain_position = family->gpt},
                 .ffn = {.bias = family->gpt},
                 .norm = family->gpt ? NORM_LAYER : NORM_RMS},
    };
    llm_from_keys(&llm);
    return llm;
}

enum { COMPILED = 16, LATER_LIST = 32 };
static const struct measurement_choice recomputes[] = {
    {"none", RECOMPUTE_NONE},
    {"full", RECOMPUTE_FULL},
    {"selective-core-attention", RECOMPUTE_ATTENTION},
    {"selective-titan-0.2.2", RECOMPUTE_OPERATORS},
    {"selective-titan-0.3.0", RECOMPUTE_OPERATORS | LATER_LIST},
    {"compiled", RECOMPUTE_NONE | COMPILED},
    {"compiled+selective-titan-0.2.2", RECOMPUTE_OPERATORS | COMPILED},
    {NULL, 0}};

/* The row's set-up, and all that it points to. */
struct set_up {
    struct gpu gpu; /* no figure depends on it in bf16 */
    struct cluster cluster;
    struct llm llm;
    struct software software;
    struct layout layout;
    struct precision precision;
    struct training training;
};

static const struct software *software_of(struct measurement *row, const char *name)
{
    int column = csv_column(row->csv, "recompute");
    const struct software *software =
        machine_software(row->files, name, csv_mark(row->csv, &row->row->fields[column]));
    row->wrong = row->wrong || software == NULL;
    return software;
}

static void read_set_up(struct measurement *row, const char *eager, struct set_up *set_up)
{
    static const struct number bf16 = {.format = FORMAT_BF16};
    int what = measurement_choice(row, "recompute", recomputes);
    const struct software *software =
        software_of(row, (what & COMPILED) != 0 ? "torchtitan" : eager);
    *set_up = (struct set_up){
        .llm = llm_of(row),
        .cluster = {.nodes = 1, .gpus_per_node = 1},
        .software = software != NULL ? *software : (struct software){0},
        .layout = {.tensor = count(row, "tensor"), .context = 1, .pipeline = 1, .data = 1},
        .precision = {.attention_weights = bf16,
                      .ffn_weights = bf16,
                      .embedding = bf16,
                      .activations = FORMAT_BF16,
                      .kv_cache = FORMAT_BF16},
    };
    bool paper = strstr(measurement_text(row, "model"), "-paper") != NULL;
    struct training_software *stack = &set_up->software.training;
    stack->listed_biased = (what & LATER_LIST) != 0;
    stack->written_scores = paper;
    stack->norm_pieces = strstr(measurement_text(row, "source"), "transformers") != NULL;
    set_up->training = (struct training){
        .replica = {.llm = &set_up->llm,
                    .gpu = &set_up->gpu,
                    .cluster = &set_up->cluster,
                    .software = &set_up->software,
                    .layout = &set_up->layout,
                    .precision = &set_up->precision},
        .micro_batch = count(row, "micro_batch"),
        .sequence_tokens = count(row, "seq"),
        .schedule = pipeline_schedules[0],
        .virtual_stages = 1,
        .recompute = (enum recompute)(what & ~(COMPILED | LATER_LIST)),
        .dropout = paper,
    };
    set_up->training.global_batch = set_up->training.micro_batch;
    if (set_up->layout.tensor > 1 && set_up->llm.keys.experts.count > 0) {
        measurement_complain(row, "tensor", "tensor ranks cut dense layers alone");
    }
}

static const char *const layer_columns[] = {
    "model",     "hidden", "ffn",    "heads",       "kv_heads", "vocab",
    "layers",    "seq",    "source", "micro_batch", "tensor",   "sequence_parallel",
    "recompute", "total",  NULL};

static void predict_layer(struct measurement *row)
{
    struct set_up set_up;
    read_set_up(row, "torchtitan-eager", &set_up);
    set_up.training.sequence_parallel =
        measurement_is(row, "sequence_parallel", "1") && set_up.layout.tensor > 1;
    if (row->wrong) {
        return;
    }
    measurement_compare(row, "kept of a layer", "total",
                        training_layer_activation_bytes(&set_up.training, 0));
}

const struct measurement_kind kind_kept_layers = {
    .name = "kept-layers",
    .doc = "bytes that a layer's forward pass keeps for its backward pass, in training",
    .columns = layer_columns,
    .without_gpu = true,
    .predict = predict_layer,
};

static const char *const step_columns[] = {
    "model",  "hidden",    "ffn",         "heads",        "kv_heads",    "vocab",
    "layers", "seq",       "micro_batch", "ranks",        "tensor",      "source",
    "peak",   "recompute", "optimizer",   "reduce_dtype", "logits_kept", NULL};

static void predict_step(struct measurement *row)
{
    uint32_t ranks = (uint32_t)measurement_count(row, "ranks", 0, 1 << 20);
    struct set_up set_up;
    read_set_up(row, ranks > 0 ? "torchtitan-eager" : "pytorch-training-bf16", &set_up);
    struct training_software *stack = &set_up.software.training;
    struct training *training = &set_up.training;
    set_up.layout.data = ranks > 0 ? ranks : 1;
    set_up.cluster.nodes = set_up.layout.data;
    training->global_batch *= set_up.layout.data;
    training->sharding = ranks > 0 ? SHARDING_FSDP : SHARDING_NONE;
    if (measurement_is(row, "reduce_dtype", "bf16")) {
        stack->reduce_bytes_per_parameter = 2.0;
    }
    if (measurement_is(row, "logits_kept", "1")) {
        stack->loss_kept_bytes_per_logit += format_bytes(FORMAT_BF16);
    }
    if (strncmp(measurement_text(row, "optimizer"), "foreach", 7) == 0) {
        stack->optimizer_copies = 1.0;
    }
    if (row->wrong) {
        return;
    }
    struct cell cells[2];
    struct training_memory memory = training_stage_memory(training, 0, cells);
    measurement_compare(row, "fullest moment of a step", "peak",
                        training_memory_allocated(&memory));
}

const struct measurement_kind kind_kept_steps = {
    .name = "kept-steps",
    .doc = "the most bytes of a training step under FSDP2, or on one GPU",
    .columns = step_columns,
    .without_gpu = true,
    .predict = predict_step,
};
