/* SPDX-License-Identifier: MIT
 * The laws of the critical batch and of the loss against what their papers print. Catches a wrong
 * unit (sequences of 512 tokens, millions of parameters) and a wrong fit, which no run would show.
 */
#include "models/laws/batch_size.h"
#include "models/laws/scaling_law.h"

#include "run_tests.h"

#include <math.h>

/* arXiv 2410.21676, fits of the authors' notebook: a, b and B* of five models. */
START_TEST(five_models)
{
    static const struct {
        double least_steps, example_steps, critical;
    } rows[] = {
        {1293.827, 2834258, 745.32},   {1752.421, 5677479, 955.16},   {2095.350, 11383270, 1393.73},
        {2459.927, 19449689, 1888.52}, {3897.307, 43381130, 2533.41},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct batch_curve curve = {.least_steps = rows[i].least_steps,
                                    .example_steps = rows[i].example_steps};
        ck_assert_double_eq_tol(batch_curve_critical(curve), rows[i].critical, 0.01);
        /* At B* a run takes 1.2 times the sequences that it takes at 256. */
        double critical = batch_curve_critical(curve);
        ck_assert_double_eq_tol(critical * batch_curve_steps(curve, critical) /
                                    (256.0 * batch_curve_steps(curve, 256.0)),
                                1.2, 1e-9);
        struct batch_curve back = batch_curve_from(critical, batch_curve_steps(curve, 256.0));
        ck_assert_double_eq_tol(back.least_steps, curve.least_steps, 1e-6);
    }
}
END_TEST

/* A target that is reached with few tokens has no critical batch above 1.2 times 256 sequences: the
 * steps are those of the best small batch, whatever the batch. */
START_TEST(no_critical_batch)
{
    for (double critical = 0.0; critical < 308.0; critical += 307.2) {
        struct batch_curve curve = batch_curve_from(critical, 1000.0);
        ck_assert_double_eq_tol(batch_curve_steps(curve, 256.0), 1000.0, 1e-9);
        ck_assert_double_eq_tol(batch_curve_steps(curve, 65536.0), 1000.0, 1e-9);
    }
}
END_TEST

/* Steps to the target loss, measured at B = 64 to 16384, and the fits above: root mean square of
 * the logarithm 0.04 to 0.055. */
START_TEST(measured_steps)
{
    static const struct {
        struct batch_curve curve;
        double steps[9];
    } rows[] = {
        {{1293.827, 2834258}, {46000, 23000, 13282, 7000, 3840, 2528, 1917, 1600, 1600}},
        {{3897.307, 43381130}, {642000, 331000, 176000, 94000, 46500, 25000, 15360, 8900, 6500}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double sum = 0.0;
        for (int j = 0; j < 9; j++) {
            double steps = batch_curve_steps(rows[i].curve, 64.0 * (1 << j));
            sum += pow(log(steps / rows[i].steps[j]), 2.0);
        }
        ck_assert_double_lt(sqrt(sum / 9.0), 0.06);
    }
}
END_TEST

/* The notebook's printed forecasts of the first law; within their last digit. */
START_TEST(forecasts)
{
    static const double rows[][2] = {{1500, 2862}, {1750, 3076}, {2000, 3275},
                                     {3000, 3960}, {4000, 4531}, {6000, 5478}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double critical = batch_law_sequences(BATCH_LAW_CHINCHILLA, 1e6 * rows[i][0], 0.0);
        ck_assert_double_eq_tol(critical / rows[i][1], 1.0, 5e-4);
    }
}
END_TEST

/* 100 times the parameters at fixed data: 1.49 times; 100 times the data: 8.6. Points read off
 * figure 1. */
START_TEST(data_matter_more_than_size)
{
    double grown = batch_law_sequences(BATCH_LAW_FIXED_DATA, 30e9, 0.0) /
                   batch_law_sequences(BATCH_LAW_FIXED_DATA, 0.3e9, 0.0);
    ck_assert_double_eq_tol(grown, 1.49, 0.005);
    double longer = batch_law_sequences(BATCH_LAW_FIXED_MODEL, 0.0, 307e9) /
                    batch_law_sequences(BATCH_LAW_FIXED_MODEL, 0.0, 3.07e9);
    ck_assert_double_eq_tol(longer, 8.6, 0.05);
    static const double points[][2] = {{1710, 746},   {3000, 976},   {24600, 2579},
                                       {30000, 2832}, {35000, 3043}, {40000, 3240}};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        double critical = batch_law_sequences(BATCH_LAW_FIXED_MODEL, 0.0, 1e6 * points[i][0]);
        ck_assert_double_eq_tol(critical / points[i][1], 1.0, 0.015);
    }
    static const double sizes[][2] = {{151, 968},   {302, 1024},  {604, 1085},
                                      {1200, 1148}, {1500, 1168}, {2000, 1196}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double critical = batch_law_sequences(BATCH_LAW_FIXED_DATA, 1e6 * sizes[i][0], 0.0);
        ck_assert_double_eq_tol(critical / sizes[i][1], 1.0, 0.01);
    }
}
END_TEST

