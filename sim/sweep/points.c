/* SPDX-License-Identifier: MIT */
#include "sim/sweep/points.h"

#include "models/numeric/checksum.h"
#include "sim/base/suggest.h"
#include "sim/config/dump.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"
#include "sim/sweep/dimension.h"
#include "sim/sweep/expression.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Where the value of a name in a condition comes from. */
struct binding {
    size_t parameter;              /* SIZE_MAX: not an axis */
    const char *path;              /* of the scenario */
    const struct field *field;     /* its row */
    bool varies;                   /* an axis replaces a mapping that it lies in */
    struct expression_value value; /* of the base, when it does not */
};

struct condition {
    struct expression *expression;
    struct binding *bindings; /* [names of the expression] */
};

struct points_state {
    struct dimensions dimensions;
    const struct override *overrides; /* of the command line */
    size_t override_count;
    const struct node *base_tree;
    struct condition *conditions; /* [sweep->where_count] */
    uint64_t *kept;               /* [count / replications]: numbers before conditions */
    size_t *order;                /* [parameter_count]: parameters, those of shorter keys first */
};

const struct parameter_value *points_value(const struct points *points, uint64_t point,
                                           size_t parameter)
{
    const struct dimensions *dimensions = &points->state->dimensions;
    uint64_t rest = points->state->kept[point / points->replications];
    for (size_t i = dimensions->count; i-- > 0;) {
        const struct dimension *dimension = &dimensions->items[i];
        uint64_t row = rest % dimension->row_count;
        rest /= dimension->row_count;
        if (parameter >= dimension->first_parameter) {
            return &dimension->values[row * dimension->parameter_count + parameter -
                                      dimension->first_parameter];
        }
    }
    assert(false && "a parameter of some dimension");
    return NULL;
}

uint32_t points_replication(const struct points *points, uint64_t point)
{
    return (uint32_t)(point % points->replications);
}

uint64_t points_seed(const struct points *points, uint64_t point)
{
    return points->base_seed + points_replication(points, point);
}

static bool varies_seed(const struct points *points)
{
    for (size_t i = 0; i < points->parameter_count; i++) {
        if (strcmp(points->parameters[i].key, "seed") == 0) {
            return true;
        }
    }
    return false;
}

const struct override *points_overrides(const struct points *points, struct arena *arena,
                                        uint64_t point, size_t *count)
{
    const struct points_state *state = points->state;
    struct override *overrides =
        ARENA_ARRAY(arena, struct override, state->override_count + points->parameter_count + 1);
    for (*count = 0; *count < state->override_count; ++*count) {
        overrides[*count] = state->overrides[*count];
    }
    for (size_t i = 0; i < points->parameter_count; i++) {
        size_t parameter = state->order[i];
        overrides[(*count)++] =
            (struct override){.key = points->parameters[parameter].key,
                              .value = points_value(points, point, parameter)->node};
    }
    if (points->replications > 1) {
        overrides[(*count)++] = (struct override){
            .text = arena_printf(arena, "seed=%" PRIu64, points_seed(points, point))};
    }
    return overrides;
}

uint64_t points_identity(const struct points *points)
{
    uint64_t identity = checksum_text(CHECKSUM_START, points->base_yaml);
    identity = checksum_bytes(identity, &points->replications, sizeof points->replications);
    for (size_t i = 0; i < points->parameter_count; i++) {
        identity = checksum_text(identity, points->parameters[i].key);
    }
    for (uint64_t point = 0; point < points->count; point += points->replications) {
        for (size_t i = 0; i < points->parameter_count; i++) {
            identity = checksum_text(identity, points_value(points, point, i)->text);
        }
    }
    return identity;
}

/* --- checks --- */

static bool is_scalar_kind(enum field_kind kind)
{
    return kind < FIELD_MAPPING;
}

/* Every value by the row of its key. The first of each key, and all that are mappings, are read in
 * their place, where a shorthand, a preset or a file's name means something. */
