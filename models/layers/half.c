/* SPDX-License-Identifier: MIT */
#include "models/layers/half.h"

#include <assert.h>

static struct half_op *append(struct half *half, struct half_op op)
{
    assert(half->count < HALF_MAX_OPS && "half of a layer does more than HALF_MAX_OPS things");
    half->ops[half->count] = op;
    return &half->ops[half->count++];
}

struct half_op *half_product(struct half *half, const struct weight_list *list, const char *name,
                             bool fusible)
{
    const struct weight *weight = weights_find(list, name);
    assert(weight != NULL && "a product without weights");
    return append(half, (struct half_op){.kind = HALF_PRODUCT,
                                         .name = weight->name,
                                         .weight = *weight,
                                         .fusible = fusible,
                                         .again = AGAIN_NOT});
}

struct half_op *half_joined(struct half *half, const struct weight_list *list, const char *name,
                            const char *const names[], bool fusible)
{
    struct half_op *op = NULL;
    uint32_t pieces = 0;
    for (uint32_t i = 0; names[i] != NULL; i++) {
        const struct weight *weight = weights_find(list, names[i]);
        if (weight == NULL) {
            continue;
        }
        op = op == NULL ? half_product(half, list, names[i], fusible) : op;
        assert(weight->depth == op->weight.depth && "products of different inputs");
        for (uint32_t j = 0; j < WEIGHT_MAX_PIECES && weight->pieces[j].columns > 0; j++) {
            assert(pieces < WEIGHT_MAX_PIECES && "a product of too many tensors");
            op->weight.pieces[pieces++] = weight->pieces[j];
        }
    }
    op->name = op->weight.name = name;
    return op;
}

struct half_op *half_pointwise(struct half *half, const char *name, enum memory_kernel kernel,
                               uint64_t columns, double forward_bytes, double backward_bytes)
{
    return append(half, (struct half_op){.kind = HALF_POINTWISE,
                                         .name = name,
                                         .kernel = kernel,
                                         .columns = columns,
                                         .forward_bytes = forward_bytes,
                                         .backward_bytes = backward_bytes});
}

void half_core(struct half *half, const char *name, const struct mixer *mixer)
{
    append(half, (struct half_op){.kind = HALF_CORE, .name = name, .mixer = mixer});
}

uint32_t half_ranks(const struct replica *replica)
{
    return replica->layout->tensor;
}

struct number weight_number(const struct precision *precision, enum weight_class class)
{
    switch (class) {
    case WEIGHT_ATTENTION:
        return precision->attention_weights;
    case WEIGHT_FFN:
        return precision->ffn_weights;
    case WEIGHT_PLAIN:
    case WEIGHT_CLASS_COUNT:
        break;
    }
    return (struct number){.format = precision->activations};
}
