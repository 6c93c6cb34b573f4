/* SPDX-License-Identifier: MIT
 * The keys of a sweep file. */
#include "sim/sweep/sweep_file.h"

#include "sim/config/find.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"

static const struct field list_item = {
    .kind = FIELD_KEYS,
    .size = sizeof(const struct node *),
    .doc = "Keys of the scenario, each with a value; all items name the same keys."};

static const struct field random_fields[] = {
    {.key = "samples",
     .kind = FIELD_COUNT,
     FIELD_AT(sampling, samples),
     .required = true,
     .min = 1,
     .max = 1e6,
     .doc = "How many."},
    {.key = "keys",
     .kind = FIELD_KEYS,
     FIELD_AT(sampling, keys),
     .required = true,
     .doc = "Keys of the scenario, each with the values it may take: a list, or `{from: 1000 "
            "tokens, to: 100_000 tokens, scale: log}` (`linear` unless it says `log`)."},
    {0}};

const struct field sweep_axes_fields[] = {
    {.key = "grid",
     .kind = FIELD_KEYS,
     FIELD_AT(sweep_axes, grid),
     .doc = "Keys of the scenario, each with a list of values: every value with every other. The "
            "last key changes fastest."},
    {.key = "zip",
     .kind = FIELD_KEYS,
     FIELD_AT(sweep_axes, zip),
     .doc = "Keys with lists of one length, walked side by side: the first values together, then "
            "the second ones."},
    {.key = "list",
     .kind = FIELD_LIST,
     FIELD_AT(sweep_axes, list),
     .count_offset = offsetof(struct sweep_axes, list_count),
     .min = 1,
     .max = 1e6,
     .item = &list_item,
     .doc = "Points written out."},
    {.key = "random",
     .kind = FIELD_MAPPING,
     FIELD_AT(sweep_axes, random),
     .fields = random_fields,
     .doc = "Points drawn at random, each key by itself."},
    {.key = "latin_hypercube",
     .kind = FIELD_MAPPING,
     FIELD_AT(sweep_axes, latin_hypercube),
     .fields = random_fields,
     .doc = "Points drawn so that each key's range, cut into as many equal parts as there are "
            "samples, has one sample in every part."},
    {0}};

static const struct field metric_item = {
    .kind = FIELD_NAME, .size = sizeof(const char *), .doc = "A metric."};

static const struct field best_fields[] = {
    {.key = "minimise",
     .kind = FIELD_NAME,
     FIELD_AT(sweep_best, minimise),
     .doc = "The metric that is best when small. Default: the first one of the workload."},
    {.key = "maximise",
     .kind = FIELD_NAME,
     FIELD_AT(sweep_best, maximise),
     .doc = "The metric that is best when large."},
    {.key = "count",
     .kind = FIELD_COUNT,
     FIELD_AT(sweep_best, count),
     .min = 1,
     .max = 1000,
     .fallback = "5",
     .doc = "How many points to show."},
    {.key = "show",
     .kind = FIELD_LIST,
     FIELD_AT(sweep_best, show),
     .count_offset = offsetof(struct sweep_best, show_count),
     .max = 16,
     .item = &metric_item,
     .doc = "More metrics to show of them."},
    {0}};

const struct field sweep_where_item = {
    .kind = FIELD_STRING,
    .size = sizeof(const char *),
    .doc = "A condition such as `layout.tensor * layout.context <= gpus`."};

const struct field sweep_fields[] = {
    SCHEMA_FIELD,
    TITLE_FIELD(sweep_file, title, "the sweep asks"),
    {.key = "base",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(sweep_file, base),
     .required = true,
     .doc = "The scenario whose keys are varied. Its `trace` is left aside."},
    {.key = "axes",
     .kind = FIELD_MAPPING,
     FIELD_AT(sweep_file, axes),
     .required = true,
     .fields = sweep_axes_fields,
     .doc = "What is varied. Where several are given, every point of one goes with every point of "
            "the others; the last changes fastest."},
    {.key = "where",
     .kind = FIELD_LIST,
     FIELD_AT(sweep_file, where),
     .count_offset = offsetof(struct sweep_file, where_count),
     .max = 64,
     .item = &sweep_where_item,
     .doc = "Conditions that a point must meet, or it is dropped. They know every key of the "
            "scenario (the last part of its name will do where that is clear, and `gpus` is those "
            "of the cluster), numbers with units, texts in quotes, `+ - * / %`, comparisons, `and "
            "or not`, `min max floor ceil log2`."},
    {.key = "replications",
     .kind = FIELD_COUNT,
     FIELD_AT(sweep_file, replications),
     .min = 1,
     .max = 1e6,
     .fallback = "1",
     .doc =
         "How often each point runs: replication r (from 0) with the scenario's seed plus r, the "
         "same for all points."},
    {.key = "seed",
     .kind = FIELD_COUNT,
     FIELD_AT(sweep_file, seed),
     .fallback = "0",
     .doc = "Of the points that are drawn."},
    {.key = "traces",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(sweep_file, traces),
     .fallback = "false",
     .doc = "Whether each point writes a trace, traces/NNNNNN.h5; sweep.h5 then shows them all as "
            "one."},
    {.key = "best",
     .kind = FIELD_MAPPING,
     FIELD_AT(sweep_file, best),
     .fields = best_fields,
     .doc = "The table of the best points at the end."},
    {0}};

const struct sweep_file *sweep_file_load(struct arena *arena, const char *path,
                                         struct diagnostics *diagnostics)
{
    size_t errors_before = diagnostics_error_count(diagnostics);
    struct sweep_file *sweep = ARENA_NEW(arena, struct sweep_file);
    struct node *root = file_read_values(arena, path, sweep_fields, sweep, diagnostics);
    sweep->path = path;
    sweep->tree = root;
    if (sweep->title == NULL) {
        sweep->title = file_stem(arena, path);
    }
    if (sweep->best.minimise != NULL && sweep->best.maximise != NULL) {
        DIAGNOSE_ERROR(diagnostics, node_find(root, "best.maximise")->mark,
                       "best: 'minimise' and 'maximise' are both given; keep one");
    }
    return diagnostics_error_count(diagnostics) > errors_before ? NULL : sweep;
}
