/* SPDX-License-Identifier: MIT
 * Whole scenarios: the shipped ones fill every struct, names are found and changed key by key, and
 * the resolved text reads back as the same scenario. The tables themselves are held to their rules:
 * every default must pass its own checks. */
#include "diagnosed.h"

#include "hopper.h"
#include "sim/config/find.h"
#include "sim/scenario/load.h"
#include "sim/scenario/tables.h"

#include <string.h>
#include <unistd.h>

static const char shipped[] = CPSIM_SOURCE_DIR "/scenarios/llama405b.yaml";

static const struct scenario *load(struct arena *arena, const char *path,
                                   const struct override *overrides, size_t count)
{
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario = scenario_load(arena, path, overrides, count, diagnostics);
    char *text = diagnosed(diagnostics);
    ck_assert_str_eq(text, "");
    free(text);
    diagnostics_destroy(diagnostics);
    ck_assert_ptr_nonnull(scenario);
    return scenario;
}

START_TEST(the_main_scenario_fills_every_struct)
{
    struct arena *arena = arena_create();
    const struct scenario *scenario = load(arena, shipped, NULL, 0);
    ck_assert_str_eq(scenario->title, "One-million-token conversation, Llama 3 405B, TP8 x CP16");
    ck_assert_uint_eq(scenario->seed, 0);
    ck_assert_str_eq(scenario->llm.name, "llama3-405b");
    ck_assert_uint_eq(scenario->llm.keys.layers, 126);
    ck_assert_uint_eq(scenario->llm.hidden, 16384);
    ck_assert(scenario->llm.keys.gated_ffn);
    /* arXiv 2407.21783, section 3.2: 405 B trainable parameters. */
    ck_assert_double_eq_tol(llm_weights(&scenario->llm), 405.85e9, 0.01e9);
    ck_assert_str_eq(scenario->cluster.name, "gtt");
    ck_assert_uint_eq(scenario->cluster.nodes, 16);
    ck_assert_uint_eq(scenario->cluster.gpus_per_node, 8);
    ck_assert_double_eq(scenario->cluster.nic_bytes_per_second, 50e9); /* 400 Gb/s */
    ck_assert_str_eq(scenario->gpu.name, "h100-hbm2e-500w");
    ck_assert_double_eq(scenario->gpu.memory_bytes, 96e9);
    ck_assert_double_eq(scenario->gpu.power_limit_watts, 500.0);
    ck_assert_double_gt(scenario->gpu.dense_flops_per_second[FORMAT_BF16], 500e12);
    ck_assert_str_eq(scenario->software.name, "meta-context-parallel");
    ck_assert(scenario->software.decode_graph && !scenario->software.prefill_graph);
    ck_assert_uint_eq(scenario->layout.tensor, 8);
    ck_assert_uint_eq(scenario->layout.context, 16);
    ck_assert_uint_eq(scenario->layout.pipeline, 1);
    ck_assert_uint_eq(scenario->layout.data, 1);
    ck_assert_int_eq(scenario->precision.ffn_weights.format, FORMAT_FP8);
    ck_assert_int_eq(scenario->precision.ffn_weights.scaling, SCALING_ROW);
    ck_assert_int_eq(scenario->precision.attention_weights.format, FORMAT_BF16);
    ck_assert_int_eq(scenario->precision.embedding.format, FORMAT_BF16);
    ck_assert_int_eq(scenario->precision.activations, FORMAT_BF16);
    ck_assert_int_eq(scenario->precision.kv_cache, FORMAT_BF16);
    ck_assert_int_eq(scenario->ring_rule, RING_RULE_AUTO);
    ck_assert_int_eq(scenario->workload, WORKLOAD_CONVERSATION);
    ck_assert_uint_eq(scenario->conversation.batch, 1);
    ck_assert_uint_eq(scenario->conversation.turn_count, 2);
    ck_assert_uint_eq(scenario->conversation.turns[0].prompt_tokens, 1000000);
    ck_assert_uint_eq(scenario->conversation.turns[1].prompt_tokens, 4000);
    ck_assert_uint_eq(scenario->conversation.turns[1].output_tokens, 256);
    ck_assert_uint_eq(scenario->background_count, 0);
    ck_assert_ptr_null(scenario->platform_xml);
    ck_assert_int_eq(scenario->detail, DETAIL_FOLDED);
    ck_assert_double_eq(scenario->memory_fraction, 0.9);
    ck_assert_str_eq(scenario->trace.file, "llama405b.h5");
    ck_assert_int_eq(scenario->trace.operators, OPERATORS_LAYER);
    arena_destroy(arena);
}
END_TEST

/* What a table stores must be alike in two structs: texts by their letters, the rest by bytes. A
 * key that the resolved text leaves out shows here. */
