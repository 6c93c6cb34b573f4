/* SPDX-License-Identifier: MIT
 * The files that a comparison predicts from, by name, each read once: a GPU, clusters, software
 * stacks, language models. A name with a '/' or ".yaml" in it is a path. */
#ifndef CPSIM_SIM_COMPARE_MACHINE_H
#define CPSIM_SIM_COMPARE_MACHINE_H

#include "models/architecture/llm.h"
#include "models/machine/cluster.h"
#include "models/machine/gpu.h"
#include "models/machine/software.h"
#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"

struct machine {
    const struct gpu *gpu;
    const struct cluster *cluster;   /* NULL: none was named */
    const struct software *software; /* NULL: none was named */
};

struct machine_files;

struct machine_files *machine_files_create(struct arena *arena, struct diagnostics *diagnostics);

/* Where the file lies that a name means; `key` is that of a scenario ("gpu"). NULL after a
 * complaint at `mark`. */
const char *machine_path(struct machine_files *files, const char *key, const char *name,
                         struct mark mark);

/* NULL after a complaint at `mark`, one for every name. */
const struct gpu *machine_gpu(struct machine_files *files, const char *name, struct mark mark);
/* The GPU whose file lists the device. */
const struct gpu *machine_gpu_of_device(struct machine_files *files, const char *device,
                                        struct mark mark);
const struct cluster *machine_cluster(struct machine_files *files, const char *name,
                                      struct mark mark);
const struct software *machine_software(struct machine_files *files, const char *name,
                                        struct mark mark);
const struct kernel_library *machine_kernels(struct machine_files *files, const char *name,
                                             struct mark mark);
const struct llm *machine_llm(struct machine_files *files, const char *name, struct mark mark);

#endif
