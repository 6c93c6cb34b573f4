/* SPDX-License-Identifier: MIT
 * The parts that a model's layers may have, but for grouped-query attention: choices and sizes. */
#include "sim/scenario/llm_rows.h"

#define PART(type, name, member, text)                                                             \
    {                                                                                              \
        .key = name, .kind = FIELD_COUNT, FIELD_AT(type, member), .required = true, .min = 1,      \
        .max = 16777216, .doc = text                                                               \
    }
#define EXTRA(type, name, member, text)                                                            \
    {                                                                                              \
        .key = name, .kind = FIELD_COUNT, FIELD_AT(type, member), .max = 16777216, .doc = text     \
    }
#define FLAG(type, name, member, text)                                                             \
    {                                                                                              \
        .key = name, .kind = FIELD_BOOLEAN, FIELD_AT(type, member), .doc = text                    \
    }

const struct choice mixer_choices[] = {
    {"gqa", MIXER_GQA, "multi-head, grouped-query or multi-query attention"},
    {"none", MIXER_NONE, "a feed-forward block alone"},
    {"latent", MIXER_LATENT, "multi-head latent attention, MLA (arXiv 2405.04434)"},
    {"compressed", MIXER_COMPRESSED,
     "keys compressed 4 or 128 to 1, a window beside (DeepSeek-V4)"},
    {"delta", MIXER_DELTA, "gated delta rule (arXiv 2412.06464), Kimi delta attention"},
    {"state_space", MIXER_STATE_SPACE, "Mamba (arXiv 2312.00752), Mamba-2 (2405.21060)"},
    {"linear", MIXER_LINEAR, "lightning attention (arXiv 2501.08313)"},
    {"recurrent", MIXER_RECURRENT, "gated linear recurrence (Griffin, arXiv 2402.19427)"},
    {"convolution", MIXER_CONVOLUTION, "gated short convolution (LFM2)"},
    {0}};

/* One more than the kind: 0 is none. */
const struct choice mixer_beside_choices[] = {
    {"none", 0, "no second mixer"},
    {"gqa", 1 + MIXER_GQA, "attention"},
    {"state_space", 1 + MIXER_STATE_SPACE, "Mamba, Mamba-2"},
    {0}};

const struct choice norm_choices[] = {{"rms", NORM_RMS, "a weight an element"},
                                      {"layer", NORM_LAYER, "a weight and a bias an element"},
                                      {"plain", NORM_PLAIN, "no weights"},
                                      {0}};

const struct choice query_key_norm_choices[] = {
    {"none", QK_NORM_NONE, "none"},
    {"head", QK_NORM_HEAD, "of each head, weights shared by all heads"},
    {"heads", QK_NORM_HEADS, "weights for all heads' elements"},
    {0}};

const struct choice router_choices[] = {{"learned", ROUTER_LEARNED, "a product with its input"},
                                        {"hash", ROUTER_HASH, "the token's number"},
                                        {0}};

const struct field indexer_fields[] = {
    PART(indexer, "heads", heads, "Heads that score the tokens."),
    PART(indexer, "head_size", head_size, "Elements of one, and of what is cached of a token."),
    PART(indexer, "top_k", top_k, "Tokens that attention reads."),
    EXTRA(indexer, "block", block,
          "Tokens that are chosen together by the best of them. Default: each by itself."),
    EXTRA(indexer, "pool", pool, "Tokens whose keys are scored as one. Default: each by itself."),
    {0}};

const struct field latent_fields[] = {
    PART(latent, "query_heads", query_heads, "Query heads of a layer."),
    EXTRA(latent, "query_rank", query_rank,
          "Elements that queries are projected through. Default: none, at once."),
    PART(latent, "kv_rank", kv_rank, "Elements of keys and values together, as they are cached."),
    EXTRA(
        latent, "rope_size", rope_size,
        "Elements of a key with a position, cached too, one for all heads; as many a query head."),
    PART(latent, "nope_size", nope_size, "Elements of a query and key head without a position."),
    PART(latent, "value_head_size", value_head_size, "Elements of a value's head."),
    {.key = "window",
     .kind = FIELD_TOKENS,
     FIELD_AT(latent, window),
     .doc = "The latest tokens that a query sees. Default: all."},
    FLAG(latent, "bias", bias, "Biases of the down and out projections."),
    FLAG(latent, "sinks", sinks, "A learned logit a head."),
    FLAG(latent, "gated_output", gated_output, "A gate for every element of the heads' results."),
    FLAG(latent, "head_gate", head_gate, "A gate for every head's result."),
    FLAG(latent, "rope_norm", rope_norm, "A norm of the keys' part with a position."),
    {.key = "indexer",
     .kind = FIELD_MAPPING,
     FIELD_AT(latent, indexer),
     .fields = indexer_fields,
     .doc = "What chooses the tokens that attention reads (DeepSeek sparse attention)."},
    {0}};

