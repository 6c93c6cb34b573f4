/* SPDX-License-Identifier: MIT
 * The operator list of a forward pass: shapes by hand, and the FLOPs of all ranks together against
 * the model's closed form, so that no operator is lost, doubled or cut wrongly. */
#include "fixture.h"
#include "models/layout/model_stage.h"
#include "run_tests.h"

#include <string.h>

enum { MAX_OPERATORS = 1024 };

struct built {
    struct step_operator operators[STEP_MAX_SEGMENTS * MAX_OPERATORS];
    struct step_program program;
    struct layout layout;
    struct precision precision;
    struct replica replica;
};

static struct built *build(uint32_t tensor, uint32_t context, struct batch_slice slice,
                           enum ring_variant variant, uint32_t edge_layers)
{
    static struct built built;
    built.layout = (struct layout){.tensor = tensor, .context = context, .pipeline = 1, .data = 1};
    built.precision = fixture_precision;
    built.precision.edge_layers_high = edge_layers;
    built.replica = (struct replica){.llm = &fixture_llm,
                                     .gpu = &fixture_gpu,
                                     .cluster = &fixture_cluster,
                                     .software = &fixture_software,
                                     .layout = &built.layout,
                                     .precision = &built.precision};
    ck_assert_uint_le(transformer_max_operators(&built.replica, 1), MAX_OPERATORS);
    struct batch batch = {.slices = &slice, .slice_count = 1};
    transformer_build(&built.replica, &batch, variant, built.operators, &built.program);
    return &built;
}

static const struct step_segment *layers_of(const struct built *built)
{
    for (uint32_t i = 0; i < built->program.segment_count; i++) {
        if (strcmp(built->program.segments[i].name, "layers") == 0) {
            return &built->program.segments[i];
        }
    }
    ck_abort_msg("no segment of layers");
    return NULL;
}

static const struct step_operator *find(const struct step_segment *segment, const char *name,
                                        uint32_t nth)
{
    for (uint32_t i = 0; i < segment->count; i++) {
        if (strcmp(segment->operators[i].name, name) == 0 && nth-- == 0) {
            return &segment->operators[i];
        }
    }
    ck_abort_msg("no operator %s", name);
    return NULL;
}

static double flops(const struct step_operator *op)
{
    if (op->kind == OPERATOR_GEMM) {
        return 2.0 * (double)op->gemm.m * (double)op->gemm.n * (double)op->gemm.k;
    }
    if (op->kind != OPERATOR_ATTENTION) {
        return 0.0;
    }
    const struct attention_shape *shape = &op->attention;
    double queries = (double)shape->queries;
    double pairs = queries * (double)shape->keys - (shape->causal ? queries * queries / 2.0 : 0.0);
    return 4.0 * (double)shape->sequences * pairs * shape->query_heads * shape->head_size;
}

static double layer_flops_of_all_ranks(const struct built *built)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < built->program.segment_count; i++) {
        const struct step_segment *segment = &built->program.segments[i];
        if (strstr(segment->name, "layers") == NULL) {
            continue;
        }
        for (uint32_t j = 0; j < segment->count; j++) {
            sum += segment->repeat * flops(&segment->operators[j]);
        }
    }
    return layout_gpus(&built->layout) * sum;
}

/* TP8, 32000 tokens a rank on CP4: qkv is 16384 -> (16 + 2) x 128 = 2304 columns, the feed-forward
 * shard 53248 / 8 = 6656 columns wide, twice for gate and up. */
