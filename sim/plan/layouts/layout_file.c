/* SPDX-License-Identifier: MIT
 * The keys of a plan file over a training scenario. */
#include "sim/plan/layouts/layout_file.h"

#include "sim/config/find.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"

static const struct choice aim_choices[] = {
    {.name = "time", .value = AIM_TIME, .doc = "The run's, or of a step alone the step's."},
    {.name = "cost", .value = AIM_COST, .doc = "GPU-hours, dollars where the base has a price."},
    {.name = "memory", .value = AIM_MEMORY, .doc = "Of the fullest GPU."},
    {0}};

static const struct field gpus_item = {.kind = FIELD_COUNT,
                                       .size = sizeof(uint32_t),
                                       .min = 1,
                                       .max = 1e6,
                                       .doc = "A number of GPUs."};

static const struct field limit_fields[] = {
    {.key = "dollars",
     .kind = FIELD_NUMBER,
     FIELD_AT(layout_file, most_dollars),
     .max = 1e15,
     .fallback = "0",
     .doc = "Dollars of the run, at the base's price, at most. 0: no limit."},
    {.key = "time",
     .kind = FIELD_SECONDS,
     FIELD_AT(layout_file, most_seconds),
     .max = 1e10,
     .fallback = "0",
     .doc = "How long the run may take. 0: no limit."},
    {0}};

const struct field layout_plan_fields[] = {
    SCHEMA_FIELD,
    TITLE_FIELD(layout_file, title, "is planned"),
    {.key = "base",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(layout_file, base),
     .required = true,
     .doc = "The training scenario: model, cluster, software, batch, sequence, and how far it "
            "goes. What is not searched is as it says."},
    {.key = "gpus",
     .kind = FIELD_LIST,
     FIELD_AT(layout_file, gpus),
     .count_offset = offsetof(struct layout_file, gpu_count),
     .min = 1,
     .max = 64,
     .item = &gpus_item,
     .doc = "Numbers of GPUs to lay the run out on, all of which are used. Default: those of the "
            "base's layout."},
    {.key = "minimise",
     .kind = FIELD_CHOICE,
     FIELD_AT(layout_file, aim),
     .fallback = "time",
     .choices = aim_choices,
     .doc = "What the winner has least of."},
    {.key = "budget", .kind = FIELD_MAPPING, .fields = limit_fields, .doc = "What a run may take."},
    {.key = "axes",
     .kind = FIELD_KEYS,
     FIELD_AT(layout_file, axes),
     .doc = "Keys of the scenario's layout and workload, each with the list of values to choose "
            "from. What is not named here: tensor powers of two in a node, context where a rank "
            "keeps 8,192 tokens, expert powers of two, pipeline powers of two and divisors of the "
            "layers up to 64, every schedule but gpipe and loop-bfs, virtual_stages powers of two "
            "and divisors up to 16, micro_batch powers of two up to 16, recompute none, selective "
            "and full, every sharding, sequence_parallel and tensor_overlap, both exchanges of "
            "context. layout.data follows from the GPUs."},
    {.key = "played",
     .kind = FIELD_COUNT,
     FIELD_AT(layout_file, played),
     .max = 48,
     .fallback = "6",
     .doc = "How many of the best are played on the simulated network, on which traffic of "
            "neighbours meets. The winner always is. 0: none, all figures are closed forms."},
    {.key = "prune",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(layout_file, prune),
     .fallback = "true",
     .doc = "Whether a layout is passed over when even at the GPUs' peak it could not be faster "
            "than another that takes no more memory or GPUs. The winner and the fronts are the "
            "same either way."},
    {0}};

const struct layout_file *layout_file_load(struct arena *arena, const char *path,
                                           struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct layout_file *file = ARENA_NEW(arena, struct layout_file);
    file->tree = file_read_values(arena, path, layout_plan_fields, file, diagnostics);
    file->path = path;
    if (file->title == NULL) {
        file->title = file_stem(arena, path);
    }
    return diagnostics_error_count(diagnostics) > errors_before ? NULL : file;
}
