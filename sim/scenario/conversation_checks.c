/* SPDX-License-Identifier: MIT */
#include "sim/base/quantity.h"
#include "sim/scenario/expert_checks.h"
#include "sim/scenario/replica.h"
#include "sim/scenario/workload_checks.h"

/* Longer than the positions that the model was made for. */
static void check_context(const struct checker *checker)
{
    const struct conversation *conversation = &checker->scenario->conversation;
    uint64_t tokens = conversation->cached_tokens, context = checker->scenario->llm.context;
    for (size_t i = 0; context > 0 && i < conversation->turn_count; i++) {
        tokens += conversation->turns[i].prompt_tokens + conversation->turns[i].output_tokens;
        if (tokens > context) {
            diagnostics_add(checker->diagnostics, SEVERITY_WARNING,
                            mark_of(checker, "workload.turns"),
                            "workload.turns: after turn %zu the conversation has %llu tokens, and "
                            "the model was made for %llu (model.context)",
                            i + 1, (unsigned long long)tokens, (unsigned long long)context);
            return;
        }
    }
}

static void check(const struct checker *checker)
{
    if (checker->scenario->layout.pipeline > 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout.pipeline"),
                       "layout.pipeline: must be 1 for a conversation; to share the layers over "
                       "more GPUs, raise tensor");
    }
    check_context(checker);
}

static void keep_fuller(struct memory_use *fullest, size_t *fullest_turn, struct memory_use use,
                        size_t turn)
{
    if (memory_total_bytes(&use) > memory_total_bytes(fullest)) {
        *fullest = use;
        *fullest_turn = turn;
    }
}

/* The fullest moment of a conversation: the end of a turn's prefill, or of its answer. */
static void check_memory(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    const struct conversation *conversation = &scenario->conversation;
    struct memory_use fullest = {0};
    size_t fullest_turn = 0;
    uint64_t cached = conversation->cached_tokens;
    for (size_t i = 0; i < conversation->turn_count; i++) {
        const struct turn *turn = &conversation->turns[i];
        enum ring_variant variant =
            scenario_ring_answer(scenario, turn->prompt_tokens, cached).variant;
        keep_fuller(&fullest, &fullest_turn,
                    scenario_prefill_memory(scenario, turn->prompt_tokens, cached, variant), i);
        cached += turn->prompt_tokens + turn->output_tokens;
        /* The last token of the answer is a step like a prefill of one. */
        variant = ring_decode_variant(scenario->ring_rule, scenario->layout.context);
        keep_fuller(&fullest, &fullest_turn,
                    scenario_prefill_memory(scenario, 1, cached - 1, variant), i);
    }
    double room = scenario->memory_fraction * scenario->gpu.memory_bytes;
    double missing = memory_total_bytes(&fullest) - room;
    if (missing > 0.0 && check_room_for_copies(checker, missing)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "layout"),
                       "layout: does not fit the memory by %s a GPU: turn %zu needs %s of weights, "
                       "%s of KV cache and %s of activations, and %s of %s may be used "
                       "(memory.fraction); raise layout.tensor or layout.context, or lower the "
                       "precision",
                       quantity_bytes(missing).text, fullest_turn + 1,
                       quantity_bytes(fullest.weight_bytes).text,
                       quantity_bytes(fullest.kv_cache_bytes).text,
                       quantity_bytes(fullest.activation_bytes).text, quantity_bytes(room).text,
                       quantity_bytes(scenario->gpu.memory_bytes).text);
    }
}

const struct workload_checks conversation_checks = {
    .name = "a conversation", .check = check, .check_sums = check_memory};
