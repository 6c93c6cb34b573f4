/* SPDX-License-Identifier: MIT */
#include "sim/cli/file_kind.h"

#include "sim/base/diagnostics.h"
#include "sim/base/printable.h"
#include "sim/plan/conversations/node_plan.h"
#include "sim/plan/layouts/layout_file.h"
#include "sim/plan/plan_file.h"
#include "sim/scenario/expand.h"
#include "sim/scenario/hf/hf_config.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/tables.h"
#include "sim/sweep/sweep_file.h"

#include <string.h>

static const struct kind_row {
    enum file_kind kind;
    const char *noun, *key; /* FILE_DATA: of the scenario */
    const struct field *fields;
    size_t object_size;
} rows[] = {
    {FILE_SCENARIO, "a scenario", NULL, scenario_fields, 0},
    {FILE_SWEEP, "a sweep file", NULL, sweep_fields, 0},
    {FILE_PLAN, "a plan file", NULL, plan_fields, 0},
    {FILE_PLAN, "a plan file", NULL, layout_plan_fields, 0},
    {FILE_PLAN, "a plan file", NULL, node_plan_fields, 0},
    {FILE_DATA, "a model", "model", llm_fields, sizeof(struct llm)},
    {FILE_DATA, "a GPU", "gpu", gpu_fields, sizeof(struct gpu)},
    {FILE_DATA, "a cluster", "cluster", cluster_fields, sizeof(struct cluster)},
    {FILE_DATA, "software", "software", software_fields, sizeof(struct software)},
};

/* Keys that files of every kind have say nothing. */
static bool is_common(const char *key)
{
    static const char *const common[] = {"schema", "title", "use", "name", "source", "seed"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        if (strcmp(key, common[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Keys of the table, less those that it lacks and, but for data files, which others may complete,
 * those that must be there and are not. */
static long score(const struct node *root, const struct kind_row *row)
{
    const struct field *fields = row->fields;
    bool completed = row->kind == FILE_DATA || node_get(root, "use") != NULL;
    long sum = 0;
    for (const struct field *field = fields; field->key != NULL && !completed; field++) {
        sum -= field->required && !is_common(field->key) && node_get(root, field->key) == NULL;
    }
    for (size_t i = 0; i < root->count; i++) {
        const char *key = root->entries[i].key;
        sum += is_common(key) ? 0 : field_find(fields, key) != NULL ? 1 : -1;
    }
    return sum;
}

/* The row that most of the file's keys are of; of those alike one of the wanted kind, or the first.
 * NULL: none. */
static const struct kind_row *find_row(const char *path, enum file_kind wanted)
{
    struct arena *arena = arena_create();
    struct diagnostics *silent = diagnostics_create();
    const struct expansion expansion = {.arena = arena, .diagnostics = silent};
    const struct node *root = expand_read_file(&expansion, path, ORIGIN_SCENARIO);
    const struct kind_row *best = NULL;
    long most = 0;
    for (size_t i = 0; root != NULL && i < sizeof rows / sizeof *rows; i++) {
        bool published = rows[i].fields == llm_fields && hf_config_is(root);
        long sum = published ? (long)root->count : score(root, &rows[i]);
        if (sum > most || (sum == most && best != NULL && rows[i].kind == wanted)) {
            most = sum;
            best = &rows[i];
        }
    }
    diagnostics_destroy(silent);
    arena_destroy(arena);
    return best;
}

enum file_kind file_kind_of(const char *path)
{
    const struct kind_row *row = find_row(path, FILE_ANY);
    return row == NULL ? FILE_ANY : row->kind;
}

const char *file_data_key(const char *path, size_t *object_size)
{
    const struct kind_row *row = find_row(path, FILE_ANY);
    *object_size = row == NULL ? 0 : row->object_size;
    return row == NULL ? NULL : row->key;
}

bool file_is(const char *path, enum file_kind wanted)
{
    const struct kind_row *row = find_row(path, wanted);
    if (row == NULL || row->kind == wanted) {
        return true;
    }
    print_safely(stderr, "%s: error: this is %s; ", path, row->noun);
    switch (row->kind) {
    case FILE_SCENARIO:
        print_safely(stderr,
                     "cpsim %s runs it. %s has a 'base', which may be this, and 'axes' "
                     "(cpsim describe %s)\n",
                     path, wanted == FILE_PLAN ? "A plan" : "A sweep",
                     wanted == FILE_PLAN ? "plan" : "sweep");
        break;
    case FILE_SWEEP:
        print_safely(stderr, "cpsim sweep %s -o FOLDER runs it\n", path);
        break;
    case FILE_PLAN:
        print_safely(stderr, "cpsim plan %s -o FOLDER runs it\n", path);
        break;
    case FILE_DATA:
        print_safely(stderr, "a scenario names it with '%s: %s%s'; cpsim check %s reads it\n",
                     row->key, strchr(path, '/') == NULL ? "./" : "", path, path);
        break;
    case FILE_ANY:
        break;
    }
    return false;
}
