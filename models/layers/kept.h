/* SPDX-License-Identifier: MIT
 * What a layer's forward pass keeps for its backward pass, part by part: a table that each kind of
 * mixer and block fills, tensor by tensor, with which recomputation leaves each. Checked to the
 * byte against PyTorch's own storages (tests/validation/memory). Pure. */
#ifndef CPSIM_MODELS_LAYERS_KEPT_H
#define CPSIM_MODELS_LAYERS_KEPT_H

#include "models/layers/training_choices.h"

#include <stdint.h>

enum kept_part {
    KEPT_INPUT,
    KEPT_NORMS,
    KEPT_COLLECTIVES,
    KEPT_QKV,
    KEPT_ROPE,
    KEPT_ATTENTION,
    KEPT_OUT,
    KEPT_RESIDUAL,
    KEPT_GATE_UP,
    KEPT_ACTIVATION,
    KEPT_DOWN,
    KEPT_ROUTER,
    KEPT_DISPATCH,
    KEPT_EXPERTS,
    KEPT_PART_COUNT
};

struct kept_row {
    const char *name; /* "input" */
    const char *doc;  /* what it is, and which gradient wants it */
};
extern const struct kept_row kept_rows[KEPT_PART_COUNT];

/* Which recomputations leave a tensor: that of nothing, of the core attention, of all that
 * torchtitan's list of operators does not have; of the whole layer leaves its input alone. */
enum kept_under {
    UNDER_NONE = 1,
    UNDER_ATTENTION = 2,
    UNDER_OPERATORS = 4,
    UNDER_PLAIN = UNDER_NONE | UNDER_ATTENTION, /* neither core nor listed */
    UNDER_LISTED = UNDER_PLAIN | UNDER_OPERATORS,
    UNDER_ALL = 15,
    CHEAP_AGAIN = 16 /* RECOMPUTE_CHEAP does not leave it, as all else that nothing is recomputed
                        leaves */
};

struct kept {
    enum recompute recompute;            /* what is computed again; not RECOMPUTE_SELECTIVE */
    double token_bytes[KEPT_PART_COUNT]; /* of a token, on one rank */
    double layer_bytes;                  /* besides, whatever the tokens */
    double sequence_bytes;               /* of a sequence's token, once for all sequences */
};

/* Adds bytes of a token, unless they are computed again; and to the others. */
void kept_add(struct kept *kept, enum kept_part part, unsigned under, double token_bytes);
void kept_add_layer(struct kept *kept, unsigned under, double bytes);
void kept_add_sequence(struct kept *kept, unsigned under, double bytes);

double kept_token_bytes(const struct kept *kept);

#endif
