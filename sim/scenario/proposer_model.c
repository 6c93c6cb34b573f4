/* SPDX-License-Identifier: MIT
 * A smaller model of the same tokens (arXiv 2211.17192, 2302.01318), whose cache lies beside. */
#include "sim/scenario/proposers.h"

static void check(const struct checker *checker, const char *path)
{
    const struct llm *llm = &checker->scenario->llm;
    const struct llm *draft = &checker->scenario->serving.service.speculation.draft;
    if (llm->vocabulary > 0 && draft->vocabulary > 0 && llm->vocabulary != draft->vocabulary) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s.model: it knows %u tokens, and the model that verifies %u; expected one "
                       "of the same vocabulary",
                       path, draft->vocabulary, llm->vocabulary);
    }
}

const struct proposer proposer_model = {
    .name = "draft-model", .check = check, .own_ends = true, .looks_ahead = true};
