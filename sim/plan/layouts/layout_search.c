/* SPDX-License-Identifier: MIT */
#include "sim/plan/layouts/layout_search.h"

#include "models/numeric/checksum.h"
#include "sim/base/part_file.h"
#include "sim/base/pool.h"
#include "sim/base/progress.h"
#include "sim/base/version.h"
#include "sim/plan/layouts/layout_order.h"
#include "sim/plan/layouts/layout_scenario.h"
#include "sim/run/run.h"
#include "sim/scenario/load.h"
#include "sim/sweep/folder.h"
#include "sim/sweep/journal.h"

#include <math.h>
#include <string.h>

enum { PLAYS_MOST = 128 };
static const double SYNC_SECONDS = 1.0;

struct searcher {
    const struct layout_job *job;
    struct layout_found *found;
    struct best_answers first; /* one of each shape: what all workers begin with */
    struct journal *journal;
    struct journal_contents kept; /* shapes, then plays in their order */
    uint64_t next_shape, under_way, shapes_done;
    bool ordered;    /* all shapes are answered */
    size_t *to_play; /* answers, in the order in which they are played */
    uint64_t play_count, next_play;
    bool failed;
    double started, synced;
};

/* --- what a worker does --- */

static void add_number(struct point_record *record, double number)
{
    metric_add(&record->metrics, (struct metric){.name = "", .unit = "1", .value = number});
}

enum { NUMBERS = 5 };

/* The states' counts, then NUMBERS of each priced variant. */
static void answer_shape(const struct searcher *searcher, uint64_t shape, struct arena *arena,
                         struct point_record *record)
{
    const struct layout_job *job = searcher->job;
    uint64_t variants = job->space->variants, states[ANSWER_STATE_COUNT] = {0}, priced = 0;
    struct answer *answers = ARENA_ARRAY(arena, struct answer, variants);
    struct best_answers best = {.arena = arena};
    for (size_t i = 0; i < searcher->first.count; i++) {
        best_add(&best, &searcher->first.answers[i]);
    }
    struct answering answering = answering_open(job->space, job->base, job->tree, arena);
    space_set_shape(job->space, shape, answering.scenario);
    for (uint64_t i = 0; i < variants; i++) {
        struct answer *answer = &answers[priced];
        enum answer_state state =
            answer_variant(&answering, shape, i, job->file->prune ? &best : NULL, answer);
        states[state]++;
        if (state == ANSWER_PRICED) {
            best_add(&best, answer);
            priced++;
        }
    }
    for (int i = 0; i < ANSWER_STATE_COUNT; i++) {
        add_number(record, (double)states[i]);
    }
    for (uint64_t i = 0; i < priced; i++) {
        add_number(record, (double)answers[i].variant);
        add_number(record, answers[i].step_seconds);
        add_number(record, answers[i].mfu);
        add_number(record, answers[i].memory_bytes);
        add_number(record, answers[i].seconds);
    }
}

static void play(const struct searcher *searcher, const struct answer *answer, struct arena *arena,
                 struct point_record *record)
{
    const struct layout_job *job = searcher->job;
    struct diagnostics *diagnostics = diagnostics_create();
    size_t count = 0;
    const struct override *overrides = layout_overrides(job, answer, arena, &count);
    const struct scenario *scenario =
        scenario_load(arena, job->file->base, overrides, count, diagnostics);
    const struct run_options options = {0};
    if (scenario == NULL) {
        record->status = POINT_REJECTED;
    } else if (!run_for_metrics(scenario, arena, &options, &record->metrics, diagnostics)) {
        record->status = POINT_FAILED;
    }
    if (record->status != POINT_DONE) {
        record->error = arena_strdup(arena, diagnostics_first(diagnostics));
    }
    diagnostics_destroy(diagnostics);
}

static void work(void *context, uint64_t number, struct text *bytes)
{
    const struct searcher *searcher = context;
    struct arena *arena = arena_create();
    uint64_t shapes = searcher->job->space->shape_count;
    struct point_record record = {.point = number, .error = "", .metrics = {.arena = arena}};
    if (number < shapes) {
        answer_shape(searcher, number, arena, &record);
    } else {
        play(searcher, &searcher->found->answers[searcher->to_play[number - shapes]], arena,
             &record);
    }
    point_record_write(bytes, &record);
    arena_destroy(arena);
}

/* --- what is made of it --- */

static void keep(struct layout_found *found, struct arena *arena, struct answer answer)
{
    if (found->count == found->capacity) {
        size_t capacity = found->capacity > 0 ? 2 * found->capacity : 1024;
        struct answer *larger = ARENA_ARRAY(arena, struct answer, capacity);
        if (found->count > 0) {
            memcpy(larger, found->answers, found->count * sizeof *larger);
        }
        found->answers = larger;
        found->capacity = capacity;
    }
    found->answers[found->count++] = answer;
}

