/* SPDX-License-Identifier: MIT */
#include "sim/engine/platform_xml.h"

#include <inttypes.h>

/* SimGrid's parser takes a zone that begins with a link for a leaf zone, so a dummy child comes
 * first; links are found fastest in the root zone (25 times on 16,384 GPUs). */
static void write_links(const struct cluster *cluster, uint32_t nodes, FILE *stream)
{
    for (uint32_t gpu = 0; gpu < nodes * cluster->gpus_per_node; gpu++) {
        fprintf(stream,
                "<link id=\"nvlink%" PRIu32 "\" bandwidth=\"%.17gBps\" latency=\"0s\" "
                "sharing_policy=\"SPLITDUPLEX\"/>\n",
                gpu, cluster->node_bytes_per_second);
        /* What one connection reaches: each flow is held to it, none shares it. */
        if (cluster->connection_bytes_per_second < cluster->nic_bytes_per_second) {
            fprintf(stream,
                    "<link id=\"connection%" PRIu32 "\" bandwidth=\"%.17gBps\" latency=\"0s\" "
                    "sharing_policy=\"FATPIPE\"/>\n",
                    gpu, cluster->connection_bytes_per_second);
        }
    }
    for (uint32_t nic = 0; nic < nodes * cluster->nics_per_node; nic++) {
        fprintf(stream,
                "<link id=\"nic%" PRIu32 "\" bandwidth=\"%.17gBps\" latency=\"0s\" "
                "sharing_policy=\"SPLITDUPLEX\"/>\n",
                nic, cluster->nic_bytes_per_second);
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
    for (uint32_t i = 0; i < cluster->gpus_per_node; i++) {
        for (uint32_t j = i + 1; j < cluster->gpus_per_node; j++) {
            fprintf(stream,
                    "<route src=\"gpu%" PRIu32 "\" dst=\"gpu%" PRIu32 "\">"
                    "<link_ctn id=\"nvlink%" PRIu32 "\" direction=\"UP\"/>"
                    "<link_ctn id=\"nvlink%" PRIu32 "\" direction=\"DOWN\"/></route>\n",
                    first + i, first + j, first + i, first + j);
        }
    }
    for (uint32_t i = 0; i < cluster->gpus_per_node; i++) {
        uint32_t gpu = first + i;
        uint32_t nic =
            node * cluster->nics_per_node + i * cluster->nics_per_node / cluster->gpus_per_node;
        fprintf(stream,
                "<route src=\"gpu%" PRIu32 "\" dst=\"router%" PRIu32 "\" symmetrical=\"NO\">", gpu,
                node);
        if (cluster->connection_bytes_per_second < cluster->nic_bytes_per_second) {
            fprintf(stream, "<link_ctn id=\"connection%" PRIu32 "\"/>", gpu);
        }
        fprintf(stream, "<link_ctn id=\"nic%" PRIu32 "\" direction=\"UP\"/></route>\n", nic);
        fprintf(stream,
                "<route src=\"router%" PRIu32 "\" dst=\"gpu%" PRIu32 "\" symmetrical=\"NO\">"
                "<link_ctn id=\"nic%" PRIu32 "\" direction=\"DOWN\"/></route>\n",
                node, gpu, nic);
    }
    fputs("</zone>\n", stream);
}

void platform_xml_write(const struct cluster *cluster, uint32_t nodes, FILE *stream)
{
    fputs("<?xml version=\"1.0\"?>\n"
          "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
          "<platform version=\"4.1\">\n<zone id=\"root\" routing=\"Full\">\n"
          "<zone id=\"first\" routing=\"None\"/>\n",
          stream);
    write_links(cluster, nodes, stream);
    /* SimGrid wants a link on every route between zones: one a node that nothing can fill. */
    for (uint32_t node = 0; node < nodes; node++) {
        fprintf(stream,
                "<link id=\"fabric%" PRIu32 "\" bandwidth=\"1EBps\" latency=\"0s\" "
                "sharing_policy=\"FATPIPE\"/>\n",
                node);
    }
    for (uint32_t node = 0; node < nodes; node++) {
        write_node(cluster, node, stream);
    }
    for (uint32_t a = 0; a < nodes; a++) {
        for (uint32_t b = a + 1; b < nodes; b++) {
            fprintf(stream,
                    "<zoneRoute src=\"node%" PRIu32 "\" dst=\"node%" PRIu32
                    "\" gw_src=\"router%" PRIu32 "\" gw_dst=\"router%" PRIu32
                    "\"><link_ctn id=\"fabric%" PRIu32 "\"/></zoneRoute>\n",
                    a, b, a, b, a);
        }
    }
    fputs("</zone>\n</platform>\n", stream);
}
