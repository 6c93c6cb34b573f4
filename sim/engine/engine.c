/* SPDX-License-Identifier: MIT */
#include "sim/engine/engine_internal.h"

#include "sim/engine/platform_xml.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <simgrid/engine.h>
#include <simgrid/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 64, NAME_BYTES = 32, REASON_BYTES = 200 };

const char *engine_version(void)
{
    static char text[NAME_BYTES];
    int major = 0, minor = 0, patch = 0;
    sg_version_get(&major, &minor, &patch);
    snprintf(text, sizeof text, "%d.%d", major, minor);
    return text;
}

/* CM02 without factors, back traffic or windows is exact: latency + bytes / bandwidth, and flows
 * share a link evenly. Never the user's argv: SimGrid would take options from it. */
static void start_simgrid(void)
{
    char *arguments[] = {
        (char[]){"cpsim"},
        (char[]){"--cfg=network/model:CM02"},
        (char[]){"--cfg=network/crosstraffic:0"},
        (char[]){"--cfg=network/TCP-gamma:0"},
        (char[]){"--cfg=surf/precision:1e-11"},
        (char[]){"--cfg=contexts/stack-size:64"},
#ifdef CPSIM_SANITIZE
        (char[]){"--cfg=contexts/factory:thread"},
#endif
        (char[]){"--log=root.thresh:error"},
        NULL,
    };
    int count = (int)(sizeof arguments / sizeof *arguments) - 1;
    /* SimGrid takes Ctrl-C for itself, to print actors' states; it stays the program's. */
    struct sigaction interrupt;
    sigaction(SIGINT, NULL, &interrupt);
    simgrid_init(&count, arguments);
    sigaction(SIGINT, &interrupt, NULL);
}

static sg_host_t find_host(uint32_t gpu)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "gpu%" PRIu32, gpu);
    return sg_host_by_name(name);
}

/* SimGrid aborts on a platform it does not like: let a child find out, and read its last words. */
static bool platform_is_accepted(const char *path, uint32_t gpus, struct diagnostics *diagnostics)
{
    int words[2];
    if (pipe(words) != 0) {
        return true;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(words[1], STDERR_FILENO);
        dup2(words[1], STDOUT_FILENO);
        close(words[0]);
        start_simgrid();
        simgrid_load_platform(path);
        for (uint32_t gpu = 0; gpu < gpus; gpu++) {
            if (find_host(gpu) == NULL) {
                fprintf(stderr,
                        "no host \"gpu%" PRIu32 "\": hosts must be named gpu0 to gpu%" PRIu32 "\n",
                        gpu, gpus - 1);
                _exit(1);
            }
        }
        for (uint32_t gpu = 0; gpu < gpus; gpu++) {
            xbt_dynar_t route = xbt_dynar_new(sizeof(sg_link_t), NULL);
            sg_host_get_route(find_host(gpu), find_host((gpu + 1) % gpus), route);
            if (gpus > 1 && xbt_dynar_is_empty(route)) {
                fprintf(stderr, "no route from gpu%" PRIu32 " to gpu%" PRIu32 "\n", gpu,
                        (gpu + 1) % gpus);
                _exit(1);
            }
            xbt_dynar_free(&route);
        }
        _exit(0);
    }
    close(words[1]);
    char said[4096];
    size_t length = 0;
    ssize_t got;
    while (length < sizeof said - 1 &&
           (got = read(words[0], said + length, sizeof said - 1 - length)) > 0) {
        length += (size_t)got;
    }
    said[length] = '\0';
    close(words[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    said[strcspn(said, "\n")] = '\0';
    DIAGNOSE_ERROR(
        diagnostics, ((struct mark){.file = path}),
        "SimGrid does not take this platform: %.*s; expected a SimGrid 3.32 platform file "
        "whose hosts gpu0 to gpu%" PRIu32 " are joined by routes (`cpsim show "
        "--platform-xml` prints one)",
        REASON_BYTES, said[0] == '\0' ? "it stopped without a word" : said, gpus - 1);
    return false;
}

static bool load_made_platform(const struct cluster *cluster, uint32_t nodes,
                               struct diagnostics *diagnostics)
{
    int descriptor = memfd_create("platform.xml", 0);
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (stream == NULL) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){0}), "no memory for the platform: %s",
                       strerror(errno));
        return false;
    }
    platform_xml_write(cluster, nodes, stream);
    fflush(stream);
    lseek(descriptor, 0, SEEK_SET);
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    simgrid_load_platform(path);
    fclose(stream);
    return true;
}

