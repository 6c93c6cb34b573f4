/* SPDX-License-Identifier: MIT
 * platforms/kernels/FAMILY/ *.yaml: how a library's kernels run. */
#include "models/machine/mixer_kernels.h"

#include "sim/scenario/tables.h"

#define CONSTANT(name, of_kind, member, most, text)                                                \
    {                                                                                              \
        .key = name, .kind = of_kind, FIELD_AT(kernel_constants, member), .max = (most),           \
        .doc = text                                                                                \
    }
#define TRUTH(name, member, text)                                                                  \
    {                                                                                              \
        .key = name, .kind = FIELD_BOOLEAN, FIELD_AT(kernel_constants, member), .doc = text        \
    }
#define CONSTANTS                                                                                  \
    {.key = "start",                                                                               \
     .kind = FIELD_SECONDS,                                                                        \
     FIELD_AT(kernel_constants, start_seconds),                                                    \
     .required = true,                                                                             \
     .min = 1e-9,                                                                                  \
     .max = 1,                                                                                     \
     .doc = "Launch, fill and drain."},                                                            \
        CONSTANT("efficiency", FIELD_NUMBER, efficiency, 2,                                        \
                 "Share of the matrix units' peak at the same clock, inside a block."),            \
        CONSTANT("memory_share", FIELD_NUMBER, memory_efficiency, 1,                               \
                 "Share of the memory's peak, of what it reads and writes once each."),            \
        CONSTANT("l2_share", FIELD_NUMBER, l2_efficiency, 4,                                       \
                 "Share of the L2\'s rate, where all of that lies in it; over 1 where blocks "     \
                 "find what "                                                                      \
                 "their neighbours read closer by."),                                              \
        CONSTANT("block", FIELD_SECONDS, block_seconds, 1,                                         \
                 "Of a block beside its walk; an SM takes one after the other."),                  \
        CONSTANT("step", FIELD_SECONDS, step_seconds, 1,                                           \
                 "Of a block's walk: a chunk, a part that is joined, or a key."),                  \
        CONSTANT("token", FIELD_SECONDS, token_seconds, 1,                                         \
                 "Of a block's walk over the first tokens of a chunk."),                           \
        CONSTANT("row", FIELD_SECONDS, row_seconds, 1, "Of every token, whatever its width."),     \
        CONSTANT("state", FIELD_BYTES, state_bytes, 8,                                             \
                 "An element of a state in memory; 0: that of fp32."),                             \
        CONSTANT("head_splits", FIELD_NUMBER, head_splits, 64,                                     \
                 "Blocks that a head's values are cut into; 0: one."),                             \
        CONSTANT("few_tokens", FIELD_NUMBER, few_tokens, 1e6,                                      \
                 "Up to so many tokens another kernel runs, with few_start and few_block."),       \
        CONSTANT("few_start", FIELD_SECONDS, few_start_seconds, 1, "Its start."),                  \
        CONSTANT("few_block", FIELD_SECONDS, few_block_seconds, 1, "Its time a token."),           \
        TRUTH("apart", apart,                                                                      \
              "Whether what all SMs do at once and what waits are kernels of their own."),         \
        TRUTH("splits_keys", splits_keys,                                                          \
              "Whether a sequence's keys go to many SMs when there are few sequences."),           \
        TRUTH("whole_choices", whole_choices,                                                      \
              "Whether a query's chosen tokens are padded to the largest number.")

/* Of kernels that know no cache in 8 bits. */
static const struct field plain_fields[] = {CONSTANTS, {0}};

/* The members of a class's wide constants lie at its beginning. */
static const struct field class_fields[] = {
    CONSTANTS,
    {.key = "narrow",
     .kind = FIELD_MAPPING,
     FIELD_AT(kernel_variants, narrow),
     .fields = plain_fields,
     .doc = "The same of the kernel for a cache in 8 bits. Default: it is the same kernel."},
    {.key = "narrow_heads",
     .kind = FIELD_COUNT,
     FIELD_AT(kernel_variants, narrow_heads),
     .max = 1e6,
     .doc = "That kernel runs with fewer heads on a GPU than this; 0: with any."},
    {0}};

static const struct field rest_fields[] = {
    {.key = "pass",
     .kind = FIELD_SECONDS,
     FIELD_AT(kernel_rest, seconds),
     .max = 1,
     .doc = "Once a pass that is launched kernel by kernel: gaps. None in a CUDA graph."},
    {.key = "residual_bytes",
     .kind = FIELD_BYTES,
     FIELD_AT(kernel_rest, residual_bytes),
     .max = 1e4,
     .doc = "Read and written, a token and element of the residual stream."},
    {.key = "host",
     .kind = FIELD_SECONDS,
     FIELD_AT(kernel_rest, host_seconds),
     .max = 1,
     .doc = "Of the host, where it launches kernels one by one: the layer ends no sooner."},
    {0}};

