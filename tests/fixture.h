/* SPDX-License-Identifier: MIT
 * Llama 3 405B on the paper's layout, for tests that need shapes but no platform file. */
#ifndef CPSIM_TESTS_FIXTURE_H
#define CPSIM_TESTS_FIXTURE_H

#include "models/passes/transformer.h"

#include "one_kind.h"

static const struct llm fixture_llm = {
    .name = "llama3-405b",
    .hidden = 16384,
    .vocabulary = 128256,
    DENSE_LAYERS(126, 128, 8, 128, 53248),
};

/* What it computes in; times come from platforms/gpus/. */
static const struct gpu fixture_gpu = {
    .name = "fixture",
    .dense_flops_per_second =
        {[FORMAT_FP32] = 1e14, [FORMAT_BF16] = 1e15, [FORMAT_FP8] = 2e15, [FORMAT_INT8] = 2e15},
};

static const struct precision fixture_precision = {
    .attention_weights = {.format = FORMAT_BF16},
    .ffn_weights = {.format = FORMAT_FP8, .scaling = SCALING_ROW},
    .embedding = {.format = FORMAT_BF16},
    .activations = FORMAT_BF16,
    .kv_cache = FORMAT_BF16,
};

/* 16 nodes of 8 GPUs; powers of ten where a test does sums by hand. */
static const struct cluster fixture_cluster = {
    .name = "fixture",
    .nodes = 16,
    .gpus_per_node = 8,
    .nics_per_node = 8,
    .node_bytes_per_second = 400e9,
    .nic_bytes_per_second = 50e9,
    .connection_bytes_per_second = 50e9,
};

static const struct software fixture_software = {.name = "fixture", .decode_graph = true};

#endif
