/* SPDX-License-Identifier: MIT */
#include "sim/scenario/hf_config.h"

#include "sim/base/suggest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Families whose layer is the one that models/passes/transformer.h builds. What their code does:
 * huggingface/transformers, src/transformers/models/TYPE/modeling_TYPE.py (MLP and DecoderLayer).
 */
struct family {
    const char *type;
    bool gated, parallel_blocks, experts;
    bool tied; /* unless tie_word_embeddings says otherwise */
};

static const struct family families[] = {
    {.type = "llama", .gated = true},
    {.type = "mistral", .gated = true},
    {.type = "qwen2", .gated = true},
    {.type = "qwen3", .gated = true},
    {.type = "phi3", .gated = true},
    {.type = "granite", .gated = true},
    {.type = "olmo2", .gated = true},
    {.type = "gemma", .gated = true, .tied = true},
    {.type = "cohere", .gated = true, .parallel_blocks = true, .tied = true},
    {.type = "nemotron"},
    {.type = "starcoder2"},
    {.type = "opt", .tied = true},
    {.type = "gpt2", .tied = true},
    {.type = "gpt_neox", .parallel_blocks = true},
    {.type = "mixtral", .gated = true, .experts = true},
    {.type = "qwen2_moe", .gated = true, .experts = true},
    {.type = "qwen3_moe", .gated = true, .experts = true},
    {.type = "olmoe", .gated = true, .experts = true},
};

/* A key of ours, and those that say it in one family or another, most common first. */
struct translation {
    const char *key, *theirs[4];
};

static const struct translation translations[] = {
    {.key = "layers", .theirs = {"num_hidden_layers", "n_layer"}},
    {.key = "hidden", .theirs = {"hidden_size", "n_embd"}},
    {.key = "ffn_hidden",
     .theirs = {"moe_intermediate_size", "intermediate_size", "ffn_dim", "n_inner"}},
    {.key = "experts", .theirs = {"num_local_experts", "num_experts"}},
    {.key = "experts_per_token", .theirs = {"num_experts_per_tok"}},
    {.key = "shared_ffn_hidden", .theirs = {"shared_expert_intermediate_size"}},
    {.key = "query_heads", .theirs = {"num_attention_heads", "n_head"}},
    {.key = "kv_heads", .theirs = {"num_key_value_heads", "num_attention_heads", "n_head"}},
    {.key = "head_size", .theirs = {"head_dim"}},
    {.key = "vocabulary", .theirs = {"vocab_size"}},
    {.key = "tied_embedding", .theirs = {"tie_word_embeddings"}},
};

/* What would make the step another one. A number above `harmless`, or a text, is refused. */
struct refusal {
    const char *key, *what;
    long harmless;
    const char *unless; /* a key that must be true for it to matter */
    bool of_dense;      /* families with experts are meant to have it */
};

static const struct refusal refusals[] = {
    {.key = "num_local_experts",
     .what = "experts of an unknown kind",
     .harmless = 1,
     .of_dense = true},
    {.key = "num_experts", .what = "experts of an unknown kind", .harmless = 1, .of_dense = true},
    {.key = "n_routed_experts", .what = "experts of an unknown kind", .harmless = 1},
    {.key = "decoder_sparse_step", .what = "layers with experts and without", .harmless = 1},
    {.key = "first_k_dense_replace", .what = "layers with experts and without"},
    {.key = "kv_lora_rank", .what = "multi-head latent attention"},
    {.key = "sliding_window",
     .what = "attention in a sliding window",
     .harmless = 0,
     .unless = "use_sliding_window"},
};

bool hf_config_is(const struct node *root)
{
    return node_get(root, "model_type") != NULL && node_get(root, "schema") == NULL;
}

/* A scalar that says something: JSON's null says nothing. */
static const struct node *said(const struct node *root, const char *key)
{
    const struct node *node = node_get(root, key);
    bool null = node != NULL && node->kind == NODE_SCALAR && !node->quoted &&
                (strcmp(node->text, "null") == 0 || node->text[0] == '\0');
    return null ? NULL : node;
}

static bool is_true(const struct node *node)
{
    return node != NULL && node->kind == NODE_SCALAR && strcmp(node->text, "true") == 0;
}

