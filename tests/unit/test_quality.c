/* SPDX-License-Identifier: MIT
 * The laws of precision against what the papers print, and against sums by hand. They catch a lost
 * offset (the optimum falls to 3.5 bits), a wrong sign, tokens in millions. */
#include "fixture.h"
#include "models/architecture/super_weight.h"
#include "models/laws/quality_precision.h"
#include "run_tests.h"

#include <math.h>
#include <stdio.h>

/* exp(-4 / 2.6745 + 0.3037) = 0.3037, exp(-4 / 2.2102 + 1.4072) = 0.6687,
 * exp(-4 / 0.9578 + 2.4185) = 0.1724; activations in 3 bits leave nothing, weights do. */
START_TEST(shares_that_bits_leave)
{
    ck_assert_double_eq_tol(quality_effective_share(QUALITY_WEIGHTS, 4.0), 0.6963, 1e-3);
    ck_assert_double_eq_tol(quality_effective_share(QUALITY_ACTIVATIONS, 4.0), 0.3313, 1e-3);
    ck_assert_double_eq_tol(quality_effective_share(QUALITY_KV_CACHE, 4.0), 0.8276, 1e-3);
    ck_assert_double_eq(quality_effective_share(QUALITY_ACTIVATIONS, 3.0), 0.0);
    ck_assert_double_gt(quality_effective_share(QUALITY_WEIGHTS, 3.0), 0.5);
}
END_TEST

static double effective(double bits)
{
    struct quality_question question = {.parameters = 1e9, .tokens = 20e9};
    for (int i = 0; i < QUALITY_CLASS_COUNT; i++) {
        question.trained.bits[i] = question.kept.bits[i] = bits;
    }
    return quality_of(&question).effective_parameters;
}

/* The paper, section 4.3: going below 4 bits takes models more than 4 times as large. */
START_TEST(four_bits_take_models_four_times_as_large)
{
    ck_assert_double_gt(effective(16.0) / effective(4.0), 4.0);
    ck_assert_double_gt(2.0 * effective(8.0),
                        effective(16.0)); /* twice the size in half the bits */
    ck_assert_double_eq_tol(effective(8.0) / 1e9, 0.828, 1e-3);
}
END_TEST

/* The abstract: "around 7-8 bits", whatever the budget; by joint minimisation too. */
START_TEST(seven_bits_are_the_best_to_train_in)
{
    ck_assert_double_eq_tol(quality_optimal_bits(), 7.0, 0.05);
    for (double flops = 1e19; flops < 1e26; flops *= 100.0) {
        double best = quality_optimum_at(flops, quality_optimal_bits()).loss;
        for (double bits = 4.0; bits <= 16.0; bits += 0.5) {
            ck_assert_double_le(best, quality_optimum_at(flops, bits).loss + 1e-12);
        }
    }
}
END_TEST

/* Sums by hand at C = 1e21: N D = C x 16 / (6 P), N / D = (A / B)^(1 / alpha) / F(P). P = 16:
 * 1.667e20 and 0.05553 / 0.994. Fewer bits, fewer tokens a parameter. */
START_TEST(optimal_sizes_at_a_budget)
{
    struct quality_optimum high = quality_optimum_at(1e21, 16.0);
    ck_assert_double_eq_tol(high.parameters / 1e9, 3.05, 0.01);
    ck_assert_double_eq_tol(high.tokens / 1e10, 5.46, 0.01);
    ck_assert_double_eq_tol(high.loss, 2.933, 1e-3);
    struct quality_optimum seven = quality_optimum_at(1e21, 7.0),
                           four = quality_optimum_at(1e21, 4);
    ck_assert_double_eq_tol(seven.parameters / 1e9, 5.34, 0.01);
    ck_assert_double_eq_tol(seven.loss, 2.912, 1e-3);
    ck_assert_double_eq_tol(four.loss, 2.945, 1e-3);
    ck_assert_double_eq_tol(high.tokens / high.parameters, 17.9, 0.1);
    ck_assert_double_eq_tol(seven.tokens / seven.parameters, 13.3, 0.1);
    ck_assert_double_eq_tol(four.tokens / four.parameters, 3.4, 0.1);
}
END_TEST

