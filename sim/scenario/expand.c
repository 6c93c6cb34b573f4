/* SPDX-License-Identifier: MIT */
#include "sim/scenario/expand.h"

#include "sim/base/file.h"
#include "sim/base/suggest.h"
#include "sim/base/text.h"
#include "sim/config/reference.h"
#include "sim/scenario/data_sheet.h"
#include "sim/scenario/hf/hf_config.h"
#include "sim/scenario/hub.h"
#include "sim/scenario/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST_USE = 8 };

static struct node *invalid(struct arena *arena, const struct node *at)
{
    struct node *node = node_scalar(arena, "", at->mark, at->origin);
    node->kind = NODE_INVALID;
    return node;
}

/* {value: 3 GB, source: "..."} becomes the scalar that it wraps. */
static void unwrap_value(const struct expansion *expansion, struct node *node, const char *source)
{
    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(node->entries[i].key, "value") != 0) {
            DIAGNOSE_ERROR(expansion->diagnostics, node->entries[i].key_mark,
                           "unknown key '%.100s' beside 'value'; expected 'source'",
                           node->entries[i].key);
        }
    }
    struct node *value = node_get(node, "value");
    if (value->kind == NODE_LIST || value->kind == NODE_MAPPING) {
        DIAGNOSE_ERROR(expansion->diagnostics, value->mark, "'value' must be a single value");
        value->kind = NODE_INVALID;
    }
    *node = *value;
    node->source = source;
}

void expand_sources(const struct expansion *expansion, struct node *node, const char *source)
{
    if (node->kind == NODE_LIST) {
        for (size_t i = 0; i < node->count; i++) {
            expand_sources(expansion, node->items[i], source);
        }
    } else if (node->kind == NODE_MAPPING) {
        const struct node *own = node_take(node, "source");
        if (own != NULL && (own->kind != NODE_SCALAR || own->text[0] == '\0')) {
            DIAGNOSE_ERROR(expansion->diagnostics, own->mark,
                           "source: expected a text that says where the values come from");
        } else if (own != NULL) {
            source = own->text;
        }
        if (node_get(node, "value") != NULL) {
            unwrap_value(expansion, node, source);
            return;
        }
        for (size_t i = 0; i < node->count; i++) {
            expand_sources(expansion, node->entries[i].value, source);
        }
    } else {
        node->source = source;
    }
}

static struct node *read_file(const struct expansion *expansion, const char *path,
                              enum node_origin origin)
{
    size_t size = 0;
    const char *bytes = file_read(expansion->arena, path, YAML_MAX_BYTES,
                                  "a scenario or a data file", &size, expansion->diagnostics);
    struct node *root = bytes == NULL ? NULL
                                      : yaml_tree_parse(expansion->arena, bytes, size, path, origin,
                                                        expansion->diagnostics);
    if (root == NULL) {
        return NULL;
    }
    if (root->kind != NODE_MAPPING) {
        if (root->kind != NODE_INVALID) {
            DIAGNOSE_ERROR(expansion->diagnostics, root->mark,
                           "expected keys such as 'schema: 1' (cpsim describe lists them)");
        }
        return NULL;
    }
    expand_sources(expansion, root, NULL);
    return root;
}

struct node *expand_read_file(const struct expansion *expansion, const char *path,
                              enum node_origin origin)
{
    if (expansion->files == NULL) {
        return read_file(expansion, path, origin);
    }
    struct node *kept = kept_files_copy(expansion->files, expansion->arena, path, origin);
    if (kept != NULL) {
        return kept;
    }
    struct arena *arena = kept_files_arena(expansion->files);
    const struct expansion keeping = {.arena = arena, .diagnostics = expansion->diagnostics};
    size_t errors_before = diagnostics_error_count(expansion->diagnostics);
    const char *name = arena_strdup(arena, path);
    struct node *root = read_file(&keeping, name, origin);
    if (root == NULL) {
        return NULL;
    }
    if (diagnostics_error_count(expansion->diagnostics) == errors_before) {
        node_keep_numbers(arena, root);
        kept_files_add(expansion->files, name, origin, root);
    }
    return node_copy(expansion->arena, root);
}

