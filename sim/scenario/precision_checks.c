/* SPDX-License-Identifier: MIT */
#include "sim/scenario/precision_checks.h"

#include "models/numeric/whole.h"
#include "sim/scenario/checker.h"

#include <string.h>

#define COMPLAIN(checker, path, ...)                                                               \
    DIAGNOSE_ERROR((checker)->diagnostics, mark_of(checker, path), __VA_ARGS__)

/* Whether a value was read; if not, it has been complained about. */
static bool key_is_known(const struct checker *checker, const char *path, const char *key)
{
    const struct node *node =
        node_find(checker->tree, arena_printf(checker->arena, "%s.%s", path, key));
    return node != NULL && node->accepted;
}

/* The largest power of two up to 128 that divides all of them, which is what kernels are written
 * for. */
static unsigned largest_block(const uint64_t *elements, size_t count)
{
    unsigned block = 128;
    for (size_t i = 0; i < count; i++) {
        while (elements[i] % block != 0) {
            block /= 2;
        }
    }
    return block;
}

static void check_block(const struct checker *checker, const char *path, const char *of,
                        uint64_t elements, uint32_t block, unsigned hint)
{
    if (elements == 0 || elements % block == 0) {
        return;
    }
    COMPLAIN(checker, arena_printf(checker->arena, "%s.block", path),
             "%s.block: %u does not divide the %llu elements of %s; try %u", path, block,
             (unsigned long long)elements, of, hint);
}

/* Whether scales are asked for where there must be some, and only there. */
static bool check_scaling(const struct checker *checker, const char *path, struct number number,
                          bool optional)
{
    if (!key_is_known(checker, path, "format") || !key_is_known(checker, path, "scaling") ||
        !key_is_known(checker, path, "block")) {
        return false;
    }
    const char *name = format_name(number.format);
    bool scaled = number.scaling != SCALING_NONE;
    if (format_own_block(number.format) > 0 && scaled) {
        COMPLAIN(checker, path, "%s: %s has scales of its own, one for each %u; leave scaling out",
                 path, name, format_own_block(number.format));
        return false;
    }
    bool narrow = format_bytes(number.format) < 2.0 && format_own_block(number.format) == 0;
    if (narrow && !scaled && !optional) {
        COMPLAIN(checker, path,
                 "%s: %s needs 'scaling: tensor', 'scaling: row' or 'scaling: block'", path, name);
        return false;
    }
    if (!narrow && scaled) {
        COMPLAIN(checker, path, "%s: %s takes no scaling", path, name);
        return false;
    }
    if ((number.scaling == SCALING_BLOCK) != (number.block > 0)) {
        COMPLAIN(checker, path,
                 number.block > 0 ? "%s: a block of %u is only used with 'scaling: block'"
                                  : "%s: 'scaling: block' needs 'block: N', such as 128",
                 path, number.block);
        return false;
    }
    return true;
}

/* `depths`: elements along the depth of the products with these weights, on all ranks. */
static void check_number(const struct checker *checker, const char *path, struct number number,
                         const char *const *of, const uint64_t *depths, size_t count)
{
    if (!check_scaling(checker, path, number, false)) {
        return;
    }
    uint32_t block =
        number.scaling == SCALING_BLOCK ? number.block : format_own_block(number.format);
    for (size_t i = 0; block > 0 && i < count; i++) {
        check_block(checker, path, of[i], depths[i], block, largest_block(depths, count));
    }
}

