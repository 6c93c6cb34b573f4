/* SPDX-License-Identifier: MIT
 * models/llm/ *.yaml: the architecture of a model. */
#include "models/architecture/llm.h"

#include "sim/scenario/llm_rows.h"
#include "sim/scenario/tables.h"

static const struct field super_weight_fields[] = {
    {.key = "layer",
     .kind = FIELD_COUNT,
     FIELD_AT(super_weight, layer),
     .required = true,
     .max = 100000,
     .doc = "Its layer, from 0."},
    {.key = "row",
     .kind = FIELD_COUNT,
     FIELD_AT(super_weight, row),
     .required = true,
     .max = 16777216,
     .doc = "Its row in the layer's down projection, below hidden."},
    {.key = "column",
     .kind = FIELD_COUNT,
     FIELD_AT(super_weight, column),
     .required = true,
     .max = 16777216,
     .doc = "Its column, below ffn_hidden."},
    {0}};

static const struct field super_weight_item = {.kind = FIELD_MAPPING,
                                               .size = sizeof(struct super_weight),
                                               .fields = super_weight_fields,
                                               .doc = "A super weight."};

static const struct field point_fields[] = {
    {.key = "elements",
     .kind = FIELD_NUMBER,
     FIELD_AT(int4_point, elements),
     .required = true,
     .min = 1,
     .max = 1e12,
     .doc = "Weights that share a scale."},
    {.key = "rounded",
     .kind = FIELD_NUMBER,
     FIELD_AT(int4_point, rounded),
     .required = true,
     .min = 0.01,
     .max = 100,
     .doc = "Accuracy of rounding to the nearest, per cent."},
    {.key = "kept",
     .kind = FIELD_NUMBER,
     FIELD_AT(int4_point, kept),
     .max = 100,
     .fallback = "0",
     .doc = "With super weights kept in 16 bits. 0: not measured."},
    {0}};

static const struct field point_item = {.kind = FIELD_MAPPING,
                                        .size = sizeof(struct int4_point),
                                        .fields = point_fields,
                                        .doc = "A measured size of blocks."};

static const struct field study_fields[] = {
    {.key = "original",
     .kind = FIELD_NUMBER,
     FIELD_AT(int4_study, original),
     .required = true,
     .min = 0.01,
     .max = 100,
     .doc = "Accuracy in 16 bits, per cent."},
    {.key = "blocks",
     .kind = FIELD_LIST,
     FIELD_AT(int4_study, points),
     .count_offset = offsetof(struct int4_study, count),
     .required = true,
     .min = 2,
     .max = 64,
     .item = &point_item,
     .doc = "Measured sizes of blocks, growing; between them it is interpolated, beyond never."},
    {0}};

