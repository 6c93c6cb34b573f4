/* SPDX-License-Identifier: MIT
 * Experts on several ranks: where a token's experts are, what each exchange puts on which link, and
 * what a rank holds and computes then, worked by hand. Catches rows counted once too often, a hop
 * too many, and experts that are held twice. */
#include "fixture.h"
#include "models/layers/exchange.h"
#include "models/layout/placement.h"
#include "models/passes/memory.h"
#include "models/passes/transformer.h"
#include "models/step/critical_path.h"
#include "run_tests.h"

#include <math.h>
#include <string.h>

#define MICROSECONDS 1e-6

/* Two of four experts, two a rank: of 6 pairs one is all on the other rank, so a token is on a rank
 * with 5/6, on 5/3 of both. One expert is on one rank; as many as there are, on all. */
START_TEST(destinations_by_hand)
{
    struct experts four = {.count = 4, .per_token = 2};
    ck_assert_double_eq_tol(experts_destinations(four, 2.0), 5.0 / 3.0, 1e-12);
    ck_assert_double_eq_tol(experts_destinations(four, 4.0), 2.0, 1e-12);
    ck_assert_double_eq_tol(experts_destinations(four, 1.0), 1.0, 1e-12);
    struct experts one = {.count = 64, .per_token = 1};
    ck_assert_double_eq_tol(experts_destinations(one, 8.0), 1.0, 1e-12);
    struct experts all = {.count = 8, .per_token = 8};
    ck_assert_double_eq_tol(experts_destinations(all, 4.0), 4.0, 1e-12);
    /* 8 of 256 over 8 ranks: a rank has none with 224/256 x ... x 217/249 = 0.33817. */
    struct experts many = {.count = 256, .per_token = 8};
    ck_assert_double_eq_tol(experts_destinations(many, 8.0), 8.0 * (1.0 - 0.33817), 1e-4);
}
END_TEST

static const struct cluster round_cluster = {
    .name = "round",
    .nodes = 2,
    .gpus_per_node = 8,
    .nics_per_node = 8,
    .node_bytes_per_second = 100e9,
    .nic_bytes_per_second = 10e9,
    .oversubscription = 1.0,
};

static struct software round_software(void)
{
    struct exchange_way way = {
        .base_seconds = 10e-6, .fabric_seconds = 5e-6, .node_bytes_per_second = 80e9};
    return (struct software){
        .library = {.node_efficiency = 1.0,
                    .fabric_efficiency = 1.0,
                    .protocol = {[PROTOCOL_SIMPLE] = {.wire_bytes = 1.0}}},
        .exchange = {.fabric_efficiency = 0.5,
                     .senders = 100.0,
                     .normal = {.dispatch = way,
                                .combine = way,
                                .notify_seconds = 19e-6,
                                .notify_token_seconds = 1e-9},
                     .low_latency = {.dispatch = way, .combine = way},
                     .peers = {.dispatch = {.base_seconds = 10e-6,
                                            .fabric_seconds = 5e-6,
                                            .node_bytes_per_second = 80e9,
                                            .peer_bytes_per_second = 0.5e9},
                               .combine = {.base_seconds = 10e-6,
                                           .node_bytes_per_second = 80e9,
                                           .fabric_efficiency = 0.25}}},
    };
}

static const struct experts_traffic traffic = {.tokens = 1000.0,
                                               .token_bytes = 1000.0,
                                               .hidden = 1000.0,
                                               .copies = 8.0,
                                               .ranks = 4.0,
                                               .nodes = 1.5,
                                               .experts = 64.0,
                                               .imbalance = 1.0};

static struct collective_plan plan_of(enum collective_kind kind, uint32_t ranks, bool low_latency,
                                      double imbalance)
{
    struct software software = round_software();
    struct collective_call call = {.kind = kind,
                                   .group = {.ranks = ranks, .ranks_per_node = 8},
                                   .bytes = 8e6,
                                   .graph = true,
                                   .experts = traffic};
    call.experts.kind = low_latency ? EXCHANGE_LOW_LATENCY : EXCHANGE_NORMAL;
    call.experts.imbalance = imbalance;
    return collective_plan(&round_cluster, &software, &call);
}