#define CLASS(type, name, member, text)                                                            \
    {                                                                                              \
        .key = name, .kind = FIELD_MAPPING, FIELD_AT(type, member), .required = true,              \
        .fields = class_fields, .doc = text                                                        \
    }
#define PLAIN(type, name, member, text)                                                            \
    {                                                                                              \
        .key = name, .kind = FIELD_MAPPING, FIELD_AT(type, member.wide), .required = true,         \
        .fields = plain_fields, .doc = text                                                        \
    }
#define REST(type, name, member, text)                                                             \
    {                                                                                              \
        .key = name, .kind = FIELD_MAPPING, FIELD_AT(type, member), .fields = rest_fields,         \
        .doc = text                                                                                \
    }
#define LIBRARY(type)                                                                              \
    {.key = "name",                                                                                \
     .kind = FIELD_NAME,                                                                           \
     FIELD_AT(type, name),                                                                         \
     .fallback = "inline",                                                                         \
     .doc = "What it is called. Default: the file's name."},                                       \
    {                                                                                              \
        .key = "title", .kind = FIELD_STRING, .doc = "One line on what it is."                     \
    }

const struct field latent_kernels_fields[] = {
    LIBRARY(latent_kernels),
    CLASS(latent_kernels, "expanded", expanded,
          "Keys and values of all heads, made of the latent vectors: prefill."),
    CLASS(latent_kernels, "absorbed", absorbed,
          "One key of rank and rope for all heads, many queries a sequence."),
    CLASS(latent_kernels, "decode", decode, "The same, one query a sequence or a few."),
    {.key = "absorbed_tokens",
     .kind = FIELD_TOKENS,
     FIELD_AT(latent_kernels, absorbed_tokens),
     .max = 1e9,
     .doc = "A prompt of up to so many new tokens runs absorbed. Default: whatever takes fewer "
            "FLOPs."},
    {.key = "narrow_absorbed_tokens",
     .kind = FIELD_TOKENS,
     FIELD_AT(latent_kernels, narrow_absorbed_tokens),
     .max = 1e9,
     .doc = "The same with a cache in 8 bits. Default: the same number."},
    {.key = "casts_cache",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(latent_kernels, casts_cache),
     .doc = "Whether a cache in 8 bits is cast to 16 by a kernel of its own before attention."},
    REST(latent_kernels, "prefill_rest", prefill_rest,
         "Of prefill: small kernels and gaps that nothing else stands for."),
    REST(latent_kernels, "decode_rest", decode_rest, "The same of decode."),
    {0}};

const struct field sparse_kernels_fields[] = {
    LIBRARY(sparse_kernels),
    CLASS(sparse_kernels, "indexer_prefill", indexer_prefill,
          "An indexer's scores, many queries. Its efficiency is of the format that it computes "
          "in."),
    CLASS(sparse_kernels, "indexer_decode", indexer_decode, "The same, one query a sequence."),
    CLASS(sparse_kernels, "top_k_prefill", top_k_prefill, "The choice among them; row: a query's."),
    CLASS(sparse_kernels, "top_k_decode", top_k_decode, "The same, one query a sequence."),
    CLASS(sparse_kernels, "prefill", prefill, "Attention to what was chosen, many queries."),
    CLASS(sparse_kernels, "decode", decode, "The same, one query a sequence."),
    {.key = "pads_heads",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(sparse_kernels, pads_heads),
     .doc = "Whether queries are copied to as many heads as the kernel's tile has rows."},
    {.key = "dense_tokens",
     .kind = FIELD_TOKENS,
     FIELD_AT(sparse_kernels, dense_tokens),
     .max = 1e9,
     .doc = "Up to so many keys prefill is dense, and nothing is chosen."},
    REST(sparse_kernels, "prefill_rest", prefill_rest,
         "Of prefill: small kernels and gaps that nothing else stands for."),
    REST(sparse_kernels, "decode_rest", decode_rest, "The same of decode."),
    {0}};

const struct field linear_kernels_fields[] = {
    LIBRARY(linear_kernels),
    PLAIN(linear_kernels, "scan", scan, "Many tokens a sequence, in chunks."),
    PLAIN(linear_kernels, "state_step", state_step, "One token a sequence."),
    PLAIN(linear_kernels, "convolution", convolution, "Short convolutions along the tokens."),
    PLAIN(linear_kernels, "convolution_step", convolution_step, "The same, one token a sequence."),
    {0}};

const struct field hyper_kernels_fields[] = {
    LIBRARY(hyper_kernels),
    PLAIN(hyper_kernels, "pre", pre, "Before half a layer: coefficients and the weighted sum."),
    PLAIN(hyper_kernels, "post", post, "After it: the streams mixed, its output added."),
    {0}};
