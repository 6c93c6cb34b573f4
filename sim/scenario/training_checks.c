/* SPDX-License-Identifier: MIT */
#include "models/layers/layer_rows.h"
#include "models/training/outer_step.h"
#include "models/training/training_memory.h"
#include "sim/base/quantity.h"
#include "sim/scenario/documents.h"
#include "sim/scenario/schedule_file.h"
#include "sim/scenario/training_setup.h"
#include "sim/scenario/workload_checks.h"

#include <math.h>

enum { MOST_STAGES = 1024 };
/* Cells of a stage that are worth filling to count what is in flight. */
static const double most_cells = 4e7;

/* Megatron-Core's rules (core/pipeline_parallel/schedules.py). */
static void check_group(const struct checker *checker, const struct pipeline *pipeline)
{
    enum training_schedule schedule = checker->scenario->training.schedule;
    uint32_t group = pipeline->group, rest = group > 0 ? pipeline->micro_batches % group : 0;
    const char *path = "workload.microbatch_group";
    if (group == 0) {
        return;
    }
    if (schedule != TRAINING_INTERLEAVED && schedule != TRAINING_ZERO_BUBBLE) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: has no effect on schedule %s; leave it out", path,
                       pipeline_schedule_name(pipeline_schedules[schedule]));
    } else if (group < pipeline->stages || group > pipeline->micro_batches) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: %u; expected from the %u stages to the %u micro-batches of a replica",
                       path, group, pipeline->stages, pipeline->micro_batches);
    } else if (rest > 0 && rest < pipeline->stages) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: %u leaves %u of %u micro-batches for the last round, fewer than the %u "
                       "stages; expected none or as many",
                       path, group, rest, pipeline->micro_batches, pipeline->stages);
    }
}

/* A schedule in a file is one of so many stages, parts and micro-batches. */
static void check_schedule_file(const struct checker *checker)
{
    const struct schedule_file *file = checker->scenario->training.schedule_file;
    const char *path = "workload.schedule.file";
    if (file == NULL) {
        return;
    }
    struct training training = scenario_training(checker->scenario);
    struct pipeline pipeline = training_pipeline(&training);
    if (file->stages != pipeline.stages) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: has %u ranks, and layout.pipeline is %u; expected a row for each stage",
                       path, file->stages, pipeline.stages);
    } else if (file->chunks != pipeline.chunks) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.virtual_stages"),
                       "workload.virtual_stages: %u, and the schedule's file has %u parts on each "
                       "rank; leave the key out",
                       pipeline.chunks, file->chunks);
    } else if (file->micro_batches != pipeline.micro_batches) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: is an order of %u micro-batches, and a replica has %u (global_batch / "
                       "(micro_batch x layout.data)); change one of them",
                       path, file->micro_batches, pipeline.micro_batches);
    }
}

static void check_batch(const struct checker *checker)
{
    const struct training_workload *workload = &checker->scenario->training;
    const struct layout *layout = &checker->scenario->layout;
    unsigned batch = workload->global_batch, micro = workload->micro_batch, data = layout->data;
    if (batch == 0) {
        return;
    }
    if (batch % ((uint64_t)micro * data) != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.global_batch"),
                       "workload.global_batch: %u is not a multiple of micro_batch x layout.data, "
                       "%u x %u; every replica runs whole micro-batches",
                       batch, micro, data);
        return;
    }
    struct pipeline pipeline = {.stages = layout->pipeline,
                                .chunks = workload->virtual_stages,
                                .micro_batches = batch / (micro * data),
                                .group = workload->microbatch_group};
    if (workload->schedule_file == NULL) {
        check_group(checker, &pipeline);
    }
    const struct pipeline_schedule *schedule = scenario_schedule(workload);
    unsigned least = schedule->least_micro_batches * pipeline.stages;
    if (pipeline.micro_batches < least) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.global_batch"),
                       "workload.global_batch: %u gives %u micro-batches a replica, and %s takes "
                       "two a stage or more; expected at least %u micro-batches",
                       batch, pipeline.micro_batches, pipeline_schedule_name(schedule), least);
    }
    const struct software *software = &checker->scenario->software;
    if (software->training.full_rounds && schedule == &schedule_1f1b &&
        pipeline.micro_batches < pipeline.stages) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.global_batch"),
                       "workload.global_batch: %u gives %u micro-batches a replica, and %s's 1f1b "
                       "wants one for each of the %u stages or more; raise it, or take "
                       "schedule: gpipe",
                       batch, pipeline.micro_batches, software->name, pipeline.stages);
    }
    if (pipeline.chunks > 1 && !schedule->any_micro_batches && pipeline_round(&pipeline) == 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.global_batch"),
                       "workload.global_batch: %u gives %u micro-batches a replica, which do not "
                       "divide into rounds of %u stages or more; expected a multiple of "
                       "micro_batch x data x pipeline",
                       batch, pipeline.micro_batches, pipeline.stages);
    }
    if ((double)pipeline.micro_batches * pipeline.stages * pipeline.chunks * 3.0 > most_cells) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.global_batch"),
                       "workload.global_batch: %u makes a schedule of %.3g passes, more than the "
                       "%.3g that are planned for; raise micro_batch",
                       batch, (double)pipeline.micro_batches * pipeline.stages * pipeline.chunks,
                       most_cells / 3.0);
    }
}