/* Over two nodes a token leaves for the other with 1.5 / 2: 1000 x 0.75 x 1000 B at half of 10 GB/s
 * are 150 us; to 4 ranks over NVLink, 4 MB at 80 GB/s, 50 us. Before it 10 + 5 us, and 19 us
 * and a nanosecond a token of notice on the way there. */
START_TEST(deepep_over_two_nodes)
{
    struct collective_plan there = plan_of(COLLECTIVE_DISPATCH, 16, false, 1.0);
    struct collective_plan back = plan_of(COLLECTIVE_COMBINE, 16, false, 1.0);
    ck_assert_double_eq_tol(there.latency_seconds, 35 * MICROSECONDS, 1e-12);
    ck_assert_double_eq_tol(back.latency_seconds, 15 * MICROSECONDS, 1e-12);
    ck_assert_uint_eq(there.flow_count, 2);
    ck_assert_int_eq(there.flows[0].edge, EDGE_FABRIC_NEXT);
    ck_assert_double_eq_tol(there.flows[0].bytes, 0.75e6 / 0.5, 1e-3);
    ck_assert_int_eq(there.flows[1].edge, EDGE_NODE_NEXT);
    ck_assert_double_eq_tol(there.flows[1].bytes, 4e6, 1e-3);
    ck_assert_double_eq_tol(there.flows[1].limit_bytes_per_second, 80e9, 1.0);
    ck_assert_double_eq_tol(collective_seconds(&round_cluster, &back), 165 * MICROSECONDS, 1e-12);
    /* The fullest rank has twice the rows. */
    struct collective_plan uneven = plan_of(COLLECTIVE_COMBINE, 16, false, 2.0);
    ck_assert_double_eq_tol(collective_seconds(&round_cluster, &uneven), 315 * MICROSECONDS, 1e-12);
}
END_TEST

/* Eight rows a token. In a node 8 MB at 80 GB/s; over two nodes half of them go out: 4 MB at 5
 * GB/s.
 */
START_TEST(low_latency_by_hand)
{
    struct collective_plan inside = plan_of(COLLECTIVE_DISPATCH, 8, true, 1.0);
    ck_assert_double_eq_tol(collective_seconds(&round_cluster, &inside), 110 * MICROSECONDS, 1e-12);
    struct collective_plan across = plan_of(COLLECTIVE_DISPATCH, 16, true, 1.0);
    ck_assert_double_eq_tol(collective_seconds(&round_cluster, &across), 815 * MICROSECONDS, 1e-12);
}
END_TEST

/* The same rows by pplx-kernels: 4 MB leave over 8 connections of 0.5 GB/s, slower than half of the
 * card's 10 GB/s; over 24 of them, of 6 MB, the card's 5 GB/s decide. Back, a quarter of the
 * card's.
 */
START_TEST(pplx_by_hand)
{
    struct software software = round_software();
    struct collective_call call = {.kind = COLLECTIVE_DISPATCH,
                                   .group = {.ranks = 16, .ranks_per_node = 8},
                                   .bytes = 8e6,
                                   .graph = true,
                                   .experts = traffic};
    call.experts.kind = EXCHANGE_PEERS;
    struct collective_plan plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_double_eq_tol(collective_seconds(&round_cluster, &plan), 1015 * MICROSECONDS, 1e-12);
    call.group.ranks = 32;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_double_eq_tol(collective_seconds(&round_cluster, &plan), 1215 * MICROSECONDS, 1e-12);
    call.kind = COLLECTIVE_COMBINE;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_double_eq_tol(collective_seconds(&round_cluster, &plan), 2410 * MICROSECONDS, 1e-12);
    call.group.ranks = 8;
    plan = collective_plan(&round_cluster, &software, &call);
    ck_assert_double_eq_tol(collective_seconds(&round_cluster, &plan), 110 * MICROSECONDS, 1e-12);
}
END_TEST

/* arXiv 2401.04088, table 1. */
static const struct llm mixtral = {
    .name = "mixtral-8x7b",
    .hidden = 4096,
    .vocabulary = 32000,
    EXPERT_LAYERS(32, 32, 8, 128, 14336, 8, 2),
};

