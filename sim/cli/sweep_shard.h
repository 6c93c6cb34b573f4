/* SPDX-License-Identifier: MIT
 * Which share of a sweep a process has: from --shard, from Slurm's job array, or from its rank
 * under srun or mpirun. */
#ifndef CPSIM_SIM_CLI_SWEEP_SHARD_H
#define CPSIM_SIM_CLI_SWEEP_SHARD_H

#include <stdbool.h>
#include <stdint.h>

/* `option` is --shard's "2/4", NULL: not given, then the environment says, or it is all of it (0 of
 * 1). False after a complaint on stderr. */
bool sweep_shard_find(const char *option, uint32_t *shard, uint32_t *shards);

#endif