START_TEST(shapes_of_a_tp8_shard)
{
    struct built *built =
        build(8, 4, (struct batch_slice){PHASE_PREFILL, 1, 128000, 0}, RING_PASS_KV, 0);
    const struct step_segment *layers = layers_of(built);
    ck_assert_uint_eq(layers->repeat, 126);
    const struct gemm_shape *qkv = &find(layers, "qkv", 0)->gemm;
    ck_assert_uint_eq(qkv->m, 32000);
    ck_assert_uint_eq(qkv->n, 2304);
    ck_assert_uint_eq(qkv->k, 16384);
    ck_assert_uint_eq(find(layers, "gate+up", 0)->gemm.n, 13312);
    ck_assert_int_eq(find(layers, "gate+up", 0)->gemm.format, FORMAT_FP8);
    ck_assert_uint_eq(find(layers, "down", 0)->gemm.k, 6656);
    ck_assert_uint_eq(find(layers, "out", 0)->gemm.k, 2048);
    /* An all-reduce carries the shard's residual stream: 32000 x 16384 x 2 bytes. */
    ck_assert_double_eq(find(layers, "ffn all-reduce", 0)->collective.call.bytes, 1048576000.0);
}
END_TEST

/* Table 5's hops: KV of 32000 tokens, 1 head, 2 x 128 x 2 bytes = 16.384 MB; Q of 800 tokens, 16
 * heads x 128 x 2 bytes = 3.2768 MB; the all-to-all sends 800 x 16 x (256 + 4) bytes to each of 4
 * ranks, itself included. */
START_TEST(bytes_of_the_ring)
{
    struct batch_slice slice = {PHASE_PREFILL, 1, 3200, 124800};
    const struct step_segment *layers = layers_of(build(8, 4, slice, RING_PASS_KV, 0));
    const struct step_operator *hop = find(layers, "ring hop", 2);
    ck_assert_double_eq(hop->collective.call.bytes, 16384000.0);
    ck_assert_uint_eq(hop->iteration, 3);
    ck_assert_uint_eq(find(layers, "attention", 3)->attention.queries, 800);
    layers = layers_of(build(8, 4, slice, RING_PASS_Q, 0));
    ck_assert_double_eq(find(layers, "ring hop", 0)->collective.call.bytes, 3276800.0);
    ck_assert_double_eq(find(layers, "all-to-all", 0)->collective.call.bytes, 13312000.0);
}
END_TEST

static uint32_t named(const struct step_segment *segment, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < segment->count; i++) {
        count += strcmp(segment->operators[i].name, name) == 0;
    }
    return count;
}

/* Keys of 32,000 new tokens, 8,000 a rank of 2 x 128 x 2 bytes, and queries of 3,200, 800 of 16 x
 * 128 x 2: each of three hops has 4.096 + 3.2768 MB, each rank attends to both four times, and the
 * second kind's outputs alone go home. Both by keys, a hop has the second's shard of 32,000 instead
 * and nothing goes home; there is one ring then too. */
START_TEST(both_ways_in_one_ring)
{
    const struct batch_slice slices[] = {
        {PHASE_PREFILL, 1, 32000, 0},
        {PHASE_PREFILL, 1, 3200, 124800},
    };
    struct built *built = build(8, 4, slices[0], RING_PASS_KV, 0);
    struct batch batch = {.slices = slices, .slice_count = 2, .query_slices = 1};
    ck_assert_uint_le(transformer_max_operators(&built->replica, 2), MAX_OPERATORS);
    transformer_build(&built->replica, &batch, RING_PASS_KV, built->operators, &built->program);
    const struct step_segment *layers = layers_of(built);
    ck_assert_uint_eq(named(layers, "ring hop"), 3);
    ck_assert_uint_eq(named(layers, "attention"), 8);
    ck_assert_uint_eq(named(layers, "all-to-all"), 1);
    ck_assert_double_eq(find(layers, "ring hop", 1)->collective.call.bytes, 4096000.0 + 3276800.0);
    ck_assert_double_eq(find(layers, "all-to-all", 0)->collective.call.bytes, 13312000.0);
    batch.query_slices = 0;
    transformer_build(&built->replica, &batch, RING_PASS_KV, built->operators, &built->program);
    layers = layers_of(built);
    ck_assert_uint_eq(named(layers, "ring hop"), 3);
    ck_assert_uint_eq(named(layers, "attention"), 8);
    ck_assert_uint_eq(named(layers, "all-to-all"), 0);
    ck_assert_double_eq(find(layers, "ring hop", 1)->collective.call.bytes, 4096000.0 + 16384000.0);
}
END_TEST

