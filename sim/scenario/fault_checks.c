/* SPDX-License-Identifier: MIT */
#include "sim/scenario/fault_checks.h"

#include "sim/scenario/checker.h"
#include "sim/scenario/replica.h"

#include <string.h>

/* What a kind strikes: the key that names it, how many there are. */
struct target {
    const char *key;
    uint32_t number, count;
};

static struct target target_of(const struct scenario *scenario, const struct fault *fault)
{
    const struct cluster *cluster = &scenario->cluster;
    uint32_t gpus = 0, replicas = 0;
    for (uint32_t i = 0; i < scenario_pool_count(scenario); i++) {
        struct pool_place pool = scenario_pool(scenario, i);
        gpus = pool.first_gpu + layout_gpus(&pool.layout);
        replicas += pool.layout.data;
    }
    switch (fault->kind) {
    case FAULT_NODE:
        return (struct target){"node", fault->node,
                               scenario->pools[0] != NULL ? scenario_nodes(scenario)
                                                          : cluster->nodes};
    case FAULT_GPU:
    case FAULT_CARD:
    case FAULT_CARD_DOWN:
    case FAULT_GPU_DOWN:
        return (struct target){"gpu", fault->gpu, gpus};
    case FAULT_REPLICA:
    case FAULT_SLOW:
    case FAULT_NIC:
    case FAULT_KIND_COUNT:
        break;
    }
    return (struct target){"replica", fault->replica, replicas};
}

static void check_factor(const struct checker *checker, const char *path, enum fault_kind kind,
                         double factor)
{
    const char *at = arena_printf(checker->arena, "%s.factor", path);
    bool slows = kind == FAULT_SLOW || kind == FAULT_GPU;
    bool weakens = kind == FAULT_NIC || kind == FAULT_CARD;
    if (weakens && factor > 1.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, at),
                       "%s: %g of its rate is no fault; expected a share under 1", at, factor);
    } else if (slows && factor > 0.0 && factor < 1.0) {
        DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, at),
                       "%s: steps that take %g times as long are faster; expected more than 1", at,
                       factor);
    }
}

static void check_fault(const struct checker *checker, size_t index, const struct fault *fault)
{
    static const char *const keys[] = {"replica", "node", "gpu"};
    const uint32_t numbers[] = {fault->replica, fault->node, fault->gpu};
    const char *path = arena_printf(checker->arena, "workload.faults.%zu", index);
    if (!is_known(checker, arena_printf(checker->arena, "%s.kind", path))) {
        return;
    }
    struct target target = target_of(checker->scenario, fault);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *at = arena_printf(checker->arena, "%s.%s", path, keys[i]);
        bool own = strcmp(keys[i], target.key) == 0, written = is_written(checker, at);
        if (own && !written) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, at),
                           "missing required key '%s': this kind of fault strikes a %s", at,
                           target.key);
        } else if (own && target.number >= target.count && target.count > 0) {
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, at),
                           "%s: there is no %s %u; there are %u", at, target.key, target.number,
                           target.count);
        } else if (!own && written && numbers[i] != 0) { /* 0 is what a resolved scenario says */
            DIAGNOSE_ERROR(checker->diagnostics, mark_of(checker, at),
                           "%s: this kind of fault strikes a %s; write '%s' in its place", at,
                           target.key, target.key);
        }
    }
    check_factor(checker, path, fault->kind, fault->factor);
}

void check_faults(const struct checker *checker)
{
    const struct serving *serving = &checker->scenario->serving;
    for (size_t i = 0; i < serving->fault_count; i++) {
        check_fault(checker, i, &serving->faults[i]);
    }
    if (serving->random_faults.mean_between_seconds > 0.0) {
        check_factor(checker, "workload.random_faults", serving->random_faults.kind,
                     serving->random_faults.factor);
    }
}
