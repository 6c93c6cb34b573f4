/* SPDX-License-Identifier: MIT
 * The moments of a step at which memory may be fullest when replicas share parameters, gradients
 * and optimizer and there is no pipeline: FSDP2's order of gathering, computing and reducing,
 * checked to the byte against PyTorch's storages (tests/validation/memory). Pure. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_MOMENTS_H
#define CPSIM_MODELS_TRAINING_TRAINING_MOMENTS_H

#include "models/training/training.h"

enum training_moment {
    MOMENT_PASS,      /* some pass of a pipeline, or of whole replicas */
    MOMENT_LOSS,      /* the loss's gradient: what all layers keep, and logits */
    MOMENT_LAYER,     /* in a layer's backward pass, at its activation's gradient */
    MOMENT_LAYER_END, /* at its end, when the gradients of all its weights are there */
    MOMENT_REDUCE,    /* a group's gradients are reduced */
    MOMENT_OPTIMIZER,
    MOMENT_COUNT
};
extern const char *const training_moment_names[MOMENT_COUNT];

struct moment_bytes {
    enum training_moment moment;
    double parameters; /* the rank's shards, and what is gathered */
    double gradients;  /* made, on their way, reduced */
    double optimizer;
    double activations; /* kept, and worked on */
};

double moment_total(const struct moment_bytes *bytes);

/* Whether they are known of this training; otherwise training_memory.h counts passes. */
bool training_has_moments(const struct training *training);
struct moment_bytes training_fullest_moment(const struct training *training);

/* All gradients of the rank's share. */
double training_gradient_bytes(const struct training *training);

/* What the last norm keeps: its input, its result (the head's), its statistics. */
double training_last_norm_bytes(const struct training *training);
/* Bytes at once of the loss, when most are. */
double training_loss_bytes(const struct training *training);

#endif
