/* SPDX-License-Identifier: MIT */
#include "sim/scenario/hf/hf_write.h"

#include "sim/config/field_write.h"
#include "sim/scenario/tables.h"

#include <string.h>

enum { LONGEST_PATTERN = 32 };

struct writing {
    struct hf_reader *reader;
    struct arena *arena;
    struct mark mark; /* of values that are made of several */
    const struct llm_keys *layers;
    uint32_t *kind_of;      /* [reader->layers] */
    struct llm_keys *kinds; /* [count] */
    uint32_t count;
};

/* Where our keys are said, for marks: a complaint points at the line of the config.json. */
static const struct {
    const char *key, *theirs;
} said[] = {
    {"query_heads", "num_attention_heads|n_head|n_heads|num_heads"},
    {"kv_heads", "num_key_value_heads|num_kv_heads|num_attention_heads|n_head"},
    {"head_size", "head_dim|kv_channels"},
    {"ffn_hidden", "moe_intermediate_size|intermediate_size|ffn_dim|n_inner|ffn_hidden_size"},
    {"experts", "n_routed_experts|num_local_experts|num_experts|moe_num_experts"},
    {"experts_per_token", "num_experts_per_tok|num_experts_per_token|moe_topk|moe_k"},
    {"shared_ffn_hidden", "shared_expert_intermediate_size|n_shared_experts|num_shared_experts"},
    {"window", "sliding_window"},
};

static struct mark mark_of(const struct writing *writing, const char *key)
{
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        const struct node *node =
            strcmp(said[i].key, key) == 0 ? hf_node(writing->reader, said[i].theirs) : NULL;
        if (node != NULL) {
            return node->mark;
        }
    }
    return writing->mark;
}

static bool same_kind(const struct llm_keys *left, const struct llm_keys *right)
{
    for (const struct field *field = llm_kind_fields; field->key != NULL; field++) {
        if (strcmp(field->key, "name") != 0 && !field_same(field, left, right)) {
            return false;
        }
    }
    return true;
}

static void find_kinds(struct writing *writing, uint32_t layers)
{
    for (uint32_t i = 0; i < layers; i++) {
        uint32_t kind = 0;
        while (kind < writing->count && !same_kind(&writing->kinds[kind], &writing->layers[i])) {
            kind++;
        }
        if (kind == writing->count) {
            writing->kinds[writing->count++] = writing->layers[i];
        }
        writing->kind_of[i] = kind;
    }
}

static const char *gqa_word(const struct llm_keys *keys)
{
    return keys->chunk > 0               ? "chunked"
           : keys->window > 0            ? "sliding"
           : keys->mixer_beside > 0      ? "hybrid"
           : keys->gqa.indexer.heads > 0 ? "sparse"
                                         : "full";
}

static const char *compressed_word(const struct llm_keys *keys)
{
    return keys->compressed.ratio == 0          ? "window"
           : keys->compressed.indexer.heads > 0 ? "sparse"
                                                : "compressed";
}

/* What people call layers of a mixer, where it is not the mixer's name. */
static const char *mixer_word(const struct llm_keys *keys)
{
    enum mixer_kind mixer = keys->mixer;
    return mixer == MIXER_GQA                                        ? gqa_word(keys)
           : mixer == MIXER_COMPRESSED                               ? compressed_word(keys)
           : mixer == MIXER_LATENT && keys->latent.indexer.heads > 0 ? "sparse"
           : mixer == MIXER_NONE                                     ? "block"
           : mixer == MIXER_DELTA                                    ? "linear"
           : mixer == MIXER_STATE_SPACE                              ? "mamba"
                                                                     : mixer_kind_name(mixer);
}

