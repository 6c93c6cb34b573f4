/* SPDX-License-Identifier: MIT */
#include "models/passes/memory.h"

#include "models/layers/layer_rows.h"

#include <math.h>
#include <string.h>

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* --- weights --- */

/* A tensor of one rank. What is cut by heads (qkv) is one matrix, gate and up are two. */
static double tensor_bytes(const struct replica *replica, const struct precision *precision,
                           const struct weight *weight)
{
    uint32_t ranks = half_weight_ranks(replica, weight);
    struct number number = weight_number(precision, weight->class);
    double depth = (double)weight_depth(weight, ranks);
    if (weight->pieces[0].heads > 0) {
        return precision_matrix_bytes(number, (double)weight_columns(weight, ranks), depth);
    }
    double bytes = 0.0;
    for (uint32_t i = 0; i < WEIGHT_MAX_PIECES && weight->pieces[i].columns > 0; i++) {
        bytes +=
            precision_matrix_bytes(number, (double)weight_piece_columns(weight, i, ranks), depth);
    }
    return bytes;
}

/* Tokens that go to experts, or as many as touch all: what is kept, and not what a step reads. */
static const double KEPT = INFINITY;

static double layer_weight_bytes(const struct replica *replica, const struct precision *precision,
                                 const struct layer_kind *kind, double tokens)
{
    struct weight_list list;
    layer_kind_weights(kind, replica->llm->hidden, &list);
    double bytes = 0.0;
    for (uint32_t i = 0; i < list.count; i++) {
        const struct weight *weight = &list.items[i];
        double copies = half_weight_copies(replica, weight);
        if (weight->experts.count > 0) {
            struct routing even = {.kind = ROUTING_EVEN,
                                   .ranks = layout_experts(replica->layout),
                                   .redundant = replica->routing.redundant};
            double all = half_counts(replica, tokens).all;
            copies = tokens < KEPT ? experts_touched(weight->experts, even, all) : copies;
        } else if (weight->borrowed && tokens >= KEPT) {
            copies = 0.0;
        }
        bytes += copies * tensor_bytes(replica, precision, weight);
    }
    return bytes;
}

/* Layers of a kind in the stage that keep the precision's own weights: neither of the model's first
 * nor of its last ones. */
static uint32_t inner_layers(const struct replica *replica, const struct model_stage *stage,
                             uint32_t kind)
{
    const struct stack *stack = &replica->llm->stack;
    uint32_t edge = replica->precision->edge_layers_high;
    uint32_t first = stage->first_layer, end = first + stage->layers;
    first = first > edge ? first : edge;
    end = end + edge < stack->layers ? end : stack->layers - edge;
    return end > first ? stack_kind_layers(stack, kind, first, end) : 0;
}

/* Layers of a kind in the stage. */
static uint32_t kind_layers(const struct replica *replica, const struct model_stage *stage,
                            uint32_t kind)
{
    return stack_kind_layers(&replica->llm->stack, kind, stage->first_layer,
                             stage->first_layer + stage->layers);
}

static double stage_weight_bytes(const struct replica *replica, const struct model_stage *stage,
                                 double tokens)
{
    const struct llm *llm = replica->llm;
    const struct precision *precision = replica->precision;
    struct precision high = *precision;
    high.attention_weights = high.ffn_weights = (struct number){.format = precision->activations};
    double bytes = 0.0;
    for (uint32_t kind = 0; kind < llm->stack.kind_count; kind++) {
        const struct layer_kind *layer = &llm->stack.kinds[kind];
        double inner = inner_layers(replica, stage, kind);
        double edge = kind_layers(replica, stage, kind) - inner;
        bytes += edge * layer_weight_bytes(replica, &high, layer, tokens) +
                 inner * layer_weight_bytes(replica, precision, layer, tokens);
    }
    bool both = stage->embeds && stage->heads;
    double matrices = both ? llm_embedding_weights(llm)
                           : (stage->embeds + stage->heads) * (double)llm->vocabulary * llm->hidden;
    double rows = matrices / llm->hidden / replica->layout->tensor;
    double embedding =
        rows > 0.0 ? precision_matrix_bytes(precision->embedding, rows, llm->hidden) : 0.0;
    return bytes + embedding;
}

double memory_stage_weight_bytes(const struct replica *replica, const struct model_stage *stage)
{
    return stage_weight_bytes(replica, stage, KEPT);
}

double memory_weight_bytes(const struct replica *replica)
{
    struct model_stage whole = model_stage(replica->llm, 1, 0);
    return memory_stage_weight_bytes(replica, &whole);
}

double memory_step_weight_bytes(const struct replica *replica, double tokens)
{
    const struct llm *llm = replica->llm;
    double rows = (double)llm->vocabulary / replica->layout->tensor;
    double embedding = llm->tied_embedding ? 0.0
                                           : precision_matrix_bytes(replica->precision->embedding,
                                                                    rows, llm->hidden);
    struct model_stage whole = model_stage(llm, 1, 0);
    return stage_weight_bytes(replica, &whole, smaller(tokens, 1e300)) - embedding;
}

