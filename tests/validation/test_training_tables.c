/* SPDX-License-Identifier: MIT
 * Training steps against published tables (training.csv, each row with its source): every row is
 * predicted from its layout and the files of models/ and platforms/ alone. Prints every row; the
 * errors of each table must stay within what docs/training.md says of it. */
#include "models/training/training_memory.h"
#include "models/training/training_step.h"

#include "csv.h"
#include "platform_files.h"
#include "run_tests.h"
#include "sim/scenario/training_scratch.h"
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

static const struct llm *load_llm(struct arena *arena, const char *name)
{
    struct llm *llm = ARENA_NEW(arena, struct llm);
    struct diagnostics *diagnostics = diagnostics_create();
    const char *path = arena_printf(arena, "%s/models/llm/%s.yaml", CPSIM_SOURCE_DIR, name);
    ck_assert_ptr_nonnull(data_file_load(arena, "model", path, llm, diagnostics));
    diagnostics_destroy(diagnostics);
    return llm;
}

static struct replica load_replica(struct arena *arena, const struct bench *bench,
                                   const char *model, struct layout *layout,
                                   struct precision *precision)
{
    struct gpu *gpu = ARENA_NEW(arena, struct gpu);
    load_platform_file(arena, "gpu", "gpus", bench->gpu, gpu);
    struct cluster *cluster = load_cluster(arena, bench->cluster);
    cluster->nodes = layout_gpus(layout) / cluster->gpus_per_node;
    return (struct replica){.llm = load_llm(arena, model),
                            .gpu = gpu,
                            .cluster = cluster,
                            .software = load_software(arena, bench->software),
                            .layout = layout,
                            .precision = precision};
}

static struct training_result step_of(struct arena *arena, const struct training *training)
{
    struct training_scratch scratch = training_scratch_create(arena, training);
    struct training_costs costs;
    return training_step(training, &scratch, &costs);
}

/* The fullest stage's memory of a GPU, bytes, as the allocator reserves it. */
static double fullest_bytes(struct arena *arena, const struct training *training)
{
    struct pipeline pipeline = training_pipeline(training);
    struct cell *cells =
        ARENA_ARRAY(arena, struct cell, pipeline_cell_count(training->schedule, &pipeline));
    double most = 0.0;
    for (uint32_t i = 0; i < pipeline.stages; i++) {
        struct training_memory memory = training_stage_memory(training, i, cells);
        most = fmax(most, training_memory_total(&memory) - memory.outside_bytes);
    }
    return most;
}

struct prediction {
    double rate;  /* tokens per second and GPU */
    double bytes; /* of the fullest GPU */
};

static struct prediction predict(const struct csv *csv, size_t row)
{
    struct arena *arena = arena_create();
    struct bench bench = *bench_of(csv_text(csv, row, "table"));
    bool titan = strcmp(bench.table, "torchtitan") == 0;
    const char *options = csv_text(csv, row, "options");
    if (strstr(options, "eager") != NULL) {
        bench.software = "torchtitan-eager";
    }
    struct precision precision = precision_of(csv_text(csv, row, "precision"));
    struct layout layout = {.tensor = count(csv, row, "tensor"),
                            .context = count(csv, row, "context"),
                            .pipeline = count(csv, row, "pipeline")};
    uint32_t gpus = count(csv, row, "gpus");
    layout.data = gpus / (layout.tensor * layout.context * layout.pipeline);
    uint32_t virtual_stages = count(csv, row, "virtual");
    bool full = csv_is(csv, row, "recompute", "full");
    bool selective = csv_is(csv, row, "recompute", "selective");
    struct training training = {
        .replica = load_replica(arena, &bench, csv_text(csv, row, "model"), &layout, &precision),
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
    struct prediction prediction = {.rate = step_of(arena, &training).tokens_per_second / gpus,
                                    .bytes = fullest_bytes(arena, &training)};
    arena_destroy(arena);
    return prediction;
}

START_TEST(tables)
{
    static struct errors errors[sizeof benches / sizeof *benches], memory;
    struct csv *csv = csv_read("../training");
    for (size_t row = 0; row < csv->row_count; row++) {
        double measured = csv_number(csv, row, "tokens_per_second_per_gpu");
        struct prediction prediction = predict(csv, row);
        double predicted = prediction.rate;
        const struct bench *bench = bench_of(csv_text(csv, row, "table"));
        errors_add(&errors[bench - benches], predicted, measured);
        printf("%-16s %-14s %-7s %5s GPUs TP%-2s CP%-2s PP%-2s x%-2s %-9s %-9s measured %8.0f "
               "simulated %8.0f  %+6.1f %%",
               csv_text(csv, row, "table"), csv_text(csv, row, "model"),
               csv_text(csv, row, "precision"), csv_text(csv, row, "gpus"),
               csv_text(csv, row, "tensor"), csv_text(csv, row, "context"),
               csv_text(csv, row, "pipeline"), csv_text(csv, row, "virtual"),
               csv_text(csv, row, "recompute"), csv_text(csv, row, "options"), measured, predicted,
               100.0 * (predicted / measured - 1.0));
        if (csv_text(csv, row, "memory_gib")[0] != '\0') {
            const double gib = 1073741824.0;
            double held = gib * csv_number(csv, row, "memory_gib");
            errors_add(&memory, prediction.bytes, held);
            printf("   %5.1f GiB %5.1f  %+6.1f %%", held / gib, prediction.bytes / gib,
                   100.0 * (prediction.bytes / held - 1.0));
        }
        printf("\n");
    }
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        errors_judge(&errors[i], &(struct error_bound){
                                     .name = benches[i].table, .median = 0.06, .worst = 0.20});
    }
    errors_judge(&memory, &(struct error_bound){
                              .name = "torchtitan, memory", .median = 0.10, .worst = 0.30});
    free(csv);
}
END_TEST