/* With N fixed the best bits grow by the same for each factor of 100 in C once they are many; and
 * figure 6's order: the more a model is over-trained, the more bits (8B, 70B, 405B of Llama 3). */
START_TEST(overtrained_models_want_more_bits)
{
    ck_assert_double_eq_tol(quality_optimal_bits_for(1e9, 1e19), 5.95, 0.02);
    ck_assert_double_eq_tol(quality_optimal_bits_for(1e9, 1e21), 10.71, 0.02);
    ck_assert_double_eq_tol(quality_optimal_bits_for(1e9, 1e23), 16.57, 0.02);
    ck_assert_double_eq_tol(quality_optimal_bits_for(8e9, 6.0 * 8e9 * 15e12), 13.8, 0.1);
    ck_assert_double_eq_tol(quality_optimal_bits_for(70e9, 6.0 * 70e9 * 15e12), 11.0, 0.1);
    ck_assert_double_eq_tol(quality_optimal_bits_for(405e9, 6.0 * 405e9 * 15.6e12), 9.0, 0.1);
}
END_TEST

/* Figure 1, left, read off: 28 M parameters, tokens a parameter against the rise of the loss of
 * int3 and int4 weights. The figure's ticks are not labelled; 0.1 nats each. */
START_TEST(narrowing_afterwards_costs_what_figure_1_shows)
{
    static const double rows[][3] = {{29, 0.116, 0.022},  {59, 0.162, 0.032},  {117, 0.230, 0.046},
                                     {234, 0.352, 0.065}, {468, 0.456, 0.087}, {936, 0.560, 0.105}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double three = quality_post_penalty(28e6, rows[i][0] * 28e6, 3.0);
        double four = quality_post_penalty(28e6, rows[i][0] * 28e6, 4.0);
        ck_assert_double_eq_tol(three / rows[i][1], 1.0, 0.16);
        ck_assert_double_eq_tol(four / rows[i][2], 1.0, 0.17);
        printf("Figure 1, D/N %4.0f: int3 %.3f law %.3f, int4 %.3f law %.3f\n", rows[i][0],
               rows[i][1], three, rows[i][2], four);
    }
    double once = quality_post_penalty(1e9, 20e9, 4.0); /* 2^0.5068 and 2^0.3439 */
    ck_assert_double_eq_tol(quality_post_penalty(1e9, 40e9, 4.0) / once, 1.421, 1e-3);
    ck_assert_double_eq_tol(once / quality_post_penalty(2e9, 20e9, 4.0), 1.269, 1e-3);
}
END_TEST

/* The figure's int3 loss is least at D = 3.3e9 and higher at 1.6e9 and 6.6e9. D_crit is where the
 * slopes cancel: on either side the narrowed model is worse. */
START_TEST(more_data_can_hurt_a_narrowed_model)
{
    double critical = quality_critical_tokens(30e6, 3.0);
    ck_assert_double_gt(critical, 1.6e9);
    ck_assert_double_lt(critical, 6.6e9);
    struct quality_question question = {
        .parameters = 1.7e9, .trained = {{16, 16, 16}}, .kept = {{3, 16, 16}}};
    critical = quality_critical_tokens(1.7e9, 3.0);
    ck_assert_double_eq_tol(critical / 2.1e10, 1.0, 0.03);
    double loss[3];
    for (int i = 0; i < 3; i++) {
        question.tokens = critical * pow(2.0, i - 1);
        loss[i] = quality_of(&question).loss;
    }
    ck_assert_double_gt(loss[0], loss[1]);
    ck_assert_double_gt(loss[2], loss[1]);
    ck_assert_double_eq_tol(quality_critical_tokens(8e9, 4.0) / 2.0e11, 1.0, 0.03);
    ck_assert_double_eq_tol(quality_critical_tokens(405e9, 8.0) / 6.4e14, 1.0, 0.03);
}
END_TEST

