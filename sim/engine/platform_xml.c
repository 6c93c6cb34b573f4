/* SPDX-License-Identifier: MIT */
#include "sim/engine/platform_xml.h"

#include "models/numeric/whole.h"

#include <inttypes.h>
#include <stdbool.h>

/* "" for the first lane, "lane1." for the second. */
static struct lane_name {
    char text[24];
} lane_name(uint32_t lane)
{
    struct lane_name name = {""};
    if (lane > 0) {
        snprintf(name.text, sizeof name.text, PLATFORM_LANE, lane);
    }
    return name;
}

static void write_pipe(const char *lane, const char *name, uint32_t number, FILE *stream)
{
    fprintf(stream,
            "<link id=\"%s%s%" PRIu32 "\" bandwidth=\"%.17gBps\" latency=\"0s\" "
            "sharing_policy=\"FATPIPE\"/>\n",
            lane, name, number, PLATFORM_UNLIMITED);
}

static void write_duplex(const char *name, uint32_t number, double bytes_per_second, FILE *stream)
{
    fprintf(stream,
            "<link id=\"%s%" PRIu32 "\" bandwidth=\"%.17gBps\" latency=\"0s\" "
            "sharing_policy=\"SPLITDUPLEX\"/>\n",
            name, number, bytes_per_second);
}

const struct cluster *platform_cluster(const struct platform_nodes *platform, uint32_t node)
{
    const struct cluster *cluster = platform->cluster;
    for (uint32_t i = 0; i < platform->kind_count; i++) {
        cluster = node >= platform->kinds[i].first_node ? platform->kinds[i].cluster : cluster;
    }
    return cluster;
}

/* SimGrid's parser takes a zone that begins with a link for a leaf zone, so a dummy child comes
 * first; links are found fastest in the root zone (25 times on 16,384 GPUs). */
static void write_links(const struct platform_nodes *platform, uint32_t lanes, FILE *stream)
{
    const struct cluster *cluster = platform->cluster;
    uint32_t nodes = platform->nodes;
    for (uint32_t gpu = 0; gpu < nodes * cluster->gpus_per_node; gpu++) {
        const struct cluster *own = platform_cluster(platform, gpu / cluster->gpus_per_node);
        write_duplex("nvlink", gpu, own->node_bytes_per_second, stream);
        for (uint32_t lane = 0; lane < lanes; lane++) {
            write_pipe(lane_name(lane).text, PLATFORM_NODE_LIMITER, gpu, stream);
            write_pipe(lane_name(lane).text, PLATFORM_FABRIC_LIMITER, gpu, stream);
        }
    }
    for (uint32_t nic = 0; nic < nodes * cluster->nics_per_node; nic++) {
        const struct cluster *own = platform_cluster(platform, nic / cluster->nics_per_node);
        write_duplex("nic", nic, own->nic_bytes_per_second, stream);
    }
    /* SimGrid wants a link on every route between zones: one a node that nothing can fill. */
    for (uint32_t node = 0; node < nodes; node++) {
        write_pipe("", "fabric", node, stream);
    }
}