/* A merge reads what each of 4 ranks' shards gave, 800 x 16 x (256 + 4) bytes, and writes one. */
START_TEST(bytes_of_a_merge)
{
    struct batch_slice slice = {PHASE_PREFILL, 1, 3200, 124800};
    const struct step_segment *layers = layers_of(build(8, 4, slice, RING_PASS_KV, 0));
    ck_assert_double_eq_tol(find(layers, "merge", 0)->memory.bytes, 5.0 * 3328000.0, 1e-6);
}
END_TEST

/* A program of a model of one's own, on TP8. */
static struct built *build_llm(const struct llm *llm, struct batch_slice slice)
{
    struct built *built = build(8, 1, slice, RING_NONE, 0);
    struct batch batch = {.slices = &slice, .slice_count = 1};
    built->replica.llm = llm;
    transformer_build(&built->replica, &batch, RING_NONE, built->operators, &built->program);
    return built;
}

static uint32_t count_of(const struct step_segment *segment, enum operator_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < segment->count; i++) {
        count += segment->operators[i].kind == kind;
    }
    return count;
}

/* Side by side, attention and the feed-forward block read one norm and are summed once; they
 * multiply as before. */
START_TEST(parallel_blocks_share_norm_and_sum)
{
    static const struct batch_slice slice = {PHASE_PREFILL, 1, 128, 0};
    struct llm llm = fixture_llm;
    struct step_segment plain = *layers_of(build_llm(&llm, slice));
    uint32_t gemms = count_of(&plain, OPERATOR_GEMM);
    uint32_t memory = count_of(&plain, OPERATOR_MEMORY);
    ck_assert_uint_eq(count_of(&plain, OPERATOR_COLLECTIVE), 2);
    only_kind(&llm)->residual = RESIDUAL_PARALLEL;
    const struct step_segment *parallel = layers_of(build_llm(&llm, slice));
    ck_assert_uint_eq(count_of(parallel, OPERATOR_COLLECTIVE), 1);
    ck_assert_uint_eq(count_of(parallel, OPERATOR_MEMORY), memory - 1);
    ck_assert_uint_eq(count_of(parallel, OPERATOR_GEMM), gemms);
}
END_TEST

/* Keys and values of one head are read in bf16 and written in fp8: 128 x 2 x 128 x (2 + 1) bytes.
 */
START_TEST(bytes_of_the_append)
{
    struct batch_slice slice = {PHASE_PREFILL, 1, 128, 0};
    struct built *built = build(8, 1, slice, RING_NONE, 0);
    struct batch batch = {.slices = &slice, .slice_count = 1};
    built->precision.kv_cache = FORMAT_FP8;
    transformer_build(&built->replica, &batch, RING_NONE, built->operators, &built->program);
    ck_assert_double_eq(find(layers_of(built), "kv append", 0)->memory.bytes, 98304.0);
}
END_TEST

/* Five layers with a window to one without, 13 layers: kinds 0 0 0 0 0 1 0 0 0 0 0 1 0. */
static struct llm windowed(uint32_t window)
{
    static const uint32_t kinds[] = {0, 0, 0, 0, 0, 1};
    static const struct layer_run run = {.kinds = kinds, .kind_count = 6, .repeat = 3};
    struct llm llm = fixture_llm;
    llm.stack.layers = 13;
    llm.stack.kinds[1] = llm.stack.kinds[0];
    llm.stack.kinds[0].name = "sliding";
    llm.stack.kinds[1].name = "full";
    llm.stack.kinds[0].mixers[0].gqa.reach = REACH_WINDOW;
    llm.stack.kinds[0].mixers[0].gqa.window = window;
    llm.stack.kind_count = 2;
    llm.stack.runs = &run;
    llm.stack.run_count = 1;
    return llm;
}

