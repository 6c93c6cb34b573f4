/* SPDX-License-Identifier: MIT */
#include "sim/serving/cache/radix_tree.h"

#include "models/numeric/random.h"

#include <assert.h>
#include <string.h>

enum { FIRST_NODES = 64 };
_Static_assert((int)RADIX_ROOT == (int)HASH_NONE, "the root is nobody's child");

static struct radix_node *node_at(const struct radix_tree *tree, uint32_t node)
{
    return &tree->nodes[node];
}

static uint32_t length_of(const struct radix_tree *tree, uint32_t node)
{
    return tree->nodes[node].to - tree->nodes[node].from;
}

/* --- children by their first token --- */

static uint64_t hash_of(uint32_t parent, uint64_t token)
{
    return random_mix(token ^ (uint64_t)parent << 40);
}

static uint64_t node_hash(const struct radix_tree *tree, uint32_t node)
{
    const struct radix_node *of = node_at(tree, node);
    return hash_of(of->parent, text_piece_at(&tree->requests[of->text], of->from).first);
}

static void enlist(struct radix_tree *tree, uint32_t node)
{
    hash_table_add(&tree->children, node_hash(tree, node), node);
}

static void unlist(struct radix_tree *tree, uint32_t node)
{
    hash_table_remove(&tree->children, node_hash(tree, node), node);
}

/* The child of `parent` that begins with the page at `position` of a text. */
static uint32_t child_of(const struct radix_tree *tree, uint32_t parent,
                         const struct request *request, uint32_t position)
{
    uint64_t hash = hash_of(parent, text_piece_at(request, position).first);
    struct hash_walk walk = hash_walk(&tree->children, hash);
    for (uint32_t node; (node = hash_next(&walk)) != HASH_NONE;) {
        const struct radix_node *child = node_at(tree, node);
        if (child->parent == parent && text_common(&tree->requests[child->text], request, position,
                                                   tree->page_tokens) == tree->page_tokens) {
            return node;
        }
    }
    return RADIX_NONE;
}

/* Tokens of a child that a text has from `position` on, whole pages. */
static uint32_t common_of(const struct radix_tree *tree, uint32_t node,
                          const struct request *request, uint32_t position, uint32_t tokens)
{
    uint32_t most = length_of(tree, node), left = tokens - position;
    uint32_t common = text_common(&tree->requests[node_at(tree, node)->text], request, position,
                                  most < left ? most : left);
    return common / tree->page_tokens * tree->page_tokens;
}

/* --- the leaves that nobody holds: a heap by when they were used --- */

static void put(struct radix_tree *tree, uint32_t place, uint32_t node)
{
    tree->heap[place] = node;
    node_at(tree, node)->heap = place + 1;
}

static bool is_older(const struct radix_tree *tree, uint32_t a, uint32_t b)
{
    return node_at(tree, a)->used < node_at(tree, b)->used;
}

static void settle(struct radix_tree *tree, uint32_t place)
{
    uint32_t node = tree->heap[place];
    while (place > 0 && is_older(tree, node, tree->heap[(place - 1) / 2])) {
        put(tree, place, tree->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child + 1 < tree->heap_count &&
            is_older(tree, tree->heap[child + 1], tree->heap[child])) {
            child++;
        }
        if (child >= tree->heap_count || !is_older(tree, tree->heap[child], node)) {
            break;
        }
        put(tree, place, tree->heap[child]);
        place = child;
    }
    put(tree, place, node);
}

static void leave_heap(struct radix_tree *tree, uint32_t node)
{
    uint32_t place = node_at(tree, node)->heap - 1, last = tree->heap[--tree->heap_count];
    node_at(tree, node)->heap = 0;
    if (place < tree->heap_count) {
        put(tree, place, last);
        settle(tree, place);
    }
}