static void take_shape(struct searcher *searcher, uint64_t shape, const struct point_record *record)
{
    struct layout_found *found = searcher->found;
    searcher->shapes_done++;
    for (size_t i = 0; i < ANSWER_STATE_COUNT && i < record->metrics.count; i++) {
        found->states[i] += (uint64_t)record->metrics.metrics[i].value;
    }
    for (size_t i = ANSWER_STATE_COUNT; i + NUMBERS <= record->metrics.count; i += NUMBERS) {
        const struct metric *numbers = &record->metrics.metrics[i];
        keep(found, searcher->job->arena,
             (struct answer){.shape = shape,
                             .variant = (uint64_t)numbers[0].value,
                             .gpus = searcher->job->space->shapes[shape].gpus,
                             .step_seconds = numbers[1].value,
                             .mfu = numbers[2].value,
                             .memory_bytes = numbers[3].value,
                             .seconds = numbers[4].value});
    }
}

static void take_play(struct searcher *searcher, uint64_t number, const struct point_record *record)
{
    size_t at = searcher->to_play[number];
    struct layout_found *found = searcher->found;
    const struct answer *answer = &found->answers[at];
    const struct metric *step = metric_find(&record->metrics, "step_seconds");
    double seconds = step == NULL ? 0.0 : step->value;
    found->plays++;
    found->played[at] = (struct played_layout){
        .done = true,
        .step_seconds = seconds,
        .seconds = answer->seconds * seconds / answer->step_seconds,
        .error = record->status == POINT_DONE ? NULL
                                              : arena_strdup(searcher->job->arena, record->error)};
}

static void take(struct searcher *searcher, const struct point_record *record)
{
    uint64_t shapes = searcher->job->space->shape_count;
    if (record->point < shapes) {
        take_shape(searcher, record->point, record);
    } else {
        take_play(searcher, record->point - shapes, record);
    }
}

/* --- what is to do --- */

static void want_played(struct searcher *searcher, size_t answer)
{
    for (uint64_t i = 0; i < searcher->play_count; i++) {
        if (searcher->to_play[i] == answer) {
            return;
        }
    }
    if (searcher->play_count < PLAYS_MOST) {
        searcher->to_play[searcher->play_count++] = answer;
    }
}

/* The best by the aim, and as many of each front. */
static void choose(struct searcher *searcher)
{
    const struct layout_job *job = searcher->job;
    struct layout_found *found = searcher->found;
    layout_sort(job, found);
    found->played = ARENA_ARRAY(job->arena, struct played_layout, found->count);
    found->winner = layout_best(job, found);
    searcher->to_play = ARENA_ARRAY(job->arena, size_t, PLAYS_MOST);
    searcher->ordered = true;
    size_t good = found->count - found->over_budget, most = job->file->played;
    for (size_t i = 0; i < good && i < most; i++) {
        want_played(searcher, i);
    }
    size_t *front = ARENA_ARRAY(job->arena, size_t, found->count + 1);
    size_t count = layout_gpu_front(found, front);
    for (size_t i = 0; i < count && i < most; i++) {
        want_played(searcher, front[i]);
    }
    count = layout_memory_front(found, front);
    for (size_t i = 0; i < count && i < most; i++) {
        want_played(searcher, front[i]);
    }
}

/* The winner must have been played: what waits on the network may take longer than its closed form,
 * and then another may be better. */
static void play_winner(struct searcher *searcher)
{
    searcher->found->winner = layout_best(searcher->job, searcher->found);
    size_t winner = searcher->found->winner;
    if (searcher->job->file->played > 0 && winner != SIZE_MAX &&
        !searcher->found->played[winner].done) {
        want_played(searcher, winner);
    }
}

static bool known(struct searcher *searcher, uint64_t number)
{
    const struct point_record *record = searcher->kept.points[number];
    if (record != NULL && record->status != POINT_FAILED) {
        take(searcher, record);
        return true;
    }
    return false;
}

static bool next(void *context, uint64_t *number)
{
    struct searcher *searcher = context;
    uint64_t shapes = searcher->job->space->shape_count;
    while (searcher->next_shape < shapes) {
        *number = searcher->next_shape++;
        if (!known(searcher, *number)) {
            searcher->under_way++;
            return true;
        }
    }
    if (searcher->under_way > 0) {
        return false;
    }
    if (!searcher->ordered) {
        choose(searcher);
    }
    for (;;) {
        while (searcher->next_play < searcher->play_count) {
            *number = shapes + searcher->next_play++;
            if (!known(searcher, *number)) {
                searcher->under_way++;
                return true;
            }
        }
        uint64_t before = searcher->play_count;
        play_winner(searcher);
        if (searcher->play_count == before) {
            return false;
        }
    }
}