static bool is_taken(const struct writing *writing, uint32_t before, const char *name)
{
    for (uint32_t i = 0; i < before; i++) {
        if (strcmp(writing->kinds[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* "full", or where others attend as it does "full-dense", "full-experts", then with a number. */
static void name_kinds(struct writing *writing)
{
    for (uint32_t i = 0; i < writing->count; i++) {
        struct llm_keys *keys = &writing->kinds[i];
        const char *word = mixer_word(keys);
        bool alone = true;
        for (uint32_t k = 0; k < writing->count; k++) {
            alone &= k == i || strcmp(mixer_word(&writing->kinds[k]), word) != 0;
        }
        const char *half = keys->experts.count > 0 ? "experts" : "dense";
        const char *name = alone ? word
                           : keys->mixer == MIXER_NONE
                               ? half
                               : arena_printf(writing->arena, "%s-%s", word, half);
        const char *base = name;
        for (unsigned number = 2; is_taken(writing, i, name); number++) {
            name = arena_printf(writing->arena, "%s-%u", base, number);
        }
        keys->name = name;
    }
}

static bool is_common(const struct writing *writing, const struct field *field)
{
    for (uint32_t i = 1; i < writing->count; i++) {
        if (!field_same(field, &writing->kinds[0], &writing->kinds[i])) {
            return false;
        }
    }
    return true;
}

static void put(const struct writing *writing, struct node *to, const struct field *field,
                const struct llm_keys *keys, bool always)
{
    struct mark mark = mark_of(writing, field->key);
    struct node *value = field_write(writing->arena, field, keys, mark);
    if (value == NULL && always && field->kind == FIELD_BOOLEAN) {
        value = node_scalar(writing->arena, "false", mark, ORIGIN_DATA);
    }
    if (value != NULL) {
        node_put(writing->arena, to, field->key, mark, value);
    }
}

static struct node *list_of(const struct writing *writing)
{
    struct node *list = node_mapping(writing->arena, writing->mark, ORIGIN_DATA);
    list->kind = NODE_LIST;
    return list;
}

static void append(struct arena *arena, struct node *list, struct node *item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        struct node **items = ARENA_ARRAY(arena, struct node *, capacity);
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof(struct node *));
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

static void write_kinds(const struct writing *writing, struct node *model)
{
    struct node *kinds = list_of(writing);
    for (uint32_t i = 0; i < writing->count; i++) {
        struct node *item = node_mapping(writing->arena, writing->mark, ORIGIN_DATA);
        node_put(writing->arena, item, "name", writing->mark,
                 node_scalar(writing->arena, writing->kinds[i].name, writing->mark, ORIGIN_DATA));
        for (const struct field *field = llm_kind_fields; field->key != NULL; field++) {
            if (strcmp(field->key, "name") != 0 && !is_common(writing, field)) {
                put(writing, item, field, &writing->kinds[i], true);
            }
        }
        append(writing->arena, kinds, item);
    }
    node_put(writing->arena, model, "kinds", writing->mark, kinds);
}

/* How often the `length` layers from `from` on come again behind them. */
static uint32_t repeats(const struct writing *writing, uint32_t from, uint32_t length)
{
    uint32_t layers = writing->reader->layers, count = 1;
    while (from + (count + 1) * length <= layers &&
           memcmp(&writing->kind_of[from], &writing->kind_of[from + count * length],
                  length * sizeof(uint32_t)) == 0) {
        count++;
    }
    return count;
}

/* The pattern from here on that covers most with least: a layer covered twice is worth one said. */
static uint32_t best_length(const struct writing *writing, uint32_t from)
{
    uint32_t best = 1, left = writing->reader->layers - from;
    long best_worth = (long)repeats(writing, from, 1) - 1;
    for (uint32_t length = 2; length <= LONGEST_PATTERN && 2 * length <= left; length++) {
        uint32_t count = repeats(writing, from, length);
        long worth = (long)count * length - length;
        if (count > 1 && worth > best_worth + (long)(length - best)) {
            best = length;
            best_worth = worth;
        }
    }
    return best;
}

static void add_run(const struct writing *writing, struct node *stack, uint32_t from,
                    uint32_t length, uint32_t count)
{
    struct arena *arena = writing->arena;
    struct node *run = node_mapping(arena, writing->mark, ORIGIN_DATA);
    struct node *pattern = list_of(writing);
    for (uint32_t i = 0; i < length; i++) {
        append(arena, pattern,
               node_scalar(arena, writing->kinds[writing->kind_of[from + i]].name, writing->mark,
                           ORIGIN_DATA));
    }
    node_put(arena, run, "pattern", writing->mark, pattern);
    node_put(arena, run, "repeat", writing->mark,
             node_scalar(arena, arena_printf(arena, "%u", count), writing->mark, ORIGIN_DATA));
    append(arena, stack, run);
}

static void write_stack(const struct writing *writing, struct node *model)
{
    struct node *stack = list_of(writing);
    uint32_t layers = writing->reader->layers;
    for (uint32_t from = 0; from < layers;) {
        uint32_t length = best_length(writing, from), count = repeats(writing, from, length);
        if (count == 1) { /* layers that do not repeat, together until some do */
            uint32_t to = from + 1;
            while (to < layers && to - from < LONGEST_PATTERN &&
                   repeats(writing, to, best_length(writing, to)) == 1) {
                to++;
            }
            length = to - from;
        }
        add_run(writing, stack, from, length, count);
        from += length * count;
    }
    node_put(writing->arena, model, "stack", writing->mark, stack);
}

void hf_write_layers(struct hf_reader *reader, struct node *model, struct llm_keys *keys)
{
    struct arena *arena = reader->expansion->arena;
    uint32_t layers = reader->layers > 0 ? reader->layers : 1;
    const struct node *type = node_get(reader->text, "model_type");
    struct writing writing = {.reader = reader,
                              .arena = arena,
                              .mark = type != NULL ? type->mark : reader->text->mark,
                              .layers = keys,
                              .kind_of = ARENA_ARRAY(arena, uint32_t, layers),
                              .kinds = ARENA_ARRAY(arena, struct llm_keys, layers)};
    reader->layer = 0;
    find_kinds(&writing, layers);
    if (writing.count > STACK_MAX_KINDS) {
        hf_refuse(reader, NULL,
                  arena_printf(arena,
                               "its layers are of %u kinds, and cpsim has room for %d; a model "
                               "whose layers all differ (pruned or searched) is not modelled",
                               writing.count, STACK_MAX_KINDS));
        return;
    }
    for (const struct field *field = llm_kind_fields; field->key != NULL; field++) {
        if (strcmp(field->key, "name") != 0 && is_common(&writing, field)) {
            bool has_default =
                strcmp(field->key, "gated_ffn") == 0 || strcmp(field->key, "parallel_blocks") == 0;
            put(&writing, model, field, &writing.kinds[0], has_default);
        }
    }
    if (writing.count > 1) {
        name_kinds(&writing);
        write_kinds(&writing, model);
        write_stack(&writing, model);
    }
}
