/* SPDX-License-Identifier: MIT */
#include "sim/plan/trial.h"

#include "sim/base/json.h"
#include "sim/base/quantity.h"
#include "sim/run/run.h"
#include "sim/scenario/load.h"
#include "sim/scenario/replica.h"
#include "sim/serving/result/goal.h"
#include "sim/sweep/price_kind.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Requests of the run without load, and its rate as a share of the one asked for: a service that
 * must carry it has hours between two of them. */
enum { UNLOADED_REQUESTS = 40 };
static const double UNLOADED_SHARE = 1e-4, WARM_UP_SHARE = 0.2;
/* A queue shows only in runs that last: so many answers, and so many times the TTFT allowed. */
static const double LEAST_ANSWERS = 5.0, LEAST_TTFTS = 10.0;
/* With prune: false, times the rate at which the search ends. */
static const double MOST = 8.0;

/* --- what is run --- */

uint32_t trial_requests(const struct plan_file *file, const struct candidate *candidate,
                        double rate)
{
    double seconds =
        fmax(LEAST_ANSWERS * candidate->answer_seconds, LEAST_TTFTS * file->ttft_seconds);
    return (uint32_t)fmin(fmax(ceil(seconds * rate), file->requests), 1e7);
}

/* Of the run that confirms a candidate at a rate. */
static uint32_t confirm_requests(const struct plan_file *file, const struct candidate *candidate,
                                 double rate)
{
    uint32_t searched = trial_requests(file, candidate, rate);
    return searched > file->confirm_requests ? searched : file->confirm_requests;
}

double trial_warm_up(uint32_t requests, double rate)
{
    return WARM_UP_SHARE * requests / rate;
}

struct trial_question trial_question(const struct plan_job *job, const struct candidate *candidate)
{
    const struct plan_file *file = job->file;
    if (candidate->state == CANDIDATE_NEW) {
        return (struct trial_question){
            .unloaded = true, .rate = UNLOADED_SHARE * file->rate, .requests = UNLOADED_REQUESTS};
    }
    bool confirms = candidate->state == CANDIDATE_CONFIRMING;
    double rate = confirms ? candidate->confirm_rate : candidate->search.next;
    return (struct trial_question){
        .confirms = confirms,
        .rate = rate,
        .requests = confirms ? confirm_requests(file, candidate, rate)
                             : trial_requests(file, candidate, rate),
    };
}

static struct override *lay_over(const struct plan_job *job, struct arena *arena, uint64_t index,
                                 double rate, uint32_t requests, size_t *count)
{
    const struct override *own = points_overrides(job->points, arena, index, count);
    struct override *all = ARENA_ARRAY(arena, struct override, *count + 6);
    memcpy(all, own, *count * sizeof *all);
    const struct {
        const char *key, *unit;
        double value;
    } values[] = {
        {"workload.arrivals.rate", "/s", rate},
        {"workload.warm_up", "s", trial_warm_up(requests, rate)},
        {"workload.slo.ttft", "s", job->file->ttft_seconds},
        {"workload.slo.tpot", "s", job->file->tpot_seconds},
    };
    all[(*count)++].text = arena_printf(arena, "workload.requests=%" PRIu32, requests);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char number[EXACT_NUMBER_BYTES];
        all[(*count)++].text = arena_printf(arena, "%s=%s %s", values[i].key,
                                            exact_number(values[i].value, number), values[i].unit);
    }
    return all;
}

const struct override *trial_overrides(const struct plan_job *job, struct arena *arena,
                                       const struct candidate *candidate, uint64_t index,
                                       double rate, size_t *count)
{
    return lay_over(job, arena, index, rate, trial_requests(job->file, candidate, rate), count);
}

