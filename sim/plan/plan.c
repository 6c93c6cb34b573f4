/* SPDX-License-Identifier: MIT */
#include "sim/plan/plan.h"

#include "models/numeric/checksum.h"
#include "sim/base/file.h"
#include "sim/base/part_file.h"
#include "sim/base/pool.h"
#include "sim/base/progress.h"
#include "sim/base/version.h"
#include "sim/plan/front.h"
#include "sim/plan/plan_report.h"
#include "sim/plan/trial.h"
#include "sim/run/run.h"
#include "sim/scenario/load.h"
#include "sim/sweep/folder.h"
#include "sim/sweep/journal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const double SYNC_SECONDS = 1.0;

struct planner {
    struct plan_job *job;
    struct folder_lock lock;
    struct candidate *candidates;
    struct journal *journal;
    struct journal_contents kept; /* answers of earlier runs: candidate * TRIALS_MOST + trial */
    uint64_t first_open;          /* all before are at an end, or carry the rate */
    uint64_t under_way, ended, total;
    struct alike *alike;
    bool chosen; /* whose capacity is sought */
    bool failed;
    bool unfit;               /* of a child: a run failed in it */
    struct arena *told;       /* of a child: what it was told last ... */
    struct point_record lent; /* ... of one that is alike (trial_run()) */
    double started, synced;
};

/* --- the winner --- */

const char *plan_scenario(const struct plan_job *job, const struct candidate *candidates,
                          uint64_t candidate, struct diagnostics *diagnostics)
{
    const struct candidate *chosen = &candidates[candidate];
    struct arena *arena = job->arena;
    const char *base = file_absolute(arena, job->file->sweep.base);
    double capacity = chosen->search.low;
    size_t count = 0, capacity_count = 0;
    const struct override *overrides =
        trial_confirm_overrides(job, arena, chosen, candidate, job->file->rate, &count);
    const struct override *at_capacity =
        trial_confirm_overrides(job, arena, chosen, candidate, capacity, &capacity_count);
    struct text command = {.arena = arena};
    for (size_t i = 0; i < capacity_count; i++) {
        if (strncmp(at_capacity[i].text == NULL ? "" : at_capacity[i].text, "workload.", 9) == 0) {
            text_print(&command, " --set '%s'", at_capacity[i].text);
        }
    }
    const char *title = arena_printf(arena, "%s: the cheapest", job->file->sweep.title);
    const char *yaml = scenario_difference(arena, base, title, overrides, count, diagnostics);
    return arena_printf(arena,
                        "# Found by cpsim plan%s: carries %.9g requests a second\n# within TTFT "
                        "p99 %.9g s and TPOT "
                        "p99 %.9g s. Its capacity is %.9g%s:\n# cpsim winner.yaml%s\n%s",
                        chosen->confirmed ? ", and confirmed by the run that this file plays" : "",
                        job->file->rate, job->file->ttft_seconds, job->file->tpot_seconds, capacity,
                        chosen->search.high > 0.0 ? "" : " or more",
                        command.bytes == NULL ? "" : command.bytes, yaml);
}

/* --- whose capacity is sought --- */

static const char *kind_of(const struct plan_job *job, struct arena *arena, uint64_t candidate)
{
    struct text text = {.arena = arena};
    text_add(&text, "");
    for (size_t i = 0; i < job->points->parameter_count; i++) {
        if (strcmp(job->points->parameters[i].key, "layout.data") != 0) {
            text_print(&text, "%s;", points_value(job->points, candidate, i)->text);
        }
    }
    return text.bytes;
}

/* Those that may win, those on the front of cost against TTFT, and of each kind of replica the
 * cheapest: more replicas alike bring more capacity, and nothing else that a capacity would show.
 */
