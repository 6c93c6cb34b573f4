/* SPDX-License-Identifier: MIT */
#include "models/architecture/weights.h"

#include "models/numeric/whole.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

void weights_add(struct weight_list *list, struct weight weight)
{
    assert(list->count < WEIGHT_LIST_MAX && "a part has more tensors than WEIGHT_LIST_MAX");
    list->items[list->count++] = weight;
}

void weights_vector(struct weight_list *list, const char *name, uint64_t columns)
{
    weights_add(list, (struct weight){.name = name, .pieces = {{.columns = columns}}, .depth = 1});
}

void weights_product(struct weight_list *list, const char *name, uint64_t columns, uint64_t depth)
{
    weights_add(
        list, (struct weight){
                  .name = name, .pieces = {{.columns = columns}}, .depth = depth, .product = true});
}

const struct weight *weights_find(const struct weight_list *list, const char *name)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

/* Of `elements` that are cut by whole heads, those of the fullest rank. */
static uint64_t cut(uint64_t elements, uint32_t heads, uint32_t ranks)
{
    return heads == 0 ? divide_up(elements, ranks) : divide_up(heads, ranks) * (elements / heads);
}

uint64_t weight_piece_columns(const struct weight *weight, uint32_t piece, uint32_t ranks)
{
    const struct weight_piece *it = &weight->pieces[piece];
    return weight->split == SPLIT_COLUMNS ? cut(it->columns, it->heads, ranks) : it->columns;
}

uint64_t weight_columns(const struct weight *weight, uint32_t ranks)
{
    uint64_t columns = 0;
    for (uint32_t i = 0; i < WEIGHT_MAX_PIECES && weight->pieces[i].columns > 0; i++) {
        columns += weight_piece_columns(weight, i, ranks);
    }
    return columns;
}

uint64_t weight_depth(const struct weight *weight, uint32_t ranks)
{
    return weight->split == SPLIT_DEPTH ? cut(weight->depth, weight->depth_heads, ranks)
                                        : weight->depth;
}

static double elements_of_one(const struct weight *weight)
{
    return (double)weight_columns(weight, 1) * (double)weight->depth;
}

double weight_elements(const struct weight *weight)
{
    double copies = weight->experts.count > 0 ? weight->experts.count : 1.0;
    return weight->borrowed ? 0.0 : copies * elements_of_one(weight);
}

double weight_active_elements(const struct weight *weight)
{
    double copies = weight->experts.count > 0 ? weight->experts.per_token : 1.0;
    return copies * elements_of_one(weight);
}
