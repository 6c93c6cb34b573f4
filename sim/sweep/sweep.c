/* SPDX-License-Identifier: MIT */
#include "sim/sweep/sweep.h"

#include "models/numeric/checksum.h"
#include "sim/base/part_file.h"
#include "sim/base/pool.h"
#include "sim/base/progress.h"
#include "sim/base/version.h"
#include "sim/run/run.h"
#include "sim/scenario/load.h"
#include "sim/sweep/folder.h"
#include "sim/sweep/price_kind.h"
#include "sim/sweep/result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_ERROR = 2000 };
static const double SYNC_SECONDS = 1.0;

struct runner {
    const struct sweep_job *job;
    struct journal_contents *contents;
    struct journal *journal;
    struct sweep_progress progress;
    uint64_t next; /* point to consider */
    double started, synced;
    struct price_store *prices;
    struct kept_files *files;
    bool failed;
    bool unfit; /* of a child: a point failed in it */
};

/* --- one point, in a child --- */

/* The diagnostics on one line, for the column `error`. */
static const char *in_one_line(struct arena *arena, const struct diagnostics *diagnostics)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return "out of memory";
    }
    diagnostics_print(diagnostics, stream);
    fclose(stream);
    /* The count at the end is for people who read a list. */
    char *count = size > 1 ? memchr(text, '\n', size) : NULL;
    for (char *line = count; line != NULL && line[1] != '\0'; line = strchr(line + 1, '\n')) {
        count = line;
    }
    if (count != NULL) {
        *count = '\0';
    }
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\n' ? ';' : *c;
    }
    const char *kept = arena_printf(arena, "%.*s", LONGEST_ERROR, text);
    free(text);
    return kept;
}

static void describe_point(const struct sweep_job *job, struct arena *arena, uint64_t point,
                           struct point_record *record)
{
    const struct points *points = job->points;
    *record = (struct point_record){
        .point = point,
        .seed = points_seed(points, point),
        .replication = points_replication(points, point),
        .error = "",
        .value_count = (uint32_t)points->parameter_count,
        .values = ARENA_ARRAY(arena, struct recorded_value, points->parameter_count + 1),
        .metrics = {.arena = arena},
    };
    for (size_t i = 0; i < points->parameter_count; i++) {
        const struct parameter_value *value = points_value(points, point, i);
        record->values[i] = (struct recorded_value){.number = value->number, .text = value->text};
    }
}

static bool run_with_trace(const struct sweep_job *job, const struct scenario *scenario,
                           struct arena *arena, struct run_options options,
                           struct point_record *record, struct diagnostics *diagnostics)
{
    options.trace_path =
        arena_printf(arena, "%s/%s", job->folder, result_trace_name(arena, record->point));
    return run_for_metrics(scenario, arena, &options, &record->metrics, diagnostics);
}

