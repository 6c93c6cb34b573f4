/* SPDX-License-Identifier: MIT
 * Sequences packed with documents (workload.documents): how much attention they leave, and how
 * unevenly it falls on replicas. */
#ifndef CPSIM_SIM_SCENARIO_DOCUMENTS_H
#define CPSIM_SIM_SCENARIO_DOCUMENTS_H

#include "sim/scenario/training.h"

/* Of a sequence's pairs of tokens, those within one document. */
struct document_shares {
    double mean; /* of all sequences of a step */
    double most; /* of the replica that has most, over its sequences */
};

/* Documents that a step has in the mean; the mean length is over 0. */
double documents_of_step(const struct documents *documents, uint64_t sequence_tokens,
                         uint32_t batch);

/* Of `steps` steps of `batch` sequences over `replicas`, the seed's: means over the steps. Whole
 * sequences: 1 and 1. `work` is room for [batch] and `loads` for [replicas]. */
struct document_shares document_shares(const struct documents *documents, uint64_t sequence_tokens,
                                       uint32_t batch, uint32_t replicas, uint64_t seed,
                                       uint32_t steps, double *work, double *loads);

#endif
