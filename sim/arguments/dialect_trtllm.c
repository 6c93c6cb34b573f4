/* SPDX-License-Identifier: MIT
 * `trtllm-serve` (tensorrt_llm/commands/serve.py). */
#include "sim/arguments/dialect.h"

static const struct flag_word cache_formats[] = {
    {"fp8", "fp8"}, {"auto", "bf16"}, {"bfloat16", "bf16"}, {0}};

static const struct flag flags[] = {
    {.name = "--tp_size", .others = "--tensor-parallel-size", .key = "layout.tensor"},
    {.name = "--pp_size", .others = "--pipeline-parallel-size", .key = "layout.pipeline"},
    {.name = "--ep_size", .others = "--moe-expert-parallel-size", .key = "layout.expert"},
    {.name = "--max_batch_size", .key = "workload.service.max_sequences"},
    {.name = "--max_num_tokens", .key = "workload.service.max_batched_tokens", .unit = "tokens"},
    {.name = "--max_seq_len", .key = "model.context", .unit = "tokens"},
    {.name = "--kv_cache_free_gpu_memory_fraction",
     .others = "--free_gpu_memory_fraction",
     .key = "memory.free_fraction"},
    {.name = "--kv_cache_dtype", .key = "precision.kv_cache.format", .words = cache_formats},
    {0}};

static const char *const inert[] = {"--host",      "--port",      "--backend",
                                    "--tokenizer", "--log_level", "--metadata_server_config_file",
                                    NULL};
static const char *const inert_switches[] = {"--trust_remote_code", NULL};

static void import_rest(struct import *import)
{
    enum { GPUS_OF_A_NODE = 8 };
    uint32_t gpus =
        import_count(import, "layout.tensor", 1) * import_count(import, "layout.pipeline", 1);
    uint32_t nodes = (gpus + GPUS_OF_A_NODE - 1) / GPUS_OF_A_NODE;
    import_put(import, "cluster.nodes", arena_printf(import->arena, "%u", nodes));
    import_put_load(import);
}

const struct dialect dialect_trtllm = {.name = "trtllm",
                                       .command = "trtllm-serve serve",
                                       .doc = "trtllm-serve",
                                       .workload = "serving",
                                       .software = "tensorrt-llm",
                                       .flags = flags,
                                       .inert = inert,
                                       .inert_switches = inert_switches,
                                       .import = import_rest};
