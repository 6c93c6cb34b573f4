/* SPDX-License-Identifier: MIT */
#include "sim/scenario/expert_loads.h"

#include "models/kernels/experts_placement.h"
#include "models/layout/replica.h"
#include "sim/base/csv.h"
#include "sim/scenario/expert_checks.h"
#include "sim/scenario/expert_choices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MOST = 4096 };

/* [layers][experts], as the file says; a layer that it leaves out has a sum of 0. */
struct table {
    double *loads;
    double *sums; /* [layers] */
    uint32_t layers, experts;
};

static bool read_number(const struct csv *csv, const struct csv_field *field, double most,
                        double *number, struct diagnostics *diagnostics)
{
    char *end = NULL;
    *number = strtod(field->text, &end);
    if (field->text[0] == '\0' || *end != '\0' || !(*number >= 0.0) || !(*number < most)) {
        DIAGNOSE_ERROR(diagnostics, csv_mark(csv, field),
                       "'%.40s': expected a number from 0, less than %.6g", field->text, most);
        return false;
    }
    return true;
}

static bool read_table(const struct csv *csv, struct arena *arena, struct table *table,
                       struct diagnostics *diagnostics)
{
    static const char *const names[] = {"layer", "expert", "load"};
    const double most[] = {LAYERS_MOST, table->experts, 1e300};
    int columns[3];
    for (int i = 0; i < 3; i++) {
        columns[i] = csv_column(csv, names[i]);
        if (columns[i] == CSV_NO_COLUMN) {
            DIAGNOSE_ERROR(diagnostics, csv_mark(csv, &csv->header[0]),
                           "no column '%s'; expected layer, expert, load", names[i]);
            return false;
        }
    }
    table->layers = LAYERS_MOST;
    table->loads = ARENA_ARRAY(arena, double, (size_t)LAYERS_MOST * table->experts);
    table->sums = ARENA_ARRAY(arena, double, LAYERS_MOST);
    bool right = true;
    for (size_t i = 0; i < csv->row_count; i++) {
        double values[3] = {0.0, 0.0, 0.0};
        bool whole = true;
        for (int j = 0; j < 3; j++) {
            whole = read_number(csv, &csv->rows[i].fields[columns[j]], most[j], &values[j],
                                diagnostics) &&
                    whole;
        }
        if (whole) {
            uint32_t layer = (uint32_t)values[0], expert = (uint32_t)values[1];
            table->loads[(size_t)layer * table->experts + expert] += values[2];
            table->sums[layer] += values[2];
        }
        right = right && whole;
    }
    return right;
}

/* --- placing --- */

/* Ranks have experts that follow each other. */
static uint32_t deal(const double *loads, uint32_t count, uint32_t ranks, double *fullest)
{
    uint32_t here = count / ranks, best = 0;
    double most = -1.0;
    for (uint32_t r = 0; r < ranks; r++) {
        double sum = 0.0;
        for (uint32_t i = 0; i < here; i++) {
            sum += loads[r * here + i];
        }
        best = sum > most ? r : best;
        most = fmax(most, sum);
    }
    memcpy(fullest, &loads[best * here], here * sizeof *fullest);
    return here;
}