/* At the noise scale a run takes twice the steps and twice the data; the product rule holds. */
START_TEST(noise_scale)
{
    ck_assert_double_eq_tol(batch_noise_steps(100.0, 8.0, 8.0), 200.0, 1e-12);
    ck_assert_double_eq_tol(batch_noise_examples(800.0, 8.0, 8.0), 1600.0, 1e-12);
    double steps = batch_noise_steps(100.0, 8.0, 3.0) / 100.0 - 1.0;
    double examples = batch_noise_examples(800.0, 8.0, 3.0) / 800.0 - 1.0;
    ck_assert_double_eq_tol(steps * examples, 1.0, 1e-12);
}
END_TEST

/* Kaplan's critical batch: 0.573 M tokens at a loss of 3.42, 1.66 M at 2.736; it doubles for every
 * 13 % that the loss drops. */
START_TEST(kaplan_batch)
{
    ck_assert_double_eq_tol(batch_kaplan_tokens(3.42) / 1e6, 0.573, 0.001);
    ck_assert_double_eq_tol(batch_kaplan_tokens(2.736) / 1e6, 1.66, 0.005);
    ck_assert_double_eq_tol(batch_kaplan_tokens(2.0 * 0.87) / batch_kaplan_tokens(2.0), 2.0, 0.06);
}
END_TEST

/* Chinchilla's loss by both fits, and what each says of 5.76e23 FLOPs: 3.2e10 parameters and 3.0e12
 * tokens, or 7.2e10 and 1.3e12. */
START_TEST(chinchilla)
{
    const struct scaling_law *hoffmann = &scaling_laws[0], *besiroglu = &scaling_laws[1];
    ck_assert_double_eq_tol(scaling_loss(hoffmann, 70e9, 1.4e12), 1.937, 0.0006);
    ck_assert_double_eq_tol(scaling_loss(besiroglu, 70e9, 1.4e12), 1.974, 0.0006);
    ck_assert_double_eq_tol(scaling_loss(hoffmann, 405e9, 15.6e12), 1.819, 0.0006);
    ck_assert_double_eq_tol(scaling_loss(besiroglu, 405e9, 15.6e12), 1.893, 0.001);
    struct scaling_optimum first = scaling_optimum(hoffmann, 5.76e23, 1.0);
    struct scaling_optimum second = scaling_optimum(besiroglu, 5.76e23, 1.0);
    ck_assert_double_eq_tol(first.parameters, 3.2e10, 0.05e10);
    ck_assert_double_eq_tol(first.tokens, 3.0e12, 0.05e12);
    ck_assert_double_eq_tol(second.parameters, 7.2e10, 0.05e10);
    ck_assert_double_eq_tol(second.tokens, 1.3e12, 0.05e12);
    /* N_opt = G (C / 6)^(beta / (alpha + beta)) */
    double g = pow(0.34 * 406.4 / (0.28 * 410.7), 1.0 / 0.62);
    ck_assert_double_eq_tol(first.parameters / (g * pow(5.76e23 / 6.0, 0.28 / 0.62)), 1.0, 1e-6);
}
END_TEST

/* Back from the loss to the tokens, for every law. */
START_TEST(tokens_to_loss)
{
    for (int i = 0; i < TRAINING_LAW_COUNT; i++) {
        if (strcmp(scaling_law_name(&scaling_laws[i]), "kaplan-model") == 0) {
            continue; /* its loss knows no tokens */
        }
        double loss = scaling_loss(&scaling_laws[i], 8e9, 1e12);
        ck_assert_double_eq_tol(scaling_tokens_to_loss(&scaling_laws[i], 8e9, loss) / 1e12, 1.0,
                                1e-9);
        if (scaling_laws[i].model_scale > 0.0) { /* of data alone: any loss, at a price */
            ck_assert(isinf(scaling_tokens_to_loss(&scaling_laws[i], 8e9, 1.0)));
        }
    }
}
END_TEST

