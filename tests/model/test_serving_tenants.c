/* SPDX-License-Identifier: MIT
 * Several models on one cluster (sim/serving/replica/sharing.c): alone each is the plain service,
 * together they take turns or swap their weights, in times worked by hand. */
#include "run_tests.h"
#include "serving_play.h"

#include "models/laws/load_law.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"
#define TWO CPSIM_SOURCE_DIR "/tests/model/tenants_small.yaml"
#define HOST_RATE 54.7e9 /* of a dgx-h100's GPU */

enum { MOST_TENANTS = 3, MOST_REQUESTS = 8 };

/* What is left of a run of several. */
struct tenants_played {
    bool ok;
    struct serving_metrics each[MOST_TENANTS], all;
    double ttft[MOST_TENANTS][MOST_REQUESTS], e2e[MOST_TENANTS][MOST_REQUESTS];
    double page_bytes[MOST_TENANTS], cached_pages[MOST_TENANTS];
    uint64_t kv_pages[MOST_TENANTS], over_full;
};

static void keep_requests(const struct serving_run *run, size_t tenant,
                          struct tenants_played *played)
{
    for (uint32_t i = 0; i < run->requests.count && i < MOST_REQUESTS; i++) {
        const struct request *request = &run->requests.all[i];
        played->ttft[tenant][i] = request->first_token_seconds - request->arrival_seconds;
        played->e2e[tenant][i] = request->last_token_seconds - request->arrival_seconds;
    }
    const struct pool *pool = &run->fleet.pools[0];
    played->page_bytes[tenant] = pool->kv_page_bytes;
    played->kv_pages[tenant] = pool->kv_pages;
    for (uint32_t i = 0; i < run->fleet.server_count; i++) {
        const struct server *server = &run->fleet.servers[i];
        played->cached_pages[tenant] += (double)kv_cache_named(&server->view.kv);
        played->over_full += server->totals.most_pages > server->view.kv.pages;
    }
}

