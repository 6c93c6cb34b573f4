/* SPDX-License-Identifier: MIT
 * The KV cache by hand: which block is taken next, what can be hit, and what a request keeps that
 * nobody else can hit. Replayed schedules (validation_replay_schedule) have no text that only one
 * request has, for all of theirs is labelled; services mostly have. */
#include "run_tests.h"

#include "sim/base/arena.h"
#include "sim/serving/cache/kv_cache.h"

enum { BLOCK = 16 };

static struct kv_wish first_tokens(uint32_t tokens, uint32_t hit)
{
    return (struct kv_wish){
        .hit = true, .computed = hit, .tokens = tokens - hit, .known = tokens, .most = UINT32_MAX};
}

/* Lets a request have its first `tokens` tokens; returns how many of them were hit. */
static uint32_t let_in(struct kv_cache *cache, struct request *request, uint32_t tokens)
{
    uint32_t hit = kv_cache_match(cache, request, tokens);
    struct kv_wish wish = first_tokens(tokens, hit);
    ck_assert(kv_cache_grow(cache, request, &wish));
    return hit;
}

/* 10 blocks. A session's 40 tokens are 2 whole blocks and a part; its next turn of 70 hits the two.
 * A whole hit must leave a token to compute: of 32 tokens 16 are hit. */
START_TEST(sessions_hit_whole_blocks)
{
    struct arena *arena = arena_create();
    struct kv_layout layout = kv_layout_plain(BLOCK, true);
    struct kv_cache cache;
    kv_cache_create(&cache, arena, 10, &layout);
    struct request first = {.content = CONTENT_SESSION, .session = 1, .number = 0};
    struct request next = {.content = CONTENT_SESSION, .session = 1, .number = 1};
    struct request other = {.content = CONTENT_SESSION, .session = 2, .number = 2};
    ck_assert_uint_eq(let_in(&cache, &first, 40), 0);
    ck_assert_uint_eq(kv_cache_held(&cache), 3);
    ck_assert_uint_eq(let_in(&cache, &next, 70), 32);
    ck_assert_uint_eq(kv_cache_held(&cache), 6); /* 3, and of 5 blocks the 3 that were not hit */
    ck_assert_uint_eq(kv_cache_match(&cache, &first, 32), 16);
    ck_assert_uint_eq(kv_cache_match(&cache, &other, 40), 0);
    kv_cache_release(&cache, &first);
    kv_cache_release(&cache, &next);
    ck_assert_uint_eq(kv_cache_available(&cache), 10);
    ck_assert_uint_eq(kv_cache_match(&cache, &next, 70), 64);
    arena_destroy(arena);
}
END_TEST

/* 4 blocks. One request has blocks 1, 2 and a part of 3; let go, 3 has no label and is taken first,
 * then 4, which was never used, then the tail 2 before the head 1. */
START_TEST(tails_are_taken_before_heads)
{
    struct arena *arena = arena_create();
    struct kv_layout layout = kv_layout_plain(BLOCK, true);
    struct kv_cache cache;
    kv_cache_create(&cache, arena, 4, &layout);
    struct request request = {.content = CONTENT_SESSION, .session = 1};
    let_in(&cache, &request, 40);
    kv_cache_release(&cache, &request);
    static const uint32_t order[] = {3, 4, 2, 1, 0};
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(kv_cache_taken(&cache, i), order[i]);
    }
    arena_destroy(arena);
}
END_TEST

/* Text of its own: when the request has ended nobody can hit it, but its blocks wait behind those
 * without a label all the same; when it gives way, it finds them again until they are taken. */
START_TEST(who_gives_way_finds_its_own_again)
{
    struct arena *arena = arena_create();
    struct kv_layout layout = kv_layout_plain(BLOCK, true);
    struct kv_cache cache;
    kv_cache_create(&cache, arena, 6, &layout);
    struct request request = {.content = CONTENT_OWN, .number = 7};
    struct request other = {.content = CONTENT_OWN, .number = 8};
    let_in(&cache, &request, 49); /* blocks 1 to 3 whole, 4 in part */
    kv_cache_set_aside(&cache, &request);
    ck_assert_uint_eq(kv_cache_match(&cache, &other, 49), 0);
    ck_assert_uint_eq(let_in(&cache, &other, 52), 0); /* takes 4, 5, 6 and the tail, 3 */
    ck_assert_uint_eq(kv_cache_match(&cache, &request, 49), 32);
    kv_cache_release(&cache, &other);
    ck_assert_uint_eq(let_in(&cache, &request, 49), 32);
    kv_cache_release(&cache, &request);
    ck_assert_uint_eq(kv_cache_available(&cache), 6);
    arena_destroy(arena);
}
END_TEST

/* A failed machine forgets; what is still held (a cache on its way elsewhere) is let go later. */
START_TEST(a_failed_machine_forgets)
{
    struct arena *arena = arena_create();
    struct kv_layout layout = kv_layout_plain(BLOCK, true);
    struct kv_cache cache;
    kv_cache_create(&cache, arena, 10, &layout);
    struct request moving = {.content = CONTENT_SESSION, .session = 1};
    struct request beside = {.content = CONTENT_SESSION, .session = 1, .number = 1};
    struct request ended = {.content = CONTENT_SESSION, .session = 2, .number = 2};
    let_in(&cache, &moving, 40);
    let_in(&cache, &beside, 40);
    let_in(&cache, &ended, 40);
    kv_cache_release(&cache, &ended);
    kv_cache_clear(&cache);
    ck_assert_uint_eq(kv_cache_match(&cache, &ended, 40), 0);
    ck_assert_uint_eq(kv_cache_match(&cache, &moving, 40), 0);
    kv_cache_release(&cache, &moving);
    ck_assert_uint_eq(kv_cache_held(&cache), 3);
    kv_cache_release(&cache, &beside);
    ck_assert_uint_eq(kv_cache_available(&cache), 10);
    ck_assert_uint_eq(let_in(&cache, &ended, 160), 0);
    arena_destroy(arena);
}
END_TEST

/* A window of 32 and blocks of 16: with 64 tokens computed the next one sees those from 33 on, so
 * the blocks before 32 are passed: 4 taken for 65 tokens, 2 let go, one more. */
START_TEST(windows_let_go_of_what_they_pass)
{
    struct arena *arena = arena_create();
    struct kv_layout layout = kv_layout_plain(BLOCK, false);
    layout.groups[0].window_tokens = 32;
    struct kv_cache cache;
    kv_cache_create(&cache, arena, 10, &layout);
    struct request request = {.content = CONTENT_OWN};
    let_in(&cache, &request, 64);
    ck_assert_uint_eq(kv_cache_held(&cache), 4);
    struct kv_wish wish = {.computed = 64, .tokens = 1, .known = 65, .most = UINT32_MAX};
    ck_assert(kv_cache_grow(&cache, &request, &wish));
    ck_assert_uint_eq(kv_cache_held(&cache), 3);
    kv_cache_release(&cache, &request);
    ck_assert_uint_eq(kv_cache_available(&cache), 10);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(kv_cache, sessions_hit_whole_blocks, tails_are_taken_before_heads,
          who_gives_way_finds_its_own_again, a_failed_machine_forgets,
          windows_let_go_of_what_they_pass)