/* The first layout's 32 micro-batches leave a choice of how far stages run ahead; with two passes a
 * stage it does not fit. arXiv 2407.21783, table 4: TFLOP/s a GPU of Llama 3 405B, 16 M tokens a
 * step. */
START_TEST(llama3)
{
    static const struct bench bench = {"llama 3", "h100-sxm", "llama3-24k", "meta-llama3"};
    static const struct {
        uint32_t context, data, batch, lead;
        uint64_t sequence;
        double teraflops;
    } rows[] = {
        {1, 64, 2048, 1, 8192, 430}, {1, 128, 2048, 2, 8192, 400}, {16, 8, 128, 2, 131072, 380}};
    static struct errors errors;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = arena_create();
        struct layout layout = {
            .tensor = 8, .context = rows[i].context, .pipeline = 16, .data = rows[i].data};
        struct precision precision = precision_of("bf16");
        struct training training = {
            .replica = load_replica(arena, &bench, "llama3-405b", &layout, &precision),
            .global_batch = rows[i].batch,
            .micro_batch = 1,
            .sequence_tokens = rows[i].sequence,
            .schedule = &schedule_interleaved,
            .virtual_stages = 8,
            .stage_lead = rows[i].lead,
            .sharding = SHARDING_FSDP,
            .context_exchange = CONTEXT_ALL_GATHER,
            .sequence_parallel = true,
            .overlap = true,
        };
        struct training_result result = step_of(arena, &training);
        double rate = result.flops / result.seconds / layout_gpus(&layout) / 1e12;
        printf("llama 3 405B %5u GPUs, CP%-2u: measured %4.0f TFLOP/s a GPU, simulated %4.0f  "
               "%+6.1f %%\n",
               layout_gpus(&layout), layout.context, rows[i].teraflops, rate,
               100.0 * (rate / rows[i].teraflops - 1.0));
        errors_add(&errors, rate, rows[i].teraflops);
        /* It ran, so it fitted. */
        double bytes = fullest_bytes(arena, &training);
        printf("   the fullest GPU: %.1f of %.1f GB\n", 1e-9 * bytes,
               1e-9 * training.replica.gpu->memory_bytes);
        ck_assert_double_lt(bytes, 0.95 * training.replica.gpu->memory_bytes);
        arena_destroy(arena);
    }
    errors_judge(&errors, &(struct error_bound){.name = bench.table, .worst = 0.08});
}
END_TEST

/* Our own measurements of layers fused by torch.compile, forward and with the backward pass; the
 * same kernels as one by one in test_compare, here as the training program has them, and at the
 * clock of a run without end, a little lower than that of so short a measurement. */
START_TEST(layers)
{
    static const struct bench bench = {"training layers", "h100-sxm", "dgx-h100", "pytorch-nccl"};
    static struct errors errors;
    struct csv *csv = csv_read("h100_train_layers");
    for (size_t row = 0; row < csv->row_count; row++) {
        struct arena *arena = arena_create();
        struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
        struct precision precision = precision_of("bf16");
        struct replica replica = load_replica(arena, &bench, "llama3-8b", &layout, &precision);
        struct software software = *replica.software;
        struct llm llm = *replica.llm;
        software.training.fused_kernels = true;
        llm.stack.layers = count(csv, row, "layers");
        replica.software = &software;
        replica.llm = &llm;
        struct training training = {
            .replica = replica,
            .global_batch = count(csv, row, "micro_batch"),
            .micro_batch = count(csv, row, "micro_batch"),
            .sequence_tokens = count(csv, row, "seq_len"),
            .schedule = &schedule_1f1b,
            .virtual_stages = 1,
        };
        struct training_scratch scratch = training_scratch_create(arena, &training);
        struct training_costs costs = training_price(&training, &scratch);
        double forward = costs.segment_seconds[TRAINING_FORWARD];
        double both = forward + costs.segment_seconds[TRAINING_BACKWARD];
        errors_add(&errors, forward, 1e-6 * csv_number(csv, row, "forward_us_per_layer"));
        errors_add(&errors, both, 1e-6 * csv_number(csv, row, "forward_backward_us_per_layer"));
        arena_destroy(arena);
    }
    errors_judge(&errors,
                 &(struct error_bound){.name = bench.table, .median = 0.06, .worst = 0.15});
    free(csv);
}
END_TEST

/* torch's fused AdamW in fp32: a kernel over all parameters. Small ones pay for their start. */
START_TEST(optimizer)
{
    static struct errors errors;
    struct arena *arena = arena_create();
    struct gpu *gpu = ARENA_NEW(arena, struct gpu);
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", gpu);
    struct csv *csv = csv_read("h100_optimizer");
    for (size_t row = 0; row < csv->row_count; row++) {
        double parameters = csv_number(csv, row, "params");
        struct memory_shape shape = {.kernel = MEMORY_OPTIMIZER,
                                     .rows = 1,
                                     .columns = (uint64_t)parameters,
                                     .bytes = parameters * csv_number(csv, row, "bytes_per_param")};
        double seconds = memory_kernel_cost(gpu, &shape, gpu->boost_clock_hertz).seconds;
        double measured = 1e-6 * csv_number(csv, row, "time_us");
        printf("optimizer, %.3g parameters: measured %.3g s, simulated %.3g s  %+.1f %%\n",
               parameters, measured, seconds, 100.0 * (seconds / measured - 1.0));
        if (parameters > 1e8) { /* what a training step updates */
            errors_add(&errors, seconds, measured);
        }
    }
    errors_judge(&errors, &(struct error_bound){.name = "optimizer", .worst = 0.25});
    free(csv);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(training_tables, tables, llama3, layers, optimizer)
