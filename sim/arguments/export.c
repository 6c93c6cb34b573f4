/* SPDX-License-Identifier: MIT */
#include "sim/arguments/dialect.h"

#include "models/layout/layout.h"
#include "sim/config/units.h"
#include "sim/scenario/tables.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void export_lose(struct export *export, const char *format, ...)
{
    char line[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_print(&export->lost, "#   %s\n", line);
}

/* In quotes where a shell would take it apart. */
static void add_word(struct text *line, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:=,+@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        text_add(line, word);
        return;
    }
    text_add(line, "'");
    for (const char *c = word; *c != '\0'; c++) {
        if (*c == '\'') {
            text_add(line, "'\\''");
        } else {
            text_append(line, c, 1);
        }
    }
    text_add(line, "'");
}

void export_flag(struct export *export, const struct dialect *dialect, const char *name,
                 const char *value)
{
    text_print(&export->line, " \\\n    %s", name);
    if (value != NULL) {
        text_add(&export->line, dialect->equals ? "=" : " ");
        add_word(&export->line, value);
    }
}

/* --- what a key is --- */

const struct node *export_find(const struct export *export, const char *key)
{
    const struct node *node = export->resolved->tree;
    for (size_t length = strcspn(key, "."); node != NULL; length = strcspn(key, ".")) {
        node = node_get(node, arena_printf(export->arena, "%.*s", (int)length, key));
        if (key[length] == '\0') {
            return node;
        }
        key += length + 1;
    }
    return NULL;
}

/* "fp8-tensor" where a value comes from that preset; "": from none. */
static const char *preset_of(const struct export *export)
{
    static const char before[] = "preset ";
    const struct node *node = export_find(export, "precision.ffn_weights.format");
    bool preset = node != NULL && node->origin == ORIGIN_PRESET && node->mark.file != NULL &&
                  strncmp(node->mark.file, before, strlen(before)) == 0;
    return preset ? node->mark.file + strlen(before) : "";
}

/* The value that a scenario has, without its unit; NULL: it is the scenario's own default and says
 * nothing. */
static const char *value_of(const struct export *export, const struct dialect *dialect,
                            const struct flag *flag)
{
    if (strcmp(flag->key, "precision.preset") == 0) {
        const char *preset = preset_of(export);
        return preset[0] == '\0' ? NULL : preset;
    }
    const struct node *node = export_find(export, flag->key);
    if (node == NULL || node->kind != NODE_SCALAR) {
        return NULL;
    }
    bool said = node->origin == ORIGIN_SCENARIO || node->origin == ORIGIN_SET;
    if (flag->absent == NULL && !said && !flag->always && node->origin != ORIGIN_PRESET) {
        /* Where a model has a name, its sizes are not said. */
        bool model = dialect->sizes && strncmp(flag->key, "model.", strlen("model.")) == 0;
        return model && node->origin == ORIGIN_DATA ? node->text : NULL;
    }
    const struct field *field = field_find_path(scenario_fields, flag->key);
    if (field == NULL || flag->unit == NULL) {
        return node->text;
    }
    struct quantity_reading read = quantity_read(node->text, field_quantity(field->kind));
    return read.fault == QUANTITY_OK ? arena_printf(export->arena, "%.15g", read.value)
                                     : node->text;
}

static void export_row(struct export *export, const struct dialect *dialect,
                       const struct flag *flag)
{
    const char *value = flag->key == NULL || flag->fixed ? NULL : value_of(export, dialect, flag);
    if (value == NULL || (flag->absent != NULL && strcmp(value, flag->absent) == 0)) {
        return;
    }
    if (flag->on != NULL) {
        if (strcmp(value, flag->on) == 0) {
            export_flag(export, dialect, flag->name, NULL);
        }
        return;
    }
    for (const struct flag_word *word = flag->words; word != NULL && word->theirs != NULL; word++) {
        if (strcmp(word->ours, value) == 0) {
            export_flag(export, dialect, flag->name, word->theirs);
            return;
        }
    }
    if (flag->words != NULL) {
        export_lose(export, "%s: %s", flag->key, value);
    } else {
        export_flag(export, dialect, flag->name, value);
    }
}

/* --- what is left out --- */