static void check_values(const struct points_state *state)
{
    const struct dimensions *dimensions = &state->dimensions;
    for (size_t d = 0; d < dimensions->count; d++) {
        const struct dimension *dimension = &dimensions->items[d];
        for (uint64_t i = 0; i < dimension->row_count * dimension->parameter_count; i++) {
            const struct parameter *parameter =
                &dimensions
                     ->parameters[dimension->first_parameter + i % dimension->parameter_count];
            const struct node *node = dimension->values[i].node;
            struct arena *scratch = arena_create();
            if (node == NULL) {
                /* its key has been complained about */
            } else if (i >= dimension->parameter_count && is_scalar_kind(parameter->field->kind)) {
                struct field_context context = {.arena = scratch,
                                                .diagnostics = dimensions->diagnostics};
                field_check(&context, parameter->field, node_copy(scratch, node), parameter->key);
            } else {
                struct override *overrides =
                    ARENA_ARRAY(scratch, struct override, state->override_count + 1);
                for (size_t j = 0; j < state->override_count; j++) {
                    overrides[j] = state->overrides[j];
                }
                overrides[state->override_count] =
                    (struct override){.key = parameter->key, .value = node};
                scenario_read_values(scratch, dimensions->sweep->base, overrides,
                                     state->override_count + 1, dimensions->diagnostics);
            }
            arena_destroy(scratch);
        }
    }
}

/* --- conditions --- */

static bool is_text_kind(enum field_kind kind)
{
    return kind == FIELD_CHOICE || kind == FIELD_NAME || kind == FIELD_STRING ||
           kind == FIELD_MAPPING;
}

static struct expression_value tree_value(const struct field *field, const struct node *node)
{
    if (field->kind == FIELD_BOOLEAN) {
        return (struct expression_value){.type = EXPRESSION_TRUTH,
                                         .number = strcmp(node->text, "true") == 0};
    }
    if (is_text_kind(field->kind)) {
        return (struct expression_value){.type = EXPRESSION_TEXT, .text = node->text};
    }
    return (struct expression_value){.number = field_quantity_read(field->kind, node->text).value};
}

static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot == NULL ? key : dot + 1;
}

static bool lies_in(const char *path, const char *key)
{
    size_t length = strlen(key);
    return strncmp(path, key, length) == 0 && path[length] == '.';
}

/* The whole key of a name: an axis', a scenario's, the last part of an axis', a layout's. */
static const char *whole_key(const struct points *points, struct arena *arena, const char *name)
{
    const char *key = NULL;
    if (field_find_path(scenario_fields, name) != NULL) {
        return name;
    }
    for (size_t i = 0; i < points->parameter_count; i++) {
        if (strcmp(last_part(points->parameters[i].key), name) == 0) {
            if (key != NULL) {
                return NULL; /* two would do */
            }
            key = points->parameters[i].key;
        }
    }
    const char *layout = arena_printf(arena, "layout.%s", name);
    return key != NULL ? key : field_find_path(scenario_fields, layout) != NULL ? layout : NULL;
}

static void complain_of_name(const struct points *points, struct arena *arena, const char *name,
                             struct mark mark, struct diagnostics *diagnostics)
{
    struct suggestion suggestion = {.word = name};
    for (size_t i = 0; i < points->parameter_count; i++) {
        suggestion_consider(&suggestion, points->parameters[i].key);
        suggestion_consider(&suggestion, last_part(points->parameters[i].key));
    }
    suggestion_consider(&suggestion, "gpus");
    const char *hint = suggestion.best == NULL
                           ? ""
                           : arena_printf(arena, " (did you mean '%s'?)", suggestion.best);
    DIAGNOSE_ERROR(diagnostics, mark,
                   "where: '%.100s' is no key of the scenario, or of several axes%s; write the "
                   "whole key, such as layout.tensor",
                   name, hint);
}

static bool bind(struct points *points, const char *name, struct binding *binding, struct mark mark)
{
    const struct dimensions *dimensions = &points->state->dimensions;
    struct arena *arena = dimensions->arena;
    *binding = (struct binding){.parameter = SIZE_MAX, .path = whole_key(points, arena, name)};
    if (binding->path == NULL) {
        complain_of_name(points, arena, name, mark, dimensions->diagnostics);
        return false;
    }
    binding->field = field_find_path(scenario_fields, binding->path);
    bool is_known_type =
        binding->field->kind <= FIELD_BOOLEAN || is_text_kind(binding->field->kind);
    for (size_t i = 0; i < points->parameter_count; i++) {
        if (strcmp(points->parameters[i].key, binding->path) == 0) {
            binding->parameter = i;
        }
        binding->varies = binding->varies || lies_in(binding->path, points->parameters[i].key);
    }
    struct node *root = node_copy(arena, points->state->base_tree);
    const struct node *node = node_find(root, binding->path);
    bool is_there = binding->parameter != SIZE_MAX || (node != NULL && node->kind == NODE_SCALAR &&
                                                       binding->field->kind < FIELD_MAPPING);
    if (!is_known_type || !is_there) {
        DIAGNOSE_ERROR(dimensions->diagnostics, mark,
                       "where: '%.100s' has no single value; expected a key with a number, a word "
                       "or true or false",
                       name);
        return false;
    }
    if (node != NULL && node->kind == NODE_SCALAR) {
        binding->value = tree_value(binding->field, node);
    }
    return true;
}

