/* SPDX-License-Identifier: MIT
 * How long one all-reduce takes to play on SimGrid, wall time after the platform is loaded:
 *     bench_collective [GPUs [MiB]]
 * prints GPUs, simulated and wall seconds, resident memory. Asserts nothing. */
#include "models/layout/placement.h"
#include "models/passes/step_price.h"
#include "sim/engine/engine.h"
#include "sim/scenario/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    uint32_t gpus = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1024;
    double bytes = (argc > 2 ? strtod(argv[2], NULL) : 64.0) * 1048576.0;
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    static const struct override overrides[] = {{.text = "workload.turns.0.prompt=1000 tokens"},
                                                {.text = "cluster=dgx-h100"},
                                                {.text = "software=nccl-tests"},
                                                {.text = "cluster.nodes=16384"}};
    const struct scenario *scenario =
        scenario_load(arena, CPSIM_SOURCE_DIR "/scenarios/llama405b.yaml", overrides,
                      sizeof overrides / sizeof *overrides, diagnostics);
    if (scenario == NULL) {
        diagnostics_print(diagnostics, stderr);
        return EXIT_FAILURE;
    }
    struct layout layout = {.tensor = gpus, .context = 1, .pipeline = 1, .data = 1};
    struct collective_call call = {
        .kind = COLLECTIVE_ALL_REDUCE, .group = {gpus, gpus < 8 ? gpus : 8}, .bytes = bytes};
    struct step_operator operation = {
        .kind = OPERATOR_COLLECTIVE,
        .stream = STREAM_COMMUNICATION,
        .name = "all-reduce",
        .collective = {.group = GROUP_TENSOR, .call = call},
        .plan = collective_plan(&scenario->cluster, &scenario->software, &call),
    };
    struct step_program program = {
        .segments = {{.name = "all-reduce", .repeat = 1, .count = 1, .operators = &operation}},
        .segment_count = 1};
    double start = wall_seconds();
    const struct engine_setup setup = {.cluster = &scenario->cluster, .nodes = (gpus + 7) / 8};
    struct engine *engine = engine_open(&setup, diagnostics);
    double loaded = wall_seconds();
    struct placement placement = placement_of(&layout, &scenario->cluster, STAGES_INSIDE);
    struct play play = {.program = &program, .placement = &placement};
    double seconds = 0.0;
    if (!engine_play(engine, &play, &seconds, diagnostics)) {
        diagnostics_print(diagnostics, stderr);
        return EXIT_FAILURE;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%6u GPUs, %s %s: %.3f ms simulated (closed form %.3f), platform %.3f s, play %.3f s, "
           "%.0f MB\n",
           gpus, operation.plan.algorithm, operation.plan.protocol, 1e3 * seconds,
           1e3 * collective_seconds(&scenario->cluster, &operation.plan), loaded - start,
           wall_seconds() - loaded, (double)usage.ru_maxrss / 1e3);
    engine_close(engine);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return EXIT_SUCCESS;
}
