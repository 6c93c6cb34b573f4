/* SPDX-License-Identifier: MIT */
#include "sim/compare/service_row.h"

#include "sim/base/text.h"
#include "sim/config/find.h"
#include "sim/scenario/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RANKS = 4096 };

/* --- which files --- */

static const char *find(const struct measurement *row, const char *folder, const char *name)
{
    struct find_path path = find_path(row->scratch, NULL);
    return find_named(row->scratch, &path, folder, name, NULL);
}

/* 1.2.3 as one number that orders versions; what follows ("rc3", "post2") does not count. */
static double version_number(const char *text)
{
    unsigned parts[3] = {0, 0, 0};
    int read = sscanf(text, "%u.%u.%u", &parts[0], &parts[1], &parts[2]);
    return read < 1 ? -1.0 : parts[0] * 1e6 + parts[1] * 1e3 + parts[2];
}

/* The file of the engine whose version is nearest. A row without a version is of the time of the
 * oldest. NULL: no file is of that engine. */
static const char *nearest_software(struct measurement *row, const char *engine,
                                    const char *version)
{
    struct arena *arena = row->scratch;
    struct find_path path = find_path(arena, NULL);
    struct found_file *files = NULL;
    size_t count = find_all(arena, &path, "platforms/software", &files), length = strlen(engine);
    double wanted = version_number(version), best = -1.0;
    const char *name = NULL, *stands_for = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *of = data_file_word(arena, files[i].path, "engine");
        if (of == NULL || strncmp(of, engine, length) != 0 || of[length] != ' ') {
            continue;
        }
        double own = version_number(of + length + 1);
        double far = wanted < 0.0 ? own : own > wanted ? own - wanted : wanted - own;
        if (name == NULL || far < best) {
            name = files[i].name;
            stands_for = of;
            best = far;
        }
    }
    if (name != NULL && best > 0.0) {
        measurement_note(row, "%s %s as %s", engine, version[0] == '\0' ? "of no version" : version,
                         stands_for);
    }
    return name;
}

static bool find_software(struct measurement *row, struct service_row *service)
{
    const char *engine = measurement_text(row, "backend");
    service->software =
        row->request_software != NULL
            ? row->request_software
            : nearest_software(row, engine, measurement_text(row, "backend_version"));
    if (service->software == NULL) {
        measurement_unanswered(row, "no file of platforms/software is of the engine '%.60s'",
                               engine);
    }
    return service->software != NULL;
}

static bool find_cluster(struct measurement *row, struct service_row *service)
{
    static const struct {
        const char *gpu, *cluster;
    } clusters[] = {{"h100", "dgx-h100"}, {"h200", "hgx-h200"}};
    const char *gpu = measurement_text(row, "gpu");
    service->cluster = row->request_cluster;
    for (size_t i = 0; i < sizeof clusters / sizeof *clusters && service->cluster == NULL; i++) {
        service->cluster = strncmp(gpu, clusters[i].gpu, 4) == 0 ? clusters[i].cluster : NULL;
    }
    if (service->cluster == NULL) {
        measurement_unanswered(row, "no cluster is of the GPU '%.60s'; name one: --cluster", gpu);
    }
    return service->cluster != NULL;
}

/* --- precision --- */

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), least = strlen(ending);
    return length >= least && strcmp(text + length - least, ending) == 0;
}

/* A model that is published in narrow weights is served in them; the row's word then says no more.
 * Qwen's own FP8 checkpoints have scales of blocks, whatever a table calls them. */
