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

void scenario_note(struct scenario *scenario, const struct node *tree, struct arena *arena,
                   struct diagnostics *diagnostics)
{
    const char *note = gpu_generation_note(arena, &scenario->gpu);
    if (note == NULL) {
        return;
    }
    const struct node *gpu = node_get(tree, "gpu");
    diagnostics_add(diagnostics, SEVERITY_NOTE, gpu->mark, "%s", note);
    const char **notes = ARENA_ARRAY(arena, const char *, 1);
    notes[0] = note;
    scenario->notes = notes;
    scenario->note_count = 1;
}

void scenario_notes_print_json(struct json *json, const struct scenario *scenario)
{
    if (scenario->note_count == 0) {
        return;
    }
    json_open(json, "notes", '[');
    for (size_t i = 0; i < scenario->note_count; i++) {
        json_string(json, NULL, scenario->notes[i]);
    }
    json_close(json, ']');
}
