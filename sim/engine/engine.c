/* SPDX-License-Identifier: MIT */
#include "sim/engine/engine_internal.h"

#include "sim/engine/platform_load.h"
#include "sim/engine/platform_xml.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <simgrid/engine.h>
#include <simgrid/version.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = 32 };

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
void engine_start_simgrid(void)
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
    engine_start_simgrid();
    if (platform_xml != NULL) {
        simgrid_load_platform(platform_xml);
    } else if (!platform_load(cluster, nodes, diagnostics)) {
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
