/* SPDX-License-Identifier: MIT
 * cpsim sweep FILE -o FOLDER: runs a scenario at many points. cpsim sweep merge FOLDER: puts the
 * shards of one together. */
#include "sim/sweep/sweep.h"

#include "sim/base/file.h"
#include "sim/base/progress.h"
#include "sim/base/quantity.h"
#include "sim/cli/cli.h"
#include "sim/cli/sweep_shard.h"
#include "sim/config/yaml_tree.h"
#include "sim/sweep/folder.h"
#include "sim/sweep/result.h"
#include "sim/sweep/slurm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_SHARDS = 100000, PATH_BYTES = 4096 };
enum { INTERRUPTED_STATUS = 130 }; /* what shells say of a program that Ctrl-C ended */

/* --- progress, on stderr --- */

struct reporting {
    bool terminal;
    int shown;   /* columns of the line */
    double last; /* seconds at which the last line was written */
};

static void report(void *context, const struct sweep_progress *progress)
{
    struct reporting *reporting = context;
    double every = reporting->terminal ? 0.2 : 60.0, patience = reporting->terminal ? 1.0 : 60.0;
    uint64_t run = progress->done + progress->rejected + progress->failed;
    uint64_t left = progress->total - progress->already - run;
    if (progress->seconds < patience || run == 0 || left == 0 ||
        progress->seconds - reporting->last < every) {
        return;
    }
    double rate = (double)run / progress->seconds;
    char faults[64] = "", line[200];
    if (progress->rejected + progress->failed > 0) {
        snprintf(faults, sizeof faults, ", %" PRIu64 " rejected, %" PRIu64 " failed",
                 progress->rejected, progress->failed);
    }
    snprintf(line, sizeof line, "%" PRIu64 "/%" PRIu64 " points%s, %.3g a second, %s left",
             progress->already + run, progress->total, faults, rate,
             quantity_duration((double)left / rate).text);
    if (reporting->terminal) {
        reporting->shown = progress_rewrite(stderr, line, reporting->shown);
    } else {
        fprintf(stderr, "%s\n", line);
    }
    reporting->last = progress->seconds;
}

static void end_report(const struct reporting *reporting)
{
    if (reporting->shown > 0) {
        progress_rewrite(stderr, "", reporting->shown);
    }
}

/* --- what was found --- */

static void print_errors(const struct journal_contents *contents, enum point_status status,
                         FILE *stream)
{
    static const char *const words[] = {[POINT_REJECTED] = "rejected", [POINT_FAILED] = "failed"};
    uint64_t count = status == POINT_REJECTED ? contents->rejected : contents->failed;
    for (uint64_t point = 0; count > 0 && point < contents->sweep.point_count; point++) {
        const struct point_record *record = contents->points[point];
        if (record != NULL && record->status == status) {
            print_safely(stream, "%" PRIu64 " %s; the first is point %" PRIu64 ": %s%s\n", count,
                         words[status], point, record->error,
                         status == POINT_FAILED ? "; --retry-failed runs such points again" : "");
            return;
        }
    }
}

static int print_results(const struct invocation *invocation,
                         const struct journal_contents *contents, const char *folder)
{
    if (invocation->json) {
        result_print_json(contents, stdout);
    } else if (!invocation->quiet) {
        struct page page;
        page_open(&page, invocation->columns);
        fprintf(page.stream, "%s%s%s\n\n", style(stdout, STYLE_BOLD), contents->sweep.title,
                style(stdout, STYLE_NONE));
        result_print_best(contents, style(stdout, STYLE_DIM), style(stdout, STYLE_NONE),
                          page.columns, page.stream);
        fprintf(page.stream, "\n%s of %s points done\n", quantity_count(contents->done).text,
                quantity_count(contents->sweep.point_count).text);
        print_errors(contents, POINT_REJECTED, page.stream);
        print_errors(contents, POINT_FAILED, page.stream);
        print_safely(page.stream, "%s/sweep.h5, %s/sweep.csv\n", folder, folder);
        page_close(&page);
    }
    int status = stdout_close();
    return contents->failed > 0 || contents->done == 0 ? EXIT_RUN_FAILED : status;
}

