/* SPDX-License-Identifier: MIT
 * bench_experts: what pricing a decode step of DeepSeek-V3 on 32 H100 (EP32) costs: the program
 * built and priced anew, and one that is remembered. CPU time, so that others on the machine count
 * less. */
#include "sim/scenario/scenario.h"
#include "sim/serving/batching/step_cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(void)
{
    enum { STEPS = 400 };
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(
        arena, CPSIM_SOURCE_DIR "/scenarios/serving-deepseek-v3.yaml", NULL, 0, diagnostics);
    diagnostics_print(diagnostics, stderr);
    if (scenario == NULL) {
        return EXIT_FAILURE;
    }
    struct step_costs *costs = step_costs_create(arena, scenario, 0, 1.0);
    struct step_shape shape = {.decodes = 32, .decode_context = 1024.0, .shared_tokens = 1000.0};
    double sum = step_cost(costs, &shape).seconds, start = cpu_seconds();
    for (int i = 0; i < STEPS; i++) {
        shape.decode_context = 1024.0 + i;
        sum += step_cost_exact(costs, &shape).seconds;
    }
    double anew = (cpu_seconds() - start) / STEPS;
    start = cpu_seconds();
    for (int i = 0; i < STEPS; i++) {
        shape.decode_context = 1024.0 + 0.1 * i;
        sum += step_cost(costs, &shape).seconds;
    }
    printf("decode step of DeepSeek-V3, EP32: %.0f us of CPU to price anew, %.2f us remembered "
           "(%.1f ms simulated)\n",
           1e6 * anew, 1e6 * (cpu_seconds() - start) / STEPS, 1e3 * sum / (2 * STEPS + 1));
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return EXIT_SUCCESS;
}
