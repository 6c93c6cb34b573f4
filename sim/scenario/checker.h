/* SPDX-License-Identifier: MIT
 * What checks of several values together need at hand, and those that are files of their own. */
#ifndef CPSIM_SIM_SCENARIO_CHECKER_H
#define CPSIM_SIM_SCENARIO_CHECKER_H

#include "sim/config/yaml_tree.h"
#include "sim/scenario/scenario.h"

struct checker {
    const struct scenario *scenario;
    struct node *tree;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

/* Where the value at a path was written; for a default, where its mapping (or the file) begins. */
struct mark mark_of(const struct checker *checker, const char *path);

/* Whether a value was read; if not, it has been complained about. */
bool is_known(const struct checker *checker, const char *path);

/* Whether a file or --set says the value at a path: it is no default that was filled in. */
bool is_written(const struct checker *checker, const char *path);

/* Whether the value, the one at the path, is the key's default in the same words. `cpsim show`
 * prints such values, and its text must read as the scenario did. */
bool is_default(const struct node *value, const char *path);

/* Whether two names are one in figures' names, where '-' and '.' are '_'. */
bool figures_alike(const char *name, const char *other);

/* Complains of a file that the run will read and cannot; NULL or "": none is named. */
void check_input_file(const struct checker *checker, const char *path, const char *file);

/* "a, b": the software that a scenario here can name and that `fits`. */
typedef bool software_fits(const struct software *software, const void *wanted);
const char *names_of_software(const struct checker *checker, software_fits *fits,
                              const void *wanted);

/* What the software can't do: the workload, or a feature that the scenario asks for. */
void check_software(const struct checker *checker);

/* Keys without effect. */
void check_effects(const struct checker *checker);

/* Of a training workload whose every number is known: all but whether it fits the memory. */
void check_training_step(const struct checker *checker);

#endif
