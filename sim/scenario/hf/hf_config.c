/* SPDX-License-Identifier: MIT */
#include "sim/scenario/hf/hf_config.h"

#include "sim/base/suggest.h"
#include "sim/base/text.h"
#include "sim/scenario/hf/hf_families.h"
#include "sim/scenario/hf/hf_inert.h"
#include "sim/scenario/hf/hf_quantisation.h"
#include "sim/scenario/hf/hf_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LAYERS = 10000 };

bool hf_config_is(const struct node *root)
{
    return node_get(root, "schema") == NULL &&
           (node_get(root, "model_type") != NULL || node_get(root, "text_config") != NULL ||
            node_get(root, "architectures") != NULL);
}

/* A scalar's text; "" when there is none. */
static const char *text_of(const struct node *mapping, const char *key)
{
    const struct node *node = node_get(mapping, key);
    return node != NULL && node->kind == NODE_SCALAR ? node->text : "";
}

/* The mapping of the text model: the root, or the part of a model of several senses that holds it.
 */
static const struct node *text_part(const struct expansion *expansion, const struct node *root)
{
    static const char *const wrappers[] = {"text_config",    "llm_config",     "language_config",
                                           "thinker_config", "language_model", "lm_config"};
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        const struct node *part = node_get(root, wrappers[i]);
        if (part == NULL || part->kind != NODE_MAPPING || part->count == 0) {
            continue;
        }
        diagnostics_add(expansion->diagnostics, SEVERITY_NOTE, part->mark,
                        "%s: the text model is read from here; what sees and hears beside it is "
                        "not modelled",
                        wrappers[i]);
        return strcmp(wrappers[i], "thinker_config") == 0 ? text_part(expansion, part) : part;
    }
    return root;
}

/* Wrappers leave out the text model's type where it is their own. */
static const char *type_of(const struct node *root, const struct node *text)
{
    const char *type = text_of(text, "model_type");
    return type[0] != '\0' ? type : text_of(root, "model_type");
}

/* What an unknown family's layers are taken for. */
static const struct hf_family *family_by_keys(const struct node *text)
{
    static const struct hf_family latent = {.type = "latent attention", .layer = hf_deepseek_layer};
    static const struct hf_family delta = {.type = "gated delta rule",
                                           .traits = HF_QK_HEAD | HF_GATED_OUTPUT,
                                           .layer = hf_qwen3_next_layer};
    static const struct hf_family plain = {.type = "attention"};
    return node_get(text, "kv_lora_rank") != NULL             ? &latent
           : node_get(text, "linear_num_value_heads") != NULL ? &delta
                                                              : &plain;
}

/* Keys that say what an unknown family's layers would need and its reader does not know. */
static bool is_beyond_keys(struct hf_reader *reader)
{
    static const struct {
        const char *key, *what;
    } mechanisms[] = {
        {"mamba_d_state|ssm_state_size|state_size|mamba_num_heads", "state-space layers"},
        {"linear_attn_config|attn_type_list|lru_width|conv_L_cache", "linear or recurrent layers"},
        {"hc_mult", "hyper-connections"},
        {"is_encoder_decoder", "an encoder beside its decoder"},
        {"block_configs", "layers that differ each from the other (searched or pruned)"},
    };
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        const struct node *node = hf_node(reader, mechanisms[i].key);
        bool off = node != NULL && node->kind == NODE_SCALAR && strcmp(node->text, "false") == 0;
        if (node != NULL && !off) {
            size_t length = strcspn(mechanisms[i].key, "|");
            hf_refuse(
                reader,
                arena_printf(reader->expansion->arena, "%.*s", (int)length, mechanisms[i].key),
                arena_printf(reader->expansion->arena,
                             "the model has %s, and its family is none whose order of layers "
                             "cpsim knows; write a YAML file with kinds and a stack (cpsim "
                             "describe model)",
                             mechanisms[i].what));
            return true;
        }
    }
    return false;
}

static void warn_of_family(struct hf_reader *reader, const char *type)
{
    struct arena *arena = reader->expansion->arena;
    struct suggestion suggestion = {.word = type};
    for (size_t i = 0; i < hf_family_count; i++) {
        suggestion_consider(&suggestion, hf_families[i].type);
    }
    const char *hint = suggestion.best == NULL
                           ? ""
                           : arena_printf(arena, " (did you mean '%s'?)", suggestion.best);
    const struct node *node = node_get(reader->text, "model_type");
    diagnostics_add(reader->expansion->diagnostics, SEVERITY_WARNING,
                    node == NULL ? reader->text->mark : node->mark,
                    "model_type: '%.60s' is not a family that cpsim knows%s; its layers are read "
                    "by their keys as %s, without norms of queries and keys or biases that the "
                    "file does not name",
                    type, hint, reader->family->type);
}

