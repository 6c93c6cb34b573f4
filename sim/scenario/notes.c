/* SPDX-License-Identifier: MIT */
#include "sim/scenario/notes.h"

/* A part with other SMs or memory of the same die (an H100 PCIe has 114 of 132 SMs) is within. */
static const double far_outside = 0.25;

struct rate_check {
    const char *what;
    double value;
    const struct fitted_range *range;
};

static bool is_far_outside(const struct rate_check *check)
{
    return check->range->most > 0.0 && (check->value < check->range->least * (1.0 - far_outside) ||
                                        check->value > check->range->most * (1.0 + far_outside));
}

const char *gpu_generation_note(struct arena *arena, const struct gpu *gpu)
{
    const struct gpu_generation *generation = &gpu->generation;
    if (gpu->like != NULL) {
        return arena_printf(
            arena,
            "gpu '%.60s' is known by its data sheet alone: what its kernels take is "
            "%.60s's, scaled to it%s; nobody has measured it, its times are guesses",
            gpu->name, gpu->like,
            generation->measured_flops_per_clock.most > 0.0
                ? ""
                : arena_printf(arena, ", in tiles assumed for '%.60s'", generation->name));
    }
    if (generation->measured_flops_per_clock.most <= 0.0) {
        return arena_printf(arena,
                            "gpu '%.60s': no kernel of its generation '%.60s' was measured; times "
                            "of products and attention are guesses",
                            gpu->name, generation->name);
    }
    const struct rate_check checks[] = {
        {"dense bf16 FLOP of an SM in a clock",
         gpu->dense_flops_per_second[FORMAT_BF16] /
             (gpu->rated_clock_hertz * gpu->streaming_multiprocessors),
         &generation->measured_flops_per_clock},
        {"streaming multiprocessors", gpu->streaming_multiprocessors,
         &generation->measured_multiprocessors},
        {"bytes a second of memory", gpu->memory_bytes_per_second,
         &generation->measured_memory_bytes_per_second},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        const struct fitted_range *range = checks[i].range;
        if (is_far_outside(&checks[i])) {
            const char *measured =
                range->least < range->most
                    ? arena_printf(arena, "%.4g to %.4g", range->least, range->most)
                    : arena_printf(arena, "%.4g", range->most);
            return arena_printf(arena,
                                "gpu '%.60s': %.4g %s, and the kernels of its generation '%.60s' "
                                "were measured at %s; its times are guesses (another chip needs a "
                                "file of its own: gpu.generation)",
                                gpu->name, checks[i].value, checks[i].what, generation->name,
                                measured);
        }
    }
    return NULL;
}

enum { MOST_NOTES = 8 };

struct note_list {
    const char *texts[MOST_NOTES];
    size_t count;
    const struct node *tree;
    struct arena *arena;
    struct diagnostics *diagnostics;
};

/* For people and for JSON; `key` NULL: people have been told already. */
static void add(struct note_list *list, const char *key, const char *text)
{
    if (text == NULL || list->count == MOST_NOTES) {
        return;
    }
    list->texts[list->count++] = text;
    if (key != NULL) {
        const struct node *node = node_get(list->tree, key);
        diagnostics_add(list->diagnostics, SEVERITY_NOTE,
                        node == NULL || node->origin == ORIGIN_DEFAULT ? list->tree->mark
                                                                       : node->mark,
                        "%s", text);
    }
}

/* Products that are asked for in a format that the GPU's matrix units lack. */
static const char *wider_note(struct arena *arena, const struct scenario *scenario)
{
    const struct precision *precision = &scenario->precision;
    const struct number weights[] = {precision->attention_weights, precision->ffn_weights};
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        enum format asked = precision_inputs(weights[i], precision->activations);
        struct product_formats product =
            precision_product(&scenario->gpu, weights[i], precision->activations);
        if (format_bits(product.compute) > format_bits(asked)) {
            return arena_printf(arena,
                                "gpu '%.60s' has no dense rate of %s: products that are asked for "
                                "in it are computed in %s; less memory is read, no product is "
                                "faster",
                                scenario->gpu.name, format_name(asked),
                                format_name(product.compute));
        }
    }
    return NULL;
}

/* A conversation beyond what the model was made for: a warning has said so. */
static const char *context_note(struct arena *arena, const struct scenario *scenario,
                                uint64_t tokens)
{
    uint64_t context = scenario->llm.context;
    return context == 0 || tokens <= context
               ? NULL
               : arena_printf(arena,
                              "the conversation has %llu tokens in the end, and the model was made "
                              "for %llu (model.context)",
                              (unsigned long long)tokens, (unsigned long long)context);
}

/* Shapes beyond those that the GPU's constants were fitted on. */
static const char *shape_note(struct arena *arena, const struct scenario *scenario, uint64_t tokens)
{
    const struct gpu_fitted *fitted = &scenario->gpu.fitted;
    uint64_t keys = tokens / scenario->layout.context;
    uint64_t batch = scenario->conversation.batch / layout_attention_data(&scenario->layout);
    const struct {
        const char *what;
        double value;
        const struct fitted_range *range;
    } shapes[] = {{"keys of a rank's attention", (double)keys, &fitted->attention_keys},
                  {"sequences that decode together", (double)batch, &fitted->decode_sequences}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].range->most > 0.0 &&
            shapes[i].value > shapes[i].range->most * (1.0 + far_outside)) {
            return arena_printf(arena,
                                "%.0f %s: the kernels of gpu '%.60s' were measured with at most "
                                "%.0f; beyond it their times are extrapolated",
                                shapes[i].value, shapes[i].what, scenario->gpu.name,
                                shapes[i].range->most);
        }
    }
    return NULL;
}

void scenario_note(struct scenario *scenario, const struct node *tree, struct arena *arena,
                   struct diagnostics *diagnostics)
{
    struct note_list list = {.tree = tree, .arena = arena, .diagnostics = diagnostics};
    add(&list, "gpu", gpu_generation_note(arena, &scenario->gpu));
    add(&list, "precision", wider_note(arena, scenario));
    if (scenario->workload == WORKLOAD_CONVERSATION) {
        const struct conversation *conversation = &scenario->conversation;
        uint64_t tokens = conversation->cached_tokens;
        for (size_t i = 0; i < conversation->turn_count; i++) {
            tokens += conversation->turns[i].prompt_tokens + conversation->turns[i].output_tokens;
        }
        add(&list, NULL, context_note(arena, scenario, tokens));
        add(&list, "workload", shape_note(arena, scenario, tokens));
    }
    const char **notes = ARENA_ARRAY(arena, const char *, list.count);
    for (size_t i = 0; i < list.count; i++) {
        notes[i] = list.texts[i];
    }
    scenario->notes = notes;
    scenario->note_count = list.count;
}

void scenario_notes_print_json(struct json *json, const struct scenario *scenario, const char *more)
{
    if (scenario->note_count == 0 && more == NULL) {
        return;
    }
    json_open(json, "notes", '[');
    for (size_t i = 0; i < scenario->note_count; i++) {
        json_string(json, NULL, scenario->notes[i]);
    }
    if (more != NULL) {
        json_string(json, NULL, more);
    }
    json_close(json, ']');
}
