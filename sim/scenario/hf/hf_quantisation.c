/* SPDX-License-Identifier: MIT
 * What the keys mean: vLLM, model_executor/layers/quantization (one file a method); compressed-
 * tensors, quantization/quant_args.py; ModelOpt, torch/export. */
#include "sim/scenario/hf/hf_quantisation.h"

#include "sim/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Weights of a class, in the words of `precision`; NULL format: as they are without. */
struct kept {
    const char *format, *scaling;
    unsigned block;
    const char *inputs; /* NULL: as the format asks */
};

struct quantisation {
    struct hf_reader *reader;
    const struct node *config; /* the mapping that says it */
    const struct node *left;   /* modules that are left alone; NULL: none are named */
    struct kept kept;
    bool experts_alone; /* attention is left alone whatever the list says */
    const char *cache;  /* format of the KV cache; NULL: not said */
};

static const struct node *get(const struct node *mapping, const char *path)
{
    const struct node *node = mapping;
    for (const char *at = path; node != NULL && *at != '\0';) {
        char word[48];
        size_t length = strcspn(at, ".");
        if (length >= sizeof word) {
            return NULL;
        }
        memcpy(word, at, length);
        word[length] = '\0';
        node = node_get(node, word);
        at += length + (at[length] == '.');
    }
    return node;
}

static const char *text_of(const struct node *mapping, const char *path)
{
    const struct node *node = get(mapping, path);
    bool scalar = node != NULL && node->kind == NODE_SCALAR;
    return scalar && strcmp(node->text, "null") != 0 ? node->text : "";
}

static unsigned number_of(const struct node *mapping, const char *path, unsigned fallback)
{
    const char *text = text_of(mapping, path);
    long value = strtol(text, NULL, 10);
    return text[0] == '\0' || value < 0 ? fallback : (unsigned)value;
}

/* "FP8" is "fp8". */
static bool is_called(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        char letter = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
        if (letter != name[i]) {
            return false;
        }
    }
    return text[length] == '\0';
}

static struct kept fp8(const char *scaling, unsigned block)
{
    return (struct kept){.format = "fp8", .scaling = scaling, .block = block};
}

/* Weights alone, in runs of `block` along the depth; 0: a scale a row. */
static struct kept weights_alone(const char *format, unsigned block)
{
    return (struct kept){
        .format = format, .scaling = block > 0 ? "block" : "row", .block = block, .inputs = "bf16"};
}

static const struct kept nvfp4_alone = {.format = "nvfp4", .scaling = "none", .inputs = "bf16"};

static bool read_fp8(struct quantisation *it)
{
    const struct node *block = get(it->config, "weight_block_size");
    bool blocks = block != NULL && block->kind == NODE_LIST && block->count == 2;
    unsigned size = blocks ? (unsigned)strtoul(block->items[1]->text, NULL, 10) : 0;
    it->kept = size > 0 ? fp8("block", size) : fp8("tensor", 0);
    return true;
}

static bool read_bits(struct quantisation *it)
{
    unsigned bits = number_of(it->config, "bits", number_of(it->config, "w_bit", 4));
    const char *group = text_of(it->config, "group_size");
    unsigned size = group[0] == '-' ? 0
                                    : number_of(it->config, "group_size",
                                                number_of(it->config, "q_group_size", 128));
    it->kept = weights_alone(bits == 8 ? "int8" : "int4", size);
    return bits == 4 || bits == 8;
}

static bool read_mxfp4(struct quantisation *it)
{
    it->kept = (struct kept){.format = "mxfp4", .scaling = "none"};
    it->experts_alone = true;
    return true;
}

static bool read_bitsandbytes(struct quantisation *it)
{
    bool eight = strcmp(text_of(it->config, "load_in_8bit"), "true") == 0;
    it->kept = eight ? (struct kept){.format = "int8", .scaling = "row"} : weights_alone("fp4", 64);
    return true;
}

static bool read_modelopt_algorithm(struct quantisation *it, const char *algorithm)
{
    unsigned group = number_of(it->config, "group_size", 0);
    if (is_called(algorithm, "fp8")) {
        it->kept = fp8("tensor", 0);
    } else if (is_called(algorithm, "fp8_pb_wo") || is_called(algorithm, "fp8_block_scales") ||
               is_called(algorithm, "fp8_pb_real")) {
        it->kept = fp8("block", 128);
    } else if (is_called(algorithm, "fp8_per_channel_per_token")) {
        it->kept = fp8("row", 0);
    } else if (is_called(algorithm, "nvfp4") || is_called(algorithm, "nvfp4_awq") ||
               is_called(algorithm, "w4a16_nvfp4")) {
        it->kept = nvfp4_alone;
    } else if (is_called(algorithm, "w4a16_mxfp4") || is_called(algorithm, "mxfp4")) {
        it->kept = (struct kept){.format = "mxfp4", .scaling = "none"};
    } else if (is_called(algorithm, "w4a16_awq") || is_called(algorithm, "w4a8_awq") ||
               is_called(algorithm, "int4_awq") || is_called(algorithm, "w4a16_gptq")) {
        it->kept = weights_alone("int4", group > 0 ? group : 128);
    } else if (is_called(algorithm, "int8_sq") || is_called(algorithm, "w8a8_sq_per_channel")) {
        it->kept = (struct kept){.format = "int8", .scaling = "row"};
    } else {
        return false;
    }
    return true;
}

