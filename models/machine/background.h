/* SPDX-License-Identifier: MIT
 * A stream of others' traffic on the cluster's links: transfers one after the other. */
#ifndef CPSIM_MODELS_MACHINE_BACKGROUND_H
#define CPSIM_MODELS_MACHINE_BACKGROUND_H

#include <stdint.h>

struct background {
    uint32_t from_gpu, to_gpu; /* of the whole cluster, node by node */
    double bytes;              /* of one transfer */
    double start_seconds;      /* of the first: absolute simulated time */
    uint64_t count;            /* 0: without end */
};

#endif
