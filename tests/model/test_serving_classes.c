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
    write_table(path, "arrival_seconds,prompt_tokens,class,output_tokens\n"
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

#define ONE_SEAT "workload.service.max_sequences=1"

/* One seat, and who is more important goes first, without taking it from anybody: Cobham's M/G/1.
 * With loads r and rates l of the two classes, R = (l1 + l2) E[S^2] / 2 is what is left of who is
 * served, W1 = R / (1 - r1), W2 = R / ((1 - r1) (1 - r1 - r2)). E[S] and E[S^2] are the run's. */
START_TEST(priorities_are_cobham_s)
{
    struct played played = play_serving(
        SMALL,
        (const char *const[]){
            ONE_SEAT, "workload.service.priorities=true", "workload.arrivals.rate=1.6 /s",
            "workload.requests=30000", "workload.lengths.output={kind: exponential, mean: 60}",
            "workload.classes=[{name: first}, {name: second, priority: 1}]", NULL});
    double rate = 1.6, load = rate * played.served_mean, half = 0.5 * load;
    double left = 0.5 * rate * played.served_square_mean;
    double first = left / (1.0 - half), second = first / (1.0 - load);
    double found[2];
    for (size_t i = 0; i < 2; i++) {
        found[i] = played.classes[i].latencies[LATENCY_QUEUE].mean;
    }
    printf("load %.3f: waits %.3f s and %.3f s, Cobham %.3f s and %.3f s\n", load, found[0],
           found[1], first, second);
    ck_assert_double_gt(load, 0.5);
    ck_assert_double_eq_tol(found[0] / first, 1.0, 0.06);
    ck_assert_double_eq_tol(found[1] / second, 1.0, 0.12);
}
END_TEST

/* Three come while one is served, each some 0.42 s: without priorities they go as they came, with
 * them the last goes first. SGLang's one who is more important by more than 10 takes the seat. */
START_TEST(priorities_in_order)
{
    char path[] = "/tmp/cpsim-classes-XXXXXX", arrivals[128];
    write_table(path, "arrival_seconds,prompt_tokens,output_tokens,class\n0,128,64,low\n"
                      "0.01,128,64,low\n0.02,128,64,high\n");
    snprintf(arrivals, sizeof arrivals, "workload.arrivals={kind: trace, file: %s}", path);
    static const char *const softwares[] = {"software=vllm", "software=sglang", "software=sglang"};
    static const char *const classes[] = {
        "workload.classes=[{name: low, priority: 5}, {name: high}]",
        "workload.classes=[{name: low, priority: 5}, {name: high}]",
        "workload.classes=[{name: low, priority: 50}, {name: high}]"};
    for (size_t i = 0; i < 3; i++) {
        struct played played =
            play_serving(SMALL, (const char *const[]){softwares[i], ONE_SEAT, arrivals, classes[i],
                                                      "workload.service.priorities=true", NULL});
        double served = played.classes[1].latencies[LATENCY_E2E].mean -
                        played.classes[1].latencies[LATENCY_QUEUE].mean;
        double waited = played.classes[1].latencies[LATENCY_QUEUE].mean;
        double last = played.classes[0].latencies[LATENCY_E2E].max;
        ck_assert_double_eq_tol(last, 3.0 * served, 0.15 * served);
        if (i < 2) {
            ck_assert_double_eq_tol(waited, served, 0.1 * served);
            ck_assert_uint_eq(played.metrics.preemptions, 0);
        } else {
            ck_assert_double_lt(waited, 0.1 * served);
            ck_assert_uint_eq(played.metrics.preemptions, 1);
        }
    }
    remove(path);
}
END_TEST

/* One seat, everybody takes S, and they come four times as fast. Whose turn it is not X after it
 * came is refused: by hand, who comes at t is served from max(t, free) on if that is before t + X.
 */
START_TEST(waiting_has_a_limit)
{
    const char *overrides[] = {ONE_SEAT,
                               "workload.arrivals={kind: constant, rate: 1 /s}",
                               "software={use: vllm, schedules_ahead: false}",
                               "workload.requests=1",
                               NULL,
                               NULL};
    struct played one = play_serving(SMALL, overrides);
    double served = one.metrics.latencies[LATENCY_E2E].mean, free = 0.0, limit = 2.5 * served;
    char rate[64], wait[64];
    snprintf(rate, sizeof rate, "workload.arrivals={kind: constant, rate: %.9f /s}", 4.0 / served);
    snprintf(wait, sizeof wait, "workload.service.max_wait=%.9f s", limit);
    overrides[1] = rate;
    overrides[3] = "workload.requests=200";
    overrides[4] = wait;
    uint64_t refused = 0;
    for (int i = 0; i < 200; i++) {
        double came = i * served / 4.0, begin = fmax(came, free);
        bool late = begin > came + limit;
        refused += late;
        free = late ? free : begin + served;
    }
    struct played played = play_serving(SMALL, overrides);
    ck_assert_uint_gt(refused, 100);
    /* A step's launch and the way in are not the seat's: an end may fall on either side. */
    ck_assert_double_eq_tol((double)played.metrics.refused, (double)refused, 2.0);
    ck_assert_uint_eq(played.metrics.refused + played.metrics.completed, 200);
    ck_assert_double_le(played.metrics.latencies[LATENCY_QUEUE].max, limit + 1e-6);
    ck_assert_uint_eq(played.free_pages, played.kv_pages);
}
END_TEST

/* M/M/1 with room for K: of those who come (1 - r) r^K / (1 - r^(K + 1)) find it full. One seat and
 * two who wait: K = 3. */
START_TEST(queues_have_a_limit)
{
    struct played played = play_serving(
        SMALL,
        (const char *const[]){ONE_SEAT, "workload.service.max_waiting=2",
                              "workload.arrivals.rate=2 /s", "workload.requests=20000",
                              "workload.lengths.prompt={kind: fixed, tokens: 1 tokens}",
                              "workload.lengths.output={kind: exponential, mean: 64}", NULL});
    double load = 2.0 * played.served_mean;
    double full = (1.0 - load) * pow(load, 3.0) / (1.0 - pow(load, 4.0));
    double found = (double)played.metrics.refused / 20000.0;
    printf("load %.3f: %.4f refused, M/M/1/3 %.4f\n", load, found, full);
    ck_assert_double_eq_tol(found / full, 1.0, 0.05);
}
END_TEST

/* A client that waits for half of its answer's time gets about half of the tokens, for nobody; the
 * next one begins at once. Whose first token is late is given up before it has any. */
START_TEST(clients_give_up)
{
    const char *overrides[] = {ONE_SEAT,
                               "workload.arrivals={kind: constant, rate: 0.1 /s}",
                               "workload.lengths.output.tokens=1000 tokens",
                               "workload.requests=10",
                               NULL,
                               NULL};
    struct played whole = play_serving(SMALL, overrides);
    double e2e = whole.metrics.latencies[LATENCY_E2E].mean;
    double tpot = whole.metrics.latencies[LATENCY_TPOT].mean;
    char timeout[64];
    snprintf(timeout, sizeof timeout, "workload.timeout=%.9f s", 0.5 * e2e);
    overrides[4] = timeout;
    static const char *const softwares[] = {"software=vllm", "software=sglang"};
    for (size_t i = 0; i < 2; i++) {
        struct played played =
            play_serving(SMALL, (const char *const[]){softwares[i], overrides[0], overrides[1],
                                                      overrides[2], overrides[3], timeout, NULL});
        ck_assert_uint_eq(played.metrics.timed_out, 10);
        ck_assert_uint_eq(played.metrics.completed, 0);
        ck_assert_double_eq_tol((double)played.metrics.wasted_tokens / 10.0, 500.0, 15.0);
        ck_assert_uint_eq(played.free_pages, played.kv_pages);
        ck_assert_double_eq_tol(played.end_seconds, 90.0 + 0.5 * e2e, 3.0 * tpot);
    }
    /* Prompts of 125 parts, two at once, whose clients go while the first's is half done: both are
     * given up, and nobody is left behind. */
    static const char *const half_done[] = {
        "software=sglang",
        "workload.arrivals={kind: at-once}",
        "workload.requests=2",
        "workload.lengths.prompt={kind: fixed, tokens: 8000 tokens}",
        "workload.service.max_batched_tokens=64 tokens",
        "workload.timeout=500 ms",
        NULL};
    struct played parts = play_serving(SMALL, half_done);
    ck_assert_uint_eq(parts.metrics.timed_out, 2);
    ck_assert_uint_eq(parts.free_pages, parts.kv_pages);
    overrides[1] = "workload.arrivals={kind: burst, size: 5, period: 1000 s}";
    overrides[4] = "workload.timeout={first_token: 2 s}"; /* the first's answer takes 6 s */
    struct played late = play_serving(SMALL, overrides);
    ck_assert_uint_eq(late.metrics.completed, 2);
    ck_assert_uint_eq(late.metrics.timed_out, 8);
    ck_assert_uint_eq(late.metrics.wasted_tokens, 0);
}
END_TEST

/* Exponential in time, as long as the answer takes on average: P(given up) = 1 - exp(-E2E / mean),
 * of half of the requests. Nothing is lost, however they leave: queues, prompts, steps in flight.
 */
START_TEST(clients_close_connections)
{
    static const char *const policies[] = {"vllm", "sglang", "prefill-first", "static"};
    for (size_t i = 0; i < 4; i++) {
        char policy[64];
        snprintf(policy, sizeof policy, "workload.service.policy=%s", policies[i]);
        struct played played = play_serving(
            SMALL,
            (const char *const[]){i == 1 ? "software=sglang" : "software=vllm", policy,
                                  "workload.arrivals.rate=40 /s", "workload.requests=2000",
                                  "memory.fraction=0.25", "software.memory.non_torch=0.27 GiB",
                                  "workload.cancel={share: 0.5, after: 1 s}", "layout.data=2",
                                  "workload.random_faults={mean_between: 8 s, repair: 1 s}", NULL});
        const struct serving_metrics *all = &played.metrics;
        ck_assert_uint_gt(all->cancelled, 100);
        ck_assert_uint_lt(all->cancelled, 1000);
        ck_assert_uint_eq(all->cancelled + all->completed + all->rejected, 2000);
        ck_assert_uint_eq(played.free_pages, 2 * played.kv_pages);
        ck_assert_uint_eq(played.over_full, 0);
    }
    struct played alone = play_serving(
        SMALL, (const char *const[]){"workload.arrivals={kind: constant, rate: 1 /s}",
                                     "workload.requests=4000",
                                     "workload.cancel={share: 0.5, after: 400 ms}", NULL});
    double e2e = alone.metrics.latencies[LATENCY_E2E].mean;
    double expected = 0.5 * (1.0 - exp(-e2e / 0.4));
    ck_assert_double_eq_tol((double)alone.metrics.cancelled / 4000.0, expected, 0.03);
}
END_TEST

RUN_TESTS(serving_classes, one_class_is_none, shares_and_sums, arrivals_of_their_own,
          system_prompts_are_found, files_name_classes, a_preview_knows_classes,
          priorities_are_cobham_s, priorities_in_order, waiting_has_a_limit, queues_have_a_limit,
          clients_give_up, clients_close_connections)
