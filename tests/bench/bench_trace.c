/* SPDX-License-Identifier: MIT
 * bench_trace FILE [REQUESTS STEPS]: how long the trace of a long service takes to write, and in
 * how much memory. The rows look like a service's: times that grow, few replicas, lengths that
 * vary. */
#include "sim/trace/trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Numbers that look like chance and are the same in every run (a linear congruence, Numerical
 * Recipes 7.1); between 0 and 1. */
static double next_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) * 0x1p-53;
}

static void add_steps(struct trace *trace, uint64_t count)
{
    uint64_t state = 1;
    double clock_seconds[8] = {0};
    for (uint64_t i = 0; i < count; i++) {
        uint32_t replica = (uint32_t)(i % 8);
        double seconds = 0.01 + 0.02 * next_number(&state);
        uint32_t decodes = (uint32_t)(256.0 * next_number(&state));
        bool prompts = i % 16 == 0;
        trace_add_step(trace, &(struct trace_step){
                                  .replica = replica,
                                  .start_seconds = clock_seconds[replica],
                                  .duration_seconds = seconds,
                                  .steps = 1,
                                  .decodes = decodes,
                                  .prompts = prompts,
                                  .decode_context_tokens = 1500.0 + 500.0 * next_number(&state),
                                  .prompt_tokens = prompts ? 2048 - decodes : 0,
                                  .waiting = (uint32_t)(i / 100 % 50),
                                  .kv_tokens = UINT64_C(1600) * decodes,
                                  .watts = 500.0,
                              });
        clock_seconds[replica] += seconds;
    }
}

static void add_requests(struct trace *trace, uint64_t count)
{
    uint64_t state = 2;
    for (uint64_t i = 0; i < count; i++) {
        double arrival = 0.03 * ((double)i + next_number(&state));
        double scheduled = arrival + 0.1 * next_number(&state);
        double first = scheduled + 0.2 * next_number(&state);
        uint64_t output = 1 + (uint64_t)(500.0 * next_number(&state));
        trace_add_request(trace, &(struct trace_request){
                                     .outcome = TRACE_DONE,
                                     .of_class = "",
                                     .replica = (uint32_t)(i % 8),
                                     .prompt_tokens = 1 + (uint64_t)(4000.0 * next_number(&state)),
                                     .output_tokens = output,
                                     .arrival_seconds = arrival,
                                     .scheduled_seconds = scheduled,
                                     .first_token_seconds = first,
                                     .last_token_seconds = first + 0.02 * (double)output,
                                 });
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 4) {
        fputs("usage: bench_trace FILE [REQUESTS STEPS]\n", stderr);
        return 2;
    }
    uint64_t requests = argc == 4 ? strtoull(argv[2], NULL, 10) : 1000000;
    uint64_t steps = argc == 4 ? strtoull(argv[3], NULL, 10) : 10000000;
    struct diagnostics *diagnostics = diagnostics_create();
    double start = wall_seconds();
    struct trace *trace = trace_open(
        argv[1], &(struct trace_attributes){.simgrid_version = "", .scenario = "schema: 1\n"},
        diagnostics);
    bool written = trace != NULL;
    if (written) {
        add_steps(trace, steps);
        add_requests(trace, requests);
        written = trace_close(trace);
    }
    double seconds = wall_seconds() - start;
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    struct rusage usage;
    struct stat status;
    if (!written || getrusage(RUSAGE_SELF, &usage) != 0 || stat(argv[1], &status) != 0) {
        return 1;
    }
    printf("%" PRIu64 " requests and %" PRIu64 " steps: %.2f s, of which the program's own thread "
           "and the writer's took %.2f s of CPU; %.0f MB on disk, %.0f MB resident\n",
           requests, steps, seconds,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
           (double)status.st_size / 1e6, (double)usage.ru_maxrss * 1024.0 / 1e6);
    return 0;
}
