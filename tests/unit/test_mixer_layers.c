/* SPDX-License-Identifier: MIT
 * Layers of latent and linear attention in inference: what tensor ranks cut and what each holds,
 * expanded and absorbed, what context ranks send. Catches a down projection that is cut, a cache
 * that is expanded in decode, a ring that carries all heads. */
#include "fixture.h"
#include "models/kernels/kernel_default.h"
#include "models/layers/layer_rows.h"
#include "models/passes/transformer.h"
#include "round_gpu.h"
#include "run_tests.h"

#include <string.h>

enum { HIDDEN = 7168, MAX_OPERATORS = 4096 };

static const struct mixer latent = {.kind = MIXER_LATENT,
                                    .latent = {.query_heads = 128,
                                               .query_rank = 1536,
                                               .kv_rank = 512,
                                               .rope_size = 64,
                                               .nope_size = 128,
                                               .value_head_size = 128}};
static const struct mixer delta = {
    .kind = MIXER_DELTA,
    .delta = {
        .key_heads = 16, .value_heads = 32, .key_size = 128, .value_size = 128, .convolution = 4}};

static struct software software; /* all zero: the fixture's */

static struct step_operator operators[STEP_MAX_SEGMENTS * MAX_OPERATORS];

static const struct step_segment *build(const struct mixer *mixer, uint32_t tensor,
                                        uint32_t context, struct batch_slice slice)
{
    static struct llm llm;
    static struct layout layout;
    static struct replica replica;
    static struct gpu gpu; /* kernels are asked for their work while a program is built */
    static struct step_program program;
    static const uint32_t kind = 0;
    static const struct layer_run run = {.kinds = &kind, .kind_count = 1, .repeat = 1};
    gpu = round_gpu();
    llm = (struct llm){.name = "one layer", .hidden = HIDDEN, .vocabulary = 1000};
    llm.stack.layers = llm.stack.kind_count = llm.stack.run_count = 1;
    llm.stack.runs = &run;
    llm.stack.kinds[0] =
        (struct layer_kind){.name = "layer", .mixers = {*mixer}, .mixer_count = 1, .norms = 1};
    layout = (struct layout){.tensor = tensor, .context = context, .pipeline = 1, .data = 1};
    replica = (struct replica){.llm = &llm,
                               .gpu = &gpu,
                               .cluster = &fixture_cluster,
                               .software = software.name != NULL ? &software : &fixture_software,
                               .layout = &layout,
                               .precision = &fixture_precision};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    ck_assert_uint_le(transformer_max_operators(&replica, 1), MAX_OPERATORS);
    transformer_build(&replica, &batch, context > 1 ? RING_PASS_KV : RING_NONE, operators,
                      &program);
    for (uint32_t i = 0; i < program.segment_count; i++) {
        if (program.segments[i].part == STEP_LAYERS) {
            return &program.segments[i];
        }
    }
    return NULL;
}

static const struct step_operator *find(const struct step_segment *segment, const char *name)
{
    for (uint32_t i = 0; i < segment->count; i++) {
        if (strcmp(segment->operators[i].name, name) == 0) {
            return &segment->operators[i];
        }
    }
    return NULL;
}

static const struct batch_slice prompt = {PHASE_PREFILL, 2, 1000, 3000};
static const struct batch_slice decode = {PHASE_DECODE, 64, 1, 4000};

/* 1536 + 512 + 64 columns on each of two ranks; of heads half. */
START_TEST(tensor_ranks_cut_heads)
{
    const struct step_segment *layer = build(&latent, 2, 1, prompt);
    ck_assert_uint_eq(find(layer, "query+kv down")->gemm.n, 2112);
    ck_assert_uint_eq(find(layer, "query up")->gemm.n, 64 * 192);
    ck_assert_uint_eq(find(layer, "out")->gemm.k, 64 * 128);
    ck_assert_uint_eq(find(layer, "kv append")->memory.columns, 576);
}
END_TEST

