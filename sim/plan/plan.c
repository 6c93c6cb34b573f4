/* SPDX-License-Identifier: MIT */
#include "sim/plan/plan.h"

#include "sim/run/run.h"
#include "sim/scenario/load.h"
#include "sim/sweep/pool.h"
#include "sim/sweep/record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Requests of the run without load, and its rate as a share of the one asked for: a service that
 * must carry it has hours between two of them. */
enum { UNLOADED_REQUESTS = 40 };
static const double UNLOADED_SHARE = 1e-4, WARM_UP_SHARE = 0.2;
/* A queue shows only in runs that last: so many answers, and so many times the TTFT allowed. */
static const double LEAST_ANSWERS = 5.0, LEAST_TTFTS = 10.0;
/* Times the rate at which a capacity is large enough; with prune: false, where the search ends. */
static const double AMPLE = 2.0, MOST = 8.0;

struct planner {
    const struct plan_job *job;
    struct candidate *candidates;
    uint64_t first_open; /* all before are at an end */
    uint64_t ended;
    double started;
};

const char *plan_state_name(enum candidate_state state)
{
    static const char *const names[CANDIDATE_STATE_COUNT] = {
        [CANDIDATE_NEW] = "new",           [CANDIDATE_SEARCHING] = "searching",
        [CANDIDATE_REJECTED] = "rejected", [CANDIDATE_FAILED] = "failed",
        [CANDIDATE_SLOW] = "too slow",     [CANDIDATE_SHORT] = "too small",
        [CANDIDATE_GOOD] = "good",
    };
    return names[state];
}

double plan_cost(const struct candidate *candidate)
{
    return candidate->dollars_per_hour > 0.0 ? candidate->dollars_per_hour : candidate->gpus;
}

static double spare(const struct candidate *candidate)
{
    return fmin(candidate->search.low, AMPLE * candidate->search.start);
}

size_t plan_winner(const struct candidate *candidates, size_t count)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].state != CANDIDATE_GOOD) {
            continue;
        }
        double cost = plan_cost(&candidates[i]);
        double least = best == SIZE_MAX ? cost : plan_cost(&candidates[best]);
        bool more = best != SIZE_MAX && spare(&candidates[i]) > spare(&candidates[best]);
        if (best == SIZE_MAX || cost < least || (cost <= least && more)) {
            best = i;
        }
    }
    return best;
}

/* --- one run, in a process of its own --- */

/* How many requests a run at `rate` needs. */
static uint32_t requests_at(const struct plan_file *file, const struct candidate *candidate,
                            double rate)
{
    double seconds =
        fmax(LEAST_ANSWERS * candidate->answer_seconds, LEAST_TTFTS * file->ttft_seconds);
    return (uint32_t)fmin(fmax(ceil(seconds * rate), file->requests), 1e7);
}

static const struct override *run_overrides(const struct plan_job *job, struct arena *arena,
                                            uint64_t candidate, double rate, uint32_t requests,
                                            size_t *count)
{
    const struct override *own = points_overrides(job->points, arena, candidate, count);
    struct override *all = ARENA_ARRAY(arena, struct override, *count + 3);
    memcpy(all, own, *count * sizeof *all);
    all[(*count)++].text = arena_printf(arena, "workload.arrivals.rate=%.17g /s", rate);
    all[(*count)++].text = arena_printf(arena, "workload.requests=%" PRIu32, requests);
    all[(*count)++].text =
        arena_printf(arena, "workload.warm_up=%.17g s", WARM_UP_SHARE * requests / rate);
    return all;
}

const char *plan_scenario(const struct plan_job *job, const struct candidate *candidates,
                          uint64_t candidate, struct diagnostics *diagnostics)
{
    size_t count = 0;
    uint32_t requests = requests_at(job->file, &candidates[candidate], job->file->rate);
    const struct override *overrides =
        run_overrides(job, job->arena, candidate, job->file->rate, requests, &count);
    const struct scenario *scenario =
        scenario_load(job->arena, job->file->sweep.base, overrides, count, diagnostics);
    return scenario == NULL ? NULL : scenario->resolved_yaml;
}

