/* SPDX-License-Identifier: MIT */
#include "sim/scenario/notes.h"

#include "sim/base/quantity.h"
#include "sim/scenario/training_setup.h"

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

/* For people and for JSON; `key` NULL: people are told by a warning or the summary. */
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

bool scenario_says_context(const struct scenario *scenario, struct mark *mark)
{
    const struct node *model = node_get(scenario->tree, "model");
    const struct node *said = model != NULL ? node_get(model, "context") : NULL;
    if (said == NULL || (said->origin != ORIGIN_SCENARIO && said->origin != ORIGIN_SET)) {
        return false;
    }
    *mark = said->mark;
    return true;
}

const char *gpu_shape_note(struct arena *arena, const struct gpu *gpu, double keys,
                           double sequences)
{
    const struct {
        const char *what;
        double value;
        const struct fitted_range *range;
    } shapes[] = {{"keys of a rank's attention", keys, &gpu->fitted.attention_keys},
                  {"sequences that decode together", sequences, &gpu->fitted.decode_sequences}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].range->most > 0.0 &&
            shapes[i].value > shapes[i].range->most * (1.0 + far_outside)) {
            return arena_printf(arena,
                                "%.0f %s: the kernels of gpu '%.60s' were measured with at most "
                                "%.0f; beyond it their times are extrapolated",
                                shapes[i].value, shapes[i].what, gpu->name, shapes[i].range->most);
        }
    }
    return NULL;
}

static const char *conversation_shape_note(struct arena *arena, const struct scenario *scenario,
                                           uint64_t tokens)
{
    uint64_t batch = scenario->conversation.batch / layout_attention_data(&scenario->layout);
    return gpu_shape_note(arena, &scenario->gpu, (double)(tokens / scenario->layout.context),
                          (double)batch);
}

/* A law of precision beyond the runs that it was fitted on: a summary says so too. */
static const char *quality_note(struct arena *arena, const struct scenario *scenario)
{
    if (scenario->quality.tokens == 0) {
        return NULL;
    }
    struct quality_question question =
        quality_question_of(&scenario->llm, &scenario->precision, &scenario->quality);
    const struct quality_range *tried = &quality_tried;
    return !quality_of(&question).extrapolates
               ? NULL
               : arena_printf(arena,
                              "the law of precision (arXiv 2411.04330) was fitted on %s to %s "
                              "parameters, %s to %s tokens and %.0f to %.0f bits; beyond them its "
                              "losses are extrapolated",
                              quantity_large(tried->parameters.least).text,
                              quantity_large(tried->parameters.most).text,
                              quantity_large(tried->tokens.least).text,
                              quantity_large(tried->tokens.most).text, tried->bits.least,
                              tried->bits.most);
}

static bool is_outside(double value, const struct fitted_range *range)
{
    return value < range->least || value > range->most;
}

const char *scenario_law_note(struct arena *arena, const struct scenario *scenario)
{
    const struct scaling_law *law = scenario_scaling_law(scenario);
    double parameters = scenario_law_parameters(scenario, law);
    double tokens = scenario_training_tokens(scenario);
    bool ends = scenario_training_ends(scenario);
    bool asked = ends || scenario_has_budget(scenario) || scenario->training.target_loss > 0.0;
    bool beyond = is_outside(parameters, &law->fitted_parameters) ||
                  (ends && is_outside(tokens, &law->fitted_tokens));
    if (!asked || !beyond) {
        return NULL;
    }
    const struct fitted_range *runs = &law->fitted_parameters, *data = &law->fitted_tokens;
    return arena_printf(
        arena,
        "loss_law '%s' was fitted on runs of %s to %s parameters and %s to %s tokens; "
        "this one has %s%s: "
        "its losses are extrapolated",
        scaling_law_name(law), quantity_large(runs->least).text, quantity_large(runs->most).text,
        quantity_large(data->least).text, quantity_large(data->most).text,
        quantity_large(parameters).text,
        ends ? arena_printf(arena, " and %s", quantity_large(tokens).text) : " parameters");
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
        add(&list, "workload", conversation_shape_note(arena, scenario, tokens));
        add(&list, NULL, quality_note(arena, scenario));
    }
    if (scenario->workload == WORKLOAD_TRAINING) {
        add(&list, NULL, scenario_law_note(arena, scenario)); /* its summary says so too */
    }
    const char **notes = ARENA_ARRAY(arena, const char *, list.count);
    for (size_t i = 0; i < list.count; i++) {
        notes[i] = list.texts[i];
    }
    scenario->notes = notes;
    scenario->note_count = list.count;
}

void scenario_notes_print_json(struct json *json, const struct scenario *scenario,
                               const char *const *more, size_t count)
{
    if (scenario->note_count + count == 0) {
        return;
    }
    json_open(json, "notes", '[');
    for (size_t i = 0; i < scenario->note_count; i++) {
        json_string(json, NULL, scenario->notes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        json_string(json, NULL, more[i]);
    }
    json_close(json, ']');
}
