/* SPDX-License-Identifier: MIT */
#include "sim/scenario/expert_checks.h"

#include "models/layers/exchange.h"

/* The fewest experts of a layer that has any, and the narrowest of them; 0: no layer has. */
static struct ffn fewest_experts(const struct llm *llm)
{
    struct ffn fewest = {.experts = {.count = 0}};
    for (uint32_t i = 0; i < llm->stack.kind_count; i++) {
        const struct ffn *ffn = &llm->stack.kinds[i].ffn;
        bool fewer = fewest.experts.count == 0 || ffn->experts.count < fewest.experts.count;
        if (ffn->kind == FFN_EXPERTS && fewer) {
            fewest = *ffn;
        }
    }
    return fewest;
}

/* In inference: over a replica's tensor x attention_data ranks of a stage. */
static void check_inference_layout(const struct checker *checker, const struct ffn *ffn)
{
    const struct scenario *scenario = checker->scenario;
    const struct layout *layout = &scenario->layout;
    unsigned parts = layout_experts(layout), sharers = layout_attention_data(layout);
    unsigned ranks = layout->tensor * sharers;
    if (ranks % parts != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.expert"),
                       "layout.expert: %u parts of the experts do not go over the %u GPUs of "
                       "tensor %u x attention_data %u; expected a divisor of %u",
                       parts, ranks, layout->tensor, sharers, ranks);
        return;
    }
    if (ffn->hidden % (ranks / parts) != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout"),
                       "layout: cuts each expert over %u GPUs (tensor %u x attention_data %u / "
                       "expert %u), which do not divide its width, %u; raise layout.expert",
                       ranks / parts, layout->tensor, sharers, parts, ffn->hidden);
    }
    const struct experts_exchange *exchange = &scenario->software.exchange;
    bool whole = exchange_rows[exchange->prompts]->whole_experts ||
                 exchange_rows[exchange->decode]->whole_experts;
    if (sharers > 1 && parts != ranks && whole) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.expert"),
                       "layout.expert: the exchange '%s' sends tokens to the GPU that has an "
                       "expert whole; expected %u (tensor %u x attention_data %u), or software "
                       "with the exchange all-gather",
                       exchange->name, ranks, layout->tensor, sharers);
    }
}

/* In training: over tensor ranks, or all tensor and context ranks of so many replicas. */
static void check_training_layout(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct layout *layout = &scenario->layout;
    unsigned parts = layout_experts(layout), ranks = layout->tensor * layout->context;
    if (parts <= layout->tensor) {
        if (parts > 1 && layout->tensor != parts) {
            DIAGNOSE_ERROR(
                checker->diagnostics, mark_of(checker, "layout.expert"),
                "layout.expert: %u of the %u tensor ranks; in training experts are whole "
                "on ranks or cut over all tensor ranks: expected 1, %u or a multiple of "
                "tensor x context",
                parts, layout->tensor, layout->tensor);
        }
    } else if (parts % ranks != 0 || layout->data % (parts / ranks) != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.expert"),
                       "layout.expert: %u GPUs are no whole number of replicas of tensor %u x "
                       "context %u that divides the %u of layout.data",
                       parts, layout->tensor, layout->context, layout->data);
    }
    if (parts > 1 && layout->tensor > 1 && !scenario->training.sequence_parallel) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.expert"),
                       "layout.expert: tensor ranks must have tokens of their own to send; set "
                       "workload.sequence_parallel");
    }
}

/* Ranks with requests of their own run in step; batches of a pipeline each have a time of their
 * own.
 */
static void check_service(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    if (scenario->workload == WORKLOAD_SERVING && scenario->layout.pipeline > 1 &&
        layout_attention_data(&scenario->layout) > 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.pipeline"),
                       "layout.pipeline: must be 1 with attention_data in a service: its ranks "
                       "begin every step together, and a stage's batches do not; expected more "
                       "attention_data or expert ranks instead");
    }
}

void check_expert_layout(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct layout *layout = &scenario->layout;
    unsigned parts = layout_experts(layout);
    bool spreads = parts > 1 || layout_attention_data(layout) > 1;
    if (!spreads || layout->tensor == 0 || layout->context == 0 || !is_known(checker, "workload")) {
        return;
    }
    struct ffn ffn = fewest_experts(&scenario->llm);
    const char *key = parts > 1 ? "layout.expert" : "layout.attention_data";
    if (ffn.experts.count == 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, key),
                       "%s: %s has no experts to share; expected 1, more GPUs are layout.data", key,
                       scenario->llm.name);
        return;
    }
    if (ffn.experts.count % parts != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.expert"),
                       "layout.expert: %u does not divide the model's %u experts", parts,
                       ffn.experts.count);
    }
    if (scenario->workload == WORKLOAD_TRAINING) {
        check_training_layout(checker);
    } else {
        check_inference_layout(checker, &ffn);
        check_service(checker);
    }
    unsigned gpus = scenario->cluster.gpus_per_node;
    unsigned group = scenario->workload == WORKLOAD_TRAINING
                         ? layout->tensor * layout->context * layout_sharers(layout)
                         : layout->tensor * layout->context * layout_attention_data(layout);
    if (gpus > 0 && group % gpus != 0 && gpus % group != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, key),
                       "%s: the %u GPUs that share experts neither divide the %u of a node nor "
                       "fill whole nodes",
                       key, group, gpus);
    }
}
