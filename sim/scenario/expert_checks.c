/* SPDX-License-Identifier: MIT */
#include "sim/scenario/expert_checks.h"

#include "models/kernels/experts_placement.h"
#include "models/layers/exchange.h"
#include "models/passes/memory.h"
#include "sim/base/quantity.h"
#include "sim/scenario/replica.h"

#include <math.h>

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

struct experts scenario_experts(const struct scenario *scenario)
{
    return fewest_experts(&scenario->llm).experts;
}

/* --- routing --- */

static void check_file(const struct checker *checker)
{
    const struct routing_keys *keys = &checker->scenario->routing_keys;
    bool measured = keys->routing.kind == ROUTING_MEASURED;
    if (measured && keys->file == NULL) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.kind"),
                       "routing.kind: measured loads are in a file; say which with routing.file");
    } else if (!measured && keys->file != NULL) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.file"),
                       "routing.file: only kind 'measured' reads it; leave it out");
    }
}

/* Copies of experts: as many on every rank, and the nodes' groups whole. */
static void check_copies(const struct checker *checker, struct experts experts)
{
    const struct routing *routing = &checker->scenario->routing_keys.routing;
    unsigned parts = layout_experts(&checker->scenario->layout);
    unsigned copies = experts.count + routing->redundant;
    if (routing->redundant > 0 && parts == 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.redundant"),
                       "routing.redundant: every rank has a part of every expert; copies need "
                       "layout.expert above 1");
    } else if (routing->redundant > 0 && copies % parts != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.redundant"),
                       "routing.redundant: %u experts and %u copies do not go over the %u parts of "
                       "layout.expert; expected %u or %u",
                       experts.count, routing->redundant, parts, routing->redundant / parts * parts,
                       (routing->redundant / parts + 1) * parts);
    }
    bool known = routing->kind == ROUTING_POWER_LAW || routing->kind == ROUTING_MEASURED;
    if (known && routing->redundant > 0 && routing->placement == PLACEMENT_DEALT) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "routing.redundant"),
            "routing.redundant: copies go where routing.placement says; expected eplb or "
            "eplb-node");
    }
    if (routing->placement == PLACEMENT_TOGETHER && routing->kind != ROUTING_MEASURED) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.placement"),
                       "routing.placement: grace puts experts together that tokens choose "
                       "together; expected routing.kind: measured with a file of their choices");
        return;
    }
    if (routing->placement == PLACEMENT_TOGETHER && experts.count % parts != 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.expert"),
                       "layout.expert: %u ranks do not divide the model's %u experts, of which "
                       "grace puts as many on each before it adds copies",
                       parts, experts.count);
    }
    if (known && copies > EXPERTS_MOST && routing->placement != PLACEMENT_DEALT) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.redundant"),
                       "routing.redundant: %u experts and copies; at most %u can be placed", copies,
                       EXPERTS_MOST);
    }
    if (!known && is_written(checker, "routing.placement") &&
        routing->placement != PLACEMENT_DEALT) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.placement"),
                       "routing.placement: loads of this kind are all alike; leave it out");
    }
    if (routing->placement == PLACEMENT_EPLB_NODE && experts.groups == 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.placement"),
                       "routing.placement: %s has no groups of experts to keep in a node "
                       "(model.experts_groups); expected eplb",
                       checker->scenario->llm.name);
    }
}

static void check_nearest(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct experts_exchange *exchange = &scenario->software.exchange;
    if (!scenario->routing_keys.routing.nearest) {
        return;
    }
    bool once = exchange_library(exchange, exchange->prompts) != NULL ||
                exchange_library(exchange, exchange->decode) != NULL;
    if (scenario->routing_keys.routing.redundant == 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.nearest"),
                       "routing.nearest: there is one copy of each expert; set routing.redundant");
    } else if (!once) {
        DIAGNOSE_ERROR(
            checker->diagnostics, mark_of(checker, "routing.nearest"),
            "routing.nearest: the exchange '%s' sends every token everywhere or a row to "
            "each expert at one rate; expected software.exchange: deepep",
            exchange->name);
    }
}

static void check_capacity(const struct checker *checker)
{
    double capacity = checker->scenario->routing_keys.routing.capacity;
    if (!(capacity > 0.0)) {
        return;
    }
    if (checker->scenario->workload != WORKLOAD_TRAINING) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.capacity"),
                       "routing.capacity: engines drop no token, trainers may; leave it out");
    } else if (capacity < 1.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.capacity"),
                       "routing.capacity: with %g of an even share tokens are dropped whatever "
                       "their routing; expected 1 or more, or 0: dropless",
                       capacity);
    }
}

static void check_routing(const struct checker *checker)
{
    struct experts experts = scenario_experts(checker->scenario);
    check_capacity(checker);
    if (!is_known(checker, "routing.kind")) {
        return;
    }
    check_file(checker);
    if (experts.count > 0) {
        check_copies(checker, experts);
        check_nearest(checker);
    }
    bool grouped = experts.groups > 0;
    if (grouped && (experts.count % experts.groups != 0 || experts.groups_per_token == 0 ||
                    experts.groups_per_token > experts.groups)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "model.experts_groups"),
                       "model.experts_groups: %u experts in %u groups, %u of them for a token; "
                       "expected groups of as many experts each, and 1 to all of them",
                       experts.count, experts.groups, experts.groups_per_token);
    }
}

/* --- layout --- */

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
    check_routing(checker);
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
    if (ffn.experts.count % parts != 0 && scenario->routing_keys.routing.redundant == 0) {
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

bool check_room_for_copies(const struct checker *checker, double missing_bytes)
{
    struct replica with = scenario_replica(checker->scenario), without = with;
    without.routing.redundant = 0;
    double bytes = memory_weight_bytes(&with) - memory_weight_bytes(&without);
    if (with.routing.redundant == 0 || missing_bytes <= 0.0 || bytes < missing_bytes) {
        return true;
    }
    DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "routing.redundant"),
                   "routing.redundant: %u copies of experts take %s of a GPU, and %s are missing; "
                   "expected fewer, or more GPUs in layout.expert",
                   with.routing.redundant, quantity_bytes(bytes).text,
                   quantity_bytes(missing_bytes).text);
    return false;
}
