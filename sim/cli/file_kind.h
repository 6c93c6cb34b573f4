/* SPDX-License-Identifier: MIT
 * What a YAML file is, by its keys: a scenario, a sweep, a plan, or what a scenario names. */
#ifndef CPSIM_SIM_CLI_FILE_KIND_H
#define CPSIM_SIM_CLI_FILE_KIND_H

#include "sim/base/arena.h"
#include "sim/config/field.h"

#include <stdbool.h>
#include <stddef.h>

enum file_kind {
    FILE_ANY, /* cannot be read, or has keys of none: whoever reads it says what is wrong */
    FILE_SCENARIO,
    FILE_SWEEP,
    FILE_PLAN,
    FILE_DATA /* a model, a GPU, ...: file_data_key() says which */
};

enum file_kind file_kind_of(const char *path);

/* The key under which a scenario names such a file ("gpu"), and the size of its struct; NULL: it is
 * no data file. */
const char *file_data_key(const char *path, size_t *object_size);

/* False after a complaint on stderr that says what to do with it instead: the file is another kind
 * than the command reads. */
bool file_is(const char *path, enum file_kind wanted);

#endif