static void choose(struct planner *planner)
{
    const struct plan_job *job = planner->job;
    struct candidate *candidates = planner->candidates;
    struct arena *arena = arena_create();
    struct front_point *points = ARENA_ARRAY(arena, struct front_point, job->points->count);
    const char **kinds = ARENA_ARRAY(arena, const char *, job->points->count);
    size_t *firsts = ARENA_ARRAY(arena, size_t, job->points->count);
    size_t count = 0, kind_count = 0;
    double least = INFINITY;
    for (size_t i = 0; i < job->points->count; i++) {
        if (candidates[i].state != CANDIDATE_CARRIES) {
            continue;
        }
        double cost = plan_cost(&candidates[i]);
        points[count++] = (struct front_point){
            .first = cost,
            .second = metric_find(&candidates[i].at_rate, "ttft_p99_seconds")->value,
            .index = i};
        least = fmin(least, cost);
        const char *kind = kind_of(job, arena, i);
        size_t at = 0;
        while (at < kind_count && strcmp(kinds[at], kind) != 0) {
            at++;
        }
        if (at == kind_count) {
            kinds[kind_count] = kind;
            firsts[kind_count++] = i;
        } else if (cost < plan_cost(&candidates[firsts[at]])) {
            firsts[at] = i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct candidate *candidate = &candidates[points[i].index];
        candidate->state = plan_cost(candidate) <= least ? CANDIDATE_SEARCHING : CANDIDATE_GOOD;
    }
    for (size_t i = 0; i < kind_count; i++) {
        candidates[firsts[i]].state = CANDIDATE_SEARCHING;
    }
    count = front_find(points, count);
    for (size_t i = 0; i < count; i++) {
        candidates[points[i].index].state = CANDIDATE_SEARCHING;
    }
    for (size_t i = 0; i < job->points->count; i++) {
        if (candidates[i].state == CANDIDATE_SEARCHING) {
            planner->ended--;
        }
    }
    planner->chosen = true;
    planner->first_open = 0;
    arena_destroy(arena);
}

static bool confirm_one(struct planner *planner, size_t index)
{
    struct candidate *candidate = &planner->candidates[index];
    if (candidate->state != CANDIDATE_GOOD || candidate->confirmed ||
        planner->job->file->confirm_requests == 0) {
        return false;
    }
    trial_confirm(planner->job, candidate);
    planner->ended--;
    planner->first_open = 0;
    return true;
}

/* What would be printed as a recommendation now, where that is not confirmed: the winner, and both
 * fronts. What fails makes room for others, so this is asked until it says false: all are. */
static bool confirm(struct planner *planner)
{
    bool any = false;
    const struct plan_job *job = planner->job;
    struct arena *arena = arena_create();
    struct front_point *points = ARENA_ARRAY(arena, struct front_point, job->points->count);
    size_t count = plan_cost_choice(job, planner->candidates, points);
    size_t winner = plan_winner(planner->candidates, job->points->count);
    if (winner != SIZE_MAX) {
        any |= confirm_one(planner, winner);
    }
    for (size_t i = 0; i < count; i++) {
        any |= confirm_one(planner, points[i].index);
    }
    count = plan_speed_choice(job, planner->candidates, points);
    for (size_t i = 0; i < count; i++) {
        any |= confirm_one(planner, points[i].index);
    }
    arena_destroy(arena);
    return any;
}

/* --- all of them --- */

static uint64_t place_of(uint64_t candidate, const struct candidate *state)
{
    return candidate * TRIALS_MOST + state->trials;
}

static void take(struct planner *planner, uint64_t index, const struct point_record *record)
{
    struct candidate *candidate = &planner->candidates[index];
    struct trial_question question = trial_question(planner->job, candidate);
    struct serving_need need = trial_need(&record->metrics);
    if (record->status == POINT_DONE && need.known) {
        alike_add(planner->alike, index, &question, &record->metrics, &need);
    }
    trial_take(planner->job, candidate, record);
    planner->ended += !candidate_is_open(candidate);
}

/* The answer of one that is alike, if that is all there is to it. */
static bool take_shared(struct planner *planner, uint64_t index)
{
    const struct candidate *candidate = &planner->candidates[index];
    struct trial_question question = trial_question(planner->job, candidate);
    struct serving_need need;
    const struct metric_list *metrics =
        question.unloaded ? NULL /* its own checks come first */
                          : alike_find(planner->alike, index, &question, &candidate->room, &need);
    if (metrics == NULL) {
        return false;
    }
    struct arena *scratch = arena_create();
    struct point_record record = trial_shared(scratch, metrics);
    take(planner, index, &record);
    arena_destroy(scratch);
    return true;
}

/* Takes what needs no run: what an earlier run of this command was answered, and those alike. False
 * when the candidate must wait for one that is alike. */
static bool replay(struct planner *planner, uint64_t index)
{
    struct candidate *candidate = &planner->candidates[index];
    while (candidate_is_open(candidate)) {
        const struct point_record *record = planner->kept.points[place_of(index, candidate)];
        if (record != NULL) {
            take(planner, index, record);
        } else if (alike_waits(planner->alike, planner->candidates, index)) {
            return false;
        } else if (!take_shared(planner, index)) {
            return true;
        }
    }
    return true;
}

static bool next_open(struct planner *planner, uint64_t *index)
{
    uint64_t count = planner->job->points->count;
    while (planner->first_open < count &&
           !candidate_is_open(&planner->candidates[planner->first_open])) {
        planner->first_open++;
    }
    for (uint64_t i = planner->first_open; i < count; i++) {
        struct candidate *candidate = &planner->candidates[i];
        if (!candidate_is_open(candidate) || candidate->under_way) {
            continue;
        }
        if (replay(planner, i) && candidate_is_open(candidate)) {
            candidate->under_way = true;
            planner->under_way++;
            *index = i;
            return true;
        }
    }
    return false;
}

static bool next_candidate(void *context, uint64_t *index)
{
    struct planner *planner = context;
    if (next_open(planner, index)) {
        return true;
    }
    if (planner->under_way > 0) {
        return false;
    }
    if (!planner->chosen) {
        choose(planner);
        if (next_open(planner, index)) {
            return true;
        }
    }
    while (confirm(planner)) { /* again: what a journal has the answer of takes no run */
        if (next_open(planner, index)) {
            return true;
        }
    }
    return false;
}

static void run_candidate(void *context, uint64_t index, struct text *bytes)
{
    struct planner *planner = context;
    const struct candidate *candidate = &planner->candidates[index];
    struct arena *arena = arena_create();
    struct point_record record;
    trial_run(planner->job, candidate, index, planner->told != NULL ? &planner->lent : NULL, arena,
              &record);
    record.point = place_of(index, candidate);
    planner->unfit = record.status == POINT_FAILED;
    point_record_write(bytes, &record);
    arena_destroy(arena);
}

/* What a run depends on, of what earlier answers have made of the candidate: the child may be of a
 * time before them. Texts and metrics are none of it, but for what one that is alike was answered.
 */
struct told {
    struct candidate candidate;
    uint64_t lent_bytes; /* of the record that follows; 0: none does */
};

static void tell(void *context, uint64_t index, struct text *bytes)
{
    const struct planner *planner = context;
    const struct candidate *now = &planner->candidates[index];
    struct trial_question question = trial_question(planner->job, now);
    struct serving_need need;
    const struct metric_list *metrics =
        question.unloaded ? alike_find(planner->alike, index, &question, NULL, &need) : NULL;
    struct text lent = {.arena = bytes->arena};
    text_add(&lent, "");
    if (metrics != NULL) {
        const struct point_record record = {.error = "", .metrics = *metrics};
        point_record_write(&lent, &record);
    }
    const struct told told = {.candidate = {.state = now->state,
                                            .search = now->search,
                                            .answer_seconds = now->answer_seconds,
                                            .confirm_rate = now->confirm_rate,
                                            .trials = now->trials},
                              .lent_bytes = lent.length};
    text_append(bytes, (const char *)&told, sizeof told);
    text_append(bytes, lent.bytes, lent.length);
}

static void hear(void *context, uint64_t index, const char *bytes)
{
    struct planner *planner = context;
    struct told told;
    memcpy(&told, bytes, sizeof told);
    planner->candidates[index] = told.candidate;
    if (planner->told != NULL) {
        arena_destroy(planner->told);
        planner->told = NULL;
    }
    if (told.lent_bytes > 0) {
        planner->told = arena_create();
        point_record_read(planner->told, bytes + sizeof told, told.lent_bytes, NULL,
                          &planner->lent);
    }
}

static bool is_fit(void *context)
{
    const struct planner *planner = context;
    return !planner->unfit;
}

static bool take_result(void *context, uint64_t index, const struct pool_result *result)
{
    struct planner *planner = context;
    struct candidate *candidate = &planner->candidates[index];
    struct arena *scratch = arena_create();
    struct point_record record;
    struct text bytes = {.arena = scratch};
    candidate->under_way = false;
    planner->under_way--;
    if (result->bytes != NULL) {
        text_append(&bytes, result->bytes, result->size);
    }
    if (result->bytes == NULL ||
        !point_record_read(scratch, bytes.bytes, bytes.length, NULL, &record)) {
        record = (struct point_record){
            .point = place_of(index, candidate),
            .status = POINT_FAILED,
            .error = result->bytes == NULL ? result->last_words : "no answer",
            .metrics = {.arena = scratch},
        };
    }
    /* What failed is tried again when the command is. */
    planner->failed = record.status != POINT_FAILED &&
                      !journal_append(planner->journal, bytes.bytes, bytes.length);
    take(planner, index, &record);
    arena_destroy(scratch);
    return !planner->failed;
}

static void tick(void *context)
{
    struct planner *planner = context;
    double now = wall_seconds();
    if (now - planner->synced >= SYNC_SECONDS) {
        journal_sync(planner->journal);
        planner->synced = now;
    }
    if (planner->job->report != NULL) {
        planner->job->report(planner->job->context, planner->ended, planner->job->points->count,
                             now - planner->started);
    }
}

/* The journal is one of this plan: what was asked, of the same candidates, of the same program. */
static struct sweep_record describe_plan(const struct plan_job *job)
{
    const struct plan_file *file = job->file;
    struct sweep_record record = {
        .title = file->sweep.title,
        .sweep_yaml = "",
        .base_yaml = job->points->base_yaml,
        .version = version_number(),
        .revision = version_revision(),
        .seed = file->sweep.seed,
        .point_count = job->points->count * TRIALS_MOST,
        .replications = 1,
        .best = {.metric = ""},
    };
    const double asked[] = {file->rate,      file->ttft_seconds, file->tpot_seconds,
                            file->tolerance, file->most_gpus,    file->most_dollars,
                            file->requests,  file->prune,        file->confirm_requests};
    uint64_t identity = checksum_text(points_identity(job->points), "plan");
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        identity = checksum_bytes(identity, &asked[i], sizeof asked[i]);
    }
    identity = checksum_text(identity, record.version);
    record.identity = checksum_text(identity, record.revision);
    return record;
}