/* --- reading the command --- */

static void print_dropped(const struct sweep_file *file, const struct points *points)
{
    for (size_t i = 0; i < file->where_count; i++) {
        if (points->dropped[i] > 0) {
            print_safely(stderr, "dropped %" PRIu64 " of %" PRIu64 " points: not %s\n",
                         points->dropped[i], points->considered, file->where[i]);
        }
    }
}

static int end_sweep(const struct invocation *invocation, const struct sweep_job *job,
                     const struct journal_contents *contents, enum sweep_end end)
{
    switch (end) {
    case SWEEP_WHOLE:
        return print_results(invocation, contents, job->folder);
    case SWEEP_SHARD:
        if (!invocation->quiet) {
            print_safely(stdout,
                         "shard %" PRIu32 " of %" PRIu32
                         " is done; when all are: cpsim sweep merge %s\n",
                         job->shard, job->shards, job->folder);
        }
        return stdout_close();
    case SWEEP_INTERRUPTED:
        print_safely(stderr,
                     "cpsim: stopped with %" PRIu64 " of %" PRIu64 " points; the same command "
                     "goes on from here\n",
                     contents->done + contents->rejected + contents->failed,
                     contents->sweep.point_count);
        return INTERRUPTED_STATUS;
    case SWEEP_BROKEN:
        break;
    }
    return refusal(job->diagnostics);
}

/* --- Slurm --- */

