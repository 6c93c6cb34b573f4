/* SPDX-License-Identifier: MIT
 * Numbers that options give. */
#include "sim/cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

enum { MOST_WORKERS = 4096 };

bool count_read(const char *option, const char *text, unsigned long most, unsigned *count)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < 1 || value > most) {
        print_safely(stderr, "cpsim: error: %s: '%s' is not a number from 1 to %lu\n", option, text,
                     most);
        return false;
    }
    *count = (unsigned)value;
    return true;
}

bool jobs_read(const struct invocation *invocation, unsigned *workers)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    *workers = online > 0 && invocation->slurm == NULL ? (unsigned)online : 1;
    return invocation->jobs == NULL ||
           count_read("--jobs", invocation->jobs, MOST_WORKERS, workers);
}
