/* SPDX-License-Identifier: MIT */
#include "sim/compare/service_row.h"

#include "sim/base/text.h"
#include "sim/compare/service_words.h"
#include "sim/config/find.h"
#include "sim/scenario/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RANKS = 4096, LEAN_SEQUENCES = 256 };

/* Of a GPU's memory: what is left is the driver's and the CUDA context's. */
static const double ROOMY_FRACTION = 0.98;

/* --- which files --- */

static const char *find(const struct measurement *row, const char *folder, const char *name)
{
    struct find_path path = find_path(row->scratch, NULL);
    return find_named(row->scratch, &path, folder, name, NULL);
}

/* 1.2.3 as one number that orders versions; what follows ("rc3", "post2") and a "v" before it do
 * not count. -1: no version; a word ("nightly") is newer than any number. */
static double version_number(const char *text)
{
    unsigned parts[3] = {0, 0, 0};
    text += text[0] == 'v' || text[0] == 'V';
    if (text[0] == '\0') {
        return -1.0;
    }
    int read = sscanf(text, "%u.%u.%u", &parts[0], &parts[1], &parts[2]);
    return read < 1 ? 1e12 : parts[0] * 1e6 + parts[1] * 1e3 + parts[2];
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
    service->engine = service_engine(measurement_text(row, "backend"));
    service->software =
        row->request_software != NULL
            ? row->request_software
            : nearest_software(row, service->engine, measurement_text(row, "backend_version"));
    if (service->software == NULL) {
        measurement_unanswered(row, "no file of platforms/software is of the engine '%.60s'",
                               service->engine);
    }
    return service->software != NULL;
}

