/* SPDX-License-Identifier: MIT
 * Mixtures of experts: how many are touched and how many blocks their rows make, against sums over
 * the binomial distribution; weights and FLOPs against what the papers state; the operators of a
 * layer. Catches experts counted once too often or too seldom, in weights read or in work done. */
#include "fixture.h"
#include "models/passes/memory.h"
#include "round_gpu.h"
#include "run_tests.h"

#include <math.h>
#include <string.h>

/* arXiv 2401.04088, table 1. */
static const struct llm mixtral = {
    .name = "mixtral-8x7b",
    .hidden = 4096,
    .vocabulary = 32000,
    EXPERT_LAYERS(32, 32, 8, 128, 14336, 8, 2),
};

static const struct routing even = {.kind = ROUTING_EVEN};

/* One token goes to 2 of 8. Of two tokens, each misses an expert with 3/4: 8 x (1 - 9/16) = 3.5. */
START_TEST(touched_by_hand)
{
    struct experts experts = {.count = 8, .per_token = 2};
    ck_assert_double_eq_tol(experts_touched(experts, even, 1.0), 2.0, 1e-12);
    ck_assert_double_eq_tol(experts_touched(experts, even, 2.0), 3.5, 1e-12);
    ck_assert_double_eq_tol(experts_touched(experts, even, 1e6), 8.0, 1e-9);
    /* Of three tokens one and half of the other two choose: as two do. */
    const struct routing alike = {.kind = ROUTING_EVEN, .distinct = 0.5};
    ck_assert_double_eq_tol(experts_touched(experts, alike, 3.0), 3.5, 1e-12);
    ck_assert_double_eq_tol(experts_touched(experts, alike, 1.0), 2.0, 1e-12);
    struct experts all = {.count = 4, .per_token = 4};
    ck_assert_double_eq_tol(experts_touched(all, even, 1.0), 4.0, 1e-12);
}
END_TEST

/* Sum over experts of E[ceil(X / rows)], term by term. */
static double blocks_by_sum(struct experts experts, unsigned tokens, double rows)
{
    double p = (double)experts.per_token / experts.count;
    double sum = 0.0;
    for (unsigned x = 1; x <= tokens; x++) {
        double chance = exp(lgamma(tokens + 1.0) - lgamma(x + 1.0) - lgamma(tokens - x + 1.0) +
                            x * log(p) + (tokens - x) * log1p(-p));
        sum += chance * ceil(x / rows);
    }
    return experts.count * sum;
}

START_TEST(blocks_as_the_binomial_makes_them)
{
    static const struct experts kinds[] = {{.count = 8, .per_token = 2},
                                           {.count = 128, .per_token = 8},
                                           {.count = 64, .per_token = 1},
                                           {.count = 16, .per_token = 4}};
    static const unsigned tokens[] = {1, 7, 64, 300, 512, 1024, 5000};
    static const double rows[] = {16.0, 64.0, 128.0, 256.0};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 7; j++) {
            for (size_t k = 0; k < 4; k++) {
                double expected = blocks_by_sum(kinds[i], tokens[j], rows[k]);
                double got = experts_blocks(kinds[i], even, tokens[j], rows[k]);
                ck_assert_msg(fabs(got / expected - 1.0) < 0.02,
                              "%u of %u, %u tokens, %g rows: %g, expected %g", kinds[i].per_token,
                              kinds[i].count, tokens[j], rows[k], got, expected);
            }
        }
    }
}
END_TEST

/* Room for the even share alone. Even: 6,400 tokens to 1 of 64 are 100 rows an expert, with a
 * deviation of sqrt(100 x 63/64) = 9.92; a normal loses deviation / sqrt(2 pi) = 3.96 of them
 * beyond its mean. With twice the share nothing is lost. As blocks of 128, one expert in some
 * hundred has had a second. A power law of exponent 2 over 100 tokens to 2 of 4: what the fullest
 * have beyond 1.1 x 50 rows is dropped, and the fullest has 55. */