START_TEST(a_segment_a_kind)
{
    struct llm llm = windowed(1024);
    const struct built *built = build_llm(&llm, (struct batch_slice){PHASE_DECODE, 4, 1, 8000});
    ck_assert_uint_eq(built->program.segment_count, 4);
    const struct step_segment *sliding = &built->program.segments[1];
    const struct step_segment *full = &built->program.segments[2];
    ck_assert_str_eq(sliding->name, "sliding");
    ck_assert_uint_eq(sliding->repeat, 11);
    ck_assert_uint_eq(full->repeat, 2);
    ck_assert_uint_eq(full->layer, 5);
    ck_assert_uint_eq(find(sliding, "attention", 0)->attention.keys, 1024);
    ck_assert_uint_eq(find(full, "attention", 0)->attention.keys, 8001);
    /* The trace's layer numbers: the seventh of the windowed ones is layer 7, after 0-4 and 6. */
    ck_assert_uint_eq(stack_nth_layer(&llm.stack, 0, 0, 6), 7);
    ck_assert_uint_eq(stack_nth_layer(&llm.stack, 1, 5, 1), 11);
}
END_TEST

/* 16,384 new tokens after 8192 on CP4 are chunks of 2048, in which a window of 1024 lies: it goes
 * to both neighbours with the 256 of its cached tokens that a rank has, and every query sees 1024.
 * Of 4096 tokens chunks have 512: the ring is back. */
START_TEST(near_windows_need_no_ring)
{
    struct llm llm = windowed(1024);
    static struct built built;
    for (uint64_t tokens = 16384; tokens >= 4096; tokens /= 4) {
        struct batch_slice slice = {PHASE_PREFILL, 1, tokens, 8192};
        struct batch batch = {.slices = &slice, .slice_count = 1};
        built.layout = (struct layout){.tensor = 1, .context = 4, .pipeline = 1, .data = 1};
        built.replica = (struct replica){.llm = &llm,
                                         .gpu = &fixture_gpu,
                                         .cluster = &fixture_cluster,
                                         .software = &fixture_software,
                                         .layout = &built.layout,
                                         .precision = &fixture_precision};
        transformer_build(&built.replica, &batch, RING_PASS_KV, built.operators, &built.program);
        const struct step_segment *sliding = &built.program.segments[1];
        if (tokens == 16384) {
            const struct gqa *gqa = &llm.stack.kinds[0].mixers[0].gqa;
            ck_assert_double_eq(find(sliding, "window exchange", 0)->collective.call.bytes,
                                (2.0 * 1024 + 256) * 2 * gqa->kv_heads * gqa->head_size * 2);
            ck_assert_uint_eq(find(sliding, "attention", 0)->attention.keys, 1024);
            ck_assert_uint_eq(find(sliding, "attention", 0)->attention.queries, 4096);
        } else {
            ck_assert_ptr_nonnull(find(sliding, "ring hop", 2));
        }
        ck_assert_ptr_nonnull(find(&built.program.segments[2], "ring hop", 2));
    }
}
END_TEST

/* Two mixers side by side share a norm and a sum, and so do experts and a dense block beside them.
 * A layer of a block alone has one norm; norms after halves come after sums. */
START_TEST(halves_of_several_parts)
{
    static const struct batch_slice slice = {PHASE_PREFILL, 1, 128, 0};
    struct llm llm = fixture_llm;
    struct layer_kind *kind = only_kind(&llm);
    kind->mixers[1] = kind->mixers[0];
    kind->mixer_count = 2;
    kind->beside = kind->ffn;
    kind->ffn.kind = FFN_EXPERTS;
    kind->ffn.hidden = 2048;
    kind->ffn.experts = (struct experts){.count = 64, .per_token = 6};
    const struct step_segment *layers = layers_of(build_llm(&llm, slice));
    /* Twice qkv and out, a router, experts' and the dense block's two. */
    ck_assert_uint_eq(count_of(layers, OPERATOR_GEMM), 9);
    ck_assert_uint_eq(count_of(layers, OPERATOR_ATTENTION), 2);
    ck_assert_uint_eq(count_of(layers, OPERATOR_COLLECTIVE), 2);
    kind->norms = 4;
    uint32_t memory = count_of(layers, OPERATOR_MEMORY);
    layers = layers_of(build_llm(&llm, slice));
    ck_assert_uint_eq(count_of(layers, OPERATOR_MEMORY), memory + 2);
    *kind = fixture_llm.stack.kinds[0];
    kind->mixers[0].kind = MIXER_NONE;
    kind->norms = 1;
    layers = layers_of(build_llm(&llm, slice));
    ck_assert_uint_eq(count_of(layers, OPERATOR_GEMM), 2);
    ck_assert_uint_eq(count_of(layers, OPERATOR_ATTENTION), 0);
    ck_assert_uint_eq(count_of(layers, OPERATOR_COLLECTIVE), 1);
}
END_TEST

