/* SPDX-License-Identifier: MIT
 * cpsim check FILE...: says what is wrong with scenarios, sweeps, plans and what they name, and
 * runs nothing. */
#include "sim/cli/cli.h"
#include "sim/plan/conversations/node_plan.h"
#include "sim/plan/layouts/layout_file.h"
#include "sim/plan/plan_file.h"
#include "sim/plan/plan_kind.h"
#include "sim/scenario/load.h"
#include "sim/sweep/points.h"

#include <inttypes.h>

struct check {
    const char *path;
    const struct invocation *invocation;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

/* Values on axes are looked at one by one; what they mean together, each point says when it runs.
 */
static bool check_points(const struct check *check, const struct sweep_file *sweep, uint64_t *count)
{
    const struct points *points =
        sweep == NULL ? NULL
                      : points_create(check->arena, sweep, check->invocation->overrides,
                                      check->invocation->override_count, check->diagnostics);
    *count = points == NULL ? 0 : points->count;
    return points != NULL;
}

/* "ok", with what there is to say of it; NULL after an error. */
static const char *check_file(const struct check *check)
{
    const struct invocation *invocation = check->invocation;
    struct arena *arena = check->arena;
    uint64_t count = 0;
    switch (file_kind_of(check->path)) {
    case FILE_SWEEP:
        return check_points(check, sweep_file_load(arena, check->path, check->diagnostics), &count)
                   ? arena_printf(arena, "ok, a sweep of %" PRIu64 " points", count)
                   : NULL;
    case FILE_PLAN: {
        if (plan_kind_of(check->path) == WORKLOAD_TRAINING) {
            return layout_file_load(arena, check->path, check->diagnostics) != NULL
                       ? "ok, a plan of a training run"
                       : NULL;
        }
        if (plan_kind_of(check->path) == WORKLOAD_CONVERSATION) {
            const struct node_plan_file *nodes =
                node_plan_file_load(arena, check->path, check->diagnostics);
            return check_points(check, nodes == NULL ? NULL : &nodes->sweep, &count)
                       ? arena_printf(arena, "ok, a plan of %" PRIu64 " candidates", count)
                       : NULL;
        }
        const struct plan_file *plan = plan_file_load(arena, check->path, check->diagnostics);
        return check_points(check, plan == NULL ? NULL : &plan->sweep, &count)
                   ? arena_printf(arena, "ok, a plan of %" PRIu64 " candidates", count)
                   : NULL;
    }
    case FILE_DATA: {
        size_t size = 0;
        const char *key = file_data_key(check->path, &size);
        void *object = arena_array(arena, 1, size);
        return data_file_resolve(arena, key, check->path, invocation->overrides,
                                 invocation->override_count, object, check->diagnostics) != NULL
                   ? arena_printf(arena, "ok, for '%s:' in a scenario", key)
                   : NULL;
    }
    case FILE_ANY:
    case FILE_SCENARIO:
        break;
    }
    return scenario_load(arena, check->path, invocation->overrides, invocation->override_count,
                         check->diagnostics) != NULL
               ? "ok"
               : NULL;
}

static int check_files(const struct invocation *invocation)
{
    int status = EXIT_DONE;
    for (size_t i = 0; i < invocation->operand_count; i++) {
        struct arena *arena = arena_create();
        struct diagnostics *diagnostics = diagnostics_create();
        const struct check check = {.path = invocation->operands[i],
                                    .invocation = invocation,
                                    .arena = arena,
                                    .diagnostics = diagnostics};
        const char *verdict = check_file(&check);
        diagnostics_print(diagnostics, stderr);
        if (verdict == NULL) {
            status = refusal(diagnostics);
        } else if (!invocation->quiet) {
            print_safely(stdout, "%s: %s\n", check.path, verdict);
        }
        diagnostics_destroy(diagnostics);
        arena_destroy(arena);
    }
    return status;
}

const struct command command_check = {
    .name = "check",
    .operands = "FILE...",
    .scenarios = true,
    .summary = "say what is wrong with scenarios, sweeps, plans and data files, and run nothing",
    .example = "cpsim check scenarios/*.yaml",
    .options = TAKES(OPTION_SET) | TAKES(OPTION_QUIET),
    .least_operands = 1,
    .most_operands = ANY_NUMBER,
    .run = check_files,
};
