/* SPDX-License-Identifier: MIT
 * `aiconfigurator cli default` (github.com/ai-dynamo/aiconfigurator, docs/cli_user_guide.md): a
 * question, not a server: so many GPUs, lengths and targets; which layout is best is what it finds.
 */
#include "sim/arguments/dialect.h"

#include <string.h>

/* What is read and then told apart in import_rest(). */
#define TOTAL_GPUS "workload.total_gpus"
/* Its defaults of --isl and --osl. */
#define USUAL_PROMPT "4000"
#define USUAL_OUTPUT "1000"

static const struct flag_word systems[] = {{"h100_sxm", "dgx-h100"},
                                           {"h200_sxm", "hgx-h200"},
                                           {"a100_sxm", "dgx-a100"},
                                           {"b200_sxm", "dgx-b200"},
                                           {"gb200_sxm", "gb200-nvl72"},
                                           {"l40s", "l40s-8"},
                                           {0}};

static const struct flag_word backends[] = {
    {"trtllm", "tensorrt-llm"}, {"vllm", "vllm"}, {"sglang", "sglang"}, {0}};

/* Names of its own for models, of versions before --model-path. */
static const struct flag_word models[] = {{"LLAMA2_7B", "llama2-7b"},
                                          {"LLAMA2_13B", "llama2-13b"},
                                          {"LLAMA2_70B", "llama2-70b"},
                                          {"LLAMA3.1_8B", "llama3.1-8b"},
                                          {"LLAMA3.1_70B", "llama3.1-70b"},
                                          {"LLAMA3.1_405B", "llama3.1-405b"},
                                          {"MOE_Mixtral8x7B", "mixtral-8x7b"},
                                          {"MOE_Mixtral8x22B", "mixtral-8x22b"},
                                          {"DEEPSEEK_V3", "deepseek-v3"},
                                          {"KIMI_K2", "kimi-k2"},
                                          {"QWEN2.5_7B", "qwen2.5-7b"},
                                          {"QWEN2.5_32B", "qwen2.5-32b"},
                                          {"QWEN2.5_72B", "qwen2.5-72b"},
                                          {"QWEN3_8B", "qwen3-8b"},
                                          {"QWEN3_32B", "qwen3-32b"},
                                          {"QWEN3_235B", "qwen3-235b-a22b"},
                                          {"QWEN3_480B", "qwen3-coder-480b"},
                                          {"QWEN3_30B_A3B", "qwen3-30b-a3b"},
                                          {0}};

static const struct flag flags[] = {
    {.name = "--model", .others = "--model-path --hf-id --hf_id", .key = "model"},
    {.name = "--total_gpus", .key = TOTAL_GPUS},
    {.name = "--system", .key = "cluster", .words = systems},
    {.name = "--backend", .key = "software", .words = backends},
    {.name = "--isl",
     .key = "workload.lengths.prompt.tokens",
     .unit = "tokens",
     .absent = USUAL_PROMPT " tokens",
     .fixed = true},
    {.name = "--osl",
     .key = "workload.lengths.output.tokens",
     .unit = "tokens",
     .absent = USUAL_OUTPUT " tokens",
     .fixed = true},
    {.name = "--ttft", .key = "workload.slo.ttft", .unit = "ms", .fixed = true},
    {.name = "--tpot", .key = "workload.slo.tpot", .unit = "ms", .fixed = true},
    {0}};

static const char *const inert[] = {"--save_dir", "--top_n", "--log_level", NULL};
static const char *const inert_switches[] = {"--debug", NULL};

static void import_rest(struct import *import)
{
    enum { GPUS_OF_A_NODE = 8, CLIENTS_OF_A_REPLICA = 16 };
    uint32_t gpus = import_count(import, TOTAL_GPUS, GPUS_OF_A_NODE), tensor = GPUS_OF_A_NODE;
    while (gpus % tensor != 0) {
        tensor /= 2;
    }
    import_take(import, TOTAL_GPUS);
    for (const struct flag_word *word = models; word->theirs != NULL; word++) {
        if (strcmp(word->theirs, import_get(import, "model")) == 0) {
            import_put(import, "model", word->ours);
            break;
        }
    }
    import_put(import, "layout.tensor", arena_printf(import->arena, "%u", tensor));
    import_put(import, "layout.data", arena_printf(import->arena, "%u", gpus / tensor));
    import_put(import, "cluster.nodes",
               arena_printf(import->arena, "%u", (gpus + GPUS_OF_A_NODE - 1) / GPUS_OF_A_NODE));
    import_put(import, "workload.lengths.prompt.kind", "fixed");
    import_put(import, "workload.lengths.output.kind", "fixed");
    import_put(import, "workload.arrivals.kind", "closed-loop");
    import_put(import, "workload.arrivals.clients",
               arena_printf(import->arena, "%u", gpus / tensor * CLIENTS_OF_A_REPLICA));
    import_lose(import, "what it looks for and stands here as an example: layout, "
                        "workload.arrivals; cpsim plan finds them (docs/sweeps.md)");
}