/* Other draws than those that the search has chosen by. */
const struct override *trial_confirm_overrides(const struct plan_job *job, struct arena *arena,
                                               const struct candidate *candidate, uint64_t index,
                                               double rate, size_t *count)
{
    uint32_t requests = confirm_requests(job->file, candidate, rate);
    struct override *all = lay_over(job, arena, index, rate, requests, count);
    all[(*count)++].text = arena_printf(arena, "seed=%" PRIu64, job->points->base_seed + 1);
    return all;
}

/* --- what needs no run --- */

static void give_up(struct point_record *record, enum plan_rule rule, const char *reason)
{
    metric_add_number(&record->metrics, "rule", "1", rule);
    record->error = reason;
}

static int by_tokens(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

/* The median prompt of the first requests: in any longer run too, far more than a hundredth of the
 * prompts are as long. 0: not known. */
static uint32_t median_prompt(const struct serving_preview *preview, struct arena *arena)
{
    uint32_t *tokens = ARENA_ARRAY(arena, uint32_t, preview->count + 1);
    for (uint32_t i = 0; i < preview->count; i++) {
        tokens[i] = preview->requests[i].prompt_tokens;
    }
    qsort(tokens, preview->count, sizeof *tokens, by_tokens);
    return preview->count == 0 ? 0 : tokens[(preview->count - 1) / 2];
}

/* Whether most answers have a second token, and so a TPOT. */
static bool most_decode(const struct serving_preview *preview)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < preview->count; i++) {
        count += preview->requests[i].output_tokens > 1;
    }
    return 2 * count > preview->count;
}

/* The budget, and what the data sheet says before any simulation. False: it is given up. */
static bool worth_a_run(const struct plan_job *job, const struct scenario *scenario,
                        struct point_record *record)
{
    const struct plan_file *file = job->file;
    struct arena *arena = record->metrics.arena;
    double gpus = scenario_gpus(scenario), price = scenario->serving.price_gpu_hour;
    if ((file->most_gpus > 0.0 && gpus > file->most_gpus) ||
        (file->most_dollars > 0.0 && gpus * price > file->most_dollars)) {
        give_up(record, RULE_BUDGET,
                arena_printf(arena, "%.0f GPUs, %.2f dollars an hour: over the budget", gpus,
                             gpus * price));
        return false;
    }
    if (!file->prune) {
        return true;
    }
    struct bound_replica replica = bound_replica_of(scenario);
    struct serving_preview preview =
        serving_preview(scenario, arena, file->requests, job->diagnostics);
    uint32_t prompt = median_prompt(&preview, arena);
    if (most_decode(&preview) && bound_tpot_seconds(&replica) > file->tpot_seconds) {
        give_up(record, RULE_TPOT_BOUND,
                arena_printf(arena, "reading a GPU's weights takes %s a token at the memory's peak",
                             quantity_seconds(bound_tpot_seconds(&replica)).text));
        return false;
    }
    if (prompt > 0 && bound_ttft_seconds(&replica, prompt) > file->ttft_seconds) {
        give_up(record, RULE_TTFT_BOUND,
                arena_printf(arena, "the median prompt takes %s at the GPUs' peak",
                             quantity_seconds(bound_ttft_seconds(&replica, prompt)).text));
        return false;
    }
    return true;
}

