/* SPDX-License-Identifier: MIT */
#include "sim/workload/title.h"

#include "sim/scenario/notes.h"
#include "sim/scenario/replica.h"

#include <inttypes.h>
#include <string.h>

enum { LINE_WIDTH = 80, MACHINE_BYTES = 300, WORDS_BYTES = 96 };

struct ink ink_of(bool colour, size_t columns)
{
    return (struct ink){.bold = colour ? "\x1b[1m" : "",
                        .dim = colour ? "\x1b[2m" : "",
                        .plain = colour ? "\x1b[0m" : "",
                        .columns = columns};
}

/* "TP8 x CP16 x DP4"; nothing of dimensions of one. */
static const char *layout_words(const struct layout *layout, char words[static WORDS_BYTES])
{
    const struct {
        const char *name;
        uint32_t ranks;
    } dimensions[] = {{"TP", layout->tensor},
                      {"CP", layout->context},
                      {"attention DP", layout_attention_data(layout)},
                      {"PP", layout->pipeline},
                      {"DP", layout->data}};
    size_t used = 0;
    words[0] = '\0';
    for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++) {
        if (dimensions[i].ranks > 1) {
            used +=
                (size_t)snprintf(words + used, WORDS_BYTES - used, "%s%s%" PRIu32,
                                 used == 0 ? "" : " x ", dimensions[i].name, dimensions[i].ranks);
        }
    }
    if (layout_experts(layout) > 1) {
        snprintf(words + used, WORDS_BYTES - used, "%sEP%" PRIu32, used == 0 ? "" : ", ",
                 layout_experts(layout));
    }
    return words[0] == '\0' ? "one GPU" : words;
}

/* "bf16", "attention bf16, feed-forward fp8, cache bf16". */
static const char *precision_words(const struct precision *precision,
                                   char words[static WORDS_BYTES])
{
    const char *attention = format_name(precision->attention_weights.format);
    const char *ffn = format_name(precision->ffn_weights.format);
    const char *cache = format_name(precision->kv_cache);
    bool alike = strcmp(attention, ffn) == 0;
    if (alike && strcmp(ffn, cache) == 0) {
        snprintf(words, WORDS_BYTES, "%s", ffn);
    } else if (alike) {
        snprintf(words, WORDS_BYTES, "weights %s, cache %s", ffn, cache);
    } else {
        snprintf(words, WORDS_BYTES, "attention %s, feed-forward %s, cache %s", attention, ffn,
                 cache);
    }
    return words;
}

/* Pools that are each set up in their own way, a line each. */
static void print_pools(const struct scenario *scenario, struct ink ink, FILE *stream)
{
    char layout[WORDS_BYTES], precision[WORDS_BYTES];
    fprintf(stream, "%s%s%s\n%s%s on %" PRIu32 " GPUs of %s\n", ink.bold, scenario->title,
            ink.plain, ink.dim, scenario->llm.name, scenario_gpus(scenario),
            scenario->cluster.name);
    for (uint32_t i = 0; i < POOL_COUNT; i++) {
        const struct scenario *pool = scenario->pools[i];
        fprintf(stream, "%-16s%" PRIu32 " x %s (%s), %s, %s; software %s\n",
                i == POOL_PREFILL ? "prefill" : "decode", layout_gpus(&pool->layout),
                pool->gpu.name, pool->cluster.name, layout_words(&pool->layout, layout),
                precision_words(&pool->precision, precision), pool->software.name);
    }
    fprintf(stream, "%s\n", ink.plain);
}

/* Several models, a line each. */
static void print_tenants(const struct scenario *scenario, struct ink ink, FILE *stream)
{
    char layout[WORDS_BYTES], precision[WORDS_BYTES];
    bool apart = scenario->sharing.policy == SHARING_APART;
    fprintf(stream, "%s%s%s\n%s%zu models on %s%" PRIu32 " x %s (%s)\n", ink.bold, scenario->title,
            ink.plain, ink.dim, scenario->tenant_count, apart ? "" : "the same ",
            scenario_gpus(scenario), scenario->gpu.name, scenario->cluster.name);
    for (size_t i = 0; i < scenario->tenant_count; i++) {
        const struct scenario *own = scenario->tenants[i].scenario;
        fprintf(stream, "%-15.15s %s, %s, %s; software %s\n", scenario->tenants[i].name,
                own->llm.name, layout_words(&own->layout, layout),
                precision_words(&own->precision, precision), own->software.name);
    }
    fprintf(stream, "%s\n", ink.plain);
}

/* On two lines where one is too long. */
static void print_one(const struct scenario *scenario, const char *title, struct ink ink,
                      FILE *stream)
{
    char machine[MACHINE_BYTES], how[MACHINE_BYTES], layout[WORDS_BYTES], precision[WORDS_BYTES];
    int width = snprintf(machine, sizeof machine, "%s on %" PRIu32 " x %s (%s), %s",
                         scenario->llm.name, layout_gpus(&scenario->layout), scenario->gpu.name,
                         scenario->cluster.name, layout_words(&scenario->layout, layout));
    width += snprintf(how, sizeof how, "%s; software %s",
                      precision_words(&scenario->precision, precision), scenario->software.name);
    fprintf(stream, "%s%s%s\n%s%s%s%s%s\n\n", ink.bold, title, ink.plain, ink.dim, machine,
            width + 2 > LINE_WIDTH ? ",\n" : ", ", how, ink.plain);
}

/* What the answer stands on, below the title. */
void title_print(const struct scenario *scenario, struct ink ink, FILE *stream)
{
    if (scenario->pools[0] != NULL) {
        print_pools(scenario, ink, stream);
    } else if (scenario->tenant_count > 1) {
        print_tenants(scenario, ink, stream);
    } else {
        bool tenant = scenario->tenant_count == 1;
        print_one(tenant ? scenario->tenants[0].scenario : scenario, scenario->title, ink, stream);
    }
}

void title_write(const struct scenario *scenario, const char *const *notes, size_t count,
                 struct json *json)
{
    json_string(json, "title", scenario->title);
    json_string(json, "model", scenario->llm.name);
    json_string(json, "gpu", scenario->gpu.name);
    scenario_notes_print_json(json, scenario, notes, count);
    json_string(json, "cluster", scenario->cluster.name);
    json_string(json, "software", scenario->software.name);
    json_count(json, "gpus", scenario_gpus(scenario));
    json_number(json, "gpu_memory_bytes", scenario->gpu.memory_bytes);
    json_number(json, "memory_bytes_per_gpu", scenario->gpu.memory_bytes); /* deprecated */
}