/* Keys and values of cached tokens are made too: 2 x 4000 rows. */
START_TEST(prefill_expands)
{
    const struct step_segment *layer = build(&latent, 1, 1, prompt);
    ck_assert_uint_eq(find(layer, "kv up")->gemm.m, 8000);
    ck_assert_uint_eq(find(layer, "kv up")->gemm.n, 128 * 256);
    ck_assert_ptr_null(find(layer, "absorb keys"));
    /* 2 sequences, 1000 x (4000 - 499.5) pairs, 128 heads of 192 + 128 elements. */
    ck_assert_double_eq_tol(find(layer, "attention")->kernel.flops,
                            2.0 * 2 * 128 * 1000 * 3500.5 * 320, 1.0);
}
END_TEST

START_TEST(decode_absorbs)
{
    const struct step_segment *layer = build(&latent, 1, 1, decode);
    ck_assert_ptr_null(find(layer, "kv up"));
    ck_assert_uint_eq(find(layer, "absorb keys")->gemm.n, 128 * 512);
    ck_assert_uint_eq(find(layer, "absorb keys")->gemm.k, 128);
    ck_assert_uint_eq(find(layer, "absorb values")->gemm.n, 128 * 128);
    ck_assert_double_eq_tol(find(layer, "attention")->kernel.flops,
                            2.0 * 64 * 128 * 4001 * (2 * 512 + 64), 1.0);
}
END_TEST

/* Gaps of a host that launches kernel by kernel: the fixture's decode runs from a graph, its
 * prompts do not. */
START_TEST(graphs_leave_no_gaps)
{
    struct gpu gpu = round_gpu();
    software = fixture_software;
    struct latent_kernels *own = &software.kernels.mixers.latent;
    *own = latent_kernels_of(own, &gpu);
    own->name = "own";
    own->prefill_rest.seconds = own->decode_rest.seconds = 7e-6;
    const struct step_segment *layer = build(&latent, 1, 1, prompt);
    ck_assert_double_eq(find(layer, "around")->host_seconds, 7e-6);
    ck_assert_ptr_null(find(build(&latent, 1, 1, decode), "around"));
    software.decode_graph = false;
    ck_assert_double_eq(find(build(&latent, 1, 1, decode), "around")->host_seconds, 7e-6);
    software = (struct software){.name = NULL};
}
END_TEST

/* One token of cache for all heads a hop: 2 x (500 + 1500) x 576 x 2 B. */
START_TEST(ring_carries_latent_vectors)
{
    const struct step_segment *layer = build(&latent, 1, 2, prompt);
    ck_assert_double_eq_tol(find(layer, "ring hop")->collective.call.bytes,
                            2.0 * (500 + 1500) * 576 * 2, 1e-6);
    ck_assert_ptr_nonnull(find(layer, "merge"));
    /* In decode queries travel, on the latent side: 32 sequences of a rank. */
    layer = build(&latent, 1, 2, decode);
    ck_assert_double_eq_tol(find(layer, "ring hop")->collective.call.bytes, 32.0 * 128 * 576 * 2,
                            1e-6);
}
END_TEST

/* What a chunk adds to a state and multiplies it with, of two chunks a rank, in fp32. */
START_TEST(context_ranks_gather_states)
{
    const struct step_segment *layer = build(&delta, 1, 2, prompt);
    ck_assert_double_eq_tol(find(layer, "state all-gather")->collective.call.bytes,
                            2.0 * 2 * 2 * 32 * (128 * 128 + 128 * 128) * 4, 1e-6);
    layer = build(&delta, 1, 2, decode);
    ck_assert_ptr_null(find(layer, "state all-gather"));
    ck_assert_ptr_nonnull(find(layer, "state step"));
}
END_TEST

/* qkv and gate in one: 2 x 16 x 128 and twice 32 x 128 columns; halves on two ranks. */
START_TEST(delta_layer)
{
    const struct step_segment *layer = build(&delta, 2, 1, prompt);
    ck_assert_uint_eq(find(layer, "qkv+gate")->gemm.n, (2 * 2048 + 2 * 4096) / 2);
    ck_assert_uint_eq(find(layer, "beta and decay")->gemm.n, 2 * 32 / 2);
    ck_assert_double_eq_tol(find(layer, "scan")->kernel.flops, 2000.0 * 6 * 16 * 128 * 128, 1e-3);
}
END_TEST

