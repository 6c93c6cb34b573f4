/* SPDX-License-Identifier: MIT
 * SGLang's server (python/sglang/srt/server_args.py, 0.5). With --enable-dp-attention, --tp-size
 * counts all GPUs of a replica, and each of --dp-size parts of them has requests of its own. */
#include "sim/arguments/dialect.h"

static const struct flag_word quantizations[] = {
    {"fp8", "fp8-tensor"}, {"w8a8_fp8", "fp8"}, {"awq", "w4a16"}, {"gptq", "w4a16"}, {0}};
static const struct flag_word cache_formats[] = {
    {"fp8_e4m3", "fp8"}, {"fp8_e5m2", "fp8-e5m2"}, {"auto", "bf16"}, {0}};
static const struct flag_word orders[] = {
    {"fcfs", "fcfs"}, {"lpm", "lpm"}, {"dfs-weight", "dfs-weight"}, {"lof", "lof"}, {0}};

static const struct flag flags[] = {
    {.name = "--model-path", .others = "--model", .key = "model", .fixed = true},
    /* Both by export_rest(). */
    {.name = "--tp-size",
     .others = "--tp --tensor-parallel-size",
     .key = "layout.tensor",
     .fixed = true},
    {.name = "--dp-size",
     .others = "--dp --data-parallel-size",
     .key = "layout.data",
     .fixed = true},
    {.name = "--enable-dp-attention", .key = "layout.attention_data", .on = "true", .fixed = true},
    {.name = "--pp-size", .others = "--pipeline-parallel-size", .key = "layout.pipeline"},
    {.name = "--ep-size", .others = "--ep --expert-parallel-size", .key = "layout.expert"},
    {.name = "--max-running-requests", .key = "workload.service.max_sequences"},
    {.name = "--chunked-prefill-size",
     .key = "workload.service.max_batched_tokens",
     .unit = "tokens"},
    {.name = "--max-prefill-tokens",
     .key = "workload.service.max_prefill_tokens",
     .unit = "tokens"},
    {.name = "--page-size", .key = "workload.service.block", .unit = "tokens"},
    {.name = "--schedule-policy", .key = "workload.service.order", .words = orders},
    {.name = "--schedule-conservativeness", .key = "workload.service.conservativeness"},
    {.name = "--enable-mixed-chunk", .key = "workload.service.mixed_chunk", .on = "true"},
    {.name = "--disable-radix-cache", .key = "workload.service.prefix_cache", .on = "false"},
    {.name = "--mem-fraction-static", .key = "memory.static_fraction"},
    {.name = "--context-length", .key = "model.context", .unit = "tokens"},
    {.name = "--quantization", .key = "precision.preset", .words = quantizations},
    {.name = "--kv-cache-dtype", .key = "precision.kv_cache.format", .words = cache_formats},
    {.name = "--disable-overlap-schedule", .key = "software.schedules_ahead", .on = "false"},
    {0}};

static const char *const inert[] = {"-m",
                                    "--host",
                                    "--port",
                                    "--served-model-name",
                                    "--tokenizer-path",
                                    "--api-key",
                                    "--log-level",
                                    "--load-format",
                                    "--chat-template",
                                    "--tool-call-parser",
                                    "--reasoning-parser",
                                    "--random-seed",
                                    "--download-dir",
                                    "--nnodes",
                                    "--node-rank",
                                    "--dist-init-addr",
                                    NULL};
static const char *const inert_switches[] = {"--trust-remote-code", "--enable-metrics",
                                             "--skip-server-warmup", NULL};

static void import_rest(struct import *import)
{
    enum { GPUS_OF_A_NODE = 8 };
    uint32_t tensor = import_count(import, "layout.tensor", 1);
    uint32_t data = import_count(import, "layout.data", 1);
    uint32_t gpus = tensor * import_count(import, "layout.pipeline", 1);
    if (import_get(import, "layout.attention_data")[0] != '\0') {
        bool divides = tensor % data == 0;
        import_put(import, "layout.attention_data", arena_printf(import->arena, "%u", data));
        import_put(import, "layout.tensor",
                   arena_printf(import->arena, "%u", divides ? tensor / data : 1));
        import_take(import, "layout.data");
    } else {
        gpus *= data;
    }
    uint32_t nodes = (gpus + GPUS_OF_A_NODE - 1) / GPUS_OF_A_NODE;
    import_put(import, "cluster.nodes", arena_printf(import->arena, "%u", nodes));
    import_put_load(import);
}

static void export_number(struct export *export, const char *name, uint32_t value)
{
    if (value > 1) {
        export_flag(export, &dialect_sglang, name, arena_printf(export->arena, "%u", value));
    }
}

static void export_rest(struct export *export)
{
    const struct layout *layout = &export->resolved->scenario->layout;
    export_flag(export, &dialect_sglang, "--model-path", export_model(export));
    export_number(export, "--tp-size", layout->tensor * layout->attention_data);
    if (layout->attention_data > 1) {
        export_flag(export, &dialect_sglang, "--enable-dp-attention", NULL);
        export_number(export, "--dp-size", layout->attention_data);
        if (layout->data > 1) {
            export_lose(export, "layout.data: %u servers of this kind", layout->data);
        }
    } else {
        export_number(export, "--dp-size", layout->data);
    }
}

const struct dialect dialect_sglang = {.name = "sglang",
                                       .command = "python3 -m sglang.launch_server",
                                       .doc = "sglang.launch_server",
                                       .workload = "serving",
                                       .software = "sglang",
                                       .model_flag = "--model-path meta-llama/Llama-3.1-8B",
                                       .flags = flags,
                                       .inert = inert,
                                       .inert_switches = inert_switches,
                                       .import = import_rest,
                                       .export = export_rest};
