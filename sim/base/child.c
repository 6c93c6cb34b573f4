/* SPDX-License-Identifier: MIT */
#include "sim/base/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void child_die_with(int parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) { /* it died before that */
        _exit(1);
    }
}

static void limit(int resource, size_t most)
{
    struct rlimit value;
    if (getrlimit((__rlimit_resource_t)resource, &value) == 0 &&
        (value.rlim_max == RLIM_INFINITY || most < value.rlim_max)) {
        value.rlim_cur = most;
        setrlimit((__rlimit_resource_t)resource, &value);
    }
}

static _Noreturn void be_child(struct child_limits limits, int (*work)(void *context),
                               void *context, int pipe_end)
{
    dup2(pipe_end, STDERR_FILENO);
    limit(RLIMIT_CORE, 0);
    if (limits.seconds > 0) {
        limit(RLIMIT_CPU, limits.seconds);
    }
#ifndef CPSIM_SANITIZE
    if (limits.bytes > 0) {
        limit(RLIMIT_AS, limits.bytes);
    }
#endif
    int status = work(context);
    fflush(NULL);
    _exit(status);
}

/* All that the child says; what is over the most is read and dropped. */
static const char *listen_to(struct arena *arena, int descriptor)
{
    char *said = ARENA_ARRAY(arena, char, CHILD_SAID_BYTES + 1), dropped[4096];
    size_t length = 0;
    ssize_t count = 1;
    while (count != 0 && !(count < 0 && errno != EINTR)) {
        bool full = length == CHILD_SAID_BYTES;
        count = full ? read(descriptor, dropped, sizeof dropped)
                     : read(descriptor, said + length, CHILD_SAID_BYTES - length);
        length += count > 0 && !full ? (size_t)count : 0;
    }
    said[length] = '\0';
    return said;
}

bool child_run(struct arena *arena, struct child_limits limits, int (*work)(void *context),
               void *context, struct child_end *end)
{
    int words[2], status = 0;
    if (pipe(words) != 0) {
        return false;
    }
    fflush(NULL);
    int parent = (int)getpid();
    pid_t child = fork();
    if (child == 0) {
        child_die_with(parent);
        close(words[0]);
        be_child(limits, work, context, words[1]);
    }
    int reason = errno;
    close(words[1]);
    *end = (struct child_end){.said = child < 0 ? "" : listen_to(arena, words[0])};
    close(words[0]);
    if (child < 0) {
        errno = reason;
        return false;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return true;
}

bool child_crashed(const struct child_end *end)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGXCPU};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
        if (crashes[i] == end->signal) {
            return true;
        }
    }
    return false;
}
