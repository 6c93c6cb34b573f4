/* SPDX-License-Identifier: MIT
 * The keys of a plan file over a conversation. */
#include "sim/config/find.h"
#include "sim/plan/conversations/node_plan.h"
#include "sim/scenario/expand.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"

static const struct field slo_fields[] = {
    {.key = "ttft",
     .kind = FIELD_SECONDS,
     FIELD_AT(node_plan_file, ttft_seconds),
     .required = true,
     .min = 1e-6,
     .max = 1e9,
     .doc = "Most that the time to first token of any turn may be."},
    {.key = "tpot",
     .kind = FIELD_SECONDS,
     FIELD_AT(node_plan_file, tpot_seconds),
     .max = 1e6,
     .fallback = "0 s",
     .doc = "Most that the time per output token of any turn may be. 0: no limit."},
    {0}};

const struct field node_plan_fields[] = {
    SCHEMA_FIELD,
    TITLE_FIELD(node_plan_file, sweep.title, "is planned"),
    {.key = "base",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(node_plan_file, sweep.base),
     .required = true,
     .doc = "The scenario of the conversation: model, cluster (as many nodes as there may be), its "
            "turns."},
    {.key = "slo",
     .kind = FIELD_MAPPING,
     .required = true,
     .fields = slo_fields,
     .doc = "How fast it must be answered."},
    {.key = "axes",
     .kind = FIELD_MAPPING,
     FIELD_AT(node_plan_file, sweep.axes),
     .required = true,
     .fields = sweep_axes_fields,
     .doc = "The candidates, as in a sweep file: layout.tensor and layout.context."},
    {.key = "where",
     .kind = FIELD_LIST,
     FIELD_AT(node_plan_file, sweep.where),
     .count_offset = offsetof(struct node_plan_file, sweep.where_count),
     .max = 64,
     .item = &sweep_where_item,
     .doc = "Conditions that a candidate must meet, as in a sweep file."},
    {.key = "seed",
     .kind = FIELD_COUNT,
     FIELD_AT(node_plan_file, sweep.seed),
     .fallback = "0",
     .doc = "Of candidates that are drawn."},
    {0}};

/* A plan of a service over a conversation: false after an error that says so, once. */
static bool is_no_service(struct arena *arena, const char *path, struct diagnostics *diagnostics)
{
    struct diagnostics *silent = diagnostics_create();
    const struct expansion expansion = {.arena = arena, .diagnostics = silent};
    const struct node *root = expand_read_file(&expansion, path, ORIGIN_SCENARIO);
    const struct node *rate = root == NULL ? NULL : node_get(root, "rate");
    if (rate != NULL) {
        DIAGNOSE_ERROR(diagnostics, rate->mark,
                       "rate: the base is of kind conversation, alone on its machine: a plan over "
                       "one has no rate, and `slo: {ttft, tpot}` (cpsim describe node-plan); "
                       "expected a base of kind serving, or no rate");
    }
    diagnostics_destroy(silent);
    return rate == NULL;
}

const struct node_plan_file *node_plan_file_load(struct arena *arena, const char *path,
                                                 struct diagnostics *diagnostics)
{
    if (!is_no_service(arena, path, diagnostics)) {
        return NULL;
    }
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct node_plan_file *plan = ARENA_NEW(arena, struct node_plan_file);
    plan->sweep.tree = file_read_values(arena, path, node_plan_fields, plan, diagnostics);
    plan->sweep.path = path;
    plan->sweep.replications = 1;
    if (plan->sweep.title == NULL) {
        plan->sweep.title = file_stem(arena, path);
    }
    return diagnostics_error_count(diagnostics) > errors_before ? NULL : plan;
}
