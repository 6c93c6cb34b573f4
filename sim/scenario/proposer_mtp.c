/* SPDX-License-Identifier: MIT
 * The layer for multi-token prediction that a model was trained with (DeepSeek-V3, arXiv
 * 2412.19437, 2.2): one like its last, experts and all, behind a product that joins embedding and
 * feature. It is asked once for each token. */
#include "models/architecture/draft.h"
#include "sim/scenario/proposers.h"

static void draft(const struct llm *llm, const struct speculation *says, struct llm *draft)
{
    (void)says;
    llm_draft(llm, 1, 2, false, draft);
}

static void check(const struct checker *checker, const char *path)
{
    const struct llm *llm = &checker->scenario->llm;
    if (llm->stack.layers > 0 && llm->multi_token_prediction == 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: the model has no layer for multi-token prediction "
                       "(model.multi_token_prediction); try eagle, or a draft-model",
                       path);
    }
}

const struct proposer proposer_mtp = {
    .name = "mtp", .draft = draft, .check = check, .looks_ahead = true, .drops_last = true};