START_TEST(room_for_rows_by_hand)
{
    struct experts experts = {.count = 64, .per_token = 1};
    struct routing routing = {.kind = ROUTING_EVEN, .capacity = 1.0};
    double kept = 1.0 - 9.92157 / sqrt(2.0 * 3.14159265358979) / 100.0;
    ck_assert_double_eq_tol(experts_rows(experts, routing, 6400.0), 6400.0 * kept, 0.01);
    ck_assert_double_eq_tol(experts_fullest(experts, routing, 6400.0), 100.0 * kept, 1e-3);
    ck_assert_double_eq_tol(experts_dropped(experts, routing, 6400.0), 1.0 - kept, 1e-6);
    ck_assert_double_eq_tol(experts_blocks(experts, routing, 6400.0, 128.0), 64.0, 1e-9);
    ck_assert_double_gt(experts_blocks(experts, even, 6400.0, 128.0), 64.05);
    routing.capacity = 2.0;
    ck_assert_double_lt(experts_dropped(experts, routing, 6400.0), 1e-9);
    routing = (struct routing){.kind = ROUTING_BALANCED, .capacity = 1.0};
    ck_assert_double_eq(experts_dropped(experts, routing, 6400.0), 0.0);

    struct experts four = {.count = 4, .per_token = 2};
    routing = (struct routing){.kind = ROUTING_POWER_LAW, .exponent = 2.0};
    double loads[4], beyond = 0.0;
    experts_power_law(four, 2.0, 100.0, loads);
    for (size_t i = 0; i < 4; i++) {
        beyond += fmax(0.0, loads[i] - 55.0);
    }
    ck_assert_double_gt(beyond, 1.0);
    routing.capacity = 1.1;
    ck_assert_double_eq_tol(experts_dropped(four, routing, 100.0), beyond / 200.0, 1e-9);
    ck_assert_double_eq_tol(experts_fullest(four, routing, 100.0), 55.0, 1e-9);
    ck_assert_double_eq_tol(experts_rows(four, routing, 100.0), 200.0 - beyond, 1e-9);
}
END_TEST

/* Dealt out like cards: 5 tokens to 2 of 8 are 10 rows, 1 or 2 an expert: 10 / 8 each, which is two
 * blocks of 1 row. Over 4 ranks a rank has 2 experts and 2.5 rows; of one token half a row is its
 * own, and the rank that waits has one. */
START_TEST(balanced_routing_by_hand)
{
    struct experts experts = {.count = 8, .per_token = 2};
    struct routing routing = {.kind = ROUTING_BALANCED};
    ck_assert_double_eq(experts_touched(experts, routing, 1.0), 2.0);
    ck_assert_double_eq(experts_touched(experts, routing, 5.0), 8.0);
    ck_assert_double_eq(experts_blocks(experts, routing, 5.0, 1.0), 16.0);
    ck_assert_double_eq(experts_rows(experts, routing, 5.0), 10.0);
    routing.ranks = 4;
    ck_assert_double_eq(experts_rows(experts, routing, 5.0), 2.5);
    ck_assert_double_eq(experts_touched(experts, routing, 5.0), 2.0);
    ck_assert_double_eq(experts_touched(experts, routing, 1.0), 1.0);
    ck_assert_double_eq(experts_rows(experts, routing, 1.0), 1.0);
}
END_TEST

/* Exponent 2: the load of quantile u of those between 1 and 4 (80 % of 5 tokens) is 1 / (1 - 3/4
 * u). At 7/8, 5/8, 3/8 and 1/8 that is 2.909, 1.882, 1.391 and 1.103, in all 7.286, and there are 5
 * rows: 1.996, 1.292, 0.955 and 0.757. Of two ranks the one that has
 * the fullest has one of the three others besides: 1.996 + 3.004 / 3. */
START_TEST(power_law_by_hand)
{
    struct experts experts = {.count = 4, .per_token = 1};
    struct routing routing = {.kind = ROUTING_POWER_LAW, .exponent = 2.0};
    ck_assert_double_eq_tol(experts_fullest(experts, routing, 5.0), 1.9963, 1e-4);
    ck_assert_double_eq_tol(experts_rows(experts, routing, 5.0), 5.0, 1e-9);
    ck_assert_double_eq_tol(experts_touched(experts, routing, 5.0), 2.0 + 0.9548 + 0.7572, 1e-4);
    ck_assert_double_eq_tol(experts_blocks(experts, routing, 5.0, 1.0), 4.0 + 0.9548 + 0.7572,
                            1e-4);
    routing.ranks = 2;
    ck_assert_double_eq_tol(experts_rows(experts, routing, 5.0), 1.9963 + 3.0037 / 3.0, 1e-4);
}
END_TEST