/* Of 2048 queries from the start the first 512 see 1 to 512 keys, the others 512 each: 512^2 / 2 +
 * 1536 x 512 = 917,504 pairs, 448 a query. Up to the window all is as without. */
START_TEST(a_window_bounds_what_is_seen)
{
    struct llm llm = windowed(512);
    struct built *built = build_llm(&llm, (struct batch_slice){PHASE_PREFILL, 1, 2048, 0});
    const struct step_operator *op = find(&built->program.segments[1], "attention", 0);
    ck_assert_uint_eq(op->attention.keys, 448);
    ck_assert(!op->attention.causal);
    built = build_llm(&llm, (struct batch_slice){PHASE_PREFILL, 1, 512, 0});
    op = find(&built->program.segments[1], "attention", 0);
    ck_assert_uint_eq(op->attention.keys, 512);
    ck_assert(op->attention.causal);
}
END_TEST

/* 13 layers on two stages: what one lacks of a kind the other has. */
START_TEST(stages_of_uneven_kinds)
{
    struct llm llm = windowed(1024);
    uint32_t repeats[2] = {0, 0};
    for (uint32_t i = 0; i < 2; i++) {
        struct model_stage stage = model_stage(&llm, 2, i);
        struct built *built = build_llm(&llm, (struct batch_slice){PHASE_DECODE, 4, 1, 8000});
        model_stage_cut(&llm, &stage, &built->program);
        ck_assert_uint_eq(built->program.segment_count, 3);
        uint32_t first = i == 0 ? 1 : 0;
        for (uint32_t kind = 0; kind < 2; kind++) {
            const struct step_segment *segment = &built->program.segments[first + kind];
            ck_assert_uint_eq(segment->kind, kind);
            ck_assert_uint_eq(segment->repeat,
                              stack_kind_layers(&llm.stack, kind, stage.first_layer,
                                                stage.first_layer + stage.layers));
            ck_assert_uint_ge(segment->layer, stage.first_layer);
            repeats[kind] += segment->repeat;
        }
    }
    ck_assert_uint_eq(repeats[0], 11);
    ck_assert_uint_eq(repeats[1], 2);
}
END_TEST

/* With 16 tensor ranks and 8 key-value heads each head is on two ranks. */
START_TEST(kv_heads_are_replicated)
{
    struct built *built =
        build(16, 1, (struct batch_slice){PHASE_PREFILL, 1, 1024, 0}, RING_NONE, 0);
    const struct step_segment *layers = layers_of(built);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.kv_heads, 1);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.query_heads, 8);
    ck_assert_uint_eq(find(layers, "qkv", 0)->gemm.n, (8 + 2) * 128);
    struct group_shape group = replica_group(&built->replica, GROUP_TENSOR);
    ck_assert_uint_eq(group.ranks, 16);
    ck_assert_uint_eq(group.ranks_per_node, 8);
}
END_TEST

/* 128 heads of keys and values on 8 ranks: 16 each, qkv 3 x 16 x 128 wide and a hop of pass-KV as
 * large as two of Q; one head (MQA): every rank has it, and a hop is a sixteenth of Q's twice. */