static void same_members(const struct field *fields, const char *first, const char *second)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        const char *a = first + field->offset, *b = second + field->offset;
        const char *texts[2] = {NULL, NULL};
        bool is_text = field->kind == FIELD_NAME || field->kind == FIELD_STRING;
        if (field->size == 0) {
            continue;
        }
        if (field->kind == FIELD_MAPPING) {
            same_members(field->fields, a, b);
        } else if (is_text) {
            memcpy(&texts[0], a, sizeof texts[0]);
            memcpy(&texts[1], b, sizeof texts[1]);
            ck_assert_pstr_eq(texts[0], texts[1]);
        } else {
            ck_assert_msg(memcmp(a, b, field->size) == 0, "'%s' differs", field->key);
        }
    }
}

static void same_figures(const char *key, const void *first, const void *second)
{
    same_members(field_find(scenario_fields, key)->fields, first, second);
}

/* Nothing of the run may depend on where files lie, so neither may the text that a trace keeps. */
START_TEST(the_resolved_text_reads_back_as_itself)
{
    struct arena *arena = arena_create();
    const struct scenario *first = load(arena, shipped, NULL, 0);
    const char *yaml = scenario_yaml(arena, first);
    ck_assert_ptr_null(strstr(yaml, CPSIM_SOURCE_DIR));
    ck_assert_ptr_null(strchr(yaml, '#'));
    char path[] = "/tmp/cpsim-resolved-XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    FILE *stream = fdopen(descriptor, "wb");
    fputs(yaml, stream);
    fclose(stream);
    const struct scenario *second = load(arena, path, NULL, 0);
    unlink(path);
    ck_assert_str_eq(yaml, scenario_yaml(arena, second));
    same_figures("model", &first->llm, &second->llm);
    same_figures("gpu", &first->gpu, &second->gpu);
    same_figures("cluster", &first->cluster, &second->cluster);
    same_figures("software", &first->software, &second->software);
    ck_assert_mem_eq(&first->precision, &second->precision, sizeof first->precision);
    arena_destroy(arena);
}
END_TEST

START_TEST(overrides_change_one_value_each)
{
    struct arena *arena = arena_create();
    static const struct override overrides[] = {
        {.text = "layout.tensor=4"},
        {.text = "layout.tensor=2"}, /* the last wins */
        {.text = "model.layers=3"},
        {.text = "gpu.power_limit=350 W"},
        {.text = "software.step=1 ms"},
        {.text = "precision.kv_cache=fp8"},
        {.text = "workload.turns.1.prompt=7 tokens"},
        {.text = "cluster.nic_rate=200 Gb/s"},
        {.text = "cluster.connection_rate=25 GB/s"},
    };
    const struct scenario *plain = load(arena, shipped, NULL, 0);
    const struct scenario *changed =
        load(arena, shipped, overrides, sizeof overrides / sizeof *overrides);
    ck_assert_uint_eq(changed->layout.tensor, 2);
    ck_assert_uint_eq(changed->layout.context, 16);
    ck_assert_uint_eq(changed->llm.keys.layers, 3);
    ck_assert_uint_eq(changed->llm.hidden, 16384);
    ck_assert_double_eq(changed->gpu.power_limit_watts, 350.0);
    ck_assert_double_eq(changed->gpu.memory_bytes, plain->gpu.memory_bytes);
    ck_assert_str_eq(changed->gpu.name, "h100-hbm2e-500w");
    ck_assert_double_eq(changed->software.step_seconds, 1e-3);
    ck_assert_int_eq(changed->precision.kv_cache, FORMAT_FP8);
    ck_assert_int_eq(changed->precision.ffn_weights.format, FORMAT_FP8);
    ck_assert_uint_eq(changed->conversation.turns[0].prompt_tokens, 1000000);
    ck_assert_uint_eq(changed->conversation.turns[1].prompt_tokens, 7);
    ck_assert_double_eq(changed->cluster.nic_bytes_per_second, 25e9);
    ck_assert_uint_eq(changed->cluster.nodes, 16);
    arena_destroy(arena);
}
END_TEST

static void load_all(const char *key, void *object)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct find_path path = find_path(arena, NULL);
    struct found_file *files = NULL;
    size_t count = find_all(arena, &path, field_find_path(scenario_fields, key)->folder, &files);
    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        const struct node *tree = data_file_load(arena, key, files[i].path, object, diagnostics);
        char *text = diagnosed(diagnostics);
        ck_assert_str_eq(text, "");
        free(text);
        ck_assert_ptr_nonnull(tree);
        ck_assert_msg(node_get(tree, "title") != NULL, "%s has no title", files[i].path);
    }
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

