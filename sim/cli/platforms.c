/* SPDX-License-Identifier: MIT
 * cpsim platforms: the clusters, GPUs and their generations, software stacks, exchanges of
 * experts and collective libraries that a scenario can name. */
#include "sim/cli/catalogue.h"

static int list_platforms(const struct invocation *invocation)
{
    static const struct catalogue_part parts[] = {
        {.heading = "clusters", .key = "cluster", .object_size = sizeof(struct cluster)},
        {.heading = "fabrics", .key = "cluster.fabric", .object_size = 1},
        {.heading = "gpus", .key = "gpu", .object_size = sizeof(struct gpu)},
        {.heading = "generations",
         .key = "gpu.generation",
         .object_size = sizeof(struct gpu_generation)},
        {.heading = "software", .key = "software", .object_size = sizeof(struct software)},
        {.heading = "kernels",
         .key = "software.kernels",
         .object_size = sizeof(struct kernel_library)},
        {.heading = "exchanges",
         .key = "software.exchange",
         .object_size = sizeof(struct experts_exchange)},
        {.heading = "collectives",
         .key = "software.collectives",
         .object_size = sizeof(struct collective_library)},
    };
    return catalogue_print(invocation, parts, sizeof parts / sizeof *parts);
}

const struct command command_platforms = {
    .name = "platforms",
    .operands = "[NAME...]",
    .summary = "list the clusters, GPUs, software and collective libraries that a scenario can "
               "name, or print some",
    .doc = "Of a NAME of the list all keys and values are printed; where each is from stands in "
           "the file. Add your own as platforms/clusters/NAME.yaml, platforms/gpus/NAME.yaml, ... "
           "beside a "
           "scenario or in a directory of CPSIM_PATH.",
    .example = "cpsim platforms h100-sxm",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .most_operands = ANY_NUMBER,
    .run = list_platforms,
};