/* The run at the rate asked for, its requests drawn, against the replicas' peaks. */
static void bound_the_rate(const struct plan_job *job, uint64_t index,
                           const struct candidate *unloaded, struct point_record *record)
{
    static const struct {
        enum plan_rule rule;
        const char *reason;
    } answers[] = {
        [SHORTAGE_COMPUTE] = {RULE_COMPUTE_BOUND,
                              "its requests are more FLOPs than its GPUs' peak"},
        [SHORTAGE_BANDWIDTH] = {RULE_BANDWIDTH_BOUND,
                                "its answers read more bytes than its GPUs' memory gives"},
        [SHORTAGE_KV_ROOM] = {RULE_KV_ROOM_BOUND, "its requests need more KV cache than there is"},
    };
    const struct plan_file *file = job->file;
    struct arena *arena = record->metrics.arena;
    size_t count = 0;
    const struct override *overrides =
        trial_overrides(job, arena, unloaded, index, file->rate, &count);
    const struct scenario *scenario =
        scenario_load_kept(job->files, arena, file->sweep.base, overrides, count, job->diagnostics);
    if (scenario == NULL) {
        return; /* the run will say why */
    }
    struct bound_replica replica = bound_replica_of(scenario);
    const struct bound_limits limits = {file->ttft_seconds, file->tpot_seconds};
    uint32_t requests = trial_requests(file, unloaded, file->rate);
    struct serving_preview preview = serving_preview(scenario, arena, requests, job->diagnostics);
    enum shortage shortage =
        bound_load(&replica, &limits, &preview, trial_warm_up(requests, file->rate), arena);
    if (shortage != SHORTAGE_NONE) {
        give_up(record, answers[shortage].rule, answers[shortage].reason);
    }
}

/* --- a run --- */

static double number_of(const struct metric_list *metrics, const char *name, double otherwise)
{
    const struct metric *metric = metric_find(metrics, name);
    return metric == NULL ? otherwise : metric->value;
}

/* What a plan goes by; a record has no other figures of its run. */
static const char *const asked[] = {"completed",
                                    "sustained",
                                    "goal_missed",
                                    "e2e_mean_seconds",
                                    "ttft_p50_seconds",
                                    "ttft_p99_seconds",
                                    "ttft_p99_high_seconds",
                                    "tpot_p50_seconds",
                                    "tpot_p99_seconds",
                                    "tpot_p99_high_seconds",
                                    "output_tokens_per_second",
                                    "output_tokens_per_second_per_gpu"};

static void keep_asked(const struct metric_list *all, struct metric_list *kept)
{
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const struct metric *metric = metric_find(all, asked[i]);
        if (metric != NULL) {
            metric_add(kept, *metric);
        }
    }
}

static struct serving_need need_of(const struct metric_list *metrics, const char *sequences,
                                   const char *blocks)
{
    const struct metric *seats = metric_find(metrics, sequences);
    return (struct serving_need){.known = seats != NULL,
                                 .sequences = seats == NULL ? 0 : (uint32_t)seats->value,
                                 .blocks = (uint64_t)number_of(metrics, blocks, 0.0)};
}

struct serving_need trial_need(const struct metric_list *metrics)
{
    return need_of(metrics, "need_sequences", "need_blocks");
}

struct serving_need trial_room(const struct metric_list *metrics)
{
    return need_of(metrics, "room_sequences", "room_blocks");
}

static void add_need(struct metric_list *metrics, const struct serving_need *need,
                     const char *sequences, const char *blocks)
{
    if (need->known) {
        metric_add_number(metrics, sequences, "1", need->sequences);
        metric_add_number(metrics, blocks, "1", (double)need->blocks);
    }
}

struct point_record trial_shared(struct arena *arena, const struct metric_list *metrics)
{
    struct point_record record = {.error = "", .metrics = {.arena = arena}};
    keep_asked(metrics, &record.metrics);
    metric_add_number(&record.metrics, "shared", "1", 1.0);
    return record;
}

/* Plays a scenario for what is asked. False after an error. */
static bool play(const struct scenario *scenario, const struct run_options *options,
                 struct point_record *record, struct diagnostics *diagnostics)
{
    struct arena *arena = record->metrics.arena;
    struct metric_list all = {.arena = arena};
    struct serving_need need = {0};
    struct run_options own = *options;
    own.workload.need = &need;
    if (!run_for_metrics(scenario, arena, &own, &all, diagnostics)) {
        return false;
    }
    keep_asked(&all, &record->metrics);
    add_need(&record->metrics, &need, "need_sequences", "need_blocks");
    return true;
}

/* Nobody waits for anybody in that run, so its medians are below any 99th percentile under load. */
static bool is_too_slow(const struct plan_file *file, const struct metric_list *metrics)
{
    return number_of(metrics, "ttft_p50_seconds", 0.0) > file->ttft_seconds ||
           number_of(metrics, "tpot_p50_seconds", 0.0) > file->tpot_seconds;
}

