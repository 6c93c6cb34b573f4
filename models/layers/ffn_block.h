/* SPDX-License-Identifier: MIT
 * Up, activation, down: what dense blocks, experts and what they share are built of. Internal to
 * models/layers. */
#ifndef CPSIM_MODELS_LAYERS_FFN_BLOCK_H
#define CPSIM_MODELS_LAYERS_FFN_BLOCK_H

#include "models/layers/layer_rows.h"

struct ffn_block {
    const char *up, *down; /* names of its tensors */
    uint32_t inner;        /* elements between them */
    uint32_t cut;          /* ranks that have a part of it */
    bool gated;
    bool clamp;     /* before the activation */
    bool adds_bias; /* to what comes out, of experts */
};

void ffn_block_half(const struct replica *replica, const struct ffn_block *block,
                    const struct weight_list *list, struct half *half);

#endif
