/* SPDX-License-Identifier: MIT
 * write_sample FILE [OPERATORS [abandon]]: a trace with known content, for the tests that read it
 * back. Every value is a simple function of its row's number, written in test_trace_file.py too.
 * Exit status 2 when FILE cannot be written, 1 when writing it failed. */
#include "sim/trace/trace.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GPUS = 4, LINKS = 2 * GPUS };

static void add_phases(struct trace *trace)
{
    trace_add_phase(trace, &(struct trace_phase){.name = "prefill turn 1",
                                                 .kind = TRACE_PREFILL,
                                                 .turn = 1,
                                                 .new_tokens = UINT64_C(5000000000),
                                                 .ring = TRACE_RING_PASS_KV,
                                                 .duration_seconds = 74.5,
                                                 .latency_seconds = 74.5,
                                                 .gemm_seconds = 12.5,
                                                 .attention_seconds = 56.0,
                                                 .memory_kernel_seconds = 3.0,
                                                 .tp_collective_seconds = 2.0,
                                                 .ring_exposed_seconds = 0.5,
                                                 .host_seconds = 0.25,
                                                 .other_seconds = 0.25,
                                                 .flops = 4.9e18,
                                                 .mfu = 0.63,
                                                 .nvlink_bytes = 4.1e13,
                                                 .network_bytes = 1.9e12,
                                                 .joules = 4.61e6});
    trace_add_phase(trace, &(struct trace_phase){.name = "Décodage, tour 1",
                                                 .kind = TRACE_DECODE,
                                                 .turn = 1,
                                                 .new_tokens = 256,
                                                 .cached_tokens = UINT64_C(5000000000),
                                                 .ring = TRACE_RING_PASS_Q,
                                                 .start_seconds = 74.5,
                                                 .duration_seconds = 2.56,
                                                 .latency_seconds = 0.01,
                                                 .gemm_seconds = 2.56,
                                                 .flops = 2.1e14,
                                                 .joules = NAN});
}

static void add_operators(struct trace *trace, uint64_t count)
{
    static const char *const names[] = {"qkv", "ring attention", "out"};
    for (uint64_t i = 0; i < count; i++) {
        trace_add_operator(trace,
                           &(struct trace_operator){.phase = (uint32_t)(i % 2),
                                                    .segment = i == 0 ? "embedding" : "layers",
                                                    .layer = (uint32_t)(i / 100),
                                                    .rank = (uint32_t)(i % 16),
                                                    .gpu = (uint32_t)(i % GPUS),
                                                    .name = names[i % 3],
                                                    .kind = (enum operator_kind)(i % 5),
                                                    .stream = (enum stream)(i % 2),
                                                    .iteration = (uint32_t)(i % 7),
                                                    .start_seconds = (double)i * 1e-6,
                                                    .duration_seconds = 0.5e-6,
                                                    .flops = (double)i * 1e9,
                                                    .bytes = (double)i * 1e3,
                                                    .bound = (enum bound)(i % 4),
                                                    .collective = (enum trace_collective)(i % 9),
                                                    .group = (enum trace_group)(i % 7),
                                                    .buffer_bytes = (double)i * 1e2});
    }
}

static void add_machine(struct trace *trace)
{
    for (uint32_t gpu = 0; gpu < GPUS; gpu++) {
        trace_add_gpu(trace, &(struct trace_gpu){.gpu = gpu,
                                                 .node = gpu / 2,
                                                 .tensor_rank = gpu % 2,
                                                 .context_rank = gpu / 2,
                                                 .gemm_seconds = 15.0,
                                                 .attention_seconds = 56.0,
                                                 .weights_bytes = 60.2e9,
                                                 .kv_cache_bytes = 4.1e9,
                                                 .activations_bytes = 3.3e9,
                                                 .capacity_bytes = 96e9,
                                                 .joules = NAN});
    }
    for (uint32_t link = 0; link < LINKS; link++) {
        char name[32]; /* reused: the trace must have copied it */
        snprintf(name, sizeof name, "link-%" PRIu32, link);
        trace_add_link(trace, &(struct trace_link){.name = name,
                                                   .kind = link < GPUS ? TRACE_NVLINK : TRACE_NIC,
                                                   .gpu = link % GPUS,
                                                   .direction = link % 2 ? TRACE_IN : TRACE_OUT,
                                                   .bytes = link * 1e9,
                                                   .capacity_bytes_per_second = 50e9,
                                                   .busy_seconds = link * 0.02,
                                                   .utilisation = link * 0.1});
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: write_sample FILE [OPERATORS [abandon]]\n");
        return 2;
    }
    uint64_t operators = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    struct diagnostics *diagnostics = diagnostics_create();
    struct trace_attributes attributes = {
        .seed = 7,
        .simgrid_version = "3.32.0",
        .scenario = "schema: 1\ntitle: Überlänge\n",
    };
    struct trace *trace = trace_open(argv[1], &attributes, diagnostics);
    int status = 2;
    if (trace != NULL) {
        add_phases(trace);
        add_machine(trace);
        add_operators(trace, operators);
        if (argc > 3 && strcmp(argv[3], "abandon") == 0) {
            trace_abandon(trace);
            status = 0;
        } else {
            status = trace_close(trace) ? 0 : 1;
        }
    }
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    return status;
}
