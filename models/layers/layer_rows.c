/* SPDX-License-Identifier: MIT */
#include "models/layers/layer_rows.h"

#define PASSES(member, stem, name, sentence) [member] = &mixer_##stem##_passes,
const struct mixer_passes *const mixer_passes[MIXER_KIND_COUNT] = {
    [MIXER_NONE] = NULL, [MIXER_GQA] = &mixer_gqa_passes, MIXERS_OF_SIZES(PASSES)};

const struct ffn_passes *const ffn_passes[FFN_KIND_COUNT] = {
    [FFN_NONE] = NULL,
    [FFN_DENSE] = &ffn_dense_passes,
    [FFN_EXPERTS] = &ffn_experts_passes,
};

bool layer_kind_runs(const struct layer_kind *kind)
{
    bool runs = true;
    for (uint32_t i = 0; i < kind->mixer_count; i++) {
        enum mixer_kind mixer = kind->mixers[i].kind;
        runs = runs && (mixer == MIXER_NONE || mixer_passes[mixer] != NULL);
    }
    return runs && (kind->ffn.kind == FFN_NONE || ffn_passes[kind->ffn.kind] != NULL) &&
           (kind->beside.kind == FFN_NONE || ffn_passes[kind->beside.kind] != NULL);
}

bool layer_kind_trains(const struct layer_kind *kind)
{
    bool trains = layer_kind_runs(kind) && kind->residual != RESIDUAL_HYPER;
    for (uint32_t i = 0; trains && i < kind->mixer_count; i++) {
        enum mixer_kind mixer = kind->mixers[i].kind;
        trains = mixer == MIXER_NONE || mixer_passes[mixer]->kept != NULL;
    }
    return trains && (kind->ffn.kind == FFN_NONE || ffn_passes[kind->ffn.kind]->trains) &&
           (kind->beside.kind == FFN_NONE || ffn_passes[kind->beside.kind]->trains);
}

const char *layer_context_refusal(const struct layer_kind *kind)
{
    const char *refusal = NULL;
    for (uint32_t i = 0; i < kind->mixer_count && refusal == NULL; i++) {
        const struct mixer_passes *passes = mixer_passes[kind->mixers[i].kind];
        if (passes != NULL && passes->context_refusal != NULL) {
            refusal = passes->context_refusal(&kind->mixers[i]);
        }
    }
    return refusal;
}

/* Where an indexer chooses; NULL: nowhere. */
static const struct sparse_kernels *sparse_family(const struct mixer_kernels *kernels,
                                                  const struct mixer *mixer)
{
    if (mixer->kind == MIXER_COMPRESSED) {
        return &kernels->compressed;
    }
    if (mixer->kind == MIXER_LATENT && mixer->latent.indexer.heads > 0) {
        return &kernels->sparse;
    }
    return mixer->kind == MIXER_GQA && mixer->gqa.indexer.heads > 0 ? &kernels->group_sparse : NULL;
}

double layer_host_seconds(const struct replica *replica, const struct layer_kind *kind, bool decode)
{
    double seconds = 0.0;
    for (uint32_t i = 0; i < kind->mixer_count; i++) {
        const struct sparse_kernels *family =
            sparse_family(&replica->software->kernels.mixers, &kind->mixers[i]);
        if (family != NULL) {
            const struct kernel_rest *rest = decode ? &family->decode_rest : &family->prefill_rest;
            seconds += rest->host_seconds;
        }
    }
    return seconds;
}

static void add_ffn(const struct replica *replica, const struct ffn *ffn, struct half *half)
{
    if (ffn->kind != FFN_NONE) {
        ffn_passes[ffn->kind]->half(replica, ffn, half);
    }
}

void layer_halves(const struct replica *replica, const struct layer_kind *kind,
                  struct half halves[LAYER_HALVES])
{
    halves[0].count = halves[1].count = 0;
    for (uint32_t i = 0; i < kind->mixer_count; i++) {
        const struct mixer *mixer = &kind->mixers[i];
        if (mixer->kind != MIXER_NONE) {
            mixer_passes[mixer->kind]->half(replica, mixer, &halves[0]);
        }
    }
    struct half *second = kind->residual == RESIDUAL_PARALLEL ? &halves[0] : &halves[1];
    add_ffn(replica, &kind->ffn, second);
    add_ffn(replica, &kind->beside, second);
}