/* Keys that nobody asked for and that are not known to change nothing. */
static void warn_of_keys(struct hf_reader *reader)
{
    struct text list = {.arena = reader->expansion->arena};
    const struct node_entry *first = NULL;
    for (size_t i = 0; i < reader->text->count; i++) {
        const struct node_entry *entry = &reader->text->entries[i];
        const struct node *value = entry->value;
        bool nothing = value->kind == NODE_SCALAR &&
                       (value->text[0] == '\0' || strcmp(value->text, "null") == 0 ||
                        strcmp(value->text, "false") == 0 || strcmp(value->text, "0") == 0);
        bool empty = value->kind != NODE_SCALAR && value->count == 0;
        if (reader->asked[i] || nothing || empty || hf_is_inert(entry->key)) {
            continue;
        }
        text_print(&list, "%s%.60s", first == NULL ? "" : ", ", entry->key);
        first = first == NULL ? entry : first;
    }
    if (first != NULL) {
        diagnostics_add(reader->expansion->diagnostics, SEVERITY_WARNING, first->key_mark,
                        "cpsim does not know what these keys change, and leaves them out: %s",
                        list.bytes);
    }
}

static void put_text(struct hf_reader *reader, struct node *model, const char *key,
                     const char *names, const char *text)
{
    const struct node *node = names == NULL ? NULL : hf_node(reader, names);
    struct mark mark = node != NULL ? node->mark : reader->text->mark;
    node_put(reader->expansion->arena, model, key, mark,
             node_scalar(reader->expansion->arena, text, mark, ORIGIN_DATA));
}

static void put_count(struct hf_reader *reader, struct node *model, const char *key,
                      const char *names, uint64_t value, const char *unit)
{
    if (value > 0) {
        put_text(reader, model, key, names,
                 arena_printf(reader->expansion->arena, "%" PRIu64 "%s", value, unit));
    }
}

static void put_flag(struct hf_reader *reader, struct node *model, const char *key, bool value)
{
    if (value) {
        put_text(reader, model, key, NULL, "true");
    }
}

static const char *const LAYERS = "num_hidden_layers|n_layer|n_layers|num_layers";
static const char *const HIDDEN = "hidden_size|n_embd|d_model";
static const char *const VOCABULARY = "vocab_size|padded_vocab_size";
static const char *const TIED = "tie_word_embeddings|tie_embedding";
static const char *const CONTEXT =
    "max_position_embeddings|n_positions|max_seq_len|seq_length|max_sequence_length|"
    "model_max_length";
static const char *const GUESSES =
    "num_nextn_predict_layers|num_mtp_layers|mtp_num_layers|mtp_num_hidden_layers|num_mtp_modules";

/* Layers are as many as their list, where the number is not said (Nemotron-H). */
static uint32_t count_layers(struct hf_reader *reader)
{
    const struct node *list = hf_node(reader, "layers_block_type");
    const struct node *pattern = hf_node(reader, "hybrid_override_pattern");
    uint32_t listed = list != NULL && list->kind == NODE_LIST ? (uint32_t)list->count : 0;
    if (listed == 0 && pattern != NULL && pattern->kind == NODE_SCALAR) {
        listed = (uint32_t)strlen(pattern->text);
    }
    return hf_count(reader, LAYERS, listed);
}

static void write_model(struct hf_reader *reader, struct node *model)
{
    unsigned traits = reader->family->traits;
    const struct llm *llm = reader->llm;
    put_count(reader, model, "layers", LAYERS, reader->layers, "");
    put_count(reader, model, "hidden", HIDDEN, reader->hidden, "");
    put_count(reader, model, "vocabulary", VOCABULARY, hf_count(reader, VOCABULARY, 0), "");
    put_text(reader, model, "tied_embedding", TIED,
             hf_flag(reader, TIED, false) && (traits & HF_UNTIED) == 0 ? "true" : "false");
    put_count(reader, model, "embedding_size", NULL, llm->embedding_size, "");
    uint32_t table = (traits & HF_POSITIONS) != 0 ? hf_count(reader, CONTEXT, 0) : 0;
    put_count(reader, model, "positions", NULL, llm->positions > 0 ? llm->positions : table, "");
    put_count(reader, model, "layer_embeddings", NULL, llm->layer_embeddings, "");
    put_count(reader, model, "layer_vocabulary", NULL, llm->layer_vocabulary, "");
    put_count(reader, model, "other_weights", NULL, llm->other_weights, "");
    put_flag(reader, model, "head_bias",
             (traits & HF_HEAD_BIAS) != 0 || hf_flag(reader, "lm_head_bias", false) ||
                 ((traits & HF_HEAD_USE_BIAS) != 0 && hf_flag(reader, "use_bias", false)));
    put_flag(reader, model, "embedding_norm", (traits & HF_EMBEDDING_NORM) != 0);
    put_flag(reader, model, "no_final_norm", llm->no_final_norm);
    put_count(reader, model, "multi_token_prediction", GUESSES, hf_count(reader, GUESSES, 0), "");
    put_count(reader, model, "context", CONTEXT, hf_count(reader, CONTEXT, 0), " tokens");
}

