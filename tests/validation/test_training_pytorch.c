/* SPDX-License-Identifier: MIT
 * Training steps of plain PyTorch on one and two H200, our own measurements: one GPU, DDP, FSDP2,
 * tensor parallelism and pipelines, each row predicted from its shape and the files of platforms/
 * alone. The stacks' constants were fitted on training_pytorch.csv; the rows of
 * training_pytorch_held.csv were measured afterwards and predicted blind; nothing is fitted on
 * them. Prints every row, time and memory; the errors of each kind must stay within what
 * docs/training.md says. */
#include "models/training/training_memory.h"
#include "models/training/training_step.h"

#include "csv.h"
#include "one_kind.h"
#include "platform_files.h"
#include "run_tests.h"
#include "sim/scenario/training_scratch.h"
#include "validation/errors.h"

static uint32_t count(const struct csv *csv, size_t row, const char *column)
{
    return (uint32_t)csv_number(csv, row, column);
}

static struct llm model_of(const struct csv *csv, size_t row)
{
    return (struct llm){
        .name = csv_text(csv, row, "model"),
        .hidden = count(csv, row, "hidden"),
        .vocabulary = count(csv, row, "vocabulary"),
        DENSE_LAYERS(count(csv, row, "layers"), count(csv, row, "query_heads"),
                     count(csv, row, "kv_heads"), count(csv, row, "head_size"),
                     count(csv, row, "ffn")),
    };
}

static const struct pipeline_schedule *schedule_of(const char *name)
{
    if (strcmp(name, "interleaved-zero-bubble") == 0) {
        return &schedule_zero_bubble;
    }
    for (int i = 0; i < TRAINING_SCHEDULE_COUNT; i++) {
        if (strcmp(pipeline_schedule_name(pipeline_schedules[i]), name) == 0) {
            return pipeline_schedules[i];
        }
    }
    return &schedule_1f1b; /* no pipeline */
}

static const char *stack_of(const struct csv *csv, size_t row)
{
    return csv_is(csv, row, "compiled", "yes")   ? "pytorch-training-compiled"
           : csv_is(csv, row, "kind", "fsdp")    ? "pytorch-training"
           : csv_is(csv, row, "weights", "fp32") ? "pytorch-training-autocast"
                                                 : "pytorch-training-bf16";
}

struct prediction {
    double seconds, bytes;
};

static struct prediction predict(const struct csv *csv, size_t row)
{
    static const struct number bf16 = {.format = FORMAT_BF16};
    struct precision precision = {.attention_weights = bf16,
                                  .ffn_weights = bf16,
                                  .embedding = bf16,
                                  .activations = FORMAT_BF16,
                                  .kv_cache = FORMAT_BF16};
    struct arena *arena = arena_create();
    struct llm llm = model_of(csv, row);
    struct gpu *gpu = ARENA_NEW(arena, struct gpu);
    bool h200 = csv_is(csv, row, "gpu", "NVIDIA H200");
    load_platform_file(arena, "gpu", "gpus", h200 ? "h200-sxm" : "h100-sxm", gpu);
    const char *schedule = csv_text(csv, row, "schedule");
    uint32_t gpus = count(csv, row, "gpus");
    bool pipeline = csv_is(csv, row, "kind", "pipeline");
    bool tensor = csv_is(csv, row, "kind", "tensor"), fsdp = csv_is(csv, row, "kind", "fsdp");
    struct layout layout = {.tensor = tensor ? gpus : 1,
                            .context = 1,
                            .pipeline = pipeline ? gpus : 1,
                            .data = pipeline || tensor ? 1 : gpus};
    struct training training = {
        .replica = {.llm = &llm,
                    .gpu = gpu,
                    .cluster = load_cluster(arena, "hgx-h200"),
                    .software = load_software(arena, stack_of(csv, row)),
                    .layout = &layout,
                    .precision = &precision},
        .micro_batch = count(csv, row, "micro_batch"),
        .global_batch =
            count(csv, row, "micro_batch") * count(csv, row, "micro_batches") * layout.data,
        .sequence_tokens = count(csv, row, "seq"),
        .schedule = schedule_of(schedule),
        .virtual_stages =
            strncmp(schedule, "interleaved", 11) == 0 || strcmp(schedule, "zbv") == 0 ? 2 : 1,
        .recompute = csv_is(csv, row, "recompute", "full") ? RECOMPUTE_FULL : RECOMPUTE_NONE,
        .sharding = fsdp ? SHARDING_FSDP : SHARDING_NONE,
        .keeps_gathered = strcmp(schedule, "zero-2") == 0,
        .sequence_parallel = strcmp(schedule, "sequence") == 0,
        .overlap = true,
    };
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs;
    struct prediction prediction = {.seconds = training_step(&training, &scratch, &costs).seconds};
    struct cell *cells = scratch.pipeline.cells;
    for (uint32_t i = 0; i < layout.pipeline; i++) {
        struct training_memory memory = training_stage_memory(&training, i, cells);
        double bytes = training_memory_allocated(&memory);
        prediction.bytes = bytes > prediction.bytes ? bytes : prediction.bytes;
    }
    arena_destroy(arena);
    return prediction;
}