static bool find_cluster(struct measurement *row, struct service_row *service)
{
    const char *gpu = measurement_text(row, "gpu");
    service->cluster = row->request_cluster != NULL ? row->request_cluster : service_cluster(gpu);
    if (service->cluster == NULL) {
        measurement_unanswered(row, "no cluster is of the GPU '%.60s'; name one: --cluster", gpu);
        return false;
    }
    const char *file = find(row, "platforms/clusters", service->cluster);
    const char *gpus = file == NULL ? NULL : data_file_word(row->scratch, file, "gpus_per_node");
    service->node_gpus = gpus == NULL ? 8 : (uint32_t)strtoul(gpus, NULL, 10);
    return true;
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
    service->has_experts = data_file_counts(row->scratch, service->model, "experts");
    return service_precision(row, of.format, service);
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

/* A model without experts has nothing that ranks with requests of their own would share: they are
 * replicas, and what is said of experts says nothing. */
static void plain_layout(struct measurement *row, struct service_layout *layout)
{
    if (layout->attention_data > 1) {
        measurement_note(row, "no experts: %u ranks with requests of their own as replicas",
                         layout->attention_data);
    }
    layout->workers *= layout->attention_data;
    layout->attention_data = 1;
    layout->expert = 1;
}

/* Of a pool ("prefill_", "decode_") or of all (""). Experts lie on all of a replica's ranks: more
 * of them than attention has tensor ranks are ranks with requests of their own, said or not. */
static struct service_layout layout_of(struct measurement *row, const struct service_row *service,
                                       const char *prefix)
{
    struct service_layout layout = {.tensor = size_of(row, prefix, "tp_size"),
                                    .pipeline = size_of(row, prefix, "pp_size"),
                                    .attention_data = size_of(row, prefix, "attention_dp_size"),
                                    .workers = size_of(row, prefix, "num_workers")};
    if (!service->has_experts) {
        plain_layout(row, &layout);
        return layout;
    }
    uint32_t cut = size_of(row, prefix, "moe_tp_size");
    uint32_t spread = size_of(row, prefix, "moe_ep_size");
    bool said = measurement_has(row, arena_printf(row->scratch, "%sattention_dp_size", prefix));
    if (!said && cut * spread > layout.tensor && cut * spread % layout.tensor == 0) {
        layout.attention_data = cut * spread / layout.tensor;
    }
    /* Ranks of a node that are written as their number squared: so many tensor (or attention)
     * ranks, times as many that share experts, which are the same. */
    if (cut == service->node_gpus && cut == spread &&
        layout.tensor * layout.attention_data == cut * spread) {
        measurement_note(row, "%u x %u ranks as %u", cut, spread, cut);
        layout.tensor = layout.tensor > 1 ? cut : 1;
        layout.attention_data = layout.tensor > 1 ? 1 : cut;
        cut = 1;
    }
    /* Ranks with requests of their own begin steps together, stages do not: their layers are dealt
     * out as experts are, over as many more ranks. */
    if (layout.pipeline > 1 && layout.attention_data > 1) {
        measurement_note(row, "%u stages of %u ranks with requests of their own: as %u ranks",
                         layout.pipeline, layout.attention_data,
                         layout.pipeline * layout.attention_data);
        layout.attention_data *= layout.pipeline;
        spread *= spread > 1 ? layout.pipeline : 1;
        layout.pipeline = 1;
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
    service->answers = layout_of(row, service, service->pools ? "decode_" : "");
    if (service->pools) {
        service->prompts = layout_of(row, service, "prefill_");
    } else if (service->answers.pipeline > 1 && strcmp(service->engine, "sglang") == 0) {
        measurement_note(row, "%u stages: batched as vLLM does", service->answers.pipeline);
        service->policy = "vllm";
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
 * lengths vary (platforms/clients). Of a client that nobody describes, lengths are as they are
 * said. */
static const char *client_of(struct measurement *row, uint64_t input_tokens)
{
    const char *client = service_client(measurement_text(row, "client"));
    if (client != NULL && strcmp(client, "nvidia-sweep") == 0 && input_tokens % 1000 == 0) {
        return "nvidia-search";
    }
    if (client == NULL || find(row, "platforms/clients", client) == NULL) {
        measurement_note(row, "client '%.40s' as aiperf", client == NULL ? "" : client);
        return "aiperf";
    }
    return client;
}

bool service_row_read(struct measurement *measurement, struct service_row *row)
{
    *row = (struct service_row){.client = NULL};
    row->input_tokens = measurement_count(measurement, "isl", 1, 10000000);
    row->output_tokens = measurement_count(measurement, "osl", 1, 10000000);
    if (measurement->wrong || !find_software(measurement, row) || !find_cluster(measurement, row) ||
        !find_model(measurement, row)) {
        return false;
    }
    row->client = client_of(measurement, row->input_tokens);
    read_layouts(measurement, row);
    row->clients = clients_of(measurement, row);
    return !measurement->wrong;
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

/* Nodes of so many GPUs that a pool, or all, takes. */
static uint64_t nodes_of(const struct service_row *row, const struct service_layout *layout)
{
    return (gpus_of(layout) + row->node_gpus - 1) / row->node_gpus;
}

static void write_service(struct text *text, const struct service_row *row)
{
    text_add(text, "  service: {prefix_cache: false");
    if (row->room == ROOM_LEAN) {
        text_print(text, ", max_batched_tokens: %u tokens, max_sequences: %u", SERVICE_LEAN_TOKENS,
                   LEAN_SEQUENCES);
    }
    if (row->pools) {
        text_add(text, ", policy: disaggregated");
    } else if (row->policy != NULL) {
        text_print(text, ", policy: %s", row->policy);
    }
    text_add(text, "}\n");
}

/* `precision` with half the elements a scale; a preset's blocks have 128. */
static const char *halved_blocks(struct arena *arena, const char *precision)
{
    static const char word[] = "block: ", preset[] = "{preset: ";
    struct text text = {.arena = arena};
    const char *from = precision, *at = strstr(from, word);
    if (strncmp(from, preset, sizeof preset - 1) == 0) {
        at = strchr(from, ',');
        return arena_printf(arena,
                            "%.*s, attention_weights: {block: 64}, ffn_weights: {block: 64}%s",
                            (int)(at - from), from, at);
    }
    for (; at != NULL; at = strstr(from, word)) {
        char *end = NULL;
        unsigned long block = strtoul(at + sizeof word - 1, &end, 10);
        text_print(&text, "%.*s%s%lu", (int)(at - from), from, word, block / 2);
        from = end;
    }
    text_add(&text, from);
    return text.bytes;
}

const char *service_row_yaml(struct arena *arena, const struct service_row *row)
{
    unsigned long long longest = row->input_tokens + row->output_tokens;
    struct text text = {.arena = arena};
    const char *precision =
        row->small_blocks ? halved_blocks(arena, row->precision) : row->precision;
    text_print(&text, "schema: 1\nsoftware: %s\nprecision: %s\n", row->software, precision);
    if (row->room != ROOM_OF_ENGINE) {
        text_print(&text, "model: {use: %s, context: %llu tokens}\nmemory: {%s: %.2f}\n",
                   row->model, longest, row->room == ROOM_LEAN ? "static_fraction" : "fraction",
                   ROOMY_FRACTION);
    } else {
        text_print(&text, "model: %s\n", row->model);
    }
    text_print(&text, "cluster: {use: %s, nodes: %llu}\n", row->cluster,
               (unsigned long long)(nodes_of(row, &row->answers) +
                                    (row->pools ? nodes_of(row, &row->prompts) : 0)));
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
    text_print(&text, "workload:\n  kind: serving\n  client: %s\n", row->client);
    text_print(&text, "  arrivals: {kind: closed-loop, clients: %llu}\n",
               (unsigned long long)row->clients);
    text_print(
        &text,
        "  lengths: {prompt: {kind: fixed, tokens: %llu tokens}, output: {kind: fixed, tokens: "
        "%llu tokens}}\n",
        (unsigned long long)row->input_tokens, (unsigned long long)row->output_tokens);
    write_service(&text, row);
    return text.bytes;
}
