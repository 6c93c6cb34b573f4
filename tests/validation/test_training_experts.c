/* SPDX-License-Identifier: MIT
 * Training steps of models with experts (training_experts.csv, each row with its source): our own
 * layers on four H200 (one rank has all experts, four share them, FSDP), which no constant was
 * fitted on, and Megatron-Bridge on 16 to 256 H100, whose one constant (megatron-bridge.yaml) was
 * fitted on its two Qwen3; gpt-oss as its recipe resolves (scripts/performance/dryrun_configs: all
 * to all, norms and activations computed again). Prints every row; errors must stay within what
 * docs/training.md says. */
#include "models/training/training_step.h"

#include "csv.h"
#include "platform_files.h"
#include "run_tests.h"
#include "sim/scenario/training_scratch.h"
#include "sim/scenario/training_setup.h"
#include "validation/errors.h"

static uint32_t count(const struct csv *csv, size_t row, const char *column)
{
    return (uint32_t)csv_number(csv, row, column);
}

static struct llm *load_llm(struct arena *arena, const char *name)
{
    struct llm *llm = ARENA_NEW(arena, struct llm);
    struct diagnostics *diagnostics = diagnostics_create();
    const char *path = arena_printf(arena, "%s/models/llm/%s.yaml", CPSIM_SOURCE_DIR, name);
    ck_assert_ptr_nonnull(data_file_load(arena, "model", path, llm, diagnostics));
    diagnostics_destroy(diagnostics);
    return llm;
}

/* Tokens per second and GPU. */
static double predict(const struct csv *csv, size_t row)
{
    struct arena *arena = arena_create();
    bool ours = csv_is(csv, row, "table", "h200x4");
    bool narrow = csv_is(csv, row, "precision", "fp8");
    struct number number = {.format = narrow ? FORMAT_FP8 : FORMAT_BF16,
                            .scaling = narrow ? SCALING_TENSOR : SCALING_NONE};
    struct precision precision = {.attention_weights = number,
                                  .ffn_weights = number,
                                  .embedding = {.format = FORMAT_BF16},
                                  .activations = FORMAT_BF16,
                                  .kv_cache = FORMAT_BF16};
    struct llm *llm = load_llm(arena, csv_text(csv, row, "model"));
    if (ours) { /* layers alone */
        llm->stack.layers = count(csv, row, "layers");
        llm->vocabulary = 1;
    }
    struct gpu *gpu = ARENA_NEW(arena, struct gpu);
    load_platform_file(arena, "gpu", "gpus", ours ? "h200-sxm" : "h100-sxm", gpu);
    uint32_t gpus = count(csv, row, "gpus"), virtual_stages = count(csv, row, "virtual");
    struct layout layout = {.tensor = count(csv, row, "tensor"),
                            .context = 1,
                            .pipeline = count(csv, row, "pipeline"),
                            .expert = count(csv, row, "expert")};
    layout.data = gpus / (layout.tensor * layout.pipeline);
    struct cluster *cluster = load_cluster(arena, ours ? "hgx-h200x4" : "dgx-h100");
    cluster->nodes = ours ? 1 : gpus / cluster->gpus_per_node;
    struct software *software =
        load_software(arena, ours ? "pytorch-training-bf16" : "megatron-bridge");
    if (csv_is(csv, row, "exchange", "all-to-all")) {
        software->exchange.prompts = EXCHANGE_ALL_TO_ALL;
    }
    struct training training = {
        .replica = {.llm = llm,
                    .gpu = gpu,
                    .cluster = cluster,
                    .software = software,
                    .layout = &layout,
                    .precision = &precision,
                    .exchange = software->exchange.prompts,
                    .splits_tokens = true},
        .global_batch = count(csv, row, "global_batch"),
        .micro_batch = count(csv, row, "micro_batch"),
        .sequence_tokens = count(csv, row, "sequence"),
        .schedule = virtual_stages > 1 ? &schedule_interleaved : &schedule_1f1b,
        .virtual_stages = virtual_stages,
        .sharding = ours ? (csv_is(csv, row, "sharding", "fsdp") ? SHARDING_FSDP : SHARDING_NONE)
                         : SHARDING_ZERO1,
        .recompute = csv_is(csv, row, "recompute", "cheap") ? RECOMPUTE_CHEAP : RECOMPUTE_NONE,
        .pipeline_outside = true,
        .sequence_parallel = layout.tensor > 1,
        .overlap = true,
        .tensor_overlap = layout.tensor > 1,
    };
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs;
    struct training_result result = training_step(&training, &scratch, &costs);
    /* Ours have no optimizer, and experts on four ranks no exchange of the other gradients. */
    double seconds = result.seconds - (ours ? costs.optimizer_seconds : 0.0) -
                     (ours && layout.expert > 1 ? result.exchange_seconds : 0.0);
    double rate = training_step_tokens(&training) / seconds / gpus;
    arena_destroy(arena);
    return rate;
}

