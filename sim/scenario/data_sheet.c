/* SPDX-License-Identifier: MIT */
#include "sim/scenario/data_sheet.h"

#include "models/machine/gpu.h"
#include "sim/scenario/tables.h"

#include <math.h>
#include <string.h>

/* Values of this GPU's data sheet over the other's. */
struct ratios {
    double memory_rate, multiprocessors, boost_clock, power, matrix_rate;
};

static double as_it_is(const struct ratios *ratios)
{
    (void)ratios;
    return 1.0;
}

static double with_memory(const struct ratios *ratios)
{
    return ratios->memory_rate;
}

static double with_memory_of_sm(const struct ratios *ratios)
{
    return ratios->memory_rate / ratios->multiprocessors;
}

/* A cache is no slower than the memory behind it. */
static double with_sms_and_clock(const struct ratios *ratios)
{
    return fmax(ratios->multiprocessors * ratios->boost_clock, ratios->memory_rate);
}

/* Operands of a tile come as fast as the matrix unit of an SM takes them. */
static double with_matrix_of_sm(const struct ratios *ratios)
{
    return ratios->matrix_rate / (ratios->multiprocessors * ratios->boost_clock);
}

static double with_power(const struct ratios *ratios)
{
    return ratios->power;
}

/* At its full rate each draws the same share of the power limit. */
static double power_of_matrix(const struct ratios *ratios)
{
    return ratios->power / ratios->matrix_rate;
}

static double power_of_sms(const struct ratios *ratios)
{
    return ratios->power / (ratios->multiprocessors * ratios->boost_clock);
}

static double power_of_memory(const struct ratios *ratios)
{
    return ratios->power / ratios->memory_rate;
}

/* Of keys that are not here, all values below are as they are. */
static const struct rule {
    const char *key;
    double (*factor)(const struct ratios *ratios);
    const char *how;
} rules[] = {
    {"swiglu_rate", with_memory, "by the memory's rate"},
    {"quantise_rate", with_memory, "by the memory's rate"},
    {"dequantise_rate", with_memory, "by the memory's rate"},
    {"decode_ramp_bytes", with_memory, "by the memory's rate"},
    {"sm_memory_rate", with_memory_of_sm, "by the memory's rate of an SM"},
    {"l2_rate", with_sms_and_clock, "by SMs and clock"},
    {"tile_bytes_per_clock", with_matrix_of_sm, "by the matrix rate of an SM"},
    {"idle_power", with_power, "by the power limit"},
    {"clock_power", with_power, "by the power limit"},
    {"burst_power", with_power, "by the power limit"},
    {"burst_energy", with_power, "by the power limit"},
    {"joules_per_flop", power_of_matrix, "by the power limit over the bf16 rate"},
    {"softmax_joules_per_score", power_of_sms, "by the power limit over SMs and clock"},
    {"tile_joules_per_byte", power_of_sms, "by the power limit over SMs and clock"},
    {"memory_joules_per_byte", power_of_memory, "by the power limit over the memory's rate"},
};

/* What only the GPU itself can say, or nobody has measured. */
static bool is_its_own(const char *key)
{
    static const char *const own[] = {"name",
                                      "title",
                                      "devices",
                                      "like",
                                      "generation",
                                      "memory",
                                      "memory_rate",
                                      "l2",
                                      "dense_rate",
                                      "lanes",
                                      "rated_clock",
                                      "boost_clock",
                                      "power_limit",
                                      "link_rate",
                                      "stated_rate",
                                      "fitted",
                                      "streaming_multiprocessors"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (strcmp(key, own[i]) == 0) {
            return true;
        }
    }
    return false;
}

static double value_of(struct node *gpu, const char *path)
{
    const struct field *field = field_find_path(gpu_fields, path);
    const struct node *node = node_find(gpu, path);
    if (node == NULL || node->kind != NODE_SCALAR) {
        return 0.0;
    }
    struct quantity_reading reading = field_quantity_read(field->kind, node->text);
    return reading.fault == QUANTITY_OK ? reading.value : 0.0;
}

