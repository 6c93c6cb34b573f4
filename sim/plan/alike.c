/* SPDX-License-Identifier: MIT */
#include "sim/plan/alike.h"

#include "models/numeric/checksum.h"
#include "sim/base/hash_table.h"
#include "sim/base/text.h"

#include <string.h>

struct answer {
    struct trial_question question;
    struct metric_list metrics;
    struct serving_need need;
    const struct answer *next; /* of the candidate */
};

struct alike {
    struct arena *arena;
    uint64_t *before;              /* [candidates] the member before it; SIZE_MAX: none */
    const struct answer **answers; /* [candidates] */
};

static const char limit_key[] = "workload.service.max_sequences";

/* All that a candidate is but for the limit. */
static const char *family_of(const struct points *points, struct arena *arena, uint64_t candidate)
{
    struct text text = {.arena = arena};
    text_add(&text, "");
    for (size_t i = 0; i < points->parameter_count; i++) {
        if (strcmp(points->parameters[i].key, limit_key) != 0) {
            text_print(&text, "%s;", points_value(points, candidate, i)->text);
        }
    }
    return text.bytes;
}

static bool has_mappings(const struct points *points, uint64_t candidate)
{
    for (size_t i = 0; i < points->parameter_count; i++) {
        if (points_value(points, candidate, i)->node->kind != NODE_SCALAR) {
            return true; /* whose text is a short one: others may have the same */
        }
    }
    return false;
}

struct alike *alike_create(struct arena *arena, const struct points *points)
{
    struct alike *alike = ARENA_NEW(arena, struct alike);
    *alike = (struct alike){
        .arena = arena,
        .before = ARENA_ARRAY(arena, uint64_t, points->count + 1),
        .answers = ARENA_ARRAY(arena, const struct answer *, points->count + 1),
    };
    struct arena *scratch = arena_create();
    const char **families = ARENA_ARRAY(scratch, const char *, points->count + 1);
    uint64_t *lasts = ARENA_ARRAY(scratch, uint64_t, points->count + 1);
    struct hash_table table;
    hash_table_create(&table, scratch, 64);
    uint32_t count = 0;
    for (uint64_t i = 0; i < points->count; i++) {
        alike->before[i] = SIZE_MAX;
        if (has_mappings(points, i)) {
            continue;
        }
        const char *family = family_of(points, scratch, i);
        uint64_t hash = checksum_text(CHECKSUM_START, family);
        struct hash_walk walk = hash_walk(&table, hash);
        uint32_t item = hash_next(&walk);
        while (item != HASH_NONE && strcmp(families[item], family) != 0) {
            item = hash_next(&walk);
        }
        if (item == HASH_NONE) {
            item = ++count;
            families[item] = family;
            hash_table_add(&table, hash, item);
        } else {
            alike->before[i] = lasts[item];
        }
        lasts[item] = i;
    }
    arena_destroy(scratch);
    return alike;
}

void alike_add(struct alike *alike, uint64_t candidate, const struct trial_question *question,
               const struct metric_list *metrics, const struct serving_need *need)
{
    struct answer *answer = ARENA_NEW(alike->arena, struct answer);
    *answer = (struct answer){.question = *question,
                              .metrics = {.arena = alike->arena},
                              .need = *need,
                              .next = alike->answers[candidate]};
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric *metric = &metrics->metrics[i];
        metric_add_number(&answer->metrics, metric->name, metric->unit, metric->value);
    }
    alike->answers[candidate] = answer;
}

bool alike_waits(const struct alike *alike, const struct candidate *candidates, uint64_t candidate)
{
    const struct candidate *own = &candidates[candidate];
    for (uint64_t i = alike->before[candidate]; i != SIZE_MAX; i = alike->before[i]) {
        bool behind = candidates[i].trials <= own->trials || own->state == CANDIDATE_CONFIRMING;
        if (candidate_is_open(&candidates[i]) && behind) {
            return true;
        }
    }
    return false;
}

static bool is_same(const struct trial_question *a, const struct trial_question *b)
{
    return a->unloaded == b->unloaded && a->confirms == b->confirms && a->rate == b->rate &&
           a->requests == b->requests;
}

const struct metric_list *alike_find(const struct alike *alike, uint64_t candidate,
                                     const struct trial_question *question,
                                     const struct serving_need *room, struct serving_need *need)
{
    for (uint64_t i = alike->before[candidate]; i != SIZE_MAX; i = alike->before[i]) {
        for (const struct answer *answer = alike->answers[i]; answer != NULL;
             answer = answer->next) {
            bool fits = room == NULL ? answer->need.known : serving_need_fits(&answer->need, room);
            if (fits && is_same(&answer->question, question)) {
                *need = answer->need;
                return &answer->metrics;
            }
        }
    }
    return NULL;
}