/* After a change of its holders, its children or its use. */
static void review(struct radix_tree *tree, uint32_t node)
{
    const struct radix_node *of = node_at(tree, node);
    bool leaf = node != RADIX_ROOT && of->holders == 0 && of->first_child == RADIX_NONE;
    if (of->heap != 0 && !leaf) {
        leave_heap(tree, node);
    } else if (of->heap != 0) {
        settle(tree, of->heap - 1);
    } else if (leaf) {
        put(tree, tree->heap_count++, node);
        settle(tree, tree->heap_count - 1);
    }
}

static void use(struct radix_tree *tree, uint32_t node, uint64_t time)
{
    node_at(tree, node)->used = time;
    if (node_at(tree, node)->heap != 0) {
        settle(tree, node_at(tree, node)->heap - 1);
    }
}

/* --- nodes --- */

static void reach(struct radix_tree *tree, uint32_t capacity)
{
    struct radix_node *nodes = ARENA_ARRAY(tree->arena, struct radix_node, capacity);
    uint32_t *heap = ARENA_ARRAY(tree->arena, uint32_t, capacity);
    if (tree->node_count > 0) {
        memcpy(nodes, tree->nodes, tree->node_count * sizeof *nodes);
        memcpy(heap, tree->heap, tree->heap_count * sizeof *heap);
    }
    tree->nodes = nodes;
    tree->heap = heap;
    tree->node_capacity = capacity;
}

static uint32_t new_node(struct radix_tree *tree)
{
    uint32_t node = tree->spare;
    if (node != RADIX_NONE) {
        tree->spare = node_at(tree, node)->next;
    } else {
        if (tree->node_count == tree->node_capacity) {
            reach(tree, 2 * tree->node_capacity);
        }
        node = tree->node_count++;
    }
    *node_at(tree, node) = (struct radix_node){.first_child = RADIX_NONE,
                                               .last_child = RADIX_NONE,
                                               .next = RADIX_NONE,
                                               .previous = RADIX_NONE,
                                               .used = ++tree->clock};
    return node;
}

void radix_create(struct radix_tree *tree, struct arena *arena, const struct request *requests,
                  uint32_t page_tokens)
{
    *tree = (struct radix_tree){
        .arena = arena, .requests = requests, .page_tokens = page_tokens, .spare = RADIX_NONE};
    reach(tree, FIRST_NODES);
    hash_table_create(&tree->children, arena, FIRST_NODES);
    new_node(tree);
}

void radix_clear(struct radix_tree *tree)
{
    hash_table_clear(&tree->children);
    tree->node_count = tree->heap_count = 0;
    tree->spare = RADIX_NONE;
    tree->evictable = 0;
    new_node(tree);
}

/* `node` is the parent's last child. */
static void append(struct radix_tree *tree, uint32_t parent, uint32_t node)
{
    struct radix_node *above = node_at(tree, parent);
    node_at(tree, node)->parent = parent;
    node_at(tree, node)->previous = above->last_child;
    if (above->last_child != RADIX_NONE) {
        node_at(tree, above->last_child)->next = node;
    } else {
        above->first_child = node;
    }
    above->last_child = node;
    enlist(tree, node);
}

static void replace(struct radix_tree *tree, uint32_t child, uint32_t node)
{
    struct radix_node *of = node_at(tree, node);
    const struct radix_node *old = node_at(tree, child);
    of->parent = old->parent;
    of->previous = old->previous;
    of->next = old->next;
    struct radix_node *above = node_at(tree, of->parent);
    *(of->previous != RADIX_NONE ? &node_at(tree, of->previous)->next : &above->first_child) = node;
    *(of->next != RADIX_NONE ? &node_at(tree, of->next)->previous : &above->last_child) = node;
}

/* A node's first `tokens` become one of its own above it, which counts as used just after. */
static uint32_t split(struct radix_tree *tree, uint32_t child, uint32_t tokens)
{
    uint32_t upper = new_node(tree);
    struct radix_node *of = node_at(tree, upper), *lower = node_at(tree, child);
    unlist(tree, child);
    of->text = lower->text;
    of->from = lower->from;
    of->to = lower->from + tokens;
    of->holders = lower->holders;
    replace(tree, child, upper);
    enlist(tree, upper);
    lower->from = of->to;
    lower->previous = lower->next = RADIX_NONE;
    append(tree, upper, child);
    return upper;
}

