/* SPDX-License-Identifier: MIT */
#include "sim/base/json.h"
#include "sim/inference/roofline.h"

static void write_row(struct json *json, const struct roofline *roofline,
                      const struct roofline_row *row)
{
    json_open(json, NULL, '{');
    if (row->total != NULL) {
        json_string(json, "segment", row->total->segment);
        json_string(json, "name", row->total->name);
        json_string(json, "kind", operator_kind_name(row->total->kind));
        json_string(json, "bound", bound_name(row->total->bound));
        json_number(json, "calls", row->calls);
        json_number(json, "hidden_seconds", row->hidden_seconds);
        json_number(json, "flops_per_second", row->flops_per_second);
        json_number(json, "bytes_per_second", row->bytes_per_second);
        json_number(json, "peak_share", row->peak_share);
    } else {
        json_string(json, "name", "wait");
        json_string(json, "kind", "wait");
    }
    json_number(json, "seconds", row->seconds);
    json_number(json, "share", row->seconds / roofline->step_seconds);
    json_close(json, '}');
}

void roofline_print_json(const struct scenario *scenario, const struct conversation_result *result,
                         struct arena *arena, FILE *stream)
{
    struct json json = {.stream = stream};
    json_open(&json, NULL, '{');
    json_string(&json, "title", scenario->title);
    json_open(&json, "phases", '[');
    for (uint32_t i = 0; i < result->phase_count; i++) {
        const struct phase_result *phase = &result->phases[i];
        struct roofline roofline = roofline_of_phase(scenario, phase, arena);
        json_open(&json, NULL, '{');
        json_string(&json, "phase", phase->phase == PHASE_PREFILL ? "prefill" : "decode");
        json_count(&json, "turn", phase->turn);
        json_count(&json, "new_tokens", phase->new_tokens);
        json_count(&json, "cached_tokens", phase->cached_tokens);
        json_number(&json, "step_seconds", roofline.step_seconds);
        json_number(&json, "sm_clock_hertz", phase->clock_hertz);
        json_open(&json, "seconds_by_bound", '{');
        for (int bound = BOUND_COMPUTE; bound <= BOUND_NETWORK; bound++) {
            json_number(&json, bound_name((enum bound)bound), roofline.bound_seconds[bound]);
        }
        json_number(&json, "wait", roofline.wait_seconds);
        json_close(&json, '}');
        json_open(&json, "operators", '[');
        for (size_t row = 0; row < roofline.row_count; row++) {
            write_row(&json, &roofline, &roofline.rows[row]);
        }
        json_close(&json, ']');
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
}