static bool is_carried(const struct dialect *dialect, const char *key)
{
    for (const struct flag *flag = dialect->flags; flag->name != NULL; flag++) {
        if (flag->key != NULL && strcmp(flag->key, key) == 0) {
            return true;
        }
    }
    return false;
}

/* Keys that the scenario says of how it is run, and no flag has. Models, clusters and loads are not
 * a command's. */
static void list_lost(struct export *export, const struct dialect *dialect,
                      const struct node *mapping, const char *path)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const struct node *value = mapping->entries[i].value;
        const char *key = arena_printf(export->arena, "%s%s%s", path, path[0] == '\0' ? "" : ".",
                                       mapping->entries[i].key);
        bool said = value->origin == ORIGIN_SCENARIO || value->origin == ORIGIN_SET;
        if (value->kind == NODE_MAPPING) {
            list_lost(export, dialect, value, key);
        } else if (value->kind == NODE_SCALAR && said && !is_carried(dialect, key) &&
                   strcmp(key, "workload.kind") != 0) {
            export_lose(export, "%s: %s", key, value->text);
        }
    }
}

static void list_all_lost(struct export *export, const struct dialect *dialect)
{
    static const char *const sections[] = {"software",         "layout", "precision", "attention",
                                           "workload.service", "memory", "routing",   "pools"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const struct node *section = export_find(export, sections[i]);
        if (section != NULL && section->kind == NODE_MAPPING) {
            list_lost(export, dialect, section, sections[i]);
        }
    }
    if (export->resolved->scenario->tenant_count > 0) {
        export_lose(export, "tenants: an engine serves one model; these are the scenario's keys");
    }
    if (preset_of(export)[0] != '\0' && !is_carried(dialect, "precision.preset")) {
        export_lose(export, "precision: %s; the checkpoint's own", preset_of(export));
    }
    if (!is_carried(dialect, "software") &&
        strncmp(export->resolved->scenario->software.name, dialect->software,
                strlen(dialect->software)) != 0) {
        export_lose(export, "software: %s", export->resolved->scenario->software.name);
    }
    const struct node *training = node_get(export->resolved->tree, "workload");
    if (strcmp(dialect->workload, "training") == 0 && training != NULL) {
        list_lost(export, dialect, training, "workload");
    }
}

const char *export_model(const struct export *export)
{
    const struct node *hub = export_find(export, "model.hub");
    if (hub == NULL || hub->kind != NODE_SCALAR || hub->text[0] == '\0') {
        return export->resolved->scenario->llm.name;
    }
    return arena_printf(export->arena, "%.*s", (int)strcspn(hub->text, ";"), hub->text);
}

/* What torchrun starts, on each node of the scenario's. */
static void add_program(struct export *export, const struct dialect *dialect)
{
    const struct scenario *scenario = export->resolved->scenario;
    uint32_t gpus = layout_gpus(&scenario->layout), each = scenario->cluster.gpus_per_node;
    each = gpus < each ? gpus : each;
    text_print(&export->line, " --nproc-per-node %u --nnodes %u %s", each, (gpus + each - 1) / each,
               dialect->program);
}

const char *arguments_export(struct arena *arena, const struct dialect *dialect, const char *path,
                             const struct resolved_scenario *resolved,
                             struct diagnostics *diagnostics)
{
    struct export export = {
        .arena = arena, .resolved = resolved, .line = {.arena = arena}, .lost = {.arena = arena}};
    const struct node *kind = export_find(&export, "workload.kind");
    if (kind == NULL || strcmp(kind->text, dialect->workload) != 0) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = path}), "%s takes a scenario of kind %s",
                       dialect->doc, dialect->workload);
        return NULL;
    }
    text_add(&export.lost, "");
    text_add(&export.line, dialect->command);
    if (dialect->program != NULL) {
        add_program(&export, dialect);
    }
    if (dialect->model_flag == NULL) {
        text_add(&export.line, " ");
        add_word(&export.line, export_model(&export));
    }
    for (const struct flag *flag = dialect->flags; flag->name != NULL; flag++) {
        export_row(&export, dialect, flag);
    }
    if (dialect->export != NULL) {
        dialect->export(&export);
    }
    list_all_lost(&export, dialect);
    if (export.lost.length > 0) {
        text_print(&export.line, "\n# Not carried over:\n%s", export.lost.bytes);
    } else {
        text_add(&export.line, "\n");
    }
    return export.line.bytes;
}