START_TEST(steps)
{
    static struct errors ours, bridge, qwen, gpt_oss;
    struct csv *csv = csv_read("../training_experts");
    for (size_t row = 0; row < csv->row_count; row++) {
        double measured = csv_number(csv, row, "tokens_per_second_per_gpu");
        double predicted = predict(csv, row);
        bool is_ours = csv_is(csv, row, "table", "h200x4");
        errors_add(is_ours ? &ours : &bridge, predicted, measured);
        if (!is_ours && csv_is(csv, row, "fitted", "yes")) {
            errors_add(&qwen, predicted, measured);
        }
        if (!is_ours && csv_is(csv, row, "model", "gpt-oss-120b")) {
            errors_add(&gpt_oss, predicted, measured);
        }
        printf("%-7s %-16s %-5s %4s GPUs TP%s PP%s x%-2s EP%-2s %sx%-6s %-5s measured %8.0f "
               "simulated %8.0f  %+6.1f %%\n",
               csv_text(csv, row, "table"), csv_text(csv, row, "model"),
               csv_text(csv, row, "precision"), csv_text(csv, row, "gpus"),
               csv_text(csv, row, "tensor"), csv_text(csv, row, "pipeline"),
               csv_text(csv, row, "virtual"), csv_text(csv, row, "expert"),
               csv_text(csv, row, "micro_batch"), csv_text(csv, row, "sequence"),
               csv_text(csv, row, "sharding"), measured, predicted,
               100.0 * (predicted / measured - 1.0));
    }
    errors_judge(&ours, &(struct error_bound){.name = "four H200", .median = 0.10, .worst = 0.15});
    errors_judge(&qwen,
                 &(struct error_bound){.name = "Qwen3, fitted", .median = 0.05, .worst = 0.10});
    errors_judge(&gpt_oss,
                 &(struct error_bound){.name = "gpt-oss, counted", .median = 0.18, .worst = 0.21});
    /* A release without CUDA graphs is missed: docs/training.md. */
    errors_judge(&bridge, &(struct error_bound){.name = "Megatron-Bridge", .median = 0.10});
    free(csv);
}
END_TEST

/* DeepSeek-V3's report (arXiv 2412.19437, section 1): 180 thousand H800 hours a trillion tokens. No
 * constant was fitted on it; what the scenario leaves out is in docs/training.md. */
START_TEST(deepseek_v3_as_published)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(
        arena, CPSIM_SOURCE_DIR "/scenarios/train-deepseek-v3.yaml", NULL, 0, diagnostics);
    diagnostics_print(diagnostics, stderr);
    ck_assert_ptr_nonnull(scenario);
    struct training training = scenario_training(scenario);
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs;
    struct training_result result = training_step(&training, &scratch, &costs);
    double hours = 1e12 / result.tokens_per_second / 3600.0 * layout_gpus(&scenario->layout);
    static struct errors published;
    errors_add(&published, hours, 180e3);
    printf("DeepSeek-V3 on 2,048 H800: published 180000 GPU-hours a trillion tokens, simulated "
           "%.0f  %+.1f %%\n",
           hours, 100.0 * (hours / 180e3 - 1.0));
    errors_judge(&published,
                 &(struct error_bound){.name = "DeepSeek-V3", .median = 0.10, .worst = 0.10});
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(training_experts, steps, deepseek_v3_as_published)
