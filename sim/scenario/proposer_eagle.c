/* SPDX-License-Identifier: MIT
 * A layer or a few that continue the model's own features (EAGLE, arXiv 2401.15077): the embedding
 * of the last token and a feature are joined by a product. Heads like it differ in what they join.
 */
#include "models/architecture/draft.h"
#include "sim/scenario/proposers.h"

static void draft(const struct llm *llm, const struct speculation *says, struct llm *draft)
{
    llm_draft(llm, says->layers, 2, true, draft);
}

const struct proposer proposer_eagle = {
    .name = "eagle", .draft = draft, .looks_ahead = true, .drops_last = true};
