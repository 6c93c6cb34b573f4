/* SPDX-License-Identifier: MIT
 * Feed-forward blocks in a step program: one for all tokens, or experts. */
#include "models/layers/layer_builder.h"

void layer_dense_ffn(struct layer_builder *builder, struct number weights, uint32_t ffn_hidden)
{
    const struct llm *llm = builder->replica->llm;
    uint64_t columns = divide_up(ffn_hidden, builder->replica->layout->tensor);
    layer_linear(builder, llm->keys.gated_ffn ? "gate+up" : "up",
                 (llm->keys.gated_ffn ? 2 : 1) * columns, llm->hidden, weights, true);
    layer_memory(builder, "activation", MEMORY_SWIGLU, builder->tokens, columns,
                 (llm->keys.gated_ffn ? 3.0 : 2.0) * layer_activation_bytes(builder));
    layer_linear(builder, "down", llm->hidden, columns, weights, true);
}

/* The router chooses, rows are sorted by expert, go through two grouped products and are added up
 * again, weighted. Every tensor rank has a part of every expert. A fused stack gathers rows while
 * it multiplies (vLLM, fused_moe.py); others copy them. */
void layer_experts_ffn(struct layer_builder *builder, struct number weights)
{
    const struct llm *llm = builder->replica->llm;
    struct experts experts = llm->keys.experts;
    uint64_t rows = builder->tokens * experts.per_token;
    uint64_t columns = divide_up(llm->keys.ffn_hidden, builder->replica->layout->tensor);
    double element = layer_activation_bytes(builder);
    struct number router = {.format = builder->replica->precision->activations};
    layer_linear(builder, "router", experts.count, llm->hidden, router, false);
    layer_memory(builder, "choose experts", MEMORY_QUANTISE_ROW, builder->tokens, experts.count,
                 element);
    layer_memory(builder, "sort by expert", MEMORY_COPY, rows, 1, 2.0 * sizeof(uint32_t));
    if (!builder->replica->software->fused_kernels) {
        layer_memory(builder, "gather rows", MEMORY_COPY, rows, llm->hidden, 2.0 * element);
    }
    layer_product(builder, llm->keys.gated_ffn ? "experts gate+up" : "experts up",
                  (struct layer_matrices){.rows = rows,
                                          .columns = (llm->keys.gated_ffn ? 2 : 1) * columns,
                                          .depth = llm->hidden,
                                          .experts = experts},
                  weights, true);
    layer_memory(builder, "activation", MEMORY_SWIGLU, rows, columns,
                 (llm->keys.gated_ffn ? 3.0 : 2.0) * element);
    layer_product(builder, "experts down",
                  (struct layer_matrices){
                      .rows = rows, .columns = llm->hidden, .depth = columns, .experts = experts},
                  weights, true);
    layer_memory(builder, "add experts", MEMORY_COPY, builder->tokens, llm->hidden,
                 (experts.per_token + 1.0) * element);
    if (llm->keys.shared_ffn_hidden > 0) {
        layer_dense_ffn(builder, weights, llm->keys.shared_ffn_hidden);
    }
}
