/* SPDX-License-Identifier: MIT */
#include "sim/scenario/context_checks.h"

/* `most` of lengths whose tail nobody cut (serving_table.c). */
static const uint64_t uncut = 1000000;

static uint64_t longest(enum length_kind kind, const struct length *length)
{
    switch (kind) {
    case LENGTH_FIXED:
        return length->tokens;
    case LENGTH_UNIFORM:
        return length->most;
    case LENGTH_EXPONENTIAL:
    case LENGTH_LOGNORMAL:
        return length->most < uncut ? length->most : (uint64_t)length->mean;
    case LENGTH_EMPIRICAL:
    case LENGTH_KIND_COUNT:
        break;
    }
    return 0;
}

static void check_service(const struct checker *checker, uint64_t context)
{
    const struct serving *serving = &checker->scenario->serving;
    if (serving_reads_requests(serving)) {
        return;
    }
    uint64_t prompt = longest(serving->prompt_kind, &serving->prompt);
    uint64_t output = longest(serving->output_kind, &serving->output);
    if (prompt + output > context) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.lengths"),
                       "workload.lengths: requests of up to %llu + %llu tokens, and the model was "
                       "made for %llu (model.context); engines refuse them. Shorten them, or raise "
                       "model.context",
                       (unsigned long long)prompt, (unsigned long long)output,
                       (unsigned long long)context);
    }
}

static void check_conversation(const struct checker *checker, uint64_t context)
{
    const struct conversation *conversation = &checker->scenario->conversation;
    uint64_t tokens = conversation->cached_tokens;
    for (size_t i = 0; i < conversation->turn_count; i++) {
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

void context_check(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    uint64_t context = scenario->llm.context;
    if (context > 0 && scenario->workload == WORKLOAD_SERVING) {
        check_service(checker, context);
    } else if (context > 0 && scenario->workload == WORKLOAD_CONVERSATION) {
        check_conversation(checker, context);
    }
}