/* Ten times less loss of any kind takes what the exponents say. */
START_TEST(kaplan_laws)
{
    ck_assert_double_eq_tol(kaplan_loss_of_model(8.8e13), 1.0, 1e-12);
    ck_assert_double_eq_tol(kaplan_loss_of_data(5.4e13), 1.0, 1e-12);
    ck_assert_double_eq_tol(kaplan_loss_of_compute(3.1e8), 1.0, 1e-12);
    /* L(N, D) tends to the single laws. */
    ck_assert_double_eq_tol(scaling_loss(&scaling_laws[2], 1e9, 1e30), kaplan_loss_of_model(1e9),
                            1e-6);
    ck_assert_double_eq_tol(scaling_loss(&scaling_laws[2], 1e30, 1e10), kaplan_loss_of_data(1e10),
                            1e-6);
}
END_TEST

/* A run of 302e6 parameters over 1e10 tokens: B* is 22.91 x 1e4^0.467 x 512 = 865.6 thousand
 * tokens, so n = (B* - 1.2 B_opt) / 0.2 is 3.54 million, a = D / (B_opt + n) = 2,723 steps and b =
 * n a; in batches of a million 2,723 + 9,643 = 12,366. Pieces add up to it. The best small batch
 * takes its tokens, of any piece. */
START_TEST(a_piece_of_a_run)
{
    double whole = batch_piece_steps(302e6, 1e6, 0.0, 1e10);
    ck_assert_double_eq_tol(whole, 12366.0, 5.0);
    ck_assert_double_eq_tol(batch_piece_steps(302e6, 1e6, 0.0, 4e9) +
                                batch_piece_steps(302e6, 1e6, 4e9, 1e10),
                            whole, 1e-6);
    const double best = (double)BATCH_BEST_SEQUENCES * BATCH_SEQUENCE_TOKENS;
    ck_assert_double_eq_tol(batch_piece_steps(302e6, best, 1e9, 2e9), 1e9 / best, 1e-6);
}
END_TEST

/* Through 2,048 and 4,096 sequences of 4,096 tokens after 168 and 503 billion: the exponent is ln 2
 * / ln (503 / 168) = 0.6320, so 84 billion, half of the first, have 8.389 M x 2^-0.6320 = 5.413 M.
 * The mean of a power of the tokens over a run is its last value over 1.632: 10.28 M at 503
 * billion; of twice as many half the run is at the most: 13.53 M. The law of whole runs, fitted by
 * others on other data (arXiv 2410.21676), says 6.1 M for 1.2e9 parameters and 503 billion tokens.
 */
START_TEST(the_critical_batch_of_a_moment)
{
    ck_assert_double_eq_tol(batch_local_tokens(168e9), 2048.0 * 4096.0, 1.0);
    ck_assert_double_eq_tol(batch_local_tokens(503e9), 4096.0 * 4096.0, 1.0);
    ck_assert_double_eq(batch_local_tokens(4e12), 4096.0 * 4096.0);
    ck_assert_double_eq_tol(batch_local_tokens(84e9), 5.413e6, 1e3);
    ck_assert_double_eq_tol(batch_local_mean_tokens(503e9), 10.28e6, 1e4);
    ck_assert_double_eq_tol(batch_local_mean_tokens(1006e9), 13.53e6, 1e4);
    double sum = 0.0;
    for (int i = 0; i < 10000; i++) {
        sum += batch_local_tokens((i + 0.5) * 700e9 / 10000) / 10000;
    }
    ck_assert_double_eq_tol(batch_local_mean_tokens(700e9) / sum, 1.0, 1e-4);
    double whole = batch_critical_tokens(1.2e9, 503e9) / batch_local_mean_tokens(503e9);
    ck_assert_double_eq_tol(batch_critical_tokens(1.2e9, 503e9), 6.1e6, 5e4);
    ck_assert_double_gt(whole, 0.5);
    ck_assert_double_lt(whole, 2.0);
}
END_TEST

RUN_TESTS(batch_size, the_critical_batch_of_a_moment, five_models, no_critical_batch,
          measured_steps, forecasts, data_matter_more_than_size, noise_scale, kaplan_batch,
          chinchilla, tokens_to_loss, kaplan_laws, a_piece_of_a_run)