static void scale(const struct expansion *expansion, const struct field *field, struct node *node,
                  const struct rule *rule, double factor, const char *like)
{
    struct arena *arena = expansion->arena;
    if (node->kind == NODE_MAPPING) {
        for (size_t i = 0; i < node->count; i++) {
            scale(expansion, field_find(field->fields, node->entries[i].key),
                  node->entries[i].value, rule, factor, like);
        }
        return;
    }
    node->source = rule == NULL ? arena_printf(arena, "as %s: assumed", like)
                                : arena_printf(arena, "of %s, scaled %s: assumed", like, rule->how);
    if (rule != NULL && node->kind == NODE_SCALAR && field != NULL) {
        struct quantity_reading reading = field_quantity_read(field->kind, node->text);
        char text[64];
        quantity_print(text, sizeof text, reading.value * factor, field_quantity(field->kind));
        node->text = reading.fault == QUANTITY_OK ? arena_printf(arena, "%s", text) : node->text;
    }
}

static const struct rule *find_rule(const char *key)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(rules[i].key, key) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

void data_sheet_complete(const struct expansion *expansion, struct node *gpu)
{
    struct arena *arena = expansion->arena;
    const struct node *like = gpu->kind == NODE_MAPPING ? node_get(gpu, "like") : NULL;
    if (like == NULL || like->kind != NODE_SCALAR) {
        return;
    }
    const struct field *field = field_find(scenario_fields, "gpu");
    const char *path = expand_find_file(expansion, field, like);
    struct node *other = path == NULL ? NULL : expand_data_file(expansion, field, path);
    if (other == NULL || other->kind != NODE_MAPPING) {
        return;
    }
    const char *const sheet[] = {"memory_rate", "streaming_multiprocessors", "boost_clock",
                                 "power_limit", "dense_rate.bf16"};
    double over[sizeof sheet / sizeof *sheet];
    for (size_t i = 0; i < sizeof sheet / sizeof *sheet; i++) {
        double own = value_of(gpu, sheet[i]), its = value_of(other, sheet[i]);
        over[i] = own > 0.0 && its > 0.0 ? own / its : 1.0; /* what is missing is complained of */
    }
    const struct ratios ratios = {over[0], over[1], over[2], over[3], over[4]};
    for (size_t i = 0; i < other->count; i++) {
        const char *key = other->entries[i].key;
        const struct field *row = field_find(gpu_fields, key);
        if (row == NULL || is_its_own(key) || node_get(gpu, key) != NULL) {
            continue;
        }
        struct node *value = node_copy(arena, other->entries[i].value);
        const struct rule *rule = find_rule(key);
        scale(expansion, row, value, rule, (rule == NULL ? as_it_is : rule->factor)(&ratios),
              like->text);
        node_put(arena, gpu, key, like->mark, value);
    }
    struct node *clock = node_get(gpu, "boost_clock");
    if (node_get(gpu, "rated_clock") == NULL && clock != NULL) {
        node_put(arena, gpu, "rated_clock", like->mark, node_copy(arena, clock));
    }
}

/* `source` is where the value comes from, as a mapping says that of all below it. */
static void put_number(const struct expansion *expansion, struct node *cluster, const char *key,
                       double value, const struct node *from)
{
    const struct field *field = field_find(cluster_fields, key);
    char text[64];
    quantity_print(text, sizeof text, value, field_quantity(field->kind));
    struct node *node = node_scalar(expansion->arena, arena_strdup(expansion->arena, text),
                                    from->mark, from->origin);
    node->source = from->source;
    node_put(expansion->arena, cluster, key, from->mark, node);
}

static double number_of(const struct field *fields, struct node *mapping, const char *key,
                        const struct node **from)
{
    const struct node *node = node_get(mapping, key);
    *from = node;
    if (node == NULL || node->kind != NODE_SCALAR) {
        return 0.0;
    }
    struct quantity_reading reading =
        field_quantity_read(field_find(fields, key)->kind, node->text);
    return reading.fault == QUANTITY_OK ? reading.value : 0.0;
}