static struct precision plain(void)
{
    struct number bf16 = {.format = FORMAT_BF16};
    return (struct precision){.attention_weights = bf16,
                              .ffn_weights = bf16,
                              .embedding = bf16,
                              .activations = FORMAT_BF16,
                              .kv_cache = FORMAT_BF16};
}

static double weights_of(const struct layout *layout)
{
    struct precision precision = plain();
    struct replica replica = {.llm = &mixtral,
                              .gpu = &fixture_gpu,
                              .cluster = &fixture_cluster,
                              .software = &fixture_software,
                              .layout = layout,
                              .precision = &precision};
    return memory_weight_bytes(&replica);
}

/* 32 layers of 8 experts of 3 x 4096 x 14336, 2 bytes each. One of 8 a rank, or a quarter of each
 * of two; attention, norms, router and embedding stay whole where tensor is 1. */
START_TEST(weights_of_a_rank)
{
    double experts = 32.0 * 8.0 * 3.0 * 4096.0 * 14336.0 * 2.0;
    struct layout alone = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    double rest = weights_of(&alone) - experts;
    struct layout whole = alone;
    whole.attention_data = whole.expert = 8;
    ck_assert_double_eq_tol(weights_of(&whole), rest + experts / 8.0, 1.0);
    struct layout both = alone;
    both.attention_data = 8;
    both.expert = 2;
    ck_assert_uint_eq(layout_expert_cut(&both), 4);
    ck_assert_double_eq_tol(weights_of(&both), rest + experts / 8.0, 1.0);
    struct layout tensor = alone;
    tensor.tensor = tensor.expert = 4;
    struct layout cut = alone;
    cut.tensor = 4;
    ck_assert_double_eq_tol(weights_of(&tensor), weights_of(&cut), 1.0);
}
END_TEST

static struct step_operator operators[1024];

/* The layers of a pass over 100 tokens on each of four ranks. */
static const struct step_segment *layers_on(struct step_program *program, const struct llm *llm,
                                            struct software software, uint32_t expert)
{
    static struct software kept;
    static struct layout layout;
    static struct precision precision;
    kept = software;
    layout = (struct layout){
        .tensor = 1, .context = 1, .pipeline = 1, .data = 1, .expert = expert, .attention_data = 4};
    precision = plain();
    struct replica replica = {.llm = llm,
                              .gpu = &fixture_gpu,
                              .cluster = &fixture_cluster,
                              .software = &kept,
                              .layout = &layout,
                              .precision = &precision};
    struct batch_slice slice = {PHASE_PREFILL, 1, 100, 0};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    ck_assert_uint_le(transformer_room(&replica, 1), sizeof operators / sizeof *operators);
    transformer_build(&replica, &batch, RING_NONE, operators, program);
    return &program->segments[1];
}

static struct software fused(enum exchange_kind kind)
{
    struct software software = round_software();
    software.fused_kernels = true;
    software.exchange.prompts = kind;
    return software;
}

static const struct step_segment *layers_of(struct step_program *program, enum exchange_kind kind,
                                            uint32_t expert)
{
    return layers_on(program, &mixtral, fused(kind), expert);
}

/* The same with a block beside the experts, that all tokens go through. */
static const struct step_segment *shared_layers(struct step_program *program, bool beside)
{
    static struct llm shared;
    shared = mixtral;
    only_kind(&shared)->ffn.shared_hidden = 1024;
    struct software software = fused(EXCHANGE_NORMAL);
    software.shared_experts_beside = beside;
    return layers_on(program, &shared, software, 4);
}

static const struct step_operator *find(const struct step_segment *segment, const char *name)
{
    for (uint32_t i = 0; i < segment->count; i++) {
        if (strcmp(segment->operators[i].name, name) == 0) {
            return &segment->operators[i];
        }
    }
    ck_abort_msg("no operator '%s'", name);
    return NULL;
}

/* 400 tokens meet 2 experts each: 800 rows, told whole to the grouped product; of them 200 are a
 * rank's, when experts are whole and even. All-gather: 400 x 4096 x 2 B to everybody. All-to-all:
 * 100 x 2 rows of a rank. DeepEP: 100 tokens. */