/* A lone scalar stands for {shorthand: scalar}. */
static void wrap_shorthand(struct arena *arena, const struct field *field, struct node_entry *entry)
{
    struct node *scalar = entry->value;
    bool empty = scalar->kind == NODE_SCALAR && scalar->text[0] == '\0';
    if (field->shorthand == NULL || scalar->kind != NODE_SCALAR || empty) {
        return;
    }
    struct node *mapping = node_mapping(arena, scalar->mark, scalar->origin);
    node_put(arena, mapping, field->shorthand, scalar->mark, scalar);
    entry->value = mapping;
}

void expand_shorthands(struct arena *arena, const struct field *fields, struct node *mapping)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        struct node_entry *entry = node_entry(mapping, field->key);
        if (entry != NULL && (field->kind == FIELD_MAPPING || field->kind == FIELD_KEYS)) {
            wrap_shorthand(arena, field, entry);
        }
    }
}

/* The folders of the path that exist, "a, b". */
static const char *folders_of(struct arena *arena, const struct find_path *path, const char *folder)
{
    struct text list = {.arena = arena};
    for (size_t i = 0; i < path->count; i++) {
        const char *directory = path->roots[i].directory;
        const char *full =
            strcmp(directory, ".") == 0 ? folder : arena_printf(arena, "%s/%s", directory, folder);
        struct stat status;
        if (stat(full, &status) == 0) {
            text_print(&list, "%s%s", list.length == 0 ? "" : ", ", full);
        }
    }
    return list.length == 0 ? arena_printf(arena, "no %s there is", folder) : list.bytes;
}

/* "a, b, c"; of many those that begin as the word does, and how many there are. */
static const char *some_names(struct arena *arena, const char *word, const struct found_file *files,
                              size_t count)
{
    enum { FEW = 25, ALIKE = 3 };
    struct text list = {.arena = arena};
    for (size_t i = 0; i < count; i++) {
        if (count <= FEW || strncmp(files[i].name, word, ALIKE) == 0) {
            text_print(&list, "%s%s", list.length == 0 ? "" : ", ", files[i].name);
        }
    }
    if (count > FEW) {
        text_print(&list, list.length == 0 ? "%zu files" : ", ... %zu in all", count);
    }
    return count == 0 ? "none" : list.bytes;
}

static const char *lower_case(struct arena *arena, const char *text)
{
    char *lower = arena_printf(arena, "%s", text);
    for (char *at = lower; *at != '\0'; at++) {
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
    }
    return lower;
}

static const char *nearest_file(struct arena *arena, const char *word,
                                const struct found_file *files, size_t count)
{
    struct suggestion suggestion = {.word = lower_case(arena, word)};
    for (size_t i = 0; i < count; i++) {
        suggestion_consider(&suggestion, files[i].name);
    }
    /* A name that holds the word is nearer than one that is spelt alike. */
    bool held = suggestion.best != NULL && strstr(suggestion.best, suggestion.word) != NULL;
    for (size_t i = 0; i < count && !held && strlen(suggestion.word) > 2; i++) {
        held = strstr(files[i].name, suggestion.word) != NULL;
        suggestion.best = held ? files[i].name : suggestion.best;
    }
    const char *alias = alias_path(file_aliases, word);
    for (size_t i = 0; i < count && alias != NULL; i++) {
        suggestion.best = strcmp(files[i].name, alias) == 0 ? alias : suggestion.best;
    }
    return suggestion.best == NULL ? ""
                                   : arena_printf(arena, " (did you mean '%s'?)", suggestion.best);
}

