/* SPDX-License-Identifier: MIT
 * Steps of plain PyTorch on four H200, our own measurements (training_four.csv): layers of Llama 3
 * 8B alone, forward and backward passes, no optimizer: pipelines of four stages, DDP, FSDP2,
 * tensor ranks, one GPU of them. Predicted from the files of platforms/ whose constants were fitted
 * on one and two GPUs; nothing is fitted on these rows. Prints every row; errors of time must stay
 * within what docs/training.md says. Memory is printed alone: its peaks are not of one step (FSDP
 * that drops what it gathered holds more than FSDP that keeps it). */
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

static const struct pipeline_schedule *schedule_of(const char *name)
{
    return strcmp(name, "gpipe") == 0                     ? &schedule_gpipe
           : strcmp(name, "interleaved-1f1b") == 0        ? &schedule_interleaved
           : strcmp(name, "interleaved-zero-bubble") == 0 ? &schedule_zero_bubble
           : strcmp(name, "zbv") == 0                     ? &schedule_zbv
                                                          : &schedule_1f1b;
}

struct prediction {
    double seconds, bytes;
};

static struct prediction predict(const struct csv *csv, size_t row)
{
    enum { RANKS = 4 };
    static const struct number bf16 = {.format = FORMAT_BF16};
    struct precision precision = {.attention_weights = bf16,
                                  .ffn_weights = bf16,
                                  .embedding = bf16,
                                  .activations = FORMAT_BF16,
                                  .kv_cache = FORMAT_BF16};
    struct arena *arena = arena_create();
    struct llm llm = {.name = "llama3-8b",
                      .hidden = 4096,
                      .vocabulary = 1, /* layers alone */
                      DENSE_LAYERS(count(csv, row, "layers"), 32, 8, 128, 14336)};
    struct gpu *gpu = ARENA_NEW(arena, struct gpu);
    load_platform_file(arena, "gpu", "gpus", "h200-sxm", gpu);
    const char *schedule = csv_text(csv, row, "schedule");
    bool pipeline = csv_is(csv, row, "parallelism", "pipeline");
    bool tensor = csv_is(csv, row, "parallelism", "tensor");
    bool fsdp = strncmp(schedule, "fsdp", 4) == 0, one = strcmp(schedule, "none") == 0;
    bool two_parts = strncmp(schedule, "interleaved", 11) == 0 || strcmp(schedule, "zbv") == 0;
    struct layout layout = {.tensor = tensor ? RANKS : 1,
                            .context = 1,
                            .pipeline = pipeline ? RANKS : 1,
                            .data = pipeline || tensor || one ? 1 : RANKS};
    const char *stack =
        csv_is(csv, row, "compiled", "yes") ? "pytorch-training-compiled" : "pytorch-training-bf16";
    struct training training = {
        .replica = {.llm = &llm,
                    .gpu = gpu,
                    .cluster = load_cluster(arena, "hgx-h200x4"),
                    .software = load_software(arena, stack),
                    .layout = &layout,
                    .precision = &precision},
        .micro_batch = count(csv, row, "micro_batch"),
        .global_batch =
            count(csv, row, "micro_batch") * count(csv, row, "micro_batches") * layout.data,
        .sequence_tokens = count(csv, row, "sequence"),
        .schedule = schedule_of(schedule),
        .virtual_stages = two_parts ? 2 : 1,
        .recompute = RECOMPUTE_NONE,
        .sharding = fsdp ? SHARDING_FSDP : SHARDING_NONE,
        .keeps_gathered = strcmp(schedule, "fsdp-keep") == 0,
        .sequence_parallel = tensor,
        .overlap = true,
    };
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs;
    struct training_result result = training_step(&training, &scratch, &costs);
    struct prediction prediction = {.seconds = result.seconds - costs.optimizer_seconds};
    struct training_memory memory =
        training_stage_memory(&training, 0, scratch.pipeline.cells); /* rank 0's */
    prediction.bytes = training_memory_allocated(&memory) - memory.optimizer_bytes;
    arena_destroy(arena);
    return prediction;
}

START_TEST(steps)
{
    static struct errors pipelines, replicas, tensor;
    struct csv *csv = csv_read("../training_four");
    for (size_t row = 0; row < csv->row_count; row++) {
        double measured = 1e-3 * csv_number(csv, row, "step_ms");
        double held = csv_number(csv, row, "memory_gib") * 1073741824.0;
        struct prediction prediction = predict(csv, row);
        struct errors *errors = csv_is(csv, row, "parallelism", "pipeline") ? &pipelines
                                : csv_is(csv, row, "parallelism", "tensor") ? &tensor
                                                                            : &replicas;
        errors_add(errors, prediction.seconds, measured);
        printf("%-13s %-23s measured %6.1f ms simulated %6.1f ms  %+5.1f %%   measured %5.2f GB "
               "simulated %5.2f GB\n",
               csv_text(csv, row, "parallelism"), csv_text(csv, row, "schedule"), 1e3 * measured,
               1e3 * prediction.seconds, 100.0 * (prediction.seconds / measured - 1.0), 1e-9 * held,
               1e-9 * prediction.bytes);
    }
    errors_judge(&pipelines,
                 &(struct error_bound){.name = "four stages", .median = 0.025, .worst = 0.03});
    errors_judge(&replicas, &(struct error_bound){
                                .name = "one GPU, DDP, FSDP2", .median = 0.085, .worst = 0.105});
    errors_judge(&tensor, &(struct error_bound){.name = "DTensor, its host", .worst = 0.47});
    free(csv);
}
END_TEST

RUN_TESTS(training_four, steps)
