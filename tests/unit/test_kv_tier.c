/* SPDX-License-Identifier: MIT
 * Tiers below the GPUs' prefix cache: which blocks lie there. */
#include "run_tests.h"
#include "sim/serving/cache/kv_tier.h"
#include "sim/serving/load/request.h"

/* Three places: of 1, 2, 3 the first is used again, so 4 takes the place of 2. A block whose text
 * nobody else has takes a place too, and is never found. */
START_TEST(the_least_recently_used_goes)
{
    struct arena *arena = arena_create();
    struct kv_tier tier;
    kv_tier_create(&tier, arena, 3);
    ck_assert(!kv_tier_find(&tier, 1));
    ck_assert(kv_tier_put(&tier, 1));
    ck_assert(kv_tier_put(&tier, 2));
    ck_assert(kv_tier_put(&tier, 3));
    ck_assert(!kv_tier_put(&tier, 1)); /* there already: used */
    ck_assert(kv_tier_put(&tier, 4));
    ck_assert(!kv_tier_find(&tier, 2));
    ck_assert(kv_tier_find(&tier, 3)); /* 1, 4, 3 */
    ck_assert(kv_tier_put(&tier, 0));  /* 4, 3, nobody's */
    ck_assert(!kv_tier_find(&tier, 1));
    ck_assert(kv_tier_put(&tier, 0)); /* 3, nobody's, nobody's */
    ck_assert(!kv_tier_find(&tier, 4));
    ck_assert(kv_tier_find(&tier, 3));
    kv_tier_clear(&tier);
    ck_assert(!kv_tier_find(&tier, 3));
    ck_assert(kv_tier_put(&tier, 3));
    kv_tier_create(&tier, arena, 0); /* none */
    ck_assert(!kv_tier_put(&tier, 1));
    ck_assert(!kv_tier_find(&tier, 1));
    arena_destroy(arena);
}
END_TEST

/* As a plain list says it, of 20,000 uses of labels of which about a half fits. */
START_TEST(as_a_list)
{
    enum { PLACES = 1500, LABELS = 3000, USES = 20000 };
    struct arena *arena = arena_create();
    uint32_t *used = ARENA_ARRAY(arena, uint32_t, LABELS + 1); /* when, from 1; 0: not there */
    struct kv_tier tier;
    kv_tier_create(&tier, arena, PLACES);
    uint32_t there = 0;
    uint64_t state = 1;
    for (uint32_t i = 1; i <= USES; i++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        uint32_t label = 1 + (uint32_t)((state >> 33) % LABELS);
        bool was = used[label] > 0;
        ck_assert_int_eq(kv_tier_put(&tier, label), !was);
        if (!was && there == PLACES) {
            uint32_t oldest = 0;
            for (uint32_t j = 1; j <= LABELS; j++) {
                oldest = used[j] > 0 && (oldest == 0 || used[j] < used[oldest]) ? j : oldest;
            }
            used[oldest] = 0;
            there--;
        }
        there += !was;
        used[label] = i;
    }
    arena_destroy(arena);
}
END_TEST

/* 3 and 1 hold what a tier sent them and were sent in this order; 2 holds nothing. */
START_TEST(who_holds_something_is_first)
{
    struct request requests[4] = {{.number = 0, .arrival_seconds = 9.0},
                                  {.number = 1, .arrival_seconds = 2.0, .holder = 1},
                                  {.number = 2, .arrival_seconds = 0.5},
                                  {.number = 3, .arrival_seconds = 1.0, .holder = 2}};
    struct request_queue queue = {.first = REQUEST_NONE, .last = REQUEST_NONE};
    queue_push(&queue, requests, 2);
    queue_push(&queue, requests, 0);
    queue_return(&queue, requests, 1);
    queue_return(&queue, requests, 3);
    static const uint32_t order[] = {3, 1, 2, 0};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(queue_pop(&queue, requests), order[i]);
    }
    queue_return(&queue, requests, 1);
    queue_return(&queue, requests, 3);
    ck_assert_uint_eq(queue.last, 1);
    ck_assert_uint_eq(queue.count, 2);
}
END_TEST

RUN_TESTS(kv_tier, the_least_recently_used_goes, as_a_list, who_holds_something_is_first)
