/* SPDX-License-Identifier: MIT */
#include "sim/engine/engine_internal.h"

#include "sim/engine/platform_load.h"
#include "sim/engine/platform_zone.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
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

bool engine_opens_again(void)
{
    return simgrid_begins_again();
}

/* CM02 without factors, back traffic or windows is exact: latency + bytes / bandwidth, and flows
 * share a link evenly. Never the user's argv: SimGrid would take options from it. */
void engine_start_simgrid(uint32_t gpus)
{
    /* A guard page makes two mappings of a stack, and Linux gives a process 65,530. Stacks without
     * one are calloc()'s: from mmap(), else every page of them is written. */
    enum { GUARDED_GPUS = 16384, LEAST_MAPPED_BYTES = 32 << 10 };
    if (gpus > GUARDED_GPUS) {
        mallopt(M_MMAP_THRESHOLD, LEAST_MAPPED_BYTES);
        mallopt(M_MMAP_MAX, INT_MAX);
    }
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
        gpus > GUARDED_GPUS ? (char[]){"--cfg=contexts/guard-size:0"} : NULL,
        NULL,
    };
    int count = (int)(sizeof arguments / sizeof *arguments) - (gpus > GUARDED_GPUS ? 1 : 2);
    /* SimGrid takes Ctrl-C for itself, to print actors' states; it stays the program's. */
    struct sigaction interrupt;
    sigaction(SIGINT, NULL, &interrupt);
    simgrid_begin(&count, arguments);
    sigaction(SIGINT, &interrupt, NULL);
}

/* The cluster's GPU that is number `made` of the platform's. */
static uint32_t gpu_of(const struct engine_setup *setup, uint32_t made)
{
    uint32_t in_node = setup->cluster->gpus_per_node;
    return setup->made == NULL ? made : setup->made[made / in_node] * in_node + made % in_node;
}

static void place(struct engine *engine, const struct engine_setup *setup, uint32_t made,
                  sg_host_t *hosts, uint32_t lane)
{
    engine->hosts[lane] = ARENA_ARRAY(engine->arena, sg_host_t, engine->gpu_count);
    for (uint32_t i = 0; i < made; i++) {
        engine->hosts[lane][gpu_of(setup, i)] = hosts[i];
    }
}

static void place_limiters(struct engine *engine, const struct engine_setup *setup, uint32_t made,
                           sg_link_t *links, uint32_t lane, enum limiter kind)
{
    sg_link_t *limiters = ARENA_ARRAY(engine->arena, sg_link_t, engine->gpu_count);
    double *limits = ARENA_ARRAY(engine->arena, double, engine->gpu_count);
    for (uint32_t i = 0; i < made; i++) {
        limiters[gpu_of(setup, i)] = links[i];
        limits[gpu_of(setup, i)] = PLATFORM_UNLIMITED;
    }
    engine->limiters[lane][kind] = limiters;
    engine->limits[lane][kind] = limits;
}

/* Of `made` GPUs. False after an error. */
static bool make_platform(struct engine *engine, const struct engine_setup *setup, uint32_t made,
                          struct diagnostics *diagnostics)
{
    const struct platform_nodes platform = {.cluster = setup->cluster,
                                            .kinds = setup->kinds,
                                            .kind_count = setup->kind_count,
                                            .nodes = setup->nodes,
                                            .made = setup->made,
                                            .made_count = setup->made_count};
    struct arena *arena = arena_create();
    struct platform_lane lanes[LANE_COUNT];
    for (uint32_t lane = 0; lane < engine->lanes; lane++) {
        lanes[lane] =
            (struct platform_lane){.hosts = ARENA_ARRAY(arena, sg_host_t, made),
                                   .node_limiters = ARENA_ARRAY(arena, sg_link_t, made),
                                   .fabric_limiters = ARENA_ARRAY(arena, sg_link_t, made)};
    }
    bool enough = platform_zone_make(&platform, lanes, engine->lanes);
    for (uint32_t lane = 0; lane < engine->lanes && enough; lane++) {
        place(engine, setup, made, lanes[lane].hosts, lane);
        place_limiters(engine, setup, made, lanes[lane].node_limiters, lane, LIMITER_NODE);
        place_limiters(engine, setup, made, lanes[lane].fabric_limiters, lane, LIMITER_FABRIC);
    }
    if (!enough) {
        diagnostics_add(diagnostics, SEVERITY_FAILURE, (struct mark){0},
                        "no memory for a platform of %" PRIu32 " GPUs", made);
    }
    arena_destroy(arena);
    return enough;
}

