/* SPDX-License-Identifier: MIT
 * The radix tree by hand: what is found, what is split, who may be evicted and who goes first. */
#include "run_tests.h"

#include "sim/base/arena.h"
#include "sim/serving/cache/radix_tree.h"

/* Two sessions; requests 0 to 2 are turns of the first, 3 is of the second. */
static void make_requests(struct request *requests)
{
    for (uint32_t i = 0; i < 4; i++) {
        requests[i] = (struct request){.number = i,
                                       .content = CONTENT_SESSION,
                                       .session = i < 3 ? 1 : 2,
                                       .prompt_tokens = 500};
    }
}

/* 100 tokens go in; 60 of them split the node, and hold the upper part alone: 40 can be evicted.
 * 150 find the 100, and put 50 more below. */
START_TEST(lookups_split_and_inserts_go_on)
{
    struct arena *arena = arena_create();
    struct request requests[4];
    make_requests(requests);
    struct radix_tree tree;
    radix_create(&tree, arena, requests, 1);
    ck_assert_uint_eq(radix_insert(&tree, 0, 100), 0);
    ck_assert_uint_eq(tree.evictable, 100);
    ck_assert_uint_eq(radix_peek(&tree, &requests[1], 60), 60);
    struct radix_hit hit = radix_match(&tree, 1, 60);
    ck_assert_uint_eq(hit.tokens, 60);
    radix_hold(&tree, hit.node);
    ck_assert_uint_eq(tree.evictable, 40);
    ck_assert_uint_eq(radix_insert(&tree, 2, 150), 100);
    ck_assert_uint_eq(tree.evictable, 90);
    ck_assert_uint_eq(radix_match(&tree, 3, 150).tokens, 0);
    /* Leaf by leaf: 50, then the 40 above it, then nothing, for the rest is held. */
    ck_assert_uint_eq(radix_evict(&tree, 1), 50);
    ck_assert_uint_eq(radix_evict(&tree, 1), 40);
    ck_assert_uint_eq(radix_evict(&tree, 1), 0);
    radix_let_go(&tree, hit.node);
    ck_assert_uint_eq(radix_evict(&tree, 1000), 60);
    ck_assert_uint_eq(tree.evictable, 0);
    arena_destroy(arena);
}
END_TEST

/* Pages of 16: of 100 tokens 96 are whole pages; of 70 that are asked for, 64. Two texts, the one
 * used longest ago goes first, and a look is a use. */
START_TEST(the_longest_unused_goes_first)
{
    struct arena *arena = arena_create();
    struct request requests[4];
    make_requests(requests);
    struct radix_tree tree;
    radix_create(&tree, arena, requests, 16);
    radix_insert(&tree, 0, 100);
    radix_insert(&tree, 3, 33);
    ck_assert_uint_eq(tree.evictable, 96 + 32);
    ck_assert_uint_eq(radix_match(&tree, 1, 70).tokens, 64);
    /* Leaves: 32 tokens of the first text, not used since the split, and 32 of the second; the
     * second came later, but the first's lower part was passed by the look. */
    ck_assert_uint_eq(radix_evict(&tree, 1), 32);
    ck_assert_uint_eq(radix_match(&tree, 3, 33).tokens, 0);
    ck_assert_uint_eq(radix_evict(&tree, 1), 32);
    ck_assert_uint_eq(radix_match(&tree, 1, 500).tokens, 64);
    arena_destroy(arena);
}
END_TEST

/* More nodes than the first table has, and as many again in the places of those that went. */
START_TEST(nodes_are_used_again)
{
    struct arena *arena = arena_create();
    enum { MANY = 300 };
    struct request requests[MANY];
    struct radix_tree tree;
    radix_create(&tree, arena, requests, 1);
    for (uint32_t i = 0; i < MANY; i++) {
        requests[i] = (struct request){.number = i, .content = CONTENT_OWN};
        ck_assert_uint_eq(radix_insert(&tree, i, 10), 0);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(radix_peek(&tree, &requests[i], 10), 10);
    }
    ck_assert_uint_eq(radix_evict(&tree, UINT64_C(10) * MANY), 10 * MANY);
    uint32_t nodes = tree.node_count;
    for (uint32_t i = 0; i < MANY; i++) {
        radix_insert(&tree, i, 10);
    }
    ck_assert_uint_eq(tree.node_count, nodes);
    radix_clear(&tree);
    ck_assert_uint_eq(radix_peek(&tree, &requests[7], 10), 0);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(radix_tree, lookups_split_and_inserts_go_on, the_longest_unused_goes_first,
          nodes_are_used_again)
