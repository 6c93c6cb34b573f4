/* SPDX-License-Identifier: MIT */
#include "sim/scenario/training_setup.h"

#include "models/laws/batch_size.h"
#include "sim/scenario/documents.h"
#include "sim/scenario/schedule_file.h"

#include <math.h>

const struct scaling_law *scenario_scaling_law(const struct scenario *scenario)
{
    return &scaling_laws[scenario->training.law];
}

bool scenario_has_budget(const struct scenario *scenario)
{
    const struct compute_budget *budget = &scenario->training.budget;
    return budget->flop > 0.0 || budget->gpu_hours > 0.0 || budget->dollars > 0.0;
}

double scenario_law_parameters(const struct scenario *scenario, const struct scaling_law *law)
{
    double all = llm_weights(&scenario->llm);
    return law->without_embedding ? all - llm_embedding_weights(&scenario->llm) : all;
}

double scenario_effective_share(const struct scenario *scenario, const struct scaling_law *law)
{
    if (!law->by_precision) {
        return 1.0;
    }
    const struct quality_training training = {.trained = scenario->precision.activations};
    struct quality_bits bits =
        quality_question_of(&scenario->llm, &scenario->precision, &training).kept;
    bits.bits[QUALITY_KV_CACHE] = format_bits(scenario->precision.activations); /* none is kept */
    double share = 1.0;
    for (int i = 0; i < QUALITY_CLASS_COUNT; i++) {
        share *= quality_effective_share((enum quality_class)i, fmin(bits.bits[i], 16.0));
    }
    return share;
}

double scenario_training_tokens(const struct scenario *scenario)
{
    const struct training_workload *workload = &scenario->training;
    const struct scaling_law *law = scenario_scaling_law(scenario);
    double parameters = scenario_law_parameters(scenario, law);
    if (workload->budget.flop > 0.0) {
        return scaling_budget_tokens(workload->budget.flop, llm_weights(&scenario->llm),
                                     workload->budget.served_tokens);
    }
    if (workload->tokens > 0.0 || workload->target_loss <= 0.0) {
        return workload->tokens;
    }
    return scaling_tokens_to_loss(law, parameters * scenario_effective_share(scenario, law),
                                  workload->target_loss);
}

bool scenario_training_ends(const struct scenario *scenario)
{
    double tokens = scenario_training_tokens(scenario);
    return tokens > 0.0 && isfinite(tokens);
}

double scenario_critical_batch_tokens(const struct scenario *scenario)
{
    const double chinchilla_tokens = 20.0; /* a parameter: arXiv 2203.15556 */
    double parameters = llm_weights(&scenario->llm);
    double tokens = scenario_training_tokens(scenario);
    bool known = scenario_training_ends(scenario);
    return batch_critical_tokens(parameters, known ? tokens : chinchilla_tokens * parameters);
}

double scenario_training_steps(const struct scenario *scenario, const struct training *training,
                               double tokens, double *best_steps)
{
    const struct training_workload *workload = &scenario->training;
    double batch_tokens = training_step_tokens(training) * scenario->cluster.sites.count;
    *best_steps = 0.0;
    if (workload->target_loss <= 0.0 || workload->tokens > 0.0) {
        return tokens / batch_tokens;
    }
    *best_steps = tokens / ((double)BATCH_BEST_SEQUENCES * BATCH_SEQUENCE_TOKENS);
    struct batch_curve curve = batch_curve_from(
        scenario_critical_batch_tokens(scenario) / BATCH_SEQUENCE_TOKENS, *best_steps);
    return batch_curve_steps(curve, batch_tokens / BATCH_SEQUENCE_TOKENS);
}

static uint32_t critical_batch(const struct scenario *scenario)
{
    const struct training_workload *workload = &scenario->training;
    const struct layout *layout = &scenario->layout;
    double unit = (double)workload->micro_batch * layout->data * layout->pipeline;
    double wanted =
        scenario_critical_batch_tokens(scenario) / (double)workload->sequence_tokens / unit;
    return (uint32_t)(fmin(fmax(floor(wanted), 1.0) * unit, UINT32_MAX));
}

const struct pipeline_schedule *scenario_schedule(const struct training_workload *workload)
{
    return workload->schedule_file != NULL ? &workload->schedule_file->schedule
                                           : pipeline_schedules[workload->schedule];
}

struct training scenario_training(const struct scenario *scenario)
{
    const struct training_workload *workload = &scenario->training;
    return (struct training){
        .replica = {.llm = &scenario->llm,
                    .gpu = &scenario->gpu,
                    .cluster = &scenario->cluster,
                    .software = &scenario->software,
                    .layout = &scenario->layout,
                    .precision = &scenario->precision,
                    .routing = scenario->routing_keys.routing,
                    .exchange = scenario->software.exchange.prompts,
                    .splits_tokens = true},
        .global_batch =
            workload->global_batch > 0 ? workload->global_batch : critical_batch(scenario),
        .micro_batch = workload->micro_batch,
        .sequence_tokens = workload->sequence_tokens,
        .schedule = scenario_schedule(workload),
        .virtual_stages = workload->virtual_stages,
        .stage_lead = workload->stage_lead,
        .microbatch_group = workload->microbatch_group,
        .predicted = workload->predicted,
        .adapter_rank = workload->adapter_rank,
        .recompute = workload->recompute,
        .dropout = workload->dropout > 0.0,
        .sharding = workload->sharding,
        .context_exchange = workload->context_exchange,
        .pipeline_outside = workload->pipeline_outside,
        .sequence_parallel = workload->sequence_parallel && scenario->layout.tensor > 1,
        .keeps_gathered = !workload->reshard_after_forward,
        .overlap = workload->overlap,
        .overlap_experts = workload->overlap_experts,
        .slow_stage = workload->slow_stage,
        .stage_slowdown = workload->stage_slowdown,
        .offload = workload->offload,
        .galore = workload->galore,
        .paths = workload->paths,
        .layer_updates = workload->layer_updates,
        .jitter = scenario->jitter,
        .tensor_overlap = workload->tensor_overlap && scenario->layout.tensor > 1,
    };
}

void scenario_pack_documents(const struct scenario *scenario, struct arena *arena,
                             struct training *training)
{
    enum { MOST_STEPS = 16 }; /* that are drawn, one at least */
    static const double most_documents = 2e7;
    const struct documents *documents = &scenario->training.documents;
    uint32_t replicas = training->replica.layout->data, batch = training->global_batch;
    if (documents->mean_tokens <= 0.0) {
        return;
    }
    double of_a_step = documents_of_step(documents, training->sequence_tokens, batch);
    double steps = fmin(fmax(floor(most_documents / of_a_step), 1.0), MOST_STEPS);
    struct document_shares shares = document_shares(
        documents, training->sequence_tokens, batch, replicas, scenario->seed, (uint32_t)steps,
        ARENA_ARRAY(arena, double, batch), ARENA_ARRAY(arena, double, replicas));
    training->mean_document_share = shares.mean;
    training->document_share = shares.most;
}
