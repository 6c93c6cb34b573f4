/* SPDX-License-Identifier: MIT */
#include "sim/figures/figure.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

double figure_number(const struct figure *figure, const void *subject)
{
    const char *at = (const char *)subject + figure->offset;
    double number = 0.0;
    uint64_t count = 0;
    uint32_t count32 = 0;
    bool flag = false;
    if (figure->number != NULL) {
        return figure->number(subject);
    }
    switch (figure->kind) {
    case FIGURE_NUMBER:
        memcpy(&number, at, sizeof number);
        return number;
    case FIGURE_COUNT:
        memcpy(&count, at, sizeof count);
        return (double)count;
    case FIGURE_COUNT32:
        memcpy(&count32, at, sizeof count32);
        return count32;
    case FIGURE_FLAG:
        memcpy(&flag, at, sizeof flag);
        return flag;
    case FIGURE_TEXT:
        break;
    }
    return number;
}

double figure_value(const struct figure_table *table, const void *subject, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->figures[i].name, name) == 0) {
            return figure_number(&table->figures[i], subject);
        }
    }
    assert(false && "a summary asks for a figure that its table does not have");
    return 0.0;
}

static bool is_whole(const struct figure *figure)
{
    return figure->number == NULL && figure->kind != FIGURE_NUMBER && figure->kind != FIGURE_TEXT;
}

static bool applies(const struct figure *figure, const void *subject)
{
    return figure->applies == NULL || figure->applies(subject);
}

/* --- names --- */

const char *figure_without_turn(const char *name)
{
    static const char turn[] = "turn";
    if (strncmp(name, turn, sizeof turn - 1) != 0) {
        return name;
    }
    const char *rest = name + sizeof turn - 1;
    size_t digits = strspn(rest, "0123456789");
    return digits > 0 && rest[digits] == '_' ? rest + digits + 1 : name;
}

bool figure_is_of_later_turn(const char *name)
{
    return figure_without_turn(name) != name;
}

/* --- a list --- */

static const char *name_of(const struct figure *figure, const char *name,
                           struct figure_naming naming, struct arena *arena)
{
    const char *part = naming.part == NULL || figure->bare ? "" : naming.part;
    if (naming.turn > 1) {
        return arena_printf(arena, "turn%" PRIu32 "_%s%s", naming.turn, part, name);
    }
    return part[0] == '\0' ? name : arena_printf(arena, "%s%s", part, name);
}

void figures_collect(const struct figure_table *table, const void *subject,
                     struct figure_naming naming, struct metric_list *list)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct figure *figure = &table->figures[i];
        if (!applies(figure, subject)) {
            continue;
        }
        struct metric metric = {
            .name = name_of(figure, figure->name, naming, list->arena),
            .unit = figure->unit,
            .text = figure->kind == FIGURE_TEXT ? figure->text(subject) : NULL,
            .value = figure->kind == FIGURE_TEXT ? 0.0 : figure_number(figure, subject),
            .whole = is_whole(figure),
        };
        metric_add(list, metric);
        if (figure->former_name != NULL) {
            metric.name = name_of(figure, figure->former_name, naming, list->arena);
            metric_add(list, metric);
        }
        if (naming.former && figure->former_column != NULL) {
            metric.name = name_of(figure, figure->former_column, naming, list->arena);
            metric_add(list, metric);
        }
    }
}

/* --- JSON --- */

static void write_number(struct json *json, const char *key, double value, bool whole)
{
    if (whole) {
        json_count(json, key, (uint64_t)value);
    } else {
        json_number(json, key, value);
    }
}

void figures_write_list(const struct metric_list *list, struct json *json)
{
    json_open(json, "figures", '{');
    for (size_t i = 0; i < list->count; i++) {
        const struct metric *metric = &list->metrics[i];
        if (metric->text != NULL) {
            json_string(json, metric->name, metric->text);
        } else {
            write_number(json, metric->name, metric->value, metric->whole);
        }
    }
    json_close(json, '}');
}

static void write_value(const struct figure *figure, const void *subject, const char *key,
                        struct json *json)
{
    if (figure->kind == FIGURE_TEXT) {
        json_string(json, key, figure->text(subject));
    } else {
        write_number(json, key, figure_number(figure, subject), is_whole(figure));
    }
}

void figures_write(const struct figure_table *table, const void *subject, struct json *json)
{
    for (size_t i = 0; i < table->count; i++) {
        if (applies(&table->figures[i], subject)) {
            write_value(&table->figures[i], subject, table->figures[i].name, json);
        }
    }
}

void figures_write_former(const struct figure_table *table, const void *subject, const char *path,
                          struct json *json)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < table->count; i++) {
        const struct figure *figure = &table->figures[i];
        const char *key = figure->former_key;
        if (key == NULL || strncmp(key, path, length) != 0 || !applies(figure, subject)) {
            continue;
        }
        const char *rest = length == 0 ? key : key[length] == '.' ? key + length + 1 : "";
        if (rest[0] == '\0' || strchr(rest, '.') != NULL) {
            continue; /* of another object, or of one inside it */
        }
        if (figure->kind == FIGURE_FLAG && figure->number == NULL) {
            json_boolean(json, rest, figure_number(figure, subject) > 0.0);
        } else {
            write_value(figure, subject, rest, json);
        }
    }
}
