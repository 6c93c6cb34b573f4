/* SPDX-License-Identifier: MIT */
#include "sim/plan/layouts/layout_order.h"

#include "sim/plan/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double hour_seconds = 3600.0;

double layout_cost(const struct layout_job *job, const struct answer *answer, double seconds)
{
    double price = job->base->training.price_per_gpu_hour;
    return answer->gpus * seconds / hour_seconds * (price > 0.0 ? price : 1.0);
}

static bool within_budget(const struct layout_job *job, const struct answer *answer, double seconds)
{
    const struct layout_file *file = job->file;
    return (file->most_seconds <= 0.0 || seconds <= file->most_seconds) &&
           (file->most_dollars <= 0.0 || layout_cost(job, answer, seconds) <= file->most_dollars);
}

/* What the aim makes least, then what breaks ties. */
struct rank {
    double keys[4];
    uint64_t shape, variant;
};

static struct rank rank_of(const struct layout_job *job, const struct answer *answer,
                           double seconds)
{
    struct rank rank = {.shape = answer->shape, .variant = answer->variant};
    rank.keys[0] = within_budget(job, answer, seconds) ? 0.0 : 1.0;
    rank.keys[1] = job->file->aim == AIM_MEMORY ? answer->memory_bytes
                   : job->file->aim == AIM_COST ? layout_cost(job, answer, seconds)
                                                : seconds;
    rank.keys[2] = seconds;
    rank.keys[3] = answer->memory_bytes;
    return rank;
}

static int compare(const struct rank *left, const struct rank *right)
{
    for (size_t i = 0; i < sizeof left->keys / sizeof *left->keys; i++) {
        if (left->keys[i] != right->keys[i]) {
            return left->keys[i] < right->keys[i] ? -1 : 1;
        }
    }
    if (left->shape != right->shape) {
        return left->shape < right->shape ? -1 : 1;
    }
    return (left->variant > right->variant) - (left->variant < right->variant);
}

struct ranked {
    struct rank rank;
    struct answer answer;
};

static int by_rank(const void *left, const void *right)
{
    return compare(&((const struct ranked *)left)->rank, &((const struct ranked *)right)->rank);
}

void layout_sort(const struct layout_job *job, struct layout_found *found)
{
    struct arena *arena = arena_create();
    struct ranked *ranked = ARENA_ARRAY(arena, struct ranked, found->count + 1);
    for (size_t i = 0; i < found->count; i++) {
        const struct answer *answer = &found->answers[i];
        ranked[i] = (struct ranked){rank_of(job, answer, answer->seconds), *answer};
    }
    qsort(ranked, found->count, sizeof *ranked, by_rank);
    found->over_budget = 0;
    for (size_t i = 0; i < found->count; i++) {
        found->answers[i] = ranked[i].answer;
        found->over_budget += ranked[i].rank.keys[0] > 0.0;
    }
    arena_destroy(arena);
}

static bool has_failed(const struct layout_found *found, size_t answer)
{
    return found->played[answer].done && found->played[answer].step_seconds <= 0.0;
}

double layout_seconds(const struct layout_found *found, size_t answer)
{
    const struct played_layout *played = &found->played[answer];
    return played->done && played->step_seconds > 0.0 ? played->seconds
                                                      : found->answers[answer].seconds;
}

double layout_step_seconds(const struct layout_found *found, size_t answer)
{
    const struct played_layout *played = &found->played[answer];
    return played->done && played->step_seconds > 0.0 ? played->step_seconds
                                                      : found->answers[answer].step_seconds;
}

size_t layout_best(const struct layout_job *job, const struct layout_found *found)
{
    size_t best = SIZE_MAX;
    struct rank least = {0};
    for (size_t i = 0; i < found->count; i++) {
        struct rank rank = rank_of(job, &found->answers[i], layout_seconds(found, i));
        if (!has_failed(found, i) && rank.keys[0] <= 0.0 &&
            (best == SIZE_MAX || compare(&rank, &least) < 0)) {
            best = i;
            least = rank;
        }
    }
    return best;
}

/* --- fronts --- */

static size_t front_of(const struct layout_found *found, uint32_t gpus, size_t *numbers)
{
    struct arena *arena = arena_create();
    struct front_point *points = ARENA_ARRAY(arena, struct front_point, found->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < found->count - found->over_budget; i++) {
        const struct answer *answer = &found->answers[i];
        if (!has_failed(found, i) && (gpus == 0 || answer->gpus == gpus)) {
            points[count++] =
                (struct front_point){.first = layout_seconds(found, i),
                                     .second = gpus == 0 ? answer->gpus : answer->memory_bytes,
                                     .index = i};
        }
    }
    count = front_find(points, count);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = points[i].index;
    }
    arena_destroy(arena);
    return count;
}

size_t layout_gpu_front(const struct layout_found *found, size_t *numbers)
{
    return front_of(found, 0, numbers);
}

size_t layout_memory_front(const struct layout_found *found, size_t *numbers)
{
    return found->winner == SIZE_MAX ? 0
                                     : front_of(found, found->answers[found->winner].gpus, numbers);
}
