/* SPDX-License-Identifier: MIT
 * How vLLM keeps layers that see all tokens and layers that see a window of them in one pool of
 * blocks (vllm/v1/core/kv_cache_utils.py of vLLM 0.24.0, _get_kv_cache_groups_uniform_page_size and
 * unify_kv_cache_spec_page_size). Layers alike, of the same window and as many bytes a token, are
 * cut into groups of as many layers as the rarest kind has; where no kind has half as many again,
 * of as many as the most frequent has. A block holds tokens of one layer of each place in a group,
 * whichever group takes it. A kind with smaller entries has more tokens in a block, where that
 * comes out even, or wastes the rest of it. Pure. */
#ifndef CPSIM_MODELS_PASSES_KV_GROUPS_H
#define CPSIM_MODELS_PASSES_KV_GROUPS_H

#include "models/layout/model_stage.h"
#include "models/passes/transformer.h"

enum { KV_GROUPING_MOST = 16 };

struct kv_grouping {
    uint32_t count; /* groups, in the order of their kinds' first layers */
    struct {
        uint32_t window_tokens; /* 0: all tokens */
        uint32_t block_tokens;
    } groups[KV_GROUPING_MOST];
    uint32_t block_layers; /* of `stage`, that a block has room for */
    double block_bytes;    /* of a rank of `stage` */
};

/* Of blocks of `block_tokens` tokens. False, and nothing is said, where the model has no layers
 * with windows beside others, or layers that this does not know: states, chunks, entries for
 * several tokens, an indexer's. gpt-oss-20b, 12 and 12 layers, bf16: 2 groups of 12, blocks of 16
 * tokens, 393,216 bytes. */
bool kv_grouping_of(const struct replica *replica, const struct model_stage *stage,
                    uint32_t block_tokens, struct kv_grouping *grouping);

#endif
