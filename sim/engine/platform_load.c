/* SPDX-License-Identifier: MIT */
#include "sim/engine/platform_load.h"

#include "sim/base/child.h"
#include "sim/engine/engine_internal.h"
#include "sim/engine/platform_xml.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <simgrid/engine.h>
#include <simgrid/link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 32, REASON_BYTES = 200 };

static sg_host_t find_host(uint32_t gpu)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "gpu%" PRIu32, gpu);
    return sg_host_by_name(name);
}

struct trial {
    const char *path;
    uint32_t gpus;
};

enum { NO_TRIAL = 3 }; /* status of a child that has said what it does not like */

static _Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    _exit(NO_TRIAL);
}

/* What SimGrid takes, and divides by later. The limits are those of any network; beyond them its
 * clock comes to no end. */
static const double LEAST_BANDWIDTH = 1.0, MOST_LATENCY = 1e6; /* bytes per second, seconds */
static void try_links(void)
{
    sg_link_t *links = sg_link_list();
    size_t count = sg_link_count();
    for (size_t i = 0; i < count; i++) {
        double bandwidth = sg_link_get_bandwidth(links[i]), latency = sg_link_get_latency(links[i]);
        if (!(bandwidth >= LEAST_BANDWIDTH && bandwidth <= PLATFORM_UNLIMITED)) {
            refuse("link \"%s\" has a bandwidth of %g B/s; it must be from %g to %g",
                   sg_link_get_name(links[i]), bandwidth, LEAST_BANDWIDTH, PLATFORM_UNLIMITED);
        }
        if (!(latency >= 0.0 && latency <= MOST_LATENCY)) {
            refuse("link \"%s\" has a latency of %g s; it must be from 0 to %g",
                   sg_link_get_name(links[i]), latency, MOST_LATENCY);
        }
    }
}

/* Of every pair, or, of many GPUs, of each to the next and to and from the first. */
static void try_routes(uint32_t gpus)
{
    enum { ALL_PAIRS = 128 };
    sg_host_t *hosts = calloc(gpus, sizeof *hosts);
    if (hosts == NULL) {
        refuse("no memory for %" PRIu32 " hosts", gpus);
    }
    for (uint32_t gpu = 0; gpu < gpus; gpu++) {
        hosts[gpu] = find_host(gpu);
        if (hosts[gpu] == NULL) {
            refuse("no host \"gpu%" PRIu32 "\": hosts must be named gpu0 to gpu%" PRIu32, gpu,
                   gpus - 1);
        }
    }
    for (uint32_t from = 0; from < gpus; from++) {
        for (uint32_t to = 0; to < gpus; to++) {
            bool tried = gpus <= ALL_PAIRS || from == 0 || to == 0 || to == (from + 1) % gpus;
            if (from == to || !tried) {
                continue;
            }
            xbt_dynar_t route = xbt_dynar_new(sizeof(sg_link_t), NULL);
            sg_host_get_route(hosts[from], hosts[to], route);
            if (xbt_dynar_is_empty(route)) {
                refuse("no route from gpu%" PRIu32 " to gpu%" PRIu32, from, to);
            }
            xbt_dynar_free(&route);
        }
    }
    free(hosts);
}

/* <config> would change the models and the precision that the answers rest on, and the least value
 * that SimGrid does not like aborts it in mid-run. */
static void try_options(const char *path)
{
    FILE *stream = fopen(path, "rb");
    bool comment = false;
    char line[PATH_BYTES];
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        for (const char *c = line; *c != '\0'; c++) {
            comment = comment ? strncmp(c, "-->", 3) != 0 : strncmp(c, "<!--", 4) == 0;
            if (!comment && strncmp(c, "<config", 7) == 0) {
                refuse("it has a <config>: SimGrid's options are cpsim's to set");
            }
        }
    }
    if (stream != NULL) {
        fclose(stream);
    }
}

static int try_platform(void *context)
{
    const struct trial *trial = context;
    try_options(trial->path);
    engine_start_simgrid(trial->gpus);
    simgrid_load_platform(trial->path);
    try_links();
    try_routes(trial->gpus);
    return 0;
}

/* The sentence in what SimGrid says before it aborts:
 * "[0.000000] ./src/kernel/x.cpp:95: [xbt_exception/CRITICAL] Parse error at f.xml:3: ..." */
static const char *sentence_of(struct arena *arena, const char *said)
{
    size_t length = strcspn(said, "\n");
    const char *end = said + length, *start = said;
    for (const char *c = said; c < end; c++) {
        if (strncmp(c, "/CRITICAL] ", 11) == 0 || strncmp(c, "/ERROR] ", 8) == 0) {
            start = c + strcspn(c, "]") + 2;
        }
    }
    const char *exception = " by maestro/0: ", *inner = strstr(start, exception);
    start = inner != NULL && inner < end ? inner + strlen(exception) : start;
    return start == end ? "it stopped without a word"
                        : arena_printf(arena, "%.*s", (int)(end - start), start);
}

bool platform_is_accepted(const char *path, uint32_t gpus, struct diagnostics *diagnostics)
{
    enum { TRIAL_SECONDS = 600 };
    const struct mark mark = {.file = path};
    struct arena *arena = arena_create();
    struct trial trial = {.path = path, .gpus = gpus};
    struct child_end end;
    bool accepted = false;
    if (!child_run(arena, (struct child_limits){.seconds = TRIAL_SECONDS}, try_platform, &trial,
                   &end)) {
        int reason = errno;
        DIAGNOSE_SYSTEM(diagnostics, mark, reason, "no process to try it in: %s", strerror(reason));
    } else {
        accepted = end.signal == 0 && end.status == 0;
    }
    if (!accepted && diagnostics_failure_count(diagnostics) == 0) {
        bool silent = end.signal == SIGSEGV || end.signal == SIGBUS;
        DIAGNOSE_ERROR(
            diagnostics, mark,
            "SimGrid does not take this platform: %.*s; expected a SimGrid 3.32 platform file "
            "whose hosts gpu0 to gpu%" PRIu32 " are joined by routes (`cpsim show "
            "--platform-xml` prints one)",
            REASON_BYTES, silent ? "it crashes on it" : sentence_of(arena, end.said), gpus - 1);
    }
    arena_destroy(arena);
    return accepted;
}

void platform_write_route(const char *from, const char *to, FILE *stream)
{
    xbt_dynar_t route = xbt_dynar_new(sizeof(sg_link_t), NULL);
    sg_host_get_route(sg_host_by_name(from), sg_host_by_name(to), route);
    fprintf(stream, "%s to %s:", from, to);
    unsigned i = 0;
    sg_link_t link;
    xbt_dynar_foreach(route, i, link)
    {
        fprintf(stream, " %s at %.17g and %g s,", sg_link_get_name(link),
                sg_link_get_bandwidth(link), sg_link_get_latency(link));
    }
    fputc('\n', stream);
    xbt_dynar_free(&route);
}
