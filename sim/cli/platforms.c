/* SPDX-License-Identifier: MIT
 * cpsim platforms: the clusters, GPUs and software stacks that a scenario can name. */
#include "sim/cli/catalogue.h"

static int list_platforms(const struct invocation *invocation)
{
    static const struct catalogue_part parts[] = {
        {.heading = "clusters", .key = "cluster", .object_size = sizeof(struct cluster)},
        {.heading = "gpus", .key = "gpu", .object_size = sizeof(struct gpu)},
        {.heading = "software", .key = "software", .object_size = sizeof(struct software)},
    };
    return catalogue_print(invocation, parts, sizeof parts / sizeof *parts);
}

const struct command command_platforms = {
    .name = "platforms",
    .operands = "",
    .summary = "list the clusters, GPUs and software that a scenario can name",
    .doc = "Add your own as platforms/clusters/NAME.yaml, platforms/gpus/NAME.yaml or "
           "platforms/software/NAME.yaml\nbeside a scenario or in a directory of CPSIM_PATH.",
    .example = "cpsim platforms",
    .options = TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .run = list_platforms,
};
