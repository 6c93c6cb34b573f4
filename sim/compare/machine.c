/* SPDX-License-Identifier: MIT */
#include "sim/compare/machine.h"

#include "sim/base/suggest.h"
#include "sim/base/text.h"
#include "sim/config/find.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"

#include <string.h>

struct file {
    struct file *next;
    const char *key, *name;
    const void *object; /* NULL: it was complained about */
};

struct machine_files {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct find_path path;
    struct file *first;
};

struct machine_files *machine_files_create(struct arena *arena, struct diagnostics *diagnostics)
{
    struct machine_files *files = ARENA_NEW(arena, struct machine_files);
    *files = (struct machine_files){
        .arena = arena, .diagnostics = diagnostics, .path = find_path(arena, NULL)};
    return files;
}

static void complain_of_name(struct machine_files *files, const char *key, const char *folder,
                             const char *name, struct mark mark)
{
    struct found_file *known = NULL;
    size_t count = find_all(files->arena, &files->path, folder, &known);
    struct text names = {.arena = files->arena};
    struct suggestion suggestion = {.word = name};
    text_add(&names, "");
    for (size_t i = 0; i < count; i++) {
        suggestion_consider(&suggestion, known[i].name);
        text_print(&names, "%s%s", i == 0 ? "" : ", ", known[i].name);
    }
    if (suggestion.best != NULL) {
        DIAGNOSE_ERROR(files->diagnostics, mark, "no %s is called '%.60s' (did you mean '%s'?)",
                       key, name, suggestion.best);
    } else {
        DIAGNOSE_ERROR(files->diagnostics, mark,
                       "no %s is called '%.60s' (there are: %s; a path must hold a '/')", key, name,
                       names.bytes);
    }
}

const char *machine_path(struct machine_files *files, const char *key, const char *name,
                         struct mark mark)
{
    const char *folder = field_find_path(scenario_fields, key)->folder;
    bool is_path = strchr(name, '/') != NULL || strstr(name, ".yaml") != NULL;
    const char *path = is_path ? name : find_named(files->arena, &files->path, folder, name, NULL);
    if (path == NULL) {
        complain_of_name(files, key, folder, name, mark);
    }
    return path;
}

static const void *load(struct machine_files *files, const char *key, const char *name, size_t size,
                        struct mark mark)
{
    for (struct file *file = files->first; file != NULL; file = file->next) {
        if (strcmp(file->key, key) == 0 && strcmp(file->name, name) == 0) {
            return file->object;
        }
    }
    struct file *file = ARENA_NEW(files->arena, struct file);
    *file =
        (struct file){.next = files->first, .key = key, .name = arena_strdup(files->arena, name)};
    files->first = file;
    const char *path = machine_path(files, key, name, mark);
    void *object = arena_array(files->arena, 1, size);
    if (path != NULL &&
        data_file_load(files->arena, key, path, object, files->diagnostics) != NULL) {
        file->object = object;
    }
    return file->object;
}

const struct gpu *machine_gpu(struct machine_files *files, const char *name, struct mark mark)
{
    return load(files, "gpu", name, sizeof(struct gpu), mark);
}

static bool lists(const char *devices, const char *device)
{
    size_t length = strlen(device);
    while (devices != NULL) {
        bool same = strncmp(devices, device, length) == 0 &&
                    (devices[length] == '\0' || devices[length] == ';');
        if (same) {
            return true;
        }
        const char *separator = strstr(devices, "; ");
        devices = separator == NULL ? NULL : separator + 2;
    }
    return false;
}

const struct gpu *machine_gpu_of_device(struct machine_files *files, const char *device,
                                        struct mark mark)
{
    for (struct file *file = files->first; file != NULL; file = file->next) {
        if (strcmp(file->key, "device") == 0 && strcmp(file->name, device) == 0) {
            return file->object;
        }
    }
    struct file *found = ARENA_NEW(files->arena, struct file);
    *found = (struct file){
        .next = files->first, .key = "device", .name = arena_strdup(files->arena, device)};
    files->first = found;
    struct found_file *known = NULL;
    const char *folder = field_find(scenario_fields, "gpu")->folder;
    size_t count = find_all(files->arena, &files->path, folder, &known);
    for (size_t i = 0; i < count; i++) {
        const struct gpu *gpu = machine_gpu(files, known[i].name, mark);
        if (gpu != NULL && (lists(gpu->devices, device) || strcmp(gpu->name, device) == 0)) {
            found->object = gpu;
            return gpu;
        }
    }
    DIAGNOSE_ERROR(files->diagnostics, mark,
                   "no GPU's file lists '%.60s' among its devices; name one: --gpu NAME, such as "
                   "--gpu h100-sxm",
                   device);
    return NULL;
}

const struct cluster *machine_cluster(struct machine_files *files, const char *name,
                                      struct mark mark)
{
    return load(files, "cluster", name, sizeof(struct cluster), mark);
}

const struct software *machine_software(struct machine_files *files, const char *name,
                                        struct mark mark)
{
    return load(files, "software", name, sizeof(struct software), mark);
}

const struct kernel_library *machine_kernels(struct machine_files *files, const char *name,
                                             struct mark mark)
{
    return load(files, "software.kernels", name, sizeof(struct kernel_library), mark);
}

const struct llm *machine_llm(struct machine_files *files, const char *name, struct mark mark)
{
    return load(files, "model", name, sizeof(struct llm), mark);
}
