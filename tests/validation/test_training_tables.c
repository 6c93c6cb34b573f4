/* SPDX-License-Identifier: MIT
 * Training steps against published tables (training.csv, each row with its source): every row is
 * predicted from its layout and the files of models/ and platforms/ alone. Prints every row; the
 * errors of each table must stay within what docs/training.md says of it. */
#include "models/training_step.h"

#include "csv.h"
#include "platform_files.h"
#include "run_tests.h"
#include "sim/training/training_scratch.h"
#include "validation/errors.h"

#include <math.h>

static uint32_t count(const struct csv *csv, size_t row, const char *column)
{
    return (uint32_t)csv_number(csv, row, column);
}

static struct precision precision_of(const char *name)
{
    bool narrow = strncmp(name, "fp8", 3) == 0;
    struct number number = {.format = narrow ? FORMAT_FP8 : FORMAT_BF16,
                            .scaling = !narrow                    ? SCALING_NONE
                                       : strcmp(name, "fp8") == 0 ? SCALING_TENSOR
                                                                  : SCALING_ROW};
    return (struct precision){.attention_weights = number,
                              .ffn_weights = number,
                              .embedding = {.format = FORMAT_BF16},
                              .activations = FORMAT_BF16,
                              .kv_cache = FORMAT_BF16};
}

/* What each table was measured with. */
struct bench {
    const char *table, *gpu, *cluster, *software;
};
static const struct bench benches[] = {
    {"dgxc", "h100-sxm", "dgx-h100", "megatron"},
    {"nemo", "h100-sxm", "dgx-h100", "megatron-2407"},
    {"torchtitan", "h100-hbm2e-500w", "gtt", "torchtitan"},
};

static const struct bench *bench_of(const char *table)
{
    size_t i = 0;
    while (strncmp(benches[i].table, table, strlen(benches[i].table)) != 0) {
        ck_assert_uint_lt(++i, sizeof benches / sizeof *benches);
    }
    return &benches[i];
}

/* Predicted tokens per second and GPU. */
static double predict(const struct csv *csv, size_t row)
{
    struct arena *arena = arena_create();
    const struct bench *bench = bench_of(csv_text(csv, row, "table"));
    bool titan = strcmp(bench->table, "torchtitan") == 0;
    const char *options = csv_text(csv, row, "options");
    struct llm *llm = ARENA_NEW(arena, struct llm);
    struct gpu *gpu = ARENA_NEW(arena, struct gpu);
    const char *path =
        arena_printf(arena, "%s/models/llm/%s.yaml", CPSIM_SOURCE_DIR, csv_text(csv, row, "model"));
    struct diagnostics *diagnostics = diagnostics_create();
    ck_assert_ptr_nonnull(data_file_load(arena, "model", path, llm, diagnostics));
    diagnostics_destroy(diagnostics);
    load_platform_file(arena, "gpu", "gpus", bench->gpu, gpu);
    struct cluster *cluster = load_cluster(arena, bench->cluster);
    const char *software = bench->software;
    if (strstr(options, "eager") != NULL) {
        software = "torchtitan-eager";
    }
    struct precision precision = precision_of(csv_text(csv, row, "precision"));
    struct layout layout = {.tensor = count(csv, row, "tensor"),
                            .context = count(csv, row, "context"),
                            .pipeline = count(csv, row, "pipeline")};
    uint32_t gpus = count(csv, row, "gpus");
    layout.data = gpus / (layout.tensor * layout.context * layout.pipeline);
    cluster->nodes = gpus / cluster->gpus_per_node;
    uint32_t virtual_stages = count(csv, row, "virtual");
    bool full = csv_is(csv, row, "recompute", "full");
    bool selective = csv_is(csv, row, "recompute", "selective");
    struct training training = {
        .replica = {.llm = llm,
                    .gpu = gpu,
                    .cluster = cluster,
                    .software = load_software(arena, software),
                    .layout = &layout,
                    .precision = &precision},
        .global_batch = count(csv, row, "global_batch"),
        .micro_batch = count(csv, row, "micro_batch"),
        .sequence_tokens = count(csv, row, "sequence"),
        .schedule = virtual_stages > 1 ? &schedule_interleaved : &schedule_1f1b,
        .virtual_stages = virtual_stages,
        .recompute = full        ? RECOMPUTE_FULL
                     : selective ? RECOMPUTE_SELECTIVE
                                 : RECOMPUTE_NONE,
        .sharding = titan ? SHARDING_FSDP : SHARDING_ZERO1,
        .context_exchange = CONTEXT_RING,
        .pipeline_outside = true,
        .sequence_parallel = layout.tensor > 1,
        .overlap = true,
        .tensor_overlap = titan ? strstr(options, "async-tp") != NULL : layout.tensor > 1,
    };
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs;
    struct training_result result = training_step(&training, &scratch, &costs);
    double rate = result.tokens_per_second / gpus;
    if (getenv("TRAINING_CLASSES") != NULL) {
        printf("   step %.3f clock %.2f W %.0f bubble %.1f%% exch %.1f%% opt %.1f%%:",
               result.seconds, costs.power.clock_hertz / 1e9, costs.power.watts,
               100 * result.bubble_seconds / result.seconds,
               100 * result.exchange_seconds / result.seconds,
               100 * costs.optimizer_seconds / result.seconds);
        for (int i = 0; i < TIME_CLASS_COUNT; i++) {
            printf(" %s %.1f%%", time_class_name((enum time_class)i),
                   100 * result.classes.seconds[i] / result.seconds);
        }
        printf("\n");
    }
    arena_destroy(arena);
    return rate;
}

START_TEST(tables)
{
    static struct errors errors[3];
    struct csv *csv = csv_read("../training");
    for (size_t row = 0; row < csv->row_count; row++) {
        double measured = csv_number(csv, row, "tokens_per_second_per_gpu");
        double predicted = predict(csv, row);
        const struct bench *bench = bench_of(csv_text(csv, row, "table"));
        errors_add(&errors[bench - benches], predicted, measured);
        printf("%-16s %-14s %-7s %5s GPUs TP%-2s CP%-2s PP%-2s x%-2s %-9s %-13s measured %8.0f "
               "simulated %8.0f  %+6.1f %%\n",
               csv_text(csv, row, "table"), csv_text(csv, row, "model"),
               csv_text(csv, row, "precision"), csv_text(csv, row, "gpus"),
               csv_text(csv, row, "tensor"), csv_text(csv, row, "context"),
               csv_text(csv, row, "pipeline"), csv_text(csv, row, "virtual"),
               csv_text(csv, row, "recompute"), csv_text(csv, row, "options"), measured, predicted,
               100.0 * (predicted / measured - 1.0));
    }
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        errors_judge(&errors[i], &(struct error_bound){.name = benches[i].table});
    }
    free(csv);
}
END_TEST

RUN_TESTS(training_tables, tables)
