/* SPDX-License-Identifier: MIT
 * Bytes of a parameter in training: what the precision says, else what the software stack does.
 * Weights of a layer's products follow struct precision; embedding, head and norms keep the stack's
 * formats, as FP8-LM's do (arXiv 2310.18313: only they explain its Table 5's volumes). Pure. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_BYTES_H
#define CPSIM_MODELS_TRAINING_TRAINING_BYTES_H

#include "models/training/training.h"

struct parameter_bytes {
    double kept; /* the weight, and copies that wait for the products */
    double gradient;
    double master, moments; /* of the optimizer: its copy of the weight, and both moments */
    double gather, reduce;  /* one rank's part of what replicas exchange a step */
};

/* Master copy and moments. */
double parameter_states(const struct parameter_bytes *bytes);

struct parameter_bytes training_layer_bytes(const struct training *training);
struct parameter_bytes training_other_bytes(const struct training *training);

/* What the optimizer keeps of a part, as if one rank held all of it; `of_experts` gets, of that, of
 * the experts that lie whole on ranks. */
double training_part_state_bytes(const struct training *training, uint32_t part,
                                 double *of_experts);

/* Likewise, what narrow or low-rank states save of the bytes that the stack's own update reads and
 * writes. */
double training_update_saved_bytes(const struct training *training, uint32_t part,
                                   double *of_experts);

/* Parameters that replicas reduce, or gather, at once. */
double training_bucket_parameters(const struct training *training);

/* What one rank of a stage sends to replicas in a step: gathered weights and reduced gradients, of
 * which it has 1/n itself. `shared` are the parameters beside layers that the stage holds. */
double training_exchange_bytes(const struct training *training, double layers, double shared);

#endif