static bool find_precision(struct measurement *row, const char *file, struct service_row *service)
{
    static const struct {
        const char *mode, *preset;
    } presets[] = {{"", "bf16"},
                   {"bf16", "bf16"},
                   {"bfloat16", "bf16"},
                   {"float16", "bf16"},
                   {"fp8", "fp8-tensor"},
                   {"fp8_static", "fp8-tensor"},
                   {"fp8_block", "fp8-block"},
                   {"fp8_ootb", "fp8"},
                   {"int8_wo", "{attention_weights: {format: int8, scaling: row, inputs: bf16}, "
                               "ffn_weights: {format: int8, scaling: row, inputs: bf16}}"},
                   {"int4_wo", "w4a16"},
                   {"w4a16", "w4a16"},
                   {"sq", "w8a8"},
                   {"int8", "w8a8"}};
    const char *name = measurement_text(row, "model_path");
    const char *mode = measurement_text(row, "gemm_quant_mode");
    mode = mode[0] != '\0' ? mode : measurement_text(row, "precision");
    bool blocks = strncmp(name, "Qwen/", 5) == 0 && ends_with(name, "-FP8");
    bool narrow = data_file_has(row->scratch, file, "precision");
    bool trtllm = measurement_is(row, "backend", "trtllm");
    service->cache = trtllm && strncmp(mode, "fp8", 3) == 0 && !blocks ? "fp8" : "bf16";
    if (narrow) {
        return true;
    }
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(mode, presets[i].mode) == 0) {
            service->precision = blocks && i > 3 ? "fp8-block" : presets[i].preset;
            return true;
        }
    }
    measurement_unanswered(row, "products in '%.60s' are not known", mode);
    return false;
}

static bool find_model(struct measurement *row, struct service_row *service)
{
    const char *name = measurement_text(row, "model_path");
    struct find_path path = find_path(row->scratch, NULL);
    struct hub_name of = hub_find(row->scratch, &path, name);
    service->model = of.model != NULL ? of.model : find(row, "models/llm", name);
    if (service->model == NULL) {
        measurement_unanswered(row, "no file of models/llm is of '%.100s'", name);
        return false;
    }
    return find_precision(row, service->model, service);
}

/* --- layout --- */

/* A size of the layout; nothing and 0 are 1. */
static uint32_t size_of(struct measurement *row, const char *prefix, const char *column)
{
    const char *name = arena_printf(row->scratch, "%s%s", prefix, column);
    uint64_t size =
        measurement_has(row, name) ? measurement_count(row, name, 0, MOST_RANKS) : (uint64_t)1;
    return size > 0 ? (uint32_t)size : 1;
}

/* Of a pool ("prefill_", "decode_") or of all (""). Experts lie on all of a replica's ranks: more
 * of them than attention has tensor ranks are ranks with requests of their own, said or not. */
static struct service_layout layout_of(struct measurement *row, const char *prefix)
{
    struct service_layout layout = {.tensor = size_of(row, prefix, "tp_size"),
                                    .pipeline = size_of(row, prefix, "pp_size"),
                                    .attention_data = size_of(row, prefix, "attention_dp_size"),
                                    .workers = size_of(row, prefix, "num_workers")};
    uint32_t cut = size_of(row, prefix, "moe_tp_size");
    uint32_t spread = size_of(row, prefix, "moe_ep_size");
    bool said = measurement_has(row, arena_printf(row->scratch, "%sattention_dp_size", prefix));
    if (!said && cut * spread > layout.tensor && cut * spread % layout.tensor == 0) {
        layout.attention_data = cut * spread / layout.tensor;
    }
    /* Ranks that are written as their number squared: so many tensor (or attention) ranks, times as
     * many that share experts, which are the same. */
    if (cut > 1 && cut == spread && layout.tensor * layout.attention_data == cut * spread) {
        measurement_note(row, "%u x %u ranks as %u", cut, spread, cut);
        layout.tensor = layout.tensor > 1 ? cut : 1;
        layout.attention_data = layout.tensor > 1 ? 1 : cut;
        cut = 1;
    }
    uint32_t ranks = layout.tensor * layout.attention_data;
    layout.expert = spread > 1 && ranks % spread == 0 ? spread : 1;
    if (cut * spread != ranks && cut * spread > 1) {
        measurement_note(row, "experts on %u x %u ranks of %u: as %u groups", cut, spread, ranks,
                         layout.expert);
    }
    return layout;
}

static void read_layouts(struct measurement *row, struct service_row *service)
{
    service->pools = measurement_is(row, "mode", "disagg");
    service->answers = layout_of(row, service->pools ? "decode_" : "");
    if (service->pools) {
        service->prompts = layout_of(row, "prefill_");
    }
}

