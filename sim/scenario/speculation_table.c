/* SPDX-License-Identifier: MIT
 * `service.speculation`: tokens that are guessed and verified together. */
#include "sim/scenario/scenario.h"
#include "sim/scenario/tables.h"

static const struct field rate_fields[] = {
    {.key = "rate",
     .kind = FIELD_NUMBER,
     FIELD_AT(acceptance, rate),
     .required = true,
     .max = 1,
     .doc = "Chance that a guess is right when all before it were."},
    {0}};

static const struct field rate_item = {
    .kind = FIELD_NUMBER, .size = sizeof(double), .max = 1, .doc = "A chance."};

static const struct field positions_fields[] = {
    {.key = "rates",
     .kind = FIELD_LIST,
     FIELD_AT(acceptance, rates),
     .count_offset = offsetof(struct acceptance, rate_count),
     .required = true,
     .min = 1,
     .max = 64,
     .item = &rate_item,
     .doc = "The same of the first guess, the second, ...: as many as `tokens`."},
    {0}};

static const struct field file_fields[] = {
    {.key = "file",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(acceptance, file),
     .required = true,
     .doc = "A text file with a whole number a line: tokens that a step of an engine gave, its own "
            "included, 1 to tokens + 1. Each is drawn alike often."},
    {0}};

#define ACCEPTANCE(text, kind, table, what)                                                        \
    {                                                                                              \
        .name = (text), .value = (kind), .fields = (table),                                        \
        .offset = offsetof(struct speculation, acceptance), .doc = (what)                          \
    }

static const struct variant acceptance_variants[] = {
    ACCEPTANCE("rate", ACCEPTANCE_RATE, rate_fields, "The same for every guess."),
    ACCEPTANCE("positions", ACCEPTANCE_POSITIONS, positions_fields, "One for each place."),
    ACCEPTANCE("file", ACCEPTANCE_FILE, file_fields, "As an engine's own steps were."),
    {0}};

#define COMMON_ROWS                                                                                \
    {.key = "tokens",                                                                              \
     .kind = FIELD_COUNT,                                                                          \
     FIELD_AT(speculation, tokens),                                                                \
     .required = true,                                                                             \
     .max = 15,                                                                                    \
     .doc =                                                                                        \
         "Guessed at once, and verified in one step with the token before them. 0: who guesses "   \
         "lies there, and is not asked."},                                                         \
    {                                                                                              \
        .key = "acceptance", .kind = FIELD_TAGGED, FIELD_AT(speculation, acceptance_kind),         \
        .required = true, .variants = acceptance_variants, .doc = "How many guesses come true."    \
    }

static const struct field model_fields[] = {
    COMMON_ROWS,
    {.key = "model",
     .kind = FIELD_MAPPING,
     FIELD_AT(speculation, draft),
     .required = true,
     .fields = llm_fields,
     .shorthand = "use",
     .folder = "models/llm",
     .doc = "The model that guesses, of the same vocabulary; on the same GPUs and in the same "
            "formats."},
    {0}};

#define HEAD_LAYERS                                                                                \
    {                                                                                              \
        .key = "layers", .kind = FIELD_COUNT, FIELD_AT(speculation, layers), .min = 1, .max = 16,  \
        .fallback = "1",                                                                           \
        .doc = "Layers of the head, each like the model's last with one dense block."              \
    }

static const struct field eagle_fields[] = {COMMON_ROWS, HEAD_LAYERS, {0}};

static const struct field tree_fields[] = {
    COMMON_ROWS,
    HEAD_LAYERS,
    {.key = "nodes",
     .kind = FIELD_COUNT,
     FIELD_AT(speculation, nodes),
     .required = true,
     .min = 1,
     .max = 255,
     .doc = "Guesses that a step verifies, of all branches: SGLang's "
            "--speculative-num-draft-tokens less one. `tokens` is how deep the tree is."},
    {.key = "width",
     .kind = FIELD_COUNT,
     FIELD_AT(speculation, width),
     .required = true,
     .min = 1,
     .max = 64,
     .doc = "Branches that each pass of the head follows: SGLang's --speculative-eagle-topk."},
    {0}};

static const struct field streams_fields[] = {
    COMMON_ROWS,
    {.key = "layers",
     .kind = FIELD_COUNT,
     FIELD_AT(speculation, layers),
     .required = true,
     .min = 1,
     .max = 1024,
     .doc = "The model's last ones, in which a token has streams beside it."},
    {0}};

static const struct field mtp_fields[] = {COMMON_ROWS, {0}};

static const struct field ngram_fields[] = {COMMON_ROWS,
                                            {.key = "lookup",
                                             .kind = FIELD_SECONDS,
                                             FIELD_AT(speculation, lookup_seconds),
                                             .max = 1,
                                             .fallback = "0 s",
                                             .doc = "Of the host, before each step."},
                                            {0}};

#define PROPOSER(text, kind, table, what)                                                          \
    {                                                                                              \
        .name = (text), .value = (kind), .fields = (table),                                        \
        .offset = offsetof(struct service, speculation), .doc = (what)                             \
    }

const struct variant speculation_variants[] = {
    PROPOSER("draft-model", PROPOSER_MODEL, model_fields, "A smaller model of the same tokens."),
    PROPOSER(
        "eagle", PROPOSER_EAGLE, eagle_fields,
        "A layer that continues the model's own features; embedding and head are the model's."),
    PROPOSER("mtp", PROPOSER_MTP, mtp_fields,
             "The model's own layer for multi-token prediction (model.multi_token_prediction)."),
    PROPOSER("ngram", PROPOSER_NGRAM, ngram_fields,
             "What followed the same words before, looked up by the host."),
    PROPOSER("tree", PROPOSER_TREE, tree_fields,
             "A head like eagle's that follows several branches; the tree's likeliest nodes are "
             "verified together."),
    PROPOSER("streams", PROPOSER_STREAMS, streams_fields,
             "The model itself, by streams beside each token in its last layers (speculative "
             "streaming)."),
    {0}};