void cluster_complete(const struct expansion *expansion, struct node *cluster, struct node *gpu)
{
    if (cluster == NULL || cluster->kind != NODE_MAPPING) {
        return;
    }
    const struct node *from = NULL, *card = NULL;
    bool linked = gpu != NULL && gpu->kind == NODE_MAPPING;
    double link = linked ? number_of(gpu_fields, gpu, "link_rate", &from) : 0.0;
    if (link > 0.0 && node_get(cluster, "node_rate") == NULL) {
        put_number(expansion, cluster, "node_rate", link, from);
    }
    struct node *fabric = node_take(cluster, "fabric");
    if (fabric == NULL || fabric->kind != NODE_MAPPING) {
        return;
    }
    /* Kinds and ranges of its values, by its table; what the cluster says itself is its own. */
    const struct field_context context = {.arena = expansion->arena,
                                          .diagnostics = expansion->diagnostics};
    fields_read(&context, fabric_fields, fabric, "cluster.fabric", NULL);
    if (node_get(cluster, "connection_rate") != NULL) {
        DIAGNOSE_ERROR(expansion->diagnostics, fabric->mark,
                       "cluster.fabric: has no effect where the cluster says connection_rate; "
                       "leave one of them out");
        return;
    }
    double share = number_of(fabric_fields, fabric, "connection_share", &from);
    double rate = number_of(cluster_fields, cluster, "nic_rate", &card);
    if (share > 0.0 && rate > 0.0) {
        put_number(expansion, cluster, "connection_rate", share * rate, from);
    }
    const char *const pairs[][2] = {{"latency", "fabric_latency"}, {"spread", "fabric_spread"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        double seconds = number_of(fabric_fields, fabric, pairs[i][0], &from);
        if (seconds > 0.0 && node_get(cluster, pairs[i][1]) == NULL) {
            put_number(expansion, cluster, pairs[i][1], seconds, from);
        }
    }
}

static const char gpu_form[] =
    "# A GPU by its data sheet: fill in, save beside a scenario as my-gpu.yaml, say gpu: my-gpu.\n"
    "# What is not here is taken from a measured GPU (like) and scaled to these numbers; every "
    "run\n"
    "# notes that nobody has measured it. cpsim check my-gpu.yaml reads it, cpsim calibrate fits\n"
    "# the rest to kernels that you measure.\n"
    "schema: 1\n"
    "title: My GPU, 80 GB\n"
    "source: \"its data sheet\"             # of all numbers below that say no other\n"
    "generation: hopper                   # or ampere, ada, blackwell, cdna3: tiles of kernels\n"
    "like: h100-sxm                       # the measured GPU\n"
    "dense_rate:                          # without sparsity; leave out formats that it lacks\n"
    "  bf16: 989.4 TFLOP/s\n"
    "  fp16: 989.4 TFLOP/s\n"
    "  fp8: 1978.9 TFLOP/s\n"
    "memory: 80 GB\n"
    "memory_rate: 3.35 TB/s\n"
    "l2: 50 MB                            # the last cache before the memory\n"
    "streaming_multiprocessors: 132       # or compute units\n"
    "boost_clock: 1.83 GHz                # that the dense rates are stated at\n"
    "power_limit: 700 W\n"
    "link_rate: 450 GB/s                  # to GPUs of its node, each direction\n";

static const char cluster_form[] =
    "# A cluster by its data sheet: fill in, save beside a scenario as my-cluster.yaml, say\n"
    "# cluster: my-cluster. Links between GPUs of a node are the GPU's (link_rate).\n"
    "schema: 1\n"
    "title: My cluster, 8 GPUs a node, 400 Gb/s a GPU\n"
    "source: \"its data sheet\"\n"
    "gpu: h100-sxm\n"
    "nodes: 4\n"
    "gpus_per_node: 8                     # joined by links of their own\n"
    "nics_per_node: 8                     # network cards\n"
    "nic_rate: 400 Gb/s                   # of one card, each direction\n"
    "fabric: infiniband                   # or roce, efa, tcp\n";

const char *data_sheet_form(const char *key)
{
    return strcmp(key, "gpu") == 0 ? gpu_form : strcmp(key, "cluster") == 0 ? cluster_form : NULL;
}
