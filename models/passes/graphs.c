/* SPDX-License-Identifier: MIT */
#include "models/passes/graphs.h"

uint64_t graphs_size(const struct graph_sizes *sizes, uint64_t tokens)
{
    uint64_t multiple = sizes->multiple_tokens, size = 1;
    if (multiple == 0) {
        return tokens;
    }
    if (tokens <= multiple) {
        while (size < tokens) {
            size *= 2;
        }
        return size < multiple ? size : multiple;
    }
    if (sizes->coarse_multiple_tokens > 0 && tokens > sizes->coarse_from_tokens) {
        multiple = sizes->coarse_multiple_tokens;
    }
    return (tokens + multiple - 1) / multiple * multiple;
}

bool graphs_narrow_experts(const struct replica *replica, const struct layer_kind *kind)
{
    return kind->ffn.kind == FFN_EXPERTS &&
           format_bytes(replica->precision->ffn_weights.format) < 1.0;
}

uint32_t graphs_largest(const struct replica *replica)
{
    const struct software *software = replica->software;
    const struct stack *stack = &replica->llm->stack;
    for (uint32_t i = 0; i < stack->kind_count && software->graphs.narrow_experts_tokens > 0; i++) {
        if (graphs_narrow_experts(replica, &stack->kinds[i])) {
            return software->graphs.narrow_experts_tokens;
        }
    }
    return software->piecewise_tokens;
}