START_TEST(attention_of_many_and_one_kv_head)
{
    struct llm llm = fixture_llm;
    static const struct {
        uint32_t kv_heads, of_rank, qkv_columns;
    } cases[] = {{128, 16, 6144}, {1, 1, 2304}};
    for (size_t i = 0; i < 2; i++) {
        only_kind(&llm)->mixers[0].gqa.kv_heads = cases[i].kv_heads;
        static struct step_operator operators[STEP_MAX_SEGMENTS * MAX_OPERATORS];
        struct layout layout = {.tensor = 8, .context = 2, .pipeline = 1, .data = 1};
        struct replica replica = {.llm = &llm,
                                  .gpu = &fixture_gpu,
                                  .cluster = &fixture_cluster,
                                  .software = &fixture_software,
                                  .layout = &layout,
                                  .precision = &fixture_precision};
        struct batch_slice slice = {PHASE_PREFILL, 1, 4096, 0};
        struct batch batch = {.slices = &slice, .slice_count = 1};
        struct step_program program;
        transformer_build(&replica, &batch, RING_PASS_KV, operators, &program);
        const struct step_segment *layers = &program.segments[1];
        ck_assert_uint_eq(find(layers, "attention", 0)->attention.kv_heads, cases[i].of_rank);
        ck_assert_uint_eq(find(layers, "qkv", 0)->gemm.n, cases[i].qkv_columns);
        ck_assert_double_eq(find(layers, "ring hop", 0)->collective.call.bytes,
                            2048.0 * 2.0 * cases[i].of_rank * 128.0 * 2.0);
    }
}
END_TEST

START_TEST(flops_of_all_ranks_are_the_models)
{
    const struct {
        uint32_t tensor, context;
        uint64_t new_tokens, cached_tokens;
        enum ring_variant variant;
    } cases[] = {
        {1, 1, 4096, 0, RING_NONE},        {8, 1, 4096, 4096, RING_NONE},
        {8, 4, 4096, 0, RING_PASS_KV},     {8, 4, 4096, 126976, RING_PASS_Q},
        {4, 16, 65536, 1024, RING_PASS_Q}, {8, 16, 1048576, 0, RING_PASS_KV},
        {8, 4, 4096, 0, RING_ALL_GATHER},  {4, 16, 65536, 1024, RING_ALL_GATHER},
        {8, 4, 4096, 126976, RING_TREE},   {8, 16, 1048576, 0, RING_TREE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct batch_slice slice = {PHASE_PREFILL, 1, cases[i].new_tokens, cases[i].cached_tokens};
        struct built *built = build(cases[i].tensor, cases[i].context, slice, cases[i].variant, 2);
        double expected = llm_forward_flops(&fixture_llm, (double)cases[i].new_tokens,
                                            (double)cases[i].cached_tokens);
        ck_assert_double_eq_tol(layer_flops_of_all_ranks(built) / expected, 1.0, 1e-12);
    }
}
END_TEST

/* Decode on CP4, batch 6: padded to 8, two queries a rank; each hop waits for the attention before
 * it; the context of 1000 + 1 tokens is 251 on the fullest rank. */
START_TEST(decode_ring_is_serial)
{
    struct built *built =
        build(8, 4, (struct batch_slice){PHASE_DECODE, 6, 1, 1000}, RING_PASS_Q, 0);
    const struct step_segment *layers = layers_of(built);
    ck_assert_uint_eq(find(layers, "qkv", 0)->gemm.m, 2);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.sequences, 2);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.keys, 251);
    ck_assert_double_eq(find(layers, "ring hop", 0)->collective.call.bytes, 2.0 * 16 * 128 * 2);
    for (uint32_t i = 1; i < layers->count; i++) {
        if (strcmp(layers->operators[i].name, "ring hop") == 0) {
            ck_assert_str_eq(layers->operators[layers->operators[i].after[0]].name, "attention");
        }
    }
    ck_assert(built->program.graph);
}
END_TEST

static double call_bytes(const struct step_segment *layers, const char *name)
{
    return find(layers, name, 0)->collective.call.bytes;
}

/* 8192 new tokens after 4096 on CP4: a rank has 2048 and 1024. Of one KV head of 128 in bf16 that
 * is 3072 x 512 B, four times over; a query sees 4096 cached and on average 4096 new tokens. */