/* The kinds that training has programs for, and what a layout cuts. */
static void check_layers_train(const struct checker *checker)
{
    const struct llm *llm = &checker->scenario->llm;
    uint32_t tensor = checker->scenario->layout.tensor;
    for (uint32_t i = 0; i < llm->stack.kind_count; i++) {
        const struct layer_kind *kind = &llm->stack.kinds[i];
        if (layer_kind_runs(kind) && !layer_kind_trains(kind)) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "model"),
                           "model: layers of kind '%s' run in inference alone; training has no "
                           "backward pass of them yet",
                           kind->name);
        }
        bool whole =
            kind->ffn.kind == FFN_EXPERTS && layout_experts(&checker->scenario->layout) > 1;
        if (kind->ffn.kind != FFN_NONE && !whole && kind->ffn.hidden % tensor != 0) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.tensor"),
                           "layout.tensor: %u does not divide the model's ffn_hidden, %u", tensor,
                           kind->ffn.hidden);
        }
    }
}

static void check_predicted(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    unsigned wanted = scenario->training.predicted, has = scenario->llm.multi_token_prediction;
    const char *path = "workload.multi_token_prediction";
    if (wanted > has) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: %u layers, and %s has %u that predict further tokens; expected at most "
                       "as many, or set model.multi_token_prediction",
                       path, wanted, scenario->llm.name, has);
    } else if (wanted > 0 && scenario->training.adapter_rank > 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: adapters are trained alone, and the model as it is; leave one of the "
                       "two out",
                       path);
    }
}

static void check_beside(const struct checker *checker)
{
    if (checker->scenario->software.shared_experts_beside) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "software.shared_experts_beside"),
                       "software.shared_experts_beside: in training shared experts run after the "
                       "others; leave it out");
    }
}

static void check_stages(const struct checker *checker)
{
    const struct training_workload *workload = &checker->scenario->training;
    const struct pipeline_schedule *schedule = scenario_schedule(workload);
    unsigned stages = checker->scenario->layout.pipeline,
             layers = checker->scenario->llm.stack.layers;
    unsigned chunks = workload->virtual_stages;
    const char *overlap = "workload.overlap_experts";
    if (checker->scenario->training.overlap_experts && !schedule->pairs) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, overlap),
                       "%s: passes of schedule %s do not run in pairs; expected dualpipev or "
                       "interleaved",
                       overlap, pipeline_schedule_name(schedule));
    } else if (checker->scenario->training.overlap_experts &&
               layout_experts(&checker->scenario->layout) == 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, overlap),
                       "%s: no tokens are sent to experts; set layout.expert, or leave it out",
                       overlap);
    }
    if (chunks > 1 && !schedule->interleaved) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.virtual_stages"),
                       "workload.virtual_stages: %u parts on a stage need `schedule: interleaved`; "
                       "%s takes one",
                       chunks, pipeline_schedule_name(schedule));
    } else if (schedule->chunks > 0 && chunks != schedule->chunks) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.virtual_stages"),
                       "workload.virtual_stages: %s takes %u parts on a stage, not %u",
                       pipeline_schedule_name(schedule), schedule->chunks, chunks);
    }
    if (stages > MOST_STAGES) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.pipeline"),
                       "layout.pipeline: %u stages are more than %d", stages, MOST_STAGES);
    } else if (stages > layers) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.pipeline"),
                       "layout.pipeline: %u stages are more than the model's %u layers", stages,
                       layers);
    } else if (stages * (uint64_t)chunks > layers + 2ULL) {
        /* One part may hold the embedding alone and one the head. */
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.virtual_stages"),
                       "workload.virtual_stages: %u stages of %u parts are more than the model's "
                       "%u layers, the embedding and the head",
                       stages, chunks, layers);
    }
    const struct software *software = &checker->scenario->software;
    unsigned rest = layers % (stages * chunks); /* embedding and head may count as layers */
    if (software->training.equal_parts && chunks > 1 && rest != 0 && rest + 2 < stages * chunks) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "workload.virtual_stages"),
            "workload.virtual_stages: %u parts on each of %u stages do not divide the "
            "model's %u layers, nor with the embedding and the head counted as two more, "
            "which %s refuses; expected a divisor of %u / %u",
            chunks, stages, layers, software->name, layers, stages);
    }
    check_layers_train(checker);
    if (workload->sequence_tokens % checker->scenario->layout.context != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.context"),
                       "layout.context: %u does not divide the sequence's %llu tokens",
                       checker->scenario->layout.context,
                       (unsigned long long)workload->sequence_tokens);
    }
}

