/* SPDX-License-Identifier: MIT
 * Streams inside the model (speculative streaming, arXiv 2402.11131): in its last layers each token
 * that is verified has `tokens` more beside it, which become the next guesses. They see the cache
 * and leave nothing in it; there is no drafter. */
#include "models/architecture/draft.h"
#include "sim/scenario/proposers.h"

static void draft(const struct llm *llm, const struct speculation *says, struct llm *draft)
{
    llm_draft(llm, says->layers, 0, false, draft);
}

static void check(const struct checker *checker, const char *path)
{
    const struct scenario *scenario = checker->scenario;
    uint32_t layers = scenario->serving.service.speculation.layers;
    if (scenario->llm.stack.layers > 0 && layers > scenario->llm.stack.layers) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s.layers: %u, and the model has %u", path, layers,
                       scenario->llm.stack.layers);
    }
}

const struct proposer proposer_streams = {
    .name = "streams", .draft = draft, .check = check, .is_inside = true};