/* What another's run without load gave, if it goes the same way here. */
static bool is_lent(const struct scenario *scenario, const struct point_record *lent,
                    struct point_record *record)
{
    struct serving_need room = serving_room(scenario);
    add_need(&record->metrics, &room, "room_sequences", "room_blocks");
    if (lent == NULL) {
        return false;
    }
    struct serving_need need = trial_need(&lent->metrics);
    if (!serving_need_fits(&need, &room)) {
        return false;
    }
    keep_asked(&lent->metrics, &record->metrics);
    add_need(&record->metrics, &need, "need_sequences", "need_blocks");
    metric_add_number(&record->metrics, "shared", "1", 1.0);
    return true;
}

static void run_unloaded(const struct plan_job *job, const struct run_options *options,
                         const struct scenario *scenario, uint64_t index,
                         const struct point_record *lent, struct point_record *record,
                         struct diagnostics *diagnostics)
{
    const struct plan_file *file = job->file;
    struct arena *arena = record->metrics.arena;
    double gpus = scenario_gpus(scenario);
    metric_add_number(&record->metrics, "gpus", "1", gpus);
    metric_add_number(&record->metrics, "dollars_per_hour", "1",
                      gpus * scenario->serving.price_gpu_hour);
    if (!worth_a_run(job, scenario, record)) {
        return;
    }
    if (!is_lent(scenario, lent, record) && !play(scenario, options, record, diagnostics)) {
        record->status = POINT_FAILED;
        return;
    }
    struct candidate unloaded = {.answer_seconds =
                                     number_of(&record->metrics, "e2e_mean_seconds", 0.0)};
    if (file->prune && is_too_slow(file, &record->metrics)) {
        give_up(record, RULE_UNLOADED,
                arena_printf(
                    arena, "without load, the median TTFT is %s and the median TPOT %s",
                    quantity_seconds(number_of(&record->metrics, "ttft_p50_seconds", 0.0)).text,
                    quantity_seconds(number_of(&record->metrics, "tpot_p50_seconds", 0.0)).text));
    } else if (file->prune) {
        bound_the_rate(job, index, &unloaded, record);
    }
}

void trial_run(const struct plan_job *job, const struct candidate *candidate, uint64_t index,
               const struct point_record *lent, struct arena *arena, struct point_record *record)
{
    const struct plan_file *file = job->file;
    const struct serving_goal goal = {file->ttft_seconds, file->tpot_seconds};
    bool unloaded = candidate->state == CANDIDATE_NEW;
    struct run_options options = {.workload = {.prices = job->prices,
                                               .price_kind = price_kind(job->points, index),
                                               .goal = unloaded ? NULL : &goal}};
    struct diagnostics *diagnostics = diagnostics_create();
    size_t count = 0;
    const struct override *overrides =
        unloaded
            ? lay_over(job, arena, index, UNLOADED_SHARE * file->rate, UNLOADED_REQUESTS, &count)
        : candidate->state == CANDIDATE_CONFIRMING
            ? trial_confirm_overrides(job, arena, candidate, index, candidate->confirm_rate, &count)
            : trial_overrides(job, arena, candidate, index, candidate->search.next, &count);
    *record = (struct point_record){.error = "", .metrics = {.arena = arena}};
    const struct scenario *scenario =
        scenario_load_kept(job->files, arena, file->sweep.base, overrides, count, diagnostics);
    if (scenario == NULL) {
        record->status = POINT_REJECTED;
    } else if (unloaded) {
        run_unloaded(job, &options, scenario, index, lent, record, diagnostics);
    } else if (!play(scenario, &options, record, diagnostics)) {
        record->status = POINT_FAILED;
    }
    if (record->status != POINT_DONE) {
        record->error = arena_strdup(arena, diagnostics_first(diagnostics));
    }
    diagnostics_destroy(diagnostics);
}

