/* SPDX-License-Identifier: MIT */
#include "sim/plan/plan_kind.h"

#include "sim/scenario/expand.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"

enum workload_kind plan_kind_of(const char *path)
{
    enum workload_kind kind = WORKLOAD_SERVING;
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct expansion expansion = {.arena = arena, .diagnostics = diagnostics};
    struct node *root = expand_read_file(&expansion, path, ORIGIN_SCENARIO);
    const struct node *base = root == NULL ? NULL : node_get(root, "base");
    if (base != NULL && base->kind == NODE_SCALAR) {
        const struct node *tree =
            scenario_read_values(arena, file_beside(arena, path, base->text), NULL, 0, diagnostics);
        const struct field *field = field_find(scenario_fields, "workload");
        const struct node *workload = tree == NULL ? NULL : node_get(tree, "workload");
        const struct variant *variant = workload == NULL ? NULL : field_variant(field, workload);
        kind = variant == NULL ? kind : (enum workload_kind)variant->value;
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return kind;
}
