/* SPDX-License-Identifier: MIT
 * Groups of layers in one pool of blocks, against what vLLM 0.24.0's own functions say of the same
 * layers: get_kv_cache_groups(), get_kv_cache_config_from_groups(), get_kv_cache_capacity(), with
 * 8192 tokens a step. */
#include "models/passes/kv_groups.h"

#include "fixture.h"
#include "run_tests.h"
#include "sim/serving/cache/kv_cache.h"

#define GIB (1024.0 * 1024.0 * 1024.0)

/* `full` layers see all tokens, `windowed` ones do not. */
struct shape {
    uint32_t full, full_heads, windowed, windowed_heads, head_size, window;
    bool window_first;
};

struct found {
    struct kv_grouping grouping;
    uint64_t blocks, tokens;
};

/* What fits in `bytes` of a rank at `model_tokens`. */
static struct found find(const struct shape *shape, uint32_t tensor, double bytes,
                         uint64_t model_tokens)
{
    static const uint32_t full_kind[] = {0}, window_kind[] = {1};
    const struct layer_run first = {window_kind, 1, shape->window_first ? shape->windowed : 0};
    const struct layer_run then = {full_kind, 1, shape->full};
    const struct layer_run last = {window_kind, 1, shape->windowed - first.repeat};
    const struct layer_run runs[] = {first, then, last};
    struct llm llm = fixture_llm;
    llm.stack = (struct stack){.layers = shape->full + shape->windowed,
                               .kind_count = 2,
                               .kinds = {fixture_llm.stack.kinds[0], fixture_llm.stack.kinds[0]},
                               .runs = runs,
                               .run_count = shape->full > 0 ? 3 : 1};
    struct gqa *full = &llm.stack.kinds[0].mixers[0].gqa;
    full->head_size = shape->head_size;
    full->value_head_size = shape->head_size;
    full->kv_heads = shape->full_heads;
    struct gqa *windowed = &llm.stack.kinds[1].mixers[0].gqa;
    *windowed = *full;
    windowed->kv_heads = shape->windowed_heads;
    windowed->reach = REACH_WINDOW;
    windowed->window = shape->window;
    struct layout layout = {.tensor = tensor, .context = 1, .pipeline = 1, .data = 1};
    struct replica replica = {.llm = &llm,
                              .gpu = &fixture_gpu,
                              .cluster = &fixture_cluster,
                              .software = &fixture_software,
                              .layout = &layout,
                              .precision = &fixture_precision};
    struct model_stage whole = model_stage(&llm, 1, 0);
    struct found found = {0};
    ck_assert(kv_grouping_of(&replica, &whole, 16, &found.grouping));
    struct kv_layout kept = kv_layout_grouped(&found.grouping, 8192, model_tokens, true);
    found.blocks = (uint64_t)(bytes / found.grouping.block_bytes);
    double at_once = (double)found.blocks / (double)kv_layout_blocks(&kept, model_tokens);
    found.tokens = (uint64_t)(at_once * (double)model_tokens);
    return found;
}

/* gpt-oss-20b: 12 layers of each, the first with a window: blocks of 12 layers x 16 tokens x 2 KiB.
 * 131,072 tokens take 8192 blocks, and (127 + 8192) / 16 and one more, up: 521. */
START_TEST(as_many_of_each)
{
    const struct shape gpt_oss = {12, 8, 12, 8, 64, 128, true};
    struct found found = find(&gpt_oss, 1, 100.0 * GIB, 131072);
    ck_assert_uint_eq(found.grouping.count, 2);
    ck_assert_uint_eq(found.grouping.groups[0].window_tokens, 128);
    ck_assert_uint_eq(found.grouping.groups[1].window_tokens, 0);
    ck_assert_double_eq(found.grouping.block_bytes, 393216.0);
    ck_assert_uint_eq(found.blocks, 273066);
    ck_assert_uint_eq(found.tokens, 4107805);
}
END_TEST

/* Gemma 3 27B: 10 of 62 layers see all, so groups have 10; 52 others make 6 of 9 or 8. */
START_TEST(five_of_six_have_windows)
{
    const struct shape gemma = {10, 16, 52, 16, 128, 1024, true};
    struct found found = find(&gemma, 1, 60.0 * GIB, 131072);
    ck_assert_uint_eq(found.grouping.count, 7);
    ck_assert_uint_eq(found.grouping.block_layers, 10);
    ck_assert_uint_eq(found.blocks, 49152);
    ck_assert_uint_eq(found.tokens, 552810);
    found = find(&gemma, 2, 60.0 * GIB, 131072);
    ck_assert_uint_eq(found.blocks, 98304);
    ck_assert_uint_eq(found.tokens, 1105620);
}
END_TEST

/* 26 is less than half as much again as 20: both have places for 26. */
START_TEST(nearly_as_many)
{
    const struct shape uneven = {20, 8, 26, 8, 128, 512, false};
    struct found found = find(&uneven, 1, 60.0 * GIB, 32768);
    ck_assert_uint_eq(found.grouping.count, 2);
    ck_assert_uint_eq(found.grouping.block_layers, 26);
    ck_assert_uint_eq(found.blocks, 37809);
    ck_assert_uint_eq(found.tokens, 477796);
}
END_TEST

/* Half the bytes a token: blocks of 32 tokens, and hits in multiples of them. */
START_TEST(smaller_entries_have_longer_blocks)
{
    const struct shape heads = {10, 4, 30, 8, 256, 512, false};
    struct found found = find(&heads, 1, 60.0 * GIB, 32768);
    ck_assert_uint_eq(found.grouping.count, 4);
    ck_assert_uint_eq(found.grouping.groups[0].block_tokens, 32);
    ck_assert_uint_eq(found.grouping.groups[1].block_tokens, 16);
    ck_assert_uint_eq(found.blocks, 49152);
    ck_assert_uint_eq(found.tokens, 605721);
    struct kv_layout layout = kv_layout_grouped(&found.grouping, 8192, 32768, true);
    ck_assert_uint_eq(layout.label_tokens, 16);
    ck_assert_uint_eq(layout.alignment_tokens, 32);
}
END_TEST

/* Mistral 7B: one group, whose blocks a window lets go of. A sequence that decodes its 10,000th
 * token sees 4,096, from token 5,904 on: 369 whole blocks are passed of 625. */
START_TEST(windows_alone)
{
    const struct shape mistral = {0, 8, 32, 8, 128, 4096, true};
    struct found found = find(&mistral, 1, 60.0 * GIB, 32768);
    ck_assert_uint_eq(found.grouping.count, 1);
    ck_assert_uint_eq(found.blocks, 30720);
    ck_assert_uint_eq(found.tokens, 1309015);
    struct kv_layout layout = kv_layout_grouped(&found.grouping, 8192, 32768, true);
    ck_assert(kv_layout_has_windows(&layout));
    ck_assert_uint_eq(kv_layout_held(&layout, 10000), 625 - 369);
}
END_TEST

RUN_TESTS(kv_groups, as_many_of_each, five_of_six_have_windows, nearly_as_many,
          smaller_entries_have_longer_blocks, windows_alone)
