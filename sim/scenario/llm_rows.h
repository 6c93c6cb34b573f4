/* SPDX-License-Identifier: MIT
 * The rows of what a model file says of its layers: of all of them at its top, of those of one kind
 * in `kinds`, where what is not said is as at the top. AT(member) places a member of struct
 * llm_keys; DEFAULT(text) is a default where one belongs, at the top. */
#ifndef CPSIM_SIM_SCENARIO_LLM_ROWS_H
#define CPSIM_SIM_SCENARIO_LLM_ROWS_H

#include "models/architecture/llm.h"

#include "sim/scenario/tables.h"

extern const struct choice mixer_choices[], mixer_beside_choices[], norm_choices[],
    query_key_norm_choices[], router_choices[];
extern const struct field indexer_fields[];
/* Of a mixer with sizes, and of all by their kind (NULL: no sizes). */
#define SIZE_FIELDS_OF(member, stem, name, sentence) extern const struct field stem##_fields[];
MIXERS_OF_SIZES(SIZE_FIELDS_OF)
#undef SIZE_FIELDS_OF
extern const struct field *const mixer_size_fields[MIXER_KIND_COUNT];
extern const struct field branch_rank_item;

#define LLM_COUNT(AT, name, member, most, text)                                                    \
    {                                                                                              \
        .key = name, .kind = FIELD_COUNT, AT(member), .max = (most), .doc = text                   \
    }
#define LLM_FLAG(AT, name, member, text)                                                           \
    {                                                                                              \
        .key = name, .kind = FIELD_BOOLEAN, AT(member), .doc = text                                \
    }
#define LLM_PART(AT, name, member, rows, text)                                                     \
    {                                                                                              \
        .key = name, .kind = FIELD_MAPPING, AT(member), .fields = (rows), .doc = text              \
    }

#define LLM_FFN_ROWS(AT, DEFAULT)                                                                  \
    LLM_COUNT(AT, "ffn_hidden", ffn_hidden, 16777216,                                              \
              "Elements between the two halves of the feed-forward block, or of one expert. 0, "   \
              "in a kind: layers without a block."),                                               \
        {.key = "experts",                                                                         \
         .kind = FIELD_COUNT,                                                                      \
         AT(experts.count),                                                                        \
         .max = 65536,                                                                             \
         DEFAULT("0"),                                                                             \
         .doc = "Feed-forward blocks of a layer, of which a router chooses some for each token; "  \
                "0: one for all tokens. Inference follows it; training does not."},                \
        {.key = "experts_per_token",                                                               \
         .kind = FIELD_COUNT,                                                                      \
         AT(experts.per_token),                                                                    \
         .max = 65536,                                                                             \
         DEFAULT("0"),                                                                             \
         .doc = "How many of them a token goes to."},                                              \
        {.key = "experts_groups",                                                                  \
         .kind = FIELD_COUNT,                                                                      \
         AT(experts.groups),                                                                       \
         .max = 65536,                                                                             \
         DEFAULT("0"),                                                                             \
         .doc = "Groups of as many experts each, of which a token first chooses some (DeepSeek "   \
                "V2 and V3); 0: none."},                                                           \
        {.key = "experts_groups_per_token",                                                        \
         .kind = FIELD_COUNT,                                                                      \
         AT(experts.groups_per_token),                                                             \
         .max = 65536,                                                                             \
         DEFAULT("0"),                                                                             \
         .doc = "Groups that a token's experts are of, at most."},                                 \
    {                                                                                              \
        .key = "shared_ffn_hidden", .kind = FIELD_COUNT, AT(shared_ffn_hidden), .max = 16777216,   \
        DEFAULT("0"),                                                                              \
        .doc = "Elements of a block that all tokens go through beside their experts; 0: none."     \
    }

#define LLM_HEAD_ROWS(AT)                                                                          \
    LLM_COUNT(AT, "query_heads", query_heads, 65536, "Query heads of a layer."),                   \
        LLM_COUNT(AT, "kv_heads", kv_heads, 65536,                                                 \
                  "Key and value heads of a layer: as many as query heads is multi-head "          \
                  "attention, one is multi-query, between is grouped-query."),                     \
        LLM_COUNT(AT, "head_size", head_size, 65536, "Elements of one head.")

#define LLM_FLAG_ROWS(AT, DEFAULT)                                                                 \
    {                                                                                              \
        .key = "gated_ffn", .kind = FIELD_BOOLEAN, AT(gated_ffn), DEFAULT("true"),                 \
        .doc = "Whether the feed-forward block has a gate projection beside the up projection "    \
               "(SwiGLU)."                                                                         \
    }

