/* SPDX-License-Identifier: MIT
 * Megatron-LM's pretrain_gpt.py (megatron/training/arguments.py). The model is its sizes; how many
 * replicas there are follows from the GPUs that torchrun starts. */
#include "sim/arguments/dialect.h"

#include <stdlib.h>
#include <string.h>

enum { GPUS_OF_A_NODE = 8 };

static const struct flag_word recomputes[] = {
    {"full", "full"}, {"selective", "core-attention"}, {0}};
static const struct flag_word exchanges[] = {{"p2p", "ring"}, {"all_gather", "all-gather"}, {0}};
static const struct flag_word formats[] = {
    {"hybrid", "transformer-engine"}, {"e4m3", "transformer-engine"}, {0}};

static const struct flag flags[] = {
    {.name = "--num-layers", .key = "model.layers"},
    {.name = "--hidden-size", .key = "model.hidden"},
    {.name = "--ffn-hidden-size", .key = "model.ffn_hidden"},
    {.name = "--num-attention-heads", .key = "model.query_heads"},
    {.name = "--num-query-groups", .key = "model.kv_heads"},
    {.name = "--kv-channels", .key = "model.head_size"},
    {.name = "--vocab-size", .others = "--padded-vocab-size", .key = "model.vocabulary"},
    {.name = "--swiglu", .key = "model.gated_ffn", .on = "true", .absent = "false"},
    {.name = "--untie-embeddings-and-output-weights",
     .key = "model.tied_embedding",
     .on = "false",
     .absent = "true"},
    {.name = "--num-experts", .key = "model.experts", .absent = "0"},
    {.name = "--moe-router-topk", .key = "model.experts_per_token", .absent = "0"},
    {.name = "--moe-shared-expert-intermediate-size",
     .key = "model.shared_ffn_hidden",
     .absent = "0"},
    {.name = "--moe-ffn-hidden-size", .key = "moe_ffn_hidden", .fixed = true},
    {.name = "--tensor-model-parallel-size", .key = "layout.tensor"},
    {.name = "--pipeline-model-parallel-size", .key = "layout.pipeline"},
    {.name = "--context-parallel-size", .key = "layout.context"},
    {.name = "--expert-model-parallel-size", .key = "layout.expert"},
    {.name = "--nproc-per-node",
     .others = "--nproc_per_node",
     .key = "gpus_per_node",
     .fixed = true},
    {.name = "--nnodes", .key = "gpu_nodes", .fixed = true},
    {.name = "--nnodes", .key = "layout.data", .fixed = true}, /* what they leave for replicas */
    {.name = "--use-tp-pp-dp-mapping",
     .key = "workload.stages_outside",
     .on = "false",
     .absent = "true"},
    {.name = "--micro-batch-size", .key = "workload.micro_batch", .always = true},
    {.name = "--global-batch-size", .key = "workload.global_batch"},
    {.name = "--seq-length", .key = "workload.sequence", .unit = "tokens", .always = true},
    {.name = "--num-virtual-stages-per-pipeline-rank", .key = "workload.virtual_stages"},
    {.name = "--num-layers-per-virtual-pipeline-stage", .key = "virtual_layers", .fixed = true},
    {.name = "--num-virtual-stages-per-pipeline-rank",
     .key = "workload.schedule.kind",
     .fixed = true},
    {.name = "--microbatch-group-size-per-virtual-pipeline-stage",
     .key = "workload.microbatch_group"},
    {.name = "--recompute-granularity",
     .key = "workload.recompute",
     .words = recomputes,
     .absent = "none"},
    {.name = "--recompute-activations",
     .key = "workload.recompute",
     .on = "core-attention",
     .fixed = true},
    {.name = "--hidden-dropout", .key = "workload.dropout", .absent = "0.1"},
    {.name = "--sequence-parallel",
     .key = "workload.sequence_parallel",
     .on = "true",
     .absent = "false"},
    {.name = "--use-distributed-optimizer",
     .key = "workload.sharding",
     .on = "zero1",
     .absent = "none"},
    {.name = "--use-megatron-fsdp",
     .others = "--use-torch-fsdp2",
     .key = "workload.sharding",
     .on = "fsdp"},
    {.name = "--overlap-grad-reduce", .key = "workload.overlap", .on = "true", .absent = "false"},
    {.name = "--tp-comm-overlap",
     .key = "workload.tensor_overlap",
     .on = "true",
     .absent = "false"},
    {.name = "--cp-comm-type", .key = "workload.context_exchange", .words = exchanges},
    {.name = "--fp8-format", .key = "precision.preset", .words = formats},
    {0}};

static const char *const inert[] = {"--attention-dropout",
                                    "--lr",
                                    "--min-lr",
                                    "--lr-decay-style",
                                    "--lr-decay-iters",
                                    "--lr-decay-samples",
                                    "--lr-warmup-iters",
                                    "--lr-warmup-samples",
                                    "--lr-warmup-fraction",
                                    "--weight-decay",
                                    "--adam-beta1",
                                    "--adam-beta2",
                                    "--clip-grad",
                                    "--init-method-std",
                                    "--data-path",
                                    "--split",
                                    "--tokenizer-type",
                                    "--tokenizer-model",
                                    "--vocab-file",
                                    "--merge-file",
                                    "--save",
                                    "--load",
                                    "--save-interval",
                                    "--eval-interval",
                                    "--eval-iters",
                                    "--log-interval",
                                    "--tensorboard-dir",
                                    "--distributed-backend",
                                    "--distributed-timeout-minutes",
                                    "--seed",
                                    "--norm-epsilon",
                                    "--rotary-base",
                                    "--rotary-percent",
                                    "--position-embedding-type",
                                    "--normalization",
                                    "--train-iters",
                                    "--train-samples",
                                    "--max-position-embeddings",
                                    "--make-vocab-size-divisible-by",
                                    "--transformer-impl",
                                    "--moe-router-load-balancing-type",
                                    "--moe-aux-loss-coeff",
                                    "--num-workers",
                                    "--master-addr",
                                    "--master-port",
                                    "--node-rank",
                                    "--rdzv-endpoint",
                                    "--rdzv-backend",
                                    NULL};
