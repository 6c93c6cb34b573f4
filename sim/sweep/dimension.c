/* SPDX-License-Identifier: MIT */
#include "sim/sweep/dimension.h"

#include "models/numeric/random.h"
#include "sim/base/suggest.h"
#include "sim/base/text.h"
#include "sim/config/reference.h"
#include "sim/scenario/tables.h"

#include <math.h>
#include <string.h>

static void consider_key(void *state, const char *path, const struct field *field)
{
    (void)field;
    suggestion_consider(state, path);
}

/* --- values --- */

/* A value in a line: a word as it stands, a mapping or list in brackets. */
static void write_value(struct text *text, const struct node *node)
{
    if (node->kind == NODE_SCALAR) {
        text_add(text, node->text);
        return;
    }
    bool is_list = node->kind == NODE_LIST;
    text_add(text, is_list ? "[" : "{");
    for (size_t i = 0; i < node->count; i++) {
        text_add(text, i == 0 ? "" : ", ");
        if (!is_list) {
            text_print(text, "%s: ", node->entries[i].key);
        }
        write_value(text, is_list ? node->items[i] : node->entries[i].value);
    }
    text_add(text, is_list ? "]" : "}");
}

static bool is_number_kind(enum field_kind kind)
{
    return kind < FIELD_BOOLEAN;
}

static struct parameter_value value_of(struct arena *arena, const struct field *field,
                                       const struct node *node)
{
    struct text text = {.arena = arena};
    text_add(&text, "");
    write_value(&text, node);
    struct parameter_value value = {.node = node, .text = text.bytes};
    if (node->kind == NODE_SCALAR && is_number_kind(field->kind)) {
        value.number = field_quantity_read(field->kind, node->text).value;
    }
    return value;
}

static struct parameter_value number_value(struct arena *arena, const struct field *field,
                                           double number, struct mark mark)
{
    char text[64];
    quantity_print(text, sizeof text, number, field_quantity(field->kind));
    struct node *node = node_scalar(arena, arena_strdup(arena, text), mark, ORIGIN_SCENARIO);
    return (struct parameter_value){.node = node, .text = node->text, .number = number};
}

/* --- parameters --- */

static const char *unit_of(const struct field *field)
{
    static const char *const units[QUANTITY_COUNT] = {
        [QUANTITY_NONE] = "1",
        [QUANTITY_SECONDS] = "s",
        [QUANTITY_BYTES] = "B",
        [QUANTITY_BYTES_PER_SECOND] = "B/s",
        [QUANTITY_FLOPS_PER_SECOND] = "FLOP/s",
        [QUANTITY_HERTZ] = "Hz",
        [QUANTITY_WATTS] = "W",
        [QUANTITY_JOULES] = "J",
        [QUANTITY_PER_SECOND] = "1/s",
        [QUANTITY_TOKENS] = "1",
    };
    const char *unit = units[field_quantity(field->kind)];
    return unit == NULL ? "1" : unit;
}

static void complain_of_key(const struct dimensions *dimensions, const struct node_entry *entry)
{
    struct suggestion suggestion = {.word = entry->key};
    reference_walk(dimensions->arena, scenario_fields, consider_key, &suggestion);
    const char *hint =
        suggestion.best == NULL
            ? ""
            : arena_printf(dimensions->arena, " (did you mean '%s'?)", suggestion.best);
    DIAGNOSE_ERROR(dimensions->diagnostics, entry->key_mark,
                   "a scenario has no key '%.100s'%s; cpsim describe lists them", entry->key, hint);
}