/* --- what is kept of a sequence --- */

/* Of one token in one layer, on one rank. */
static double entry_bytes(const struct replica *replica, const struct mixer_cache *cache)
{
    const struct precision *precision = replica->precision;
    double of_indexer = cache->token_elements_of_indexer;
    double bytes = of_indexer > 0.0 ? precision_cache_bytes(precision, of_indexer) : 0.0;
    if (cache->token_elements > 0.0) {
        double rows = cache->rows > 0 ? cache->rows : 1.0;
        double heads = cache->heads > 0 ? cache->heads : 1.0;
        double of_rank = cache->heads > 0 ? replica_heads(replica, cache->heads) : 1.0;
        bytes +=
            of_rank * rows * precision_cache_bytes(precision, cache->token_elements / heads / rows);
    }
    return cache->tokens_per_entry > 1.0 ? bytes / cache->tokens_per_entry : bytes;
}

double memory_kv_entry_bytes(const struct replica *replica, const struct mixer *mixer)
{
    struct mixer_cache cache = mixer_rows[mixer->kind]->cache(mixer);
    return entry_bytes(replica, &cache);
}

/* Of a sequence at any length: states, and a window that is kept beside entries. */
static double state_bytes(const struct replica *replica, const struct mixer_cache *cache)
{
    double of_states = cache->state_elements * sizeof(float) +
                       cache->convolution_elements * format_bytes(replica->precision->activations);
    double window = cache->window_elements > 0.0
                        ? precision_cache_bytes(replica->precision, cache->window_elements)
                        : 0.0;
    return of_states / replica->layout->tensor + window;
}

/* The sum over the mixers of a stage's layers of what `of` says of each. */
static double stage_caches(const struct replica *replica, const struct model_stage *stage,
                           double (*of)(const struct replica *, const struct mixer_cache *, double),
                           double tokens)
{
    const struct stack *stack = &replica->llm->stack;
    double sum = 0.0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        double layers = kind_layers(replica, stage, kind);
        for (uint32_t i = 0; i < stack->kinds[kind].mixer_count; i++) {
            const struct mixer *mixer = &stack->kinds[kind].mixers[i];
            struct mixer_cache cache = mixer_rows[mixer->kind]->cache(mixer);
            sum += layers * of(replica, &cache, tokens);
        }
    }
    return sum;
}

static double growing_bytes(const struct replica *replica, const struct mixer_cache *cache,
                            double tokens)
{
    (void)tokens;
    return cache->window == 0 ? entry_bytes(replica, cache) : 0.0;
}

/* Of a sequence of `tokens`: all that a layer keeps, or what does not grow without end of it. */
static double all_bytes(const struct replica *replica, const struct mixer_cache *cache,
                        double tokens)
{
    double kept = cache->window > 0 ? smaller(tokens, cache->window) : tokens;
    double of_rank = (double)context_cached_tokens((uint64_t)kept, replica->layout->context);
    return of_rank * entry_bytes(replica, cache) + state_bytes(replica, cache);
}

static double bounded_bytes(const struct replica *replica, const struct mixer_cache *cache,
                            double tokens)
{
    return cache->window > 0 ? all_bytes(replica, cache, tokens) : state_bytes(replica, cache);
}

double memory_stage_kv_bytes_per_token(const struct replica *replica,
                                       const struct model_stage *stage)
{
    return stage_caches(replica, stage, growing_bytes, 0.0);
}

double memory_stage_sequence_bytes(const struct replica *replica, const struct model_stage *stage,
                                   uint64_t tokens)
{
    return stage_caches(replica, stage, bounded_bytes, (double)tokens);
}

static uint64_t longest_window(const struct stack *stack)
{
    uint64_t longest = 0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        for (uint32_t i = 0; i < stack->kinds[kind].mixer_count; i++) {
            const struct mixer *mixer = &stack->kinds[kind].mixers[i];
            uint64_t window = mixer_rows[mixer->kind]->cache(mixer).window;
            longest = window > longest ? window : longest;
        }
    }
    return longest;
}

struct kv_room memory_stage_kv_room(const struct replica *replica, const struct model_stage *stage)
{
    struct kv_room room = {
        .token_bytes = fmax(memory_stage_kv_bytes_per_token(replica, stage), 1.0),
        .state_bytes = memory_stage_sequence_bytes(replica, stage, 0),
        .window_tokens = longest_window(&replica->llm->stack),
    };
    if (room.window_tokens > 0) {
        double full = memory_stage_sequence_bytes(replica, stage, room.window_tokens);
        room.window_token_bytes = (full - room.state_bytes) / (double)room.window_tokens;
    }
    return room;
}

