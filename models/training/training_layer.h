/* SPDX-License-Identifier: MIT
 * What replicas' exchanges and the stack add around a layer's passes, appended to a segment.
 * Internal to models/training. Pure. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_LAYER_H
#define CPSIM_MODELS_TRAINING_TRAINING_LAYER_H

#include "models/training/training.h"

/* What an exchange of so many parameters, or of their gradients, costs the GPU beside itself:
 * pieces joined, cast, divided. Gathers are those of every pass, reductions too or, with whole
 * replicas, once a step. */
void training_gather_copies(const struct training *training, struct train_builder *builder,
                            double parameters);
void training_reduce_copies(const struct training *training, struct train_builder *builder,
                            double parameters);

void training_layer_forward(const struct training *training, struct train_builder *builder,
                            const struct layer_kind *kind);
void training_layer_backward(const struct training *training, struct train_builder *builder,
                             const struct layer_kind *kind, enum gradients gradients);

#endif