/* --- looking up and putting in --- */

/* Follows a text down; `*tokens` is how far it was there. */
static uint32_t follow(struct radix_tree *tree, uint32_t request, uint32_t most, uint32_t *tokens)
{
    const struct request *text = &tree->requests[request];
    uint64_t time = ++tree->clock;
    uint32_t node = RADIX_ROOT, child;
    *tokens = 0;
    while (*tokens < most && (child = child_of(tree, node, text, *tokens)) != RADIX_NONE) {
        use(tree, child, time);
        uint32_t common = common_of(tree, child, text, *tokens, most);
        *tokens += common;
        if (common < length_of(tree, child)) {
            return split(tree, child, common);
        }
        node = child;
    }
    return node;
}

struct radix_hit radix_match(struct radix_tree *tree, uint32_t request, uint32_t tokens)
{
    struct radix_hit hit = {.node = RADIX_ROOT};
    uint32_t most = tokens / tree->page_tokens * tree->page_tokens;
    if (most > 0) {
        hit.node = follow(tree, request, most, &hit.tokens);
    }
    return hit;
}

uint32_t radix_peek(const struct radix_tree *tree, const struct request *request, uint32_t tokens)
{
    uint32_t most = tokens / tree->page_tokens * tree->page_tokens, found = 0, node = RADIX_ROOT;
    while (found < most && (node = child_of(tree, node, request, found)) != RADIX_NONE) {
        uint32_t common = common_of(tree, node, request, found, most);
        found += common;
        if (common < length_of(tree, node)) {
            break;
        }
    }
    return found;
}

uint32_t radix_insert(struct radix_tree *tree, uint32_t request, uint32_t tokens)
{
    uint32_t most = tokens / tree->page_tokens * tree->page_tokens, found = 0;
    uint32_t node = follow(tree, request, most, &found);
    if (found < most) {
        uint32_t leaf = new_node(tree);
        node_at(tree, leaf)->text = request;
        node_at(tree, leaf)->from = found;
        node_at(tree, leaf)->to = most;
        append(tree, node, leaf);
        tree->evictable += most - found;
        review(tree, node);
        review(tree, leaf);
    }
    return found;
}

void radix_hold(struct radix_tree *tree, uint32_t node)
{
    for (; node != RADIX_ROOT; node = node_at(tree, node)->parent) {
        tree->evictable -= node_at(tree, node)->holders == 0 ? length_of(tree, node) : 0;
        node_at(tree, node)->holders++;
        review(tree, node);
    }
}

void radix_let_go(struct radix_tree *tree, uint32_t node)
{
    for (; node != RADIX_ROOT; node = node_at(tree, node)->parent) {
        assert(node_at(tree, node)->holders > 0 && "who lets go has held");
        node_at(tree, node)->holders--;
        tree->evictable += node_at(tree, node)->holders == 0 ? length_of(tree, node) : 0;
        review(tree, node);
    }
}

uint64_t radix_evict(struct radix_tree *tree, uint64_t tokens)
{
    uint64_t gone = 0;
    while (gone < tokens && tree->heap_count > 0) {
        uint32_t node = tree->heap[0];
        struct radix_node *of = node_at(tree, node), *above = node_at(tree, of->parent);
        gone += length_of(tree, node);
        tree->evictable -= length_of(tree, node);
        leave_heap(tree, node);
        unlist(tree, node);
        *(of->previous != RADIX_NONE ? &node_at(tree, of->previous)->next : &above->first_child) =
            of->next;
        *(of->next != RADIX_NONE ? &node_at(tree, of->next)->previous : &above->last_child) =
            of->previous;
        review(tree, of->parent);
        of->next = tree->spare;
        tree->spare = node;
    }
    return gone;
}
