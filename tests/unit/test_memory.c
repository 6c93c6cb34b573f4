/* SPDX-License-Identifier: MIT
 * Memory by kind, against arXiv 2411.01783's model worked by hand. */
#include "models/passes/memory.h"

#include "fixture.h"
#include "run_tests.h"

static struct replica make(const struct layout *layout)
{
    return (struct replica){.llm = &fixture_llm,
                            .gpu = &fixture_gpu,
                            .cluster = &fixture_cluster,
                            .software = &fixture_software,
                            .layout = layout,
                            .precision = &fixture_precision};
}

/* Attention 126 x (2 x 16384^2 + 2 x 16384 x 1024) = 71.87e9 weights in bf16; feed-forward
 * 126 x 3 x 16384 x 53248 = 329.8e9 in fp8; embedding and head 2 x 128256 x 16384 = 4.2e9 in bf16:
 * 481.9 GB, of which TP8 holds 60.24 GB; row scales and norms add 17 MB. */
START_TEST(weights_of_405b)
{
    struct layout layout = {.tensor = 8, .context = 16, .pipeline = 1, .data = 1};
    struct replica replica = make(&layout);
    ck_assert_double_eq_tol(memory_weight_bytes(&replica), 60.25e9, 0.02e9);
    struct layout alone = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    replica = make(&alone);
    ck_assert_double_eq_tol(memory_weight_bytes(&replica), 481.97e9, 0.1e9);
}
END_TEST

/* 126 layers x 1 head x 128 x (key and value) x 2 bytes = 64,512 bytes a token and GPU under TP8;
 * a million tokens on CP16: 62,500 a rank, 4.03 GB. */
START_TEST(kv_cache_of_a_million_tokens)
{
    struct layout layout = {.tensor = 8, .context = 16, .pipeline = 1, .data = 1};
    struct replica replica = make(&layout);
    ck_assert_double_eq(memory_kv_bytes_per_token(&replica), 64512.0);
    ck_assert_double_eq(memory_kv_cache_bytes(&replica, 1, 1000000), 62500.0 * 64512.0);
}
END_TEST

/* An edge layer keeps its feed-forward block in bf16: a byte more for each of 3 x 16384 x 53248
 * weights, and no scales of 4 bytes for the 2 x 53248 + 16384 rows. Of 126 layers on 3 stages the
 * first and the last have one each. */
START_TEST(edge_layers_are_wide)
{
    struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct precision edged = fixture_precision;
    edged.edge_layers_high = 1;
    struct replica plain = make(&layout), replica = make(&layout);
    replica.precision = &edged;
    double more = 3.0 * 16384.0 * 53248.0 - 4.0 * (2.0 * 53248.0 + 16384.0);
    ck_assert_double_eq_tol(memory_weight_bytes(&replica) - memory_weight_bytes(&plain), 2.0 * more,
                            1.0);
    static const double of_stages[] = {1.0, 0.0, 1.0};
    for (uint32_t i = 0; i < 3; i++) {
        struct model_stage stage = model_stage(&fixture_llm, 3, i);
        ck_assert_double_eq_tol(memory_stage_weight_bytes(&replica, &stage) -
                                    memory_stage_weight_bytes(&plain, &stage),
                                of_stages[i] * more, 1.0);
    }
}
END_TEST

/* Half of 126 layers see 4,096 tokens alone: of a million on CP16 they keep 256 a rank. What grows
 * is the other half. */
START_TEST(windows_bound_the_cache)
{
    static const uint32_t kinds[] = {0, 1};
    static const struct layer_run run = {.kinds = kinds, .kind_count = 2, .repeat = 63};
    struct llm llm = fixture_llm;
    llm.stack.kinds[1] = llm.stack.kinds[0];
    llm.stack.kinds[1].mixers[0].gqa.reach = REACH_WINDOW;
    llm.stack.kinds[1].mixers[0].gqa.window = 4096;
    llm.stack.kind_count = 2;
    llm.stack.runs = &run;
    llm.stack.run_count = 1;
    struct layout layout = {.tensor = 8, .context = 16, .pipeline = 1, .data = 1};
    struct replica replica = make(&layout);
    replica.llm = &llm;
    ck_assert_double_eq(memory_kv_bytes_per_token(&replica), 32256.0);
    ck_assert_double_eq(memory_kv_cache_bytes(&replica, 1, 1000000), (62500.0 + 256.0) * 32256.0);
    ck_assert_double_eq(memory_kv_cache_bytes(&replica, 3, 1600), 3.0 * 100.0 * 64512.0);
    struct model_stage whole = model_stage(&llm, 1, 0);
    ck_assert_double_eq(memory_stage_sequence_bytes(&replica, &whole, 1000000), 256.0 * 32256.0);
    ck_assert_double_eq_tol(memory_weight_bytes(&replica), 60.25e9, 0.02e9);
    /* In pages of 16 tokens, a GPU of one context group has 16 x 32,256 / 16 bytes of each; a
     * sequence fills its window's 4,096 tokens with as many again and stays so. */
    struct kv_room room = memory_stage_kv_room(&replica, &whole);
    ck_assert_double_eq(room.token_bytes, 32256.0);
    ck_assert_double_eq(room.window_token_bytes, 32256.0 / 16.0);
    ck_assert_uint_eq(room.window_tokens, 4096);
    ck_assert_double_eq(room.state_bytes, 0.0);
}
END_TEST

