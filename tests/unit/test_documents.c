/* SPDX-License-Identifier: MIT
 * Sequences packed with documents: what attention is left by hand, and that dealing them out evenly
 * does. Nothing else draws documents, so nothing else would see a share that is wrong. */
#include "models/training/training_step.h"
#include "sim/scenario/document_lengths.h"
#include "sim/scenario/documents.h"

#include "run_tests.h"

#include <math.h>

enum { BATCH = 64, REPLICAS = 16, STEPS = 50 };
static double work[BATCH], loads[REPLICAS];

static struct document_shares shares_of(double mean, double variation,
                                        enum document_packing packing)
{
    const struct documents documents = {
        .mean_tokens = mean, .variation = variation, .packing = packing};
    return document_shares(&documents, 1000, BATCH, REPLICAS, 7, STEPS, work, loads);
}

/* Documents of 250 tokens, all alike: four a sequence of 1,000, 4 x 250^2 = 1/4 of 1,000^2. Of 400:
 * they are cut where a sequence ends. 5 sequences have 400 400 200 | 200 400 400 | and so on, 2 x
 * 16 + 4 = 36 % each. Of 3,000 a sequence is a third of one: all. None: whole. */
START_TEST(alike)
{
    const struct {
        double mean, share;
    } cases[] = {{250.0, 0.25}, {400.0, 0.36}, {3000.0, 1.0}, {0.0, 1.0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct document_shares shares = shares_of(cases[i].mean, 0.0, PACKING_IN_ORDER);
        ck_assert_double_eq_tol(shares.mean, cases[i].share, 1e-9);
        ck_assert_double_eq_tol(shares.most, cases[i].share, 1e-9);
    }
}
END_TEST

/* The same documents either way. In order, the largest of 16 sums of four is a fifth above the mean
 * and more; dealt out, a third of that or less: a long document alone is more than a mean sum. */
START_TEST(dealt_out)
{
    struct document_shares order = shares_of(100.0, 2.0, PACKING_IN_ORDER);
    struct document_shares even = shares_of(100.0, 2.0, PACKING_BALANCED);
    ck_assert_double_eq_tol(order.mean, even.mean, 1e-12);
    ck_assert_double_gt(order.most, 1.2 * order.mean);
    ck_assert_double_lt(even.most - even.mean, (order.most - order.mean) / 3.0);
    ck_assert_double_ge(even.most, even.mean);
}
END_TEST

/* Of five documents three have 100 tokens, one 300, one 600: shares of their number, not of their
 * tokens, and a mean of 1,200 / 5. All of 250: as the distribution's. */
START_TEST(from_a_file)
{
    double tokens[] = {100.0, 300.0, 600.0}, up_to[] = {3.0, 4.0, 5.0};
    struct document_lengths lengths = {.tokens = tokens, .up_to = up_to, .count = 3};
    ck_assert_double_eq(document_length_at(&lengths, 1e-9), 100.0);
    ck_assert_double_eq(document_length_at(&lengths, 0.6), 100.0);
    ck_assert_double_eq(document_length_at(&lengths, 0.61), 300.0);
    ck_assert_double_eq(document_length_at(&lengths, 0.79), 300.0);
    ck_assert_double_eq(document_length_at(&lengths, 0.81), 600.0);
    ck_assert_double_eq(document_length_at(&lengths, 1.0 - 1e-9), 600.0);

    double one[] = {250.0}, of_one[] = {7.0};
    lengths = (struct document_lengths){.tokens = one, .up_to = of_one, .count = 1};
    const struct documents documents = {
        .mean_tokens = 250.0, .variation = 1.0, .lengths = &lengths};
    struct document_shares shares =
        document_shares(&documents, 1000, BATCH, REPLICAS, 7, STEPS, work, loads);
    ck_assert_double_eq_tol(shares.mean, 0.25, 1e-12);
    ck_assert_double_eq_tol(shares.most, 0.25, 1e-12);
}
END_TEST

RUN_TESTS(documents, alike, dealt_out, from_a_file)
