/* SPDX-License-Identifier: MIT */
#include "sim/figures/figure_page.h"

#include <stdbool.h>
#include <string.h>

enum { UNIT_COLUMN = 42, DOC_COLUMN = 48, PAGE_WIDTH = 80 };

static const char *const no_parts[] = {"", NULL};

static const char *const *parts_of(const struct figure_table *table)
{
    return table->parts == NULL ? no_parts : table->parts;
}

/* So many parts are left: a bare name comes once. */
static size_t parts_left(const char *const *part)
{
    size_t count = 0;
    while (part[count] != NULL) {
        count++;
    }
    return count;
}

/* Goes through every name of a table, with what stands before it. */
#define EACH_NAME(table, figure, part)                                                             \
    for (const struct figure *figure = (table)->figures;                                           \
         figure < (table)->figures + (table)->count; figure++)                                     \
        for (const char *const *part = parts_of(table); *part != NULL;                             \
             part = figure->bare ? part + parts_left(part) : part + 1)

static const char *before(const struct figure *figure, const char *part)
{
    return figure->bare ? "" : part;
}

static void list_name(struct text *text, const struct figure *figure, const char *part)
{
    text_print(text, "  %s%s", before(figure, part), figure->name);
    text_pad(text, UNIT_COLUMN);
    text_print(text, " %s", figure->unit);
    text_pad(text, DOC_COLUMN);
    text_wrap(text, figure->doc, DOC_COLUMN + 1, PAGE_WIDTH);
}

void figures_list_names(struct text *text, const struct figure_table *tables)
{
    for (const struct figure_table *table = tables; table->count > 0; table++) {
        text_print(text, "%s%s\n", table == tables ? "" : "\n", table->heading);
        EACH_NAME(table, figure, part)
        {
            list_name(text, figure, *part);
        }
    }
}

size_t figures_search(struct text *text, const struct figure_table *tables, const char *word)
{
    size_t found = 0;
    for (const struct figure_table *table = tables; table->count > 0; table++) {
        EACH_NAME(table, figure, part)
        {
            if (strlen(word) > 2 && (strstr(figure->name, word) != NULL ||
                                     strstr(before(figure, *part), word) != NULL)) {
                list_name(text, figure, *part);
                found++;
            }
        }
    }
    return found;
}

static const char *type_of(const struct figure *figure)
{
    return figure->kind == FIGURE_TEXT ? "string" : "number";
}

void figures_markdown(struct text *text, const struct figure_table *tables)
{
    for (const struct figure_table *table = tables; table->count > 0; table++) {
        text_print(text, "### %s\n\n%s%s", table->heading, table->doc,
                   table->doc[0] == '\0' ? "" : "\n\n");
        text_add(text, "| key | type | unit | what it says |\n| --- | --- | --- | --- |\n");
        for (size_t i = 0; i < table->count; i++) {
            const struct figure *figure = &table->figures[i];
            text_print(text, "| `%s.%s` | %s | %s | %s |\n", table->key, figure->name,
                       type_of(figure), figure->unit, figure->doc);
        }
        text_add(text, "\n");
    }
}

void figures_former_keys(struct text *text, const struct figure_table *tables)
{
    for (const struct figure_table *table = tables; table->count > 0; table++) {
        for (size_t i = 0; i < table->count; i++) {
            const struct figure *figure = &table->figures[i];
            if (figure->former_name != NULL) {
                text_print(text, "| `%s.%s` | %s | %s | `%s.%s` |\n", table->key,
                           figure->former_name, type_of(figure), figure->unit, table->key,
                           figure->name);
            }
            if (figure->former_key != NULL) {
                bool boolean = figure->kind == FIGURE_FLAG && figure->number == NULL;
                text_print(text, "| `%s` | %s | %s | `%s.%s` |\n", figure->former_key,
                           boolean ? "boolean" : type_of(figure), figure->unit, table->key,
                           figure->name);
            }
        }
    }
}

void figures_former_columns(struct text *text, const struct figure_table *tables)
{
    for (const struct figure_table *table = tables; table->count > 0; table++) {
        EACH_NAME(table, figure, part)
        {
            const char *former[] = {figure->former_column, figure->former_name};
            for (size_t i = 0; i < sizeof former / sizeof *former; i++) {
                if (former[i] != NULL) {
                    text_print(text, "| `%s%s` | `%s%s` |\n", before(figure, *part), former[i],
                               before(figure, *part), figure->name);
                }
            }
        }
    }
}

const char *figures_doc(struct arena *arena, const struct figure_table *tables, const char *name)
{
    const char *wanted = figure_without_turn(name);
    for (const struct figure_table *table = tables; table->count > 0; table++) {
        EACH_NAME(table, figure, part)
        {
            const char *names[] = {figure->name, figure->former_column, figure->former_name};
            size_t length = strlen(before(figure, *part));
            bool begins = strncmp(wanted, before(figure, *part), length) == 0;
            for (size_t i = 0; begins && i < sizeof names / sizeof *names; i++) {
                if (names[i] != NULL && strcmp(wanted + length, names[i]) == 0) {
                    return i == 0 ? figure->doc
                                  : arena_printf(arena, "Deprecated: now %s%s. %s",
                                                 before(figure, *part), figure->name, figure->doc);
                }
            }
        }
    }
    return NULL;
}