/* 1000 new tokens after 3000 on two ranks: 500 queries meet 1500 cached keys of each shard and, of
 * its 500 new ones, half: 500 x 1750 pairs an iteration, as 500 x (2000 - 249.5) counts them. */
START_TEST(a_ring_meets_the_cache_of_every_rank)
{
    const struct step_segment *layer = build(&latent, 1, 2, prompt);
    double iteration = 2.0 * 2 * 128 * 500 * 1750.5 * 320;
    double flops = 0.0;
    for (uint32_t i = 0; i < layer->count; i++) {
        if (strcmp(layer->operators[i].name, "attention") == 0) {
            flops += layer->operators[i].kernel.flops;
        }
    }
    ck_assert_double_eq_tol(flops, 2.0 * iteration, 1.0);
}
END_TEST

/* DeepSeek-V3.2's indexer on two ranks. Prefill: 500 + 1500 tokens of a rank, each 576 elements of
 * latent cache in bf16 and 128 of the indexer's key in fp8 with its scale, twice over for two
 * sequences, twice for two ranks; 2 x 500 queries choose 2048 of all they see. */
START_TEST(chosen_tokens_are_gathered)
{
    struct mixer sparse = latent;
    sparse.latent.indexer = (struct indexer){.heads = 64, .head_size = 128, .top_k = 2048};
    const struct step_segment *layer = build(&sparse, 1, 2, prompt);
    ck_assert_double_eq_tol(find(layer, "gather keys")->collective.call.bytes,
                            2.0 * 2 * 2000 * (576 * 2 + 128 + 4), 1e-6);
    ck_assert_ptr_null(find(layer, "ring hop"));
    ck_assert_uint_eq(find(layer, "absorb keys")->gemm.m, 1000);
    /* Positions 3001 to 4000: all see more than 2048, 3500.5 on average before the choice. */
    ck_assert_double_eq_tol(find(layer, "indexer scores")->kernel.flops,
                            2.0 * 1000 * 3500.5 * 64 * 128, 1.0);
    double chosen = find(layer, "attention")->kernel.flops;
    /* Decode: 64 queries of both ranks travel, 128 heads of 576 and 64 of 128 elements; each rank
     * scores 2000 of 4001 keys (on average) and gives 2000 candidates, an index and a score each.
     */
    layer = build(&sparse, 1, 2, decode);
    ck_assert_double_eq_tol(find(layer, "gather queries")->collective.call.bytes,
                            64.0 * (128 * 576 + 64 * 128) * 2, 1e-6);
    ck_assert_double_eq_tol(find(layer, "indexer scores")->kernel.flops,
                            2.0 * 64 * 2000.5 * 64 * 128, 1.0);
    ck_assert_double_eq_tol(find(layer, "gather candidates")->collective.call.bytes,
                            2.0 * 64 * 2000.5 * 8, 1e-6);
    ck_assert_double_eq_tol(find(layer, "reduce outputs")->collective.call.bytes,
                            64.0 * 128 * 512 * 2, 1e-6);
    /* As many queries and chosen keys take as long on a rank as 2048 / 2 keys of 64 queries. */
    ck_assert_double_eq_tol(chosen / find(layer, "attention")->kernel.flops,
                            1000.0 * 2048 / (64.0 * 1024), 1e-9);
}
END_TEST

/* What a ring's shards would cut: runs of neighbouring tokens. */
START_TEST(refusals)
{
    struct layer_kind kind = {.mixers = {latent}, .mixer_count = 1};
    ck_assert_ptr_null(layer_context_refusal(&kind));
    kind.mixers[0].kind = MIXER_COMPRESSED;
    ck_assert_ptr_nonnull(layer_context_refusal(&kind));
    kind.mixers[0].kind = MIXER_RECURRENT;
    ck_assert_ptr_nonnull(layer_context_refusal(&kind));
}
END_TEST

RUN_TESTS(mixer_layers, tensor_ranks_cut_heads, prefill_expands, decode_absorbs,
          graphs_leave_no_gaps, ring_carries_latent_vectors, context_ranks_gather_states,
          delta_layer, a_ring_meets_the_cache_of_every_rank, chosen_tokens_are_gathered, refusals)
