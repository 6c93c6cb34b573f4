/* SPDX-License-Identifier: MIT */
#include "sim/workload/title.h"

#include "sim/scenario/notes.h"

#include <inttypes.h>
#include <string.h>

enum { LINE_WIDTH = 100, MACHINE_BYTES = 200 };

struct ink ink_of(bool colour)
{
    return (struct ink){.bold = colour ? "\x1b[1m" : "",
                        .dim = colour ? "\x1b[2m" : "",
                        .plain = colour ? "\x1b[0m" : ""};
}

void title_print(const struct scenario *scenario, struct ink ink, FILE *stream)
{
    char machine[MACHINE_BYTES];
    snprintf(machine, sizeof machine, "%" PRIu32 " x %s (%s), %s", layout_gpus(&scenario->layout),
             scenario->gpu.name, scenario->cluster.name, scenario->llm.name);
    int gap = LINE_WIDTH - (int)strlen(scenario->title) - (int)strlen(machine);
    fprintf(stream, "%s%s%s%*s%s\n\n", ink.bold, scenario->title, ink.plain, gap < 2 ? 2 : gap, "",
            machine);
}

void title_write(const struct scenario *scenario, struct json *json)
{
    json_string(json, "title", scenario->title);
    json_string(json, "model", scenario->llm.name);
    json_string(json, "gpu", scenario->gpu.name);
    scenario_notes_print_json(json, scenario);
    json_string(json, "cluster", scenario->cluster.name);
    json_count(json, "gpus", layout_gpus(&scenario->layout));
    json_number(json, "gpu_memory_bytes", scenario->gpu.memory_bytes);
    json_number(json, "memory_bytes_per_gpu", scenario->gpu.memory_bytes); /* deprecated */
}