const struct field compressed_fields[] = {
    PART(compressed, "query_heads", query_heads, "Query heads; there is one key and value head."),
    PART(compressed, "head_size", head_size, "Elements of a head, and of a cached entry."),
    PART(compressed, "rope_size", rope_size, "Of them, those with a position."),
    PART(compressed, "query_rank", query_rank, "Elements that queries are projected through."),
    PART(compressed, "out_groups", out_groups, "Groups of heads that are projected out apart ..."),
    PART(compressed, "out_rank", out_rank, "... to so many elements each."),
    EXTRA(compressed, "ratio", ratio,
          "Tokens of one compressed entry. Default: none, the window alone."),
    {.key = "window",
     .kind = FIELD_TOKENS,
     FIELD_AT(compressed, window),
     .required = true,
     .min = 1,
     .doc = "The latest tokens, kept uncompressed."},
    {.key = "indexer",
     .kind = FIELD_MAPPING,
     FIELD_AT(compressed, indexer),
     .fields = indexer_fields,
     .doc = "What chooses the entries that attention reads."},
    {0}};

const struct field delta_fields[] = {
    PART(delta, "key_heads", key_heads, "Query and key heads."),
    PART(delta, "value_heads", value_heads, "Value heads, each with a state."),
    PART(delta, "key_size", key_size, "Elements of a query's and key's head."),
    PART(delta, "value_size", value_size, "Elements of a value's head."),
    PART(delta, "convolution", convolution, "Taps of the convolution of queries, keys, values."),
    FLAG(delta, "channel_decay", channel_decay,
         "A decay for every channel of the keys (Kimi). Default: one a head."),
    EXTRA(delta, "decay_rank", decay_rank, "Elements that it is projected through. Default: none."),
    EXTRA(delta, "gate_rank", gate_rank,
          "Elements that the output gate is projected through. Default: none."),
    {0}};

const struct field state_space_fields[] = {
    PART(state_space, "heads", heads, "Heads; the inner width is heads x head_size."),
    PART(state_space, "head_size", head_size, "Elements of a head; 1 in Mamba."),
    PART(state_space, "state_size", state_size, "Elements of the state for each inner element."),
    PART(state_space, "convolution", convolution, "Taps of the convolution."),
    EXTRA(state_space, "groups", groups, "Mamba-2: groups of heads that share B and C."),
    EXTRA(state_space, "step_rank", step_rank,
          "Mamba: elements that the step is projected through. Default: none, Mamba-2."),
    FLAG(state_space, "bias", bias, "A bias of the projection in."),
    FLAG(state_space, "out_bias", out_bias, "A bias of the projection out."),
    FLAG(state_space, "convolution_bias", convolution_bias, "A bias of the convolution."),
    FLAG(state_space, "norm", norm,
         "A norm: in Mamba-2 of the gated output, in Mamba of step, B and C (Jamba)."),
    {0}};

const struct field linear_fields[] = {
    PART(linear_attention, "heads", heads, "Heads, each with a state."),
    PART(linear_attention, "head_size", head_size, "Elements of a head; its state has the square."),
    {0}};

const struct field recurrent_fields[] = {
    PART(recurrent, "width", width, "Elements of the state."),
    PART(recurrent, "heads", heads, "Blocks of the gates' products."),
    PART(recurrent, "convolution", convolution, "Taps of the convolution."),
    {0}};

const struct field convolution_fields[] = {
    PART(convolution, "width", width, "Channels."),
    PART(convolution, "taps", taps, "Taps of the convolution."),
    FLAG(convolution, "bias", bias, "Biases of convolution and projections."),
    {0}};
