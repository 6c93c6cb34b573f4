/* SPDX-License-Identifier: MIT
 * In which format each class of tensor is kept and computed. */
#ifndef CPSIM_MODELS_PRECISION_H
#define CPSIM_MODELS_PRECISION_H

#include "models/format.h"

struct number {
    enum format format;
    enum scaling scaling;
};

struct precision {
    struct number attention_weights; /* query, key, value and output projections */
    struct number ffn_weights;
    struct number embedding; /* embedding and output head */
    enum format activations; /* the residual stream and what collectives carry */
    enum format kv_cache;
    unsigned edge_layers_high; /* so many first and so many last layers keep 16-bit weights */
};

#endif