static void stamp(struct node *node, const char *source)
{
    node->source = source;
    for (size_t i = 0; i < node->count; i++) {
        stamp(node->kind == NODE_LIST ? node->items[i] : node->entries[i].value, source);
    }
}

/* .../Qwen3-32B/config.json is best called Qwen3-32B. */
static const char *name_of(struct arena *arena, const char *path)
{
    const char *directory = file_directory(arena, path);
    bool plain = strcmp(file_name(path), "config.json") == 0 && strcmp(directory, ".") != 0 &&
                 strcmp(directory, "..") != 0;
    return plain ? file_name(directory) : file_stem(arena, path);
}

/* A word of layer_types that no reader knows is no layer to guess at. */
static void check_layer_type(struct hf_reader *reader)
{
    static const char *const known =
        "full_attention|attention|full|global|global_attention|sliding_attention|sliding|local|"
        "local_attention|chunked_attention|linear_attention|mamba|mamba2|conv|hybrid|moe|mlp|"
        "recurrent|indexed_attention|minimax_m3_sparse|heavily_compressed_attention|"
        "compressed_sparse_attention";
    const char *type = hf_layer_type(reader);
    if (type != NULL && !hf_type_is(reader, known)) {
        hf_refuse(reader, hf_has(reader, "layer_types") ? "layer_types" : "layers_block_type",
                  arena_printf(reader->expansion->arena,
                               "'%.60s' is a kind of layer that cpsim does not know", type));
    }
}

static struct llm_keys *read_layers(struct hf_reader *reader)
{
    uint32_t layers = reader->layers > 0 ? reader->layers : 1;
    struct llm_keys *keys = ARENA_ARRAY(reader->expansion->arena, struct llm_keys, layers);
    for (uint32_t i = 0; i < layers && !reader->failed; i++) {
        reader->layer = i;
        check_layer_type(reader);
        (reader->family->layer == NULL ? hf_standard_layer : reader->family->layer)(reader,
                                                                                    &keys[i]);
    }
    reader->layer = 0;
    return keys;
}

/* The family, by its name or by the keys; false after a refusal. */
static bool choose_family(struct hf_reader *reader, const char *type)
{
    reader->family = hf_family_find(type);
    if (reader->family == NULL) {
        reader->family = family_by_keys(reader->text);
        if (hf_refusal(type) != NULL) {
            hf_refuse(reader, NULL, hf_refusal(type));
        } else if (!is_beyond_keys(reader)) {
            warn_of_family(reader, type);
        }
    }
    return !reader->failed;
}

struct node *hf_config_model(const struct expansion *expansion, const struct node *root,
                             const char *path)
{
    struct arena *arena = expansion->arena;
    struct llm llm = {.name = NULL};
    const struct node *text = text_part(expansion, root);
    struct hf_reader reader = {.expansion = expansion,
                               .text = text,
                               .asked = ARENA_ARRAY(arena, bool, text->count + 1),
                               .path = path,
                               .llm = &llm};
    if (!choose_family(&reader, type_of(root, text))) {
        return NULL;
    }
    reader.layers = count_layers(&reader);
    reader.hidden = hf_count(&reader, HIDDEN, 0);
    if (reader.layers > MOST_LAYERS) {
        hf_refuse(&reader, NULL, "more than 10000 layers; is num_hidden_layers right?");
        return NULL;
    }
    if (reader.family->model != NULL) {
        reader.family->model(&reader);
    }
    struct node *model = node_mapping(arena, root->mark, ORIGIN_DATA);
    struct llm_keys *keys = read_layers(&reader);
    if (!reader.failed) {
        write_model(&reader, model);
        hf_write_layers(&reader, model, keys);
        hf_quantisation(&reader, root, model);
        warn_of_keys(&reader);
    }
    if (reader.failed) {
        return NULL;
    }
    stamp(model, arena_printf(arena, "%s", path));
    struct mark mark = reader.text->mark;
    node_put(arena, model, "schema", mark, node_scalar(arena, "1", mark, ORIGIN_DATA));
    node_put(arena, model, "name", mark,
             node_scalar(arena, name_of(arena, path), mark, ORIGIN_DATA));
    if (reader.family->type != NULL) {
        node_put(arena, model, "family", mark,
                 node_scalar(arena, reader.family->type, mark, ORIGIN_DATA));
    }
    return model;
}