/* What a GPU sends on a lane: to the others of its node, and out of it. */
static void write_ways(const struct cluster *cluster, uint32_t node, uint32_t lane, uint32_t from,
                       FILE *stream)
{
    uint32_t first = node * cluster->gpus_per_node;
    struct lane_name name = lane_name(lane);
    for (uint32_t to = first; to < first + cluster->gpus_per_node; to++) {
        if (from != to) {
            fprintf(stream,
                    "<route src=\"%sgpu%" PRIu32 "\" dst=\"gpu%" PRIu32
                    "\" symmetrical=\"NO\"><link_ctn id=\"%s" PLATFORM_NODE_LIMITER "%" PRIu32
                    "\"/><link_ctn id=\"nvlink%" PRIu32 "\" direction=\"UP\"/>"
                    "<link_ctn id=\"nvlink%" PRIu32 "\" direction=\"DOWN\"/></route>\n",
                    name.text, from, to, name.text, from, from, to);
        }
    }
    uint32_t nic = from / cluster->gpus_per_node * cluster->nics_per_node +
                   (from - first) * cluster->nics_per_node / cluster->gpus_per_node;
    fprintf(stream,
            "<route src=\"%sgpu%" PRIu32 "\" dst=\"router%" PRIu32
            "\" symmetrical=\"NO\"><link_ctn id=\"%s" PLATFORM_FABRIC_LIMITER "%" PRIu32
            "\"/><link_ctn id=\"nic%" PRIu32 "\" direction=\"UP\"/></route>\n",
            name.text, from, node, name.text, from, nic);
    if (lane == 0) { /* all that comes, comes to the first */
        fprintf(stream,
                "<route src=\"router%" PRIu32 "\" dst=\"gpu%" PRIu32
                "\" symmetrical=\"NO\"><link_ctn id=\"nic%" PRIu32
                "\" direction=\"DOWN\"/></route>\n",
                node, from, nic);
    }
}

static void write_node(const struct cluster *cluster, uint32_t node, uint32_t lanes, FILE *stream)
{
    uint32_t first = node * cluster->gpus_per_node, end = first + cluster->gpus_per_node;
    fprintf(stream, "<zone id=\"node%" PRIu32 "\" routing=\"Full\">\n", node);
    for (uint32_t lane = 0; lane < lanes; lane++) {
        for (uint32_t gpu = first; gpu < end; gpu++) {
            fprintf(stream, "<host id=\"%sgpu%" PRIu32 "\" speed=\"1Gf\"/>\n", lane_name(lane).text,
                    gpu);
        }
    }
    fprintf(stream, "<router id=\"router%" PRIu32 "\"/>\n", node);
    for (uint32_t lane = 0; lane < lanes; lane++) {
        for (uint32_t gpu = first; gpu < end; gpu++) {
            write_ways(cluster, node, lane, gpu, stream);
        }
    }
    fputs("</zone>\n", stream);
}

/* --- between nodes --- */

/* SimGrid keeps a table of all pairs of a zone's children, so many nodes are grouped: by leaf
 * switch where the cluster has any, else for the table's sake alone. */
enum { NODES_PER_GROUP = 32 };

struct platform_groups groups_of_platform(const struct platform_nodes *platform)
{
    const struct cluster *cluster = platform->cluster;
    uint32_t size = cluster->nodes_per_leaf > 0 ? cluster->nodes_per_leaf : NODES_PER_GROUP;
    uint32_t nodes = platform->made == NULL ? platform->nodes : platform->made_count;
    struct platform_groups groups = {
        .nodes = size,
        .count = (uint32_t)divide_up(nodes, size),
        .blocks = cluster->nodes_per_leaf > 0 && cluster->oversubscription > 1.0,
    };
    if (groups.blocks) {
        groups.uplink_bytes_per_second = size * (double)cluster->nics_per_node *
                                         cluster->nic_bytes_per_second / cluster->oversubscription;
    }
    return groups;
}

static void write_uplinks(const struct platform_groups *groups, FILE *stream)
{
    for (uint32_t group = 0; group < groups->count && groups->count > 1; group++) {
        if (groups->blocks) {
            write_duplex("uplink", group, groups->uplink_bytes_per_second, stream);
        } else {
            write_pipe("", "uplink", group, stream);
        }
    }
}

static void write_zone_route(const char *from, uint32_t from_number, const char *from_router,
                             const char *to, uint32_t to_number, const char *to_router,
                             const char *links, FILE *stream)
{
    fprintf(stream,
            "<zoneRoute src=\"%s%" PRIu32 "\" dst=\"%s%" PRIu32 "\" gw_src=\"%s%" PRIu32
            "\" gw_dst=\"%s%" PRIu32 "\" symmetrical=\"NO\">%s</zoneRoute>\n",
            from, from_number, to, to_number, from_router, from_number, to_router, to_number,
            links);
}

