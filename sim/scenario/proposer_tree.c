/* SPDX-License-Identifier: MIT
 * The same head as eagle's, which follows several branches at once (EAGLE-2, arXiv 2406.16858): of
 * the tree that they make the likeliest nodes are verified, all in one step, each seeing its own
 * branch alone. */
#include "models/architecture/draft.h"
#include "sim/scenario/proposers.h"

static void draft(const struct llm *llm, const struct speculation *says, struct llm *draft)
{
    llm_draft(llm, says->layers, 2, true, draft);
}

static void check(const struct checker *checker, const char *path)
{
    const struct speculation *says = &checker->scenario->serving.service.speculation;
    uint64_t most = says->width; /* its first level, then width of each of width a level */
    most += says->tokens > 1 ? (says->tokens - 1ULL) * says->width * says->width : 0;
    if (says->tokens > 0 && (says->nodes < says->tokens || says->nodes > most)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s.nodes: a tree of %u levels with %u branches has %u to %llu nodes to "
                       "verify, and this says %u",
                       path, says->tokens, says->width, says->tokens, (unsigned long long)most,
                       says->nodes);
    }
}

const struct proposer proposer_tree = {
    .name = "tree", .draft = draft, .check = check, .looks_ahead = true, .drops_last = true};
