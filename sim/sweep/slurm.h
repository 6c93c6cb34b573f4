/* SPDX-License-Identifier: MIT
 * A sweep as a Slurm job array with a merge that waits for it: three scripts in the sweep's folder.
 * Slurm gives out the machines, the journals hold the results; nothing else is needed. */
#ifndef CPSIM_SIM_SWEEP_SLURM_H
#define CPSIM_SIM_SWEEP_SLURM_H

#include "sim/base/diagnostics.h"
#include "sim/scenario/scenario.h"

#include <stdint.h>

struct slurm_job {
    const char *program, *sweep, *folder; /* absolute paths */
    const char *title;
    uint32_t shards;
    unsigned workers; /* processors a shard asks for */
    bool retry_failed;
    const struct override *overrides; /* [override_count]: --set */
    size_t override_count;
};

/* Writes FOLDER/array.sbatch, merge.sbatch and submit.sh. False after an error. */
bool slurm_write_scripts(const struct slurm_job *job, struct diagnostics *diagnostics);

#endif