/* `gpus` is a product of two keys. */
static const char *with_gpus(struct arena *arena, const char *text)
{
    static const char gpus[] = "(cluster.nodes * cluster.gpus_per_node)";
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    for (const char *at = text; *at != '\0';) {
        size_t length = strspn(at, word);
        if (length == 4 && strncmp(at, "gpus", 4) == 0) {
            return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, gpus,
                                with_gpus(arena, at + length));
        }
        at += length > 0 ? length : 1;
    }
    return text;
}

static bool read_condition(struct points *points, size_t index, struct condition *condition)
{
    const struct dimensions *dimensions = &points->state->dimensions;
    struct arena *arena = dimensions->arena;
    struct node *root = node_copy(arena, dimensions->sweep->tree);
    struct mark mark = node_find(root, arena_printf(arena, "where.%zu", index))->mark;
    condition->expression = expression_parse(
        arena, with_gpus(arena, dimensions->sweep->where[index]), mark, dimensions->diagnostics);
    if (condition->expression == NULL) {
        return false;
    }
    size_t names = expression_name_count(condition->expression);
    condition->bindings = ARENA_ARRAY(arena, struct binding, names + 1);
    enum expression_type *types = ARENA_ARRAY(arena, enum expression_type, names + 1);
    bool bound = true;
    for (size_t i = 0; i < names; i++) {
        const char *name = expression_name(condition->expression, i);
        bound = bind(points, name, &condition->bindings[i], mark) && bound;
        const struct field *field = condition->bindings[i].field;
        if (field != NULL) {
            types[i] = field->kind == FIELD_BOOLEAN ? EXPRESSION_TRUTH
                       : is_text_kind(field->kind)  ? EXPRESSION_TEXT
                                                    : EXPRESSION_NUMBER;
        }
    }
    return bound && expression_check(condition->expression, types, dimensions->diagnostics);
}

/* The value of a name where an axis replaces the mapping that it lies in: the point is read. */
static struct expression_value read_at_point(const struct points *points, uint64_t point,
                                             const struct binding *binding, bool *known)
{
    const struct dimensions *dimensions = &points->state->dimensions;
    struct arena *scratch = arena_create();
    struct diagnostics *unheard = diagnostics_create();
    size_t count = 0;
    const struct override *overrides = points_overrides(points, scratch, point, &count);
    const struct node *tree =
        scenario_read_values(scratch, dimensions->sweep->base, overrides, count, unheard);
    const struct node *node =
        tree == NULL ? NULL : node_find(node_copy(scratch, tree), binding->path);
    struct expression_value value = {0};
    *known = node != NULL && node->kind == NODE_SCALAR;
    if (*known) {
        value = tree_value(binding->field, node);
        value.text = value.text == NULL ? NULL : arena_strdup(dimensions->arena, value.text);
    }
    diagnostics_destroy(unheard);
    arena_destroy(scratch);
    return value;
}

/* A point whose values cannot be read is kept: its run will say why. */
static bool meets(const struct points *points, uint64_t point, const struct condition *condition)
{
    size_t names = expression_name_count(condition->expression);
    struct arena *scratch = arena_create();
    struct expression_value *values = ARENA_ARRAY(scratch, struct expression_value, names + 1);
    bool known = true;
    for (size_t i = 0; i < names && known; i++) {
        const struct binding *binding = &condition->bindings[i];
        if (binding->parameter != SIZE_MAX) {
            const struct parameter_value *value = points_value(points, point, binding->parameter);
            values[i] =
                value->node->kind == NODE_SCALAR
                    ? tree_value(binding->field, value->node)
                    : (struct expression_value){.type = EXPRESSION_TEXT, .text = value->text};
        } else {
            values[i] =
                binding->varies ? read_at_point(points, point, binding, &known) : binding->value;
        }
    }
    bool holds = !known || expression_holds(condition->expression, values);
    arena_destroy(scratch);
    return holds;
}

