/* SPDX-License-Identifier: MIT
 * The rows of mixer_rows[], one a file, and what they share. Internal to models/architecture. */
#ifndef CPSIM_MODELS_ARCHITECTURE_MIXER_ROWS_H
#define CPSIM_MODELS_ARCHITECTURE_MIXER_ROWS_H

#include "models/architecture/mixer.h"

#define MIXER_ROW_OF(member, stem, name, sentence) extern const struct mixer_row mixer_##stem;
MIXERS(MIXER_ROW_OF)
#undef MIXER_ROW_OF

/* Pairs of queries and keys under a causal mask: arXiv 2411.01783, appendix A, halves T^2. */
double causal_pairs(double new_tokens, double cached_tokens);
/* The same where no query sees more than `window` keys (0: all): those of the first queries, which
 * see fewer, are a triangle. */
double window_pairs(double window, double new_tokens, double cached_tokens);

/* An indexer's tensors; its queries come from `depth` elements, its keys from `hidden`. */
void indexer_weights(const struct indexer *indexer, uint64_t depth, uint32_t hidden,
                     struct weight_list *list);
/* Marks those from `first` on, where the part is an earlier layer's. */
void mark_borrowed(struct weight_list *list, uint32_t first, bool borrowed);

#endif