double memory_kv_bytes_per_token(const struct replica *replica)
{
    struct model_stage whole = model_stage(replica->llm, 1, 0);
    return memory_stage_kv_bytes_per_token(replica, &whole);
}

double memory_kv_cache_bytes(const struct replica *replica, uint64_t sequences, uint64_t tokens)
{
    struct model_stage whole = model_stage(replica->llm, 1, 0);
    return (double)sequences * stage_caches(replica, &whole, all_bytes, (double)tokens);
}

double memory_knee_sequences(const struct replica *replica, uint64_t context_tokens)
{
    double kv_bytes = memory_kv_cache_bytes(replica, 1, context_tokens);
    double knee = memory_step_weight_bytes(replica, INFINITY) / kv_bytes, above = INFINITY;
    /* Fewer sequences touch fewer experts: the knee falls until it fits the experts that it has. */
    while (knee < above * (1.0 - 1e-12)) {
        above = knee;
        knee = memory_step_weight_bytes(replica, fmax(1.0, above / replica->layout->context)) /
               kv_bytes;
    }
    return knee;
}

/* --- at work --- */

static double layer_working_bytes(const struct replica *replica, const struct layer_kind *kind,
                                  const struct batch *batch, enum ring_variant variant,
                                  double tokens)
{
    double mixers = 0.0, blocks = 0.0;
    for (uint32_t i = 0; i < kind->mixer_count; i++) {
        const struct mixer *mixer = &kind->mixers[i];
        if (mixer->kind != MIXER_NONE) {
            mixers +=
                mixer_passes[mixer->kind]->working_bytes(replica, mixer, batch, variant, tokens);
        }
    }
    const struct ffn *const ffns[] = {&kind->ffn, &kind->beside};
    for (int i = 0; i < 2; i++) {
        if (ffns[i]->kind != FFN_NONE) {
            blocks += ffn_passes[ffns[i]->kind]->working_bytes(replica, ffns[i], tokens);
        }
    }
    return fmax(mixers, blocks);
}

/* The residual stream, and a half's input. */
static double stream_bytes(const struct replica *replica, const struct batch *batch)
{
    double element = format_bytes(replica->precision->activations);
    return 2.0 * (double)replica_rank_tokens(replica, batch) * replica->llm->hidden * element;
}

static double widest_layer_bytes(const struct replica *replica, const struct batch *batch,
                                 enum ring_variant variant)
{
    const struct stack *stack = &replica->llm->stack;
    double tokens = (double)replica_rank_tokens(replica, batch), widest = 0.0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        widest =
            fmax(widest, layer_working_bytes(replica, &stack->kinds[kind], batch, variant, tokens));
    }
    return widest;
}

double memory_activation_bytes(const struct replica *replica, const struct batch *batch,
                               enum ring_variant variant)
{
    return stream_bytes(replica, batch) + widest_layer_bytes(replica, batch, variant);
}

static bool has_experts(const struct llm *llm)
{
    for (uint32_t kind = 0; kind < llm->stack.kind_count; kind++) {
        if (llm->stack.kinds[kind].ffn.kind == FFN_EXPERTS) {
            return true;
        }
    }
    return false;
}

/* Whether the model's family is one of those that run in the engine's newer runner. */
static bool is_newer(const struct engine_memory *rules, const struct llm *llm)
{
    const char *rest = rules->newer_families, *family = llm->family;
    size_t length = family != NULL ? strlen(family) : 0;
    while (rest != NULL && length > 0) {
        size_t word = strcspn(rest, " ");
        if (word == length && strncmp(rest, family, length) == 0) {
            return true;
        }
        rest = rest[word] != '\0' ? rest + word + 1 : NULL;
    }
    return false;
}

double memory_profile_bytes(const struct replica *replica, const struct batch *batch,
                            enum ring_variant variant, uint32_t sequences, bool heads)
{
    const struct engine_memory *rules = &replica->software->memory;
    bool newer = is_newer(rules, replica->llm);
    double logit = newer ? rules->newer_logit_bytes : rules->logit_bytes;
    bool experts = has_experts(replica->llm) && logit > 0.0;
    double logits = heads ? logit * sequences * replica->llm->vocabulary : 0.0;
    double widest = widest_layer_bytes(replica, batch, variant);
    double torch =
        stream_bytes(replica, batch) + (experts ? widest + logits : fmax(widest, logits));
    double outside = rules->non_torch_bytes + (newer ? 0.0 : rules->graph_bytes);
    if (replica->layout->tensor > 1) {
        outside += rules->tensor_bytes;
        outside += replica->software->library.nvls.ranks > 0 ? rules->multicast_bytes : 0.0;
    }
    return torch + outside + replica->software->buffer_bytes;
}

double memory_total_bytes(const struct memory_use *use)
{
    return use->weight_bytes + use->kv_cache_bytes + use->activation_bytes;
}
