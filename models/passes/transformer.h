/* SPDX-License-Identifier: MIT
 * A forward pass of a decoder-only transformer as a step program: what one rank does for a batch
 * under a layout and a precision. Tensor parallelism as Megatron-LM (column- then row-parallel
 * matrices, two all-reduces a layer; key-value heads are replicated when there are fewer than
 * ranks); context parallelism as arXiv 2411.01783 (Algorithms 2 to 4). Pure. */
#ifndef CPSIM_MODELS_PASSES_TRANSFORMER_H
#define CPSIM_MODELS_PASSES_TRANSFORMER_H

#include "models/layout/replica.h"

#include <stdbool.h>
#include <stdint.h>

/* Operators of the largest segment that transformer_build() can make for so many slices, and of all
 * segments together. */
uint32_t transformer_max_operators(const struct replica *replica, uint32_t slice_count);
size_t transformer_room(const struct replica *replica, uint32_t slice_count);

/* Builds the forward pass of `batch` into `program`: segments "embedding", a segment a kind of
 * layer (three where the precision keeps the first and last ones high), "head". Each takes its
 * operators from `operators`, [transformer_room()], the caller's, which must outlive the program.
 * `variant` is what travels round the ring in prefill; decode passes Q unless it is RING_NONE. */
void transformer_build(const struct replica *replica, const struct batch *batch,
                       enum ring_variant variant, struct step_operator *operators,
                       struct step_program *program);

/* Whether the layers' kernels are launched one by one by the host, and none from a CUDA graph. */
bool transformer_launched_by_hand(const struct replica *replica, const struct batch *batch);
/* Or a layer at a time: by hand, or from graphs of the parts between attention. */
bool transformer_launched_by_layer(const struct replica *replica, const struct batch *batch);

#endif
