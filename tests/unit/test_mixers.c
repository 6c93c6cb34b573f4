/* SPDX-License-Identifier: MIT
 * What mixers are made of, keep and compute, by hand; tests/validation/parameters holds whole
 * models against transformers' classes. Catches a tensor left out or counted twice, a state taken
 * for a cache, a window that does not end. */
#include "models/architecture/llm.h"
#include "models/architecture/mixer_rows.h"
#include "run_tests.h"

static double elements(const struct mixer *mixer, uint32_t hidden)
{
    struct weight_list list = {.count = 0};
    mixer_rows[mixer->kind]->weights(mixer, hidden, &list);
    double sum = 0.0;
    for (uint32_t i = 0; i < list.count; i++) {
        sum += weight_elements(&list.items[i]);
    }
    return sum;
}

/* DeepSeek-V3: query 7168 x 1536 + 1536 + 1536 x 24576 = 48,760,320; keys and values 7168 x 576 +
 * 512 + 512 x 32768 = 20,906,496; out 16384 x 7168 = 117,440,512. */
static const struct mixer deepseek = {.kind = MIXER_LATENT,
                                      .latent = {.query_heads = 128,
                                                 .query_rank = 1536,
                                                 .kv_rank = 512,
                                                 .rope_size = 64,
                                                 .nope_size = 128,
                                                 .value_head_size = 128}};

START_TEST(latent_by_hand)
{
    ck_assert_double_eq(elements(&deepseek, 7168), 187107328.0);
    struct mixer_cache cache = mixer_latent.cache(&deepseek);
    ck_assert_double_eq(cache.token_elements, 576.0);
    ck_assert_uint_eq(cache.heads, 0);
    /* One new token on 999: 1000 pairs but half of its own, 2 x 128 x (192 + 128) each. */
    ck_assert_double_eq(mixer_latent.flops(&deepseek, 1.0, 999.0), 2.0 * 128 * 320 * 999.5);
}
END_TEST

/* DeepSeek-V3.2 adds 1536 x 8192 + 7168 x 128 + 2 x 128 + 7168 x 64 = 13,959,424, caches 128 a
 * token, and reads 2048 tokens of any number, having scored all. */
START_TEST(an_indexer_by_hand)
{
    struct mixer sparse = deepseek;
    sparse.latent.indexer = (struct indexer){.heads = 64, .head_size = 128, .top_k = 2048};
    ck_assert_double_eq(elements(&sparse, 7168), 187107328.0 + 13959424.0);
    ck_assert_double_eq(mixer_latent.cache(&sparse).token_elements_of_indexer, 128.0);
    ck_assert_double_eq(mixer_latent.flops(&sparse, 1.0, 99999.0),
                        2.0 * 128 * 320 * 2048 + 2.0 * 64 * 128 * 99999.5);
}
END_TEST

/* Qwen3-Next: 2048 x (8192 + 32 + 32 + 4096 + 4096) = 33,685,504; convolution 8192 x 4, decay 64,
 * norm 128. A state of 32 x 128 x 128, three inputs of 8192 channels. */
START_TEST(a_delta_layer_by_hand)
{
    const struct mixer mixer = {.kind = MIXER_DELTA,
                                .delta = {.key_heads = 16,
                                          .value_heads = 32,
                                          .key_size = 128,
                                          .value_size = 128,
                                          .convolution = 4}};
    ck_assert_double_eq(elements(&mixer, 2048), 33685504.0 + 32768.0 + 64.0 + 128.0);
    struct mixer_cache cache = mixer_delta.cache(&mixer);
    ck_assert_double_eq(cache.token_elements, 0.0);
    ck_assert_double_eq(cache.state_elements, 524288.0);
    ck_assert_double_eq(cache.convolution_elements, 3.0 * 8192.0);
}
END_TEST

/* Mamba-2 as in Bamba: in 4096 x (2 x 8192 + 2 x 128 + 128), out 8192 x 4096, convolution 8448 x 5,
 * 3 x 128, norm 8192. Mamba of 8192 with rank 256 and state 16 (Jamba): in 4096 x 16384, 8192 x
 * 288, 256 x 8192, out 8192 x 4096, convolution 8192 x 5, bias and skip 16384, decay 131072, norms
 * 288. */