/* False after a complaint. */
static bool add_parameter(struct dimensions *dimensions, const struct node_entry *entry)
{
    const struct field *field = field_find_path(scenario_fields, entry->key);
    if (field == NULL) {
        complain_of_key(dimensions, entry);
        return false;
    }
    for (size_t i = 0; i < dimensions->parameter_count; i++) {
        if (strcmp(dimensions->parameters[i].key, entry->key) == 0) {
            DIAGNOSE_ERROR(dimensions->diagnostics, entry->key_mark,
                           "'%.100s' is varied twice; name a key in one axis only", entry->key);
            return false;
        }
    }
    if (dimensions->parameter_count == dimensions->parameter_capacity) {
        size_t capacity = 2 * dimensions->parameter_capacity + 8;
        struct parameter *larger = ARENA_ARRAY(dimensions->arena, struct parameter, capacity);
        if (dimensions->parameter_count > 0) {
            memcpy(larger, dimensions->parameters, dimensions->parameter_count * sizeof *larger);
        }
        dimensions->parameters = larger;
        dimensions->parameter_capacity = capacity;
    }
    dimensions->parameters[dimensions->parameter_count++] = (struct parameter){
        .key = entry->key,
        .field = field,
        .unit = unit_of(field),
        .is_number = is_number_kind(field->kind),
    };
    return true;
}

/* A dimension of the keys of `mapping`, its values yet to be filled in. NULL after a complaint. */
static struct dimension *open_dimension(struct dimensions *dimensions,
                                        const struct node_entry *entries, size_t entry_count,
                                        uint64_t row_count)
{
    if (dimensions->count == dimensions->capacity) {
        size_t capacity = 2 * dimensions->capacity + 8;
        struct dimension *larger = ARENA_ARRAY(dimensions->arena, struct dimension, capacity);
        if (dimensions->count > 0) {
            memcpy(larger, dimensions->items, dimensions->count * sizeof *larger);
        }
        dimensions->items = larger;
        dimensions->capacity = capacity;
    }
    struct dimension *dimension = &dimensions->items[dimensions->count];
    *dimension = (struct dimension){
        .first_parameter = dimensions->parameter_count,
        .parameter_count = entry_count,
        .row_count = row_count,
        .values = ARENA_ARRAY(dimensions->arena, struct parameter_value, row_count * entry_count),
    };
    bool known = true;
    for (size_t i = 0; i < entry_count; i++) {
        known = add_parameter(dimensions, &entries[i]) && known;
    }
    dimensions->count += known;
    return known ? dimension : NULL;
}

static const struct field *row_of(const struct dimensions *dimensions,
                                  const struct dimension *dimension, size_t index)
{
    return dimensions->parameters[dimension->first_parameter + index].field;
}

/* --- the five kinds --- */

static bool is_list_of_values(const struct dimensions *dimensions, const struct node_entry *entry)
{
    if (entry->value->kind == NODE_LIST && entry->value->count > 0) {
        return true;
    }
    if (entry->value->kind != NODE_INVALID) {
        DIAGNOSE_ERROR(dimensions->diagnostics, entry->value->mark,
                       "%.100s: expected a list of values, such as [1, 2, 4]", entry->key);
    }
    return false;
}

static void fill_column(struct dimensions *dimensions, struct dimension *dimension, size_t column,
                        const struct node *list)
{
    const struct field *field = row_of(dimensions, dimension, column);
    for (size_t row = 0; row < dimension->row_count; row++) {
        dimension->values[row * dimension->parameter_count + column] =
            value_of(dimensions->arena, field, list->items[row]);
    }
}

static void read_grid(struct dimensions *dimensions, const struct node *grid)
{
    for (size_t i = 0; i < grid->count; i++) {
        const struct node_entry *entry = &grid->entries[i];
        if (is_list_of_values(dimensions, entry)) {
            struct dimension *dimension = open_dimension(dimensions, entry, 1, entry->value->count);
            if (dimension != NULL) {
                fill_column(dimensions, dimension, 0, entry->value);
            }
        }
    }
}

static void read_zip(struct dimensions *dimensions, const struct node *zip)
{
    for (size_t i = 0; i < zip->count; i++) {
        const struct node_entry *entry = &zip->entries[i];
        if (!is_list_of_values(dimensions, entry)) {
            return;
        }
        if (entry->value->count != zip->entries[0].value->count) {
            DIAGNOSE_ERROR(dimensions->diagnostics, entry->value->mark,
                           "%.100s: has %zu values and %.100s has %zu; a zip walks lists of one "
                           "length",
                           entry->key, entry->value->count, zip->entries[0].key,
                           zip->entries[0].value->count);
            return;
        }
    }
    struct dimension *dimension =
        zip->count == 0
            ? NULL
            : open_dimension(dimensions, zip->entries, zip->count, zip->entries[0].value->count);
    for (size_t i = 0; dimension != NULL && i < zip->count; i++) {
        fill_column(dimensions, dimension, i, zip->entries[i].value);
    }
}