#define IN_KIND(member) FIELD_AT(llm_keys, member)
#define UNSAID(text) .fallback = NULL
#define SIZES_IN_KIND(member, stem, name, sentence)                                                \
    LLM_PART(IN_KIND, name, stem, stem##_fields, "Sizes of mixer: " name "."),

const struct field llm_kind_fields[] = {{.key = "name",
                                         .kind = FIELD_NAME,
                                         FIELD_AT(llm_keys, name),
                                         .required = true,
                                         .doc = "What `stack` calls it."},
                                        LLM_FFN_ROWS(IN_KIND, UNSAID),
                                        LLM_HEAD_ROWS(IN_KIND),
                                        LLM_FLAG_ROWS(IN_KIND, UNSAID),
                                        LLM_BLOCK_ROWS(IN_KIND, UNSAID),
                                        LLM_ATTENTION_ROWS(IN_KIND),
                                        MIXERS_OF_SIZES(SIZES_IN_KIND) LLM_REST_ROWS(IN_KIND),
                                        {0}};

static const struct field kind_item = {.kind = FIELD_MAPPING,
                                       .size = sizeof(struct llm_keys),
                                       .fields = llm_kind_fields,
                                       .doc = "A kind of layers."};

static const struct field pattern_item = {
    .kind = FIELD_NAME, .size = sizeof(const char *), .doc = "The name of a kind."};

/* Read from the tree by llm_finish(). */
struct unread_run {
    const char **pattern;
    size_t count;
    uint32_t repeat;
};

static const struct field run_fields[] = {{.key = "pattern",
                                           .kind = FIELD_LIST,
                                           FIELD_AT(unread_run, pattern),
                                           .count_offset = offsetof(struct unread_run, count),
                                           .required = true,
                                           .min = 1,
                                           .max = 1024,
                                           .item = &pattern_item,
                                           .doc = "Kinds of layers, one after the other."},
                                          {.key = "repeat",
                                           .kind = FIELD_COUNT,
                                           FIELD_AT(unread_run, repeat),
                                           .min = 1,
                                           .max = 100000,
                                           .fallback = "1",
                                           .doc = "How often."},
                                          {0}};

static const struct field run_item = {.kind = FIELD_MAPPING,
                                      .size = sizeof(struct unread_run),
                                      .fields = run_fields,
                                      .doc = "Layers that repeat."};

#define IN_MODEL(member) FIELD_AT(llm, keys.member)
#define SIZES_IN_MODEL(member, stem, name, sentence)                                               \
    LLM_PART(IN_MODEL, name, stem, stem##_fields, "Sizes of mixer: " name "."),
#define SAID(text) .fallback = (text)

const char llm_example[] =
    "Layers that are not all alike are named in kinds, which take what they do not say from the\n"
    "top, and follow one another as stack says:\n"
    "  hidden: 2880\n"
    "  vocabulary: 201088\n"
    "  query_heads: 64\n"
    "  kv_heads: 8\n"
    "  head_size: 64\n"
    "  ffn_hidden: 2880\n"
    "  experts: 32\n"
    "  experts_per_token: 4\n"
    "  kinds:\n"
    "    - {name: sliding, window: 128 tokens}\n"
    "    - {name: full}\n"
    "  stack:\n"
    "    - {pattern: [sliding, full], repeat: 12}\n"
    "cpsim models NAME says what a model is: its stack, parameters, cache.\n";

const struct field llm_fields[] = {
    {.key = "name",
     .kind = FIELD_NAME,
     FIELD_AT(llm, name),
     .fallback = "inline",
     .doc = "What the summary and the trace call it. Default: the file's name."},
    {.key = "title", .kind = FIELD_STRING, .doc = "One line on what it is."},
    {.key = "hub",
     .kind = FIELD_STRING,
     .doc =
         "Its names on the Hugging Face hub, \"; \" between them: a scenario and a measured table "
         "may use one. Of a checkpoint in a format of its own the scenario's `precision` says so."},
    {.key = "family",
     .kind = FIELD_STRING,
     FIELD_AT(llm, family),
     .doc = "The `model_type` of its config.json: an engine chooses by it what the model runs in "
            "(`memory.newer` of a software file)."},
    {.key = "layers",
     .kind = FIELD_COUNT,
     FIELD_AT(llm, keys.layers),
     .min = 1,
     .max = 100000,
     .doc = "Layers. Default: as many as `stack` has."},
    {.key = "hidden",
     .kind = FIELD_COUNT,
     FIELD_AT(llm, hidden),
     .required = true,
     .min = 1,
     .max = 16777216,
     .doc = "Elements of a token's residual stream."},
    LLM_FFN_ROWS(IN_MODEL, SAID),
    LLM_HEAD_ROWS(IN_MODEL),
    {.key = "vocabulary",
     .kind = FIELD_COUNT,
     FIELD_AT(llm, vocabulary),
     .required = true,
     .min = 1,
     .max = 16777216,
     .doc = "Different tokens, so rows of the embedding."},
    LLM_FLAG_ROWS(IN_MODEL, SAID),
    {.key = "tied_embedding",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(llm, tied_embedding),
     .fallback = "false",
     .doc = "Whether the output head reuses the embedding's weights."},
    LLM_BLOCK_ROWS(IN_MODEL, SAID),
    LLM_ATTENTION_ROWS(IN_MODEL),
    MIXERS_OF_SIZES(SIZES_IN_MODEL) LLM_REST_ROWS(IN_MODEL),
    {.key = "embedding_size",
     .kind = FIELD_COUNT,
     FIELD_AT(llm, embedding_size),
     .max = 16777216,
     .doc = "Elements of the embedding's rows, projected to hidden and back (OPT-350M). Default: "
            "hidden."},
    {.key = "positions",
     .kind = FIELD_COUNT,
     FIELD_AT(llm, positions),
     .max = 16777216,
     .doc = "Rows of a table of learned positions. Default: none."},
    {.key = "layer_embeddings",
     .kind = FIELD_COUNT,
     FIELD_AT(llm, layer_embeddings),
     .max = 16777216,
     .doc = "Elements that a token has of its own in every layer (Gemma 3n and 4). Default: none."},
    {.key = "layer_vocabulary",
     .kind = FIELD_COUNT,
     FIELD_AT(llm, layer_vocabulary),
     .max = 16777216,
     .doc = "Tokens that have them."},
    {.key = "head_bias",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(llm, head_bias),
     .doc = "Whether the output head has a bias."},
    {.key = "embedding_norm",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(llm, embedding_norm),
     .doc = "Whether the embedding is normed (BLOOM)."},
    {.key = "no_final_norm",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(llm, no_final_norm),
     .doc = "Whether there is no norm before the output head (OPT-350M)."},
    {.key = "other_weights",
     .kind = FIELD_COUNT,
     FIELD_AT(llm, other_weights),
     .max = 1e15,
     .doc = "Weights beside layers, embeddings and norms. Default: none."},
    {.key = "multi_token_prediction",
     .kind = FIELD_COUNT,
     FIELD_AT(llm, multi_token_prediction),
     .max = 64,
     .doc = "Layers that guess the tokens after the next (arXiv 2404.19737). They are in no count; "
            "a service guesses with them (speculation), and training trains as many as "
            "`workload.multi_token_prediction` says."},
    {.key = "precision",
     .kind = FIELD_KEYS,
     .doc = "What the published weights are kept in, in the words of the scenario's `precision` (a "
            "preset's name, or its keys): what it is where the scenario does not say otherwise. "
            "Training does not follow it."},
    {.key = "context",
     .kind = FIELD_TOKENS,
     FIELD_AT(llm, context),
     .min = 1,
     .doc = "Positions that the model was made for: a service of longer requests is an error, a "
            "longer conversation a warning. Default: not said, no limit."},
    {.key = "kinds",
     .kind = FIELD_LIST,
     FIELD_AT(llm, kinds),
     .count_offset = offsetof(struct llm, kind_count),
     .max = STACK_MAX_KINDS,
     .item = &kind_item,
     .doc = "Kinds of layers, where they are not all alike. What a kind does not say is as at the "
            "top of the model."},
    {.key = "stack",
     .kind = FIELD_LIST,
     .max = 1024,
     .item = &run_item,
     .doc = "The layers from first to last: patterns of kinds that repeat. `layers`, where it is "
            "said too, takes the first so many."},
    {.key = "super_weights",
     .kind = FIELD_LIST,
     FIELD_AT(llm, super_weights),
     .count_offset = offsetof(struct llm, super_weight_count),
     .max = 64,
     .item = &super_weight_item,
     .doc = "Weights of down projections without which the model fails (arXiv 2411.07191): the "
            "summary says what keeping them in 16 bits costs."},
    {.key = "int4_accuracy",
     .kind = FIELD_MAPPING,
     FIELD_AT(llm, int4),
     .fields = study_fields,
     .doc = "Measured zero-shot accuracy with weights rounded to int4, by size of blocks."},
    {0}};
