/* SPDX-License-Identifier: MIT
 * Classes of requests in one service: what they are made of, and what is theirs of its figures. */
#include "run_tests.h"
#include "serving_play.h"

#include <math.h>
#include <string.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"

static double p99(const struct serving_metrics *metrics)
{
    return metrics->latencies[LATENCY_TTFT].p99;
}

/* A service without classes is one class: the same requests, the same figures. */
START_TEST(one_class_is_none)
{
    static const char *const keys[] = {
        "workload.arrivals={kind: gamma, rate: 9 /s, variation: 2}", "workload.requests=500",
        "workload.lengths.prompt={kind: lognormal, mean: 300, "
        "variation: 1}",
        "workload.sessions={turns: 2, think: 1 s}", "workload.slo={ttft: 60 ms}"};
    struct played none = play_serving(
        SMALL, (const char *const[]){keys[0], keys[1], keys[2], keys[3], keys[4], NULL});
    struct played one =
        play_serving(SMALL, (const char *const[]){keys[0], keys[1], keys[2], keys[3], keys[4],
                                                  "workload.classes=[{name: all}]", NULL});
    ck_assert_double_eq(one.end_seconds, none.end_seconds);
    ck_assert_double_eq(p99(&one.metrics), p99(&none.metrics));
    ck_assert_uint_eq(one.answers, none.answers);
    ck_assert_double_eq(p99(&one.classes[0]), p99(&none.metrics));
    ck_assert_double_eq(one.classes[0].good_share, none.metrics.good_share);
    ck_assert_double_eq(one.classes[0].goodput, none.metrics.goodput);
    ck_assert_double_eq(one.classes[0].hit_share, none.metrics.hit_share);
    ck_assert_uint_eq(one.classes[0].requests, 500);
}
END_TEST

/* 20,000 requests, two thirds (share 4 of 6) and a third: 13,333 with a deviation of 67; four of
 * those are 266. Each has its own lengths, and sums over classes are the service's. */
START_TEST(shares_and_sums)
{
    struct played played = play_serving(
        SMALL, (const char *const[]){
                   "workload.arrivals.rate=50 /s",
                   "workload.classes=[{name: long, share: 4}, {name: short, share: 2, lengths: "
                   "{output: {kind: fixed, tokens: 10 tokens}}}]",
                   NULL});
    const struct serving_metrics *all = &played.metrics, *a = &played.classes[0],
                                 *b = &played.classes[1];
    ck_assert_uint_eq(played.metrics.class_count, 2);
    ck_assert_double_eq_tol((double)a->requests, 20000.0 * 4.0 / 6.0, 266.0);
    ck_assert_uint_eq(a->requests + b->requests, 20000);
    ck_assert_uint_eq(a->output_tokens, 64 * a->requests);
    ck_assert_uint_eq(b->output_tokens, 10 * b->requests);
    ck_assert_uint_eq(a->input_tokens, 128 * a->requests);
    ck_assert_double_eq_tol(a->output_tokens_per_second + b->output_tokens_per_second,
                            all->output_tokens_per_second, 1e-6);
    ck_assert_double_eq_tol(a->requests_per_second + b->requests_per_second,
                            all->requests_per_second, 1e-9);
    ck_assert_double_gt(a->latencies[LATENCY_E2E].p50, 3.0 * b->latencies[LATENCY_E2E].p50);
}
END_TEST

/* Their own arrivals are merged by time: in the first 30 requests of 10 and 5 a second, from 0 on,
 * are 0, 0.1 ... 1.9 and 0, 0.2 ... 1.8: 20 and 10. A class with a number of its own stops there.
 */