/* The first of config_groups: what its weights are, and whether their inputs are narrow too. */
static bool read_compressed(struct quantisation *it)
{
    const struct node *groups = get(it->config, "config_groups");
    const struct node *group = groups != NULL && groups->kind == NODE_MAPPING && groups->count > 0
                                   ? groups->entries[0].value
                                   : NULL;
    const struct node *inputs = group == NULL ? NULL : node_get(group, "input_activations");
    unsigned bits = number_of(group, "weights.num_bits", 0);
    unsigned size = number_of(group, "weights.group_size", 0);
    const char *type = text_of(group, "weights.type");
    const char *strategy = text_of(group, "weights.strategy");
    bool floats = strcmp(type, "float") == 0, alone = inputs == NULL || inputs->count == 0;
    const struct node *block = get(group, "weights.block_structure");
    if (bits == 8 && floats && strcmp(strategy, "block") == 0) {
        bool listed = block != NULL && block->kind == NODE_LIST && block->count == 2;
        it->kept = fp8("block", listed ? (unsigned)strtoul(block->items[1]->text, NULL, 10) : 128);
    } else if (bits == 8 && floats) {
        it->kept = fp8(strcmp(strategy, "tensor") == 0 ? "tensor" : "row", 0);
    } else if (bits == 8) {
        it->kept =
            alone ? weights_alone("int8", size) : (struct kept){.format = "int8", .scaling = "row"};
    } else if (bits == 4) {
        it->kept = weights_alone(floats ? "fp4" : "int4", size);
        if (floats && size == 32) { /* scales of a power of two: MXFP4 */
            it->kept = (struct kept){.format = "mxfp4", .scaling = "none"};
        } else if (floats && size == 16) {
            it->kept = nvfp4_alone;
        }
    }
    if (alone && bits == 8 && floats) {
        it->kept.inputs = "bf16";
    }
    return it->kept.format != NULL;
}

static bool read_rows(struct quantisation *it)
{
    it->kept = fp8("row", 0);
    return true;
}

static bool read_modelopt(struct quantisation *it)
{
    const char *algorithm = text_of(it->config, "quant_algo");
    return algorithm[0] == '\0' ? get(it->config, "config_groups") != NULL && read_compressed(it)
                                : read_modelopt_algorithm(it, algorithm);
}

static const struct method {
    const char *name;
    bool (*read)(struct quantisation *it);
} methods[] = {
    {"fp8", read_fp8},
    {"fbgemm_fp8", read_rows},
    {"ptpc_fp8", read_rows},
    {"compressed-tensors", read_compressed},
    {"modelopt", read_modelopt},
    {"modelopt_fp4", read_modelopt},
    {"modelopt_mixed", read_modelopt},
    {"gptq", read_bits},
    {"gptq_marlin", read_bits},
    {"awq", read_bits},
    {"awq_marlin", read_bits},
    {"auto-round", read_bits},
    {"auto_round", read_bits},
    {"mxfp4", read_mxfp4},
    {"bitsandbytes", read_bitsandbytes},
};

/* The number behind "layers." or "h."; -1: none. */
static long layer_of(const char *module)
{
    const char *at = strstr(module, "layers.");
    char *end = NULL;
    long layer = at == NULL ? -1 : strtol(at + 7, &end, 10);
    return at == NULL || end == at + 7 ? -1 : layer;
}

/* Whether so many of the layers' modules of a kind are named that the kind is left alone: by a
 * pattern for all, or in half of the layers one by one. */
static bool is_left(const struct quantisation *it, const char *const *words, size_t count)
{
    uint32_t named = 0;
    long last = -1;
    for (size_t i = 0; it->left != NULL && i < it->left->count; i++) {
        const struct node *item = it->left->items[i];
        bool matches = false;
        for (size_t k = 0; k < count && item->kind == NODE_SCALAR; k++) {
            matches |= strstr(item->text, words[k]) != NULL;
        }
        if (!matches || strstr(item->text, "norm") != NULL) {
            continue;
        }
        long layer = layer_of(item->text);
        if (layer < 0) {
            return true;
        }
        named += layer != last;
        last = layer;
    }
    return it->reader->layers > 0 && 2 * named >= it->reader->layers;
}

static bool leaves_attention(const struct quantisation *it)
{
    static const char *const words[] = {"self_attn", "attention", "q_proj", "qkv_proj", "o_proj"};
    return it->experts_alone || is_left(it, words, sizeof words / sizeof *words);
}