static struct tenants_played tenants_here(const char *path, const char *const *overrides)
{
    struct tenants_played played = {.ok = false};
    struct override texts[24];
    size_t count = 0;
    for (; overrides[count] != NULL; count++) {
        texts[count].text = overrides[count];
    }
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(arena, path, texts, count, diagnostics);
    size_t tenants = scenario == NULL ? 0 : scenario->tenant_count;
    struct serving_run *runs = ARENA_ARRAY(arena, struct serving_run, MOST_TENANTS), together;
    struct serving_options options[MOST_TENANTS] = {{.trace = NULL}};
    bool wrong_input = false;
    uint64_t events = 0;
    played.ok =
        tenants > 0 && tenants <= MOST_TENANTS &&
        serving_run_tenants(scenario, arena, options, runs, &events, &wrong_input, diagnostics);
    diagnostics_print(diagnostics, stderr);
    for (size_t i = 0; played.ok && i < tenants; i++) {
        serving_metrics(&runs[i], &played.each[i]);
        keep_requests(&runs[i], i, &played);
    }
    if (played.ok) {
        serving_metrics_together(scenario, runs, played.each, tenants, events, &together,
                                 &played.all);
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return played;
}

static struct tenants_played play_tenants(const char *path, const char *const *overrides)
{
    int result[2];
    ck_assert_int_eq(pipe(result), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct tenants_played played = tenants_here(path, overrides);
        const char *bytes = (const char *)&played;
        for (size_t done = 0; done < sizeof played;) { /* more than a pipe takes at once */
            ssize_t now = write(result[1], bytes + done, sizeof played - done);
            done = now > 0 ? done + (size_t)now : sizeof played;
        }
        _exit(0);
    }
    struct tenants_played played = {.ok = false};
    close(result[1]);
    char *bytes = (char *)&played;
    for (size_t done = 0; done < sizeof played;) {
        ssize_t now = read(result[0], bytes + done, sizeof played - done);
        done = now > 0 ? done + (size_t)now : sizeof played;
    }
    close(result[0]);
    waitpid(child, NULL, 0);
    ck_assert_msg(played.ok, "%s could not be played", path);
    return played;
}

/* A request of a tenant. */
struct sent {
    size_t tenant;
    double seconds;
    uint32_t output_tokens; /* after a prompt of 128 */
};
#define ANSWER 64

/* Each is a class of its own, of one burst of one; `sent` [count] in the order in which they come.
 * `more` as for --set. */
static struct tenants_played play_sent(const struct sent *sent, size_t count,
                                       const char *const *more)
{
    char classes[MOST_TENANTS][1400];
    size_t used[MOST_TENANTS] = {0}, place = 0;
    for (size_t i = 0; i < MOST_TENANTS; i++) {
        used[i] =
            (size_t)snprintf(classes[i], sizeof classes[i], "tenants.%zu.workload.classes=[", i);
    }
    for (size_t i = 0; i < count; i++) {
        char *text = classes[sent[i].tenant];
        size_t *at = &used[sent[i].tenant];
        *at += (size_t)snprintf(
            text + *at, sizeof classes[0] - *at,
            "%s{name: r%zu, requests: 1, arrivals: {kind: burst, size: 1, period: "
            "1e6 s, first: %.3f s}, lengths: {output: {kind: fixed, tokens: %u "
            "tokens}}}",
            text[*at - 1] == '[' ? "" : ", ", i, sent[i].seconds, sent[i].output_tokens);
    }
    const char *overrides[24];
    while (more[place] != NULL) {
        overrides[place] = more[place];
        place++;
    }
    for (size_t i = 0; i < MOST_TENANTS; i++) {
        if (classes[i][used[i] - 1] != '[') {
            snprintf(classes[i] + used[i], sizeof classes[i] - used[i], "]");
            overrides[place++] = classes[i];
        }
    }
    overrides[place] = NULL;
    return play_tenants(TWO, overrides);
}
#define SENT(rows) rows, sizeof rows / sizeof *rows

/* A request of 128 + 64 tokens alone. */
static struct played alone(const char *model)
{
    char text[64];
    snprintf(text, sizeof text, "model=%s", model);
    return play_serving(SMALL, (const char *const[]){text, "software=vllm", "workload.requests=1",
                                                     "workload.arrivals={kind: at-once}", NULL});
}

/* One request at a time, of either model by turns, Llama's weights there at first. Whoever comes
 * finds the other's: W_out bytes go, W_in come, over 54.7 GB/s each way; then it is as alone. */
START_TEST(models_by_turns)
{
    static const struct sent rows[] = {
        {0, 0.0, ANSWER}, {1, 10.0, ANSWER}, {0, 20.0, ANSWER}, {1, 30.0, ANSWER}};
    double llama = alone("llama3-8b").metrics.latencies[LATENCY_TTFT].mean;
    double qwen = alone("qwen3-8b").metrics.latencies[LATENCY_TTFT].mean;
    struct tenants_played both = play_sent(SENT(rows), (const char *const[]){"sharing=swap", NULL});
    double out = both.each[0].memory.weight_bytes, in = both.each[1].memory.weight_bytes;
    double swap = (out + in) / HOST_RATE;
    printf("a swap takes %.1f ms\n", 1e3 * swap);
    ck_assert_double_gt(swap, 0.5); /* 16.1 and 16.4 GB of bf16 */
    ck_assert_double_eq_tol(both.ttft[0][0], llama, 1e-9);
    ck_assert_double_eq_tol(both.ttft[1][0], swap + qwen, 1e-9);
    ck_assert_double_eq_tol(both.ttft[0][1], swap + llama, 1e-9);
    ck_assert_double_eq_tol(both.ttft[1][1], swap + qwen, 1e-9);
    ck_assert_uint_eq(both.each[0].weight_swaps, 1);
    ck_assert_uint_eq(both.each[1].weight_swaps, 2);
    ck_assert_double_eq_tol(both.all.weight_swap_seconds, swap, 1e-9);
    ck_assert_double_eq_tol(both.all.weight_swapped_bytes, 3.0 * (out + in), 1.0);
    /* The host has kept them: one way; and what a swap takes besides. */
    both = play_sent(SENT(rows), (const char *const[]){"sharing={policy: swap, offload: false, "
                                                       "switch: 0.25 s}",
                                                       NULL});
    ck_assert_double_eq_tol(both.ttft[1][0], 0.25 + in / HOST_RATE + qwen, 1e-9);
    ck_assert_double_eq_tol(both.ttft[0][1], 0.25 + out / HOST_RATE + llama, 1e-9);
}
END_TEST

/* Nobody goes before it has had nothing to do for 15 s: since its answer of E s was there (and the
 * engine saw that). */
START_TEST(idle_for_a_while)
{
    static const struct sent rows[] = {{0, 0.0, ANSWER}, {1, 10.0, ANSWER}};
    struct played llama = alone("llama3-8b");
    double qwen = alone("qwen3-8b").metrics.latencies[LATENCY_TTFT].mean;
    struct tenants_played both =
        play_sent(SENT(rows), (const char *const[]){"sharing={policy: swap, idle: 15 s}", NULL});
    double swap = (both.each[0].memory.weight_bytes + both.each[1].memory.weight_bytes) / HOST_RATE;

    ck_assert_double_eq_tol(both.ttft[1][0],
                            llama.metrics.latencies[LATENCY_E2E].mean + 5.0 + swap + qwen, 0.01);
}
END_TEST

/* Who comes while the weights do waits for them too, and is in their first batch: one step gives
 * both their first tokens. */
START_TEST(who_comes_meanwhile)
{
    static const struct sent rows[] = {{0, 0.0, ANSWER}, {1, 10.0, ANSWER}, {1, 10.3, ANSWER}};
    struct tenants_played both = play_sent(SENT(rows), (const char *const[]){"sharing=swap", NULL});
    ck_assert_double_eq_tol(both.ttft[1][0] - 0.3, both.ttft[1][1], 1e-9);
    ck_assert_uint_eq(both.all.weight_swaps, 1);
}
END_TEST

/* Llama has requests at all times: with `swap` Qwen's waits for the end of the last one. With
 * `swap-drain` the one that came after it waits, Qwen's begins once those that were there before
 * are answered, and Llama comes back when Qwen's is. */
START_TEST(drained_first)
{
    static const struct sent rows[] = {
        {0, 0.0, 400}, {1, 1.0, ANSWER}, {0, 2.0, 400}, {0, 4.0, 400}};
    struct tenants_played served =
        play_sent(SENT(rows), (const char *const[]){"sharing=swap", NULL});
    struct tenants_played drained =
        play_sent(SENT(rows), (const char *const[]){"sharing=swap-drain", NULL});
    double swap =
        (served.each[0].memory.weight_bytes + served.each[1].memory.weight_bytes) / HOST_RATE;
    double qwen = alone("qwen3-8b").metrics.latencies[LATENCY_TTFT].mean;
    double first = drained.e2e[0][0];
    ck_assert_double_gt(served.ttft[1][0], 4.0 - 1.0 + served.e2e[0][2] - 0.1); /* all of Llama's */
    ck_assert_double_gt(first, 2.0); /* the second comes during it, and is kept */
    ck_assert_double_eq_tol(drained.ttft[1][0], first - 1.0 + swap + qwen, 0.01);
    ck_assert_double_eq_tol(drained.ttft[0][1] + 2.0,
                            1.0 + drained.e2e[1][0] + swap + served.ttft[0][0], 0.01);
    ck_assert_uint_eq(drained.all.weight_swaps, 2);
    ck_assert_uint_eq(served.all.weight_swaps, 1);
}
END_TEST

/* Three models of 0.45 of a GPU's memory each: two are there, and the one that was used the longest
 * ago goes. Asked for in the order 1 2 3 2 1: the third puts out the first (0 s against 10 s), the
 * first the third (20 s against 30 s). Each swap is of one model against another. */
START_TEST(the_longest_unused_goes)
{
    static const char *const third =
        "tenants=[{name: a}, {name: b, model: qwen3-8b}, {name: c, model: mistral-7b}]";
    static const struct sent rows[] = {{0, 0.0, ANSWER},
                                       {1, 10.0, ANSWER},
                                       {2, 20.0, ANSWER},
                                       {1, 30.0, ANSWER},
                                       {0, 40.0, ANSWER}};
    struct tenants_played played = play_sent(
        SENT(rows), (const char *const[]){third, "sharing=swap", "memory.fraction=0.45", NULL});
    ck_assert_uint_eq(played.each[0].weight_swaps, 1);
    ck_assert_uint_eq(played.each[1].weight_swaps, 0);
    ck_assert_uint_eq(played.each[2].weight_swaps, 1);
    double a = played.each[0].memory.weight_bytes, c = played.each[2].memory.weight_bytes;
    ck_assert_double_eq_tol(played.each[2].weight_swap_seconds, (a + c) / HOST_RATE, 1e-9);
    ck_assert_double_eq_tol(played.each[0].weight_swap_seconds, (a + c) / HOST_RATE, 1e-9);
}
END_TEST

/* Prompts of a session are found in the prefix cache if that goes to the host and comes back: the
 * swap takes longer by its pages' bytes each time that they move. */
START_TEST(a_cache_that_is_kept)
{
    static const char *const sessions = "tenants.0.workload.sessions={turns: 8, think: 30 s}";
    const char *const more[] = {sessions,
                                "tenants.1.workload.requests=20",
                                "sharing=swap",
                                "tenants.0.workload.requests=20",
                                "workload.arrivals.rate=0.05 /s",
                                NULL};
    const char *const kept[] = {sessions,
                                "tenants.1.workload.requests=20",
                                "sharing={policy: swap, cache: host}",
                                "tenants.0.workload.requests=20",
                                "workload.arrivals.rate=0.05 /s",
                                NULL};
    struct tenants_played drop = play_tenants(TWO, more), host = play_tenants(TWO, kept);
    ck_assert_double_gt(host.each[0].hit_share, drop.each[0].hit_share + 0.1);
    double weights = host.each[0].memory.weight_bytes, swaps = (double)host.each[0].weight_swaps;
    ck_assert_double_gt(host.each[0].weight_swapped_bytes, 2.0 * weights * swaps);
    ck_assert_double_lt(host.each[0].weight_swapped_bytes,
                        2.0 * weights * (swaps + 1.0) +
                            2.0 * (swaps + 1.0) * host.cached_pages[0] * host.page_bytes[0]);
}
END_TEST

/* Both are there, without two steps in flight: one prompt each at 0 s, answers of n tokens. Llama's
 * prompt takes p, its k-th decode step a_k; Qwen's q and b_k. Turns go a step each: Llama's first
 * token comes after p, its last after p + q + sum a_k (k < n) + sum b_k (k < n - 1). */
START_TEST(steps_in_turns)
{
    static const struct sent rows[] = {{0, 0.0, ANSWER}, {1, 0.001, ANSWER}};
    struct tenants_played both =
        play_sent(SENT(rows), (const char *const[]){"sharing=resident", "memory.fraction=0.45",
                                                    "software.schedules_ahead=false", NULL});
    double ttft[2], tpot[2];
    static const char *const models[] = {"model=llama3-8b", "model=qwen3-8b"};
    for (size_t i = 0; i < 2; i++) {
        struct played one = play_serving(
            SMALL, (const char *const[]){models[i], "software=vllm", "workload.requests=1",
                                         "workload.arrivals={kind: at-once}",
                                         "software.schedules_ahead=false", NULL});
        ttft[i] = one.metrics.latencies[LATENCY_TTFT].mean;
        tpot[i] = one.metrics.latencies[LATENCY_TPOT].mean;
    }
    double n = 64.0;
    double turn_a = both.each[0].latencies[LATENCY_TPOT].mean;
    /* p of Llama lies in both first tokens; the way to the engine and back in each once. */
    double prompt_b = 0.001 + both.ttft[1][0] - both.ttft[0][0];
    ck_assert_double_eq_tol(both.ttft[0][0], ttft[0], 1e-9);
    ck_assert_double_lt(prompt_b, ttft[1]);
    double worked = (prompt_b + (n - 1.0) * tpot[0] + (n - 2.0) * tpot[1]) / (n - 1.0);
    printf("a turn of two takes %.3f ms, by hand %.3f ms\n", 1e3 * turn_a, 1e3 * worked);
    ck_assert_double_eq_tol(turn_a, worked, 2e-3 * worked);
}
END_TEST

/* Caches share the memory: half of what is left of a GPU for each, and no more is ever held. */
START_TEST(memory_is_shared)
{
    const char *const load[] = {"sharing=resident",
                                "memory.fraction=0.3",
                                "workload.arrivals.rate=20 /s",
                                "workload.requests=400",
                                "workload.lengths.output.tokens=2000 tokens",
                                NULL};
    struct tenants_played both = play_tenants(TWO, load);
    ck_assert_uint_eq(both.over_full, 0);
    for (size_t i = 0; i < 2; i++) {
        const struct memory_use *memory = &both.each[i].memory;
        double share = memory->weight_bytes + memory->kv_cache_bytes + memory->activation_bytes;
        ck_assert_double_eq_tol(share / 84.9e9, 0.3, 0.01);
        ck_assert_double_gt(both.each[i].kv_max_share, 0.95);
        ck_assert_uint_gt(both.each[i].preemptions, 0);
        ck_assert_uint_eq(both.each[i].completed, 400);
    }
}
END_TEST

static void assert_alike(const struct serving_metrics *a, const struct serving_metrics *b)
{
    ck_assert_uint_eq(a->measured, b->measured);
    ck_assert_uint_eq(a->steps, b->steps);
    for (int i = 0; i < LATENCY_COUNT; i++) {
        const struct latency_summary *left = &a->latencies[i], *right = &b->latencies[i];
        ck_assert_uint_eq(left->count, right->count);
        ck_assert_mem_eq(&left->mean, &right->mean, 6 * sizeof left->mean); /* to the largest */
    }
    ck_assert_mem_eq(&a->joules, &b->joules, sizeof a->joules);
    ck_assert_mem_eq(&a->goodput, &b->goodput, sizeof a->goodput);
    ck_assert_mem_eq(&a->end_seconds, &b->end_seconds, sizeof a->end_seconds);
}

/* One tenant is the plain service, whatever it may share; two with GPUs of their own are the two
 * plain services, the second with the seed after the first's. */
START_TEST(alone_as_ever)
{
    static const char *const load[] = {"workload.requests=1000", "workload.arrivals.rate=5 /s"};
    struct played plain = play_serving(
        SMALL, (const char *const[]){"software=vllm", load[0], load[1], "layout.data=2", NULL});
    static const char *const sharings[] = {"sharing=apart", "sharing=resident", "sharing=swap",
                                           "sharing=swap-drain"};
    for (size_t i = 0; i < 4; i++) {
        struct tenants_played one =
            play_tenants(TWO, (const char *const[]){"tenants=[{name: only}]", load[0], load[1],
                                                    "layout.data=2", sharings[i], NULL});
        assert_alike(&one.each[0], &plain.metrics);
        assert_alike(&one.all, &plain.metrics);
    }
    struct played second = play_serving(
        SMALL, (const char *const[]){"software=vllm", load[0], load[1], "layout.data=2",
                                     "model=qwen3-8b", "seed=1", NULL});
    struct tenants_played two =
        play_tenants(TWO, (const char *const[]){load[0], load[1], "layout.data=2", NULL});
    assert_alike(&two.each[0], &plain.metrics);
    assert_alike(&two.each[1], &second.metrics);
    ck_assert_uint_eq(two.all.measured, 2000);
    double busy = two.each[0].busy_share * two.each[0].end_seconds +
                  two.each[1].busy_share * two.each[1].end_seconds;
    ck_assert_double_eq_tol(two.all.busy_share, 0.5 * busy / two.all.end_seconds, 1e-9);
}
END_TEST

/* Requests alike one at a time, of two models alike (the same, twice), by Poisson: each takes S s,
 * and each before which the other model was served B s more. At a low load they are served nearly
 * in the order in which they come; each is of another model than the one before it half of the
 * time, independent of all else, so that what it takes is S or S + B: Pollaczek and Khinchine's
 * wait, rate E[G^2] / (2 (1 - rate E[G])). */
START_TEST(a_law_at_low_load)
{
    static const double rate = 0.2;
    const char *const load[] = {"tenants=[{name: a}, {name: b}]",   "sharing=swap-drain",
                                "workload.service.max_sequences=1", "workload.arrivals.rate=0.1 /s",
                                "workload.requests=10000",          NULL};
    struct tenants_played both = play_tenants(TWO, load);
    struct played one = alone("llama3-8b");
    double served = one.metrics.latencies[LATENCY_E2E].mean;
    double swap = 2.0 * both.each[0].memory.weight_bytes / HOST_RATE;
    double mean = served + 0.5 * swap;
    double squares = 0.5 * served * served + 0.5 * (served + swap) * (served + swap);
    double wait = load_wait_seconds(rate, mean, squares);
    double expected = wait + 0.5 * swap + served;
    double found = both.all.latencies[LATENCY_E2E].mean;
    printf("load %.2f: E2E %.1f ms, by the law %.1f ms (%+.1f %%)\n", rate * mean, 1e3 * found,
           1e3 * expected, 100.0 * (found / expected - 1.0));
    ck_assert_double_eq_tol(found, expected, 0.02 * expected);
}
END_TEST

/* At a high load a queue is served until it is empty, and the other is hardly ever empty then: two
 * queues in turn with exhaustive service, times S and B constant. The mean wait (Takagi, "Analysis
 * of Polling Systems", 1986, symmetric queues of rate r each) is
 * (N r S^2 + B (N - rho)) / (2 (1 - rho)), rho = N r S, N = 2. That server wanders while both are
 * empty; ours stays, and is a little faster. */
START_TEST(a_law_at_high_load)
{
    struct played one = alone("llama3-8b");
    double served = one.metrics.latencies[LATENCY_E2E].mean - 0.0048; /* the engine's front end */
    double each = 0.9 / (2.0 * served);
    char rate[64];
    snprintf(rate, sizeof rate, "workload.arrivals.rate=%.6f /s", each);
    struct tenants_played both =
        play_tenants(TWO, (const char *const[]){"tenants=[{name: a}, {name: b}]", "sharing=swap",
                                                "workload.service.max_sequences=1", rate,
                                                "workload.requests=60000", NULL});
    double swap = 2.0 * both.each[0].memory.weight_bytes / HOST_RATE;
    double rho = 2.0 * each * served;
    double wait = (2.0 * each * served * served + swap * (2.0 - rho)) / (2.0 * (1.0 - rho));
    double found = both.all.latencies[LATENCY_QUEUE].mean;
    printf("load %.2f: wait %.3f s, by the law %.3f s (%+.1f %%)\n", rho, found, wait,
           100.0 * (found / wait - 1.0));
    ck_assert_double_eq_tol(found, wait, 0.05 * wait);
}
END_TEST

/* Percentiles of all in order, and the largest of all the largest of one. */
static void check_together(const struct tenants_played *played, enum latency which)
{
    const struct latency_summary *all = &played->all.latencies[which];
    double most = 0.0;
    uint64_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        most = fmax(most, played->each[i].latencies[which].max);
        count += played->each[i].latencies[which].count;
    }
    ck_assert_uint_eq(all->count, count);
    ck_assert_double_eq(all->max, most);
    ck_assert(all->p50 <= all->p90 && all->p90 <= all->p99 && all->p99 <= all->max);
}