/* 405B on TP8: the embedding, 128256 x 16384 in bf16, is not read but for a row a token: 4.203 GB /
 * 8 less than 60.25 GB. */
START_TEST(what_a_step_reads)
{
    struct layout layout = {.tensor = 8, .context = 1, .pipeline = 1, .data = 1};
    struct replica replica = make(&layout);
    ck_assert_double_eq_tol(memory_weight_bytes(&replica) - memory_step_weight_bytes(&replica, 1.0),
                            128256.0 * 16384.0 * 2.0 / 8.0, 1.0);
    struct llm tied = fixture_llm; /* its one table is the head, and read */
    tied.tied_embedding = true;
    replica.llm = &tied;
    ck_assert_double_eq(memory_weight_bytes(&replica), memory_step_weight_bytes(&replica, 1.0));
}
END_TEST

/* Llama 3.1 70B in bf16 on one GPU: 80 layers of 2 x 8192^2 + 2 x 8192 x 1024 + 3 x 8192 x 28672
 * and two norms of 8192, and the head, 128256 x 8192: 69.503e9 weights, 139.006 GB. A token's keys
 * and values are 80 x 2 x 8 x 128 x 2 = 327,680 bytes, a sequence of 4,096 tokens 1.342 GB: 103.57
 * of them are the weights. On CP2 a GPU holds half of each sequence: twice as many. TP8 divides
 * both. */
START_TEST(the_knee_of_decode)
{
    const struct llm llm = {
        .name = "llama3-70b",
        .hidden = 8192,
        .vocabulary = 128256,
        DENSE_LAYERS(80, 64, 8, 128, 28672),
    };
    const struct precision bf16 = {.attention_weights = {.format = FORMAT_BF16},
                                   .ffn_weights = {.format = FORMAT_BF16},
                                   .embedding = {.format = FORMAT_BF16},
                                   .activations = FORMAT_BF16,
                                   .kv_cache = FORMAT_BF16};
    struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct replica replica = make(&layout);
    replica.llm = &llm;
    replica.precision = &bf16;
    ck_assert_double_eq_tol(memory_step_weight_bytes(&replica, 1.0), 139.006e9, 0.001e9);
    ck_assert_double_eq_tol(memory_knee_sequences(&replica, 4096), 103.57, 0.01);
    layout.context = 2;
    ck_assert_double_eq_tol(memory_knee_sequences(&replica, 4096), 207.13, 0.02);
    layout = (struct layout){.tensor = 8, .context = 1, .pipeline = 1, .data = 1};
    ck_assert_double_eq_tol(memory_knee_sequences(&replica, 4096), 103.57, 0.02);
}
END_TEST

/* Qwen3 30B-A3B's experts, 128 of 3 x 2048 x 768 weights of which a token goes to 8: a token reads
 * 8, 16 tokens 128 x (1 - (15/16)^16) = 82.42. The knee with 4,096 tokens of context: keys and
 * values are 48 x 2 x 4 x 128 x 2 = 98,304 bytes a token, 402.65 MB a sequence; the rest is 48 x (2
 * x 2048 x 4096 + 2 x 2048 x 512 + 2048 x 128 + 2 x 2048) + 151936 x 2048 = 1.2305e9 weights, 2.461
 * GB, the experts 57.98 GB x touched / 128. At 133 sequences 127.98 experts are touched: 60.43 GB,
 * 150.1 sequences; so it is 150.1, where all 128 are. */
START_TEST(the_knee_of_experts)
{
    const struct llm llm = {
        .name = "qwen3-30b-a3b",
        .hidden = 2048,
        .vocabulary = 151936,
        EXPERT_LAYERS(48, 32, 4, 128, 768, 128, 8),
    };
    const struct precision bf16 = {.attention_weights = {.format = FORMAT_BF16},
                                   .ffn_weights = {.format = FORMAT_BF16},
                                   .embedding = {.format = FORMAT_BF16},
                                   .activations = FORMAT_BF16,
                                   .kv_cache = FORMAT_BF16};
    struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct replica replica = make(&layout);
    replica.llm = &llm;
    replica.precision = &bf16;
    double expert = 48.0 * 3.0 * 2048.0 * 768.0 * 2.0;
    double rest = memory_step_weight_bytes(&replica, 1.0) - 8.0 * expert;
    ck_assert_double_eq_tol(rest, 2.460e9, 0.001e9);
    ck_assert_double_eq_tol(memory_step_weight_bytes(&replica, 16.0) - rest, 82.42 * expert,
                            0.01 * expert);
    ck_assert_double_eq_tol(memory_knee_sequences(&replica, 4096), 150.1, 0.1);
    /* With 8 times the context fewer experts are touched: the knee's own. */
    double knee = memory_knee_sequences(&replica, 32768);
    ck_assert_double_eq_tol(knee * 98304.0 * 32768.0, memory_step_weight_bytes(&replica, knee),
                            1e3);
    ck_assert_double_gt(knee, 2.0);
    ck_assert_double_lt(knee, 0.8 * 150.1 / 8.0);
}
END_TEST