static bool leaves_blocks(const struct quantisation *it)
{
    static const char *const words[] = {"mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
                                        ".mlp*",         "mlp.experts", "gate_up_proj"};
    return !it->experts_alone && is_left(it, words, sizeof words / sizeof *words);
}

static void put(const struct quantisation *it, struct node *to, const char *key, const char *text)
{
    struct mark mark = it->config->mark;
    node_put(it->reader->expansion->arena, to, key, mark,
             node_scalar(it->reader->expansion->arena, text, mark, ORIGIN_DATA));
}

static void put_class(const struct quantisation *it, struct node *precision, const char *key)
{
    struct arena *arena = it->reader->expansion->arena;
    struct node *number = node_mapping(arena, it->config->mark, ORIGIN_DATA);
    put(it, number, "format", it->kept.format);
    put(it, number, "scaling", it->kept.scaling);
    if (it->kept.block > 0) {
        put(it, number, "block", arena_printf(arena, "%u", it->kept.block));
    }
    if (it->kept.inputs != NULL) {
        put(it, number, "inputs", it->kept.inputs);
    }
    node_put(arena, precision, key, it->config->mark, number);
}

static void write(const struct quantisation *it, struct node *model)
{
    struct arena *arena = it->reader->expansion->arena;
    struct node *precision = node_mapping(arena, it->config->mark, ORIGIN_DATA);
    if (it->kept.format != NULL && !leaves_attention(it)) {
        put_class(it, precision, "attention_weights");
    }
    if (it->kept.format != NULL && !leaves_blocks(it)) {
        put_class(it, precision, "ffn_weights");
    }
    if (it->cache != NULL) {
        struct node *cache = node_mapping(arena, it->config->mark, ORIGIN_DATA);
        put(it, cache, "format", it->cache);
        put(it, cache, "scaling", "tensor");
        node_put(arena, precision, "kv_cache", it->config->mark, cache);
    }
    if (precision->count > 0) {
        node_put(arena, model, "precision", it->config->mark, precision);
    }
}

static void find_cache(struct quantisation *it)
{
    const char *algorithm = text_of(it->config, "kv_cache_quant_algo");
    const char *type = text_of(it->config, "kv_cache_scheme.type");
    bool eight = number_of(it->config, "kv_cache_scheme.num_bits", 0) == 8;
    if (is_called(algorithm, "fp8") || (eight && strcmp(type, "float") == 0)) {
        it->cache = "fp8";
    } else if (is_called(algorithm, "int8") || eight) {
        it->cache = "int8";
    }
}

static void find_left(struct quantisation *it)
{
    static const char *const keys[] = {"ignore", "modules_to_not_convert", "ignored_layers",
                                       "exclude_modules"};
    for (size_t i = 0; it->left == NULL && i < sizeof keys / sizeof *keys; i++) {
        const struct node *list = node_get(it->config, keys[i]);
        it->left = list != NULL && list->kind == NODE_LIST ? list : NULL;
    }
}

static void read_config(struct quantisation *it, struct node *model)
{
    struct arena *arena = it->reader->expansion->arena;
    const char *name = text_of(it->config, "quant_method");
    bool modelopt = name[0] == '\0' && get(it->config, "quant_algo") != NULL;
    name = modelopt ? "modelopt" : name;
    find_left(it);
    find_cache(it);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, name) == 0) {
            bool cache_alone = strncmp(name, "modelopt", 8) == 0 && it->cache != NULL;
            if (methods[i].read(it) || cache_alone) {
                write(it, model);
                return;
            }
            break;
        }
    }
    const char *algorithm = text_of(it->config, "quant_algo");
    diagnostics_add(it->reader->expansion->diagnostics, SEVERITY_WARNING, it->config->mark,
                    "quantization_config: the form of '%.40s'%s is not known; weights are taken as "
                    "bf16 unless the scenario sets precision",
                    name, algorithm[0] == '\0' ? "" : arena_printf(arena, " %.40s", algorithm));
}

/* hf_quant_config.json beside the file: its `quantization`; NULL: there is none. */
static const struct node *config_beside(struct hf_reader *reader)
{
    struct arena *arena = reader->expansion->arena;
    const char *path = file_beside(arena, reader->path, "hf_quant_config.json");
    struct stat status;
    if (stat(path, &status) != 0) {
        return NULL;
    }
    const struct node *root = expand_read_file(reader->expansion, path, ORIGIN_DATA);
    const struct node *inside = root == NULL ? NULL : node_get(root, "quantization");
    return inside != NULL && inside->kind == NODE_MAPPING ? inside : NULL;
}

void hf_quantisation(struct hf_reader *reader, const struct node *root, struct node *model)
{
    const struct node *config = hf_node(reader, "quantization_config|compression_config");
    config = config == NULL ? node_get(root, "quantization_config") : config;
    config = config == NULL ? node_get(root, "compression_config") : config;
    if (config == NULL || config->kind != NODE_MAPPING || config->count == 0) {
        config = config_beside(reader);
    }
    if (config != NULL) {
        struct quantisation it = {.reader = reader, .config = config};
        read_config(&it, model);
    }
}