/* What the base names is read once: candidates' processes start as copies of this one. */
static void read_base(const struct plan_job *job)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    scenario_load_kept(job->files, arena, job->file->sweep.base, NULL, 0, diagnostics);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

/* With the folder locked. */
static enum plan_end run_locked(struct planner *planner, const struct sweep_record *record,
                                const char *journal)
{
    struct plan_job *job = planner->job;
    if (!journal_read_same(job->arena, job->folder, record, "plan", &planner->kept,
                           job->diagnostics)) {
        return PLAN_BROKEN;
    }
    job->files = kept_files_create(job->arena);
    read_base(job); /* first: a journal says that candidates are under way */
    planner->journal = journal_open(job->arena, journal, record, job->diagnostics);
    if (planner->journal == NULL) {
        return PLAN_BROKEN;
    }
    job->prices = run_prices_create();
    planner->alike = alike_create(job->arena, job->points);
    const struct pool pool = {
        .workers = job->workers,
        .context = planner,
        .next = next_candidate,
        .work = run_candidate,
        .keeps = run_is_repeatable(),
        .tell = tell,
        .told = hear,
        .fit = is_fit,
        .done = take_result,
        .tick = tick,
    };
    enum pool_end end = pool_run(&pool);
    run_prices_destroy(job->prices);
    job->prices = NULL;
    bool closed = journal_close(planner->journal);
    return end == POOL_INTERRUPTED      ? PLAN_INTERRUPTED
           : end == POOL_DONE && closed ? PLAN_DONE
                                        : PLAN_BROKEN;
}

enum plan_end plan_run(struct plan_job *job, struct candidate *candidates)
{
    struct planner planner = {.job = job, .candidates = candidates, .started = wall_seconds()};
    struct sweep_record record = describe_plan(job);
    const char *journal = journal_path(job->arena, job->folder, 0, 1);
    if (!folder_lock(&planner.lock, job->arena, job->folder, journal, job->diagnostics)) {
        return PLAN_BROKEN;
    }
    part_file_clean(job->folder);
    enum plan_end end = run_locked(&planner, &record, journal);
    folder_unlock(&planner.lock);
    return end;
}