static const struct family *family_of(const struct expansion *expansion, const struct node *root)
{
    const struct node *type = node_get(root, "model_type");
    const char *text = type->kind == NODE_SCALAR ? type->text : "";
    struct suggestion suggestion = {.word = text};
    const char *list = "";
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (strcmp(families[i].type, text) == 0) {
            return &families[i];
        }
        suggestion_consider(&suggestion, families[i].type);
        list = arena_printf(expansion->arena, "%s%s%s", list, i == 0 ? "" : ", ", families[i].type);
    }
    const char *hint =
        suggestion.best == NULL
            ? ""
            : arena_printf(expansion->arena, " (did you mean '%s'?)", suggestion.best);
    DIAGNOSE_ERROR(
        expansion->diagnostics, type->mark,
        "model_type: '%.100s' is not a family whose layers are known%s; expected one of: "
        "%s. If its layers are like theirs, write a YAML file (cpsim describe model)",
        text, hint, list);
    return NULL;
}

static bool refused(const struct expansion *expansion, const struct family *family,
                    const struct node *root)
{
    bool any = false;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *row = &refusals[i];
        const struct node *node = said(root, row->key);
        const struct node *unless = row->unless == NULL ? NULL : said(root, row->unless);
        bool off = row->unless != NULL && unless != NULL && !is_true(unless);
        if (node == NULL || node->kind != NODE_SCALAR || off ||
            (row->of_dense && family->experts) || strtol(node->text, NULL, 10) <= row->harmless) {
            continue;
        }
        DIAGNOSE_ERROR(expansion->diagnostics, node->mark,
                       "%s: the model has %s, which cpsim does not model", row->key, row->what);
        any = true;
    }
    return any;
}

static void put_copy(struct arena *arena, struct node *model, const char *key,
                     const struct node *value)
{
    node_put(arena, model, key, value->mark, node_copy(arena, value));
}

static void put_text(struct arena *arena, struct node *model, const char *key, const char *text,
                     struct mark mark)
{
    node_put(arena, model, key, mark, node_scalar(arena, text, mark, ORIGIN_DATA));
}

static uint64_t count_of(const struct node *model, const char *key)
{
    const struct node *node = node_get(model, key);
    return node == NULL || node->kind != NODE_SCALAR ? 0 : strtoull(node->text, NULL, 10);
}

/* What the published configurations leave to their code. */
static void fill_in(struct arena *arena, struct node *model, const struct family *family,
                    struct mark mark)
{
    uint64_t hidden = count_of(model, "hidden"), heads = count_of(model, "query_heads");
    if (node_get(model, "head_size") == NULL && heads > 0 && hidden % heads == 0) {
        put_text(arena, model, "head_size", arena_printf(arena, "%" PRIu64, hidden / heads), mark);
    }
    if (node_get(model, "ffn_hidden") == NULL && !family->gated && hidden > 0) {
        put_text(arena, model, "ffn_hidden", arena_printf(arena, "%" PRIu64, 4 * hidden), mark);
    }
    if (node_get(model, "tied_embedding") == NULL) {
        put_text(arena, model, "tied_embedding", family->tied ? "true" : "false", mark);
    }
    put_text(arena, model, "gated_ffn", family->gated ? "true" : "false", mark);
    put_text(arena, model, "parallel_blocks", family->parallel_blocks ? "true" : "false", mark);
}

/* .../Qwen3-32B/config.json is best called Qwen3-32B. */
static const char *name_of(struct arena *arena, const char *path)
{
    const char *directory = file_directory(arena, path);
    bool plain = strcmp(file_name(path), "config.json") == 0 && strcmp(directory, ".") != 0;
    return plain ? file_name(directory) : file_stem(arena, path);
}

struct node *hf_config_model(const struct expansion *expansion, const struct node *root,
                             const char *path)
{
    struct arena *arena = expansion->arena;
    const struct family *family = family_of(expansion, root);
    if (family == NULL || refused(expansion, family, root)) {
        return NULL;
    }
    struct mark mark = node_get(root, "model_type")->mark;
    struct node *model = node_mapping(arena, root->mark, ORIGIN_DATA);
    for (size_t i = 0; i < sizeof translations / sizeof translations[0]; i++) {
        const struct translation *row = &translations[i];
        for (size_t k = 0; k < 4 && row->theirs[k] != NULL; k++) {
            const struct node *value = said(root, row->theirs[k]);
            if (value != NULL) {
                put_copy(arena, model, row->key, value);
                break;
            }
        }
    }
    fill_in(arena, model, family, mark);
    const char *source = arena_printf(arena, "%s", path);
    for (size_t i = 0; i < model->count; i++) {
        model->entries[i].value->source = source;
    }
    put_text(arena, model, "schema", "1", mark);
    put_text(arena, model, "name", name_of(arena, path), mark);
    return model;
}
