/* SPDX-License-Identifier: MIT */
#include "sim/sweep/slurm.h"

#include "sim/base/output_file.h"
#include "sim/base/text.h"

#include <inttypes.h>

/* A word for the shell, whatever is in it. */
static void add_word(struct text *text, const char *word)
{
    text_add(text, "'");
    for (const char *c = word; *c != '\0'; c++) {
        text_append(text, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
    }
    text_add(text, "'");
}

static const char *array_script(struct arena *arena, const struct slurm_job *job)
{
    struct text text = {.arena = arena};
    text_print(
        &text,
        "#!/bin/sh\n"
        "# A share of the sweep for each task; a task that was killed goes on where it was.\n"
        "#SBATCH --job-name=cpsim-sweep\n"
        "#SBATCH --array=0-%" PRIu32 "\n"
        "#SBATCH --cpus-per-task=%u\n"
        "#SBATCH --requeue\n"
        "#SBATCH --output=%s/slurm-%%a.log\n"
        "exec ",
        job->shards - 1, job->workers, job->folder);
    add_word(&text, job->program);
    text_add(&text, " sweep ");
    add_word(&text, job->sweep);
    text_add(&text, " -o ");
    add_word(&text, job->folder);
    text_print(&text, " --shard \"$SLURM_ARRAY_TASK_ID/%" PRIu32 "\" -j %u", job->shards,
               job->workers);
    for (size_t i = 0; i < job->override_count; i++) {
        text_add(&text, " --set ");
        add_word(&text, job->overrides[i].text);
    }
    text_add(&text, job->retry_failed ? " --retry-failed\n" : "\n");
    return text.bytes;
}

static const char *merge_script(struct arena *arena, const struct slurm_job *job)
{
    struct text text = {.arena = arena};
    text_print(&text,
               "#!/bin/sh\n"
               "# Puts the shares together; fails, and says so, when one has not ended.\n"
               "#SBATCH --job-name=cpsim-merge\n"
               "#SBATCH --output=%s/slurm-merge.log\n"
               "exec ",
               job->folder);
    add_word(&text, job->program);
    text_add(&text, " sweep merge ");
    add_word(&text, job->folder);
    text_add(&text, "\n");
    return text.bytes;
}

static const char *submit_script(struct arena *arena, const struct slurm_job *job)
{
    struct text text = {.arena = arena};
    text_add(
        &text,
        "#!/bin/sh\n"
        "# Submits the job array and the merge after it. Once more after a failure: shares that\n"
        "# are done end at once. Partition, account and time limit: SBATCH_PARTITION,\n"
        "# SBATCH_ACCOUNT, SBATCH_TIMELIMIT, or further arguments of this script.\n"
        "set -eu\n"
        "array=$(sbatch --parsable \"$@\" ");
    add_word(&text, arena_printf(arena, "%s/array.sbatch", job->folder));
    text_add(&text, ")\nmerge=$(sbatch --parsable --dependency=\"afterany:${array%%;*}\" \"$@\" ");
    add_word(&text, arena_printf(arena, "%s/merge.sbatch", job->folder));
    text_add(&text,
             ")\necho \"submitted the job array ${array%%;*} and its merge ${merge%%;*}\"\n");
    return text.bytes;
}

static bool write_script(const char *path, const char *script, struct diagnostics *diagnostics)
{
    return output_write(path, script, 0755, diagnostics);
}

bool slurm_write_scripts(const struct slurm_job *job, struct diagnostics *diagnostics)
{
    struct arena *arena = arena_create();
    bool written = write_script(arena_printf(arena, "%s/array.sbatch", job->folder),
                                array_script(arena, job), diagnostics) &&
                   write_script(arena_printf(arena, "%s/merge.sbatch", job->folder),
                                merge_script(arena, job), diagnostics) &&
                   write_script(arena_printf(arena, "%s/submit.sh", job->folder),
                                submit_script(arena, job), diagnostics);
    arena_destroy(arena);
    return written;
}
