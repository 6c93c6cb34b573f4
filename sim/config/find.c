/* SPDX-License-Identifier: MIT */
#include "sim/config/find.h"

#include "sim/base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_PATH = 4096, MOST_FILES = 4096 };

const char *file_directory(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return ".";
    }
    return slash == path ? "/" : arena_printf(arena, "%.*s", (int)(slash - path), path);
}

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

const char *file_stem(struct arena *arena, const char *path)
{
    const char *name = file_name(path);
    const char *dot = strrchr(name, '.');
    size_t length = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    return arena_printf(arena, "%.*s", (int)length, name);
}

static void add_root(struct arena *arena, struct find_path *path, const char *directory, bool bare)
{
    for (size_t i = 0; i < path->count; i++) {
        if (strcmp(path->roots[i].directory, directory) == 0) {
            return;
        }
    }
    if (path->count == path->capacity) {
        path->capacity = path->capacity == 0 ? 16 : 2 * path->capacity;
        struct find_root *larger = ARENA_ARRAY(arena, struct find_root, path->capacity);
        for (size_t i = 0; i < path->count; i++) {
            larger[i] = path->roots[i];
        }
        path->roots = larger;
    }
    path->roots[path->count++] = (struct find_root){.directory = directory, .bare = bare};
}

static void add_environment(struct arena *arena, struct find_path *path)
{
    const char *list = getenv("CPSIM_PATH");
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ":");
        if (length > 0) {
            add_root(arena, path, arena_printf(arena, "%.*s", (int)length, list), true);
        }
        list += length + (list[length] == ':');
    }
}

/* The directory of the running program, NULL when the system does not say. */
static const char *program_directory(struct arena *arena)
{
    char program[LONGEST_PATH];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) {
        return NULL;
    }
    program[length] = '\0';
    return file_directory(arena, program);
}

static bool is_inside(const char *directory, const char *parent)
{
    size_t length = strlen(parent);
    return strncmp(directory, parent, length) == 0 &&
           (directory[length] == '\0' || directory[length] == '/');
}

/* "scenarios" -> ".", "." -> "..", "a/b" -> "a". */
static const char *parent_of(struct arena *arena, const char *directory)
{
    const char *slash = strrchr(directory, '/');
    const char *last = slash == NULL ? directory : slash + 1;
    if (strcmp(directory, ".") == 0) {
        return "..";
    }
    if (strcmp(last, "..") == 0 || strcmp(last, ".") == 0) {
        return arena_printf(arena, "%s/..", directory);
    }
    return file_directory(arena, directory);
}

/* share/cpsim of the installation that the program is in, wherever that was moved to. */
static const char *installed_share(struct arena *arena, const char *program)
{
    const char *directory = program, *rest = CPSIM_SHARE_FROM_BIN;
    for (; strncmp(rest, "../", 3) == 0; rest += 3) {
        directory = parent_of(arena, directory);
    }
    return arena_printf(arena, "%s/%s", directory, rest);
}

static void add_own(struct arena *arena, struct find_path *path)
{
    const char *program = program_directory(arena);
    if (program != NULL && is_inside(program, CPSIM_BUILD_DIR)) {
        add_root(arena, path, CPSIM_SOURCE_DIR, false);
    }
    if (program != NULL) {
        add_root(arena, path, installed_share(arena, program), false);
    }
    add_root(arena, path, CPSIM_SHARE_DIR, false);
}

static const char *join(struct arena *arena, const char *directory, const char *name)
{
    return strcmp(directory, ".") == 0 ? name : arena_join(arena, directory, "/", name);
}

struct find_path find_path(struct arena *arena, const char *file)
{
    struct find_path path = {.count = 0};
    const char *directory = file == NULL ? "." : file_directory(arena, file);
    add_root(arena, &path, directory, true);
    if (file != NULL) {
        /* scenarios/ and models/ are neighbours; platforms/clusters/ and models/ are cousins. */
        const char *parent = parent_of(arena, directory);
        add_root(arena, &path, parent, false);
        add_root(arena, &path, parent_of(arena, parent), false);
    }
    add_environment(arena, &path);
    add_own(arena, &path);
    return path;
}

const char *file_beside(struct arena *arena, const char *path, const char *name)
{
    if (name[0] == '/') {
        return name;
    }
    while (strncmp(name, "./", 2) == 0) {
        name += 2;
    }
    return join(arena, file_directory(arena, path), name);
}

/* A data file may use another of its own name, further along the path, and does not mean itself. */
static bool is_same_file(const char *left, const char *right)
{
    struct stat a, b;
    return right != NULL && stat(left, &a) == 0 && stat(right, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Scenarios and data files may lie in one directory; only scenarios have a workload. */
static bool is_scenario(const char *path)
{
    char line[256];
    bool found = false;
    FILE *stream = fopen(path, "rb");
    while (stream != NULL && !found && fgets(line, sizeof line, stream) != NULL) {
        found = strncmp(line, "workload:", strlen("workload:")) == 0;
    }
    if (stream != NULL) {
        fclose(stream);
    }
    return found;
}

const char *find_named(struct arena *arena, const struct find_path *path, const char *folder,
                       const char *name, const char *asking_file)
{
    for (size_t i = 0; i < path->count; i++) {
        const struct find_root *root = &path->roots[i];
        const char *candidate =
            join(arena, root->directory, arena_printf(arena, "%s/%s.yaml", folder, name));
        if (file_is_regular(candidate) && !is_same_file(candidate, asking_file)) {
            return candidate;
        }
        candidate = join(arena, root->directory, arena_printf(arena, "%s.yaml", name));
        if (root->bare && file_is_regular(candidate) && !is_same_file(candidate, asking_file) &&
            !is_scenario(candidate)) {
            return candidate;
        }
    }
    return NULL;
}

const char *find_given(struct arena *arena, const struct find_path *path,
                       const char *const *folders, const char *given)
{
    if (given[0] == '/' || given[0] == '.' || access(given, F_OK) == 0) {
        return given;
    }
    static const char *const endings[] = {"", ".yaml"};
    for (size_t i = 0; i < path->count; i++) {
        for (size_t j = 0; j == 0 || folders[j - 1] != NULL; j++) {
            const char *directory = path->roots[i].directory;
            if (j > 0) {
                directory = join(arena, directory, folders[j - 1]);
            }
            for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
                const char *candidate =
                    join(arena, directory, arena_printf(arena, "%s%s", given, endings[k]));
                if (file_is_regular(candidate)) {
                    return candidate;
                }
            }
        }
    }
    return given;
}

static int by_name(const void *left, const void *right)
{
    const struct found_file *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static bool is_known(const struct found_file *files, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(files[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

size_t find_all(struct arena *arena, const struct find_path *path, const char *folder,
                struct found_file **files)
{
    struct found_file *found = ARENA_ARRAY(arena, struct found_file, MOST_FILES);
    size_t count = 0;
    for (size_t i = 0; i < path->count; i++) {
        const char *directory = join(arena, path->roots[i].directory, folder);
        DIR *stream = opendir(directory);
        for (struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;) {
            size_t length = strlen(entry->d_name);
            bool is_yaml = length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
            const char *name = file_stem(arena, entry->d_name);
            if (is_yaml && count < MOST_FILES && !is_known(found, count, name)) {
                found[count++] = (struct found_file){
                    .name = name, .path = arena_printf(arena, "%s/%s", directory, entry->d_name)};
            }
        }
        if (stream != NULL) {
            closedir(stream);
        }
    }
    qsort(found, count, sizeof *found, by_name);
    *files = found;
    return count;
}
