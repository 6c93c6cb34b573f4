/* SPDX-License-Identifier: MIT
 * torchtitan's options (torchtitan/config/job_config.py), as its command line overrides them. */
#include "sim/arguments/dialect.h"

#include <ctype.h>
#include <string.h>

static const struct flag_word recomputes[] = {
    {"none", "none"}, {"selective", "operators"}, {"full", "full"}, {0}};
static const struct flag_word schedules[] = {{"1F1B", "1f1b"},
                                             {"GPipe", "gpipe"},
                                             {"Interleaved1F1B", "interleaved"},
                                             {"LoopedBFS", "loop-bfs"},
                                             {"InterleavedZeroBubble", "zero-bubble"},
                                             {"ZBVZeroBubble", "zbv"},
                                             {"DualPipeV", "dualpipev"},
                                             {0}};

static const struct flag_word rotations[] = {
    {"allgather", "all-gather"}, {"alltoall", "ring"}, {0}};

static const struct flag flags[] = {
    {.name = "--parallelism.tensor_parallel_degree", .key = "layout.tensor"},
    {.name = "--parallelism.pipeline_parallel_degree", .key = "layout.pipeline"},
    {.name = "--parallelism.context_parallel_degree", .key = "layout.context"},
    {.name = "--parallelism.data_parallel_shard_degree", .key = "layout.data"},
    {.name = "--parallelism.expert_parallel_degree", .key = "layout.expert"},
    {.name = "--parallelism.pipeline_parallel_schedule",
     .key = "workload.schedule.kind",
     .words = schedules},
    {.name = "--parallelism.pipeline_parallel_microbatch_size",
     .key = "workload.micro_batch",
     .fixed = true},
    {.name = "--training.local_batch_size", .key = "local_batch", .fixed = true},
    {.name = "--training.global_batch_size", .key = "workload.global_batch", .fixed = true},
    {.name = "--training.seq_len", .key = "workload.sequence", .unit = "tokens", .always = true},
    {.name = "--activation_checkpoint.mode", .key = "workload.recompute", .words = recomputes},
    {.name = "--model.name", .key = "model_name", .fixed = true},
    {.name = "--model.flavor", .key = "model_flavor", .fixed = true},
    {.name = "--parallelism.context_parallel_rotate_method",
     .key = "workload.context_exchange",
     .words = rotations},
    /* What it always does. */
    {.name = "--model.flavor", .key = "workload.sharding", .fixed = true},
    {.name = "--model.flavor", .key = "workload.sequence_parallel", .fixed = true},
    {.name = "--model.flavor", .key = "workload.stages_outside", .fixed = true},
    {0}};

static const char *const inert[] = {"-m",
                                    "--nproc-per-node",
                                    "--nnodes",
                                    "--rdzv-backend",
                                    "--rdzv-endpoint",
                                    "--optimizer.name",
                                    "--optimizer.lr",
                                    "--training.steps",
                                    "--training.dataset",
                                    "--metrics.log_freq",
                                    "--job.dump_folder",
                                    "--job.config_file",
                                    "--model.tokenizer_path",
                                    "--lr_scheduler.warmup_steps",
                                    NULL};
static const char *const inert_switches[] = {"--training.compile", "--compile.enable", NULL};

/* A local batch is what a replica takes at once: a micro-batch, or all those of a pipeline. Several
 * times that, and it accumulates gradients until the global batch is full. */
static void import_batch(struct import *import)
{
    uint32_t local = import_count(import, "local_batch", 0);
    import_take(import, "local_batch");
    if (local == 0) {
        return;
    }
    if (import_count(import, "layout.pipeline", 1) == 1) {
        import_put(import, "workload.micro_batch", arena_printf(import->arena, "%u", local));
    }
    if (import_get(import, "workload.global_batch")[0] == '\0') {
        uint32_t replicas = import_count(import, "layout.data", 1);
        import_put(import, "workload.global_batch",
                   arena_printf(import->arena, "%u", local * replicas));
    }
}

static void export_batch(struct export *export)
{
    const struct scenario *scenario = export->resolved->scenario;
    uint32_t whole = scenario->training.global_batch, micro = scenario->training.micro_batch;
    bool pipeline = scenario->layout.pipeline > 1;
    uint32_t local = pipeline ? whole / scenario->layout.data : micro;
    const struct {
        const char *flag;
        uint32_t value; /* 0: nothing to say */
    } rows[] = {{"--parallelism.pipeline_parallel_microbatch_size", pipeline ? micro : 0},
                {"--training.global_batch_size", whole},
                {"--training.local_batch_size", local}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].value > 0) {
            export_flag(export, &dialect_torchtitan, rows[i].flag,
                        arena_printf(export->arena, "%u", rows[i].value));
        }
    }
    if (whole == 0) {
        export_lose(export, "workload.global_batch: the critical batch");
    }
}

static void import_rest(struct import *import)
{
    enum { GPUS_OF_A_NODE = 8 };
    const char *name = import_get(import, "model_name");
    const char *flavor = import_get(import, "model_flavor");
    if (name[0] != '\0' && flavor[0] != '\0') {
        char *model = arena_printf(import->arena, "%s-%s", name, flavor);
        for (char *c = model; *c != '\0'; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
        import_put(import, "model", model);
    }
    import_take(import, "model_name");
    import_take(import, "model_flavor");
    import_put(import, "workload.sharding", "fsdp");
    import_batch(import);
    if (import_count(import, "layout.pipeline", 1) > 1) {
        import_put(import, "workload.stages_outside", "true");
    }
    uint32_t gpus =
        import_count(import, "layout.tensor", 1) * import_count(import, "layout.pipeline", 1) *
        import_count(import, "layout.context", 1) * import_count(import, "layout.data", 1);
    import_put(import, "cluster.nodes",
               arena_printf(import->arena, "%u", (gpus + GPUS_OF_A_NODE - 1) / GPUS_OF_A_NODE));
    if (import_get(import, "workload.sequence")[0] == '\0') {
        import_put(import, "workload.sequence", "2048 tokens");
    }
    import_lose(import, "what is in no argument and stands here as an example: cluster");
}

/* llama3-405b is the model llama3 of flavor 405B. */
static void export_rest(struct export *export)
{
    export_batch(export);
    const char *name = export->resolved->scenario->llm.name;
    const char *dash = strchr(name, '-');
    if (dash == NULL) {
        export_lose(export, "model: %s is no name of torchtitan's", name);
        return;
    }
    char *flavor = arena_strdup(export->arena, dash + 1);
    for (char *c = flavor; *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    export_flag(export, &dialect_torchtitan, "--model.name",
                arena_printf(export->arena, "%.*s", (int)(dash - name), name));
    export_flag(export, &dialect_torchtitan, "--model.flavor", flavor);
}

const struct dialect dialect_torchtitan = {.name = "torchtitan",
                                           .command = "torchrun",
                                           .program = "-m torchtitan.train",
                                           .doc = "torchtitan",
                                           .workload = "training",
                                           .software = "torchtitan",
                                           .model_flag = "--model.name llama3 --model.flavor 8B",
                                           .equals = true,
                                           .flags = flags,
                                           .inert = inert,
                                           .inert_switches = inert_switches,
                                           .import = import_rest,
                                           .export = export_rest};
