/* SPDX-License-Identifier: MIT
 * `precision:`: number formats by class of tensor, and presets of them. */
#include "models/precision.h"

#include "sim/scenario/tables.h"

const struct choice format_choices[] = {
    {.name = "fp32", .value = FORMAT_FP32, .doc = "4 bytes."},
    {.name = "bf16", .value = FORMAT_BF16, .doc = "2 bytes, the range of fp32."},
    {.name = "fp16", .value = FORMAT_FP16, .doc = "2 bytes."},
    {.name = "fp8", .value = FORMAT_FP8, .doc = "1 byte; needs a scaling."},
    {.name = "int8", .value = FORMAT_INT8, .doc = "1 byte; needs a scaling."},
    {0}};

static const struct choice scaling_choices[] = {
    {.name = "none", .value = SCALING_NONE, .doc = "No scales; for formats of 2 bytes and more."},
    {.name = "tensor", .value = SCALING_TENSOR, .doc = "One scale a tensor."},
    {.name = "row",
     .value = SCALING_ROW,
     .doc = "One scale a row of activations and a row of weights."},
    {0}};

static const struct field number_fields[] = {
    {.key = "format",
     .kind = FIELD_CHOICE,
     FIELD_AT(number, format),
     .fallback = "bf16",
     .choices = format_choices,
     .doc = "What an element is stored and multiplied in."},
    {.key = "scaling",
     .kind = FIELD_CHOICE,
     FIELD_AT(number, scaling),
     .fallback = "none",
     .choices = scaling_choices,
     .doc = "How many elements share a scale."},
    {0}};

const struct preset precision_presets[] = {
    {.name = "bf16", .yaml = "{}", .doc = "bf16 throughout."},
    {.name = "fp8-ffn",
     .yaml = "{ffn_weights: {format: fp8, scaling: row}}",
     .doc =
         "Feed-forward products in fp8 with row scales, the rest bf16: Llama 3 405B as served in "
         "arXiv 2407.21783, section 6.2 (there the first and last layer stay bf16: "
         "edge_layers_high 1)."},
    {.name = "fp8",
     .yaml = "{attention_weights: {format: fp8, scaling: row}, "
             "ffn_weights: {format: fp8, scaling: row}}",
     .doc = "Every product of a layer with weights in fp8 with row scales; attention itself, "
            "embedding, head and KV cache in bf16."},
    {.name = "fp8-tensor",
     .yaml = "{attention_weights: {format: fp8, scaling: tensor}, "
             "ffn_weights: {format: fp8, scaling: tensor}}",
     .doc = "The same with one scale a tensor: training with Transformer Engine or torchao."},
    {0}};

const struct field precision_fields[] = {
    {.key = "attention_weights",
     .kind = FIELD_MAPPING,
     FIELD_AT(precision, attention_weights),
     .fields = number_fields,
     .shorthand = "format",
     .doc = "Query, key, value and output projections."},
    {.key = "ffn_weights",
     .kind = FIELD_MAPPING,
     FIELD_AT(precision, ffn_weights),
     .fields = number_fields,
     .shorthand = "format",
     .doc = "Gate, up and down projections."},
    {.key = "embedding",
     .kind = FIELD_MAPPING,
     FIELD_AT(precision, embedding),
     .fields = number_fields,
     .shorthand = "format",
     .doc = "Embedding and output head."},
    {.key = "activations",
     .kind = FIELD_CHOICE,
     FIELD_AT(precision, activations),
     .fallback = "bf16",
     .choices = format_choices,
     .doc = "The residual stream, and what collectives carry."},
    {.key = "kv_cache",
     .kind = FIELD_CHOICE,
     FIELD_AT(precision, kv_cache),
     .fallback = "bf16",
     .choices = format_choices,
     .doc = "Cached keys and values."},
    {.key = "edge_layers_high",
     .kind = FIELD_COUNT,
     FIELD_AT(precision, edge_layers_high),
     .max = 1000,
     .fallback = "0",
     .doc = "So many first and so many last layers keep bf16 weights."},
    {0}};
