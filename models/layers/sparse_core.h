/* SPDX-License-Identifier: MIT
 * What latent, compressed and grouped-query attention share where an indexer chooses what is read:
 * the indexer's part of a half, its scores and choice, and attention to what it chose. Internal to
 * models/layers. Pure. */
#ifndef CPSIM_MODELS_LAYERS_SPARSE_CORE_H
#define CPSIM_MODELS_LAYERS_SPARSE_CORE_H

#include "models/layers/half.h"
#include "models/layers/layer_builder.h"

struct sparse_core {
    const struct sparse_kernels *family; /* of the software stack */
    const struct indexer *indexer;       /* heads 0: nothing is chosen, all entries are read */
    uint32_t ratio;                      /* tokens of an entry; 0: there are none */
    uint32_t window;                     /* latest tokens, read beside */
    uint32_t heads, groups;              /* of one rank; groups of heads with keys of their own */
    uint32_t key_size, value_size;
    double key_bytes; /* of an entry in the cache, key and value together */
    bool grouped;     /* grouped-query attention's kernel, and an indexer in 16 bits */
};

/* Context ranks share it without a ring, for the choice is among the tokens of all. A prefill's
 * ranks gather what is kept of all tokens, the indexer's keys among it, and each answers its own
 * queries; nothing else is special to it. A decode's ranks gather all queries, choose among their
 * own tokens, gather the candidates and choose again, attend to those of the chosen that they hold,
 * and put the results together. sparse_bring() is what comes before the choice, sparse_return()
 * what follows attention; on one rank neither does anything. */
void sparse_bring(struct layer_builder *builder, const struct sparse_core *core,
                  const struct batch_slice *slice);
void sparse_return(struct layer_builder *builder, const struct sparse_core *core,
                   const struct batch_slice *slice);

/* Products, norm, rotary embedding and append of the indexer's queries and keys; `list` has
 * "indexer query" and, of tokens, "indexer key". In 16 bits when `grouped`. */
void sparse_indexer_half(const struct replica *replica, const struct indexer *indexer,
                         const struct weight_list *list, bool grouped, struct half *half);

/* Of one slice: scores and choice; attention, with what its library leaves unsaid. */
void sparse_choose(struct layer_builder *builder, const struct sparse_core *core,
                   const struct batch_slice *slice);
void sparse_attend(struct layer_builder *builder, const struct sparse_core *core,
                   const struct batch_slice *slice);

#endif