/* The shell's exit status is sbatch's. */
static int submit(const char *script)
{
    fflush(NULL);
    pid_t process = fork();
    if (process == 0) {
        execlp("sh", "sh", script, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (process < 0 || waitpid(process, &status, 0) < 0 || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        print_safely(stderr,
                     "cpsim: error: %s failed; is this machine one from which sbatch works?\n",
                     script);
        return EXIT_RUN_FAILED;
    }
    return EXIT_DONE;
}

static int write_slurm(const struct invocation *invocation, const struct sweep_job *sweep,
                       struct diagnostics *diagnostics)
{
    struct arena *arena = sweep->arena;
    unsigned shards = 0;
    char program[PATH_BYTES], file[PATH_BYTES], folder[PATH_BYTES];
    if (!count_read("--slurm", invocation->slurm, MOST_SHARDS, &shards)) {
        return EXIT_WRONG_INPUT;
    }
    if (!folder_make(sweep->folder, diagnostics) || realpath("/proc/self/exe", program) == NULL ||
        realpath(sweep->file->path, file) == NULL || realpath(sweep->folder, folder) == NULL) {
        return EXIT_WRONG_INPUT;
    }
    const struct slurm_job job = {
        .program = program,
        .sweep = file,
        .folder = folder,
        .title = sweep->file->title,
        .shards = shards,
        .workers = sweep->workers,
        .retry_failed = sweep->retry_failed,
        .overrides = invocation->overrides,
        .override_count = invocation->override_count,
    };
    if (!slurm_write_scripts(&job, diagnostics)) {
        return EXIT_RUN_FAILED;
    }
    if (invocation->submit) {
        return submit(arena_printf(arena, "%s/submit.sh", folder));
    }
    print_safely(stdout, "%" PRIu64 " points in %u shares; submit them with: sh %s/submit.sh\n",
                 sweep->points->count, shards, sweep->folder);
    return stdout_close();
}

static int sweep_in(struct arena *arena, struct diagnostics *diagnostics,
                    const struct invocation *invocation)
{
    const char *path = invocation->operands[0];
    enum progress_style shown = progress_style(stderr);
    struct reporting reporting = {.terminal = shown == PROGRESS_REWRITES};
    struct sweep_job job = {.folder = invocation->output,
                            .retry_failed = invocation->retry_failed,
                            .report = invocation->quiet || shown == PROGRESS_NONE ? NULL : report,
                            .context = &reporting,
                            .arena = arena,
                            .diagnostics = diagnostics};
    if (!jobs_read(invocation, &job.workers) ||
        !sweep_shard_find(invocation->shard, &job.shard, &job.shards)) {
        return EXIT_WRONG_INPUT;
    }
    if (invocation->submit && invocation->slurm == NULL) {
        print_safely(stderr, "cpsim: error: --submit goes with --slurm N\n");
        return EXIT_WRONG_INPUT;
    }
    if (job.folder == NULL) {
        print_safely(stderr, "cpsim: error: cpsim sweep needs -o FOLDER for its results\n");
        return EXIT_WRONG_INPUT;
    }
    if (!file_is(path, FILE_SWEEP)) {
        return EXIT_WRONG_INPUT;
    }
    job.file = sweep_file_load(arena, path, diagnostics);
    job.text = job.file == NULL
                   ? NULL
                   : file_read(arena, path, YAML_MAX_BYTES, "a sweep file", NULL, diagnostics);
    struct points *points = job.text == NULL
                                ? NULL
                                : points_create(arena, job.file, invocation->overrides,
                                                invocation->override_count, diagnostics);
    if (points == NULL) {
        return refusal(diagnostics);
    }
    job.points = points;
    if (!invocation->quiet) {
        print_dropped(job.file, points);
    }
    if (invocation->slurm != NULL) {
        return write_slurm(invocation, &job, diagnostics);
    }
    struct journal_contents contents;
    enum sweep_end end = sweep_run(&job, &contents);
    end_report(&reporting);
    return end_sweep(invocation, &job, &contents, end);
}

static int merge_in(struct arena *arena, struct diagnostics *diagnostics,
                    const struct invocation *invocation)
{
    struct journal_contents contents;
    if (!sweep_merge(arena, invocation->operands[1], invocation->partial, &contents, diagnostics)) {
        return EXIT_RUN_FAILED;
    }
    return print_results(invocation, &contents, invocation->operands[1]);
}

static int run_sweep(const struct invocation *invocation)
{
    bool merges = strcmp(invocation->operands[0], "merge") == 0;
    if (invocation->operand_count != (merges ? 2 : 1) || (invocation->partial && !merges)) {
        print_safely(stderr,
                     "cpsim: error: usage: cpsim sweep FILE -o FOLDER, or cpsim sweep merge "
                     "FOLDER [--partial]\n");
        return EXIT_WRONG_INPUT;
    }
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    int status = (merges ? merge_in : sweep_in)(arena, diagnostics, invocation);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return status;
}

const struct command command_sweep = {
    .name = "sweep",
    .operands = "FILE",
    .scenarios = true,
    .summary = "run a scenario at many points; cpsim sweep merge FOLDER puts shards together",
    .doc = "-o names the folder of the results: sweep.h5 and sweep.csv, a row a point. Stopped or "
           "killed, the same command goes on where it was. cpsim describe sweep says what a sweep "
           "file holds.",
    .example = "cpsim sweep scenarios/sweeps/ttft-against-context.yaml -o ttft -j 8",
    .options = TAKES(OPTION_JSON) | TAKES(OPTION_WIDTH) | TAKES(OPTION_SET) | TAKES(OPTION_OUTPUT) |
               TAKES(OPTION_JOBS) | TAKES(OPTION_SHARD) | TAKES(OPTION_RETRY_FAILED) |
               TAKES(OPTION_PARTIAL) | TAKES(OPTION_SLURM) | TAKES(OPTION_SUBMIT) |
               TAKES(OPTION_QUIET),
    .least_operands = 1,
    .most_operands = 2,
    .run = run_sweep,
};
