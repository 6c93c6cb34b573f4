/* SPDX-License-Identifier: MIT
 * Prices of steps that processes share: what one has worked out, those that were forked from the
 * same parent need not. A price is a pure function of its key, so who put it there changes nothing.
 * Lock-free, and so no sim/base/hash_table.h: prices never move and are written once, before their
 * place says that they are there; a writer that is killed leaves one unused. Memory grows with the
 * prices, some 220 bytes each; beyond 2,097,152 they are worked out as if there were no store. */
#ifndef CPSIM_SIM_SERVING_BATCHING_PRICE_STORE_H
#define CPSIM_SIM_SERVING_BATCHING_PRICE_STORE_H

#include "sim/serving/batching/step_cost.h"

/* What a price depends on. */
struct price_key {
    uint64_t kind; /* of replica: the same for scenarios that differ alone in what no price depends
                      on (sim/sweep/price_kind.h) */
    uint32_t decodes, prompts;
    uint32_t shared; /* tokens that all ranks which share experts bring, over as many each as this
                        one's: step_cost.c's steps of it; 0: as many each */
    uint64_t decode_context, new_tokens, cached_tokens; /* of one sequence */
    uint32_t query_prompts;                             /* beside `prompts`: they pass queries */
    uint64_t query_new_tokens, query_cached_tokens;
};

uint64_t price_key_hash(const struct price_key *key);
bool price_key_same(const struct price_key *a, const struct price_key *b);

/* Memory that this process shares with those it forks from now on; NULL when there is none to be
 * had. */
struct price_store *price_store_create(void);
void price_store_destroy(struct price_store *store);

/* False when nobody has put it there. */
bool price_store_find(struct price_store *store, const struct price_key *key,
                      struct step_cost *cost);
void price_store_put(struct price_store *store, const struct price_key *key,
                     const struct step_cost *cost);

#endif