/* --- load --- */

/* The row's own word, or what its batches add up to. */
static uint64_t clients_of(struct measurement *row, const struct service_row *service)
{
    if (measurement_has(row, "concurrency")) {
        return measurement_count(row, "concurrency", 1, 1000000);
    }
    const char *column = service->pools ? "decode_batch_size" : "batch_size";
    return measurement_count(row, column, 1, 1000000) * service->answers.attention_data *
           service->answers.workers;
}

/* Under one name two sweeps were published: over powers of two, and at round thousands, whose
 * lengths vary (platforms/clients). */
static const char *client_of(struct measurement *row, uint64_t input_tokens)
{
    const char *client = measurement_text(row, "client");
    return strcmp(client, "nvidia-sweep") == 0 && input_tokens % 1000 == 0 ? "nvidia-search"
                                                                           : client;
}

bool service_row_read(struct measurement *measurement, struct service_row *row)
{
    *row = (struct service_row){.client = NULL};
    read_layouts(measurement, row);
    row->input_tokens = measurement_count(measurement, "isl", 1, 10000000);
    row->client = client_of(measurement, row->input_tokens);
    row->output_tokens = measurement_count(measurement, "osl", 1, 10000000);
    row->clients = clients_of(measurement, row);
    return !measurement->wrong && find_software(measurement, row) &&
           find_cluster(measurement, row) && find_model(measurement, row);
}

static uint64_t gpus_of(const struct service_layout *layout)
{
    return (uint64_t)layout->tensor * layout->pipeline * layout->attention_data * layout->workers;
}

static void write_layout(struct text *text, const struct service_layout *layout)
{
    text_print(text, "layout: {tensor: %u, pipeline: %u, attention_data: %u, expert: %u, data: %u}",
               layout->tensor, layout->pipeline, layout->attention_data, layout->expert,
               layout->workers);
}

const char *service_row_yaml(struct arena *arena, const struct service_row *row)
{
    enum { NODE_GPUS = 8 };
    uint64_t nodes = (gpus_of(&row->answers) + NODE_GPUS - 1) / NODE_GPUS;
    struct text text = {.arena = arena};
    if (row->pools) {
        nodes += (gpus_of(&row->prompts) + NODE_GPUS - 1) / NODE_GPUS;
    }
    text_print(&text, "schema: 1\nmodel: %s\nsoftware: %s\n", row->model, row->software);
    text_print(&text, "cluster: {use: %s, nodes: %llu}\n", row->cluster, (unsigned long long)nodes);
    if (row->pools) {
        text_add(&text, "pools:\n  prefill: {");
        write_layout(&text, &row->prompts);
        text_add(&text, "}\n  decode: {");
        write_layout(&text, &row->answers);
        text_add(&text, "}\n");
    } else {
        write_layout(&text, &row->answers);
        text_add(&text, "\n");
    }
    const char *cache = strcmp(row->cache, "bf16") == 0 ? "" : ", scaling: tensor";
    if (row->precision == NULL) {
        text_print(&text, "precision: {kv_cache: {format: %s%s}}\n", row->cache, cache);
    } else if (row->precision[0] == '{') {
        text_print(&text, "precision: %s\n", row->precision);
    } else {
        text_print(&text, "precision: {preset: %s, kv_cache: {format: %s%s}}\n", row->precision,
                   row->cache, cache);
    }
    text_print(&text, "workload:\n  kind: serving\n  client: %s\n", row->client);
    text_print(&text, "  arrivals: {kind: closed-loop, clients: %llu}\n",
               (unsigned long long)row->clients);
    text_print(
        &text,
        "  lengths: {prompt: {kind: fixed, tokens: %llu tokens}, output: {kind: fixed, tokens: "
        "%llu tokens}}\n",
        (unsigned long long)row->input_tokens, (unsigned long long)row->output_tokens);
    text_add(&text, "  service: {prefix_cache: false");
    if (row->pools) {
        text_add(&text, ", policy: disaggregated");
    }
    text_add(&text, "}\n");
    return text.bytes;
}