START_TEST(operators_of_shared_experts)
{
    struct step_program program;
    const struct step_segment *layers = layers_of(&program, EXCHANGE_ALL_GATHER, 4);
    ck_assert_uint_eq(find(layers, "router")->gemm.m, 100);
    ck_assert_uint_eq(find(layers, "experts gate+up")->gemm.m, 800);
    ck_assert_uint_eq(find(layers, "experts gate+up")->gemm.n, 2 * 14336);
    ck_assert_uint_eq(find(layers, "experts dispatch")->collective.group, GROUP_ATTENTION);
    ck_assert_double_eq(find(layers, "experts dispatch")->collective.call.bytes, 400.0 * 8192.0);
    ck_assert_double_eq(find(layers, "experts combine")->collective.call.bytes, 400.0 * 8192.0);
    ck_assert_int_eq(find(layers, "experts combine")->collective.call.kind,
                     COLLECTIVE_REDUCE_SCATTER);
    layers = layers_of(&program, EXCHANGE_ALL_TO_ALL, 4);
    ck_assert_double_eq(find(layers, "experts dispatch")->collective.call.bytes, 200.0 * 8192.0);
    layers = layers_of(&program, EXCHANGE_NORMAL, 4);
    const struct collective_call *call = &find(layers, "experts dispatch")->collective.call;
    ck_assert_double_eq(call->experts.tokens, 100.0);
    ck_assert_double_eq(call->experts.token_bytes, 8192.0);
    /* 8 experts on 4 ranks: a token misses a rank with (6 x 5) / (8 x 7) = 15/28. */
    ck_assert_double_eq_tol(call->experts.ranks, 4.0 * 13.0 / 28.0, 1e-12);
    layers = layers_of(&program, EXCHANGE_ALL_GATHER, 1);
    ck_assert_uint_eq(find(layers, "experts gate+up")->gemm.n, 2 * 14336 / 4);
}
END_TEST

/* A shared block of 1024: after everything, or while the dispatch is under way. Both orders have
 * the same operators; played, they differ by the shorter of the two: two products and the
 * activation between them. */
START_TEST(shared_experts_beside_the_dispatch)
{
    static struct span spans[1024];
    double seconds[2];
    uint32_t shared = 0;
    for (int beside = 0; beside < 2; beside++) {
        struct step_program program = {.segment_count = 0};
        const struct step_segment *layers = shared_layers(&program, beside != 0);
        for (uint32_t i = 0; i < layers->count; i++) {
            struct step_operator *op = &layers->operators[i];
            op->cost.seconds = op->kind == OPERATOR_COLLECTIVE ? 5.0 : 1.0;
            shared += strncmp(op->name, "shared", 6) == 0;
        }
        seconds[beside] = segment_play(&program, layers, spans);
    }
    ck_assert_uint_eq(shared, 2 * 2);
    ck_assert_double_eq_tol(seconds[0] - seconds[1], 3.0, 1e-9);
}
END_TEST

/* Training: 16 replicas of tensor 2; experts over 8 GPUs are 4 replicas' of both tensor ranks, each
 * with whole experts, and 16 / 4 sets of such replicas hold the same. */
START_TEST(placement_of_experts_in_training)
{
    struct layout layout = {.tensor = 2, .context = 1, .pipeline = 2, .data = 16, .expert = 8};
    struct cluster cluster = fixture_cluster;
    struct placement placement = placement_of(&layout, &cluster, STAGES_OUTSIDE);
    ck_assert_uint_eq(placement.ranks, 64);
    ck_assert_uint_eq(layout_expert_cut(&layout), 1);
    ck_assert_uint_eq(placement_group_size(&placement, GROUP_EXPERT), 8);
    ck_assert_uint_eq(placement_group_size(&placement, GROUP_EXPERT_DATA), 4);
    ck_assert_uint_eq(placement_group_size(&placement, GROUP_DATA), 16);
    ck_assert_uint_eq(placement_role(&placement, 7).replica, 3);
    ck_assert_uint_eq(placement_role(&placement, 8).replica, 4);
    ck_assert_uint_eq(placement_role(&placement, 8).group[GROUP_EXPERT], 2); /* of stage 0 */
    struct group_shape shape = placement_group_shape(&placement, GROUP_EXPERT_DATA);
    ck_assert_uint_eq(shape.ranks_per_node, 1);
}
END_TEST