START_TEST(state_spaces_by_hand)
{
    struct mixer mixer = {.kind = MIXER_STATE_SPACE,
                          .state_space = {.heads = 128,
                                          .head_size = 64,
                                          .state_size = 128,
                                          .groups = 1,
                                          .convolution = 4,
                                          .convolution_bias = true,
                                          .norm = true}};
    ck_assert_double_eq(elements(&mixer, 4096), 102286976.0);
    ck_assert_double_eq(mixer_state_space.cache(&mixer).state_elements, 8192.0 * 128.0);
    mixer.state_space = (struct state_space){.heads = 8192,
                                             .head_size = 1,
                                             .state_size = 16,
                                             .convolution = 4,
                                             .step_rank = 256,
                                             .convolution_bias = true,
                                             .norm = true};
    ck_assert_double_eq(elements(&mixer, 4096), 67108864.0 + 2359296.0 + 2097152.0 + 33554432.0 +
                                                    40960.0 + 16384.0 + 131072.0 + 288.0);
}
END_TEST

/* Of a window of 4: six queries see 1, 2, 3, 4, 4, 4 keys, halves taken off the first four (8 for
 * 10); three more on six cached see 4 each. In chunks of 4 half of one on average. */
START_TEST(windows_by_hand)
{
    ck_assert_double_eq(window_pairs(4.0, 6.0, 0.0), 16.0);
    ck_assert_double_eq(window_pairs(4.0, 3.0, 6.0), 12.0);
    ck_assert_double_eq(window_pairs(0.0, 3.0, 6.0), 22.5);
    struct gqa gqa = {.query_heads = 1, .kv_heads = 1, .head_size = 1, .window = 4};
    gqa.reach = REACH_CHUNK;
    ck_assert_double_eq(gqa_pairs(&gqa, 4.0, 8.0), 8.0);
}
END_TEST

/* DeepSeek-V4 keeps one entry of 512 for each 4 tokens and an index of 128, the latest 128 tokens
 * whole: 128.0 elements a token and 32 of index, 65536 of window. */
START_TEST(compressed_cache_by_hand)
{
    struct llm llm = {.hidden = 4096,
                      .keys = {.layers = 2,
                               .mixer = MIXER_COMPRESSED,
                               .compressed = {.query_heads = 64,
                                              .head_size = 512,
                                              .query_rank = 1024,
                                              .out_groups = 8,
                                              .out_rank = 1024,
                                              .ratio = 4,
                                              .window = 128,
                                              .indexer = {64, 128, 512, 0, 0}}}};
    llm_from_keys(&llm);
    struct llm_counts counts = llm_count(&llm);
    ck_assert_double_eq(counts.token_elements, 2.0 * 128.0);
    ck_assert_double_eq(counts.indexer_elements, 2.0 * 32.0);
    ck_assert_double_eq(counts.window_token_elements, 2.0 * 512.0);
    ck_assert_uint_eq(counts.window, 128);
    ck_assert_double_eq(mixer_compressed.cache(&llm.stack.kinds[0].mixers[0]).window_elements,
                        65536.0);
}
END_TEST

/* Two streams: for each half a product of 2 x (2 + 2) = 8 columns over 2 x hidden, 8 biases and 3
 * scales. A borrowed block has no elements of its own and is met. */
START_TEST(streams_and_borrowed_blocks)
{
    struct llm llm = {.hidden = 10,
                      .keys = {.layers = 1,
                               .query_heads = 1,
                               .kv_heads = 1,
                               .head_size = 10,
                               .ffn_hidden = 20,
                               .streams = 2}};
    llm_from_keys(&llm);
    double plain = 4 * 100 + 2 * 200 + 2 * 10;
    struct weight_list list;
    layer_kind_weights(&llm.stack.kinds[0], 10, &list);
    double sum = 0.0, met = 0.0;
    for (uint32_t i = 0; i < list.count; i++) {
        sum += weight_elements(&list.items[i]);
    }
    ck_assert_double_eq(sum, plain + 2 * (8 * 20 + 11));
    llm.keys.streams = 0;
    llm.keys.borrowed = true;
    llm_from_keys(&llm);
    layer_kind_weights(&llm.stack.kinds[0], 10, &list);
    sum = 0.0;
    for (uint32_t i = 0; i < list.count; i++) {
        sum += weight_elements(&list.items[i]);
        met += weight_active_elements(&list.items[i]);
    }
    ck_assert_double_eq(sum, 2 * 10);
    ck_assert_double_eq(met, plain);
}
END_TEST

RUN_TESTS(mixers, latent_by_hand, an_indexer_by_hand, a_delta_layer_by_hand, state_spaces_by_hand,
          windows_by_hand, compressed_cache_by_hand, streams_and_borrowed_blocks)
