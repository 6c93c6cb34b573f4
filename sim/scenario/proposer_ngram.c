/* SPDX-License-Identifier: MIT
 * What followed the last few tokens when they were said before (prompt lookup). The host looks it
 * up; a step that is scheduled ahead could not know it (vLLM runs its loop without, then). */
#include "sim/scenario/proposers.h"

const struct proposer proposer_ngram = {.name = "ngram", .synchronous = true};