START_TEST(arrivals_of_their_own)
{
    struct played played = play_serving(
        SMALL, (const char *const[]){"workload={kind: serving, requests: 30, lengths: {prompt: "
                                     "{kind: fixed, tokens: 128 tokens}, output: {kind: fixed, "
                                     "tokens: 4 tokens}}, classes: [{name: a, arrivals: {kind: "
                                     "constant, rate: 10 /s}}, {name: b, arrivals: {kind: "
                                     "constant, rate: 5 /s}}]}",
                                     NULL});
    ck_assert_uint_eq(played.classes[0].requests, 20);
    ck_assert_uint_eq(played.classes[1].requests, 10);
    struct played limited = play_serving(
        SMALL, (const char *const[]){"workload={kind: serving, requests: 30, lengths: {prompt: "
                                     "{kind: fixed, tokens: 128 tokens}, output: {kind: fixed, "
                                     "tokens: 4 tokens}}, classes: [{name: a, arrivals: {kind: "
                                     "constant, rate: 10 /s}}, {name: b, requests: 3, arrivals: "
                                     "{kind: closed-loop, clients: 2}}]}",
                                     NULL});
    ck_assert_uint_eq(limited.classes[0].requests, 27);
    ck_assert_uint_eq(limited.classes[1].requests, 3);
}
END_TEST

/* One at a time, 128 new tokens behind a system prompt of 1000: the first computes all, of the
 * others' prompts 62 whole blocks of 16, 992 tokens, are found. Two classes have a text each. */
static void expect_hits(const char *policy, const char *block, double each)
{
    struct played played = play_serving(
        SMALL,
        (const char *const[]){policy, block, "workload.arrivals={kind: constant, rate: 1 /s}",
                              "workload.requests=21", "workload.system_prompt=1000 tokens",
                              "workload.classes=[{name: a, arrivals: {kind: constant, rate: "
                              "0.5 /s}}, {name: b}]",
                              NULL});
    for (size_t i = 0; i < 2; i++) {
        double count = (double)played.classes[i].requests;
        ck_assert_double_eq_tol(played.classes[i].hit_share * count * 1128.0, (count - 1.0) * each,
                                1e-6);
    }
    ck_assert_uint_eq(played.classes[0].requests, 7);
}

START_TEST(system_prompts_are_found)
{
    expect_hits("workload.service.policy=vllm", "workload.service.block=16 tokens", 992.0);
    expect_hits("software=sglang", "workload.service.block=1 tokens", 1000.0);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* A file's own column says whose a request is; one without it is drawn by the shares. */
START_TEST(files_name_classes)
{
    char path[] = "/tmp/cpsim-classes-XXXXXX", arrivals[128];
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    write_file(path, "arrival_seconds,prompt_tokens,class,output_tokens\n"
                     "0,100,chat,10\n0.1,200,batch,20\n0.2,300,batch,30\n");
    snprintf(arrivals, sizeof arrivals, "workload.arrivals={kind: trace, file: %s}", path);
    struct played played = play_serving(
        SMALL,
        (const char *const[]){arrivals, "workload.classes=[{name: chat}, {name: batch}]", NULL});
    ck_assert_uint_eq(played.classes[0].input_tokens, 100);
    ck_assert_uint_eq(played.classes[1].input_tokens, 500);
    ck_assert_uint_eq(played.classes[1].output_tokens, 50);
    write_file(path, "arrival_seconds,prompt_tokens,output_tokens\n0,100,10\n0.1,200,20\n");
    played = play_serving(
        SMALL, (const char *const[]){
                   arrivals,
                   "workload.classes=[{name: all, share: 1e9}, {name: none, share: 1e-9}]", NULL});
    ck_assert_uint_eq(played.classes[0].requests, 2);
    remove(path);
}
END_TEST

/* A preview, by which a plan bounds a service, meets the same requests as the run. */
START_TEST(a_preview_knows_classes)
{
    struct played played = play_serving(
        SMALL,
        (const char *const[]){"workload.requests=300", "workload.system_prompt=50 tokens",
                              "workload.classes=[{name: a, share: 2}, {name: b, lengths: {output: "
                              "{kind: exponential, mean: 40}}}, {name: c, arrivals: {kind: gamma, "
                              "rate: 2 /s, variation: 2}}]",
                              NULL});
    ck_assert_uint_eq(played.unforeseen, 0);
    ck_assert_uint_gt(played.classes[2].requests, 50);
}
END_TEST

RUN_TESTS(serving_classes, one_class_is_none, shares_and_sums, arrivals_of_their_own,
          system_prompts_are_found, files_name_classes, a_preview_knows_classes)