static void run_point(void *context, uint64_t point, struct text *bytes)
{
    struct runner *runner = context;
    const struct sweep_job *job = runner->job;
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct point_record record;
    describe_point(job, arena, point, &record);
    size_t count = 0;
    const struct override *overrides = points_overrides(job->points, arena, point, &count);
    const struct scenario *scenario =
        scenario_load_kept(runner->files, arena, job->file->base, overrides, count, diagnostics);
    if (scenario == NULL) {
        record.status = POINT_REJECTED;
    } else {
        record.seed = scenario->seed;
        const struct run_options options = {
            .workload = {.prices = runner->prices, .price_kind = price_kind(job->points, point)}};
        bool run = job->file->traces
                       ? run_with_trace(job, scenario, arena, options, &record, diagnostics)
                       : run_for_metrics(scenario, arena, &options, &record.metrics, diagnostics);
        record.status = run ? POINT_DONE : POINT_FAILED;
    }
    runner->unfit = record.status == POINT_FAILED;
    if (record.status != POINT_DONE) {
        record.error = in_one_line(arena, diagnostics);
        record.metrics.count = 0;
    }
    point_record_write(bytes, &record);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

static bool is_fit(void *context)
{
    const struct runner *runner = context;
    return !runner->unfit;
}

/* --- all of them --- */

static bool next_point(void *context, uint64_t *point)
{
    struct runner *runner = context;
    const struct sweep_job *job = runner->job;
    for (; runner->next < job->points->count; runner->next++) {
        const struct point_record *record = runner->contents->points[runner->next];
        bool wanted = record == NULL || (job->retry_failed && record->status != POINT_DONE);
        if (runner->next % job->shards == job->shard && wanted) {
            *point = runner->next++;
            return true;
        }
    }
    return false;
}

static bool take_result(void *context, uint64_t point, const struct pool_result *result)
{
    struct runner *runner = context;
    const struct sweep_job *job = runner->job;
    struct arena *scratch = arena_create();
    struct point_record *record = ARENA_NEW(job->arena, struct point_record);
    struct text bytes = {.arena = scratch};
    if (result->bytes != NULL) {
        text_append(&bytes, result->bytes, result->size);
    } else {
        struct point_record dead;
        describe_point(job, scratch, point, &dead);
        dead.status = POINT_FAILED;
        dead.error = result->last_words;
        point_record_write(&bytes, &dead);
    }
    bool taken = point_record_read(job->arena, bytes.bytes, bytes.length, NULL, record) &&
                 journal_append(runner->journal, bytes.bytes, bytes.length);
    if (taken) {
        runner->progress.done += record->status == POINT_DONE;
        runner->progress.rejected += record->status == POINT_REJECTED;
        runner->progress.failed += record->status == POINT_FAILED;
        journal_contents_add(runner->contents, record);
    }
    runner->failed = !taken;
    arena_destroy(scratch);
    return taken;
}

static void tick(void *context)
{
    struct runner *runner = context;
    double now = wall_seconds();
    if (now - runner->synced >= SYNC_SECONDS) {
        journal_sync(runner->journal);
        runner->synced = now;
    }
    runner->progress.seconds = now - runner->started;
    if (runner->job->report != NULL) {
        runner->job->report(runner->job->context, &runner->progress);
    }
}

/* --- the folder --- */

static struct sweep_record describe_sweep(const struct sweep_job *job)
{
    const struct points *points = job->points;
    const struct sweep_best *best = &job->file->best;
    struct sweep_record record = {
        .title = job->file->title,
        .sweep_yaml = job->text,
        .base_yaml = points->base_yaml,
        .version = version_number(),
        .revision = version_revision(),
        .seed = job->file->seed,
        .point_count = points->count,
        .replications = points->replications,
        .traces = job->file->traces,
        .parameter_count = (uint32_t)points->parameter_count,
        .parameters =
            ARENA_ARRAY(job->arena, struct recorded_parameter, points->parameter_count + 1),
        .best = {.metric = best->minimise != NULL   ? best->minimise
                           : best->maximise != NULL ? best->maximise
                                                    : "",
                 .maximise = best->maximise != NULL,
                 .count = best->count,
                 .show = best->show,
                 .show_count = (uint32_t)best->show_count},
    };
    for (size_t i = 0; i < points->parameter_count; i++) {
        enum field_kind kind = points->parameters[i].field->kind;
        record.parameters[i] =
            (struct recorded_parameter){.key = points->parameters[i].key,
                                        .unit = points->parameters[i].unit,
                                        .is_number = points->parameters[i].is_number,
                                        .is_whole = kind == FIELD_COUNT || kind == FIELD_TOKENS};
    }
    uint64_t identity = points_identity(points);
    identity = checksum_text(identity, record.version);
    identity = checksum_text(identity, record.revision);
    identity = checksum_bytes(identity, &record.traces, sizeof record.traces);
    record.identity = identity;
    return record;
}

static void count_shard(struct runner *runner)
{
    const struct sweep_job *job = runner->job;
    for (uint64_t point = job->shard; point < job->points->count; point += job->shards) {
        runner->progress.total++;
        const struct point_record *record = runner->contents->points[point];
        runner->progress.already +=
            record != NULL && !(job->retry_failed && record->status != POINT_DONE);
    }
}

static bool is_whole(const struct journal_contents *contents)
{
    return contents->done + contents->rejected + contents->failed == contents->sweep.point_count;
}

/* What the first point reads is there for all, whose processes start as copies of this one. */
static void read_files(const struct runner *runner)
{
    const struct sweep_job *job = runner->job;
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    size_t count = 0;
    if (job->shard < job->points->count) {
        const struct override *overrides = points_overrides(job->points, arena, job->shard, &count);
        scenario_load_kept(runner->files, arena, job->file->base, overrides, count, diagnostics);
    }
    diagnostics_destroy(diagnostics); /* each point says what is wrong with it */
    arena_destroy(arena);
}

static enum sweep_end run_points(struct runner *runner)
{
    const struct sweep_job *job = runner->job;
    const struct pool pool = {
        .workers = job->workers,
        .context = runner,
        .next = next_point,
        .work = run_point,
        .keeps = run_is_repeatable(),
        .fit = is_fit,
        .done = take_result,
        .tick = tick,
    };
    runner->prices = run_prices_create();
    enum pool_end end = pool_run(&pool);
    run_prices_destroy(runner->prices);
    tick(runner);
    if (!journal_close(runner->journal) || end == POOL_STOPPED) {
        return SWEEP_BROKEN;
    }
    return end == POOL_INTERRUPTED ? SWEEP_INTERRUPTED : SWEEP_SHARD;
}

/* With the folder locked. */
static enum sweep_end run_locked(struct runner *runner, const struct sweep_record *sweep,
                                 const char *journal)
{
    const struct sweep_job *job = runner->job;
    if (!journal_read_same(job->arena, job->folder, sweep, "sweep", runner->contents,
                           job->diagnostics)) {
        return SWEEP_BROKEN;
    }
    read_files(runner); /* first: a journal says that points are under way */
    runner->journal = journal_open(job->arena, journal, sweep, job->diagnostics);
    if (runner->journal == NULL) {
        return SWEEP_BROKEN;
    }
    count_shard(runner);
    enum sweep_end end = run_points(runner);
    if (end != SWEEP_SHARD || job->shards > 1 || !is_whole(runner->contents)) {
        return end;
    }
    return result_write_files(runner->contents, job->folder, job->diagnostics) ? SWEEP_WHOLE
                                                                               : SWEEP_BROKEN;
}

enum sweep_end sweep_run(const struct sweep_job *job, struct journal_contents *contents)
{
    struct runner runner = {.job = job, .contents = contents, .started = wall_seconds()};
    struct sweep_record sweep = describe_sweep(job);
    struct folder_lock lock;
    const char *traces = arena_printf(job->arena, "%s/traces", job->folder);
    const char *journal = journal_path(job->arena, job->folder, job->shard, job->shards);
    if (!folder_make(job->folder, job->diagnostics) ||
        (job->file->traces && !folder_make(traces, job->diagnostics)) ||
        !folder_lock(&lock, job->arena, job->folder, journal, job->diagnostics)) {
        return SWEEP_BROKEN;
    }
    part_file_clean(job->folder);
    part_file_clean(traces);
    runner.files = kept_files_create(job->arena);
    enum sweep_end end = run_locked(&runner, &sweep, journal);
    folder_unlock(&lock);
    return end;
}

static void complain_of_missing(const struct journal_contents *contents, const char *folder,
                                struct diagnostics *diagnostics)
{
    uint64_t missing = 0, first = 0;
    for (uint64_t point = contents->sweep.point_count; point-- > 0;) {
        if (contents->points[point] == NULL) {
            missing++;
            first = point;
        }
    }
    DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = folder}),
                   "%" PRIu64 " of %" PRIu64 " points are missing, the first is %" PRIu64
                   "; run the shards that were not finished once more (each goes on where it was "
                   "stopped), then merge again, or write what there is with --partial",
                   missing, contents->sweep.point_count, first);
}

bool sweep_merge(struct arena *arena, const char *folder, bool partial,
                 struct journal_contents *contents, struct diagnostics *diagnostics)
{
    if (!journal_read_all(arena, folder, contents, diagnostics)) {
        return false;
    }
    if (contents->points == NULL) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = folder}),
                       "holds no journal of a sweep (points-0-of-4.journal); expected the folder "
                       "that cpsim sweep was given with -o");
        return false;
    }
    if (!partial && !is_whole(contents)) {
        complain_of_missing(contents, folder, diagnostics);
        return false;
    }
    return result_write_files(contents, folder, diagnostics);
}
