/* SPDX-License-Identifier: MIT */
#include "sim/cli/sweep_shard.h"

#include "sim/base/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_SHARDS = 100000 };

/* Where launchers say which of how many a process is. In a batch script of Slurm without srun the
 * variables of the job are set too, so a step must be there for the rank to mean anything. */
static const struct {
    const char *rank, *count, *first, *needs;
} launchers[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", NULL},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", NULL, NULL},
    {"PMI_RANK", "PMI_SIZE", NULL, NULL},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", NULL, "SLURM_STEP_ID"},
};

static bool read_number(const char *text, char last, const char **end, uint32_t *number)
{
    char *stop = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return false;
    }
    unsigned long value = strtoul(text, &stop, 10);
    *number = (uint32_t)value;
    *end = stop + 1;
    return *stop == last && value <= MOST_SHARDS;
}

static bool find_in_environment(uint32_t *shard, uint32_t *shards)
{
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        const char *rest = NULL;
        uint32_t rank = 0, count = 0, first = 0;
        bool there = launchers[i].needs == NULL || getenv(launchers[i].needs) != NULL;
        if (!there || !read_number(getenv(launchers[i].rank), '\0', &rest, &rank) ||
            !read_number(getenv(launchers[i].count), '\0', &rest, &count)) {
            continue;
        }
        if (launchers[i].first != NULL) {
            read_number(getenv(launchers[i].first), '\0', &rest, &first);
        }
        if (rank < first || rank - first >= count) {
            print_safely(stderr,
                         "cpsim: error: %s=%" PRIu32 " is not one of the %" PRIu32
                         " that %s counts; "
                         "say --shard %" PRIu32 "/%" PRIu32 " with the number of all shards\n",
                         launchers[i].rank, rank, count, launchers[i].count, rank, count);
            return false;
        }
        *shard = rank - first;
        *shards = count;
        return true;
    }
    return true;
}

bool sweep_shard_find(const char *option, uint32_t *shard, uint32_t *shards)
{
    *shard = 0;
    *shards = 1;
    if (option == NULL) {
        return find_in_environment(shard, shards);
    }
    const char *rest = option;
    if (!read_number(option, '/', &rest, shard) || !read_number(rest, '\0', &rest, shards) ||
        *shard >= *shards) {
        print_safely(stderr,
                     "cpsim: error: --shard: '%s' is not K/N with K from 0 to N - 1, such as 0/4\n",
                     option);
        return false;
    }
    return true;
}