/* Kept as trained nothing is lost afterwards; trained lower, less is lost than from 16 bits
 * (section 5: training in low precision makes robust). */
START_TEST(training_low_makes_narrowing_cheaper)
{
    ck_assert_double_eq(quality_post_penalty_trained(1e9, 20e9, 8.0, 8.0), 0.0);
    ck_assert_double_eq(quality_post_penalty_trained(1e9, 20e9, 8.0, 6.0), 0.0);
    double from_16 = quality_post_penalty_trained(1e9, 20e9, 4.0, 16.0);
    double from_5 = quality_post_penalty_trained(1e9, 20e9, 4.0, 5.0);
    ck_assert_double_eq_tol(from_5 / from_16, 1.0 - exp(-1.0), 1e-4);
}
END_TEST

/* Figure 1, right: equal N x P, 16 B tokens; the printed losses are of floating-point formats, the
 * law of integers. The same shape, lowest at 6 to 8 bits, within 0.1 nats. */
START_TEST(larger_models_in_fewer_bits)
{
    static const double rows[][3] = {
        {4, 1.76e9, 3.233}, {6, 1.17e9, 2.997}, {8, 880e6, 3.009}, {16, 440e6, 3.057}};
    double least = INFINITY, least_bits = 0.0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double bits = rows[i][0];
        struct quality_question question = {.parameters = rows[i][1],
                                            .tokens = 16e9,
                                            .trained = {{bits, bits, bits}},
                                            .kept = {{bits, bits, bits}}};
        double loss = quality_of(&question).loss;
        printf("Figure 1, right, %2.0f bits: printed %.3f, law %.3f\n", bits, rows[i][2], loss);
        ck_assert_double_eq_tol(loss, rows[i][2], 0.1);
        if (loss < least) {
            least = loss;
            least_bits = bits;
        }
    }
    ck_assert(least_bits >= 6.0 && least_bits <= 8.0);
}
END_TEST

START_TEST(far_models_are_extrapolated)
{
    struct quality_question question = {
        .parameters = 1e9, .tokens = 20e9, .trained = {{16, 16, 16}}, .kept = {{4, 16, 16}}};
    ck_assert(!quality_of(&question).extrapolates);
    question.parameters = 405e9;
    ck_assert(quality_of(&question).extrapolates);
    question.parameters = 1e9;
    question.kept.bits[QUALITY_WEIGHTS] = 1.58;
    ck_assert(quality_of(&question).extrapolates);
    question.kept.bits[QUALITY_ACTIVATIONS] = 3.0;
    ck_assert(quality_of(&question).diverges);
    ck_assert(isinf(quality_of(&question).loss));
}
END_TEST

/* Llama 3 405B: 82 of 100 parameters are feed-forward's. Feed-forward weights alone in fp8:
 * between 8 and 16 bits, the nearer to 8; alike everywhere: exactly 8. */