/* Tensor 2, context 4: the ring of a node, played once. Context 8 fills two nodes: one hop of four
 * leaves its node, so each rank is played. Tensor 8: each hop leaves, and all are alike but where
 * leaf switches lie between some of them, or cards are shared. */
START_TEST(context_ranks_that_stand_in)
{
    struct cluster cluster = fixture_cluster;
    cluster.gpus_per_node = cluster.nics_per_node = 8;
    cluster.nodes_per_leaf = 0;
    struct layout layout = {.tensor = 2, .context = 4, .pipeline = 1, .data = 2, .expert = 1};
    struct placement placement = placement_of(&layout, &cluster, STAGES_INSIDE);
    for (uint32_t rank = 0; rank < placement.ranks; rank++) {
        ck_assert_uint_eq(placement_stand_in(&placement, rank), 0);
    }
    layout.context = 8;
    placement = placement_of(&layout, &cluster, STAGES_INSIDE);
    ck_assert_uint_eq(placement_stand_in(&placement, 7), 6);
    ck_assert_uint_eq(placement_stand_in(&placement, 16 + 7), 6);
    layout.tensor = 8;
    placement = placement_of(&layout, &cluster, STAGES_INSIDE);
    ck_assert_uint_eq(placement_stand_in(&placement, 63), 0);
    cluster.nodes_per_leaf = 4;
    placement = placement_of(&layout, &cluster, STAGES_INSIDE);
    ck_assert_uint_eq(placement_stand_in(&placement, 63), 56);
    cluster.nodes_per_leaf = 0;
    cluster.nics_per_node = 4;
    placement = placement_of(&layout, &cluster, STAGES_INSIDE);
    ck_assert_uint_eq(placement_stand_in(&placement, 63), 57);
}
END_TEST

/* What is said of the end, of layouts in which replicas lie alike, go over nodes' edges or are
 * joined by cards. Tensor 2 x context 4 fills a node: the first replica stands in for all 16. */
START_TEST(replicas_that_stand_in)
{
    struct cluster cluster = fixture_cluster;
    cluster.nodes_per_leaf = 0;
    uint32_t ended = 0;
    for (uint32_t i = 0; i < 3 * 3 * 3 * 2; i++) {
        cluster.gpus_per_node = 8;
        cluster.nics_per_node = i % 2 == 0 ? 8 : 4;
        const struct layout layout = {.tensor = 1U << (i / 2 % 3),
                                      .context = 1 + i / 6 % 3,
                                      .pipeline = 1,
                                      .data = 1 + 3 * (i / 18 % 3),
                                      .expert = 1};
        struct placement placement = placement_of(&layout, &cluster, STAGES_INSIDE);
        uint32_t end = placement_stand_ins_end(&placement);
        for (uint32_t rank = 0; rank < placement.ranks; rank++) {
            uint32_t stand_in = placement_stand_in(&placement, rank);
            ck_assert_uint_lt(stand_in, end);
            ck_assert_uint_eq(stand_in, placement_stand_in(&placement, rank % end));
        }
        ended += end < placement.ranks;
    }
    ck_assert_uint_gt(ended, 0);
    const struct layout layout = {
        .tensor = 2, .context = 4, .pipeline = 1, .data = 16, .expert = 1};
    cluster.nics_per_node = 8;
    struct placement placement = placement_of(&layout, &cluster, STAGES_INSIDE);
    ck_assert_uint_eq(placement_stand_ins_end(&placement), 8);
}
END_TEST

RUN_TESTS(exchange, destinations_by_hand, deepep_over_two_nodes, low_latency_by_hand, pplx_by_hand,
          shared_experts_beside_the_dispatch, weights_of_a_rank, operators_of_shared_experts,
          placement_of_experts_in_training, context_ranks_that_stand_in, replicas_that_stand_in)
