/* SPDX-License-Identifier: MIT
 * The KV cache of a replica in numbered blocks, as vLLM's V1 engine keeps it (KVCacheManager and
 * BlockPool of vLLM 0.24.0; "rules" below are those of tests/validation/schedule_vllm/README.md).
 *
 * A block is held by requests or waits to be taken. With prefix caching a full block gets a label,
 * which stands for its text from the very beginning: who begins with the same text holds the same
 * block. Blocks that nobody holds are taken in one order: those without a label that were let go
 * last, those never used, those with a label, the longest unused first. A block that is taken loses
 * its label.
 *
 * Layers of one kind (full attention; a sliding window) are a group: each group takes blocks for
 * every token, all from one pool, and a window's group lets go of what the window has passed.
 *
 * Owner: the arena. Blocks are made once; what a request holds is a table that grows, by doubling,
 * to the longest that its place ever had, so nothing is allocated while events pass once it has. */
#ifndef CPSIM_SIM_SERVING_CACHE_KV_CACHE_H
#define CPSIM_SIM_SERVING_CACHE_KV_CACHE_H

#include "models/passes/kv_groups.h"
#include "models/passes/memory.h"
#include "sim/base/arena.h"
#include "sim/base/hash_table.h"
#include "sim/serving/load/request.h"

#include <stdbool.h>

enum { KV_GROUPS_MOST = 16 };

/* What a sequence takes beside the blocks of its tokens, in blocks: layers with windows fill up and
 * stay so, states are there from the first token. All 0: nothing. */
struct kv_beside {
    double state_pages, window_token_pages;
    uint64_t window_tokens;
};

/* From what one of `context` GPUs has, in pages of so many tokens of a sequence. */
struct kv_beside kv_beside_of(const struct kv_room *room, uint32_t context, uint32_t page_tokens);

struct kv_group {
    uint32_t block_tokens;
    uint32_t window_tokens; /* 0: full attention */
    uint32_t
        reserved_blocks; /* the most that a look at a whole sequence counts; 0: no such limit */
};

struct kv_layout {
    struct kv_group groups[KV_GROUPS_MOST];
    uint32_t group_count;
    uint32_t label_tokens;     /* of one label; divides every group's block */
    uint32_t alignment_tokens; /* hits are multiples of it; every group's block divides it */
    struct kv_beside beside;   /* of a layout of one group */
    bool keeps_prefixes;       /* else nothing gets a label */
    bool drops_last;           /* a hit's last block is computed again (EAGLE's drafter wants it) */
};

/* Whether a block has a label: one that nobody can find, for only its request could want it; or one
 * in the table. One byte a block, for they are many, and all that most are ever asked. */
enum kv_naming { KV_UNNAMED, KV_HIDDEN, KV_LISTED };

/* Of a block whose label is in the table; any other has one holder or none. */
struct kv_name {
    uint64_t label;   /* with its group */
    uint32_t copy;    /* the next made block of the same label; 0: none */
    uint32_t holders; /* requests */
    uint32_t place;   /* nobody holds it: where it waits among those with a label */
};

/* Blocks of a request in one group, from its first token on. 0: passed by the window. */
struct kv_table {
    uint32_t *blocks; /* [count of capacity] */
    uint32_t count, capacity;
    uint32_t labelled; /* the first of them are seen to */
    bool own;          /* nobody else can ask for any of them: their labels are not made at all */
    uint32_t passed;   /* the first of them a window has let go of, as far as was looked */
    /* Of a request's first table, for all its groups: */
    uint64_t room; /* tokens that need no block, and of which no window lets go of one */
    uint64_t due;  /* so many known tokens fill a block that is not labelled yet */
};

/* Where blocks go on to when they are full, or (`at_eviction`) when a block that has a label is
 * taken: a tier below. Only of a plain cache. */
struct kv_sink {
    void *data;
    void (*put)(void *data, uint64_t label); /* 0: a text that nobody else can ask for; NULL: no
                                                sink */
    bool at_eviction;
};

struct kv_cache {
    struct arena *arena;
    struct kv_layout layout;
    struct kv_sink sink;
    uint64_t pages;        /* blocks in all */
    bool plain;            /* one group of full attention, and nothing beside it */
    bool grouped;          /* groups alone, one or more: nothing is beside them */
    uint32_t table_count;  /* of a request: one a group, and one of what is beside them */
    bool own_shown;        /* somebody was set aside whose text nobody else has */
    uint64_t free;         /* that nobody holds, with a label or without */
    uint8_t *naming;       /* [pages + 1], enum kv_naming: of blocks from 1 on */
    struct kv_name *names; /* [pages + 1] */
    uint32_t *unnamed;     /* [unnamed_count]: free, without a label; the last is taken first */
    uint32_t unnamed_count;
    uint32_t fresh;  /* never used: from this one on */
    uint32_t *named; /* [named_mask + 1], a ring: free, with a label, the first is taken first; 0:
                        gone. Those of a table of its own's have bit 31 (KV_OWN) */
    uint32_t named_mask;
    uint64_t named_first, named_end;
    struct hash_table labels; /* the first made block of a label */
    struct kv_table *tables; /* [holder_capacity][table_count], by request->holder; 0 is nobody's */
    uint32_t holder_capacity, spare_holder;
    uint32_t *spares;                     /* [holder_capacity]: the next that is nobody's */
    struct kv_table hits[KV_GROUPS_MOST]; /* of the last kv_cache_match() */
};

