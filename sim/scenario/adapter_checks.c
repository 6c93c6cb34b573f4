/* SPDX-License-Identifier: MIT */
#include "sim/scenario/adapter_checks.h"

#include "models/passes/adapters.h"
#include "sim/scenario/classes.h"
#include "sim/scenario/replica.h"

static const char *const path = "workload.service.adapters";

static void check_choice(const struct checker *checker, size_t index)
{
    const struct serving *serving = &checker->scenario->serving;
    const struct adapter_choice *choice = &serving_class(serving, index)->adapters;
    const char *own = class_path(checker, index, "adapters");
    bool said = choice->first > 0 || choice->skew > 0.0 || choice->base_share > 0.0;
    if (choice->count == 0 && said) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, own),
                       "%s: says which adapters, and of none; say %s.count", own, own);
    }
    if (choice->count > 0 && serving->service.adapters.max_adapters == 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, own),
                       "%s: the service has no adapters; say how many a step may have "
                       "(%s.max_adapters), as --max-loras",
                       own, path);
    }
}

/* Where adapters are not modelled. */
static void check_limits(const struct checker *checker)
{
    const struct scenario *scenario = checker->scenario;
    if (scenario->layout.context > 1) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s: adapters over context ranks are not modelled; expected layout.context: "
                       "1 and more of layout.tensor",
                       path);
    }
}

static void check_residence(const struct checker *checker)
{
    const struct serving *serving = &checker->scenario->serving;
    const struct service_adapters *adapters = &serving->service.adapters;
    uint32_t count = serving_adapter_count(serving);
    if (adapters->max_rank > 0 && adapters->rank > adapters->max_rank) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s.rank: %u, and max_rank allows %u", path, adapters->rank,
                       adapters->max_rank);
    }
    if (adapters->host_adapters > 0 && adapters->host_adapters < adapters->max_adapters) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s.host_adapters: those on the GPU are in the host's memory too; expected "
                       "%u (max_adapters) or more",
                       path, adapters->max_adapters);
    } else if (adapters->host_adapters > 0 && adapters->host_adapters < count &&
               adapters->storage_bytes_per_second <= 0.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s.host_adapters: %u of the %u adapters; say how fast the others come "
                       "(storage_rate), such as 2 GB/s",
                       path, adapters->host_adapters, count);
    } else if (adapters->storage_bytes_per_second > 0.0 && adapters->host_adapters == 0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, path),
                       "%s.storage_rate: all adapters are in the host's memory; say host_adapters, "
                       "or leave it out",
                       path);
    }
}

void adapters_check(const struct checker *checker)
{
    const struct serving *serving = &checker->scenario->serving;
    for (size_t i = 0; i < serving_class_count(serving); i++) {
        check_choice(checker, i);
    }
    if (serving->service.adapters.max_adapters == 0) {
        return;
    }
    check_limits(checker);
    check_residence(checker);
}

double adapters_room_bytes(const struct scenario *scenario, const struct model_stage *stage)
{
    const struct service_adapters *adapters = &scenario->serving.service.adapters;
    if (scenario->workload != WORKLOAD_SERVING || adapters->max_adapters == 0) {
        return 0.0;
    }
    struct replica replica = scenario_replica(scenario);
    return adapters->max_adapters *
           adapters_bytes(&replica, stage, adapters->targets, adapters_rank(adapters));
}