static bool done(void *context, uint64_t number, const struct pool_result *result)
{
    (void)number;
    struct searcher *searcher = context;
    struct arena *scratch = arena_create();
    struct point_record record = {0};
    struct text bytes = {.arena = scratch};
    searcher->under_way--;
    if (result->bytes != NULL) {
        text_append(&bytes, result->bytes, result->size);
    }
    if (result->bytes == NULL ||
        !point_record_read(scratch, bytes.bytes, bytes.length, NULL, &record)) {
        DIAGNOSE_ERROR(searcher->job->diagnostics, ((struct mark){0}),
                       "the process of a layout's search died: %.200s",
                       result->bytes == NULL ? result->last_words : "no answer");
        searcher->failed = true;
    } else {
        searcher->failed = record.status != POINT_FAILED &&
                           !journal_append(searcher->journal, bytes.bytes, bytes.length);
        take(searcher, &record);
    }
    arena_destroy(scratch);
    return !searcher->failed;
}

static void tick(void *context)
{
    struct searcher *searcher = context;
    double now = wall_seconds();
    if (now - searcher->synced >= SYNC_SECONDS) {
        journal_sync(searcher->journal);
        searcher->synced = now;
    }
    if (searcher->job->report != NULL) {
        uint64_t shapes = searcher->job->space->shape_count;
        searcher->job->report(searcher->job->context,
                              searcher->shapes_done + searcher->found->plays,
                              shapes + searcher->play_count);
    }
}

/* One layout of each shape, the first that is possible and fits: every worker begins with these,
 * so what is passed over does not depend on who answers what. */
static void look_first(struct searcher *searcher)
{
    enum { TRIES = 256 };
    const struct layout_job *job = searcher->job;
    struct answering answering = answering_open(job->space, job->base, job->tree, job->arena);
    searcher->first.arena = job->arena;
    for (uint64_t shape = 0; job->file->prune && shape < job->space->shape_count; shape++) {
        space_set_shape(job->space, shape, answering.scenario);
        uint64_t step = job->space->variants > TRIES ? job->space->variants / TRIES : 1;
        enum answer_state state = ANSWER_SAME;
        for (uint64_t i = 0; i < job->space->variants && state != ANSWER_PRICED; i += step) {
            struct answer answer;
            state = answer_variant(&answering, shape, i, NULL, &answer);
            if (state == ANSWER_PRICED) {
                best_add(&searcher->first, &answer);
            }
        }
    }
}

/* The journal is one of this search: what was asked, over the same base, of the same program. */
static struct sweep_record describe(const struct layout_job *job)
{
    const struct layout_file *file = job->file;
    struct sweep_record record = {
        .title = file->title,
        .sweep_yaml = "",
        .base_yaml = scenario_yaml(job->arena, job->base),
        .version = version_number(),
        .revision = version_revision(),
        .point_count = job->space->shape_count + PLAYS_MOST,
        .replications = 1,
        .best = {.metric = ""},
    };
    uint64_t identity = checksum_text(checksum_text(0, "layouts"), record.base_yaml);
    const double asked[] = {(double)file->aim, file->most_dollars, file->most_seconds, file->played,
                            file->prune};
    identity = checksum_bytes(identity, asked, sizeof asked);
    identity = checksum_bytes(identity, job->space->shapes,
                              job->space->shape_count * sizeof *job->space->shapes);
    for (uint32_t i = 0; i < job->space->axis_count; i++) {
        const struct axis *axis = &job->space->axes[i];
        identity = checksum_text(identity, axis->lever.key);
        identity = checksum_bytes(identity, axis->values, axis->count * sizeof *axis->values);
    }
    identity = checksum_text(identity, record.version);
    record.identity = checksum_text(identity, record.revision);
    return record;
}

/* With the folder locked. */
static enum search_end search_locked(struct searcher *searcher, const struct sweep_record *record,
                                     const char *journal)
{
    const struct layout_job *job = searcher->job;
    if (!journal_read_same(job->arena, job->folder, record, "plan", &searcher->kept,
                           job->diagnostics)) {
        return SEARCH_BROKEN;
    }
    searcher->journal = journal_open(job->arena, journal, record, job->diagnostics);
    if (searcher->journal == NULL) {
        return SEARCH_BROKEN;
    }
    look_first(searcher);
    const struct pool pool = {.workers = job->workers,
                              .context = searcher,
                              .next = next,
                              .work = work,
                              .done = done,
                              .tick = tick};
    enum pool_end end = pool_run(&pool);
    bool closed = journal_close(searcher->journal);
    return end == POOL_INTERRUPTED      ? SEARCH_INTERRUPTED
           : end == POOL_DONE && closed ? SEARCH_DONE
                                        : SEARCH_BROKEN;
}

enum search_end layout_search(const struct layout_job *job, struct layout_found *found)
{
    *found = (struct layout_found){.winner = SIZE_MAX};
    struct searcher searcher = {.job = job, .found = found, .started = wall_seconds()};
    struct sweep_record record = describe(job);
    const char *journal = journal_path(job->arena, job->folder, 0, 1);
    struct folder_lock lock;
    if (!folder_lock(&lock, job->arena, job->folder, journal, job->diagnostics)) {
        return SEARCH_BROKEN;
    }
    part_file_clean(job->folder);
    enum search_end end = search_locked(&searcher, &record, journal);
    folder_unlock(&lock);
    return end;
}