static void complain_of_unknown_file(const struct expansion *expansion, const struct field *field,
                                     const struct node *use, const struct find_path *path)
{
    struct arena *arena = expansion->arena;
    struct found_file *files = NULL;
    size_t count = find_all(arena, path, field->folder, &files);
    DIAGNOSE_ERROR(expansion->diagnostics, use->mark,
                   "%s: no file for '%.100s'%s; there are: %s (%s lists them); looked beside "
                   "the file, on CPSIM_PATH and in: %s",
                   field->key, use->text, nearest_file(arena, use->text, files, count),
                   some_names(arena, lower_case(arena, use->text), files, count),
                   field->fields == llm_fields ? "cpsim models" : "cpsim platforms",
                   folders_of(arena, path, field->folder));
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), least = strlen(ending);
    return length > least && strcmp(text + length - least, ending) == 0;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* OWNER/NAME as models are called on the Hugging Face hub. */
static bool is_hub_name(const char *text)
{
    const char *slash = strchr(text, '/');
    return slash != NULL && slash != text && strchr(slash + 1, '/') == NULL && slash[1] != '\0' &&
           text[0] != '.' && text[0] != '~' && !ends_with(text, ".json") &&
           !ends_with(text, ".yaml") && !ends_with(text, ".yml");
}

/* The file that says it is of that name; NULL after an error. */
static const char *find_hub_name(const struct expansion *expansion, const struct field *field,
                                 const struct node *use)
{
    struct arena *arena = expansion->arena;
    struct find_path path = find_path(arena, use->mark.file);
    struct hub_name of = hub_find(arena, &path, use->text);
    if (of.model != NULL && of.format[0] == '\0') {
        return of.model;
    }
    if (of.model != NULL) {
        DIAGNOSE_ERROR(expansion->diagnostics, use->mark,
                       "%s: '%.100s' is a checkpoint in a format of its own (%.20s); write '%s: "
                       "%.60s' and say its `precision:` (cpsim describe precision)",
                       field->key, use->text, of.format, field->key, file_stem(arena, of.model));
        return NULL;
    }
    struct found_file *files = NULL;
    size_t count = find_all(arena, &path, field->folder, &files);
    const char *name = strchr(use->text, '/') + 1;
    DIAGNOSE_ERROR(
        expansion->diagnostics, use->mark,
        "%s: '%.100s' is a name on the Hugging Face hub that no file of models/llm has%s; "
        "download its config.json (hf download %.100s config.json --local-dir %.60s) "
        "and write '%s: ./%.60s'; cpsim models lists those that come with it",
        field->key, use->text, nearest_file(arena, name, files, count), use->text, name, field->key,
        name);
    return NULL;
}

/* A path, or a folder's config.json; NULL after an error. */
static const char *find_path_of_model(const struct expansion *expansion, const struct field *field,
                                      const struct node *use, const char *path)
{
    struct stat status;
    bool model = field->fields == llm_fields;
    if (!model || (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))) {
        return path;
    }
    const char *config =
        arena_printf(expansion->arena, "%s%sconfig.json", path, ends_with(path, "/") ? "" : "/");
    if (is_folder(path) && stat(config, &status) == 0) {
        return config;
    }
    if (is_folder(path)) {
        DIAGNOSE_ERROR(expansion->diagnostics, use->mark,
                       "%s: '%.200s' is a folder without a config.json; expected a file of "
                       "models/llm, a config.json or a folder that holds one",
                       field->key, path);
        return NULL;
    }
    if (is_hub_name(use->text)) {
        return find_hub_name(expansion, field, use);
    }
    return path;
}

/* The file that `use` names; NULL after an error. */
static const char *find_file(const struct expansion *expansion, const struct field *field,
                             const struct node *use)
{
    struct arena *arena = expansion->arena;
    bool from_file = use->origin == ORIGIN_SCENARIO || use->origin == ORIGIN_DATA;
    const char *asking = from_file ? use->mark.file : NULL;
    const char *stem = use->text;
    const char *beside = from_file ? file_beside(arena, asking, stem) : stem;
    if (strchr(stem, '/') != NULL || ends_with(stem, ".json")) {
        return find_path_of_model(expansion, field, use, beside);
    }
    struct find_path path = find_path(arena, asking);
    size_t length = strlen(stem);
    if (ends_with(stem, ".yaml")) {
        stem = arena_printf(arena, "%.*s", (int)length - 5, stem);
    }
    const char *found = find_named(arena, &path, field->folder, stem, asking);
    if (found == NULL && field->fields == llm_fields && is_folder(beside)) {
        return find_path_of_model(expansion, field, use, beside);
    }
    if (found == NULL) {
        complain_of_unknown_file(expansion, field, use, &path);
    }
    return found;
}

