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

/* Name of a lane's host or limiter. */
static const char *lane_item(char text[NAME_BYTES], uint32_t lane, const char *what, uint32_t gpu)
{
    int used = lane > 0 ? snprintf(text, NAME_BYTES, PLATFORM_LANE, lane) : 0;
    snprintf(text + used, NAME_BYTES - (size_t)used, "%s%" PRIu32, what, gpu);
    return text;
}

/* The cluster's GPU that is number `made` of the platform's. */
static uint32_t gpu_of(const struct engine_setup *setup, uint32_t made)
{
    uint32_t in_node = setup->cluster->gpus_per_node;
    return setup->made == NULL ? made : setup->made[made / in_node] * in_node + made % in_node;
}

static void find_limiters(struct engine *engine, const struct engine_setup *setup, uint32_t made)
{
    static const char *const names[LIMITER_COUNT] = {
        [LIMITER_NODE] = PLATFORM_NODE_LIMITER, [LIMITER_FABRIC] = PLATFORM_FABRIC_LIMITER};
    for (uint32_t lane = 0; lane < engine->lanes && !engine->own_platform; lane++) {
        for (int kind = 0; kind < LIMITER_COUNT; kind++) {
            sg_link_t *limiters = ARENA_ARRAY(engine->arena, sg_link_t, engine->gpu_count);
            double *limits = ARENA_ARRAY(engine->arena, double, engine->gpu_count);
            for (uint32_t i = 0; i < made; i++) {
                char name[NAME_BYTES];
                uint32_t gpu = gpu_of(setup, i);
                limiters[gpu] = sg_link_by_name(lane_item(name, lane, names[kind], i));
                limits[gpu] = PLATFORM_UNLIMITED;
            }
            engine->limiters[lane][kind] = limiters;
            engine->limits[lane][kind] = limits;
        }
    }
}

/* "gpu7", or "lane1.gpu7". */
static bool read_host(const char *name, unsigned *lane, unsigned *gpu)
{
    char end = '\0';
    *lane = 0;
    return sscanf(name, "gpu%u%c", gpu, &end) == 1 ||
           sscanf(name, "lane%u.gpu%u%c", lane, gpu, &end) == 2;
}

/* All at once: SimGrid finds a single host by asking every node. */
static void find_hosts(struct engine *engine, const struct engine_setup *setup, uint32_t made)
{
    for (uint32_t lane = 0; lane < engine->lanes; lane++) {
        engine->hosts[lane] = ARENA_ARRAY(engine->arena, sg_host_t, engine->gpu_count);
    }
    sg_host_t *all = sg_host_list();
    size_t count = sg_host_count();
    for (size_t i = 0; i < count; i++) {
        unsigned gpu = 0, lane = 0;
        if (read_host(sg_host_get_name(all[i]), &lane, &gpu) && gpu < made &&
            lane < engine->lanes) {
            engine->hosts[lane][gpu_of(setup, gpu)] = all[i];
        }
    }
    free(all);
    for (uint32_t i = 0; i < made; i++) {
        uint32_t gpu = gpu_of(setup, i);
        assert(engine->hosts[0][gpu] != NULL && "a platform without one of its GPUs");
        for (uint32_t lane = 1; lane < engine->lanes && engine->own_platform; lane++) {
            engine->hosts[lane][gpu] = engine->hosts[0][gpu];
        }
    }
}

struct engine *engine_open(const struct engine_setup *setup, struct diagnostics *diagnostics)
{
    const struct cluster *cluster = setup->cluster;
    uint32_t nodes = setup->made != NULL ? setup->made_count : setup->nodes;
    uint32_t made = nodes * cluster->gpus_per_node;
    uint32_t lanes = setup->lanes > 0 ? setup->lanes : 1;
    const struct platform_nodes platform = {
        .cluster = cluster, .kinds = setup->kinds, .kind_count = setup->kind_count, .nodes = nodes};
    assert((setup->kind_count == 0 || setup->made == NULL) && "kinds count a cluster's nodes");
    assert((setup->platform_xml == NULL || setup->made == NULL) &&
           "a platform of one's own is whole");
    if (setup->platform_xml != NULL &&
        !platform_is_accepted(setup->platform_xml, made, diagnostics)) {
        return NULL;
    }
    engine_start_simgrid();
    if (setup->platform_xml != NULL) {
        simgrid_load_platform(setup->platform_xml);
    } else if (!platform_load(&platform, lanes, diagnostics)) {
        return NULL;
    }
    simgrid_run_until(0.0); /* seals the platform, which takes as long as loading it */
    struct arena *arena = arena_create();
    struct engine *engine = ARENA_NEW(arena, struct engine);
    engine->arena = arena;
    engine->actors = arena_create();
    engine->cluster = cluster;
    engine->gpu_count = setup->nodes * cluster->gpus_per_node;
    engine->lanes = lanes;
    engine->own_platform = setup->platform_xml != NULL;
    find_hosts(engine, setup, made);
    find_limiters(engine, setup, made);
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
        engine->link_use[kind] = ARENA_ARRAY(arena, struct link_use, engine->gpu_count);
        engine->others_use[kind] = ARENA_ARRAY(arena, struct link_use, engine->gpu_count);
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

double engine_others_bytes(const struct engine *engine, enum link_kind kind, uint32_t gpu)
{
    return engine->others_use[kind][gpu].bytes;
}

double engine_others_busy_seconds(const struct engine *engine, enum link_kind kind, uint32_t gpu)
{
    const struct link_use *use = &engine->others_use[kind][gpu];
    return use->busy_seconds + (use->flows > 0 ? engine_clock() - use->since : 0.0);
}

void engine_observe_flows(struct engine *engine, engine_flow_observer *observer, void *context)
{
    engine->watch = (struct flow_watch){.observer = observer, .context = context};
}

void engine_observe_others(struct engine *engine, engine_flow_observer *observer, void *context)
{
    engine->others_watch = (struct flow_watch){.observer = observer, .context = context};
}

uint64_t engine_event_count(const struct engine *engine)
{
    return engine->events;
}
