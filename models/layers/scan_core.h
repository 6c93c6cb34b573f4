/* SPDX-License-Identifier: MIT
 * What mixers that pass a state along the tokens do between their projections: a short convolution,
 * then chunks (prefill) or one step (decode). Tensor ranks share heads and channels. Context ranks:
 * in prefill each works on its own chunks from a state of zero, all gather what every chunk does to
 * a state, and each corrects its outputs; in decode a sequence's state lies on one rank, which
 * alone steps it. Internal to models/layers. Pure. */
#ifndef CPSIM_MODELS_LAYERS_SCAN_CORE_H
#define CPSIM_MODELS_LAYERS_SCAN_CORE_H

#include "models/kernels/scan.h"
#include "models/layers/layer_builder.h"
#include "models/layers/train_builder.h"

/* Of one rank. */
struct scan_core {
    const struct linear_kernels *family; /* of the software stack */
    uint32_t key_heads, value_heads, key_size, value_size;
    uint64_t channels; /* convolved; 0: none */
    uint32_t taps;
    bool transitions; /* a chunk multiplies the state with a matrix (delta rules), not a number */
};

void scan_core_convolve(struct layer_builder *builder, const struct scan_core *core,
                        const struct batch_slice *slice);
void scan_core_pass(struct layer_builder *builder, const struct scan_core *core,
                    const struct batch_slice *slice);
/* Both, of all slices. */
void scan_core_infer(struct layer_builder *builder, const struct scan_core *core);
void scan_core_train(struct train_builder *builder, const struct scan_core *core, bool backward);

/* Of a token: what goes into convolution and scan and comes out, elements. */
double scan_core_elements(const struct scan_core *core);

#endif
