/* SPDX-License-Identifier: MIT
 * The kinds of rows there are. */
#include "sim/compare/measurement.h"

#include <stddef.h>

const struct measurement_kind *const measurement_kinds[] = {
    &kind_gemm,
    &kind_sustained_gemm,
    &kind_experts,
    &kind_experts_engines,
    &kind_experts_training,
    &kind_experts_exchange,
    &kind_experts_block,
    &kind_attention_prefill,
    &kind_attention_decode,
    &kind_attention_engines,
    &kind_attention_verify,
    &kind_attention_window,
    &kind_attention_values,
    &kind_memory,
    &kind_layers,
    &kind_tensor_layers,
    &kind_training_layers,
    &kind_optimizer,
    &kind_kept_layers,
    &kind_kept_steps,
    &kind_ring,
    &kind_overlap,
    &kind_collective,
    &kind_collective_tests,
    &kind_collective_table,
    &kind_energy,
    &kind_power,
    &kind_latent,
    &kind_linear,
    &kind_hyper,
    &kind_sparse,
    &kind_compressed,
    &kind_engine_steps,
    &kind_services,
    NULL,
};
