/* SPDX-License-Identifier: MIT
 * The parts that a model's layers may have, but for grouped-query attention: choices and sizes. */
#include "sim/scenario/llm_rows.h"

/* --- sizes: of mixer.h, SIZES_OF_NAME --- */

#define NEED(type, member, text)                                                                   \
    {.key = #member,                                                                               \
     .kind = FIELD_COUNT,                                                                          \
     FIELD_AT(type, member),                                                                       \
     .required = true,                                                                             \
     .min = 1,                                                                                     \
     .max = 16777216,                                                                              \
     .doc = (text)},
#define MAY(type, member, text)                                                                    \
    {.key = #member, .kind = FIELD_COUNT, FIELD_AT(type, member), .max = 16777216, .doc = (text)},
#define FLAG(type, member, text)                                                                   \
    {.key = #member, .kind = FIELD_BOOLEAN, FIELD_AT(type, member), .doc = (text)},
#define NEED_TOKENS(type, member, text)                                                            \
    {.key = #member,                                                                               \
     .kind = FIELD_TOKENS,                                                                         \
     FIELD_AT(type, member),                                                                       \
     .required = true,                                                                             \
     .min = 1,                                                                                     \
     .doc = (text)},
#define MAY_TOKENS(type, member, text)                                                             \
    {.key = #member, .kind = FIELD_TOKENS, FIELD_AT(type, member), .doc = (text)},
#define INDEXER(type, member, text)                                                                \
    {.key = #member,                                                                               \
     .kind = FIELD_MAPPING,                                                                        \
     FIELD_AT(type, member),                                                                       \
     .fields = indexer_fields,                                                                     \
     .doc = (text)},

const struct field indexer_fields[] = {
    NEED(indexer, heads, "Heads that score the tokens.")
        NEED(indexer, head_size, "Elements of one, and of what is cached of a token.")
            NEED(indexer, top_k, "Tokens that attention reads.")
                MAY(indexer, block,
                    "Tokens that are chosen together by the best of them. Default: each by itself.")
                    MAY(indexer, pool,
                        "Tokens whose keys are scored as one. Default: each by itself."){0}};

#define SIZE_FIELDS(member, stem, name, sentence)                                                  \
    const struct field stem##_fields[] = {                                                         \
        SIZES_OF_##stem(NEED, MAY, FLAG, NEED_TOKENS, MAY_TOKENS, INDEXER){0}};
MIXERS_OF_SIZES(SIZE_FIELDS)

#define FIELDS_OF_SIZES(member, stem, name, sentence) [member] = stem##_fields,
const struct field *const mixer_size_fields[MIXER_KIND_COUNT] = {MIXERS_OF_SIZES(FIELDS_OF_SIZES)};

/* --- choices --- */

const struct choice mixer_choices[] = {MIXERS(CHOICE_OF){0}};

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
