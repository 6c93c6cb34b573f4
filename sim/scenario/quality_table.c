/* SPDX-License-Identifier: MIT
 * `quality:`: how the model was trained, for what its precision costs in quality. */
#include "models/laws/quality_precision.h"

#include "sim/scenario/tables.h"

static const struct choice trained_choices[] = {
    {.name = "bf16", .value = FORMAT_BF16, .doc = "16 bits throughout."},
    {.name = "fp8", .value = FORMAT_FP8, .doc = "Weights and activations in 8 bits."},
    {.name = "int8", .value = FORMAT_INT8, .doc = "The same in integers."},
    {.name = "fp6", .value = FORMAT_FP6, .doc = "In 6 bits."},
    {.name = "int4", .value = FORMAT_INT4, .doc = "In 4 bits."},
    {0}};

const struct field quality_fields[] = {
    {.key = "tokens",
     .kind = FIELD_TOKENS,
     FIELD_AT(quality_training, tokens),
     .required = true,
     .min = 1e6,
     .max = 1e15,
     .doc = "Tokens that the model was trained on."},
    {.key = "trained",
     .kind = FIELD_CHOICE,
     FIELD_AT(quality_training, trained),
     .fallback = "bf16",
     .choices = trained_choices,
     .doc = "What its products were computed in while it was trained; narrower formats of "
            "`precision` are then a quantisation after training."},
    {.key = "weight_bits",
     .kind = FIELD_NUMBER,
     FIELD_AT(quality_training, weight_bits),
     .max = 32,
     .fallback = "0",
     .doc = "Bits of a weight that the law counts in place of their format's, for widths that no "
            "kernel here has (3 bits of GPTQ); times and memory stay the format's. 0: the "
            "format's."},
    {0}};
