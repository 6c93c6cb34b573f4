/* SPDX-License-Identifier: MIT
 * What a part of a model is made of: its tensors, once each, with how they are cut over tensor
 * ranks and in which class of number they are kept. Weights in all and of a token, bytes, FLOPs,
 * products, gradients and what is gathered come from this list. Pure. Elements. */
#ifndef CPSIM_MODELS_ARCHITECTURE_WEIGHTS_H
#define CPSIM_MODELS_ARCHITECTURE_WEIGHTS_H

#include "models/kernels/experts.h"

#include <stdbool.h>
#include <stdint.h>

/* Which number of a precision a tensor is kept in. */
enum weight_class {
    WEIGHT_PLAIN,     /* as the activations: routers, norms, biases, convolutions, decays */
    WEIGHT_ATTENTION, /* a mixer's projections */
    WEIGHT_FFN,       /* a feed-forward block's, experts' too */
    WEIGHT_CLASS_COUNT
};

/* How tensor ranks cut it. */
enum weight_split {
    SPLIT_NONE,    /* every rank holds all of it */
    SPLIT_COLUMNS, /* its outputs: each piece by whole heads */
    SPLIT_DEPTH    /* its inputs: the result is a sum over ranks */
};

/* Columns that are cut together: queries of a "qkv", the gate of a "gate+up". */
struct weight_piece {
    uint64_t columns;
    uint32_t heads; /* that a cut never splits; fewer than ranks are held by several. 0: any column
                       may be the first of a rank */
};

enum { WEIGHT_MAX_PIECES = 6, WEIGHT_LIST_MAX = 40 };

/* A product's [depth][columns], or with depth 1 a vector (norm, bias). */
struct weight {
    const char *name; /* "qkv", "out", "experts gate+up": a literal */
    enum weight_class class;
    enum weight_split split;
    struct weight_piece pieces[WEIGHT_MAX_PIECES]; /* the first with 0 columns ends them */
    uint64_t depth;
    uint32_t depth_heads;   /* as a piece's heads, with SPLIT_DEPTH */
    struct experts experts; /* count > 0: so many of them, a token is multiplied with per_token */
    bool product;           /* tokens are multiplied with it; otherwise it is added or scales */
    bool borrowed;          /* another layer owns it (shared blocks): it costs time, not memory */
};

struct weight_list {
    struct weight items[WEIGHT_LIST_MAX];
    uint32_t count;
};

/* Appends a copy. Asserts that there is room. */
void weights_add(struct weight_list *list, struct weight weight);
/* A vector of `columns` that every rank holds: a norm, a bias. */
void weights_vector(struct weight_list *list, const char *name, uint64_t columns);
/* A product that every rank holds whole and does by itself: small, or wanted whole. */
void weights_product(struct weight_list *list, const char *name, uint64_t columns, uint64_t depth);
/* The tensor of that name; NULL: the part has none. */
const struct weight *weights_find(const struct weight_list *list, const char *name);

/* Columns and depth that one of `ranks` tensor ranks holds. */
uint64_t weight_columns(const struct weight *weight, uint32_t ranks);
uint64_t weight_depth(const struct weight *weight, uint32_t ranks);
uint64_t weight_piece_columns(const struct weight *weight, uint32_t piece, uint32_t ranks);

/* Elements of the whole tensor, all its experts; and of those what a token meets. A borrowed one
 * has none of its own, and is met. */
double weight_elements(const struct weight *weight);
double weight_active_elements(const struct weight *weight);

#endif
