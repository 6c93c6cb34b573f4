/* SPDX-License-Identifier: MIT */
#include "sim/plan/layouts/lever.h"

#include "sim/scenario/tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double millionths = 1e6;

/* Numbers up to 1, shares, are kept in millionths. */
static bool is_lever(const struct field *field)
{
    return field->kind == FIELD_COUNT || field->kind == FIELD_CHOICE ||
           field->kind == FIELD_BOOLEAN || (field->kind == FIELD_NUMBER && field->max <= 1.0);
}

/* The row of a key, such as "offload.states", or of a mapping's shorthand; `offset` is moved to it.
 * NULL: none. */
static const struct field *find_below(const struct field *fields, const char *key, size_t *offset)
{
    const char *dot = strchr(key, '.');
    size_t length = dot != NULL ? (size_t)(dot - key) : strlen(key);
    const struct field *field = NULL;
    for (size_t i = 0; fields[i].key != NULL && field == NULL; i++) {
        bool same = strncmp(fields[i].key, key, length) == 0 && fields[i].key[length] == '\0';
        field = same ? &fields[i] : NULL;
    }
    if (field == NULL) {
        return NULL;
    }
    *offset += field->offset;
    if (dot != NULL) {
        return field->kind == FIELD_MAPPING ? find_below(field->fields, dot + 1, offset) : NULL;
    }
    if (field->kind == FIELD_MAPPING && field->shorthand != NULL) {
        return find_below(field->fields, field->shorthand, offset);
    }
    return field;
}

bool lever_find(const char *key, struct lever *lever)
{
    const struct {
        const char *prefix;
        const struct field *fields;
        size_t offset;
    } rooms[] = {{"layout.", field_find(scenario_fields, "layout")->fields,
                  offsetof(struct scenario, layout)},
                 {"workload.", training_fields, offsetof(struct scenario, training)}};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        size_t length = strlen(rooms[i].prefix);
        size_t offset = rooms[i].offset;
        const struct field *field = strncmp(key, rooms[i].prefix, length) == 0
                                        ? find_below(rooms[i].fields, key + length, &offset)
                                        : NULL;
        if (field != NULL && is_lever(field)) {
            *lever = (struct lever){key, field, offset};
            return true;
        }
    }
    return false;
}

uint32_t lever_get(const struct lever *lever, const struct scenario *scenario)
{
    const char *at = (const char *)scenario + lever->offset;
    if (lever->field->kind == FIELD_BOOLEAN) {
        bool truth;
        memcpy(&truth, at, sizeof truth);
        return truth;
    }
    if (lever->field->kind == FIELD_NUMBER) {
        double share;
        memcpy(&share, at, sizeof share);
        return (uint32_t)lround(share * millionths);
    }
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

void lever_set(const struct lever *lever, struct scenario *scenario, uint32_t value)
{
    char *at = (char *)scenario + lever->offset;
    if (lever->field->kind == FIELD_BOOLEAN) {
        bool truth = value != 0;
        memcpy(at, &truth, sizeof truth);
    } else if (lever->field->kind == FIELD_NUMBER) {
        double share = value / millionths;
        memcpy(at, &share, sizeof share);
    } else {
        memcpy(at, &value, sizeof value);
    }
}

uint32_t lever_choice(const struct lever *lever, const char *name)
{
    const struct choice *choice = lever->field->choices;
    while (choice->name != NULL && strcmp(choice->name, name) != 0) {
        choice++;
    }
    return (uint32_t)choice->value;
}

bool lever_read(const struct lever *lever, const struct field_context *context, struct node *node,
                uint32_t *value)
{
    size_t errors_before = diagnostics_error_count(context->diagnostics);
    field_check(context, lever->field, node, lever->key);
    if (diagnostics_error_count(context->diagnostics) > errors_before ||
        node->kind != NODE_SCALAR) {
        return false;
    }
    /* What is written must be a value of the row, so it is read as the row would. */
    char room[16] = {0};
    struct field alone[] = {*lever->field, {0}};
    alone[0].offset = 0;
    alone[0].required = false;
    struct node *mapping = node_mapping(context->arena, node->mark, ORIGIN_SCENARIO);
    node_put(context->arena, mapping, alone[0].key, node->mark, node);
    fields_read(context, alone, mapping, "", room);
    if (lever->field->kind == FIELD_BOOLEAN) {
        bool truth;
        memcpy(&truth, room, sizeof truth);
        *value = truth;
    } else if (lever->field->kind == FIELD_NUMBER) {
        double share;
        memcpy(&share, room, sizeof share);
        *value = (uint32_t)lround(share * millionths);
    } else {
        memcpy(value, room, sizeof *value);
    }
    return true;
}

const char *lever_text(const struct lever *lever, uint32_t value, struct arena *arena)
{
    if (lever->field->kind == FIELD_BOOLEAN) {
        return value != 0 ? "true" : "false";
    }
    for (const struct choice *choice = lever->field->choices;
         lever->field->kind == FIELD_CHOICE && choice->name != NULL; choice++) {
        if ((uint32_t)choice->value == value) {
            return choice->name;
        }
    }
    if (lever->field->kind == FIELD_NUMBER) {
        return arena_printf(arena, "%.6g", value / millionths);
    }
    return arena_printf(arena, "%u", value);
}
