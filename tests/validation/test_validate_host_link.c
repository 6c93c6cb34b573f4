/* SPDX-License-Identifier: MIT
 * Copies between two H200 and the memory of their host against h200x2_host_link.csv: one GPU, two,
 * each way, both. The constants are of the rows of 256 MiB; those of 16 MiB to 4 GiB are held. What
 * smaller copies take beyond their bytes is not modelled, nor host threads beside them. */
#include "models/machine/host_link.h"

#include "csv.h"
#include "platform_files.h"
#include "run_tests.h"

#include <math.h>

/* Of all its streams, B/s. `opposite`: one GPU copies one way, the other the other way. */
static double predicted(const struct cluster *cluster, uint32_t gpus, const char *direction)
{
    bool both = strcmp(direction, "both") == 0;
    return gpus * (both ? 2.0 : 1.0) * host_link_rate(cluster, gpus, both);
}

START_TEST(one_and_two_gpus)
{
    struct arena *arena = arena_create();
    const struct cluster *cluster = load_cluster(arena, "hgx-h200");
    struct csv *csv = csv_read("../host_link/h200x2_host_link");
    double worst = 0.0, unshared = 0.0;
    uint32_t held = 0;
    for (size_t i = 0; i < csv->row_count; i++) {
        double bytes = csv_number(csv, i, "bytes"), rate = 1e9 * csv_number(csv, i, "gbps");
        uint32_t gpus = (uint32_t)csv_number(csv, i, "gpus");
        const char *direction = csv_text(csv, i, "direction");
        if (bytes < 16 << 20 || csv_number(csv, i, "host_threads") > 0.0) {
            continue;
        }
        double error = predicted(cluster, gpus, direction) / rate - 1.0;
        double alone = gpus * predicted(cluster, 1, direction) / rate - 1.0;
        if (bytes != 256 << 20) {
            worst = fmax(worst, fabs(error));
            unshared = fmax(unshared, fabs(alone));
            held++;
        }
        printf("%u %-8s %7.0f MiB %6.1f GB/s, predicted %+5.1f %%\n", gpus, direction,
               bytes / (1 << 20), rate / 1e9, 100.0 * error);
    }
    printf("worst of %u rows %.1f %%; as if nothing were shared %.1f %%\n", held, 100.0 * worst,
           100.0 * unshared);
    ck_assert_uint_eq(held, 80);
    ck_assert_double_lt(worst, 0.085);
    ck_assert_double_gt(unshared, 0.30); /* the table tells the two apart */
    free(csv);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(validate_host_link, one_and_two_gpus)