static void read_list(struct dimensions *dimensions, const struct node *const *items, size_t count)
{
    const struct node *first = items[0];
    for (size_t i = 0; i < count; i++) {
        bool alike = items[i]->count == first->count;
        for (size_t j = 0; alike && j < first->count; j++) {
            alike = node_get(items[i], first->entries[j].key) != NULL;
        }
        if (!alike || first->count == 0) {
            DIAGNOSE_ERROR(dimensions->diagnostics, items[i]->mark,
                           "axes.list.%zu: names other keys than the first item; expected the same "
                           "keys in every item",
                           i);
            return;
        }
    }
    struct dimension *dimension = open_dimension(dimensions, first->entries, first->count, count);
    for (size_t i = 0; dimension != NULL && i < count * first->count; i++) {
        const struct node_entry *entry = &first->entries[i % first->count];
        dimension->values[i] =
            value_of(dimensions->arena, row_of(dimensions, dimension, i % first->count),
                     node_get(items[i / first->count], entry->key));
    }
}

/* --- sampling --- */

struct range {
    double from, to;
    bool log;
    struct mark mark;
};

static bool read_bound(const struct dimensions *dimensions, const struct node_entry *entry,
                       const char *which, const struct field *field, double *bound)
{
    const struct node *node = node_get(entry->value, which);
    size_t errors_before = diagnostics_error_count(dimensions->diagnostics);
    if (node == NULL) {
        DIAGNOSE_ERROR(dimensions->diagnostics, entry->value->mark,
                       "%.100s: missing '%s'; expected a list of values or {from: ..., to: ...}",
                       entry->key, which);
        return false;
    }
    struct field_context context = {.arena = dimensions->arena,
                                    .diagnostics = dimensions->diagnostics};
    field_check(&context, field, node_copy(dimensions->arena, node),
                arena_printf(dimensions->arena, "%s.%s", entry->key, which));
    if (diagnostics_error_count(dimensions->diagnostics) > errors_before) {
        return false;
    }
    *bound = field_quantity_read(field->kind, node->text).value;
    return true;
}

static bool read_scale(const struct dimensions *dimensions, const struct node_entry *entry,
                       struct range *range)
{
    const struct node *mapping = entry->value, *scale = node_get(mapping, "scale");
    for (size_t i = 0; i < mapping->count; i++) {
        const char *key = mapping->entries[i].key;
        if (strcmp(key, "from") != 0 && strcmp(key, "to") != 0 && strcmp(key, "scale") != 0) {
            DIAGNOSE_ERROR(dimensions->diagnostics, mapping->entries[i].key_mark,
                           "%.100s: unknown key '%.100s'; expected from, to and scale", entry->key,
                           key);
            return false;
        }
    }
    const char *word = scale == NULL ? "linear" : scale->kind == NODE_SCALAR ? scale->text : "";
    range->log = strcmp(word, "log") == 0;
    if (!range->log && strcmp(word, "linear") != 0) {
        DIAGNOSE_ERROR(dimensions->diagnostics, scale->mark,
                       "%.100s.scale: '%.40s' is not known; expected one of: linear, log",
                       entry->key, word);
        return false;
    }
    return true;
}

static bool read_range(const struct dimensions *dimensions, const struct node_entry *entry,
                       const struct field *field, struct range *range)
{
    range->mark = entry->value->mark;
    if (!is_number_kind(field->kind)) {
        DIAGNOSE_ERROR(dimensions->diagnostics, entry->value->mark,
                       "%.100s: is no number; expected a list of values", entry->key);
        return false;
    }
    bool read = read_bound(dimensions, entry, "from", field, &range->from);
    if (!read_bound(dimensions, entry, "to", field, &range->to) || !read ||
        !read_scale(dimensions, entry, range)) {
        return false;
    }
    bool positive = !range->log || range->from > 0.0;
    if (!positive || range->from > range->to) {
        DIAGNOSE_ERROR(dimensions->diagnostics, entry->value->mark,
                       positive ? "%.100s: 'from' is more than 'to'"
                                : "%.100s: a log scale needs a 'from' above 0",
                       entry->key);
        return false;
    }
    return true;
}

