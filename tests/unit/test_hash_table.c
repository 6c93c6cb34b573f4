/* SPDX-License-Identifier: MIT
 * The table by which names, blocks, texts and prices are found. A removal that left a hole in a run
 * of neighbours would lose what lies behind it; the caches that stand on the table would only get
 * fewer hits. */
#include "models/numeric/random.h"
#include "sim/base/hash_table.h"

#include "run_tests.h"

#include <stdbool.h>

/* How often `item` is found under `hash`. */
static unsigned found(const struct hash_table *table, uint64_t hash, uint32_t item)
{
    struct hash_walk walk = hash_walk(table, hash);
    unsigned times = 0;
    for (uint32_t next; (next = hash_next(&walk)) != HASH_NONE;) {
        times += next == item;
    }
    return times;
}

START_TEST(neighbours_move_up)
{
    struct arena *arena = arena_create();
    struct hash_table table;
    hash_table_create(&table, arena, 4); /* 8 places */
    /* Homes 6, 6, 7, 6: they lie in places 6, 7, 0, 1, around the end. */
    const uint64_t hashes[] = {6, 14, 7, 6};
    for (uint32_t i = 0; i < 4; i++) {
        hash_table_add(&table, hashes[i], i + 1);
    }
    ck_assert_uint_eq(table.places[6].item, 1);
    ck_assert_uint_eq(table.places[7].item, 2);
    ck_assert_uint_eq(table.places[0].item, 3);
    ck_assert_uint_eq(table.places[1].item, 4);
    /* 1 goes: 2 moves to 6, 3 to 7 (its home), 4 to 0; 1 is free. */
    hash_table_remove(&table, 6, 1);
    ck_assert_uint_eq(table.places[6].item, 2);
    ck_assert_uint_eq(table.places[7].item, 3);
    ck_assert_uint_eq(table.places[0].item, 4);
    ck_assert_uint_eq(table.places[1].item, HASH_NONE);
    /* 2 goes: 3 is at home and stays, 4 moves past it to 6. */
    hash_table_remove(&table, 14, 2);
    ck_assert_uint_eq(table.places[6].item, 4);
    ck_assert_uint_eq(table.places[7].item, 3);
    ck_assert_uint_eq(table.places[0].item, HASH_NONE);
    ck_assert_uint_eq(table.count, 2);
    arena_destroy(arena);
}
END_TEST

START_TEST(several_of_one_hash)
{
    struct arena *arena = arena_create();
    struct hash_table table;
    hash_table_create(&table, arena, 1);
    for (uint32_t item = 1; item <= 20; item++) { /* grows on its way */
        hash_table_add(&table, UINT64_C(5) << 32, item);
    }
    for (uint32_t item = 1; item <= 20; item++) {
        ck_assert_uint_eq(found(&table, UINT64_C(5) << 32, item), 1);
    }
    ck_assert_uint_eq(found(&table, UINT64_C(6) << 32, 1), 0);
    hash_table_replace(&table, UINT64_C(5) << 32, 7, 21);
    ck_assert_uint_eq(found(&table, UINT64_C(5) << 32, 7), 0);
    ck_assert_uint_eq(found(&table, UINT64_C(5) << 32, 21), 1);
    ck_assert_uint_eq(table.count, 20);
    hash_table_clear(&table);
    ck_assert_uint_eq(found(&table, UINT64_C(5) << 32, 21), 0);
    arena_destroy(arena);
}
END_TEST

START_TEST(what_is_in_is_found)
{
    /* 300 items of few hashes that come and go 30,000 times, against a list of which are in. */
    enum { ITEMS = 300, TURNS = 30000 };
    struct arena *arena = arena_create();
    struct random_stream stream = random_open(1, "hash table");
    struct hash_table table;
    bool in[ITEMS + 1] = {false};
    hash_table_create(&table, arena, 1);
    for (int turn = 0; turn < TURNS; turn++) {
        uint32_t item = (uint32_t)random_between(&stream, 1, ITEMS);
        uint64_t hash = random_mix(item / 3);
        if (in[item]) {
            hash_table_remove(&table, hash, item);
        } else {
            hash_table_add(&table, hash, item);
        }
        in[item] = !in[item];
        uint32_t other = (uint32_t)random_between(&stream, 1, ITEMS);
        ck_assert_uint_eq(found(&table, random_mix(other / 3), other), in[other]);
    }
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(hash_table, neighbours_move_up, several_of_one_hash, what_is_in_is_found)