static void check_budget(const struct checker *checker)
{
    const struct training_workload *workload = &checker->scenario->training;
    const struct compute_budget *budget = &workload->budget;
    int said = (budget->flop > 0.0) + (budget->gpu_hours > 0.0) + (budget->dollars > 0.0);
    if (said > 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.compute_budget"),
                       "workload.compute_budget: %d budgets at once; expected one of flop, "
                       "gpu_hours and dollars",
                       said);
    }
    if (said > 0 && (workload->tokens > 0.0 || workload->target_loss > 0.0)) {
        const char *other = workload->tokens > 0.0 ? "tokens" : "target_loss";
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.compute_budget"),
                       "workload.compute_budget: the budget says how far the run goes, and so does "
                       "%s; leave one of them out",
                       other);
    }
    double served = 2.0 * llm_weights(&checker->scenario->llm) * budget->served_tokens;
    if (budget->served_tokens > 0.0 && budget->flop <= served) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "workload.compute_budget.served_tokens"),
            "workload.compute_budget.served_tokens: serving %.4g tokens takes %.4g FLOPs "
            "of this model; expected workload.compute_budget.flop, which pays for both, "
            "above that, and it is %.4g",
            budget->served_tokens, served, budget->flop);
    }
    if (budget->dollars > 0.0 && workload->price_per_gpu_hour <= 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.compute_budget"),
                       "workload.compute_budget: %.4g dollars buy no GPU-hours without "
                       "workload.price, dollars of an hour of one GPU",
                       budget->dollars);
    }
}

static void check_slow_gpu(const struct checker *checker)
{
    const struct training_workload *workload = &checker->scenario->training;
    unsigned stages = checker->scenario->layout.pipeline;
    if (workload->slow_stage >= stages) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.slow_gpu.stage"),
                       "workload.slow_gpu.stage: %u; expected one of the stages 0 to %u",
                       workload->slow_stage, stages - 1);
    }
}

static void check_sites(const struct checker *checker)
{
    const struct training_workload *workload = &checker->scenario->training;
    bool several = checker->scenario->cluster.sites.count > 1;
    if (workload->inner_steps > 1 && !several) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.inner_steps"),
                       "workload.inner_steps: steps between two exchanges of sites, and there is "
                       "one; set cluster.sites.count, or leave it out");
    }
    if (several && workload->batches.growth > 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.batch_schedule"),
                       "workload.batch_schedule: not with several cluster.sites yet; leave one of "
                       "them out");
    }
}

