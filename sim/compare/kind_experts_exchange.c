/* SPDX-License-Identifier: MIT
 * Experts on several ranks: what DeepEP's kernels take to bring tokens there and back, and a block
 * of experts in a CUDA graph with and without its exchange. */
#include "sim/compare/calls.h"
#include "sim/compare/shapes.h"
#include "sim/compare/stack.h"

#include "models/layers/exchange.h"

static const char *const exchange_columns[] = {"library",     "mode",           "nodes", "gpus",
                                               "hidden",      "tokens_per_gpu", "topk",  "experts",
                                               "dispatch_us", "combine_us",     NULL};

static double exchange_microseconds(struct measurement *row, struct exchange_call *call,
                                    struct group_shape group, enum exchange_kind kind, bool combine)
{
    const struct machine *machine = &row->machine;
    struct layout layout = {.tensor = 1,
                            .context = 1,
                            .pipeline = 1,
                            .data = 1,
                            .expert = group.ranks,
                            .attention_data = group.ranks};
    struct cluster cluster = *machine->cluster;
    cluster.nodes = group.ranks / group.ranks_per_node;
    struct precision precision = {.activations = FORMAT_BF16};
    struct replica replica = {.cluster = &cluster,
                              .software = machine->software,
                              .layout = &layout,
                              .precision = &precision,
                              .exchange = kind};
    call->combine = combine;
    struct step_operator op = exchange_operator(&replica, call);
    op.collective.call.group = group;
    struct collective_plan plan = collective_plan(&cluster, machine->software, &op.collective.call);
    return 1e6 * collective_seconds(&cluster, &plan);
}

static void predict_exchange(struct measurement *row)
{
    static const struct measurement_choice modes[] = {{"normal", EXCHANGE_NORMAL},
                                                      {"low-latency", EXCHANGE_LOW_LATENCY},
                                                      {"peers", EXCHANGE_PEERS},
                                                      {NULL, 0}};
    enum exchange_kind kind = (enum exchange_kind)measurement_choice(row, "mode", modes);
    uint32_t ranks = (uint32_t)measurement_count(row, "gpus", 2, 65536);
    uint32_t nodes = (uint32_t)measurement_count(row, "nodes", 1, 65536);
    uint32_t experts = (uint32_t)measurement_count(row, "experts", ranks, 65536);
    struct exchange_call call = {
        .experts = {.count = experts,
                    .per_token = (uint32_t)measurement_count(row, "topk", 1, experts)},
        .tokens = (double)measurement_count(row, "tokens_per_gpu", 1, ROW_MOST),
        .elements = (double)measurement_count(row, "hidden", 1, ROW_MOST),
        .graph = true,
    };
    call.all_tokens = ranks * call.tokens;
    struct group_shape group = row_group(row, "gpus", ranks, nodes);
    if (row->wrong) {
        return;
    }
    bool notifies = kind == EXCHANGE_NORMAL && nodes > 1;
    struct software *software = ARENA_NEW(row->scratch, struct software);
    *software = *row->machine.software;
    struct exchange_library *normal = &software->exchange.normal;
    double notify = normal->notify_seconds + call.tokens * normal->notify_token_seconds;
    normal->notify_seconds = normal->notify_token_seconds = 0.0; /* a column of its own */
    row->machine.software = software;
    const char *const there = kind == EXCHANGE_LOW_LATENCY ? "low-latency dispatch of experts"
                              : kind == EXCHANGE_PEERS     ? "dispatch of experts by pplx-kernels"
                                                           : "dispatch of experts";
    const char *const back = kind == EXCHANGE_LOW_LATENCY ? "low-latency combine of experts"
                             : kind == EXCHANGE_PEERS     ? "combine of experts by pplx-kernels"
                                                          : "combine of experts";
    measurement_compare(row, there, "dispatch_us",
                        exchange_microseconds(row, &call, group, kind, false));
    measurement_compare(row, back, "combine_us",
                        exchange_microseconds(row, &call, group, kind, true));
    if (notifies && measurement_has(row, "dispatch_notify_us")) {
        measurement_compare(row, "notice of a dispatch", "dispatch_notify_us", 1e6 * notify);
    }
}

