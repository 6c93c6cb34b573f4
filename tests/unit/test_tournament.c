/* SPDX-License-Identifier: MIT
 * The least of keys that change, against a walk over all of them; and a router's choice, against
 * the same walk over servers. A tree that stopped too early on its way up, or took the second of
 * two equals, would fail. */
#include "models/numeric/random.h"
#include "models/numeric/tournament.h"
#include "sim/serving/replica/fleet.h"
#include "sim/serving/replica/router.h"

#include "run_tests.h"

enum { MOST = 70 };

/* Four: keys 3 1 1 2 are won by the second; when it has 5, by the third; when that has 9, by the
 * last. */
START_TEST(by_hand)
{
    uint64_t keys[4];
    uint32_t winners[4];
    struct tournament four;
    tournament_open(&four, keys, winners, 4);
    ck_assert_uint_eq(tournament_least(&four), 0);
    const uint64_t first[] = {3, 1, 1, 2};
    for (uint32_t i = 0; i < 4; i++) {
        tournament_set(&four, i, first[i]);
    }
    ck_assert_uint_eq(tournament_least(&four), 1);
    tournament_set(&four, 1, 5);
    ck_assert_uint_eq(tournament_least(&four), 2);
    tournament_set(&four, 2, 9);
    ck_assert_uint_eq(tournament_least(&four), 3);
}
END_TEST

START_TEST(as_a_walk)
{
    struct random_stream random = random_open(1, "tournament");
    uint64_t keys[MOST];
    uint32_t winners[MOST];
    for (uint32_t count = 1; count <= MOST; count++) {
        struct tournament tree;
        tournament_open(&tree, keys, winners, count);
        for (int turn = 0; turn < 2000; turn++) {
            uint32_t index = (uint32_t)(random_uniform(&random) * count), least = 0;
            tournament_set(&tree, index, (uint64_t)(random_uniform(&random) * 6.0));
            for (uint32_t i = 1; i < count; i++) {
                least = keys[i] < keys[least] ? i : least;
            }
            ck_assert_uint_eq(tournament_least(&tree), least);
        }
    }
}
END_TEST

/* The rule in its plain form: the fewest requests of those that are up, of equals the first; the
 * first of all when none is up. */
static uint32_t walk(const struct pool *pool)
{
    const struct server *servers = pool->servers;
    uint32_t best = 0;
    for (uint32_t i = 1; i < pool->server_count; i++) {
        bool better = servers[i].outstanding < servers[best].outstanding;
        if (servers[i].down == 0 && (better || servers[best].down > 0)) {
            best = i;
        }
    }
    return best;
}

/* Requests come and go, servers fail once and more, and are repaired; now and then all are down. */
START_TEST(routes_as_a_walk)
{
    static struct server servers[MOST];
    struct random_stream random = random_open(2, "router");
    struct scenario scenario = {.serving.service.router = ROUTER_LEAST_OUTSTANDING};
    uint64_t all_down = 0;
    for (uint32_t count = 1; count <= MOST; count += 1 + count / 3) {
        struct arena *arena = arena_create();
        struct pool pool = {.scenario = &scenario, .servers = servers, .server_count = count};
        for (uint32_t i = 0; i < count; i++) {
            servers[i] = (struct server){.pool = &pool, .index = 100 + i};
        }
        router_open(&pool, arena);
        for (int turn = 0; turn < 5000; turn++) {
            struct server *server = &servers[(uint32_t)(random_uniform(&random) * count)];
            double what = random_uniform(&random), failing = turn % 1000 < 500 ? 0.3 : 0.02;
            if (what < failing) {
                router_down(server, 1);
            } else if (what < 0.5) {
                server->down > 0 ? (void)router_down(server, -1) : router_count(server, 1);
            } else if (server->outstanding > 0 && what < 0.75) {
                router_count(server, -1);
            } else {
                router_count(&servers[walk(&pool)], 1);
            }
            uint32_t up = 0;
            for (uint32_t i = 0; i < count; i++) {
                up += servers[i].down == 0;
            }
            all_down += up == 0;
            ck_assert_uint_eq(router_choose(NULL, &pool, NULL), 100 + walk(&pool));
        }
        arena_destroy(arena);
    }
    ck_assert_uint_gt(all_down, 100);
}
END_TEST

RUN_TESTS(tournament, by_hand, as_a_walk, routes_as_a_walk)