static const char *theirs_of(const struct flag_word *word, const char *ours)
{
    while (word->theirs != NULL && strcmp(word->ours, ours) != 0) {
        word++;
    }
    return word->theirs;
}

/* Tokens on average; 0: a file has them, or classes do. */
static double mean_of(enum length_kind kind, const struct length *length)
{
    switch (kind) {
    case LENGTH_FIXED:
        return (double)length->tokens;
    case LENGTH_UNIFORM:
        return 0.5 * ((double)length->least + (double)length->most);
    case LENGTH_EXPONENTIAL:
    case LENGTH_LOGNORMAL:
        return length->mean;
    case LENGTH_EMPIRICAL:
    case LENGTH_KIND_COUNT:
        break;
    }
    return 0.0;
}

static void export_lengths(struct export *export, const struct serving *serving)
{
    const struct request_class *every = &serving->every;
    double prompt = mean_of(every->prompt_kind, &every->prompt);
    double output = mean_of(every->output_kind, &every->output);
    bool known =
        prompt > 0.0 && output > 0.0 && serving->class_count == 0 && !class_reads_requests(every);
    export_flag(export, &dialect_aiconfigurator, "--isl",
                known ? arena_printf(export->arena, "%.0f", prompt) : USUAL_PROMPT);
    export_flag(export, &dialect_aiconfigurator, "--osl",
                known ? arena_printf(export->arena, "%.0f", output) : USUAL_OUTPUT);
    bool fixed = every->prompt_kind == LENGTH_FIXED && every->output_kind == LENGTH_FIXED;
    if (!known || !fixed) {
        export_lose(export, "lengths: it has one of each; %s",
                    known ? "their means are asked" : "its own stand here");
    }
}

static void export_rest(struct export *export)
{
    const struct scenario *scenario = export->resolved->scenario;
    export_flag(export, &dialect_aiconfigurator, "--model", export_model(export));
    export_flag(export, &dialect_aiconfigurator, "--total_gpus",
                arena_printf(export->arena, "%u", layout_gpus(&scenario->layout)));
    const struct request_class *every = &scenario->serving.every;
    const char *system = theirs_of(systems, scenario->cluster.name);
    export_lengths(export, &scenario->serving);
    const char *backend = theirs_of(backends, scenario->software.name);
    if (system != NULL) {
        export_flag(export, &dialect_aiconfigurator, "--system", system);
    } else {
        export_lose(export, "cluster: %s", scenario->cluster.name);
    }
    if (backend != NULL) {
        export_flag(export, &dialect_aiconfigurator, "--backend", backend);
    }
    if (every->slo_ttft_seconds > 0.0) {
        export_flag(export, &dialect_aiconfigurator, "--ttft",
                    arena_printf(export->arena, "%.15g", 1e3 * every->slo_ttft_seconds));
    }
    if (every->slo_tpot_seconds > 0.0) {
        export_flag(export, &dialect_aiconfigurator, "--tpot",
                    arena_printf(export->arena, "%.15g", 1e3 * every->slo_tpot_seconds));
    }
    export_lose(export, "layout, workload.arrivals: it finds these itself");
}

const struct dialect dialect_aiconfigurator = {.name = "aiconfigurator",
                                               .command = "aiconfigurator cli default",
                                               .doc = "aiconfigurator",
                                               .workload = "serving",
                                               .software = "tensorrt-llm",
                                               .model_flag = "--model QWEN3_32B --total_gpus 32",
                                               .flags = flags,
                                               .inert = inert,
                                               .inert_switches = inert_switches,
                                               .import = import_rest,
                                               .export = export_rest};