/* One group of full attention. */
struct kv_layout kv_layout_plain(uint32_t block_tokens, bool keeps_prefixes);
/* The groups of a model, of which a step computes `step_tokens` tokens at most and a sequence has
 * `model_tokens` at most (0: no such limit; rules 29 and 30). */
struct kv_layout kv_layout_grouped(const struct kv_grouping *grouping, uint64_t step_tokens,
                                   uint64_t model_tokens, bool keeps_prefixes);
bool kv_layout_has_windows(const struct kv_layout *layout);

/* Blocks that a look at a whole sequence of `tokens` counts, and those that it holds when it
 * decodes its last token: windows have let go of what they have passed. */
uint64_t kv_layout_blocks(const struct kv_layout *layout, uint64_t tokens);
uint64_t kv_layout_held(const struct kv_layout *layout, uint64_t tokens);

void kv_cache_create(struct kv_cache *cache, struct arena *arena, uint64_t pages,
                     const struct kv_layout *layout);

/* Blocks that nobody holds. */
static inline uint64_t kv_cache_available(const struct kv_cache *cache)
{
    return cache->free;
}

static inline uint64_t kv_cache_held(const struct kv_cache *cache)
{
    return cache->pages - cache->free;
}

/* Tokens that the held blocks have room for in a cache of one group. */
static inline uint64_t kv_cache_held_tokens(const struct kv_cache *cache)
{
    return kv_cache_held(cache) * cache->layout.groups[0].block_tokens;
}

/* Blocks of all groups for so many tokens, none passed by a window. */
uint64_t kv_cache_blocks_of(const struct kv_cache *cache, uint64_t tokens);

/* Blocks that so many more tokens of a request may take at most. */
uint64_t kv_cache_most_growth(const struct kv_cache *cache, uint64_t tokens);

/* Tokens at the beginning of a request that holds nothing which are cached, at most `known` - 1:
 * the last token must be computed to go on (rules 20, 30, 34). kv_cache_grow() can take them. */
uint32_t kv_cache_match(struct kv_cache *cache, const struct request *request, uint32_t known);

/* What a request shall have room for. */
struct kv_wish {
    bool hit;            /* it holds nothing, and takes what kv_cache_match() has just found */
    uint32_t computed;   /* tokens whose KV is there, hits included */
    uint64_t tokens;     /* more, to be computed; cached as far as ... */
    uint32_t known;      /* ... its text is known: the whole of it, computed or not */
    uint64_t look_ahead; /* and more, which no label is for */
    uint64_t most;       /* no room beyond so many tokens */
    uint64_t spare;      /* blocks that must be free besides */
    bool whole;          /* only if all that is known would fit now (rule 11) */
    bool on_their_way;   /* `tokens` are not computed: they come, and no label is for them yet */
};

/* Whether a step of a request that runs needs no block and fills none: so it is for nearly all that
 * decode, at nearly every step. `room`: all tokens that it shall have room for; `known`: those of
 * them whose text is known. */
static inline bool kv_cache_is_ready(const struct kv_cache *cache, const struct request *request,
                                     uint64_t room, uint64_t known)
{
    const struct kv_table *table = &cache->tables[(size_t)request->holder * cache->table_count];
    return cache->grouped && request->holder != 0 && room <= table->room && known < table->due;
}

/* False, and no block is taken, when there is no room. A window's group lets go of what it has
 * passed either way. */
bool kv_cache_grow(struct kv_cache *cache, struct request *request, const struct kv_wish *wish);

/* Gives the full blocks of the first `tokens` tokens their labels. */
void kv_cache_label_blocks(struct kv_cache *cache, const struct request *request, uint64_t tokens);

static inline void kv_cache_label(struct kv_cache *cache, const struct request *request,
                                  uint64_t tokens)
{
    if (!kv_cache_is_ready(cache, request, 0, tokens)) {
        kv_cache_label_blocks(cache, request, tokens);
    }
}

/* The request holds nothing any more; what has a label can still be hit. */
void kv_cache_release(struct kv_cache *cache, struct request *request);
/* The same, and it will be back: what only itself can hit is kept too, while there is room. */
void kv_cache_set_aside(struct kv_cache *cache, struct request *request);

/* Forgets all labels: a machine that has failed. */
void kv_cache_clear(struct kv_cache *cache);

/* Blocks that nobody holds and that can still be hit. */
uint64_t kv_cache_named(const struct kv_cache *cache);

/* --- for those who look closely --- */

/* How block `index` of a plain cache's request is known, wherever it lies. */
uint64_t kv_cache_label_at(const struct kv_cache *cache, const struct request *request,
                           uint32_t index);

/* Blocks that a request holds in a group. */
uint32_t kv_cache_holds(const struct kv_cache *cache, const struct request *request,
                        uint32_t group);

/* How a group knows a label of struct request's `hashes`. */
uint64_t kv_cache_label_of(uint64_t label, uint32_t group);

/* The block that is taken after `index` others; 0: there are no more. */
uint32_t kv_cache_taken(const struct kv_cache *cache, uint64_t index);

#endif