static void find_limiters(struct engine *engine)
{
    static const char *const formats[LIMITER_COUNT] = {
        [LIMITER_NODE] = PLATFORM_NODE_LIMITER, [LIMITER_FABRIC] = PLATFORM_FABRIC_LIMITER};
    for (int kind = 0; kind < LIMITER_COUNT; kind++) {
        engine->limiters[kind] = ARENA_ARRAY(engine->arena, sg_link_t, engine->gpu_count);
        engine->limits[kind] = ARENA_ARRAY(engine->arena, double, engine->gpu_count);
        for (uint32_t gpu = 0; !engine->own_platform && gpu < engine->gpu_count; gpu++) {
            char name[NAME_BYTES];
            snprintf(name, sizeof name, "%s%" PRIu32, formats[kind], gpu);
            engine->limiters[kind][gpu] = sg_link_by_name(name);
            engine->limits[kind][gpu] = PLATFORM_UNLIMITED;
        }
    }
}

/* All at once: SimGrid finds a single host by asking every node. */
static void find_hosts(struct engine *engine)
{
    sg_host_t *all = sg_host_list();
    size_t count = sg_host_count();
    for (size_t i = 0; i < count; i++) {
        unsigned gpu = 0;
        char end = '\0';
        if (sscanf(sg_host_get_name(all[i]), "gpu%u%c", &gpu, &end) == 1 &&
            gpu < engine->gpu_count) {
            engine->hosts[gpu] = all[i];
        }
    }
    free(all);
    for (uint32_t gpu = 0; gpu < engine->gpu_count; gpu++) {
        assert(engine->hosts[gpu] != NULL && "a platform without one of its GPUs");
    }
}

struct engine *engine_open(const struct cluster *cluster, uint32_t nodes, const char *platform_xml,
                           struct diagnostics *diagnostics)
{
    uint32_t gpus = nodes * cluster->gpus_per_node;
    if (platform_xml != NULL && !platform_is_accepted(platform_xml, gpus, diagnostics)) {
        return NULL;
    }
    start_simgrid();
    if (platform_xml != NULL) {
        simgrid_load_platform(platform_xml);
    } else if (!load_made_platform(cluster, nodes, diagnostics)) {
        return NULL;
    }
    simgrid_run_until(0.0); /* seals the platform, which takes as long as loading it */
    struct arena *arena = arena_create();
    struct engine *engine = ARENA_NEW(arena, struct engine);
    engine->arena = arena;
    engine->actors = arena_create();
    engine->cluster = cluster;
    engine->gpu_count = gpus;
    engine->hosts = ARENA_ARRAY(arena, sg_host_t, gpus);
    find_hosts(engine);
    engine->own_platform = platform_xml != NULL;
    find_limiters(engine);
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
        engine->link_use[kind] = ARENA_ARRAY(arena, struct link_use, gpus);
    }
    return engine;
}

void engine_close(struct engine *engine)
{
    if (engine != NULL) {
        arena_destroy(engine->actors);
        arena_destroy(engine->arena);
    }
}

double engine_link_bytes(const struct engine *engine, enum link_kind kind, uint32_t gpu)
{
    return engine->link_use[kind][gpu].bytes;
}

double engine_link_busy_seconds(const struct engine *engine, enum link_kind kind, uint32_t gpu)
{
    return engine->link_use[kind][gpu].busy_seconds;
}

void engine_observe_flows(struct engine *engine, engine_flow_observer *observer, void *context)
{
    engine->flow_observer = observer;
    engine->flow_context = context;
}

uint64_t engine_event_count(const struct engine *engine)
{
    return engine->events;
}