#define LLM_BLOCK_ROWS(AT, DEFAULT)                                                                \
    {                                                                                              \
        .key = "parallel_blocks", .kind = FIELD_BOOLEAN, AT(parallel_blocks), DEFAULT("false"),    \
        .doc =                                                                                     \
            "Whether attention and the feed-forward block read the same norm and are added "       \
            "together: one tensor-parallel exchange a pass of a layer instead of two. Training "   \
            "follows it."                                                                          \
    }

#define LLM_ATTENTION_ROWS(AT)                                                                     \
    {.key = "mixer",                                                                               \
     .kind = FIELD_CHOICE,                                                                         \
     AT(mixer),                                                                                    \
     .choices = mixer_choices,                                                                     \
     .doc = "How tokens see each other. Default: gqa, whose sizes are query_heads, kv_heads and "  \
            "head_size; every other has a mapping of its own name."},                              \
        {.key = "mixer_beside",                                                                    \
         .kind = FIELD_CHOICE,                                                                     \
         AT(mixer_beside),                                                                         \
         .choices = mixer_beside_choices,                                                          \
         .doc = "A second mixer on the same input, added to the first (Falcon-H1). Default: "      \
                "none."},                                                                          \
        {.key = "window",                                                                          \
         .kind = FIELD_TOKENS,                                                                     \
         AT(window),                                                                               \
         .doc = "The latest tokens that a query sees, in gqa. Default: all."},                     \
        {.key = "chunk",                                                                           \
         .kind = FIELD_TOKENS,                                                                     \
         AT(chunk),                                                                                \
         .doc = "Instead of a window: a query sees the tokens since the last multiple of it "      \
                "(Llama 4). Default: all."},                                                       \
        LLM_COUNT(AT, "value_head_size", gqa.value_head_size, 65536,                               \
                  "Elements of a value's head. Default: head_size."),                              \
        {.key = "query_key_norm",                                                                  \
         .kind = FIELD_CHOICE,                                                                     \
         AT(gqa.norm),                                                                             \
         .choices = query_key_norm_choices,                                                        \
         .doc = "Norms of queries and keys. Default: none."},                                      \
        LLM_FLAG(AT, "query_key_norm_bias", gqa.norm_bias, "Whether they have a bias."),           \
        LLM_FLAG(AT, "attention_output_norm", gqa.output_norm,                                     \
                 "A norm of all heads' results before the projection out (BitNet)."),              \
        LLM_FLAG(AT, "sinks", gqa.sinks, "A learned logit a head (gpt-oss)."),                     \
        LLM_FLAG(AT, "query_bias", gqa.query_bias, "A bias of the query projection."),             \
        LLM_FLAG(AT, "kv_bias", gqa.kv_bias, "A bias of the key and value projections."),          \
        LLM_FLAG(AT, "out_bias", gqa.out_bias, "A bias of the projection out."),                   \
        LLM_FLAG(AT, "gated_output", gqa.gated_output,                                             \
                 "A gate for every element of the heads' results (Qwen3-Next)."),                  \
        LLM_FLAG(AT, "gate_bias", gqa.gate_bias, "A bias of that gate."),                          \
        LLM_FLAG(AT, "head_gate", gqa.head_gate, "A gate for every head's result."),               \
        LLM_FLAG(AT, "keys_are_values", gqa.keys_are_values,                                       \
                 "Values are the projected keys, without a projection of their own (Gemma 4)."),   \
        LLM_FLAG(AT, "borrows_cache", gqa.borrows_cache,                                           \
                 "Keys and values are an earlier layer's (Gemma 3n and 4)."),                      \
        LLM_FLAG(AT, "plain_position", gqa.plain_position,                                         \
                 "No rotary embedding of queries and keys."),                                      \
        LLM_COUNT(AT, "attention_input", gqa.input, 16777216,                                      \
                  "Elements that attention reads. Default: hidden (Zamba2: twice that)."),         \
        LLM_COUNT(AT, "attention_experts", gqa.experts.count, 65536,                               \
                  "Query and output projections of a layer, of which a router chooses some for "   \
                  "each token (JetMoE). Default: none."),                                          \
        LLM_COUNT(AT, "attention_experts_per_token", gqa.experts.per_token, 65536,                 \
                  "How many of them a token goes to."),                                            \
        LLM_COUNT(AT, "attention_adapter_rank", gqa.adapter_rank, 65536,                           \
                  "Rank of what a layer adds to borrowed query, key and value projections."),      \
        LLM_PART(AT, "indexer", gqa.indexer, indexer_fields,                                       \
                 "What chooses the tokens that attention reads (MiniMax-M3).")