/* An expert has each token once at most; what is left goes to the others. */
START_TEST(no_expert_has_more_than_every_token)
{
    struct experts experts = {.count = 8, .per_token = 2};
    struct routing routing = {.kind = ROUTING_POWER_LAW, .exponent = 1.2};
    ck_assert_double_eq(experts_fullest(experts, routing, 1000.0), 1000.0);
    ck_assert_double_eq_tol(experts_rows(experts, routing, 1000.0), 2000.0, 1e-6);
    struct experts all = {.count = 4, .per_token = 4};
    ck_assert_double_eq_tol(experts_rows(all, routing, 10.0), 40.0, 1e-9);
}
END_TEST

/* "47B parameters ... 13B active" (arXiv 2401.04088, abstract). */
START_TEST(weights_of_mixtral)
{
    ck_assert_double_eq_tol(llm_weights(&mixtral), 46.7e9, 0.05e9);
    ck_assert_double_eq_tol(llm_active_weights(&mixtral), 12.9e9, 0.05e9);
}
END_TEST

static struct step_operator operators[STEP_MAX_SEGMENTS * 128];
static struct step_program program;
static struct layout layout;

static const struct step_segment *layers_of(uint32_t tensor, uint64_t tokens, bool fused,
                                            const struct llm *llm)
{
    static struct software software;
    static struct replica replica;
    software = fixture_software;
    software.fused_kernels = fused;
    layout = (struct layout){.tensor = tensor, .context = 1, .pipeline = 1, .data = 1};
    replica = (struct replica){.llm = llm,
                               .gpu = &fixture_gpu,
                               .cluster = &fixture_cluster,
                               .software = &software,
                               .layout = &layout,
                               .precision = &fixture_precision};
    struct batch_slice slice = {PHASE_PREFILL, 1, tokens, 0};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    ck_assert_uint_le(transformer_max_operators(&replica, 1), 128);
    transformer_build(&replica, &batch, RING_NONE, operators, &program);
    for (uint32_t i = 0; i < program.segment_count; i++) {
        if (strcmp(program.segments[i].name, "layers") == 0) {
            return &program.segments[i];
        }
    }
    ck_abort_msg("no layers");
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

/* TP4: 1000 tokens to 2 experts each are 2000 rows; gate and up are 2 x 14336 / 4 columns wide. */
START_TEST(operators_of_a_layer)
{
    const struct step_segment *layers = layers_of(4, 1000, true, &mixtral);
    const struct gemm_shape *up = &find(layers, "experts gate+up")->gemm;
    ck_assert_uint_eq(up->m, 2000);
    ck_assert_uint_eq(up->n, 7168);
    ck_assert_uint_eq(up->k, 4096);
    ck_assert_uint_eq(up->experts.count, 8);
    const struct gemm_shape *down = &find(layers, "experts down")->gemm;
    ck_assert_uint_eq(down->m, 2000);
    ck_assert_uint_eq(down->n, 4096);
    ck_assert_uint_eq(down->k, 3584);
    ck_assert_uint_eq(find(layers, "router")->gemm.n, 8);
    /* Two rows in, one out: 1000 x 4096 x 3 x 2 bytes. */
    ck_assert_double_eq(find(layers, "add experts")->memory.bytes, 24576000.0);
    ck_assert_ptr_null(find(layers, "gather rows"));
    ck_assert_ptr_nonnull(find(layers_of(4, 1000, false, &mixtral), "gather rows"));
    ck_assert_ptr_null(find(layers, "gate+up"));
}
END_TEST

/* The products of a layer over 1000 tokens are 2 FLOPs a token and active weight. */
START_TEST(flops_of_a_layer)
{
    struct llm llm = mixtral;
    for (int shared = 0; shared < 2; shared++) {
        only_kind(&llm)->ffn.shared_hidden = shared == 0 ? 0 : 2048;
        const struct step_segment *layers = layers_of(1, 1000, true, &llm);
        double sum = 0.0;
        for (uint32_t i = 0; i < layers->count; i++) {
            const struct step_operator *op = &layers->operators[i];
            sum += op->kind == OPERATOR_GEMM
                       ? 2.0 * (double)op->gemm.m * (double)op->gemm.n * (double)op->gemm.k
                       : 0.0;
        }
        double weights = 4096.0 * (2.0 * 4096.0 + 2.0 * 1024.0 + 8.0 + 2.0 * 3.0 * 14336.0 +
                                   (shared == 0 ? 0.0 : 3.0 * 2048.0));
        ck_assert_double_eq_tol(sum / (2.0 * 1000.0 * weights), 1.0, 1e-12);
    }
}
END_TEST

/* Multiplies 128 x 256 by one step of k in 16 clocks. */
static struct gpu grouping_gpu(double memory_bytes_per_second)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = memory_bytes_per_second;
    gpu.grouped_seconds = 5e-6;
    gpu.grouped_tile_seconds = 2e-6;
    gpu.grouped_efficiency = 1.0;
    return gpu;
}

