/* SPDX-License-Identifier: MIT
 * Experts in a layer's passes. The router chooses, rows are sorted by expert, go through two
 * grouped products and are added up again, weighted. Every rank has a part of every expert, or some
 * of them whole: then tokens of ranks that have others go there and back (exchange.h). A fused
 * stack gathers rows while it multiplies (vLLM, fused_moe.py); others copy them. */
#include "models/layers/exchange.h"
#include "models/layers/ffn_block.h"

#include <math.h>

static bool is_shared_gated(const struct ffn *ffn)
{
    return ffn->gated && !ffn->shared_plain;
}

/* Experts that a token really goes to: of those chosen, some give it back as it is. */
static struct experts real_experts(const struct ffn *ffn)
{
    struct experts experts = ffn->experts;
    if (ffn->zero_experts > 0) {
        double share = (double)experts.count / (experts.count + ffn->zero_experts);
        experts.per_token = (uint32_t)fmax(1.0, round(share * experts.per_token));
    }
    return experts;
}

/* Appends a kernel over the rows that this rank's experts get, a row for each expert of a token. */
static struct half_op *over_rows(struct half *half, const char *name, enum memory_kernel kernel,
                                 uint64_t columns, double forward_bytes, double backward_bytes,
                                 struct experts experts)
{
    struct half_op *op = half_pointwise(half, name, kernel, columns, forward_bytes, backward_bytes);
    op->tokens = TOKENS_ROWS;
    op->experts = experts;
    return op;
}

/* Both products and what stands between them. */
static void block_of_experts(const struct replica *replica, const struct ffn *ffn,
                             const struct weight_list *list, struct half *half)
{
    struct ffn_block block = {.up = ffn->gated ? "experts gate+up" : "experts up",
                              .down = "experts down",
                              .inner = ffn->hidden,
                              .cut = layout_expert_cut(replica->layout),
                              .gated = ffn->gated,
                              .clamp = ffn->clamp,
                              .adds_bias = ffn->bias};
    uint32_t first = half->count;
    ffn_block_half(replica, &block, list, half);
    for (uint32_t i = first; i < half->count; i++) {
        struct half_op *op = &half->ops[i];
        op->weight.experts = real_experts(ffn);
        op->experts = real_experts(ffn);
        op->tokens = TOKENS_ROWS;
    }
}

static void shared_block(const struct replica *replica, const struct ffn *ffn,
                         const struct weight_list *list, struct half *half)
{
    struct ffn_block shared = {.up = is_shared_gated(ffn) ? "shared gate+up" : "shared up",
                               .down = "shared down",
                               .inner = ffn->shared_hidden,
                               .cut = replica->layout->tensor,
                               .gated = is_shared_gated(ffn)};
    if (ffn->shared_gate) {
        half_product(half, list, "shared gate", false);
    }
    ffn_block_half(replica, &shared, list, half);
}

static void experts_half(const struct replica *replica, const struct ffn *ffn, struct half *half)
{
    const struct exchange_row *exchange = replica_exchange(replica);
    double element = format_bytes(replica->precision->activations);
    struct experts experts = real_experts(ffn);
    double copies = experts.per_token;
    uint64_t outer = ffn->latent > 0 ? ffn->latent : replica->llm->hidden;
    uint64_t choices = ffn->experts.count + ffn->zero_experts;
    bool gathers = !replica->software->fused_kernels;
    struct weight_list list = {.count = 0};
    ffn_rows[FFN_EXPERTS].weights(ffn, replica->llm->hidden, &list);
    /* Whose tokens are chosen for, and sent. */
    bool sends = exchange != NULL && exchange->arrival != ARRIVAL_ALL_TOKENS;
    enum half_tokens own = sends ? TOKENS_SENT : TOKENS_OWN;
    bool by_row = exchange != NULL && exchange->arrival == ARRIVAL_ROWS;
    bool sorted = exchange != NULL && exchange->arrival == ARRIVAL_SORTED;

    if (ffn->router == ROUTER_LEARNED) {
        half_product(half, &list, "router", false)->tokens = own;
    }
    half_pointwise(half, "choose experts", MEMORY_QUANTISE_ROW, choices, element, element)->tokens =
        own;
    if (ffn->latent > 0) {
        half_product(half, &list, "latent down", false)->tokens = own;
    }
    if (by_row) { /* into the order that they are sent in */
        struct half_op *rows =
            half_pointwise(half, "gather rows", MEMORY_COPY, outer, 2.0 * element, 2.0 * element);
        rows->tokens = own;
        rows->copies = experts.per_token;
    }
    bool beside =
        exchange != NULL && ffn->shared_hidden > 0 && replica->software->shared_experts_beside;
    if (exchange != NULL) {
        half_exchange(half, experts, (double)outer, false);
    }
    if (beside) {
        uint32_t first = half->count;
        shared_block(replica, ffn, &list, half);
        for (uint32_t i = first; i < half->count; i++) {
            half->ops[i].beside = true;
        }
    }
    if (!sorted) {
        struct half_op *sort =
            half_pointwise(half, "sort by expert", MEMORY_COPY, 1, 2.0 * sizeof(uint32_t), 0.0);
        sort->copies = experts.per_token;
        sort->of_experts_kernel = exchange == NULL;
        sort->tokens = exchange == NULL                          ? TOKENS_OWN
                       : exchange->arrival == ARRIVAL_ALL_TOKENS ? TOKENS_ALL
                                                                 : TOKENS_SENT;
        if (gathers) {
            over_rows(half, "gather rows", MEMORY_COPY, outer, 2.0 * element, 2.0 * element,
                      experts);
        }
    }
    block_of_experts(replica, ffn, &list, half);
    if (by_row && gathers) { /* back into the order that they came in */
        over_rows(half, "return rows", MEMORY_COPY, outer, 2.0 * element, 2.0 * element, experts);
    }
    bool sums_first = exchange != NULL && !by_row && !sorted;
    if (sums_first) { /* what this rank's experts made of a token, as one */
        struct half_op *sum =
            half_pointwise(half, "add experts", MEMORY_COPY, outer, element, element);
        sum->tokens = exchange->arrival == ARRIVAL_ALL_TOKENS ? TOKENS_ALL : TOKENS_ARRIVED;
        sum->experts = experts;
        over_rows(half, "add experts", MEMORY_COPY, outer, element, element, experts);
    }
    if (exchange != NULL) {
        half_exchange(half, experts, (double)outer, true);
    }
    if (!sums_first && !sorted) {
        struct half_op *sum = half_pointwise(half, "add experts", MEMORY_COPY, outer,
                                             (copies + 1.0) * element, (copies + 1.0) * element);
        sum->tokens = own;
        sum->of_experts_kernel = exchange == NULL;
    }
    half_host(half, "experts kernels", replica->software->experts_seconds,
              (double)outer * replica->software->experts_element_seconds);
    if (ffn->latent > 0) {
        half_product(half, &list, "latent up", false)->tokens = own;
    }
    if (ffn->shared_hidden > 0 && !beside) {
        shared_block(replica, ffn, &list, half);
    }
}