/* Three models, of which one or two are there at once: under every engine and policy all are
 * answered, whoever waits for whom. */
START_TEST(all_are_answered)
{
    static const char *const ways[][4] = {
        {"software=sglang", "sharing=swap", "memory.fraction=0.45",
         "workload.service.max_sequences=1"},
        {"software=sglang", "sharing=swap-drain", "memory.fraction=0.45",
         "workload.service.max_sequences=2"},
        {"software=vllm", "sharing={policy: swap, idle: 3 s}", "memory.fraction=0.45",
         "workload.service.max_sequences=1"},
        {"software=tensorrt-llm", "sharing={policy: swap-drain, stay: 2 s}", "memory.fraction=0.9",
         "layout.data=2"},
        {"software=vllm", "sharing={policy: swap-drain, cache: host}", "memory.fraction=0.45",
         "layout.data=3"},
        {"software=sglang", "sharing=resident", "memory.fraction=0.3", "layout.tensor=2"},
    };
    static const char *const loads[] = {"workload.arrivals={kind: gamma, rate: 2 /s, variation: 4}",
                                        "workload.arrivals={kind: closed-loop, clients: 4}"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (size_t j = 0; j < 2; j++) {
            struct tenants_played played = play_tenants(
                TWO, (const char *const[]){"tenants=[{name: a}, {name: b, model: qwen3-8b}, {name: "
                                           "c, model: mistral-7b}]",
                                           ways[i][0], ways[i][1], ways[i][2], ways[i][3], loads[j],
                                           "workload.requests=100", NULL});
            ck_assert_uint_eq(played.all.completed, 300);
            ck_assert_uint_eq(played.over_full, 0);
            for (int k = 0; k < LATENCY_COUNT; k++) {
                check_together(&played, (enum latency)k);
            }
        }
    }
}
END_TEST

