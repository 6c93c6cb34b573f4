/* SPDX-License-Identifier: MIT */
#include "sim/inference/figures.h"
#include "sim/inference/summary.h"

static void write_operators(struct json *json, const struct operator_totals *totals)
{
    json_open(json, "operators", '[');
    for (uint32_t i = 0; i < totals->count; i++) {
        const struct operator_total *total = &totals->totals[i];
        json_open(json, NULL, '{');
        json_string(json, "segment", total->segment);
        json_string(json, "name", total->name);
        json_string(json, "kind", operator_kind_name(total->kind));
        json_string(json, "bound", bound_name(total->bound));
        if (total->algorithm != NULL) {
            json_string(json, "algorithm", total->algorithm);
        }
        json_count(json, "repeat", total->repeat);
        json_count(json, "calls", total->calls);
        json_number(json, "seconds", total->seconds);
        json_number(json, "flops", total->flops);
        json_number(json, "bytes", total->bytes);
        json_close(json, '}');
    }
    json_close(json, ']');
}

/* Keys of the release before this one. */
static void write_former(const struct figure_table *table, const void *subject, const char *key,
                         const char *path, struct json *json)
{
    json_open(json, key, '{');
    figures_write_former(table, subject, path, json);
    json_close(json, '}');
}

static void write_phase(struct json *json, const struct phase_result *phase)
{
    bool prefill = phase->phase == PHASE_PREFILL;
    const struct figure_table *all = &conversation_tables[CONVERSATION_PHASE];
    json_open(json, NULL, '{');
    json_string(json, "phase", prefill ? "prefill" : "decode");
    json_count(json, "turn", phase->turn);
    json_count(json, "sequences", phase->sequences);
    json_count(json, "new_tokens", phase->new_tokens);
    json_count(json, "cached_tokens", phase->cached_tokens);
    json_number(json, "start_seconds", phase->start_seconds);
    figures_write(&conversation_tables[prefill ? CONVERSATION_PREFILL : CONVERSATION_DECODE], phase,
                  json);
    figures_write(all, phase, json);
    write_former(all, phase, "seconds_by_class", "phases[].seconds_by_class", json);
    write_former(all, phase, "memory_per_gpu", "phases[].memory_per_gpu", json);
    write_operators(json, phase->totals);
    json_close(json, '}');
}

void summary_write_json(const struct conversation_result *result, struct json *json)
{
    json_open(json, "phases", '[');
    for (uint32_t i = 0; i < result->phase_count; i++) {
        write_phase(json, &result->phases[i]);
    }
    json_close(json, ']');
    figures_write_former(&conversation_tables[CONVERSATION_RUN], result, "", json);
    if (result->quality_asked) {
        write_former(&conversation_tables[CONVERSATION_QUALITY], result, "quality", "quality",
                     json);
    }
}