/* --- enumeration --- */

static bool count_points(struct points *points)
{
    const struct dimensions *dimensions = &points->state->dimensions;
    points->considered = 1;
    for (size_t i = 0; i < dimensions->count; i++) {
        points->considered *= dimensions->items[i].row_count;
        if (points->considered * points->replications > POINTS_MOST) {
            DIAGNOSE_ERROR(dimensions->diagnostics, node_get(dimensions->sweep->tree, "axes")->mark,
                           "axes: more than %d points; leave values out, or draw some with random",
                           POINTS_MOST);
            return false;
        }
    }
    return true;
}

static void keep_points(struct points *points)
{
    struct points_state *state = points->state;
    const struct sweep_file *sweep = state->dimensions.sweep;
    state->kept = ARENA_ARRAY(state->dimensions.arena, uint64_t, points->considered);
    uint64_t kept = 0;
    for (uint64_t number = 0; number < points->considered; number++) {
        state->kept[kept] = number;
        size_t failed = 0;
        while (failed < sweep->where_count &&
               meets(points, kept * points->replications, &state->conditions[failed])) {
            failed++;
        }
        if (failed == sweep->where_count) {
            kept++;
        } else {
            points->dropped[failed]++;
        }
    }
    points->count = kept * points->replications;
    if (kept == 0) {
        DIAGNOSE_ERROR(state->dimensions.diagnostics, node_get(sweep->tree, "where")->mark,
                       "where: no point is left of %" PRIu64, points->considered);
    }
}

/* A mapping is laid down before keys inside it. */
static size_t *order_parameters(const struct points *points, struct arena *arena)
{
    size_t *order = ARENA_ARRAY(arena, size_t, points->parameter_count);
    for (size_t i = 0; i < points->parameter_count; i++) {
        size_t at = i;
        for (; at > 0 &&
               strlen(points->parameters[order[at - 1]].key) > strlen(points->parameters[i].key);
             at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return order;
}

static bool read_base(struct points *points)
{
    struct points_state *state = points->state;
    const struct dimensions *dimensions = &state->dimensions;
    struct arena *arena = dimensions->arena;
    state->base_tree = scenario_read_values(arena, dimensions->sweep->base, state->overrides,
                                            state->override_count, dimensions->diagnostics);
    if (state->base_tree == NULL) {
        return false;
    }
    points->base_yaml = dump_yaml(arena, scenario_fields, state->base_tree, DUMP_PLAIN);
    points->base_seed =
        (uint64_t)quantity_read(node_get(state->base_tree, "seed")->text, QUANTITY_NONE).value;
    return true;
}

struct points *points_create(struct arena *arena, const struct sweep_file *sweep,
                             const struct override *overrides, size_t override_count,
                             struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct points *points = ARENA_NEW(arena, struct points);
    struct points_state *state = ARENA_NEW(arena, struct points_state);
    *state = (struct points_state){
        .dimensions = {.arena = arena, .diagnostics = diagnostics, .sweep = sweep},
        .overrides = overrides,
        .override_count = override_count,
        .conditions = ARENA_ARRAY(arena, struct condition, sweep->where_count + 1),
    };
    *points = (struct points){
        .replications = sweep->replications,
        .dropped = ARENA_ARRAY(arena, uint64_t, sweep->where_count + 1),
        .state = state,
    };
    if (!read_base(points) || !dimensions_read(&state->dimensions)) {
        return NULL;
    }
    points->parameters = state->dimensions.parameters;
    points->parameter_count = state->dimensions.parameter_count;
    state->order = order_parameters(points, arena);
    check_values(state);
    for (size_t i = 0; i < sweep->where_count; i++) {
        read_condition(points, i, &state->conditions[i]);
    }
    if (points->replications > 1 && varies_seed(points)) {
        DIAGNOSE_ERROR(diagnostics, node_get(sweep->tree, "replications")->mark,
                       "replications: set the seed themselves, and 'seed' is an axis; keep one");
    }
    if (diagnostics_error_count(diagnostics) > errors_before || !count_points(points)) {
        return NULL;
    }
    keep_points(points);
    return diagnostics_error_count(diagnostics) > errors_before ? NULL : points;
}
