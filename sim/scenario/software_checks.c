/* SPDX-License-Identifier: MIT
 * What the scenario asks of its software, against what that can do: its file's `runs` and
 * `features`. A new feature is a member of enum engine_feature, a row of feature_choices in
 * software_table.c and one here. */
#include "sim/config/find.h"
#include "sim/scenario/checker.h"
#include "sim/scenario/load.h"
#include "sim/scenario/workload_checks.h"

const char *names_of_software(const struct checker *checker, software_fits *fits,
                              const void *wanted)
{
    struct arena *arena = checker->arena;
    struct find_path path = find_path(arena, checker->tree->mark.file);
    struct found_file *files = NULL;
    size_t count = find_all(arena, &path, "platforms/software", &files);
    const char *names = "";
    for (size_t i = 0; i < count; i++) {
        struct software *software = ARENA_NEW(arena, struct software);
        struct diagnostics *silent = diagnostics_create();
        if (data_file_load(arena, "software", files[i].path, software, silent) != NULL &&
            fits(software, wanted)) {
            names =
                arena_printf(arena, "%s%s%s", names, names[0] == '\0' ? "" : ", ", files[i].name);
        }
        diagnostics_destroy(silent);
    }
    return names;
}

static bool runs(const struct software *software, const void *wanted)
{
    enum workload_kind kind = *(const enum workload_kind *)wanted;
    enum software_use use = kind == WORKLOAD_TRAINING ? SOFTWARE_TRAINING : SOFTWARE_INFERENCE;
    return software->runs == SOFTWARE_ANY || software->runs == use;
}

static void check_workload(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    if (!runs(&scenario->software, &scenario->workload)) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, "workload.kind"),
                       "software: %s does not run %s; expected one of: %s", scenario->software.name,
                       workload_checks[scenario->workload]->name,
                       names_of_software(checker, runs, &scenario->workload));
    }
}

static bool shares_context(const struct scenario *scenario)
{
    return scenario->layout.context > 1;
}

static bool has_stages(const struct scenario *scenario)
{
    return scenario->layout.pipeline > 1;
}

static bool deals_experts(const struct scenario *scenario)
{
    return layout_experts(&scenario->layout) > 1;
}

static bool shares_experts(const struct scenario *scenario)
{
    return layout_attention_data(&scenario->layout) > 1;
}

static bool has_pools(const struct scenario *scenario)
{
    return scenario->workload == WORKLOAD_SERVING &&
           scenario->serving.service.policy == BATCHING_DISAGGREGATED;
}

static bool swaps(const struct scenario *scenario)
{
    return scenario->workload == WORKLOAD_SERVING &&
           scenario->serving.service.preemption == PREEMPTION_SWAP;
}

static bool guesses(const struct scenario *scenario)
{
    return scenario->workload == WORKLOAD_SERVING &&
           scenario->serving.service.proposer != PROPOSER_NONE;
}

static bool has_adapters(const struct scenario *scenario)
{
    return scenario->workload == WORKLOAD_SERVING &&
           scenario->serving.service.adapters.max_adapters > 0;
}

static bool has_tiers(const struct scenario *scenario)
{
    return scenario->workload == WORKLOAD_SERVING && service_has_tiers(&scenario->serving.service);
}

static const struct feature_row {
    const char *key, *what, *instead;
    bool (*asked)(const struct scenario *scenario);
} rows[FEATURE_COUNT] = {
    [FEATURE_CONTEXT] = {"layout.context", "ring attention over context ranks", "1",
                         shares_context},
    [FEATURE_PIPELINE] = {"layout.pipeline", "pipeline stages", "1", has_stages},
    [FEATURE_EXPERT] = {"layout.expert", "expert parallelism", "1", deals_experts},
    [FEATURE_ATTENTION_DATA] = {"layout.attention_data", "data-parallel attention", "1",
                                shares_experts},
    [FEATURE_POOLS] = {"workload.service.policy", "pools of prefill and decode", "another policy",
                       has_pools},
    [FEATURE_SWAP] = {"workload.service.preemption", "swapping of KV caches to the host",
                      "recompute", swaps},
    [FEATURE_SPECULATION] = {"workload.service.speculation", "speculative decoding", "none",
                             guesses},
    [FEATURE_ADAPTERS] = {"workload.service.adapters", "adapters of requests", "none",
                          has_adapters},
    [FEATURE_TIERS] = {"workload.service.tiers", "prefix cache beyond the GPUs", "none", has_tiers},
};

struct feature_wanted {
    enum engine_feature feature;
    enum workload_kind kind;
};

static bool offers(const struct software *software, const void *wanted)
{
    const struct feature_wanted *feature = wanted;
    return runs(software, &feature->kind) && software_has(software, feature->feature);
}

static void check_features(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    for (enum engine_feature i = 0; i < FEATURE_COUNT; i++) {
        const struct feature_wanted wanted = {.feature = i, .kind = scenario->workload};
        if (!rows[i].asked(scenario) || software_has(&scenario->software, i)) {
            continue;
        }
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, rows[i].key),
                       "%s: %s has no %s; expected %s, or software that has it: %s "
                       "(software.features, for one of your own)",
                       rows[i].key, scenario->software.name, rows[i].what, rows[i].instead,
                       names_of_software(checker, offers, &wanted));
    }
}

void check_software(const struct checker *checker)
{
    if (node_get(checker->tree, "software") == NULL || !is_known(checker, "workload")) {
        return;
    }
    check_workload(checker);
    if (checker->scenario->workload != WORKLOAD_TRAINING) {
        check_features(checker);
    }
}