static void run_candidate(void *context, uint64_t index, struct text *bytes)
{
    const struct planner *planner = context;
    const struct plan_job *job = planner->job;
    const struct candidate *candidate = &planner->candidates[index];
    bool unloaded = candidate->state == CANDIDATE_NEW;
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct point_record record = {.point = index, .error = "", .metrics = {.arena = arena}};
    double rate = unloaded ? UNLOADED_SHARE * job->file->rate : candidate->search.next;
    uint32_t requests = unloaded ? UNLOADED_REQUESTS : requests_at(job->file, candidate, rate);
    size_t count = 0;
    const struct override *overrides = run_overrides(job, arena, index, rate, requests, &count);
    const struct scenario *scenario =
        scenario_load(arena, job->file->sweep.base, overrides, count, diagnostics);
    if (scenario == NULL) {
        record.status = POINT_REJECTED;
    } else {
        bool run = run_for_metrics(scenario, arena, NULL, &record.metrics, diagnostics);
        record.status = run ? POINT_DONE : POINT_FAILED;
        double gpus = layout_gpus(&scenario->layout);
        metric_add_number(&record.metrics, "gpus", "1", gpus);
        metric_add_number(&record.metrics, "dollars_per_hour", "1",
                          gpus * scenario->serving.price_gpu_hour);
    }
    record.error = record.status == POINT_DONE ? "" : diagnostics_first(diagnostics);
    point_record_write(bytes, &record);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

/* --- all of them --- */

static bool is_open(const struct candidate *candidate)
{
    return candidate->state == CANDIDATE_NEW || candidate->state == CANDIDATE_SEARCHING;
}

static bool next_candidate(void *context, uint64_t *index)
{
    struct planner *planner = context;
    uint64_t count = planner->job->points->count;
    while (planner->first_open < count && !is_open(&planner->candidates[planner->first_open])) {
        planner->first_open++;
    }
    for (uint64_t i = planner->first_open; i < count; i++) {
        if (is_open(&planner->candidates[i]) && !planner->candidates[i].under_way) {
            planner->candidates[i].under_way = true;
            *index = i;
            return true;
        }
    }
    return false;
}

static double number_of(const struct metric_list *metrics, const char *name, double otherwise)
{
    const struct metric *metric = metric_find(metrics, name);
    return metric == NULL ? otherwise : metric->value;
}

/* Nobody waits for anybody in that run, so its medians are below any 99th percentile under load. */
static bool is_too_slow(const struct plan_file *file, const struct metric_list *metrics)
{
    return number_of(metrics, "ttft_p50_seconds", 0.0) > file->ttft_seconds ||
           number_of(metrics, "tpot_p50_seconds", 0.0) > file->tpot_seconds;
}

static bool keeps_slo(const struct plan_file *file, const struct metric_list *metrics,
                      uint32_t requests)
{
    double completed = number_of(metrics, "completed", 0.0);
    return number_of(metrics, "ttft_p99_seconds", file->ttft_seconds) <= file->ttft_seconds &&
           number_of(metrics, "tpot_p99_seconds", file->tpot_seconds) <= file->tpot_seconds &&
           number_of(metrics, "sustained", 0.0) > 0.0 && completed >= requests;
}

static void copy_metrics(struct arena *arena, const struct metric_list *from,
                         struct metric_list *to)
{
    *to = (struct metric_list){.arena = arena};
    for (size_t i = 0; i < from->count; i++) {
        metric_add_number(to, from->metrics[i].name, from->metrics[i].unit, from->metrics[i].value);
    }
}

static void take_answer(const struct planner *planner, struct candidate *candidate,
                        const struct metric_list *metrics)
{
    const struct plan_job *job = planner->job;
    if (candidate->state == CANDIDATE_NEW) {
        candidate->gpus = number_of(metrics, "gpus", 0.0);
        candidate->dollars_per_hour = number_of(metrics, "dollars_per_hour", 0.0);
        candidate->state = job->file->prune && is_too_slow(job->file, metrics)
                               ? CANDIDATE_SLOW
                               : CANDIDATE_SEARCHING;
        candidate->answer_seconds = number_of(metrics, "e2e_mean_seconds", 0.0);
        candidate->search =
            capacity_begin(job->file->rate, job->file->tolerance, job->file->prune ? AMPLE : MOST);
        return;
    }
    bool first = candidate->runs == 2,
         kept = keeps_slo(job->file, metrics,
                          requests_at(job->file, candidate, candidate->search.next));
    if (kept) {
        copy_metrics(job->arena, metrics, &candidate->at_capacity);
    }
    if (first) {
        copy_metrics(job->arena, metrics, &candidate->at_rate);
    }
    capacity_tell(&candidate->search, kept);
    if (first && !kept && job->file->prune) {
        candidate->state = CANDIDATE_SHORT;
    } else if (candidate->search.done) {
        candidate->state = candidate->search.low >= job->file->rate ? CANDIDATE_GOOD
                           : candidate->search.low > 0.0            ? CANDIDATE_SHORT
                                                                    : CANDIDATE_SLOW;
    }
}

static bool take_result(void *context, uint64_t index, const struct pool_result *result)
{
    struct planner *planner = context;
    struct candidate *candidate = &planner->candidates[index];
    struct arena *scratch = arena_create();
    struct point_record record;
    candidate->under_way = false;
    candidate->runs++;
    if (result->bytes == NULL ||
        !point_record_read(scratch, result->bytes, result->size, NULL, &record)) {
        candidate->state = CANDIDATE_FAILED;
        candidate->reason = arena_strdup(planner->job->arena,
                                         result->bytes == NULL ? result->last_words : "no answer");
    } else if (record.status != POINT_DONE) {
        candidate->state = record.status == POINT_REJECTED ? CANDIDATE_REJECTED : CANDIDATE_FAILED;
        candidate->reason = arena_strdup(planner->job->arena, record.error);
    } else {
        take_answer(planner, candidate, &record.metrics);
    }
    planner->ended += !is_open(candidate);
    arena_destroy(scratch);
    return true;
}

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void tick(void *context)
{
    const struct planner *planner = context;
    if (planner->job->report != NULL) {
        planner->job->report(planner->job->context, planner->ended, planner->job->points->count,
                             wall_seconds() - planner->started);
    }
}

bool plan_run(const struct plan_job *job, struct candidate *candidates)
{
    struct planner planner = {.job = job, .candidates = candidates, .started = wall_seconds()};
    const struct pool pool = {
        .workers = job->workers,
        .context = &planner,
        .next = next_candidate,
        .work = run_candidate,
        .done = take_result,
        .tick = tick,
    };
    return pool_run(&pool) == POOL_DONE;
}