static const char *const inert_switches[] = {"--use-mcore-models",
                                             "--disable-bias-linear",
                                             "--no-masked-softmax-fusion",
                                             "--no-position-embedding",
                                             "--use-flash-attn",
                                             "--use-rotary-position-embeddings",
                                             "--attention-softmax-in-fp32",
                                             "--bf16",
                                             "--overlap-param-gather",
                                             "--group-query-attention",
                                             "--moe-grouped-gemm",
                                             "--accumulate-allreduce-grads-in-fp32",
                                             "--log-throughput",
                                             "--no-load-optim",
                                             "--no-load-rng",
                                             "--mock-data",
                                             NULL};

/* What Megatron works out of sizes that are not said. */
static void import_model(struct import *import)
{
    uint32_t hidden = import_count(import, "model.hidden", 0);
    uint32_t heads = import_count(import, "model.query_heads", 0);
    bool gated = strcmp(import_get(import, "model.gated_ffn"), "true") == 0;
    if (import_get(import, "model.kv_heads")[0] == '\0' && heads > 0) {
        import_put(import, "model.kv_heads", arena_printf(import->arena, "%u", heads));
    }
    if (import_get(import, "model.head_size")[0] == '\0' && heads > 0) {
        import_put(import, "model.head_size", arena_printf(import->arena, "%u", hidden / heads));
    }
    if (import_get(import, "model.ffn_hidden")[0] == '\0' && hidden > 0) {
        /* 4 hidden, or two thirds of it in whole 64s for SwiGLU (arguments.py). */
        uint32_t ffn = gated ? (uint32_t)(4.0 * hidden * 2.0 / 3.0) / 64 * 64 : 4 * hidden;
        import_put(import, "model.ffn_hidden", arena_printf(import->arena, "%u", ffn));
    }
    const char *experts = import_get(import, "moe_ffn_hidden");
    if (experts[0] != '\0') {
        import_put(import, "model.ffn_hidden", experts);
        import_take(import, "moe_ffn_hidden");
    }
    if (import_get(import, "model.vocabulary")[0] == '\0') {
        import_put(import, "model.vocabulary", "128256");
        import_lose(import,
                    "model.vocabulary: its tokeniser's, which is in no argument; here 128256");
    }
    import_put(import, "model.title", "Of Megatron's arguments");
}

static void import_pipeline(struct import *import)
{
    uint32_t layers = import_count(import, "model.layers", 0);
    uint32_t stages = import_count(import, "layout.pipeline", 1);
    uint32_t part = import_count(import, "virtual_layers", 0);
    import_take(import, "virtual_layers");
    if (part > 0 && layers % (stages * part) == 0) {
        import_put(import, "workload.virtual_stages",
                   arena_printf(import->arena, "%u", layers / (stages * part)));
    }
    if (import_count(import, "workload.virtual_stages", 1) > 1) {
        import_put(import, "workload.schedule.kind", "interleaved");
    }
}

static void import_rest(struct import *import)
{
    uint32_t of_replica = import_count(import, "layout.tensor", 1) *
                          import_count(import, "layout.pipeline", 1) *
                          import_count(import, "layout.context", 1);
    uint32_t in_node = import_count(import, "gpus_per_node", GPUS_OF_A_NODE);
    uint32_t nodes = import_count(import, "gpu_nodes", 0);
    uint32_t world = nodes * in_node;
    import_take(import, "gpus_per_node");
    import_take(import, "gpu_nodes");
    if (world == 0) {
        world = of_replica;
        import_lose(import, "layout.data: GPUs over those of a replica; torchrun's --nnodes and "
                            "--nproc-per-node say how many there are. Here one replica");
    }
    uint32_t replicas = world / of_replica < 1 ? 1 : world / of_replica;
    import_model(import);
    import_pipeline(import);
    if (import_count(import, "layout.pipeline", 1) == 1) {
        import_take(import, "workload.stages_outside");
    }
    import_put(import, "layout.data", arena_printf(import->arena, "%u", replicas));
    uint32_t gpus = replicas * of_replica;
    import_put(import, "cluster.nodes",
               arena_printf(import->arena, "%u", (gpus + GPUS_OF_A_NODE - 1) / GPUS_OF_A_NODE));
    import_lose(import, "what is in no argument and stands here as an example: cluster");
}

static void export_rest(struct export *export)
{
    export_flag(export, &dialect_megatron, "--bf16", NULL);
    if (export->resolved->scenario->llm.stack.kind_count > 1) {
        export_lose(export, "model: layers of several kinds; the sizes above are of none of them");
    }
    const struct node *queries = export_find(export, "model.query_heads");
    const struct node *keys = export_find(export, "model.kv_heads");
    if (queries != NULL && keys != NULL && strcmp(queries->text, keys->text) != 0) {
        export_flag(export, &dialect_megatron, "--group-query-attention", NULL);
    }
}

const struct dialect dialect_megatron = {.name = "megatron",
                                         .command = "torchrun",
                                         .program = "pretrain_gpt.py",
                                         .doc = "Megatron-LM",
                                         .workload = "training",
                                         .software = "megatron",
                                         .sizes = true,
                                         .model_flag = "--num-layers 32 --hidden-size 4096",
                                         .flags = flags,
                                         .inert = inert,
                                         .inert_switches = inert_switches,
                                         .import = import_rest,
                                         .export = export_rest};
