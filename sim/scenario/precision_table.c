/* SPDX-License-Identifier: MIT
 * `precision:`: number formats by class of tensor, and presets of them. */
#include "models/architecture/precision.h"

#include "sim/scenario/tables.h"

#define FORMAT_CHOICES                                                                             \
    {.name = "fp32", .value = FORMAT_FP32, .doc = "4 bytes."},                                     \
        {.name = "tf32",                                                                           \
         .value = FORMAT_TF32,                                                                     \
         .doc = "4 bytes, of which the matrix units take 19 bits."},                               \
        {.name = "bf16", .value = FORMAT_BF16, .doc = "2 bytes, the range of fp32."},              \
        {.name = "fp16", .value = FORMAT_FP16, .doc = "2 bytes."},                                 \
        {.name = "fp8", .value = FORMAT_FP8, .doc = "1 byte, e4m3."},                              \
        {.name = "fp8-e5m2", .value = FORMAT_FP8_E5M2, .doc = "1 byte, the range of fp16."},       \
        {.name = "int8", .value = FORMAT_INT8, .doc = "1 byte."},                                  \
        {.name = "fp6", .value = FORMAT_FP6, .doc = "6 bits, packed."},                            \
        {.name = "int4", .value = FORMAT_INT4, .doc = "Half a byte."},                             \
        {.name = "fp4", .value = FORMAT_FP4, .doc = "Half a byte, e2m1."},                         \
        {.name = "mxfp4",                                                                          \
         .value = FORMAT_MXFP4,                                                                    \
         .doc = "Half a byte, e2m1, with a byte of scale for each 32 of its own."},                \
        {.name = "nvfp4",                                                                          \
         .value = FORMAT_NVFP4,                                                                    \
         .doc = "Half a byte, e2m1, with a byte of scale (e4m3) for each 16 of its own."},         \
        {.name = "mxfp6",                                                                          \
         .value = FORMAT_MXFP6,                                                                    \
         .doc = "6 bits, packed, with a byte of scale for each 32 of its own."},                   \
        {.name = "mxfp8",                                                                          \
         .value = FORMAT_MXFP8,                                                                    \
         .doc = "1 byte, e4m3, with a byte of scale for each 32 of its own."},                     \
    {                                                                                              \
        .name = "ternary", .value = FORMAT_TERNARY,                                                \
        .doc = "-1, 0 or 1 (1.58 bits), five to a byte."                                           \
    }

const struct choice format_choices[] = {FORMAT_CHOICES, {0}};

static const struct choice auto_format_choices[] = {
    {.name = "auto", .value = FORMAT_UNSET, .doc = "What the key's own line says."},
    FORMAT_CHOICES,
    {0}};

static const struct choice scaling_choices[] = {
    {.name = "none",
     .value = SCALING_NONE,
     .doc = "No scales; for formats of 2 bytes and more, and those with scales of their own."},
    {.name = "tensor", .value = SCALING_TENSOR, .doc = "One scale a tensor."},
    {.name = "row",
     .value = SCALING_ROW,
     .doc = "One scale a row of activations and a row of weights."},
    {.name = "block",
     .value = SCALING_BLOCK,
     .doc = "One scale for every `block` elements along the depth of a product, of fp8 weights for "
            "every `block` x `block`; the product's sums are then scaled block by block."},
    {0}};

#define SCALING_FIELDS(type, scaling_member, block_member)                                         \
    {.key = "scaling",                                                                             \
     .kind = FIELD_CHOICE,                                                                         \
     FIELD_AT(type, scaling_member),                                                               \
     .fallback = "none",                                                                           \
     .choices = scaling_choices,                                                                   \
     .doc = "How many elements share a scale."},                                                   \
    {                                                                                              \
        .key = "block", .kind = FIELD_COUNT, FIELD_AT(type, block_member), .max = 1048576,         \
        .fallback = "0", .doc = "Elements of a block, with `scaling: block`."                      \
    }

static const struct field number_fields[] = {
    {.key = "format",
     .kind = FIELD_CHOICE,
     FIELD_AT(number, format),
     .fallback = "bf16",
     .choices = format_choices,
     .doc = "What a weight is stored in."},
    SCALING_FIELDS(number, scaling, block),
    {.key = "inputs",
     .kind = FIELD_CHOICE,
     FIELD_AT(number, inputs),
     .fallback = "auto",
     .choices = auto_format_choices,
     .doc =
         "What the activations are brought to before the product. auto: the weights' format when "
         "that has 8 bits or more, otherwise `activations` (weights alone are narrow, and are "
         "dequantised inside the product). The product is computed in this format, or in the "
         "next wider one that the GPU has."},
    {0}};

static const struct field cache_fields[] = {{.key = "format",
                                             .kind = FIELD_CHOICE,
                                             FIELD_AT(precision, kv_cache),
                                             .fallback = "bf16",
                                             .choices = format_choices,
                                             .doc = "What a key or value is stored in."},
                                            SCALING_FIELDS(precision, kv_scaling, kv_block),
                                            {0}};

