/* SPDX-License-Identifier: MIT
 * `vllm serve` (vllm/engine/arg_utils.py, 0.24). */
#include "sim/arguments/dialect.h"

#include <stdlib.h>
#include <string.h>

static const struct flag_word quantizations[] = {{"fp8", "fp8-tensor"},    {"awq", "w4a16"},
                                                 {"gptq", "w4a16"},        {"awq_marlin", "w4a16"},
                                                 {"gptq_marlin", "w4a16"}, {0}};
static const struct flag_word cache_formats[] = {{"fp8", "fp8"},           {"fp8_e4m3", "fp8"},
                                                 {"fp8_e5m2", "fp8-e5m2"}, {"auto", "bf16"},
                                                 {"bfloat16", "bf16"},     {0}};
static const struct flag_word formats[] = {
    {"bfloat16", "bf16"}, {"auto", "bf16"}, {"float16", "fp16"}, {"half", "fp16"}, {0}};
static const struct flag_word exchanges[] = {{"allgather_reducescatter", "all-gather"},
                                             {"deepep_high_throughput", "deepep"},
                                             {"deepep_low_latency", "deepep"},
                                             {"pplx", "pplx"},
                                             {0}};

/* No key of a scenario: taken away again when all flags are read. */
#define ENABLE_LORA "workload.service.adapters.enabled"

static const struct flag flags[] = {
    {.name = "--tensor-parallel-size", .others = "-tp", .key = "layout.tensor"},
    {.name = "--pipeline-parallel-size", .others = "-pp", .key = "layout.pipeline"},
    {.name = "--data-parallel-size", .others = "-dp", .key = "layout.data"},
    /* Both by export_experts(): with experts shared, data-parallel ranks are layout.attention_data.
     */
    {.name = "--enable-expert-parallel",
     .others = "-ep",
     .key = "layout.expert",
     .on = "true",
     .fixed = true},
    {.name = "--data-parallel-size", .key = "layout.attention_data", .fixed = true},
    {.name = "--max-num-seqs", .key = "workload.service.max_sequences"},
    {.name = "--max-num-batched-tokens",
     .key = "workload.service.max_batched_tokens",
     .unit = "tokens"},
    {.name = "--long-prefill-token-threshold",
     .key = "workload.service.long_prefill_threshold",
     .unit = "tokens"},
    {.name = "--block-size", .key = "workload.service.block", .unit = "tokens"},
    {.name = "--enable-prefix-caching", .key = "workload.service.prefix_cache", .on = "true"},
    {.name = "--no-enable-prefix-caching", .key = "workload.service.prefix_cache", .on = "false"},
    {.name = "--scheduler-reserve-full-isl",
     .key = "workload.service.reserve_prompt",
     .on = "true"},
    {.name = "--no-scheduler-reserve-full-isl",
     .key = "workload.service.reserve_prompt",
     .on = "false"},
    /* By import_adapters() and export_rest(). */
    {.name = "--enable-lora", .key = ENABLE_LORA, .on = "true", .fixed = true},
    {.name = "--max-loras", .key = "workload.service.adapters.max_adapters"},
    {.name = "--max-lora-rank", .key = "workload.service.adapters.max_rank"},
    {.name = "--max-cpu-loras", .key = "workload.service.adapters.host_adapters"},
    {.name = "--gpu-memory-utilization", .key = "memory.fraction"},
    {.name = "--max-model-len", .key = "model.context", .unit = "tokens"},
    {.name = "--quantization", .others = "-q", .key = "precision.preset", .words = quantizations},
    {.name = "--kv-cache-dtype", .key = "precision.kv_cache.format", .words = cache_formats},
    {.name = "--dtype", .key = "precision.activations", .words = formats},
    {.name = "--async-scheduling", .key = "software.schedules_ahead", .on = "true"},
    {.name = "--no-async-scheduling", .key = "software.schedules_ahead", .on = "false"},
    {.name = "--enforce-eager", .key = "software.decode_graph", .on = "false"},
    {.name = "--enforce-eager", .key = "software.prefill_graph", .fixed = true},
    {.name = "--enforce-eager", .key = "software.piecewise_tokens", .fixed = true},
    {.name = "--all2all-backend", .key = "software.exchange", .words = exchanges, .fixed = true},
    {0}};