enum { KINDS = 5 };

/* The bounds of one file's rows. */
struct row_group {
    const char *title;
    struct error_bound kinds[KINDS], time, memory;
};

static void judge(const char *name, const struct row_group *group)
{
    static struct errors errors[KINDS], all, memory;
    memset(errors, 0, sizeof errors);
    all.count = memory.count = 0;
    struct csv *csv = csv_read(name);
    printf("%s\n", group->title);
    for (size_t row = 0; row < csv->row_count; row++) {
        double measured = 1e-3 * csv_number(csv, row, "step_ms");
        double held = 1e9 * csv_number(csv, row, "memory_gb");
        struct prediction prediction = predict(csv, row);
        size_t kind = 0;
        while (!csv_is(csv, row, "kind", group->kinds[kind].name)) {
            ck_assert_uint_lt(++kind, KINDS);
        }
        errors_add(&errors[kind], prediction.seconds, measured);
        errors_add(&all, prediction.seconds, measured);
        errors_add(&memory, prediction.bytes, held);
        printf("%-8s %-23s %-5s %4s x %-2s x %-2s %-4s %-4s %-3s measured %8.2f ms simulated %8.2f "
               "%+6.1f %%   %5.1f GB %5.1f %+6.1f %%\n",
               group->kinds[kind].name, csv_text(csv, row, "schedule"), csv_text(csv, row, "model"),
               csv_text(csv, row, "seq"), csv_text(csv, row, "micro_batch"),
               csv_text(csv, row, "micro_batches"), csv_text(csv, row, "weights"),
               csv_text(csv, row, "recompute"), csv_text(csv, row, "compiled"), 1e3 * measured,
               1e3 * prediction.seconds, 100.0 * (prediction.seconds / measured - 1.0), 1e-9 * held,
               1e-9 * prediction.bytes, 100.0 * (prediction.bytes / held - 1.0));
    }
    for (int i = 0; i < KINDS; i++) {
        errors_judge(&errors[i], &group->kinds[i]);
    }
    errors_judge(&all, &group->time);
    errors_judge(&memory, &group->memory);
    free(csv);
}

START_TEST(fitted_rows)
{
    judge("../training_pytorch",
          &(struct row_group){
              .title = "the rows that the stacks were fitted on",
              .kinds = {{.name = "single", .median = 0.04, .worst = 0.35},
                        {.name = "ddp", .median = 0.10, .worst = 0.20},
                        {.name = "fsdp", .median = 0.04, .worst = 0.07},
                        {.name = "tensor", .worst = 0.10},
                        {.name = "pipeline", .median = 0.06, .worst = 0.20}},
              .time = {.name = "PyTorch's own training, time", .median = 0.06},
              .memory = {.name = "PyTorch's own training, memory", .median = 0.005, .worst = 0.16},
          });
}
END_TEST

START_TEST(held_rows)
{
    judge("../training_pytorch_held",
          &(struct row_group){
              .title = "rows held out",
              .kinds = {{.name = "single", .median = 0.06, .worst = 0.07},
                        {.name = "ddp", .median = 0.04, .worst = 0.08},
                        {.name = "fsdp", .median = 0.09, .worst = 0.16},
                        {.name = "tensor", .median = 0.12, .worst = 0.31},
                        {.name = "pipeline", .median = 0.05, .worst = 0.39}},
              .time = {.name = "held-out training, time", .median = 0.06},
              .memory = {.name = "held-out training, memory", .median = 0.02, .worst = 0.20},
          });
}
END_TEST

RUN_TESTS(training_pytorch, fitted_rows, held_rows)