static void check_growth(const struct checker *checker)
{
    const struct training_workload *workload = &checker->scenario->training;
    const struct batch_schedule *batches = &workload->batches;
    const char *path = "workload.batch_schedule";
    bool to_loss = workload->target_loss > 0.0 && workload->tokens <= 0.0;
    bool local = batches->critical == BATCH_CRITICAL_LOCAL;
    if (batches->growth > 1 && !to_loss && !local) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: how many steps a batch takes is known of a run to a loss; expected "
                       "workload.target_loss, and no workload.tokens; or critical: local",
                       path);
    }
    if (batches->growth > 1 && local && workload->target_loss <= 0.0 && workload->tokens <= 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: the batch grows with the tokens of a run; expected workload.tokens or "
                       "workload.target_loss",
                       path);
    }
    if (batches->growth > 1 && local && batches->share > 1.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.batch_schedule.share"),
                       "%s.share: %g of the local critical batch costs tokens that its source "
                       "(arXiv 2505.23971) does not say; expected 1 or less",
                       path, batches->share);
    }
    if (batches->growth <= 1 && (local || batches->from_tokens > 0)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: a batch that stays follows no critical one; set growth, such as 2, or "
                       "leave this out",
                       path);
    }
    if (batches->growth > 1 && workload->schedule_file != NULL) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: a schedule in a file has one number of micro-batches; name one by its "
                       "kind, such as interleaved",
                       path);
    }
}

static void check_paths(const struct checker *checker)
{
    const struct paths *paths = &checker->scenario->training.paths;
    unsigned sites = checker->scenario->cluster.sites.count, count = outer_paths(paths);
    const char *path = "workload.paths";
    if (paths->levels > 0 && (count != sites || paths->modules < 2)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: %u levels of %u modules are %u paths, and there are %u "
                       "cluster.sites; expected a site for each path, of two modules or more",
                       path, paths->levels, paths->modules, count, sites);
    } else if (paths->levels == 0 && (paths->modules > 1 || paths->own > 0.0)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: without levels there is one path; set levels, or leave it out", path);
    }
}

static void check_galore(const struct checker *checker)
{
    const struct training_workload *workload = &checker->scenario->training;
    const struct software *software = &checker->scenario->software;
    const char *path = "workload.galore";
    if (workload->galore.rank == 0) {
        return;
    }
    if (software->training.svd_flops_per_second <= 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: %s does not say how fast singular value decompositions are; set "
                       "software.training.svd_rate, such as 0.6 TFLOP/s",
                       path, software->name);
    }
    if (workload->sharding == SHARDING_FSDP) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: with sharding: fsdp no rank has a whole gradient to project; expected "
                       "zero1, whose ranks take whole matrices each, or none",
                       path);
    }
    if (workload->adapter_rank > 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: adapters are low-rank themselves; leave adapter_rank or galore out",
                       path);
    }
}

/* A document has a token at least; and those of one step can be drawn in some seconds. */
static void check_documents(const struct checker *checker)
{
    static const double most_documents = 1e8;
    const struct training_workload *workload = &checker->scenario->training;
    const struct documents *documents = &workload->documents;
    const char *path = "workload.documents.mean";
    if (documents->mean_tokens <= 0.0 || workload->global_batch == 0) {
        return;
    }
    double number = documents_of_step(documents, workload->sequence_tokens, workload->global_batch);
    if (documents->mean_tokens < 1.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: %g tokens, and a document has one at least; expected 1 or more, or 0, "
                       "sequences that are whole",
                       path, documents->mean_tokens);
    } else if (number > most_documents) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: a step has %.3g documents of %g tokens, and at most %g are drawn; "
                       "expected %.3g tokens or more",
                       path, number, documents->mean_tokens, most_documents,
                       ceil(documents->mean_tokens * number / most_documents));
    }
}

static void check_layer_updates(const struct checker *checker)
{
    const struct training_workload *workload = &checker->scenario->training;
    const struct layout *layout = &checker->scenario->layout;
    const char *path = "workload.layer_updates";
    bool one = layout->pipeline == 1 && layout->data == 1 && layout->context == 1 &&
               workload->global_batch == workload->micro_batch;
    if (workload->layer_updates && (!one || workload->sharding == SHARDING_FSDP)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: a gradient that is to be summed over micro-batches, replicas or stages "
                       "cannot go at once; expected layout.pipeline, data and context 1, "
                       "global_batch as micro_batch, and sharding none or zero1",
                       path);
    }
}

static void check_goal(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    if (!isfinite(scenario_training_tokens(scenario))) {
        const struct scaling_law *law = scenario_scaling_law(scenario);
        double parameters =
            scenario_law_parameters(scenario, law) * scenario_effective_share(scenario, law);
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.target_loss"),
                       "workload.target_loss: %.4g is never reached by %.4g parameters under the "
                       "law '%s', which tends to %.4g with ever more tokens",
                       scenario->training.target_loss, parameters, scaling_law_name(law),
                       scaling_loss(law, parameters, 1e30));
    }
    check_budget(checker);
    check_growth(checker);
    check_sites(checker);
    check_slow_gpu(checker);
    check_paths(checker);
    check_galore(checker);
    check_layer_updates(checker);
    check_documents(checker);
}