/* How many of many models have something to do at once (Aegaeon, SOSP 2025: 46.55 of 100 at 0.037
 * requests a second each that take 16.79 s): a request's time T, nobody waits, so that a model has
 * none with exp(-rate T). A GPU each, the busy share says. */
START_TEST(models_that_are_active)
{
    struct tenants_played played = play_tenants(
        TWO, (const char *const[]){"model=qwen3-14b", "tenants=[{name: a}, {name: b}]",
                                   "workload.arrivals.rate=0.037 /s", "workload.requests=20000",
                                   "workload.lengths.output.tokens=1421 tokens", NULL});
    double seconds = played.all.latencies[LATENCY_E2E].mean;
    double law = 1.0 - exp(-0.037 * seconds), paper = 46.55;
    printf("%.2f s each: %.2f of 100 models active, by the law %.2f, in the paper %.2f\n", seconds,
           100.0 * played.all.busy_share, 100.0 * law, paper);
    ck_assert_double_eq_tol(seconds, 16.79, 0.2);
    ck_assert_double_eq_tol(played.all.busy_share, law, 0.02 * law);
    ck_assert_double_eq_tol(100.0 * played.all.busy_share, paper, 0.03 * paper);
}
END_TEST

/* docs/serving.md's table: shares within the targets to 2 points, mean times to 8 %. */
START_TEST(table)
{
    static const char *const ways[][4] = {
        {"sharing=apart", "layout.tensor=1", "precision=bf16", "memory.fraction=0.92"},
        {"sharing=resident", "layout.tensor=2", "precision=bf16", "memory.fraction=0.46"},
        {"sharing=swap", "layout.tensor=1", "precision=bf16", "memory.fraction=0.92"},
        {"sharing=resident", "layout.tensor=1", "precision=fp8", "memory.fraction=0.48"},
    };
    static const char *const rates[] = {
        "workload.arrivals.rate=0.001 /s", "workload.arrivals.rate=0.01 /s",
        "workload.arrivals.rate=0.1 /s", "workload.arrivals.rate=0.6 /s"};
    static const double good[4][4] = {{1.00, 1.00, 1.00, 0.98},
                                      {1.00, 0.99, 0.93, 0.52},
                                      {1.00, 0.96, 0.82, 0.46},
                                      {1.00, 1.00, 0.98, 0.65}};
    static const double e2e[4][4] = {{6.87, 7.00, 7.36, 8.47},
                                     {4.00, 4.25, 5.85, 61.8},
                                     {7.35, 8.04, 11.0, 36.8},
                                     {3.87, 4.07, 5.23, 15.4}};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct tenants_played played =
                play_tenants(CPSIM_SOURCE_DIR "/scenarios/serving-tenants.yaml",
                             (const char *const[]){ways[i][0], ways[i][1], ways[i][2], ways[i][3],
                                                   rates[j], NULL});
            double mean = played.all.latencies[LATENCY_E2E].mean;
            printf("%s %s: %.4f within, E2E %.2f s, $%.1f\n", ways[i][0], rates[j],
                   played.all.good_share, mean, played.all.dollars_per_million_tokens);
            ck_assert_double_eq_tol(played.all.good_share, good[i][j], 0.02);
            ck_assert_double_eq_tol(mean, e2e[i][j], 0.08 * e2e[i][j]);
        }
    }
}
END_TEST

RUN_TESTS(serving_tenants, models_by_turns, idle_for_a_while, who_comes_meanwhile, drained_first,
          the_longest_unused_goes, a_cache_that_is_kept, steps_in_turns, memory_is_shared,
          alone_as_ever, all_are_answered, models_that_are_active, table, a_law_at_low_load,
          a_law_at_high_load)