const char *expand_find_file(const struct expansion *expansion, const struct field *field,
                             const struct node *use)
{
    struct kept_files *files = expansion->files;
    bool from_file = use->origin == ORIGIN_SCENARIO || use->origin == ORIGIN_DATA;
    const char *asking = from_file ? use->mark.file : NULL;
    const char *kept =
        files == NULL ? NULL : kept_files_found(files, field->folder, use->text, asking);
    if (kept != NULL) {
        return kept;
    }
    const char *found = find_file(expansion, field, use);
    if (files != NULL && found != NULL) {
        kept_files_add_found(files, field->folder, use->text, asking, found);
    }
    return found;
}

static struct node *resolve_use(const struct expansion *expansion, const struct field *field,
                                struct node *mapping, unsigned depth);

/* A data file says which form it has, and may itself `use` another. */
static struct node *read_data_file(const struct expansion *expansion, const struct field *field,
                                   const char *path, unsigned depth)
{
    struct arena *arena = expansion->arena;
    struct node *base = expand_read_file(expansion, path, ORIGIN_DATA);
    if (base != NULL && field->fields == llm_fields && hf_config_is(base)) {
        base = hf_config_model(expansion, base, path);
    }
    if (base == NULL) {
        return NULL;
    }
    struct mark start = {.file = path, .line = 1, .column = 1};
    const struct node *schema = node_take(base, "schema");
    if (schema == NULL || schema->kind != NODE_SCALAR || strcmp(schema->text, "1") != 0) {
        DIAGNOSE_ERROR(expansion->diagnostics, schema == NULL ? start : schema->mark,
                       "expected 'schema: 1', the form that this cpsim reads");
    }
    if (node_get(base, "name") == NULL) {
        node_put(arena, base, "name", start,
                 node_scalar(arena, file_stem(arena, path), start, ORIGIN_DATA));
    }
    return resolve_use(expansion, field, base, depth + 1);
}

static struct node *resolve_use(const struct expansion *expansion, const struct field *field,
                                struct node *mapping, unsigned depth)
{
    const struct node *use = node_take(mapping, "use");
    expand_shorthands(expansion->arena, field->fields, mapping);
    if (use == NULL || use->kind == NODE_INVALID) {
        return mapping;
    }
    if (use->kind != NODE_SCALAR || use->text[0] == '\0') {
        DIAGNOSE_ERROR(expansion->diagnostics, use->mark, "use: expected the name of a file in %s",
                       field->folder);
        return invalid(expansion->arena, mapping);
    }
    if (depth > DEEPEST_USE) {
        DIAGNOSE_ERROR(expansion->diagnostics, use->mark,
                       "use: '%.100s' is the %dth file in a row; do they use each other?",
                       use->text, DEEPEST_USE + 1);
        return invalid(expansion->arena, mapping);
    }
    const char *path = expand_find_file(expansion, field, use);
    struct node *base = path == NULL ? NULL : read_data_file(expansion, field, path, depth);
    if (base == NULL || base->kind != NODE_MAPPING) {
        return invalid(expansion->arena, mapping);
    }
    return node_overlay(expansion->arena, base, mapping);
}