/* The value at `fraction` of a range, in [0, 1). */
static double within(const struct range *range, const struct field *field, double fraction)
{
    bool whole = field->kind == FIELD_COUNT || field->kind == FIELD_TOKENS;
    double width = range->to - range->from;
    if (whole && !range->log) {
        return fmin(range->from + floor(fraction * (width + 1.0)), range->to);
    }
    double value = range->log ? range->from * exp(fraction * log(range->to / range->from))
                              : range->from + fraction * width;
    value = whole ? round(value) : value;
    return fmin(fmax(value, range->from), range->to);
}

/* Where the samples of one key lie: anywhere, or one in each part, the parts in random order. */
static double *draw_fractions(struct arena *arena, uint64_t seed, const char *stream_name,
                              uint32_t samples, bool stratified)
{
    struct random_stream stream = random_open(seed, stream_name);
    double *fractions = ARENA_ARRAY(arena, double, samples);
    for (uint32_t i = 0; i < samples; i++) {
        double fraction = random_uniform(&stream);
        fractions[i] = stratified ? (i + fraction) / samples : fraction;
    }
    for (uint32_t i = samples; stratified && i > 1; i--) {
        uint32_t other = (uint32_t)random_between(&stream, 0, i - 1);
        double kept = fractions[i - 1];
        fractions[i - 1] = fractions[other];
        fractions[other] = kept;
    }
    return fractions;
}

static void read_sampling(struct dimensions *dimensions, const struct sampling *sampling,
                          const char *kind)
{
    struct arena *arena = dimensions->arena;
    const struct node *keys = sampling->keys;
    bool stratified = strcmp(kind, "latin_hypercube") == 0;
    struct dimension *dimension =
        open_dimension(dimensions, keys->entries, keys->count, sampling->samples);
    for (size_t i = 0; dimension != NULL && i < keys->count; i++) {
        const struct node_entry *entry = &keys->entries[i];
        const struct field *field = row_of(dimensions, dimension, i);
        struct range range = {0};
        bool is_range = entry->value->kind == NODE_MAPPING;
        if (is_range ? !read_range(dimensions, entry, field, &range)
                     : !is_list_of_values(dimensions, entry)) {
            continue;
        }
        const double *fractions = draw_fractions(
            arena, dimensions->sweep->seed, arena_printf(arena, "axes.%s.%s", kind, entry->key),
            sampling->samples, stratified);
        for (uint32_t row = 0; row < sampling->samples; row++) {
            struct parameter_value *value = &dimension->values[row * keys->count + i];
            size_t choices = entry->value->count;
            *value =
                is_range
                    ? number_value(arena, field, within(&range, field, fractions[row]), range.mark)
                    : value_of(arena, field,
                               entry->value->items[(size_t)(fractions[row] * (double)choices)]);
        }
    }
}

bool dimensions_read(struct dimensions *dimensions)
{
    const struct sweep_axes *axes = &dimensions->sweep->axes;
    size_t errors_before = diagnostics_error_count(dimensions->diagnostics);
    if (axes->grid != NULL) {
        read_grid(dimensions, axes->grid);
    }
    if (axes->zip != NULL) {
        read_zip(dimensions, axes->zip);
    }
    if (axes->list_count > 0) {
        read_list(dimensions, axes->list, axes->list_count);
    }
    if (axes->random.samples > 0) {
        read_sampling(dimensions, &axes->random, "random");
    }
    if (axes->latin_hypercube.samples > 0) {
        read_sampling(dimensions, &axes->latin_hypercube, "latin_hypercube");
    }
    bool good = diagnostics_error_count(dimensions->diagnostics) == errors_before;
    if (good && dimensions->parameter_count == 0) {
        DIAGNOSE_ERROR(dimensions->diagnostics, node_get(dimensions->sweep->tree, "axes")->mark,
                       "axes: varies no key; expected grid, zip, list, random or latin_hypercube");
        good = false;
    }
    return good;
}
