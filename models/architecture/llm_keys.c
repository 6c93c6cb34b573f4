/* SPDX-License-Identifier: MIT
 * From what a model file says of a kind of layers to what such a layer is made of. */
#include "models/architecture/llm.h"

static struct gqa gqa_of(const struct llm_keys *keys)
{
    struct gqa gqa = keys->gqa;
    gqa.query_heads = keys->query_heads;
    gqa.kv_heads = keys->kv_heads;
    gqa.head_size = keys->head_size;
    gqa.window = keys->chunk > 0 ? keys->chunk : keys->window;
    gqa.reach = keys->chunk > 0 ? REACH_CHUNK : keys->window > 0 ? REACH_WINDOW : REACH_ALL;
    return gqa;
}

#define COPY(member, stem, name, sentence)                                                         \
    case member:                                                                                   \
        mixer.stem = keys->stem;                                                                   \
        break;

static struct mixer mixer_of(const struct llm_keys *keys, enum mixer_kind kind)
{
    struct mixer mixer = {.kind = kind};
    switch (kind) {
    case MIXER_GQA:
        mixer.gqa = gqa_of(keys);
        mixer.borrowed = keys->borrowed;
        break;
        MIXERS_OF_SIZES(COPY)
    case MIXER_NONE:
    case MIXER_KIND_COUNT:
        break;
    }
    return mixer;
}

static struct ffn ffn_of(const struct llm_keys *keys)
{
    struct ffn ffn = keys->ffn;
    ffn.kind = keys->ffn_hidden == 0 ? FFN_NONE : keys->experts.count > 0 ? FFN_EXPERTS : FFN_DENSE;
    ffn.hidden = keys->ffn_hidden;
    ffn.gated = keys->gated_ffn;
    ffn.experts = keys->experts;
    ffn.shared_hidden = keys->shared_ffn_hidden;
    ffn.borrowed = keys->borrowed;
    return ffn;
}

static struct layer_kind kind_of(const struct llm_keys *keys)
{
    struct layer_kind kind = {
        .name = keys->name == NULL ? "layers" : keys->name,
        .mixers = {mixer_of(keys, keys->mixer)},
        .mixer_count = 1,
        .ffn = ffn_of(keys),
        .beside = {.kind = keys->dense_beside_hidden > 0 ? FFN_DENSE : FFN_NONE,
                   .hidden = keys->dense_beside_hidden,
                   .gated = keys->gated_ffn},
        .residual = keys->streams > 0       ? RESIDUAL_HYPER
                    : keys->parallel_blocks ? RESIDUAL_PARALLEL
                                            : RESIDUAL_PLAIN,
        .streams = keys->streams,
        .streams_unmixed = keys->streams_unmixed,
        .norms = keys->norms,
        .norm_bias = keys->norm == NORM_LAYER,
        .scalars = keys->scalars,
        .branch_ranks = {keys->branch_ranks[0], keys->branch_ranks[1]},
        .input_projection = keys->input_projection,
    };
    if (keys->mixer_beside > 0) {
        kind.mixers[kind.mixer_count++] = mixer_of(keys, (enum mixer_kind)(keys->mixer_beside - 1));
    }
    if (kind.norms == 0) {
        bool one_half = kind.ffn.kind == FFN_NONE || keys->mixer == MIXER_NONE;
        kind.norms = keys->parallel_blocks || one_half ? 1 : 2;
    }
    if (keys->norm == NORM_PLAIN) {
        kind.norms = 0;
    }
    return kind;
}

void llm_from_keys(struct llm *llm)
{
    llm->stack.layers = llm->keys.layers;
    llm->stack.kind_count = llm->kind_count > 0 ? (uint32_t)llm->kind_count : 1;
    for (uint32_t i = 0; i < llm->stack.kind_count && i < STACK_MAX_KINDS; i++) {
        llm->stack.kinds[i] = kind_of(llm->kind_count > 0 ? &llm->kinds[i] : &llm->keys);
    }
}
