/* SPDX-License-Identifier: MIT
 * Which low-rank adapters a replica has on its GPUs and in its host's memory. A step's are brought
 * to the GPUs before it begins, in the place of those that were used least recently, as vLLM's
 * worker does (vllm/lora/worker_manager.py, LRUCacheWorkerLoRAManager); what lies on the GPUs is in
 * the host's memory too. Knows no server and no clock. Owner: the arena. */
#ifndef CPSIM_SIM_SERVING_REPLICA_ADAPTER_STORE_H
#define CPSIM_SIM_SERVING_REPLICA_ADAPTER_STORE_H

#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum adapter_place { ADAPTER_ON_GPU, ADAPTER_IN_HOST, ADAPTER_IN_STORAGE };

/* Least recently used first, through lists by adapter; 0 is nobody. */
struct adapter_list {
    uint32_t *newer, *older; /* [adapters + 1] */
    bool *has;               /* likewise */
    uint32_t newest, oldest, count, capacity;
};

struct adapter_store {
    struct adapter_list gpu, host;
};

/* Adapters are numbered from 1 to `adapters`; a host of as many holds all of them from the start.
 */
void adapter_store_create(struct adapter_store *store, struct arena *arena, uint32_t adapters,
                          uint32_t on_gpu, uint32_t in_host);

/* Whether it is on the GPUs; then it was used just now. */
bool adapter_store_touch(struct adapter_store *store, uint32_t adapter);
/* Brings one that is not on the GPUs there; says where it was. Whoever is needed beside it has been
 * touched before. */
enum adapter_place adapter_store_load(struct adapter_store *store, uint32_t adapter);

/* Nothing is on the GPUs any more: they failed, and the host still has what it had. */
void adapter_store_clear(struct adapter_store *store);

#endif