static struct node *resolve_preset(const struct expansion *expansion, const struct field *field,
                                   struct node *mapping)
{
    struct arena *arena = expansion->arena;
    const struct node *name = node_take(mapping, "preset");
    if (name == NULL || name->kind == NODE_INVALID) {
        return mapping;
    }
    const char *text = name->kind == NODE_SCALAR ? name->text : "";
    struct suggestion suggestion = {.word = text};
    const char *list = "";
    for (const struct preset *preset = field->presets; preset->name != NULL; preset++) {
        if (strcmp(preset->name, text) == 0) {
            struct node *base = yaml_tree_parse(arena, preset->yaml, strlen(preset->yaml),
                                                arena_printf(arena, "preset %s", text),
                                                ORIGIN_PRESET, expansion->diagnostics);
            expand_shorthands(arena, field->fields, mapping);
            expand_shorthands(arena, field->fields, base);
            return node_overlay(arena, base, mapping);
        }
        suggestion_consider(&suggestion, preset->name);
        if (suggest_is_among(preset->also, text)) {
            suggestion.best = preset->name;
            suggestion.distance = 0;
        }
        list = arena_printf(arena, "%s%s%s", list, list[0] == '\0' ? "" : ", ", preset->name);
    }
    const char *hint = suggestion.best == NULL
                           ? ""
                           : arena_printf(arena, " (did you mean '%s'?)", suggestion.best);
    DIAGNOSE_ERROR(expansion->diagnostics, name->mark,
                   "%s: '%.100s' is not a preset%s; expected one of: %s", field->key, text, hint,
                   list);
    return mapping;
}

static void expand_mapping(const struct expansion *expansion, const struct field *fields,
                           struct node *mapping);

static void expand_entry(const struct expansion *expansion, const struct field *field,
                         struct node_entry *entry)
{
    if (field->kind == FIELD_MAPPING) {
        wrap_shorthand(expansion->arena, field, entry);
        if (entry->value->kind == NODE_MAPPING && field->folder != NULL) {
            entry->value = resolve_use(expansion, field, entry->value, 0);
        }
        if (field->fields == gpu_fields) {
            data_sheet_complete(expansion, entry->value);
        }
        if (entry->value->kind == NODE_MAPPING && field->presets != NULL) {
            entry->value = resolve_preset(expansion, field, entry->value);
        }
        expand_mapping(expansion, field->fields, entry->value);
    } else if (field->kind == FIELD_TAGGED) {
        const struct variant *variant = field_variant(field, entry->value);
        if (variant != NULL) {
            expand_mapping(expansion, variant->fields, entry->value);
        }
    } else if (field->kind == FIELD_LIST && entry->value->kind == NODE_LIST &&
               field->item->kind == FIELD_MAPPING) {
        for (size_t i = 0; i < entry->value->count; i++) {
            expand_mapping(expansion, field->item->fields, entry->value->items[i]);
        }
    }
}

static void expand_mapping(const struct expansion *expansion, const struct field *fields,
                           struct node *mapping)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        struct node_entry *entry = node_entry(mapping, field->key);
        if (entry != NULL) {
            expand_entry(expansion, field, entry);
        }
    }
}

/* What a cluster says of `key` moves up, under what the scenario itself says of it. */
static void move_up(const struct expansion *expansion, const struct field *fields,
                    struct node *root, const char *key)
{
    struct arena *arena = expansion->arena;
    struct node *cluster = node_get(root, "cluster");
    struct node_entry *own = node_entry(root, key);
    if (own == NULL && (cluster == NULL || cluster->kind != NODE_MAPPING)) {
        /* The cluster's fault has been reported; that it names no GPU is none of its own. */
        node_put(arena, root, key, root->mark, invalid(arena, root));
        return;
    }
    const struct node_entry *entry = node_entry(cluster, key);
    if (entry == NULL) {
        return;
    }
    struct mark key_mark = entry->key_mark;
    struct node *base = node_take(cluster, key);
    if (own == NULL) {
        node_put(arena, root, key, key_mark, base);
    } else {
        wrap_shorthand(arena, field_find(fields, key), own);
        own->value = node_overlay(arena, base, own->value);
    }
}

/* Whether a mapping says every key that its file must have: then it is laid over no other. */
static bool is_whole(const struct field *fields, const struct node *mapping)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        if (field->required && node_get(mapping, field->key) == NULL) {
            return false;
        }
    }
    return true;
}

/* Where neither the scenario nor its cluster names software: what most people run such a workload
 * on. */
