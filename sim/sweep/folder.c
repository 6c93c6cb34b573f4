/* SPDX-License-Identifier: MIT */
#include "sim/sweep/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOLDER_BYTES = 300, MOST_TRIES = 100 };

bool folder_make(const char *path, struct diagnostics *diagnostics)
{
    struct stat status;
    if (mkdir(path, 0777) == 0 ||
        (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))) {
        return true;
    }
    int reason = errno;
    DIAGNOSE_SYSTEM(diagnostics, ((struct mark){.file = path}), reason,
                    "no folder can be made here: %s", strerror(reason));
    return false;
}

static bool is_at(int descriptor, const char *path)
{
    struct stat own, there;
    return fstat(descriptor, &own) == 0 && stat(path, &there) == 0 && own.st_dev == there.st_dev &&
           own.st_ino == there.st_ino;
}

/* "process 4711 on node7" */
static void say_who(int descriptor)
{
    char host[HOLDER_BYTES / 2] = "", text[HOLDER_BYTES];
    gethostname(host, sizeof host - 1);
    int length = snprintf(text, sizeof text, "process %ld on %s\n", (long)getpid(), host);
    if (ftruncate(descriptor, 0) == 0 && pwrite(descriptor, text, (size_t)length, 0) < 0) {
        return; /* a full disk: the lock holds, unsigned */
    }
}

static const char *who_holds(struct arena *arena, int descriptor)
{
    char text[HOLDER_BYTES] = "";
    ssize_t length = pread(descriptor, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text[0] == '\0' ? "another process" : arena_strdup(arena, text);
}

bool folder_lock(struct folder_lock *lock, struct arena *arena, const char *folder,
                 const char *journal, struct diagnostics *diagnostics)
{
    const char *dot = strrchr(journal, '.');
    lock->path = arena_printf(arena, "%.*s.lock", (int)(dot - journal), journal);
    for (int i = 0; i < MOST_TRIES; i++) {
        lock->descriptor = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (lock->descriptor < 0) {
            int reason = errno;
            DIAGNOSE_SYSTEM(diagnostics, ((struct mark){.file = lock->path}), reason,
                            "cannot be made: %s", strerror(reason));
            return false;
        }
        bool held = flock(lock->descriptor, LOCK_EX | LOCK_NB) != 0;
        if (held && errno == EWOULDBLOCK) {
            DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = folder}),
                           "%s is at work on it (%s); wait until it has ended, or name another "
                           "folder with -o",
                           who_holds(arena, lock->descriptor), lock->path);
            close(lock->descriptor);
            return false;
        }
        if (is_at(lock->descriptor, lock->path)) { /* not one that its owner has just removed */
            say_who(lock->descriptor);
            return true;
        }
        close(lock->descriptor);
    }
    lock->descriptor = -1;
    return true;
}

void folder_unlock(struct folder_lock *lock)
{
    if (lock->descriptor >= 0) {
        unlink(lock->path);
        close(lock->descriptor);
    }
    lock->descriptor = -1;
}