const struct preset precision_presets[] = {
    {.name = "bf16", .also = "bfloat16 fp16 float16 half", .yaml = "{}", .doc = "bf16 throughout."},
    {.name = "fp8-ffn",
     .yaml = "{ffn_weights: {format: fp8, scaling: row}}",
     .doc =
         "Feed-forward products in fp8 with row scales, the rest bf16: Llama 3 405B as served in "
         "arXiv 2407.21783, section 6.2 (there the first and last layer stay bf16: "
         "edge_layers_high 1)."},
    {.name = "fp8-tensor",
     .also = "fp8_per_tensor fp8_e4m3",
     .yaml = "{attention_weights: {format: fp8, scaling: tensor}, "
             "ffn_weights: {format: fp8, scaling: tensor}}",
     .doc = "The same as fp8 with one scale a tensor: what vLLM's `--quantization fp8` and most "
            "fp8 checkpoints for it are."},
    {.name = "fp8",
     .also = "fp8_row fp8_per_channel",
     .yaml = "{attention_weights: {format: fp8, scaling: row}, "
             "ffn_weights: {format: fp8, scaling: row}}",
     .doc = "Every product of a layer with weights in fp8 with row scales; attention itself, "
            "embedding, head and KV cache in bf16."},
    {.name = "fp8-block",
     .also = "blockwise deepseek",
     .yaml = "{attention_weights: {format: fp8, scaling: block, block: 128}, "
             "ffn_weights: {format: fp8, scaling: block, block: 128}}",
     .doc = "The same with a scale for 128 x 128 weights and for 128 activations of a token: "
            "DeepSeek-V3's checkpoints (arXiv 2412.19437, section 3.3)."},
    {.name = "w4a16",
     .also = "awq gptq int4 w4 4bit awq_marlin gptq_marlin",
     .yaml = "{attention_weights: {format: int4, scaling: block, block: 128}, "
             "ffn_weights: {format: int4, scaling: block, block: 128}}",
     .doc = "A layer's weights in int4 with a scale for each 128, dequantised inside bf16 GEMMs: "
            "GPTQ and AWQ checkpoints (arXiv 2210.17323, 2306.00978)."},
    {.name = "w8a8",
     .also = "int8 smoothquant 8bit",
     .yaml = "{attention_weights: {format: int8, scaling: row}, "
             "ffn_weights: {format: int8, scaling: row}}",
     .doc = "A layer's weights and their inputs in int8, a scale a row: SmoothQuant (arXiv "
            "2211.10438)."},
    {.name = "kv-fp8",
     .also = "fp8_kv",
     .yaml = "{kv_cache: {format: fp8, scaling: tensor}}",
     .doc = "The KV cache in fp8, the rest bf16."},
    {.name = "fp8-lm",
     .yaml = "{attention_weights: {format: fp8, scaling: tensor}, "
             "ffn_weights: {format: fp8, scaling: tensor}, gradients: fp8, master_weights: fp16, "
             "first_moment: fp8, second_moment: fp16, gradient_reduce: fp8, weight_gather: fp8}",
     .doc = "Training with weights, gradients, the first moment and what replicas exchange in fp8, "
            "master weights and second moment in fp16 (arXiv 2310.18313)."},
    {.name = "adam-8bit",
     .yaml = "{first_moment: int8, second_moment: int8}",
     .doc = "Training in bf16 with Adam's moments in 8 bits, a codebook's numbers with a scale for "
            "each 2,048 (arXiv 2110.02861); embedding and head keep the software stack's."},
    {.name = "transformer-engine",
     .yaml = "{attention_weights: {format: bf16, inputs: fp8}, "
             "ffn_weights: {format: bf16, inputs: fp8}}",
     .doc = "GEMMs in fp8 with one scale a tensor, weights kept in bf16 and cast for them, "
            "everything else as the software stack has it (NVIDIA Transformer Engine, delayed "
            "scaling)."},
    {0}};

#define AUTO_FORMAT(name, member, text)                                                            \
    {                                                                                              \
        .key = name, .kind = FIELD_CHOICE, FIELD_AT(precision, member), .fallback = "auto",        \
        .choices = auto_format_choices, .doc = text                                                \
    }

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
    AUTO_FORMAT("attention_compute", attention_compute,
                "The two products of attention. auto: bf16. Narrower needs a KV cache as narrow."),
    {.key = "kv_cache",
     .kind = FIELD_MAPPING,
     .fields = cache_fields,
     .shorthand = "format",
     .doc = "Cached keys and values. A row, for their scales, is one head of one token."},
    AUTO_FORMAT("tensor_collectives", tensor_collectives,
                "What tensor-parallel all-reduces carry. auto: `activations`. Narrower takes a "
                "kernel before and after."),
    AUTO_FORMAT("ring_hops", ring_hops,
                "What ring attention sends on. auto: keys and values as in the cache, queries as "
                "`activations`."),
    AUTO_FORMAT("gradients", gradients,
                "Gradients of a layer's weights in training. auto: as the software stack keeps "
                "them."),
    AUTO_FORMAT("master_weights", master_weights,
                "The optimizer's copy of a layer's weights. auto: the software stack's."),
    AUTO_FORMAT("first_moment", first_moment,
                "Adam's mean of the gradients. auto: the software stack's. int8: numbers of a "
                "codebook, scaled by block (arXiv 2110.02861)."),
    AUTO_FORMAT("second_moment", second_moment,
                "Adam's mean of their squares. auto: the software stack's. int8: as first_moment."),
    AUTO_FORMAT("gradient_reduce", gradient_reduce,
                "Gradients between data-parallel ranks. auto: as `gradients`, or the software "
                "stack's."),
    AUTO_FORMAT(
        "weight_gather", weight_gather,
        "Weights of a layer as data-parallel ranks gather and keep them. auto: the software "
        "stack's."),
    {.key = "edge_layers_high",
     .kind = FIELD_COUNT,
     FIELD_AT(precision, edge_layers_high),
     .max = 1000,
     .fallback = "0",
     .doc = "So many first and so many last layers keep bf16 weights."},
    {0}};