static void move_default_up(const struct expansion *expansion, const struct field *fields,
                            struct node *root)
{
    struct arena *arena = expansion->arena;
    const struct field *software = field_find(fields, "software");
    const struct node *workload = node_get(root, "workload");
    const struct variant *kind = workload == NULL || workload->kind != NODE_MAPPING
                                     ? NULL
                                     : field_variant(field_find(fields, "workload"), workload);
    struct node_entry *own = node_entry(root, "software");
    if (own != NULL) {
        wrap_shorthand(arena, software, own);
    }
    bool says =
        own != NULL && (own->value->kind != NODE_MAPPING || node_get(own->value, "use") != NULL ||
                        is_whole(software->fields, own->value));
    if (kind == NULL && own == NULL) { /* reported as the workload's fault */
        node_put(arena, root, "software", root->mark, invalid(arena, root));
    }
    if (kind == NULL || says) {
        return;
    }
    struct node *base = node_mapping(arena, root->mark, ORIGIN_SCENARIO);
    node_put(arena, base, "use", root->mark,
             node_scalar(arena, default_software[kind->value], root->mark, ORIGIN_SCENARIO));
    base = resolve_use(expansion, software, base, 0);
    if (own == NULL) {
        node_put(arena, root, "software", root->mark, base);
    } else if (base->kind == NODE_MAPPING) {
        own->value = node_overlay(arena, base, own->value);
    }
}

/* What a model's file says its weights are kept in is the scenario's precision, under what the
 * scenario says of it; a preset there takes the place of all. Training chooses its own. */
static void move_precision_up(const struct expansion *expansion, const struct field *fields,
                              struct node *root)
{
    struct arena *arena = expansion->arena;
    struct node_entry *model = node_entry(root, "model");
    if (model == NULL) {
        return;
    }
    const struct field *field = field_find(fields, "model");
    wrap_shorthand(arena, field, model);
    if (model->value->kind == NODE_MAPPING) {
        model->value = resolve_use(expansion, field, model->value, 0);
    }
    struct node *kept = node_take(model->value, "precision");
    const struct node *workload = node_get(root, "workload");
    const struct node *kind = workload == NULL ? NULL : node_get(workload, "kind");
    bool training =
        kind != NULL && kind->kind == NODE_SCALAR && strcmp(kind->text, "training") == 0;
    struct node_entry *own = node_entry(root, "precision");
    if (kept == NULL || training) {
        return;
    }
    if (kept->kind == NODE_SCALAR) {
        struct node_entry entry = {.key = "precision", .value = kept};
        wrap_shorthand(arena, field_find(fields, "precision"), &entry);
        kept = entry.value;
    }
    if (own == NULL) {
        node_put(arena, root, "precision", kept->mark, kept);
        return;
    }
    wrap_shorthand(arena, field_find(fields, "precision"), own);
    if (node_get(own->value, "preset") == NULL && own->value->kind == NODE_MAPPING) {
        own->value = node_overlay(arena, kept, own->value);
    }
}

void expand_scenario(const struct expansion *expansion, const struct field *fields,
                     struct node *root)
{
    struct node_entry *cluster = node_entry(root, "cluster");
    if (cluster != NULL) {
        const struct field *field = field_find(fields, "cluster");
        wrap_shorthand(expansion->arena, field, cluster);
        if (cluster->value->kind == NODE_MAPPING) {
            cluster->value = resolve_use(expansion, field, cluster->value, 0);
        }
    }
    move_precision_up(expansion, fields, root);
    move_up(expansion, fields, root, "gpu");
    move_up(expansion, fields, root, "software");
    move_default_up(expansion, fields, root);
    expand_mapping(expansion, fields, root);
    cluster_complete(expansion, node_get(root, "cluster"), node_get(root, "gpu"));
}

struct node *expand_data_file(const struct expansion *expansion, const struct field *field,
                              const char *path)
{
    struct node *root = read_data_file(expansion, field, path, 0);
    if (root != NULL && field->fields == gpu_fields) {
        data_sheet_complete(expansion, root);
    }
    if (root != NULL && root->kind == NODE_MAPPING) {
        expand_mapping(expansion, field->fields, root);
    }
    if (root != NULL && field->fields == cluster_fields) {
        cluster_complete(expansion, root, node_get(root, "gpu"));
    }
    return root;
}
