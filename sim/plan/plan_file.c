/* SPDX-License-Identifier: MIT
 * The keys of a plan file. */
#include "sim/plan/plan_file.h"

#include "sim/config/find.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"

static const struct field slo_fields[] = {
    {.key = "ttft_p99",
     .kind = FIELD_SECONDS,
     FIELD_AT(plan_file, ttft_seconds),
     .required = true,
     .min = 1e-6,
     .max = 1e6,
     .doc = "Most that the 99th percentile of the time to first token may be."},
    {.key = "tpot_p99",
     .kind = FIELD_SECONDS,
     FIELD_AT(plan_file, tpot_seconds),
     .required = true,
     .min = 1e-6,
     .max = 1e6,
     .doc = "Most that the 99th percentile of the time per output token may be."},
    {0}};

static const struct field budget_fields[] = {
    {.key = "gpus",
     .kind = FIELD_NUMBER,
     FIELD_AT(plan_file, most_gpus),
     .min = 1,
     .max = 1e9,
     .doc = "GPUs at most. Default: those of the cluster."},
    {.key = "dollars_per_hour",
     .kind = FIELD_NUMBER,
     FIELD_AT(plan_file, most_dollars),
     .min = 1e-3,
     .max = 1e12,
     .doc = "Dollars an hour at most, at the scenario's workload.price. Default: no limit."},
    {0}};

const struct field plan_fields[] = {
    SCHEMA_FIELD,
    TITLE_FIELD(plan_file, sweep.title, "is planned"),
    {.key = "base",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(plan_file, sweep.base),
     .required = true,
     .doc = "The scenario of the service: model, cluster, traffic, price of a GPU. Its arrivals "
            "must have a `rate`."},
    {.key = "rate",
     .kind = FIELD_PER_SECOND,
     FIELD_AT(plan_file, rate),
     .required = true,
     .min = 1e-6,
     .max = 1e9,
     .doc = "Requests that must be carried."},
    {.key = "slo",
     .kind = FIELD_MAPPING,
     .required = true,
     .fields = slo_fields,
     .doc = "How fast the service must answer."},
    {.key = "budget", .kind = FIELD_MAPPING, .fields = budget_fields, .doc = "What it may cost."},
    {.key = "axes",
     .kind = FIELD_MAPPING,
     FIELD_AT(plan_file, sweep.axes),
     .required = true,
     .fields = sweep_axes_fields,
     .doc = "The candidates, as in a sweep file."},
    {.key = "where",
     .kind = FIELD_LIST,
     FIELD_AT(plan_file, sweep.where),
     .count_offset = offsetof(struct plan_file, sweep.where_count),
     .max = 64,
     .item = &sweep_where_item,
     .doc = "Conditions that a candidate must meet, as in a sweep file."},
    {.key = "seed",
     .kind = FIELD_COUNT,
     FIELD_AT(plan_file, sweep.seed),
     .fallback = "0",
     .doc = "Of candidates that are drawn."},
    {.key = "requests",
     .kind = FIELD_COUNT,
     FIELD_AT(plan_file, requests),
     .min = 100,
     .max = 1e7,
     .fallback = "1000",
     .doc =
         "Requests of each run at least: more where arrivals would not last five answers and ten "
         "times the TTFT. The first fifth of the time warms up and is not measured."},
    {.key = "confirm_requests",
     .kind = FIELD_COUNT,
     FIELD_AT(plan_file, confirm_requests),
     .max = 1e7,
     .fallback = "50000",
     .doc = "Requests of the run that confirms what is recommended: of another seed, and the 95 % "
            "interval of each 99th percentile must lie below its target. What fails it is given "
            "up, at the rate asked for as at its capacity. 0: nothing is confirmed."},
    {.key = "tolerance",
     .kind = FIELD_NUMBER,
     FIELD_AT(plan_file, tolerance),
     .min = 0.001,
     .max = 1,
     .fallback = "0.05",
     .doc = "How near a capacity is sought, as a share of it."},
    {.key = "prune",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(plan_file, prune),
     .fallback = "true",
     .doc =
         "Whether a candidate is given up when the data sheet, or its medians without any load, or "
         "its run at the rate say that it cannot do it; and whether a capacity of twice the rate "
         "is enough and sought only where it matters: of the cheapest ones, of those on the front "
         "of cost and TTFT, of the cheapest of each kind of replica. false: the capacity of every "
         "one is found, up to eight times the rate."},
    {0}};

/* What each candidate would say otherwise. A base that cannot be read is its own reader's. */
static void check_base(const struct plan_file *plan, struct arena *arena,
                       struct diagnostics *diagnostics)
{
    struct diagnostics *silent = diagnostics_create();
    const struct node *base = plan->sweep.base == NULL
                                  ? NULL
                                  : scenario_read_values(arena, plan->sweep.base, NULL, 0, silent);
    if (base != NULL && node_get(base, "pools") != NULL) {
        DIAGNOSE_ERROR(diagnostics, node_get(plan->sweep.tree, "base")->mark,
                       "base: '%s' has pools of layouts of their own, and a candidate's bounds are "
                       "those of one layout; expected a scenario without `pools` (cpsim sweep "
                       "compares any)",
                       plan->sweep.base);
    }
    const struct node *tenants = base == NULL ? NULL : node_get(base, "tenants");
    if (tenants != NULL && tenants->count > 0) {
        DIAGNOSE_ERROR(diagnostics, node_get(plan->sweep.tree, "base")->mark,
                       "base: '%s' has several models (tenants), and a candidate's rate and bounds "
                       "are those of one; expected a scenario without `tenants` (cpsim sweep "
                       "compares any)",
                       plan->sweep.base);
    }
    diagnostics_destroy(silent);
}

const struct plan_file *plan_file_load(struct arena *arena, const char *path,
                                       struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct plan_file *plan = ARENA_NEW(arena, struct plan_file);
    plan->sweep.tree = file_read_values(arena, path, plan_fields, plan, diagnostics);
    plan->sweep.path = path;
    plan->sweep.replications = 1;
    if (plan->sweep.title == NULL) {
        plan->sweep.title = file_stem(arena, path);
    }
    if (diagnostics_error_count(diagnostics) == errors_before) {
        check_base(plan, arena, diagnostics);
    }
    return diagnostics_error_count(diagnostics) > errors_before ? NULL : plan;
}