START_TEST(all_gather_of_a_prefill)
{
    struct built *built =
        build(8, 4, (struct batch_slice){PHASE_PREFILL, 1, 8192, 4096}, RING_ALL_GATHER, 0);
    const struct step_segment *layers = layers_of(built);
    ck_assert_double_eq(call_bytes(layers, "gather keys"), 4.0 * 3072.0 * 512.0);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.queries, 2048);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.keys, 8192);
}
END_TEST

/* The same by tree attention: 4 x 2048 queries of 16 heads go to all ranks, meet 1024 + 1024 keys,
 * and come back as outputs and two sums a head. */
START_TEST(tree_of_a_prefill)
{
    struct built *built =
        build(8, 4, (struct batch_slice){PHASE_PREFILL, 1, 8192, 4096}, RING_TREE, 0);
    const struct step_segment *layers = layers_of(built);
    ck_assert_double_eq(call_bytes(layers, "gather queries"), 8192.0 * 16.0 * 128.0 * 2.0);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.queries, 8192);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.keys, 2048);
    ck_assert_double_eq(call_bytes(layers, "reduce maxima"), 8192.0 * 16.0 * 4.0);
    ck_assert_double_eq(call_bytes(layers, "reduce outputs"), 8192.0 * 16.0 * (128.0 * 2.0 + 4.0));
    ck_assert_int_eq(find(layers, "reduce outputs", 0)->collective.call.kind,
                     COLLECTIVE_REDUCE_SCATTER);
}
END_TEST

/* Decode on CP4, batch 6: two queries a rank, eight with padding, travel once; six meet 251 keys
 * of every rank. All-gather corrects by 8 x 16 sums of each rank and scatters outputs; the tree
 * reduces the six. */
START_TEST(decode_without_a_ring)
{
    const struct batch_slice slice = {PHASE_DECODE, 6, 1, 1000};
    const struct step_segment *layers = layers_of(build(8, 4, slice, RING_ALL_GATHER, 0));
    ck_assert_double_eq(call_bytes(layers, "gather queries"), 8.0 * 16.0 * 128.0 * 2.0);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.sequences, 6);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.keys, 251);
    ck_assert_double_eq(call_bytes(layers, "gather sums"), 4.0 * 8.0 * 16.0 * 4.0);
    ck_assert_double_eq(call_bytes(layers, "reduce outputs"), 8.0 * 16.0 * 128.0 * 2.0);
    layers = layers_of(build(8, 4, slice, RING_TREE, 0));
    ck_assert_double_eq(call_bytes(layers, "gather queries"), 8.0 * 16.0 * 128.0 * 2.0);
    ck_assert_uint_eq(find(layers, "attention", 0)->attention.sequences, 6);
    ck_assert_double_eq(call_bytes(layers, "reduce maxima"), 6.0 * 16.0 * 4.0);
    ck_assert_double_eq(call_bytes(layers, "reduce outputs"), 6.0 * 16.0 * (128.0 * 2.0 + 4.0));
}
END_TEST

START_TEST(edge_layers_keep_sixteen_bits)
{
    struct built *built = build(8, 1, (struct batch_slice){PHASE_PREFILL, 1, 128, 0}, RING_NONE, 1);
    ck_assert_uint_eq(built->program.segment_count, 5);
    ck_assert_uint_eq(layers_of(built)->repeat, 124);
    ck_assert_uint_eq(built->program.segments[3].layer, 125);
    ck_assert_int_eq(find(&built->program.segments[1], "down", 0)->gemm.format, FORMAT_BF16);
}
END_TEST

RUN_TESTS(transformer, shapes_of_a_tp8_shard, bytes_of_the_ring, both_ways_in_one_ring,
          kv_heads_are_replicated, attention_of_many_and_one_kv_head,
          flops_of_all_ranks_are_the_models, decode_ring_is_serial, all_gather_of_a_prefill,
          tree_of_a_prefill, decode_without_a_ring, edge_layers_keep_sixteen_bits, bytes_of_a_merge,
          bytes_of_the_append, parallel_blocks_share_norm_and_sum, a_segment_a_kind,
          a_window_bounds_what_is_seen, near_windows_need_no_ring, stages_of_uneven_kinds,
          halves_of_several_parts)
