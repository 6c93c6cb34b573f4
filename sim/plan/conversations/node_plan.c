/* SPDX-License-Identifier: MIT */
#include "sim/plan/conversations/node_plan.h"

#include "sim/base/file.h"
#include "sim/plan/front.h"
#include "sim/scenario/load.h"
#include "sim/scenario/replica.h"

#include <math.h>
#include <string.h>

/* The largest of the metrics whose names end so: "ttft_seconds", "turn2_ttft_seconds". */
static double slowest(const struct metric_list *metrics, const char *ending)
{
    double most = 0.0;
    for (size_t i = 0; i < metrics->count; i++) {
        const char *name = metrics->metrics[i].name;
        size_t length = strlen(name), tail = strlen(ending);
        if (length >= tail && strcmp(name + length - tail, ending) == 0) {
            most = fmax(most, metrics->metrics[i].value);
        }
    }
    return most;
}

static bool is_better(const struct node_candidate *a, const struct node_candidate *b)
{
    if (a->nodes != b->nodes) {
        return a->nodes < b->nodes;
    }
    return a->gpus < b->gpus || (a->gpus <= b->gpus && a->ttft_seconds < b->ttft_seconds);
}

static bool take(const struct node_plan *plan, uint64_t number, const struct point_record *record,
                 struct diagnostics *diagnostics)
{
    const struct node_plan_file *file = plan->file;
    struct node_candidate *candidate = &plan->candidates[number];
    *candidate = (struct node_candidate){.status = record->status, .error = record->error};
    if (record->status != POINT_DONE) {
        return true;
    }
    size_t count = 0;
    struct arena *arena = arena_create();
    const struct override *overrides = points_overrides(plan->points, arena, number, &count);
    const struct scenario *scenario =
        scenario_load(arena, file->sweep.base, overrides, count, diagnostics);
    if (scenario != NULL) {
        candidate->gpus = scenario_gpus(scenario);
        candidate->nodes = (uint32_t)ceil(candidate->gpus / scenario->cluster.gpus_per_node);
        candidate->ttft_seconds = slowest(&record->metrics, "ttft_seconds");
        candidate->tpot_seconds = slowest(&record->metrics, "tpot_seconds");
        candidate->keeps =
            candidate->ttft_seconds <= file->ttft_seconds &&
            (file->tpot_seconds <= 0.0 || candidate->tpot_seconds <= file->tpot_seconds);
    }
    arena_destroy(arena);
    return scenario != NULL;
}

bool node_plan_read(struct node_plan *plan, const struct journal_contents *contents,
                    struct diagnostics *diagnostics)
{
    plan->candidates = ARENA_ARRAY(plan->arena, struct node_candidate, plan->points->count);
    plan->winner = SIZE_MAX;
    for (uint64_t i = 0; i < plan->points->count; i++) {
        if (!take(plan, i, contents->points[i], diagnostics)) {
            return false;
        }
        bool first = plan->winner == SIZE_MAX;
        if (plan->candidates[i].keeps &&
            (first || is_better(&plan->candidates[i], &plan->candidates[plan->winner]))) {
            plan->winner = i;
        }
    }
    return true;
}

size_t node_plan_front(const struct node_plan *plan, size_t *numbers)
{
    struct arena *arena = arena_create();
    struct front_point *points = ARENA_ARRAY(arena, struct front_point, plan->points->count);
    size_t count = 0;
    for (size_t i = 0; i < plan->points->count; i++) {
        const struct node_candidate *candidate = &plan->candidates[i];
        if (candidate->keeps) {
            points[count++] = (struct front_point){
                .first = candidate->nodes, .second = candidate->ttft_seconds, .index = i};
        }
    }
    count = front_find(points, count);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = points[i].index;
    }
    arena_destroy(arena);
    return count;
}

const char *node_plan_winner_yaml(const struct node_plan *plan, struct diagnostics *diagnostics)
{
    const struct node_plan_file *file = plan->file;
    size_t count = 0;
    const struct override *overrides =
        points_overrides(plan->points, plan->arena, plan->winner, &count);
    const char *base = file_absolute(plan->arena, file->sweep.base);
    const char *title = arena_printf(plan->arena, "%s: the fewest nodes", file->sweep.title);
    const char *yaml = scenario_difference(plan->arena, base, title, overrides, count, diagnostics);
    const struct node_candidate *winner = &plan->candidates[plan->winner];
    return yaml == NULL
               ? NULL
               : arena_printf(plan->arena,
                              "# Found by cpsim plan: %u nodes, TTFT %.9g s, TPOT %.9g s\n%s",
                              winner->nodes, winner->ttft_seconds, winner->tpot_seconds, yaml);
}
