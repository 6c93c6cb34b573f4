/* SPDX-License-Identifier: MIT */
#include "sim/scenario/kept_files.h"

#include <string.h>

struct kept_file {
    struct kept_file *older;
    const char *path;
    enum node_origin origin;
    const struct node *tree;
};

struct kept_name {
    struct kept_name *older;
    const char *folder, *name, *asking, *path;
};

struct kept_files {
    struct arena *arena;
    struct kept_file *newest;       /* some dozens */
    struct kept_name *newest_found; /* as many */
};

struct kept_files *kept_files_create(struct arena *arena)
{
    struct kept_files *files = ARENA_NEW(arena, struct kept_files);
    files->arena = arena;
    return files;
}

struct arena *kept_files_arena(struct kept_files *files)
{
    return files->arena;
}

struct node *kept_files_copy(const struct kept_files *files, struct arena *arena, const char *path,
                             enum node_origin origin)
{
    for (const struct kept_file *file = files->newest; file != NULL; file = file->older) {
        if (file->origin == origin && strcmp(file->path, path) == 0) {
            return node_copy(arena, file->tree);
        }
    }
    return NULL;
}

void kept_files_add(struct kept_files *files, const char *path, enum node_origin origin,
                    const struct node *tree)
{
    struct kept_file *file = ARENA_NEW(files->arena, struct kept_file);
    *file =
        (struct kept_file){.older = files->newest, .path = path, .origin = origin, .tree = tree};
    files->newest = file;
}

static bool is_alike(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

const char *kept_files_found(const struct kept_files *files, const char *folder, const char *name,
                             const char *asking)
{
    for (const struct kept_name *kept = files->newest_found; kept != NULL; kept = kept->older) {
        if (strcmp(kept->name, name) == 0 && is_alike(kept->folder, folder) &&
            is_alike(kept->asking, asking)) {
            return kept->path;
        }
    }
    return NULL;
}

void kept_files_add_found(struct kept_files *files, const char *folder, const char *name,
                          const char *asking, const char *path)
{
    struct kept_name *kept = ARENA_NEW(files->arena, struct kept_name);
    *kept = (struct kept_name){
        .older = files->newest_found,
        .folder = folder == NULL ? NULL : arena_strdup(files->arena, folder),
        .name = arena_strdup(files->arena, name),
        .asking = asking == NULL ? NULL : arena_strdup(files->arena, asking),
        .path = arena_strdup(files->arena, path),
    };
    files->newest_found = kept;
}
