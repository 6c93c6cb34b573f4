/* SPDX-License-Identifier: MIT
 * The platform that is made in SimGrid is the one that `cpsim show --platform-xml` prints: SimGrid
 * reads the printed one, and every route has the same links in the same order in both. A route that
 * differs would move results, and nobody would see why. */
#include "fixture.h"
#include "run_tests.h"
#include "sim/engine/engine.h"
#include "sim/engine/platform_load.h"
#include "sim/engine/platform_xml.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LANES = 2, NAME = 32 };

static const char *host(char name[static NAME], uint32_t lane, uint32_t gpu)
{
    if (lane == 0) {
        snprintf(name, NAME, "gpu%u", gpu);
    } else {
        snprintf(name, NAME, "lane%u.gpu%u", lane, gpu);
    }
    return name;
}

/* All routes of the nodes, from every lane, as text; from `xml` where there is one. In a child:
 * SimGrid has one engine a process. */
static char *routes(const struct platform_nodes *platform, const char *xml)
{
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct diagnostics *diagnostics = diagnostics_create();
        const struct engine_setup setup = {.cluster = platform->cluster,
                                           .kinds = platform->kinds,
                                           .kind_count = platform->kind_count,
                                           .nodes = platform->nodes,
                                           .lanes = LANES,
                                           .platform_xml = xml};
        struct engine *engine = engine_open(&setup, diagnostics);
        if (engine == NULL) {
            diagnostics_print(diagnostics, stderr);
            _exit(1);
        }
        uint32_t gpus = platform->nodes * platform->cluster->gpus_per_node;
        for (uint32_t from = 0; from < LANES * gpus; from++) {
            for (uint32_t to = 0; to < gpus; to++) {
                char name[NAME], other[NAME];
                if (from % gpus != to) {
                    platform_write_route(host(name, from / gpus, from % gpus), host(other, 0, to),
                                         file);
                }
            }
        }
        fclose(file);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    long size = (fseek(file, 0, SEEK_END), ftell(file));
    char *text = calloc((size_t)size + 1, 1);
    rewind(file);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return text;
}

/* `longest`: what one of the routes holds, so that none is no success. */
static void same_routes(const struct platform_nodes *platform, const char *longest)
{
    char path[] = "platform-XXXXXX";
    FILE *stream = fdopen(mkstemp(path), "w");
    ck_assert_ptr_nonnull(stream);
    platform_xml_write(platform, LANES, stream);
    fclose(stream);
    char *read = routes(platform, path), *made = routes(platform, NULL);
    unlink(path);
    ck_assert_ptr_nonnull(strstr(made, longest));
    for (const char *a = read, *b = made; *a != '\0' || *b != '\0';) {
        size_t length = strcspn(a, "\n"), other = strcspn(b, "\n");
        ck_assert_msg(length == other && strncmp(a, b, length) == 0, "printed: %.*s\nmade:    %.*s",
                      (int)length, a, (int)other, b);
        a += length + (a[length] != '\0');
        b += other + (b[other] != '\0');
    }
    free(read);
    free(made);
}

static struct cluster cluster_of(uint32_t gpus, uint32_t nics)
{
    struct cluster cluster = fixture_cluster;
    cluster.gpus_per_node = gpus;
    cluster.nics_per_node = nics;
    cluster.nodes_per_leaf = 0;
    cluster.oversubscription = 1.0;
    return cluster;
}

/* Four GPUs and two cards a node: GPUs 2 and 3 leave by the second. */
START_TEST(flat_fabric)
{
    struct cluster cluster = cluster_of(4, 2);
    const struct platform_nodes platform = {.cluster = &cluster, .nodes = 3};
    same_routes(&platform, "lane1.gpu3 to gpu8: lane1.fabric-limit3 at 1e+18 and 0 s, nic1_UP at "
                           "50000000000 and 0 s, fabric0 at 1e+18 and 0 s, nic4_DOWN at");
}
END_TEST

/* More nodes than SimGrid's parser gets in one zone. */
START_TEST(many_nodes)
{
    struct cluster cluster = cluster_of(1, 1);
    const struct platform_nodes platform = {.cluster = &cluster, .nodes = 70};
    same_routes(&platform, " fabric1 at 1e+18 and 0 s, uplink0 at 1e+18 and 0 s, fabric69 at");
}
END_TEST

/* Two nodes a leaf, the last leaf with one: half of what its cards send gets out. */
START_TEST(oversubscribed_leaves)
{
    struct cluster cluster = cluster_of(2, 2);
    cluster.nodes_per_leaf = 2;
    cluster.oversubscription = 2.0;
    const struct platform_nodes platform = {.cluster = &cluster, .nodes = 5};
    same_routes(&platform, " uplink0_UP at 100000000000 and 0 s, uplink2_DOWN at 100000000000 ");
}
END_TEST

/* Nodes from the third on have other links. */
START_TEST(kinds_of_nodes)
{
    struct cluster first = cluster_of(2, 1), second = first;
    second.nic_bytes_per_second = 1e9;
    second.node_bytes_per_second = 2e9;
    const struct node_links kinds[] = {{.first_node = 0, .cluster = &first},
                                       {.first_node = 2, .cluster = &second}};
    const struct platform_nodes platform = {
        .cluster = &first, .kinds = kinds, .kind_count = 2, .nodes = 4};
    same_routes(&platform, "nic0_UP at 50000000000 and 0 s, fabric0 at 1e+18 and 0 s, nic3_DOWN at "
                           "1000000000 ");
}
END_TEST

RUN_TESTS(platform_zone, flat_fabric, many_nodes, oversubscribed_leaves, kinds_of_nodes)
