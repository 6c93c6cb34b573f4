/* SPDX-License-Identifier: MIT
 * What the laws of quality_law.h say of a model kept in a precision. The law knows bits, of
 * integers with a scale a channel: floating-point formats, blocks and methods of quantisation are
 * not told apart. Where classes of weights differ, each counts by its parameters (the law has one
 * number of bits for all weights: that is ours, not the paper's). Pure. */
#ifndef CPSIM_MODELS_LAWS_QUALITY_PRECISION_H
#define CPSIM_MODELS_LAWS_QUALITY_PRECISION_H

#include "models/architecture/llm.h"
#include "models/architecture/precision.h"
#include "models/laws/quality_law.h"

#include <stdint.h>

/* How a model was trained. */
struct quality_training {
    uint64_t tokens;     /* 0: not said, and nothing is predicted */
    enum format trained; /* weights, activations and cache alike */
    double weight_bits;  /* that weights are narrowed to; 0: those of their formats */
};

struct quality_question quality_question_of(const struct llm *llm,
                                            const struct precision *precision,
                                            const struct quality_training *training);

/* Elements that share a scale in the feed-forward weights of one layer; 0: there are no scales. */
double quality_block_elements(const struct llm *llm, const struct precision *precision);

#endif