enum { LINKS_BYTES = 160 };

/* Every node of [first, end) to every other: the rails are full, so only the NICs can bind. */
static void write_routes_among(uint32_t first, uint32_t end, FILE *stream)
{
    char links[LINKS_BYTES];
    for (uint32_t from = first; from < end; from++) {
        snprintf(links, sizeof links, "<link_ctn id=\"fabric%" PRIu32 "\"/>", from);
        for (uint32_t to = first; to < end; to++) {
            if (from != to) {
                write_zone_route("node", from, "router", "node", to, "router", links, stream);
            }
        }
    }
}

/* A group: its nodes, and a switch as the gateway to other groups. */
static void write_group(const struct platform_nodes *platform, const struct platform_groups *groups,
                        uint32_t group, uint32_t lanes, FILE *stream)
{
    uint32_t first = group * groups->nodes;
    uint32_t end = first + groups->nodes;
    end = end < platform->nodes ? end : platform->nodes;
    fprintf(stream, "<zone id=\"group%" PRIu32 "\" routing=\"Full\">\n", group);
    for (uint32_t node = first; node < end; node++) {
        write_node(platform->cluster, node, lanes, stream);
    }
    fprintf(stream,
            "<zone id=\"leaf%" PRIu32 "\" routing=\"Full\"><router id=\"switch%" PRIu32
            "\"/></zone>\n",
            group, group);
    write_routes_among(first, end, stream);
    char links[LINKS_BYTES];
    for (uint32_t node = first; node < end; node++) {
        snprintf(links, sizeof links,
                 "<zoneRoute src=\"node%" PRIu32 "\" dst=\"leaf%" PRIu32
                 "\" gw_src=\"router%" PRIu32 "\" gw_dst=\"switch%" PRIu32 "\">",
                 node, group, node, group);
        fprintf(stream, "%s<link_ctn id=\"fabric%" PRIu32 "\"/></zoneRoute>\n", links, node);
    }
    fputs("</zone>\n", stream);
}

static void write_groups(const struct platform_nodes *platform,
                         const struct platform_groups *groups, uint32_t lanes, FILE *stream)
{
    for (uint32_t group = 0; group < groups->count; group++) {
        write_group(platform, groups, group, lanes, stream);
    }
    char links[LINKS_BYTES];
    for (uint32_t from = 0; from < groups->count; from++) {
        for (uint32_t to = 0; to < groups->count; to++) {
            if (from == to) {
                continue;
            }
            if (groups->blocks) {
                snprintf(links, sizeof links,
                         "<link_ctn id=\"uplink%" PRIu32 "\" direction=\"UP\"/>"
                         "<link_ctn id=\"uplink%" PRIu32 "\" direction=\"DOWN\"/>",
                         from, to);
            } else {
                snprintf(links, sizeof links, "<link_ctn id=\"uplink%" PRIu32 "\"/>", from);
            }
            write_zone_route("group", from, "switch", "group", to, "switch", links, stream);
        }
    }
}

void platform_xml_write(const struct platform_nodes *platform, uint32_t lanes, FILE *stream)
{
    const struct cluster *cluster = platform->cluster;
    uint32_t nodes = platform->nodes;
    struct platform_groups groups = groups_of_platform(platform);
    fputs("<?xml version=\"1.0\"?>\n"
          "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
          "<platform version=\"4.1\">\n<zone id=\"root\" routing=\"Full\">\n"
          "<zone id=\"first\" routing=\"None\"/>\n",
          stream);
    write_links(platform, lanes, stream);
    write_uplinks(&groups, stream);
    if (groups.count > 1) {
        write_groups(platform, &groups, lanes, stream);
    } else {
        for (uint32_t node = 0; node < nodes; node++) {
            write_node(cluster, node, lanes, stream);
        }
        write_routes_among(0, nodes, stream);
    }
    fputs("</zone>\n</platform>\n", stream);
}