START_TEST(mixed_formats_count_by_parameters)
{
    struct precision precision = fixture_precision;
    struct quality_training training = {.tokens = 1000000, .trained = FORMAT_BF16};
    struct quality_question question = quality_question_of(&fixture_llm, &precision, &training);
    ck_assert_double_eq_tol(question.parameters, 401.65e9, 0.05e9);
    double share = 1.0 - llm_attention_weights(&fixture_llm) / llm_product_weights(&fixture_llm);
    double bits =
        question.kept.bits[QUALITY_WEIGHTS]; /* e^(-16 / 0.59) is nothing beside e^-13.5 */
    ck_assert_double_eq_tol(bits, 8.0 - 0.5907 * log(share), 1e-3);
    ck_assert_double_gt(question.kept.bits[QUALITY_ACTIVATIONS], 8.0);
    ck_assert_double_eq(question.kept.bits[QUALITY_KV_CACHE], 16.0);
    precision.attention_weights = precision.ffn_weights;
    question = quality_question_of(&fixture_llm, &precision, &training);
    ck_assert_double_eq(question.kept.bits[QUALITY_WEIGHTS], 8.0);
    ck_assert_double_eq(question.kept.bits[QUALITY_ACTIVATIONS], 8.0);
    training.weight_bits = 3.0; /* said by the scenario: weights alone */
    question = quality_question_of(&fixture_llm, &precision, &training);
    ck_assert_double_eq(question.kept.bits[QUALITY_WEIGHTS], 3.0);
    ck_assert_double_eq(question.kept.bits[QUALITY_ACTIVATIONS], 8.0);
    training.weight_bits = 0.0;
    precision.edge_layers_high = 63;
    question = quality_question_of(&fixture_llm, &precision, &training);
    ck_assert_double_eq(question.kept.bits[QUALITY_WEIGHTS], 16.0);
}
END_TEST

/* Keeping six costs 60 bytes. Halfway between 65,536 and 262,144 elements, by logarithm, is
 * 131,072: the mean of 63.41 and 50.51. The points are LLaMA 7B's. */
START_TEST(super_weights_and_blocks)
{
    ck_assert_double_eq(super_weights_bytes(6), 60.0);
    ck_assert_double_eq(super_weights_bytes(0), 0.0);
    static const struct super_weight three[] = {{2, 10, 20}, {125, 16383, 53247}, {126, 0, 0}};
    struct llm llm = fixture_llm;
    llm.super_weights = three;
    llm.super_weight_count = 3;
    ck_assert_uint_eq(llm_super_weights(&llm), 2); /* 126 layers */
    llm.stack.layers = 2;
    ck_assert_uint_eq(llm_super_weights(&llm), 0);
    static const struct int4_point points[] = {{64.0, 69.59, 0.0},       {4096.0, 66.19, 0.0},
                                               {16384.0, 66.21, 66.21},  {65536.0, 63.41, 63.41},
                                               {262144.0, 50.51, 57.85}, {1048576.0, 27.55, 45.40}};
    static const struct int4_study study = {70.12, points, 6}, nothing = {0};
    struct int4_accuracy accuracy = int4_accuracy_at(&study, 131072.0);
    ck_assert(accuracy.known && accuracy.kept_known);
    ck_assert_double_eq_tol(accuracy.rounded, 56.96, 1e-6);
    ck_assert_double_eq_tol(accuracy.kept, 60.63, 1e-6);
    ck_assert_double_eq_tol(int4_accuracy_at(&study, 1048576.0).kept, 45.40, 1e-9);
    /* 128 elements, a sixth of the way from 64 to 4096 by logarithm: 69.59 - 3.40 / 6. */
    accuracy = int4_accuracy_at(&study, 128.0);
    ck_assert_double_eq_tol(accuracy.rounded, 69.023, 1e-3);
    ck_assert(accuracy.known && !accuracy.kept_known);
    ck_assert(!int4_accuracy_at(&study, 8192.0).kept_known); /* one side alone */
    ck_assert(!int4_accuracy_at(&study, 32.0).known);
    ck_assert(!int4_accuracy_at(&study, 2e6).known);
    ck_assert(!int4_accuracy_at(&nothing, 65536.0).known);
}
END_TEST

RUN_TESTS(quality, shares_that_bits_leave, four_bits_take_models_four_times_as_large,
          seven_bits_are_the_best_to_train_in, optimal_sizes_at_a_budget,
          overtrained_models_want_more_bits, narrowing_afterwards_costs_what_figure_1_shows,
          more_data_can_hurt_a_narrowed_model, training_low_makes_narrowing_cheaper,
          larger_models_in_fewer_bits, far_models_are_extrapolated,
          mixed_formats_count_by_parameters, super_weights_and_blocks)
