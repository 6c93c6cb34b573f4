/* SPDX-License-Identifier: MIT
 * One rank's work on a micro-batch as step programs: the passes of one layer, of the embedding and
 * of the head, and the optimizer. Gradients of a product are two products; those of attention 2.5
 * times its FLOPs; sequence parallelism as arXiv 2205.05198; context parallelism by an all-gather
 * of keys and values or by a ring. Exchanges with data-parallel ranks are not here: they run beside
 * whole passes (pipeline_play.h). Pure. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_PROGRAM_H
#define CPSIM_MODELS_TRAINING_TRAINING_PROGRAM_H

#include "models/training/training.h"

/* The segments, in this order; those of a second kind of layer and further ones follow:
 * training_segment_of(). */
enum training_segment {
    TRAINING_EMBEDDING,     /* forward */
    TRAINING_FORWARD,       /* of a layer */
    TRAINING_BACKWARD,      /* of a layer; without gradients of weights when those are split off
                             */
    TRAINING_WEIGHT,        /* of a layer; empty unless split off */
    TRAINING_HEAD,          /* final norm, head, loss */
    TRAINING_HEAD_BACKWARD, /* with the gradients of its weights */
    TRAINING_EMBEDDING_BACKWARD,
    TRAINING_JOIN, /* before a layer that predicts a further token; empty unless there is one */
    TRAINING_JOIN_BACKWARD,
    TRAINING_OPTIMIZER, /* for the parameters of the fullest stage */
    TRAINING_SEGMENT_COUNT
};

/* The segment of a layer's pass, TRAINING_FORWARD to TRAINING_WEIGHT, for a kind of layer; and how
 * many there are. */
uint32_t training_segment_of(enum training_segment pass, uint32_t kind);
uint32_t training_segment_count(const struct training *training);

/* Operators of the largest segment; the caller passes operators
 * [training_segment_count()][training_max_operators()], which must outlive the program. */
uint32_t training_max_operators(const struct training *training);

/* Repeats are those of a whole step on the stage with the most layers of a kind, for the GPU's
 * clock. */
void training_build(const struct training *training, struct step_operator *operators,
                    struct step_program *program);

#endif