/* --- its answer --- */

static bool keeps_slo(const struct plan_file *file, const struct metric_list *metrics,
                      uint32_t requests)
{
    double completed = number_of(metrics, "completed", 0.0);
    return number_of(metrics, "goal_missed", 0.0) <= 0.0 &&
           number_of(metrics, "ttft_p99_seconds", file->ttft_seconds) <= file->ttft_seconds &&
           number_of(metrics, "tpot_p99_seconds", file->tpot_seconds) <= file->tpot_seconds &&
           number_of(metrics, "sustained", 0.0) > 0.0 && completed >= requests;
}

/* The same of a run that must be sure of it: the upper ends of the 95 % intervals. */
static bool surely_keeps_slo(const struct plan_file *file, const struct metric_list *metrics)
{
    return number_of(metrics, "ttft_p99_high_seconds", INFINITY) <= file->ttft_seconds &&
           number_of(metrics, "tpot_p99_high_seconds", 0.0) <= file->tpot_seconds;
}

static void copy_metrics(struct arena *arena, const struct metric_list *from,
                         struct metric_list *to)
{
    *to = (struct metric_list){.arena = arena};
    for (size_t i = 0; i < from->count; i++) {
        metric_add_number(to, from->metrics[i].name, from->metrics[i].unit, from->metrics[i].value);
    }
}

static void end(const struct plan_job *job, struct candidate *candidate, enum plan_rule rule,
                const char *reason)
{
    static const enum candidate_state states[RULE_COUNT] = {
        [RULE_NONE] = CANDIDATE_GOOD,
        [RULE_IMPOSSIBLE] = CANDIDATE_REJECTED,
        [RULE_FAILED] = CANDIDATE_FAILED,
        [RULE_BUDGET] = CANDIDATE_DEAR,
        [RULE_TPOT_BOUND] = CANDIDATE_SLOW,
        [RULE_TTFT_BOUND] = CANDIDATE_SLOW,
        [RULE_UNLOADED] = CANDIDATE_SLOW,
        [RULE_COMPUTE_BOUND] = CANDIDATE_SHORT,
        [RULE_BANDWIDTH_BOUND] = CANDIDATE_SHORT,
        [RULE_KV_ROOM_BOUND] = CANDIDATE_SHORT,
        [RULE_RATE] = CANDIDATE_SHORT,
        [RULE_CONFIRM] = CANDIDATE_SHORT,
    };
    candidate->state = states[rule];
    candidate->rule = rule;
    candidate->reason = reason == NULL ? NULL : arena_strdup(job->arena, reason);
}

static void take_unloaded(const struct plan_job *job, struct candidate *candidate,
                          const struct point_record *record)
{
    const struct plan_file *file = job->file;
    const struct metric_list *metrics = &record->metrics;
    candidate->gpus = number_of(metrics, "gpus", 0.0);
    candidate->dollars_per_hour = number_of(metrics, "dollars_per_hour", 0.0);
    candidate->answer_seconds = number_of(metrics, "e2e_mean_seconds", 0.0);
    candidate->room = trial_room(metrics);
    candidate->runs += metric_find(metrics, "e2e_mean_seconds") != NULL;
    candidate->search =
        capacity_begin(file->rate, file->tolerance, file->prune ? PLAN_AMPLE : MOST);
    candidate->state = CANDIDATE_TRYING;
    if (metric_find(metrics, "rule") != NULL) {
        end(job, candidate, (enum plan_rule)number_of(metrics, "rule", 0.0), record->error);
    }
}