const struct measurement_kind kind_experts_exchange = {
    .name = "experts-exchange",
    .doc = "DeepEP's dispatch (fp8) and combine (bf16) of tokens with experts on all GPUs",
    .columns = exchange_columns,
    .without_gpu = true,
    .cluster = true,
    .software = "pytorch-deepep",
    .predict = predict_exchange,
};

static const char *const block_columns[] = {"parallelism",
                                            "ranks",
                                            "tokens_per_rank",
                                            "hidden",
                                            "expert_hidden",
                                            "experts",
                                            "topk",
                                            "layers",
                                            "us_per_layer",
                                            "us_per_layer_nocomm",
                                            "us_dispatch_combine_alone",
                                            NULL};

static void predict_block(struct measurement *row)
{
    enum { EXPERT, TENSOR };
    static const struct measurement_choice choices[] = {{"ep", EXPERT}, {"tp", TENSOR}, {NULL, 0}};
    bool spread = measurement_choice(row, "parallelism", choices) == EXPERT;
    uint32_t ranks = (uint32_t)measurement_count(row, "ranks", 2, 1024);
    double layers = measurement_number(row, "layers", 1, 1e4);
    uint32_t experts = (uint32_t)measurement_count(row, "experts", 1, 65536);
    struct llm llm = {
        .name = "block",
        .hidden = (uint32_t)measurement_count(row, "hidden", 1, ROW_MOST),
        .vocabulary = 1,
        .stack = {.layers = 1,
                  .kind_count = 1,
                  .kinds = {{.name = "block",
                             .norms = 1,
                             .ffn = {.kind = FFN_EXPERTS,
                                     .hidden = (uint32_t)measurement_count(row, "expert_hidden", 1,
                                                                           ROW_MOST),
                                     .gated = true,
                                     .experts = {.count = experts,
                                                 .per_token = (uint32_t)measurement_count(
                                                     row, "topk", 1, experts)}}}}},
    };
    const struct number plain = {.format = FORMAT_BF16};
    struct stack_shape shape = {
        .llm = &llm,
        .precision = {.attention_weights = plain,
                      .ffn_weights = plain,
                      .embedding = plain,
                      .activations = FORMAT_BF16,
                      .kv_cache = FORMAT_BF16},
        .shards = 1,
        .tensor = spread ? 1 : ranks,
        .context = 1,
        .expert = spread ? ranks : 1,
        .attention_data = spread ? ranks : 1,
        .routing = ROUTING_BALANCED,
        .slice = {.phase = PHASE_PREFILL,
                  .sequences = 1,
                  .new_tokens = measurement_count(row, "tokens_per_rank", 1, ROW_MOST)},
        .part = STACK_BLOCK_ALONE,
    };
    row_group(row, "ranks", ranks, 0);
    if (row->wrong) {
        return;
    }
    measurement_compare(row, "block of experts without its exchange", "us_per_layer_nocomm",
                        1e6 * stack_price(row, &shape, layers, 0.0).seconds);
    shape.part = STACK_BLOCK;
    measurement_compare(row, "block of experts", "us_per_layer",
                        1e6 * stack_price(row, &shape, layers, 0.0).seconds);
    const char *name = spread ? "experts dispatch" : "ffn all-reduce";
    measurement_compare(row, "block of experts: exchange alone", "us_dispatch_combine_alone",
                        1e6 * stack_collective_seconds(row, &shape, name));
}

const struct measurement_kind kind_experts_block = {
    .name = "experts-block",
    .doc = "a block of experts on several GPUs, whole (ep) or cut (tp), in a CUDA graph",
    .columns = block_columns,
    .cluster = true,
    .software = "pytorch-experts",
    .predict = predict_block,
};