/* "gpu7". All at once: SimGrid finds a single host by asking every zone. */
static void find_hosts(struct engine *engine, uint32_t made)
{
    engine->hosts[0] = ARENA_ARRAY(engine->arena, sg_host_t, engine->gpu_count);
    sg_host_t *all = sg_host_list();
    size_t count = sg_host_count();
    for (size_t i = 0; i < count; i++) {
        unsigned gpu = 0;
        char end = '\0';
        if (sscanf(sg_host_get_name(all[i]), "gpu%u%c", &gpu, &end) == 1 && gpu < made) {
            engine->hosts[0][gpu] = all[i];
        }
    }
    free(all);
    for (uint32_t gpu = 0; gpu < made; gpu++) {
        assert(engine->hosts[0][gpu] != NULL && "a platform without one of its GPUs");
    }
    for (uint32_t lane = 1; lane < engine->lanes; lane++) {
        engine->hosts[lane] = engine->hosts[0];
    }
}

static struct engine *open_calendar(const struct engine_setup *setup)
{
    assert(setup->platform_xml == NULL && "a platform of one's own is SimGrid's");
    struct arena *arena = arena_create();
    struct engine *engine = ARENA_NEW(arena, struct engine);
    *engine =
        (struct engine){.arena = arena, .cluster = setup->cluster, .calendar = calendar_open()};
    return engine;
}

struct engine *engine_open(const struct engine_setup *setup, struct diagnostics *diagnostics)
{
    if (setup->sends_nothing) {
        return open_calendar(setup);
    }
    const struct cluster *cluster = setup->cluster;
    uint32_t nodes = setup->made != NULL ? setup->made_count : setup->nodes;
    uint32_t made = nodes * cluster->gpus_per_node;
    uint32_t lanes = setup->lanes > 0 ? setup->lanes : 1;
    assert((setup->platform_xml == NULL || setup->made == NULL) &&
           "a platform of one's own is whole");
    if (setup->platform_xml != NULL &&
        !platform_is_accepted(setup->platform_xml, made, diagnostics)) {
        return NULL;
    }
    engine_start_simgrid(made);
    struct arena *arena = arena_create();
    struct engine *engine = ARENA_NEW(arena, struct engine);
    engine->arena = arena;
    engine->cluster = cluster;
    engine->gpu_count = setup->nodes * cluster->gpus_per_node;
    engine->lanes = lanes;
    engine->own_platform = setup->platform_xml != NULL;
    if (engine->own_platform) {
        simgrid_load_platform(setup->platform_xml);
        find_hosts(engine, made);
    } else if (!make_platform(engine, setup, made, diagnostics)) {
        arena_destroy(arena);
        return NULL;
    }
    simgrid_run_until(0.0); /* seals a platform file's, which takes as long as loading it */
    engine->actors = arena_create();
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
        engine->link_use[kind] = ARENA_ARRAY(arena, struct link_use, engine->gpu_count);
        engine->others_use[kind] = ARENA_ARRAY(arena, struct link_use, engine->gpu_count);
    }
    return engine;
}

void engine_close(struct engine *engine)
{
    if (engine != NULL) {
        calendar_close(engine->calendar);
        if (engine->actors != NULL) {
            arena_destroy(engine->actors);
        }
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