static void take_loaded(const struct plan_job *job, struct candidate *candidate,
                        const struct metric_list *metrics)
{
    const struct plan_file *file = job->file;
    bool at_rate = candidate->state == CANDIDATE_TRYING;
    bool kept = keeps_slo(file, metrics, trial_requests(file, candidate, candidate->search.next));
    candidate->runs++;
    if (kept) {
        copy_metrics(job->arena, metrics, &candidate->at_capacity);
        candidate->searched_at_capacity = candidate->at_capacity;
    }
    if (kept && at_rate) {
        candidate->at_rate = candidate->searched_at_rate = candidate->at_capacity;
    }
    capacity_tell(&candidate->search, kept);
    candidate->searched = candidate->search.low;
    if (at_rate && !kept && file->prune) {
        end(job, candidate, RULE_RATE, "misses the SLO at the rate asked for");
    } else if (candidate->search.done && candidate->search.low >= file->rate) {
        end(job, candidate, RULE_NONE, NULL);
    } else if (candidate->search.done) {
        end(job, candidate, candidate->search.low > 0.0 ? RULE_RATE : RULE_UNLOADED,
            candidate->search.low > 0.0 ? "misses the SLO at the rate asked for"
                                        : "misses the SLO at any rate");
    } else {
        candidate->state = at_rate && file->prune ? CANDIDATE_CARRIES : CANDIDATE_SEARCHING;
    }
}

/* --- what confirms it --- */

void trial_confirm(const struct plan_job *job, struct candidate *candidate)
{
    candidate->state = CANDIDATE_CONFIRMING;
    candidate->confirm_rate = job->file->rate;
}

static void end_confirmed(struct candidate *candidate, double capacity)
{
    candidate->search.low = capacity;
    candidate->confirm_rate = 0.0;
    candidate->confirmed = true;
    candidate->state = CANDIDATE_GOOD;
}

/* Of a capacity that a long run does not bear out, the next rate that may be one; the one asked for
 * when it is near. */
static void lower_capacity(const struct plan_job *job, struct candidate *candidate)
{
    const struct plan_file *file = job->file;
    candidate->search.high = candidate->confirm_rate;
    candidate->confirm_rate /= 1.0 + fmax(file->tolerance, 0.02);
    if (candidate->confirm_rate <= file->rate * (1.0 + file->tolerance) ||
        candidate->trials + 1 >= TRIALS_MOST) {
        candidate->at_capacity = candidate->at_rate;
        end_confirmed(candidate, file->rate);
    }
}

static void take_confirming(const struct plan_job *job, struct candidate *candidate,
                            const struct metric_list *metrics)
{
    const struct plan_file *file = job->file;
    bool at_rate = candidate->confirm_rate <= file->rate;
    bool kept = keeps_slo(file, metrics, 0) && surely_keeps_slo(file, metrics);
    candidate->runs++;
    if (!kept && at_rate) {
        end(job, candidate, RULE_CONFIRM,
            "carries the rate in a short run, but not surely in a long one with other draws");
    } else if (!kept) {
        lower_capacity(job, candidate);
    } else if (at_rate && candidate->search.low > file->rate * (1.0 + file->tolerance)) {
        copy_metrics(job->arena, metrics, &candidate->at_rate);
        candidate->confirm_rate = candidate->search.low;
    } else {
        copy_metrics(job->arena, metrics, &candidate->at_capacity);
        if (at_rate) {
            candidate->at_rate = candidate->at_capacity;
        }
        end_confirmed(candidate, candidate->confirm_rate);
    }
}

void trial_take(const struct plan_job *job, struct candidate *candidate,
                const struct point_record *record)
{
    candidate->trials++;
    candidate->shared += metric_find(&record->metrics, "shared") != NULL;
    if (record->status != POINT_DONE) {
        end(job, candidate, record->status == POINT_REJECTED ? RULE_IMPOSSIBLE : RULE_FAILED,
            record->error);
    } else if (candidate->state == CANDIDATE_NEW) {
        take_unloaded(job, candidate, record);
    } else if (candidate->state == CANDIDATE_CONFIRMING) {
        take_confirming(job, candidate, &record->metrics);
    } else {
        take_loaded(job, candidate, &record->metrics);
    }
}