static int by_weight(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

static double near_share(const double *loads, uint32_t count, const struct routing *routing)
{
    uint16_t copies[EXPERTS_MOST];
    double near = 0.0;
    experts_copies(loads, count, routing->redundant, copies);
    for (uint32_t i = 0; i < count; i++) {
        near += loads[i] * fmin(1.0, (double)copies[i] / routing->nodes);
    }
    return near;
}

/* Adds a layer's part to the mean; `loads` add up to 1. */
static void add_layer(const double *loads, struct experts experts, const struct routing *routing,
                      double part, struct expert_loads *mean)
{
    double fullest[EXPERTS_MOST];
    const struct experts_to_place question = {
        .loads = loads,
        .count = experts.count,
        .redundant = routing->redundant,
        .ranks = routing->ranks,
        .nodes = routing->placement == PLACEMENT_EPLB_NODE ? routing->nodes : 1,
        .groups = experts.groups,
    };
    uint32_t count = routing->placement == PLACEMENT_DEALT
                         ? deal(loads, experts.count, routing->ranks, fullest)
                         : experts_place(&question, fullest);
    qsort(fullest, count, sizeof *fullest, by_weight);
    mean->count = count;
    for (uint32_t i = 0; i < count; i++) {
        mean->shares[i] += part * fullest[i];
    }
    mean->copies_here += part * near_share(loads, experts.count, routing);
}

/* Of the layers that have loads; false when none has. */
static bool add_layers(struct table *table, struct experts experts, const struct routing *routing,
                       struct expert_loads *mean)
{
    uint32_t layers = 0;
    for (uint32_t i = 0; i < table->layers; i++) {
        layers += table->sums[i] > 0.0;
    }
    for (uint32_t i = 0; i < table->layers; i++) {
        double *loads = &table->loads[(size_t)i * experts.count];
        for (uint32_t j = 0; j < experts.count && table->sums[i] > 0.0; j++) {
            loads[j] /= table->sums[i];
        }
        if (table->sums[i] > 0.0) {
            add_layer(loads, experts, routing, 1.0 / layers, mean);
        }
    }
    return layers > 0;
}

/* What a power law's loads were seen to be when experts were placed: over a step of prompts. The
 * fullest are dealt round the groups. */
static void power_table(struct arena *arena, struct experts experts, double exponent,
                        struct table *table)
{
    static const double seen_tokens = 8192.0;
    uint32_t groups = experts.groups > 0 ? experts.groups : 1, size = experts.count / groups;
    double *loads = ARENA_ARRAY(arena, double, experts.count);
    table->layers = 1;
    table->loads = ARENA_ARRAY(arena, double, experts.count);
    table->sums = ARENA_ARRAY(arena, double, 1);
    experts_power_law(experts, exponent, seen_tokens, loads);
    for (uint32_t i = 0; i < experts.count; i++) {
        table->loads[i % groups * size + i / groups] = loads[i];
        table->sums[0] += loads[i];
    }
}

/* Whether the checks of experts will find that they can be placed. */
static bool can_be_placed(const struct scenario *scenario, struct experts experts,
                          const struct routing *routing)
{
    uint32_t copies = experts.count + routing->redundant;
    bool divides =
        (experts.groups == 0 || experts.count % experts.groups == 0) &&
        (routing->placement != PLACEMENT_TOGETHER || experts.count % routing->ranks == 0);
    return experts.count > 0 && copies <= EXPERTS_MOST && copies % routing->ranks == 0 && divides &&
           (routing->redundant == 0 || routing->placement != PLACEMENT_DEALT) &&
           scenario->cluster.gpus_per_node > 0;
}

/* Nodes that the parts of the experts are on. Parts that are cut over several GPUs share a node
 * where it has room for whole ones; otherwise each counts as a node of its own. 0: the parts do not
 * go over the GPUs or the nodes, which the checks of the layout say. */
static uint32_t nodes_of_parts(const struct scenario *scenario, uint32_t parts)
{
    struct replica replica = {.layout = &scenario->layout, .cluster = &scenario->cluster};
    struct group_shape group = replica_group(&replica, GROUP_EXPERT);
    if (group.ranks % parts != 0) {
        return 0;
    }
    uint32_t gpus = group.ranks / parts; /* that a part is cut over */
    uint32_t in_node = group.ranks_per_node % gpus == 0 ? group.ranks_per_node / gpus : 1;
    uint32_t nodes = (parts + in_node - 1) / in_node;
    return parts % nodes == 0 ? nodes : 0;
}

void expert_loads_read(struct arena *arena, struct node *tree, struct scenario *scenario,
                       struct diagnostics *diagnostics)
{
    const struct routing_keys *keys = &scenario->routing_keys;
    struct experts experts = scenario_experts(scenario);
    struct routing routing = keys->routing;
    bool measured = routing.kind == ROUTING_MEASURED && keys->file != NULL;
    bool placed = routing.kind == ROUTING_POWER_LAW && routing.placement != PLACEMENT_DEALT &&
                  routing.placement != PLACEMENT_TOGETHER;
    routing.ranks = layout_experts(&scenario->layout);
    if ((!measured && !placed) || !can_be_placed(scenario, experts, &routing)) {
        return;
    }
    routing.nodes = nodes_of_parts(scenario, routing.ranks);
    if (routing.nodes == 0) {
        return;
    }
    struct arena *scratch = arena_create();
    struct table table = {.experts = experts.count};
    struct csv *csv = measured ? csv_load(scratch, keys->file, diagnostics) : NULL;
    bool choices = csv != NULL && expert_choices_are(csv);
    bool together = routing.placement == PLACEMENT_TOGETHER;
    if (csv != NULL && together && !choices) {
        DIAGNOSE_ERROR(diagnostics, node_find(tree, "routing.placement")->mark,
                       "routing.placement: grace puts experts together that tokens choose "
                       "together, and '%.200s' has loads alone; expected a token a row, columns "
                       "layer and experts, or another placement",
                       keys->file);
    }
    bool right = placed || (csv != NULL && !choices && !together &&
                            read_table(csv, scratch, &table, diagnostics));
    if (placed) {
        power_table(scratch, experts, routing.exponent, &table);
    }
    struct expert_loads *mean = ARENA_NEW(arena, struct expert_loads);
    mean->shares = ARENA_ARRAY(arena, double, EXPERTS_MOST);
    bool any = choices ? expert_choices_place(csv, experts, &routing, mean, diagnostics)
                       : right && add_layers(&table, experts, &routing, mean);
    if (right && !any) {
        DIAGNOSE_ERROR(diagnostics, node_find(tree, "routing.file")->mark,
                       "routing.file: '%.200s' has no loads", keys->file);
    }
    scenario->routing_keys.routing.loads = any ? mean : NULL;
    arena_destroy(scratch);
}