/* Rows between the halves of their experts, and the experts' inputs and outputs. */
static double experts_working_bytes(const struct replica *replica, const struct ffn *ffn,
                                    double tokens)
{
    struct half_counts counts = half_counts(replica, tokens);
    double rows = experts_rows(real_experts(ffn), replica_routing(replica), counts.all);
    double inner = (double)divide_up(ffn->hidden, layout_expert_cut(replica->layout));
    double outer = ffn->latent > 0 ? ffn->latent : replica->llm->hidden;
    double element = format_bytes(replica->precision->activations);
    return rows * (ffn->gated ? 3.0 : 2.0) * inner * element + 2.0 * rows * outer * element;
}

/* Of a token of this rank: a row for each of its experts, wherever it came from (rows that arrive
 * are as many as are sent), as the products and the activation take it and, where they are
 * weighted, as they gave it; and what the router takes and gives. Grouped products are on no list
 * of operators; torchtitan's later one has the choice and the weighted sum, a product of batches.
 */
static void experts_kept(const struct layer_training *training, const struct ffn *ffn,
                         struct kept *kept)
{
    const struct replica *replica = training->replica;
    const struct training_software *stack = &replica->software->training;
    struct number number = replica->precision->ffn_weights;
    double element = format_bytes(replica->precision->activations);
    double narrow = train_kept_bytes(training, number);
    double tokens = (double)training->micro_batch * (double)training->sequence_tokens /
                    replica->layout->context;
    struct half_counts counts = half_counts(replica, tokens);
    double rows =
        experts_rows(real_experts(ffn), replica_routing(replica), counts.all) / counts.own;
    double inner = (double)ffn->hidden / layout_expert_cut(replica->layout);
    double outer = ffn->latent > 0 ? ffn->latent : replica->llm->hidden;
    double shared = ffn->shared_hidden / (double)replica->layout->tensor;
    double gates = ffn->gated ? 2.0 : 1.0;
    unsigned listed = stack->listed_biased ? UNDER_OPERATORS : 0;
    if (training->adapter_rank > 0) { /* frozen */
        kept_add(kept, KEPT_EXPERTS, UNDER_PLAIN, gates * (rows * inner + shared) * element);
        return;
    }
    train_keep_input(training, number, 1.0, kept);
    /* Scores in fp32; of a choice its expert and its weight, and its row's place. */
    double choice = rows * (sizeof(uint64_t) + sizeof(float));
    kept_add(kept, KEPT_ROUTER, UNDER_PLAIN,
             sizeof(float) * (double)(ffn->experts.count + ffn->zero_experts));
    kept_add(kept, KEPT_ROUTER, UNDER_PLAIN | listed, choice);
    kept_add(kept, KEPT_ROUTER, UNDER_PLAIN, choice);
    kept_add(kept, KEPT_DISPATCH, UNDER_PLAIN,
             rows * (stack->experts_output_tensors * outer * element + sizeof(uint64_t)));
    kept_add(kept, KEPT_DISPATCH, listed, sizeof(float) * outer);
    bool eager = stack->product_tensors > 3.0; /* the gate's activation too */
    double activation = (eager ? gates - 1.0 : 0.0) * inner * element + inner * narrow;
    double row = outer * narrow + gates * inner * element + sizeof(uint32_t);
    kept_add(kept, KEPT_EXPERTS, UNDER_PLAIN, rows * row);
    kept_add(kept, KEPT_EXPERTS, UNDER_PLAIN | CHEAP_AGAIN, rows * activation);
    double held = (double)ffn->experts.count / layout_experts(replica->layout);
    kept_add_layer(kept, UNDER_PLAIN, stack->expert_padding_rows * held * (row + activation));
    if (stack->expert_padding_rows > 0.0 && !eager) {
        /* torchtitan's compiler ends its graph before them: both sides of a sum. */
        kept_add(kept, KEPT_RESIDUAL, UNDER_PLAIN, train_residual(training) * element);
    }
    if (shared > 0.0) {
        kept_add(kept, KEPT_EXPERTS, UNDER_PLAIN, gates * shared * element);
        kept_add(kept, KEPT_EXPERTS, UNDER_PLAIN | CHEAP_AGAIN, shared * narrow);
    }
}

const struct ffn_passes ffn_experts_passes = {
    .half = experts_half,
    .working_bytes = experts_working_bytes,
    .kept = experts_kept,
    .trains = true,
};
