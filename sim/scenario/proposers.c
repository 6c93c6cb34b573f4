/* SPDX-License-Identifier: MIT */
#include "sim/scenario/proposers.h"

#include "models/passes/memory.h"
#include "sim/scenario/llm_finish.h"
#include "sim/scenario/replica.h"

static const struct proposer *const proposers[PROPOSER_KIND_COUNT] = {
    [PROPOSER_NONE] = NULL,
    [PROPOSER_MODEL] = &proposer_model,
    [PROPOSER_EAGLE] = &proposer_eagle,
    [PROPOSER_MTP] = &proposer_mtp,
    [PROPOSER_NGRAM] = &proposer_ngram,
    [PROPOSER_TREE] = &proposer_tree,
    [PROPOSER_STREAMS] = &proposer_streams,
};

const struct proposer *proposer_of(const struct service *service)
{
    return proposers[service->proposer];
}

#define DRAFT_PATH "workload.service.speculation.model"

void speculation_expand(struct node *root)
{
    struct node *model = node_find(root, DRAFT_PATH);
    if (model != NULL && model->kind == NODE_MAPPING) {
        node_take(model, "precision"); /* the scenario's is for both */
    }
}

void speculation_finish(const struct field_context *context, struct node *root,
                        struct scenario *scenario)
{
    struct service *service = &scenario->serving.service;
    const struct proposer *proposer = proposer_of(service);
    const struct node *model = node_find(root, DRAFT_PATH);
    if (scenario->workload != WORKLOAD_SERVING || proposer == NULL) {
        return;
    }
    if (proposer->draft != NULL && scenario->llm.stack.layers > 0) {
        proposer->draft(&scenario->llm, &service->speculation, &service->speculation.draft);
    } else if (model != NULL && model->kind == NODE_MAPPING) {
        llm_finish(context, model, DRAFT_PATH, &service->speculation.draft);
    }
}

/* --- checks --- */

static void check_acceptance(const struct checker *checker, const char *path)
{
    const struct speculation *says = &checker->scenario->serving.service.speculation;
    if (says->acceptance_kind == ACCEPTANCE_POSITIONS &&
        says->acceptance.rate_count != says->tokens) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s.acceptance.rates: %zu rates for %u tokens; expected one each", path,
                       says->acceptance.rate_count, says->tokens);
    }
}

void speculation_check(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct service *service = &scenario->serving.service;
    const struct proposer *proposer = proposer_of(service);
    const char *path = "workload.service.speculation";
    if (proposer == NULL) {
        return;
    }
    if (service->speculation.acceptance_kind == ACCEPTANCE_FILE) {
        check_input_file(checker, "workload.service.speculation.acceptance.file",
                         service->speculation.acceptance.file);
    }
    const struct {
        bool wrong;
        const char *what, *fits;
    } limits[] = {
        {service->policy == BATCHING_STATIC, "with the policy 'static'", "vllm or sglang"},
        {service->mixed_chunk, "in prefills that decodes join", "mixed_chunk: false"},
        {service->two_batch_overlap, "in two halves", "two_batch_overlap: false"},
        {scenario->layout.pipeline > 1, "over pipeline stages",
         "layout.pipeline: 1 and more of "
         "layout.tensor"},
        {scenario->layout.context > 1, "over context ranks",
         "layout.context: 1 and more of layout.tensor"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].wrong) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                           "%s: speculative decoding %s is not modelled; expected %s", path,
                           limits[i].what, limits[i].fits);
        }
    }
    check_acceptance(checker, path);
    if (proposer->check != NULL) {
        proposer->check(checker, path);
    }
}

/* --- memory --- */

static bool has_draft(const struct scenario *scenario)
{
    return scenario->workload == WORKLOAD_SERVING &&
           scenario->serving.service.speculation.draft.stack.layers > 0 &&
           !proposer_of(&scenario->serving.service)->is_inside;
}

static struct replica draft_replica(const struct scenario *scenario)
{
    struct replica replica = scenario_replica(scenario);
    replica.llm = &scenario->serving.service.speculation.draft;
    return replica;
}

/* The layers alone, where embedding and head are the model's own. */
static struct model_stage draft_stage(const struct scenario *scenario)
{
    const struct service *service = &scenario->serving.service;
    bool ends = proposer_of(service)->own_ends;
    return (struct model_stage){
        .layers = service->speculation.draft.stack.layers, .embeds = ends, .heads = ends};
}

double speculation_weight_bytes(const struct scenario *scenario)
{
    if (!has_draft(scenario)) {
        return 0.0;
    }
    struct replica replica = draft_replica(scenario);
    struct model_stage stage = draft_stage(scenario);
    double hidden = replica.llm->hidden;
    double join = replica.llm->joined_inputs * hidden * hidden / scenario->layout.tensor *
                  format_bytes(scenario->precision.attention_weights.format);
    return memory_stage_weight_bytes(&replica, &stage) + join;
}

double speculation_token_bytes(const struct scenario *scenario, const struct layout *layout)
{
    if (!has_draft(scenario)) {
        return 0.0;
    }
    struct replica replica = draft_replica(scenario);
    replica.layout = layout;
    struct model_stage stage = draft_stage(scenario);
    return memory_stage_kv_bytes_per_token(&replica, &stage);
}
