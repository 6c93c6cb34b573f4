/* SPDX-License-Identifier: MIT
 * A cache of prefixes as SGLang keeps it (RadixCache of SGLang 0.5.14; "rules" are those of
 * tests/validation/schedule_sglang/README.md): a tree whose nodes are stretches of text, of whole
 * pages. A node that a request holds, and all above it, stay; of the others the leaves are evicted,
 * the one used longest ago first (rule 28). Who looks up or inserts uses the whole path (rule 29).
 *
 * A node's text is a request's, by number, so that no tokens are stored. Owner: the arena; nodes
 * are a table that grows by doubling, and are used again. */
#ifndef CPSIM_SIM_SERVING_CACHE_RADIX_TREE_H
#define CPSIM_SIM_SERVING_CACHE_RADIX_TREE_H

#include "sim/base/hash_table.h"
#include "sim/serving/cache/text.h"

#define RADIX_ROOT 0U
#define RADIX_NONE UINT32_MAX

struct radix_node {
    uint32_t parent;
    uint32_t first_child, last_child, next, previous; /* siblings, in the order they came in */
    uint32_t heap; /* its place among the leaves, from 1; 0: none */
    uint32_t holders;
    uint32_t text, from, to; /* tokens [from, to) of a request's */
    uint64_t used;
};

struct radix_tree {
    struct arena *arena;
    const struct request *requests;
    uint32_t page_tokens;
    uint64_t evictable; /* tokens in nodes that nobody holds */
    uint64_t clock;
    struct radix_node *nodes; /* [node_count of node_capacity]; 0 is the root */
    uint32_t node_count, node_capacity, spare;
    uint32_t *heap; /* [heap_count]: leaves that nobody holds, the longest unused first */
    uint32_t heap_count;
    struct hash_table children; /* nodes by parent and first token */
};

struct radix_hit {
    uint32_t node, tokens;
};

void radix_create(struct radix_tree *tree, struct arena *arena, const struct request *requests,
                  uint32_t page_tokens);
void radix_clear(struct radix_tree *tree);

/* What is there of the first `tokens` of a request's text, whole pages. Uses what it finds, and
 * splits a node where it ends inside one. */
struct radix_hit radix_match(struct radix_tree *tree, uint32_t request, uint32_t tokens);

/* The same in tokens, and changes nothing. */
uint32_t radix_peek(const struct radix_tree *tree, const struct request *request, uint32_t tokens);

/* Puts the first `tokens` of a request's text in, whole pages. Returns how many were there. */
uint32_t radix_insert(struct radix_tree *tree, uint32_t request, uint32_t tokens);

/* A node and all above it are held once more, once less. */
void radix_hold(struct radix_tree *tree, uint32_t node);
void radix_let_go(struct radix_tree *tree, uint32_t node);

/* Evicts leaves until so many tokens are gone, or there are no more. Returns how many went. */
uint64_t radix_evict(struct radix_tree *tree, uint64_t tokens);

#endif