/* What a message calls a tensor whose rows blocks divide. */
static const char *row_of(struct arena *arena, const char *tensor)
{
    static const struct {
        const char *part, *text;
    } names[] = {{"qkv", "a row of the query, key and value projections"},
                 {"out", "a row of the output projection"},
                 {"up", "a row of the gate and up projections"},
                 {"down", "a row of the down projection"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(tensor), tail = strlen(names[i].part);
        if (length >= tail && strcmp(tensor + length - tail, names[i].part) == 0) {
            return names[i].text;
        }
    }
    return arena_printf(arena, "a row of '%s'", tensor);
}

/* Of all products of a class in a kind of layer. A rank's share of a row may end within a block:
 * engines fill it up. */
static void check_class(const struct checker *checker, const char *path, struct number number,
                        const struct weight_list *list, enum weight_class class)
{
    const char *of[WEIGHT_LIST_MAX];
    uint64_t depths[WEIGHT_LIST_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct weight *weight = &list->items[i];
        if (weight->product && weight->class == class) {
            of[count] = row_of(checker->arena, weight->name);
            depths[count++] = weight_depth(weight, 1);
        }
    }
    check_number(checker, path, number, of, depths, count);
}

static void check_weights(const struct checker *checker)
{
    const struct llm *llm = &checker->scenario->llm;
    const struct precision *precision = &checker->scenario->precision;
    for (uint32_t i = 0; i < llm->stack.kind_count; i++) {
        struct weight_list list;
        layer_kind_weights(&llm->stack.kinds[i], llm->hidden, &list);
        check_class(checker, "precision.attention_weights", precision->attention_weights, &list,
                    WEIGHT_ATTENTION);
        check_class(checker, "precision.ffn_weights", precision->ffn_weights, &list, WEIGHT_FFN);
    }
    const char *const embedding_of[] = {"a row of the embedding"};
    const uint64_t embedding_depths[] = {llm->hidden};
    check_number(checker, "precision.embedding", precision->embedding, embedding_of,
                 embedding_depths, 1);
}

/* The rows of a cache that have scales of their own: a head's keys or values. */
static void check_cache_blocks(const struct checker *checker, const char *path, uint32_t block)
{
    const struct stack *stack = &checker->scenario->llm.stack;
    for (uint32_t i = 0; i < stack->kind_count; i++) {
        for (uint32_t j = 0; j < stack->kinds[i].mixer_count; j++) {
            const struct mixer *mixer = &stack->kinds[i].mixers[j];
            struct mixer_cache cache = mixer_rows[mixer->kind]->cache(mixer);
            double rows =
                (cache.heads > 0 ? cache.heads : 1.0) * (cache.rows > 0 ? cache.rows : 1.0);
            uint64_t head = (uint64_t)(cache.token_elements / rows);
            if (head > 0) {
                check_block(checker, path, "a head", head, block, largest_block(&head, 1));
            }
        }
    }
}

static void check_cache(const struct checker *checker)
{
    const struct precision *precision = &checker->scenario->precision;
    static const char path[] = "precision.kv_cache";
    struct number number = {.format = precision->kv_cache,
                            .scaling = precision->kv_scaling,
                            .block = precision->kv_block};
    if (key_is_known(checker, path, "format") && number.format == FORMAT_TERNARY) {
        COMPLAIN(checker, arena_printf(checker->arena, "%s.format", path),
                 "%s.format: ternary is a format of weights; expected 4 bits or more, such as fp8",
                 path);
        return;
    }
    /* fp8 keys and values are often stored as they are: vLLM's default scale is 1. */
    bool unscaled_fp8 = number.format == FORMAT_FP8 || number.format == FORMAT_FP8_E5M2;
    if (check_scaling(checker, path, number, unscaled_fp8) && number.scaling == SCALING_BLOCK) {
        check_cache_blocks(checker, path, number.block);
    }
    enum format compute = precision->attention_compute;
    if (compute != FORMAT_UNSET && number.format != FORMAT_UNSET && format_bits(compute) < 16.0 &&
        !format_holds(compute, number.format)) {
        COMPLAIN(checker, "precision.attention_compute",
                 "precision.attention_compute: %s cannot hold the KV cache's %s; expected auto or "
                 "a wider format, or set 'kv_cache: %s' too",
                 format_name(compute), format_name(number.format), format_name(compute));
    }
}

/* The narrowest format that a class of tensor has been trained or sent in. */
static void check_least(const struct checker *checker, const char *key, enum format format,
                        double least_bits, const char *why)
{
    if (format != FORMAT_UNSET && format_bits(format) < least_bits) {
        const char *path = arena_printf(checker->arena, "precision.%s", key);
        COMPLAIN(checker, path, "%s: %s makes no sense: %s; expected %s", path, format_name(format),
                 why,
                 least_bits > 8.0 ? "16 bits or more: bf16, fp16 or fp32"
                                  : "8 bits or more: fp8, int8, bf16, fp16 or fp32");
    }
}

static void check_states(const struct checker *checker)
{
    const struct precision *precision = &checker->scenario->precision;
    check_least(checker, "activations", precision->activations, 8.0,
                "every layer adds to the residual stream");
    check_least(checker, "attention_compute", precision->attention_compute, 8.0,
                "no kernel multiplies attention's scores so");
    check_least(checker, "master_weights", precision->master_weights, 16.0,
                "an update is a thousandth of a weight and would be rounded away");
    if (precision->second_moment != FORMAT_INT8) { /* numbers of a codebook, scaled by block */
        check_least(checker, "second_moment", precision->second_moment, 16.0,
                    "squares of gradients leave the range (arXiv 2310.18313, section 2.2)");
    }
    check_least(checker, "first_moment", precision->first_moment, 8.0,
                "steps would lose their direction");
    check_least(checker, "gradients", precision->gradients, 8.0,
                "small gradients would be rounded away");
    check_least(checker, "gradient_reduce", precision->gradient_reduce, 8.0,
                "sums over replicas would be rounded away");
    check_least(checker, "weight_gather", precision->weight_gather, 8.0,
                "the weights are computed with as they arrive");
    check_least(checker, "tensor_collectives", precision->tensor_collectives, 8.0,
                "sums over ranks would be rounded away");
}

void precision_check(const struct scenario *scenario, struct node *tree, struct arena *arena,
                     struct diagnostics *diagnostics)
{
    struct checker checker = {
        .scenario = scenario, .tree = tree, .arena = arena, .diagnostics = diagnostics};
    check_weights(&checker);
    check_cache(&checker);
    check_states(&checker);
    unsigned layers = scenario->llm.stack.layers, edge = scenario->precision.edge_layers_high;
    if (layers > 0 && 2 * edge > layers) {
        COMPLAIN(&checker, "precision.edge_layers_high",
                 "precision.edge_layers_high: %u first and %u last are more than the model's %u "
                 "layers",
                 edge, edge, layers);
    }
}
