/* SPDX-License-Identifier: MIT
 * What clients of services write, as a server's real files have it: which of a file's figures is
 * which, in which unit, and when requests were sent. A client's inter-token latency that is a mean
 * of a request would pass for a gap everywhere else. */
#include "sim/clients/client_file.h"

#include "run_tests.h"
#include "unit/diagnosed.h"

#include <stdlib.h>

#define CLIENTS CPSIM_SOURCE_DIR "/tests/validation/clients/"

static struct arena *arena;
static struct diagnostics *diagnostics;
static struct client_file file;

static bool read_file(const char *path)
{
    arena = arena_create();
    diagnostics = diagnostics_create();
    return client_file_read(arena, path, &file, diagnostics);
}

static void done(void)
{
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

/* A file of that text, in the directory that tests run in. */
static bool read_text(const char *name, const char *text)
{
    FILE *stream = fopen(name, "w");
    ck_assert_ptr_nonnull(stream);
    fputs(text, stream);
    fclose(stream);
    bool read = read_file(name);
    remove(name);
    return read;
}

static void expect_said(const char *expected)
{
    char *said = diagnosed(diagnostics);
    ck_assert_str_eq(said, expected);
    free(said);
}

#define EXPECT_NEAR(value, expected) ck_assert_double_eq_tol((value), (expected), 1e-9)

START_TEST(reads_what_vllm_bench_saves)
{
    ck_assert(read_file(CLIENTS "vllm_bench_serve.json"));
    const struct client_case *one = &file.cases[0];
    ck_assert_str_eq(file.format, "vllm-bench");
    ck_assert_uint_eq(one->count, 24);
    ck_assert(!one->closed); /* a rate of 4, no limit of concurrency */
    /* start_times[1] - start_times[0] = 4180.743398153 - 4180.480248816 */
    EXPECT_NEAR(one->requests[1].sent_seconds, 0.263149337);
    ck_assert_uint_eq(one->requests[0].prompt_tokens, 270);
    ck_assert_uint_eq(one->requests[0].output_tokens, 29);
    EXPECT_NEAR(one->requests[0].ttft_seconds, 2.252935396999419);
    /* and the sum of its gaps, 0.2787464020002517 */
    EXPECT_NEAR(one->requests[0].e2e_seconds, 2.531681798999671);
    /* Its own p99 of the gaps, 232.98 ms; nearest rank of all of them is close by. */
    ck_assert_double_eq_tol(one->figures.seconds[CLIENT_ITL][CLIENT_P99], 0.232, 0.002);
    /* mean_ttft_ms and mean_tpot_ms are means in either way. */
    EXPECT_NEAR(one->figures.seconds[CLIENT_TTFT][CLIENT_MEAN], 0.6197962491249882);
    ck_assert_double_eq_tol(one->figures.seconds[CLIENT_TPOT][CLIENT_MEAN], 4.27075046e-3, 1e-8);
    done();
}
END_TEST

START_TEST(reads_aiperfs_requests)
{
    ck_assert(read_file(CLIENTS "aiperf_profile_export.jsonl"));
    const struct client_case *one = &file.cases[0];
    ck_assert_uint_eq(one->count, 6);
    /* request_start_ns of the second less the first's: 0.464752372 s, of a clock of 1.8e18 ns,
     * whose double holds a quarter of a microsecond */
    ck_assert_double_eq_tol(one->requests[1].sent_seconds, 0.464752372, 1e-6);
    EXPECT_NEAR(one->requests[0].ttft_seconds, 0.044366146);
    EXPECT_NEAR(one->requests[0].e2e_seconds, 0.136288017);
    ck_assert_uint_eq(one->requests[0].output_tokens, 32); /* the server's count; its own is 45 */
    /* 31 gaps of the first request, 30 of them 0 and one of 91.9 ms */
    double most = 0.0;
    for (size_t i = 0; i < one->gap_count; i++) {
        most = one->gaps[i] > most ? one->gaps[i] : most;
    }
    EXPECT_NEAR(most, 0.091921871);
    done();
}
END_TEST

START_TEST(reads_aiperfs_figures)
{
    static const char *const files[] = {CLIENTS "aiperf_summary.json",
                                        CLIENTS "aiperf_summary.csv"};
    for (size_t i = 0; i < 2; i++) {
        ck_assert(read_file(files[i]));
        const struct client_figures *figures = &file.cases[0].figures;
        ck_assert_uint_eq(file.cases[0].count, 0);
        ck_assert_double_eq_tol(figures->seconds[CLIENT_TTFT][CLIENT_P50], 0.09274, 1e-5);
        ck_assert_double_eq_tol(figures->seconds[CLIENT_E2E][CLIENT_P99], 0.27738, 1e-5);
        /* inter_token_latency is a mean of each request: TPOT; inter_chunk_latency is the gap */
        ck_assert_double_eq_tol(figures->seconds[CLIENT_TPOT][CLIENT_MEAN], 0.000477, 4e-6);
        ck_assert_double_eq_tol(figures->seconds[CLIENT_ITL][CLIENT_MEAN], 0.000656, 5e-6);
        done();
    }
}
END_TEST

START_TEST(reads_guidellms_requests)
{
    ck_assert(read_file(CLIENTS "guidellm.json"));
    const struct client_case *one = &file.cases[0];
    ck_assert_uint_eq(one->count, 2);
    ck_assert_uint_eq(one->failed, 1);
    ck_assert(!one->closed);                           /* strategy constant, 3 a second */
    EXPECT_NEAR(one->requests[1].ttft_seconds, 0.041); /* time_to_first_token_ms */
    EXPECT_NEAR(one->requests[1].e2e_seconds, 0.36);   /* request_latency, in seconds */
    /* (0.35 - 0.04) / 31 = 10 ms, its inter_token_latency_ms; not the 10.9 of time_per_output_token
     */
    EXPECT_NEAR(one->figures.seconds[CLIENT_TPOT][CLIENT_P50], 0.01);
    done();
}
END_TEST

START_TEST(reads_cases_of_a_table)
{
    ck_assert(read_text(
        "t.csv", "case,due_s,prompt_tokens,output_tokens,sent_s,ttft_s,e2e_s,chunks,itl_p50_s\n"
                 "loop,,10,3,5.0,0.5,1.5,3,0.25\n"
                 "loop,,10,2,5.1,0.5,1.0,2,0.75\n"
                 "loop,,10,1,6.2,0.5,0.5,1,0\n"
                 "open,0.1,20,1,0.1,0.5,0.5,1,0\n"));
    ck_assert_uint_eq(file.case_count, 2);
    const struct client_case *loop = &file.cases[0];
    ck_assert(loop->closed && !file.cases[1].closed);
    /* The second is sent at 5.1, before the first ends at 6.5; the third at 6.2, as the second
     * ended at 6.1: two at once. */
    ck_assert_uint_eq(loop->clients, 2);
    EXPECT_NEAR(loop->requests[1].sent_seconds, 0.1);
    /* (1.5 - 0.5) / 2 = 0.5 and (1.0 - 0.5) / 1 = 0.5; the third has no second token */
    EXPECT_NEAR(loop->figures.seconds[CLIENT_TPOT][CLIENT_MEAN], 0.5);
    /* Medians of two gaps (0.25) and of one (0.75): of three gaps the second is 0.25. */
    EXPECT_NEAR(loop->figures.seconds[CLIENT_ITL][CLIENT_P50], 0.25);
    /* From 5.0 to 6.7: 6 tokens in 1.7 s */
    EXPECT_NEAR(loop->figures.output_tokens_per_second, 6.0 / 1.7);
    done();
}
END_TEST

START_TEST(says_what_is_wrong)
{
    ck_assert(!read_text("t.csv", "prompt_tokens,output_tokens,sent_s,ttft_s,e2e_s\n10,0,1,x,2\n"));
    expect_said("t.csv:2:4: error: output_tokens: '0' is no number from 1 to 1e+09\n"
                "t.csv:2:8: error: ttft_s: 'x' is no number from 0 to 1e+08\n2 errors\n");
    done();
    ck_assert(!read_text("t.json", "{\"benchmarks\": [{\"requests\": {\"successful\": [],\n"
                                   "\"errored\": [{}, {}]}}]}"));
    expect_said("t.json: error: no request was answered (2 failed): there is nothing to compare\n"
                "1 error\n");
    done();
    ck_assert(!read_text("t.json",
                         "{\"ttfts\": [0.1, 0.2], \"itls\": [[]], \"input_lens\": [1, 2],\n"
                         " \"output_lens\": [1, 1]}"));
    expect_said(
        "t.json:1:31: error: itls: expected a list with an item for each of the 2 requests\n"
        "1 error\n");
    done();
    ck_assert(!read_text("t.txt", "# HELP vllm:num_requests_running Running.\n# TYPE a gauge\n"));
    expect_said("t.txt: error: an engine's metrics are sums over all its requests, and no request "
                "is in them: give what a client wrote (vllm bench serve --save-result "
                "--save-detailed, aiperf, guidellm)\n1 error\n");
    done();
    ck_assert(!read_text("t.json", "{\"a\": 1,}"));
    expect_said("t.json:1:9: error: expected another item behind ','\n1 error\n");
    done();
    ck_assert(!read_text("t.json", "{\"a\": 1}"));
    ck_assert_uint_eq(diagnostics_error_count(diagnostics), 1);
    done();
}
END_TEST

RUN_TESTS(client_file, reads_what_vllm_bench_saves, reads_aiperfs_requests, reads_aiperfs_figures,
          reads_guidellms_requests, reads_cases_of_a_table, says_what_is_wrong)
