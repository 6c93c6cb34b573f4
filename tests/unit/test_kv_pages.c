/* SPDX-License-Identifier: MIT
 * Pages of a sequence whose layers keep windows and states beside what grows with every token. */
#include "run_tests.h"
#include "sim/serving/cache/kv_cache.h"

static uint64_t pages(const struct kv_room *room, uint32_t context, uint64_t tokens)
{
    struct kv_layout layout = kv_layout_plain(16, false);
    layout.beside = kv_beside_of(room, context, 16);
    ck_assert_uint_eq(kv_layout_held(&layout, tokens), kv_layout_blocks(&layout, tokens));
    return kv_layout_blocks(&layout, tokens);
}

START_TEST(tokens_alone)
{
    struct kv_room room = {.token_bytes = 1000.0};
    ck_assert_uint_eq(pages(&room, 1, 0), 0);
    ck_assert_uint_eq(pages(&room, 1, 16), 1);
    ck_assert_uint_eq(pages(&room, 1, 17), 2);
}
END_TEST

/* A page of 16 tokens of 1,000 bytes. Windowed layers add 500 bytes a token up to 256: half a page
 * more for each page, at most 8; states of 24,000 bytes are a page and a half: 10 with them, up. */
START_TEST(windows_and_states)
{
    struct kv_room room = {
        .token_bytes = 1000.0, .window_token_bytes = 500.0, .window_tokens = 256};
    ck_assert_uint_eq(pages(&room, 1, 64), 4 + 2);
    ck_assert_uint_eq(pages(&room, 1, 256), 16 + 8);
    ck_assert_uint_eq(pages(&room, 1, 1600), 100 + 8);
    room.state_bytes = 24000.0;
    ck_assert_uint_eq(pages(&room, 1, 1600), 100 + 10);
    /* On four context ranks a GPU has a quarter of a page's tokens, and all of a state. */
    room.window_token_bytes = 125.0;
    ck_assert_uint_eq(pages(&room, 4, 1600), 100 + 14);
}
END_TEST

RUN_TESTS(kv_pages, tokens_alone, windows_and_states)
