/* SPDX-License-Identifier: MIT */
#include "sim/base/part_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_TRIES = 1000 };
static const char suffix[] = ".part";

static bool is_at(int descriptor, const char *path)
{
    struct stat own, there;
    return fstat(descriptor, &own) == 0 && lstat(path, &there) == 0 && own.st_dev == there.st_dev &&
           own.st_ino == there.st_ino;
}

/* Of HDF5, as what people leave lying under a name like ours need not be; or empty. */
static bool begins_as_ours(int descriptor)
{
    static const char signature[] = "\x89HDF";
    char bytes[sizeof signature - 1];
    ssize_t count = pread(descriptor, bytes, sizeof bytes, 0);
    return count == 0 ||
           (count == (ssize_t)sizeof bytes && memcmp(bytes, signature, sizeof bytes) == 0);
}

/* Removes a regular file that no writer holds. Where the file system knows no locks, none is
 * removed: nobody could say whose it is. */
static bool remove_abandoned(const char *path, bool only_ours)
{
    int descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    bool abandoned = descriptor >= 0 && fstat(descriptor, &status) == 0 &&
                     S_ISREG(status.st_mode) && flock(descriptor, LOCK_EX | LOCK_NB) == 0 &&
                     (!only_ours || begins_as_ours(descriptor)) && is_at(descriptor, path);
    bool removed = abandoned && unlink(path) == 0;
    if (descriptor >= 0) {
        close(descriptor);
    }
    return removed;
}

/* Negative, with errno. */
static int create(const char *path)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
        /* Another may have thought it abandoned before it was locked. */
        flock(descriptor, LOCK_EX | LOCK_NB);
        if (!is_at(descriptor, path)) {
            close(descriptor);
            errno = EEXIST;
            return -1;
        }
    }
    return descriptor;
}

/* The file that a path leads to; false, with errno, when it is there and may not be written. */
static bool find_target(struct part_file *part, struct arena *arena, const char *path, mode_t *mode)
{
    char *target = realpath(path, NULL);
    part->path = arena_strdup(arena, target == NULL ? path : target);
    free(target);
    struct stat status;
    *mode = 0;
    if (stat(part->path, &status) != 0) {
        return true;
    }
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return false;
    }
    *mode = status.st_mode & 0777U;
    return access(part->path, W_OK) == 0;
}

bool part_file_create(struct part_file *part, struct arena *arena, const char *path,
                      enum part_name name, const struct diagnostics *diagnostics)
{
    mode_t mode = 0;
    part->descriptor = -1;
    if (!find_target(part, arena, path, &mode)) {
        return false;
    }
    for (unsigned i = 0; i < MOST_TRIES && part->descriptor < 0; i++) {
        bool known = i == 0 && name == PART_KNOWN;
        part->part_path =
            known   ? arena_printf(arena, "%s%s", part->path, suffix)
            : i < 2 ? arena_printf(arena, "%s.%ld%s", part->path, (long)getpid(), suffix)
                    : arena_printf(arena, "%s.%ld-%u%s", part->path, (long)getpid(), i, suffix);
        part->descriptor = create(part->part_path);
        int reason = errno;
        if (part->descriptor < 0 && reason == EEXIST && known &&
            diagnostics_input(diagnostics, part->part_path) == NULL &&
            remove_abandoned(part->part_path, true)) {
            part->descriptor = create(part->part_path);
            reason = errno;
        }
        if (part->descriptor < 0 && reason != EEXIST) {
            errno = reason;
            return false;
        }
    }
    if (part->descriptor >= 0 && mode != 0) {
        fchmod(part->descriptor, mode);
    }
    return part->descriptor >= 0;
}

bool part_file_keep(struct part_file *part)
{
    bool own = is_at(part->descriptor, part->part_path);
    bool kept = own && rename(part->part_path, part->path) == 0;
    int reason = own ? errno : ENOENT;
    if (kept) {
        close(part->descriptor);
    } else {
        part_file_remove(part);
        errno = reason;
    }
    return kept;
}

void part_file_leave(struct part_file *part)
{
    close(part->descriptor);
}

void part_file_remove(struct part_file *part)
{
    if (is_at(part->descriptor, part->part_path)) {
        unlink(part->part_path);
    }
    close(part->descriptor);
}

void part_file_clean(const char *folder)
{
    struct arena *arena = arena_create();
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name), tail = sizeof suffix - 1;
        if (length > tail && strcmp(entry->d_name + length - tail, suffix) == 0) {
            remove_abandoned(arena_printf(arena, "%s/%s", folder, entry->d_name), false);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    arena_destroy(arena);
}
