/* SPDX-License-Identifier: MIT */
#include "sim/engine/platform_xml.h"

#include <inttypes.h>

static void write_pipe(const char *name, uint32_t number, FILE *stream)
{
    fprintf(stream,
            "<link id=\"%s%" PRIu32 "\" bandwidth=\"%.17gBps\" latency=\"0s\" "
            "sharing_policy=\"FATPIPE\"/>\n",
            name, number, PLATFORM_UNLIMITED);
}

static void write_duplex(const char *name, uint32_t number, double bytes_per_second, FILE *stream)
{
    fprintf(stream,
            "<link id=\"%s%" PRIu32 "\" bandwidth=\"%.17gBps\" latency=\"0s\" "
            "sharing_policy=\"SPLITDUPLEX\"/>\n",
            name, number, bytes_per_second);
}

/* SimGrid's parser takes a zone that begins with a link for a leaf zone, so a dummy child comes
 * first; links are found fastest in the root zone (25 times on 16,384 GPUs). */
static void write_links(const struct cluster *cluster, uint32_t nodes, FILE *stream)
{
    for (uint32_t gpu = 0; gpu < nodes * cluster->gpus_per_node; gpu++) {
        write_duplex("nvlink", gpu, cluster->node_bytes_per_second, stream);
        write_pipe(PLATFORM_NODE_LIMITER, gpu, stream);
        write_pipe(PLATFORM_FABRIC_LIMITER, gpu, stream);
    }
    for (uint32_t nic = 0; nic < nodes * cluster->nics_per_node; nic++) {
        write_duplex("nic", nic, cluster->nic_bytes_per_second, stream);
    }
    /* SimGrid wants a link on every route between zones: one a node that nothing can fill. */
    for (uint32_t node = 0; node < nodes; node++) {
        write_pipe("fabric", node, stream);
    }
}

static void write_node(const struct cluster *cluster, uint32_t node, FILE *stream)
{
    uint32_t first = node * cluster->gpus_per_node;
    fprintf(stream, "<zone id=\"node%" PRIu32 "\" routing=\"Full\">\n", node);
    for (uint32_t i = 0; i < cluster->gpus_per_node; i++) {
        fprintf(stream, "<host id=\"gpu%" PRIu32 "\" speed=\"1Gf\"/>\n", first + i);
    }
    fprintf(stream, "<router id=\"router%" PRIu32 "\"/>\n", node);
    for (uint32_t from = first; from < first + cluster->gpus_per_node; from++) {
        for (uint32_t to = first; to < first + cluster->gpus_per_node; to++) {
            if (from != to) {
                fprintf(stream,
                        "<route src=\"gpu%" PRIu32 "\" dst=\"gpu%" PRIu32
                        "\" symmetrical=\"NO\"><link_ctn id=\"" PLATFORM_NODE_LIMITER "%" PRIu32
                        "\"/><link_ctn id=\"nvlink%" PRIu32 "\" direction=\"UP\"/>"
                        "<link_ctn id=\"nvlink%" PRIu32 "\" direction=\"DOWN\"/></route>\n",
                        from, to, from, from, to);
            }
        }
        uint32_t nic = from / cluster->gpus_per_node * cluster->nics_per_node +
                       (from - first) * cluster->nics_per_node / cluster->gpus_per_node;
        fprintf(stream,
                "<route src=\"gpu%" PRIu32 "\" dst=\"router%" PRIu32
                "\" symmetrical=\"NO\"><link_ctn id=\"" PLATFORM_FABRIC_LIMITER "%" PRIu32
                "\"/><link_ctn id=\"nic%" PRIu32 "\" direction=\"UP\"/></route>\n",
                from, node, from, nic);
        fprintf(stream,
                "<route src=\"router%" PRIu32 "\" dst=\"gpu%" PRIu32
                "\" symmetrical=\"NO\"><link_ctn id=\"nic%" PRIu32
                "\" direction=\"DOWN\"/></route>\n",
                node, from, nic);
    }
    fputs("</zone>\n", stream);
}

static void write_routes_between(uint32_t nodes, FILE *stream)
{
    for (uint32_t from = 0; from < nodes; from++) {
        for (uint32_t to = 0; to < nodes; to++) {
            if (from != to) {
                fprintf(stream,
                        "<zoneRoute src=\"node%" PRIu32 "\" dst=\"node%" PRIu32
                        "\" gw_src=\"router%" PRIu32 "\" gw_dst=\"router%" PRIu32
                        "\" symmetrical=\"NO\"><link_ctn id=\"fabric%" PRIu32 "\"/></zoneRoute>\n",
                        from, to, from, to, from);
            }
        }
    }
}

void platform_xml_write(const struct cluster *cluster, uint32_t nodes, FILE *stream)
{
    fputs("<?xml version=\"1.0\"?>\n"
          "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
          "<platform version=\"4.1\">\n<zone id=\"root\" routing=\"Full\">\n"
          "<zone id=\"first\" routing=\"None\"/>\n",
          stream);
    write_links(cluster, nodes, stream);
    for (uint32_t node = 0; node < nodes; node++) {
        write_node(cluster, node, stream);
    }
    write_routes_between(nodes, stream);
    fputs("</zone>\n</platform>\n", stream);
}