/* TP1, 1000 tokens, no ring: residual 2 x 1000 x 16384 x 2 = 65.5 MB; the feed-forward block is the
 * wider: 3 x 1000 x 53248 x 2 = 319.5 MB. */
START_TEST(activations_of_one_rank)
{
    struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct replica replica = make(&layout);
    struct batch_slice slice = {PHASE_PREFILL, 1, 1000, 0};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    ck_assert_double_eq_tol(memory_activation_bytes(&replica, &batch, RING_NONE),
                            65.536e6 + 319.488e6, 1.0);
}
END_TEST

/* The step above holds 385.024 MB. 100 sequences' logits of 14 bytes are 100 x vocabulary x 14
 * beside the streams' 65.536 MB, when that is more than the layer's; 2 bytes are less. 1 GB
 * outside, of several ranks 2 more, with NVLS 4. */
START_TEST(what_a_profile_run_finds)
{
    struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct replica replica = make(&layout);
    struct software software = *replica.software;
    replica.software = &software;
    software.memory = (struct engine_memory){
        .non_torch_bytes = 1e9, .tensor_bytes = 2e9, .multicast_bytes = 4e9, .logit_bytes = 2.0};
    software.library.nvls.ranks = 0;
    struct batch_slice slice = {PHASE_PREFILL, 1, 1000, 0};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    double step = 65.536e6 + 319.488e6, logits = 100.0 * replica.llm->vocabulary;
    ck_assert_double_eq_tol(memory_profile_bytes(&replica, &batch, RING_NONE, 100, true),
                            step + 1e9, 1.0);
    software.memory.logit_bytes = 50.0;
    ck_assert_double_eq_tol(memory_profile_bytes(&replica, &batch, RING_NONE, 100, true),
                            65.536e6 + 50.0 * logits + 1e9, 1.0);
    ck_assert_double_eq_tol(memory_profile_bytes(&replica, &batch, RING_NONE, 100, false),
                            step + 1e9, 1.0);
    software.memory.logit_bytes = 0.0;
    layout.tensor = 2;
    double cut = memory_activation_bytes(&replica, &batch, RING_NONE);
    ck_assert_double_eq_tol(memory_profile_bytes(&replica, &batch, RING_NONE, 100, true), cut + 3e9,
                            1.0);
    software.library.nvls.ranks = 4;
    ck_assert_double_eq_tol(memory_profile_bytes(&replica, &batch, RING_NONE, 100, true), cut + 7e9,
                            1.0);
}
END_TEST

/* As above, 50 bytes a logit and 3 GB of graphs; of families in the newer runner 10 bytes, no
 * graphs. "qwen3" is not "qwen3_moe". */
START_TEST(families_in_the_newer_runner)
{
    struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct replica replica = make(&layout);
    struct software software = *replica.software;
    struct llm llm = fixture_llm;
    replica.software = &software;
    replica.llm = &llm;
    software.memory = (struct engine_memory){.logit_bytes = 50.0,
                                             .graph_bytes = 3e9,
                                             .newer_logit_bytes = 10.0,
                                             .newer_families = "llama qwen3_moe"};
    struct batch_slice slice = {PHASE_PREFILL, 1, 1000, 0};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    double logits = 1000.0 * llm.vocabulary, older = 65.536e6 + 50.0 * logits + 3e9;
    static const char *const families[] = {NULL, "qwen3", "llam", "qwen3_moe", "llama"};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        llm.family = families[i];
        ck_assert_double_eq_tol(memory_profile_bytes(&replica, &batch, RING_NONE, 1000, true),
                                i < 3 ? older : 65.536e6 + 10.0 * logits, 1.0);
    }
}
END_TEST

/* 3 layers of lightning attention, 4 heads of 8: a state of 4 x 8 x 8 in fp32 a layer, 3 KiB a
 * sequence of any length. */
START_TEST(a_state_is_kept_at_any_length)
{
    struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct llm llm = fixture_llm;
    llm.stack.layers = 3;
    only_kind(&llm)->mixers[0] =
        (struct mixer){.kind = MIXER_LINEAR, .linear = {.heads = 4, .head_size = 8}};
    struct replica replica = make(&layout);
    replica.llm = &llm;
    ck_assert_double_eq(memory_kv_cache_bytes(&replica, 5, 100), 5.0 * 3072.0);
    ck_assert_double_eq(memory_kv_cache_bytes(&replica, 5, 100000), 5.0 * 3072.0);
}
END_TEST

RUN_TESTS(memory, what_a_profile_run_finds, families_in_the_newer_runner, weights_of_405b,
          kv_cache_of_a_million_tokens, what_a_step_reads, the_knee_of_decode, the_knee_of_experts,
          activations_of_one_rank, edge_layers_are_wide, windows_bound_the_cache,
          a_state_is_kept_at_any_length)
