/* SPDX-License-Identifier: MIT */
#include "models/layers/half.h"

#include "models/layers/exchange.h"
#include "models/numeric/whole.h"

#include <assert.h>
#include <math.h>

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

void half_exchange(struct half *half, struct experts experts, double elements, bool combine)
{
    append(half, (struct half_op){.kind = HALF_EXCHANGE,
                                  .name = combine ? "experts combine" : "experts dispatch",
                                  .experts = experts,
                                  .elements = elements,
                                  .combine = combine});
}

void half_host(struct half *half, const char *name, double seconds, double token_seconds)
{
    if (seconds > 0.0 || token_seconds > 0.0) {
        append(half, (struct half_op){.kind = HALF_HOST,
                                      .name = name,
                                      .seconds = seconds,
                                      .token_seconds = token_seconds});
    }
}

struct half_counts half_counts(const struct replica *replica, double tokens)
{
    return (struct half_counts){.own = tokens, .all = tokens * replica_token_ranks(replica)};
}

static double tokens_of(const struct replica *replica, const struct half_op *op,
                        struct half_counts counts)
{
    switch (op->tokens) {
    case TOKENS_SENT:
        return replica_own_tokens(replica, counts.own);
    case TOKENS_ALL:
        return counts.all;
    case TOKENS_ARRIVED:
        return exchange_arriving_tokens(replica, op->experts, counts.all);
    case TOKENS_ROWS:
        return experts_rows(op->experts, replica_routing(replica), counts.all);
    case TOKENS_OWN:
        break;
    }
    return counts.own;
}

uint64_t half_rows(const struct replica *replica, const struct half_op *op,
                   struct half_counts counts)
{
    double tokens = tokens_of(replica, op, counts);
    return (uint64_t)ceil(tokens - 1e-6) * (op->copies > 0 ? op->copies : 1);
}

uint64_t half_routed_rows(const struct replica *replica, const struct half_op *op,
                          struct half_counts counts)
{
    (void)replica;
    return (uint64_t)ceil(counts.all) * op->weight.experts.per_token;
}

uint32_t half_ranks(const struct replica *replica)
{
    return replica->layout->tensor;
}

uint32_t half_weight_ranks(const struct replica *replica, const struct weight *weight)
{
    return weight->experts.count > 0 ? layout_expert_cut(replica->layout) : half_ranks(replica);
}

double half_weight_copies(const struct replica *replica, const struct weight *weight)
{
    return weight->experts.count > 0 ? experts_held(weight->experts, replica_routing(replica))
                                     : 1.0;
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