START_TEST(every_shipped_file_loads)
{
    static struct llm llm;
    static struct gpu gpu;
    static struct cluster cluster;
    static struct software software;
    load_all("model", &llm);
    load_all("gpu", &gpu);
    load_all("cluster", &cluster);
    load_all("gpu.generation", &gpu.generation);
    load_all("software", &software);
    load_all("software.kernels", &software.kernels);
    load_all("software.exchange", &software.exchange);
    load_all("software.collectives", &software.library);
}
END_TEST

static bool same_tiles(const struct tile_list *a, const struct tile_list *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->tiles, b->tiles, a->count * sizeof *a->tiles) == 0);
}

/* tests/hopper.h is what the file says, so that tests by hand are of the shipped tiles. */
START_TEST(hopper_of_the_tests_is_the_file)
{
    const struct gpu_generation expected = HOPPER_GENERATION;
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct gpu_generation read = {.name = NULL};
    ck_assert_ptr_nonnull(data_file_load(arena, "gpu.generation",
                                         CPSIM_SOURCE_DIR "/platforms/generations/hopper.yaml",
                                         &read, diagnostics));
    for (int i = 0; i < SCALING_COUNT; i++) {
        const struct tile_family *a = &expected.families[i], *b = &read.families[i];
        ck_assert(same_tiles(&a->tiles, &b->tiles));
        ck_assert(same_tiles(&a->narrow_tiles, &b->narrow_tiles));
        ck_assert(a->splits == b->splits);
    }
    ck_assert(same_tiles(&expected.grouped_tiles, &read.grouped_tiles));
    ck_assert_uint_eq(read.split_count, expected.split_count);
    ck_assert_mem_eq(read.splits, expected.splits, read.split_count * sizeof *read.splits);
    ck_assert_uint_eq(read.matrix_rows, expected.matrix_rows);
    ck_assert_uint_eq(read.least_side, expected.least_side);
    ck_assert_double_eq(read.stage_bytes, expected.stage_bytes);
    ck_assert_uint_eq(read.few_rows, expected.few_rows);
    ck_assert_uint_eq(read.grouped_few_rows, expected.grouped_few_rows);
    ck_assert_uint_eq(read.attention_queries, expected.attention_queries);
    ck_assert_uint_eq(read.decode_queries, expected.decode_queries);
    ck_assert_uint_eq(read.decode_rows, expected.decode_rows);
    ck_assert_uint_eq(read.decode_whole_keys, expected.decode_whole_keys);
    ck_assert_uint_eq(read.decode_part_keys, expected.decode_part_keys);
    ck_assert_uint_eq(read.head_step, expected.head_step);
    ck_assert_double_eq(read.l2_share, expected.l2_share);
    ck_assert_double_eq(read.lowest_clock_share, expected.lowest_clock_share);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

static void hold_to_rules(const struct field_context *context, const struct field *fields)
{
    for (const struct field *field = fields; field->key != NULL; field++) {
        const char *key = field->key;
        ck_assert_msg(field_find(fields, key) == field, "'%s' has two rows", key);
        ck_assert_msg(field->doc != NULL && field->doc[strlen(field->doc) - 1] == '.',
                      "'%s' is not documented with a sentence", key);
        ck_assert_msg(!field->required || field->fallback == NULL, "'%s': a default never used",
                      key);
        ck_assert_msg(field->max == 0.0 || field->max >= field->min, "'%s': an empty range", key);
        ck_assert_msg(strcmp(key, "use") != 0 && strcmp(key, "preset") != 0 &&
                          strcmp(key, "value") != 0 && strcmp(key, "source") != 0,
                      "'%s' has a meaning of its own everywhere", key);
        if (field->fallback != NULL) {
            /* A copy of the row, alone, that stores nothing: does the default pass it? */
            struct field alone[] = {*field, {0}};
            alone[0].size = 0;
            char object[1];
            struct node *empty = node_mapping(context->arena, (struct mark){0}, ORIGIN_SCENARIO);
            fields_read(context, alone, empty, "", object);
        }
        if (field->kind == FIELD_MAPPING) {
            hold_to_rules(context, field->fields);
        } else if (field->kind == FIELD_LIST && field->item->kind == FIELD_MAPPING) {
            hold_to_rules(context, field->item->fields);
        }
        for (const struct variant *variant = field->kind == FIELD_TAGGED ? field->variants : NULL;
             variant != NULL && variant->name != NULL; variant++) {
            hold_to_rules(context, variant->fields);
        }
    }
}

START_TEST(the_tables_keep_their_rules)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct field_context context = {.arena = arena, .diagnostics = diagnostics};
    hold_to_rules(&context, scenario_fields);
    char *text = diagnosed(diagnostics);
    ck_assert_str_eq(text, "");
    free(text);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(scenario_load, the_main_scenario_fills_every_struct,
          the_resolved_text_reads_back_as_itself, overrides_change_one_value_each,
          every_shipped_file_loads, hopper_of_the_tests_is_the_file, the_tables_keep_their_rules)