#define LLM_REST_ROWS(AT)                                                                          \
    LLM_FLAG(AT, "ffn_bias", ffn.bias, "Biases of the feed-forward block's projections."),         \
        LLM_FLAG(AT, "ffn_clamp", ffn.clamp,                                                       \
                 "Gate and up are clamped before the activation (gpt-oss)."),                      \
        LLM_FLAG(AT, "ffn_norm", ffn.inner_norm, "A norm between its two halves (BitNet)."),       \
        LLM_COUNT(AT, "ffn_adapter_rank", ffn.adapter_rank, 65536,                                 \
                  "Rank of what a layer adds to a borrowed block's gate and up projection."),      \
        {.key = "router",                                                                          \
         .kind = FIELD_CHOICE,                                                                     \
         AT(ffn.router),                                                                           \
         .choices = router_choices,                                                                \
         .doc = "What sends tokens to experts. Default: learned."},                                \
        LLM_FLAG(AT, "router_bias", ffn.router_bias, "A weight an expert beside the router."),     \
        LLM_COUNT(AT, "zero_experts", ffn.zero_experts, 65536,                                     \
                  "Experts that return the token as it is (LongCat-Flash)."),                      \
        LLM_COUNT(AT, "expert_latent", ffn.latent, 16777216,                                       \
                  "Elements that experts work on, projected down and up (Nemotron 3). Default: "   \
                  "hidden."),                                                                      \
        LLM_FLAG(AT, "shared_plain", ffn.shared_plain,                                             \
                 "The shared block has no gate though the experts have one."),                     \
        LLM_FLAG(AT, "shared_bias", ffn.shared_bias, "Biases of the shared block's projections."), \
        LLM_FLAG(AT, "shared_gate", ffn.shared_gate,                                               \
                 "The shared block's result is weighted by a product of its own (Qwen2-MoE)."),    \
        LLM_FLAG(AT, "experts_output_bias", ffn.output_bias,                                       \
                 "One bias for all experts' results together (JetMoE)."),                          \
        LLM_COUNT(AT, "dense_beside_hidden", dense_beside_hidden, 16777216,                        \
                  "Elements of a dense block beside experts, on an input of its own (Arctic, "     \
                  "Gemma 4, LongCat-Flash)."),                                                     \
        LLM_FLAG(AT, "borrowed", borrowed,                                                         \
                 "Attention and feed-forward block are an earlier layer's: they cost time, not "   \
                 "memory (Zamba2)."),                                                              \
        LLM_COUNT(AT, "streams", streams, 64,                                                      \
                  "Streams of the residual, mixed before and after each half: hyper-connections "  \
                  "(DeepSeek-V4, arXiv 2512.24880). Default: one, added to."),                     \
        LLM_FLAG(AT, "streams_unmixed", streams_unmixed,                                           \
                 "Streams are read and written, but not mixed with each other."),                  \
        {.key = "norm",                                                                            \
         .kind = FIELD_CHOICE,                                                                     \
         AT(norm),                                                                                 \
         .choices = norm_choices,                                                                  \
         .doc = "Norms of layers and the last one. Default: rms."},                                \
        LLM_COUNT(AT, "norms", norms, 64,                                                          \
                  "Norms of a layer. Default: two, or one where its halves share it or one half "  \
                  "is missing; four with norms after each half (Gemma)."),                         \
        LLM_COUNT(AT, "scalars", scalars, 4294967295.0,                                            \
                  "Other elements of a layer that scale or are added: layer scales, routers' "     \
                  "scales."),                                                                      \
        LLM_COUNT(AT, "branch_rank", branch_ranks[0], 1048576,                                     \
                  "Rank of a pair of products, hidden to it and back, beside the halves (Gemma's " \
                  "per-layer inputs)."),                                                           \
        LLM_COUNT(AT, "second_branch_rank", branch_ranks[1], 1048576,                              \
                  "Of another (Gemma 3n's LAuReL)."),                                              \
        LLM_FLAG(AT, "input_projection", input_projection,                                         \
                 "A product hidden x hidden of what a shared block gives (Zamba2).")

#endif
