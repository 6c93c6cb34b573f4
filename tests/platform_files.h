/* SPDX-License-Identifier: MIT
 * The repository's own clusters and software stacks, for tests that use their constants. */
#ifndef CPSIM_TESTS_PLATFORM_FILES_H
#define CPSIM_TESTS_PLATFORM_FILES_H

#include "models/machine/cluster.h"
#include "models/machine/software.h"
#include "sim/base/arena.h"
#include "sim/base/diagnostics.h"
#include "sim/scenario/load.h"

#include <check.h>
#include <stdio.h>

/* Reads platforms/<folder>/<name>.yaml into `object`; the test fails when it can't. */
static inline void load_platform_file(struct arena *arena, const char *key, const char *folder,
                                      const char *name, void *object)
{
    struct diagnostics *diagnostics = diagnostics_create();
    const char *path =
        arena_printf(arena, "%s/platforms/%s/%s.yaml", CPSIM_SOURCE_DIR, folder, name);
    const struct node *tree = data_file_load(arena, key, path, object, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    ck_assert_msg(tree != NULL, "%s could not be read", path);
}

static inline struct cluster *load_cluster(struct arena *arena, const char *name)
{
    struct cluster *cluster = ARENA_NEW(arena, struct cluster);
    load_platform_file(arena, "cluster", "clusters", name, cluster);
    return cluster;
}

static inline struct software *load_software(struct arena *arena, const char *name)
{
    struct software *software = ARENA_NEW(arena, struct software);
    load_platform_file(arena, "software", "software", name, software);
    return software;
}

#endif
