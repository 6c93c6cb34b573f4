/* SPDX-License-Identifier: MIT
 * What a training checkpoint holds and how long it takes to write. Every parameter is written once,
 * whatever the replicas: master copy and moments in the formats they are kept in, and the weights
 * beside them, unless replicas share the parameters themselves (SHARDING_FSDP), whose shards are
 * the master copy. With Adam in fp32 beside bf16 weights that is 14 bytes a parameter: the
 * checkpoint of Megatron-LM's trillion-parameter model has 13.8 TB (arXiv 2104.04473,
 * section 5.10). Ranks write their shares at once. Pure. Bytes, seconds. */
#ifndef CPSIM_MODELS_TRAINING_TRAINING_CHECKPOINT_H
#define CPSIM_MODELS_TRAINING_TRAINING_CHECKPOINT_H

#include "models/training/training.h"

struct training_checkpoint {
    double bytes;         /* in all */
    double bytes_per_gpu; /* of the stage with the most, evenly over the ranks that hold it */
    double seconds;       /* at the cluster's storage rates; 0: it has none */
};

struct training_checkpoint training_checkpoint_of(const struct training *training);

#endif
