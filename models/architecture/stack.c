/* SPDX-License-Identifier: MIT */
#include "models/architecture/stack.h"

#include <stddef.h>

uint32_t stack_kind(const struct stack *stack, uint32_t layer)
{
    for (uint32_t i = 0; i < stack->run_count; i++) {
        const struct layer_run *run = &stack->runs[i];
        uint32_t layers = run->kind_count * run->repeat;
        if (layer < layers) {
            return run->kinds[layer % run->kind_count];
        }
        layer -= layers;
    }
    return 0;
}

uint32_t stack_kind_layers(const struct stack *stack, uint32_t kind, uint32_t first, uint32_t end)
{
    if (stack->run_count == 0) {
        return kind == 0 && end > first ? end - first : 0;
    }
    uint32_t layers = 0;
    for (uint32_t layer = first; layer < end; layer++) {
        layers += stack_kind(stack, layer) == kind;
    }
    return layers;
}

uint32_t stack_nth_layer(const struct stack *stack, uint32_t kind, uint32_t first, uint32_t nth)
{
    if (stack->run_count == 0) {
        return first + nth < stack->layers ? first + nth : stack->layers;
    }
    for (uint32_t layer = first; layer < stack->layers; layer++) {
        if (stack_kind(stack, layer) == kind && nth-- == 0) {
            return layer;
        }
    }
    return stack->layers;
}

const struct gqa *stack_attention(const struct stack *stack)
{
    for (uint32_t i = 0; i < stack->kind_count; i++) {
        const struct layer_kind *kind = &stack->kinds[i];
        for (uint32_t j = 0; j < kind->mixer_count; j++) {
            if (kind->mixers[j].kind == MIXER_GQA) {
                return &kind->mixers[j].gqa;
            }
        }
    }
    return NULL;
}

/* What reads a half's input from the streams and writes its output to them (arXiv 2512.24880,
 * section 4): a product over all streams for the weights, a bias and a scale of each. */
static void stream_weights(const struct layer_kind *kind, uint32_t hidden, struct weight_list *list)
{
    uint32_t streams = kind->streams;
    uint64_t columns = (uint64_t)streams * (2 + (kind->streams_unmixed ? 0 : streams));
    for (uint32_t half = 0; half < 2; half++) {
        weights_product(list, half == 0 ? "mixer streams" : "ffn streams", columns,
                        (uint64_t)streams * hidden);
        weights_vector(list, half == 0 ? "mixer stream biases" : "ffn stream biases",
                       columns + (kind->streams_unmixed ? 2 : 3));
    }
}

void layer_kind_weights(const struct layer_kind *kind, uint32_t hidden, struct weight_list *list)
{
    list->count = 0;
    for (uint32_t i = 0; i < kind->mixer_count; i++) {
        mixer_rows[kind->mixers[i].kind]->weights(&kind->mixers[i], hidden, list);
    }
    ffn_rows[kind->ffn.kind].weights(&kind->ffn, hidden, list);
    ffn_rows[kind->beside.kind].weights(&kind->beside, hidden, list);
    if (kind->residual == RESIDUAL_HYPER) {
        stream_weights(kind, hidden, list);
    }
    for (uint32_t i = 0; i < LAYER_MAX_BRANCHES && kind->branch_ranks[i] > 0; i++) {
        weights_product(list, i == 0 ? "branch down" : "second branch down", kind->branch_ranks[i],
                        hidden);
        weights_product(list, i == 0 ? "branch up" : "second branch up", hidden,
                        kind->branch_ranks[i]);
    }
    if (kind->input_projection) {
        weights_product(list, "input projection", hidden, hidden);
    }
    if (kind->norms > 0) {
        weights_vector(list, "norms", (uint64_t)kind->norms * hidden * (kind->norm_bias ? 2 : 1));
    }
    if (kind->scalars > 0) {
        weights_vector(list, "scalars", kind->scalars);
    }
}
