/* SPDX-License-Identifier: MIT
 * What each kind of mixer and of feed-forward block does in a layer: one row a kind, one file a
 * row (mixer_NAME.c, ffn_NAME.c). What they are made of is models/architecture's. Pure. */
#ifndef CPSIM_MODELS_LAYERS_LAYER_ROWS_H
#define CPSIM_MODELS_LAYERS_LAYER_ROWS_H

#include "models/layers/half.h"
#include "models/layers/kept.h"
#include "models/layers/layer_builder.h"
#include "models/layers/train_builder.h"

/* Both rows append to a half from after the norm to before the sum over tensor ranks; the layer
 * adds those. kept NULL: the kind cannot be trained yet. */
struct mixer_passes {
    void (*half)(const struct replica *replica, const struct mixer *mixer, struct half *half);
    /* The core: in inference, for all slices of the batch; in training, one way or the other. */
    void (*infer)(struct layer_builder *builder, const struct mixer *mixer);
    void (*train)(struct train_builder *builder, const struct mixer *mixer, bool backward);
    /* Of one rank, at once, in inference, for `tokens` of the rank. */
    double (*working_bytes)(const struct replica *replica, const struct mixer *mixer,
                            const struct batch *batch, enum ring_variant variant, double tokens);
    /* What is kept for the backward pass between norm and residual. */
    void (*kept)(const struct layer_training *training, const struct mixer *mixer,
                 struct kept *kept);
    /* Why context ranks cannot share it; NULL, or it gives NULL: they can. */
    const char *(*context_refusal)(const struct mixer *mixer);
};

struct ffn_passes {
    void (*half)(const struct replica *replica, const struct ffn *ffn, struct half *half);
    double (*working_bytes)(const struct replica *replica, const struct ffn *ffn, double tokens);
    void (*kept)(const struct layer_training *training, const struct ffn *ffn, struct kept *kept);
    bool trains; /* training has a program of it */
};

/* NULL: the kind has no program. */
extern const struct mixer_passes *const mixer_passes[MIXER_KIND_COUNT];
extern const struct ffn_passes *const ffn_passes[FFN_KIND_COUNT];

/* Whether a layer can run, in inference and in training. */
bool layer_kind_runs(const struct layer_kind *kind);
bool layer_kind_trains(const struct layer_kind *kind);
/* Why context ranks cannot share it; NULL: they can. */
const char *layer_context_refusal(const struct layer_kind *kind);
/* The host's time for a layer of the kind that it launches kernel by kernel, as far as its mixers
 * say; the layer ends no sooner. */
double layer_host_seconds(const struct replica *replica, const struct layer_kind *kind,
                          bool decode);

/* The halves of a layer: its mixers side by side, then its feed-forward blocks; with blocks in
 * parallel one for all. An absent one has no operators. */
enum { LAYER_HALVES = 2 };
void layer_halves(const struct replica *replica, const struct layer_kind *kind,
                  struct half halves[LAYER_HALVES]);

/* The rows. */
extern const struct mixer_passes mixer_gqa_passes;
#define MIXER_PASSES_OF(member, stem, name, sentence)                                              \
    extern const struct mixer_passes mixer_##stem##_passes;
MIXERS_OF_SIZES(MIXER_PASSES_OF)
#undef MIXER_PASSES_OF
extern const struct ffn_passes ffn_dense_passes, ffn_experts_passes;

#endif