/* 4 experts, each token to all of them: 256 tokens are 256 rows each, 2 tiles of 128; 2560 columns
 * are 10 tiles of 256. 4 x 2 x 10 = 80 tiles, one wave: k = 1000 takes 16 us, and 5 + 2 us besides.
 * 257 tokens make 120 tiles, two waves. */
START_TEST(grouped_product_by_hand)
{
    struct gpu gpu = grouping_gpu(1e18);
    struct gemm_shape shape = {.m = 1024,
                               .n = 2560,
                               .k = 1000,
                               .experts = {.count = 4, .per_token = 4},
                               .format = FORMAT_BF16};
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 23e-6, 1e-12);
    shape.m = 1028;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 41e-6, 1e-12);
}
END_TEST

/* One token to 2 of 8 experts reads two matrices of 1000 x 2000 x 2 bytes, two rows of 1000 and
 * writes two of 2000: 8,012,000 bytes. At 1 GB/s nothing else counts: 8.012 ms. */
START_TEST(few_tokens_read_few_experts)
{
    struct gpu gpu = grouping_gpu(1e9);
    gpu.grouped_seconds = gpu.grouped_tile_seconds = 0.0;
    struct gemm_shape shape = {.m = 2,
                               .n = 2000,
                               .k = 1000,
                               .experts = {.count = 8, .per_token = 2},
                               .format = FORMAT_BF16};
    struct kernel_cost cost = gemm_cost(&gpu, &shape, 1e9);
    ck_assert_double_eq(cost.bytes, 8012000.0);
    ck_assert_double_eq_tol(cost.seconds, 8.012e-3, 1e-6);
    ck_assert_double_eq(cost.flops, 2.0 * 2.0 * 2000.0 * 1000.0);
}
END_TEST

/* The gradient of weights: 4 experts x (1024 / 128) x (2560 / 256) = 320 tiles, 4 waves, as deep as
 * an expert's 256 rows: 4 x 256 x 16 clocks, and 4 x 1 us between them, as in other products. */
START_TEST(weight_gradient_by_hand)
{
    struct gpu gpu = grouping_gpu(1e18);
    struct gemm_shape shape = {.m = 1024,
                               .n = 2560,
                               .k = 1024,
                               .experts = {.count = 4, .per_token = 4},
                               .format = FORMAT_BF16,
                               .gradient = EXPERTS_WEIGHT_GRADIENT};
    gpu.tile_seconds[SCALING_NONE] = 1e-6;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 16.384e-6 + 4e-6, 1e-12);
    /* Of the input: 8 tiles of rows by 4 of 1024 columns, one wave, 2560 deep. */
    shape.gradient = EXPERTS_INPUT_GRADIENT;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 40.96e-6 + 2e-6, 1e-12);
}
END_TEST

RUN_TESTS(experts, touched_by_hand, room_for_rows_by_hand, balanced_routing_by_hand,
          power_law_by_hand, no_expert_has_more_than_every_token, blocks_as_the_binomial_makes_them,
          weights_of_mixtral, operators_of_a_layer, flops_of_a_layer, grouped_product_by_hand,
          few_tokens_read_few_experts, weight_gradient_by_hand)
