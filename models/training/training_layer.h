/* SPDX-License-Identifier: MIT
 * A transformer layer's passes in training, appended to a segment. Internal to
 * models/training_*.c. Pure. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_LAYER_H
#define CPSIM_MODELS_TRAINING_TRAINING_LAYER_H

#include "models/training/training_builder.h"

/* A residual sum and its norm, or their gradients. */
void builder_norm(struct builder *builder, const char *name, bool backward);

/* What an exchange of so many parameters, or of their gradients, costs the GPU beside itself:
 * pieces joined, cast, divided. Gathers are those of every pass, reductions too or, with whole
 * replicas, once a step. */
void builder_gather_copies(struct builder *builder, double parameters);
void builder_reduce_copies(struct builder *builder, double parameters);

void layer_forward(struct builder *builder);
/* With what must be computed again first. */
void layer_backward(struct builder *builder, enum gradients gradients);
/* The gradients of weights that layer_backward() left out. */
void layer_weights(struct builder *builder);

#endif
