/* SPDX-License-Identifier: MIT */
#include "sim/cli/model_report.h"

#include "sim/scenario/llm_rows.h"

#include <math.h>

enum { BF16_BYTES = 2, FP32_BYTES = 4 };

static const char *in_bytes(struct arena *arena, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    unsigned unit = 0;
    while (bytes >= 1024.0 && unit < 3) {
        bytes /= 1024.0;
        unit++;
    }
    return arena_printf(arena, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static const char *in_billions(struct arena *arena, double elements)
{
    return elements >= 1e9 ? arena_printf(arena, "%.1f G", elements / 1e9)
                           : arena_printf(arena, "%.1f M", elements / 1e6);
}

static void add_gqa(struct text *text, const struct gqa *gqa)
{
    text_print(text, " %u/%u heads of %u", gqa->query_heads, gqa->kv_heads, gqa->head_size);
    if (gqa->reach != REACH_ALL) {
        text_print(text, ", %s of %u", gqa->reach == REACH_CHUNK ? "chunks" : "window",
                   gqa->window);
    }
    text_add(text, gqa->borrows_cache ? ", an earlier layer's cache" : "");
    if (gqa->indexer.heads > 0) {
        text_print(text, ", the best %u tokens", gqa->indexer.top_k);
    }
}

static void add_latent(struct text *text, const struct latent *latent)
{
    text_print(text, " %u heads over %u + %u", latent->query_heads, latent->kv_rank,
               latent->rope_size);
    if (latent->indexer.heads > 0) {
        text_print(text, ", the best %u tokens", latent->indexer.top_k);
    }
}

static void add_compressed(struct text *text, const struct compressed *compressed)
{
    text_print(text, " %u heads over 1 of %u, window of %u", compressed->query_heads,
               compressed->head_size, compressed->window);
    if (compressed->ratio > 0) {
        text_print(text, ", the rest %u to 1", compressed->ratio);
    }
}

/* Its numbers by their keys. */
static void add_sizes(struct text *text, const struct mixer *mixer)
{
    const struct field *field = mixer_size_fields[mixer->kind];
    for (bool first = true; field != NULL && field->key != NULL; field++) {
        const char *value = (const char *)&mixer->gqa + field->offset;
        if (field->kind == FIELD_COUNT && *(const uint32_t *)(const void *)value > 0) {
            text_print(text, "%s %s %u", first ? "" : ",", field->key,
                       *(const uint32_t *)(const void *)value);
            first = false;
        }
    }
}

/* "gqa 32/8 x 128, window 4096". */
static void add_mixer(struct text *text, const struct mixer *mixer)
{
    text_add(text, mixer_kind_name(mixer->kind));
    if (mixer->kind == MIXER_GQA) {
        add_gqa(text, &mixer->gqa);
    } else if (mixer->kind == MIXER_LATENT) {
        add_latent(text, &mixer->latent);
    } else if (mixer->kind == MIXER_COMPRESSED) {
        add_compressed(text, &mixer->compressed);
    } else if (mixer->kind == MIXER_DELTA) {
        text_print(text, " %u heads of %u x %u", mixer->delta.value_heads, mixer->delta.key_size,
                   mixer->delta.value_size);
    } else if (mixer->kind == MIXER_STATE_SPACE) {
        text_print(text, " %u x %u, state of %u", mixer->state_space.heads,
                   mixer->state_space.head_size, mixer->state_space.state_size);
    } else if (mixer->kind == MIXER_LINEAR) {
        text_print(text, " %u heads of %u", mixer->linear.heads, mixer->linear.head_size);
    } else if (mixer->kind == MIXER_RECURRENT) {
        text_print(text, " %u wide", mixer->recurrent.width);
    } else if (mixer->kind == MIXER_CONVOLUTION) {
        text_print(text, " of %u", mixer->convolution.taps);
    } else {
        add_sizes(text, mixer);
    }
}

static void add_ffn(struct text *text, const struct ffn *ffn, const struct ffn *beside)
{
    if (ffn->kind == FFN_DENSE) {
        text_print(text, "; dense %u", ffn->hidden);
    } else if (ffn->kind == FFN_EXPERTS) {
        text_print(text, "; %u of %u experts of %u", ffn->experts.per_token, ffn->experts.count,
                   ffn->hidden);
        if (ffn->shared_hidden > 0) {
            text_print(text, ", shared %u", ffn->shared_hidden);
        }
    }
    if (beside->kind != FFN_NONE) {
        text_print(text, ", dense %u beside", beside->hidden);
    }
}

static void add_runs(struct text *text, const char *start, const struct stack *stack)
{
    text_print(text, "%sstack: ", start);
    for (uint32_t i = 0; i < stack->run_count; i++) {
        const struct layer_run *run = &stack->runs[i];
        text_add(text, i == 0 ? "" : ", ");
        if (run->repeat > 1) {
            text_print(text, "%u x ", run->repeat);
        }
        text_add(text, run->kind_count > 1 ? "(" : "");
        for (uint32_t k = 0; k < run->kind_count; k++) {
            uint32_t same = 1;
            while (k + same < run->kind_count && run->kinds[k + same] == run->kinds[k]) {
                same++;
            }
            text_add(text, k == 0 ? "" : ", ");
            if (same > 1) {
                text_print(text, "%u ", same);
            }
            text_add(text, stack->kinds[run->kinds[k]].name);
            k += same - 1;
        }
        text_add(text, run->kind_count > 1 ? ")" : "");
    }
    text_add(text, "\n");
}

const char *model_remark(struct arena *arena, const struct llm *llm)
{
    struct llm_counts counts = llm_count(llm);
    struct text text = {.arena = arena};
    text_print(&text, "%.1f G parameters", counts.total / 1e9);
    if (counts.active < counts.total) {
        text_print(&text, " (%.1f G active)", counts.active / 1e9);
    }
    text_print(&text, ", %u layers", llm->stack.layers);
    if (counts.token_elements > 0.0) {
        text_print(&text, ", %s a token", in_bytes(arena, BF16_BYTES * counts.token_elements));
    }
    if (counts.window_token_elements > 0.0) {
        text_print(&text, ", %s in a window of %u",
                   in_bytes(arena, BF16_BYTES * counts.window_token_elements), counts.window);
    }
    double state = BF16_BYTES * counts.convolution_elements + FP32_BYTES * counts.state_elements;
    if (state > 0.0) {
        text_print(&text, ", %s of state", in_bytes(arena, state));
    }
    return text.bytes;
}

void model_report(struct text *text, const char *start, const struct llm *llm)
{
    struct arena *arena = text->arena;
    struct llm_counts counts = llm_count(llm);
    const struct stack *stack = &llm->stack;
    text_print(text, "%sparameters: %s, active %s; embedding %s, output head %s, experts %s\n",
               start, in_billions(arena, counts.total), in_billions(arena, counts.active),
               in_billions(arena, counts.embedding + counts.other_embedding),
               counts.head > 0.0 ? in_billions(arena, counts.head) : "the embedding's",
               counts.expert > 0.0 ? in_billions(arena, counts.expert) : "none");
    text_print(text, "%scache in bf16: %s a token", start,
               in_bytes(arena, BF16_BYTES * counts.token_elements));
    if (counts.window_token_elements > 0.0) {
        text_print(text, ", %s a token of the latest %u",
                   in_bytes(arena, BF16_BYTES * counts.window_token_elements), counts.window);
    }
    if (counts.indexer_elements > 0.0) {
        text_print(text, ", %s a token of an indexer",
                   in_bytes(arena, BF16_BYTES * counts.indexer_elements));
    }
    if (counts.state_layers > 0) {
        text_print(text, ", %s of state at any length (convolutions bf16, the rest fp32)",
                   in_bytes(arena, BF16_BYTES * counts.convolution_elements +
                                       FP32_BYTES * counts.state_elements));
    }
    text_print(text, "\n%slayers: %u, hidden %u\n", start, stack->layers, llm->hidden);
    if (stack->run_count > 0) {
        add_runs(text, start, stack);
    }
    for (uint32_t i = 0; i < stack->kind_count; i++) {
        const struct layer_kind *kind = &stack->kinds[i];
        text_print(text, "%s%s: %u layers of ", start, kind->name,
                   stack_kind_layers(stack, i, 0, stack->layers));
        for (uint32_t k = 0; k < kind->mixer_count; k++) {
            text_add(text, k == 0 ? "" : " beside ");
            add_mixer(text, &kind->mixers[k]);
        }
        add_ffn(text, &kind->ffn, &kind->beside);
        text_add(text, "\n");
    }
}

static void add_member(struct text *text, const char *name, double value)
{
    text_print(text, value == floor(value) ? ", \"%s\": %.0f" : ", \"%s\": %.6g", name, value);
}

void model_members(struct text *text, const struct llm *llm)
{
    struct llm_counts counts = llm_count(llm);
    add_member(text, "total_parameters", counts.total);
    add_member(text, "active_parameters", counts.active);
    add_member(text, "embedding_parameters", counts.embedding);
    add_member(text, "other_embedding_parameters", counts.other_embedding);
    add_member(text, "lm_head_parameters", counts.head);
    add_member(text, "expert_parameters", counts.expert);
    add_member(text, "layers", llm->stack.layers);
    add_member(text, "attention_layers", counts.attention_layers);
    add_member(text, "sliding_layers", counts.window_layers);
    add_member(text, "state_layers", counts.state_layers);
    add_member(text, "kv_bytes_per_token_bf16", BF16_BYTES * counts.token_elements);
    add_member(text, "sliding_kv_bytes_per_token_bf16", BF16_BYTES * counts.window_token_elements);
    add_member(text, "window_tokens", counts.window);
    add_member(text, "indexer_bytes_per_token_bf16", BF16_BYTES * counts.indexer_elements);
    add_member(text, "convolution_state_elements", counts.convolution_elements);
    add_member(text, "recurrent_state_elements", counts.state_elements);
    add_member(text, "context_tokens", (double)llm->context);
    add_member(text, "multi_token_prediction_layers", llm->multi_token_prediction);
}
