/* SPDX-License-Identifier: MIT
 * What a scenario can name: the data files on the search path, a line each. */
#ifndef CPSIM_SIM_CLI_CATALOGUE_H
#define CPSIM_SIM_CLI_CATALOGUE_H

#include "sim/cli/cli.h"

struct catalogue_part {
    const char *heading; /* NULL: none */
    const char *key;     /* of the scenario: "model", "gpu", ... */
    size_t object_size;  /* of the struct that a file is read into */
    /* A few words on a file beyond its title; NULL: none. */
    const char *(*remark)(struct arena *arena, const void *object);
    /* Its further members in JSON, and all that can be said of it in lines; NULL: nothing, and its
     * keys with their values. */
    void (*members)(struct text *text, const void *object);
    void (*lines)(struct text *text, const void *object);
};

/* Lists the parts, or the files that the operands name, each at length: of a single part as a
 * scenario would name them, of several by a name of the lists; an exit status. Files that are wrong
 * are complained about and left out. */
int catalogue_print(const struct invocation *invocation, const struct catalogue_part *parts,
                    size_t part_count);

#endif