static const char *const inert[] = {"--host",
                                    "--port",
                                    "--served-model-name",
                                    "--tokenizer",
                                    "--tokenizer-mode",
                                    "--download-dir",
                                    "--load-format",
                                    "--api-key",
                                    "--uvicorn-log-level",
                                    "--chat-template",
                                    "--tool-call-parser",
                                    "--reasoning-parser",
                                    "--seed",
                                    "--revision",
                                    "--generation-config",
                                    "--override-generation-config",
                                    "--scheduler-cls",
                                    "--distributed-executor-backend",
                                    "--api-server-count",
                                    NULL};
static const char *const inert_switches[] = {
    "--trust-remote-code",       "--disable-log-requests",   "--no-enable-log-requests",
    "--enable-log-requests",     "--disable-log-stats",      "--disable-uvicorn-access-log",
    "--enable-auto-tool-choice", "--enable-chunked-prefill", NULL};

static void import_layout(struct import *import)
{
    uint32_t data = import_count(import, "layout.data", 1);
    if (import_get(import, "layout.expert")[0] != '\0') {
        uint32_t tensor = import_count(import, "layout.tensor", 1);
        import_take(import, "layout.data");
        if (data > 1) {
            import_put(import, "layout.attention_data", arena_printf(import->arena, "%u", data));
        }
        import_put(import, "layout.expert", arena_printf(import->arena, "%u", tensor * data));
    }
    import->gpus = data * import_count(import, "layout.tensor", 1) *
                   import_count(import, "layout.pipeline", 1);
}

/* --enable-lora alone means --max-loras 1. */
static void import_adapters(struct import *import)
{
    const char *most = "workload.service.adapters.max_adapters";
    if (import_get(import, ENABLE_LORA)[0] != '\0') {
        import_take(import, ENABLE_LORA);
        import_put(import, most, arena_printf(import->arena, "%u", import_count(import, most, 1)));
    }
}

static void import_rest(struct import *import)
{
    import_adapters(import);
    enum { GPUS_OF_A_NODE = 8 };
    import_layout(import);
    if (strcmp(import_get(import, "software.decode_graph"), "false") == 0) {
        import_put(import, "software.prefill_graph", "false");
        import_put(import, "software.piecewise_tokens", "0 tokens");
    }
    uint32_t nodes = (import->gpus + GPUS_OF_A_NODE - 1) / GPUS_OF_A_NODE;
    import_put(import, "cluster.nodes", arena_printf(import->arena, "%u", nodes < 1 ? 1 : nodes));
    import_put_load(import);
}

static void export_experts(struct export *export)
{
    const struct layout *layout = &export->resolved->scenario->layout;
    if (layout->expert > 1) {
        if (layout->expert == layout->tensor * layout->attention_data) {
            export_flag(export, &dialect_vllm, "--enable-expert-parallel", NULL);
        } else {
            export_lose(export, "layout.expert: %u; vLLM shares experts by all %u ranks or none",
                        layout->expert, layout->tensor * layout->attention_data);
        }
    }
    if (layout->attention_data > 1 && layout->data > 1) {
        export_lose(export, "layout.data: %u servers of this kind", layout->data);
    }
    if (layout->attention_data > 1) {
        export_flag(export, &dialect_vllm, "--data-parallel-size",
                    arena_printf(export->arena, "%u", layout->attention_data));
    }
}

static void export_rest(struct export *export)
{
    export_experts(export);
    if (export->resolved->scenario->serving.service.adapters.max_adapters > 0) {
        export_flag(export, &dialect_vllm, "--enable-lora", NULL);
    }
}

const struct dialect dialect_vllm = {.name = "vllm",
                                     .command = "vllm serve",
                                     .doc = "vllm serve",
                                     .workload = "serving",
                                     .software = "vllm",
                                     .flags = flags,
                                     .inert = inert,
                                     .inert_switches = inert_switches,
                                     .import = import_rest,
                                     .export = export_rest};
