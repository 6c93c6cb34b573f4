/* SPDX-License-Identifier: MIT
 * A model as a stack of layers of a few kinds. A kind is one mixer (two, where attention and a
 * state run side by side) and one feed-forward block. Everything that asks a model something asks
 * its layers. Pure; nothing is owned. */
#ifndef CPSIM_MODELS_ARCHITECTURE_STACK_H
#define CPSIM_MODELS_ARCHITECTURE_STACK_H

#include "models/architecture/ffn.h"
#include "models/architecture/mixer.h"

/* How a layer's halves are joined to the residual stream. */
enum residual {
    RESIDUAL_PLAIN,
    RESIDUAL_PARALLEL, /* both halves read one norm and are added together: one exchange */
    RESIDUAL_HYPER /* several streams, mixed before and after each half (mHC, arXiv 2512.24880) */
};

enum { LAYER_MAX_MIXERS = 2, STACK_MAX_KINDS = 24, LAYER_MAX_BRANCHES = 2 };

struct layer_kind {
    const char *name; /* "full", "sliding", "linear", ...: what the model file calls it */
    struct mixer mixers[LAYER_MAX_MIXERS];
    uint32_t mixer_count;
    struct ffn ffn;
    struct ffn beside; /* a dense block run beside experts and added (Arctic, Gemma 4); FFN_NONE */
    enum residual residual;
    uint32_t streams;     /* with RESIDUAL_HYPER */
    bool streams_unmixed; /* they are read and written, but not mixed with each other */
    uint32_t norms;   /* norm vectors of `hidden` elements: 2, or 4 with norms after each half */
    bool norm_bias;   /* LayerNorm: a bias as long as each */
    uint32_t scalars; /* learned scalars or vectors beside, elements (layer scales) */
    /* Products hidden -> rank -> hidden beside the halves (Gemma's per-layer inputs, LAuReL). */
    uint32_t branch_ranks[LAYER_MAX_BRANCHES]; /* 0: none */
    bool input_projection; /* hidden x hidden, of what shared blocks add (Zamba2) */
};

/* `repeat` times the kinds of a pattern, one after the other. */
struct layer_run {
    const uint32_t *kinds; /* [kind_count], indices of stack.kinds */
    uint32_t kind_count, repeat;
};

struct stack {
    uint32_t layers; /* in all: the first so many of the runs */
    struct layer_kind kinds[STACK_MAX_KINDS];
    uint32_t kind_count;
    const struct layer_run *runs; /* [run_count], from the first layer to the last */
    uint32_t run_count;           /* 0: every layer is of kind 0 */
};

/* The kind of layer `layer`. */
uint32_t stack_kind(const struct stack *stack, uint32_t layer);
/* Layers of one kind among layers [first, end). */
uint32_t stack_kind_layers(const struct stack *stack, uint32_t kind, uint32_t first, uint32_t end);
/* Layer `nth` (from 0) of one kind from layer `first` on; stack->layers when there are fewer. */
uint32_t stack_nth_layer(const struct stack *stack, uint32_t kind, uint32_t first, uint32_t nth);

/* The first multi-head or grouped-query attention of the stack, by which rules that know one kind
 * choose; NULL: it has none. */
const struct gqa *stack_attention(const struct stack *stack);

/* All tensors of a layer of a kind, norms included; what was on the list is gone. */
void layer_kind_weights(const struct layer_kind *kind, uint32_t hidden, struct weight_list *list);

#endif