static double fullest_total(const struct training *training, struct cell *cells)
{
    struct training_memory memory = training_fullest_memory(training, NULL, cells);
    return training_memory_total(&memory);
}

/* What would lower a memory of so many bytes by more than a hundredth, besides more ranks. */
static const char *memory_advice(const struct training *training, struct cell *cells, double bytes)
{
    struct training recomputed = *training, sharded = *training;
    recomputed.recompute = RECOMPUTE_FULL;
    sharded.sharding = training->sharding == SHARDING_NONE ? SHARDING_ZERO1 : SHARDING_FSDP;
    bool recompute = fullest_total(&recomputed, cells) < 0.99 * bytes;
    bool shard = fullest_total(&sharded, cells) < 0.99 * bytes;
    return shard && recompute ? ", shard or recompute more"
           : shard            ? ", shard more"
           : recompute        ? ", recompute more"
                              : "";
}

static void check_host_memory(const struct checker *checker, const struct training *training,
                              struct cell *cells)
{
    const struct cluster *cluster = &checker->scenario->cluster;
    double most = training_host_bytes(training, cells);
    if (!training_host_has_room(training, most)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.offload"),
                       "workload.offload: %s a GPU are more than the %s that a node's host has for "
                       "its %u GPUs (cluster.host_memory); offload less",
                       quantity_bytes(most).text, quantity_bytes(cluster->host_memory_bytes).text,
                       cluster->gpus_per_node);
    }
}

static void check_training_memory(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    struct training training = scenario_training(scenario);
    struct pipeline pipeline = training_pipeline(&training);
    struct cell *cells =
        ARENA_ARRAY(checker->arena, struct cell, pipeline_cell_count(training.schedule, &pipeline));
    uint32_t stage = 0;
    struct training_memory fullest = training_fullest_memory(&training, &stage, cells);
    check_host_memory(checker, &training, cells);
    double room = scenario->memory_fraction * scenario->gpu.memory_bytes;
    double missing = training_memory_total(&fullest) - room;
    if (missing > 0.0) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "layout"),
            "layout: stage %u (of 0 to %u) does not fit the memory by %s a GPU: it needs %s of "
            "parameters, %s of gradients, %s of optimizer and %s of activations (%u passes in "
            "flight), and %s of %s may be used (memory.fraction); raise layout.tensor, "
            "layout.pipeline or layout.context%s",
            stage, pipeline.stages - 1, quantity_bytes(missing).text,
            quantity_bytes(fullest.parameter_bytes).text,
            quantity_bytes(fullest.gradient_bytes).text,
            quantity_bytes(fullest.optimizer_bytes).text,
            quantity_bytes(fullest.activation_bytes).text, fullest.passes_in_flight,
            quantity_bytes(room).text, quantity_bytes(scenario->gpu.memory_bytes).text,
            memory_advice(&training, cells, training_memory_total(&fullest)));
    }
}

/* Only a run that is interrupted asks for checkpoints. */
static void check_checkpoint(const struct checker *checker)
{
    const struct failure_settings *failures = &checker->scenario->training.failures;
    const struct cluster *cluster = &checker->scenario->cluster;
    if (failures->cause_count > 0 && failures->checkpoint_seconds <= 0.0 &&
        cluster->storage_bytes_per_second <= 0.0 && cluster->node_storage_bytes_per_second <= 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.failures.checkpoint"),
                       "workload.failures.checkpoint: 0 is as long as writing its bytes takes, but "
                       "the cluster '%s' does not say how fast its storage is; set "
                       "cluster.storage_rate, such as 2 TB/s, or a time, such as 30 s",
                       cluster->name);
    }
}

void check_training_step(const struct checker *checker)
{
    check_schedule_file(checker);
    check_batch(checker);
    check_predicted(checker);
    check_beside(checker);
    check_stages(checker);
    check_goal(checker);
    check_checkpoint(checker);
}

static void check_sums(const struct checker *checker)
{
    check_training_step(checker);
    if (diagnostics_error_count(checker->diagnostics) == 0 && !checker->scenario->layout_is_open) {
        check_training_memory(checker);
    }
}

const struct workload_checks training_checks = {.name = "training", .check_sums = check_sums};
