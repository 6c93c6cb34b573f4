/* SPDX-License-Identifier: MIT */
#include "sim/base/json.h"
#include "sim/inference/summary.h"
#include "sim/inference/summary_quality.h"
#include "sim/scenario/notes.h"

static void write_breakdown(struct json *json, const struct breakdown *breakdown)
{
    static const char *const keys[TIME_CLASS_COUNT] = {
        [TIME_GEMM] = "gemm",
        [TIME_ATTENTION] = "attention",
        [TIME_MEMORY] = "memory_kernels",
        [TIME_TENSOR] = "tensor_collectives",
        [TIME_RING] = "ring_exposed",
        [TIME_HOST] = "host",
        [TIME_IDLE] = "idle",
    };
    json_open(json, "seconds_by_class", '{');
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        json_number(json, keys[i], breakdown->seconds[i]);
    }
    json_close(json, '}');
}

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

static void write_phase(struct json *json, const struct phase_result *phase)
{
    json_open(json, NULL, '{');
    json_string(json, "phase", phase->phase == PHASE_PREFILL ? "prefill" : "decode");
    json_count(json, "turn", phase->turn);
    json_count(json, "sequences", phase->sequences);
    json_count(json, "new_tokens", phase->new_tokens);
    json_count(json, "cached_tokens", phase->cached_tokens);
    json_string(json, "ring", ring_variant_name(phase->variant));
    if (phase->other_seconds > 0.0) {
        json_number(json, "other_ring_seconds", phase->other_seconds);
    }
    json_number(json, "start_seconds", phase->start_seconds);
    json_number(json, "seconds", phase->seconds);
    json_number(json, phase->phase == PHASE_PREFILL ? "ttft_seconds" : "tpot_seconds",
                phase->latency_seconds);
    write_breakdown(json, &phase->breakdown);
    json_number(json, "flops", phase->flops);
    json_number(json, "mfu", phase->mfu);
    json_number(json, "nvlink_bytes", phase->node_bytes);
    json_number(json, "network_bytes", phase->fabric_bytes);
    json_number(json, "joules", phase->joules);
    json_number(json, "sm_clock_hertz", phase->clock_hertz);
    json_number(json, "watts_per_gpu", phase->watts);
    json_open(json, "memory_per_gpu", '{');
    json_number(json, "weight_bytes", phase->memory.weight_bytes);
    json_number(json, "kv_cache_bytes", phase->memory.kv_cache_bytes);
    json_number(json, "activation_bytes", phase->memory.activation_bytes);
    json_close(json, '}');
    write_operators(json, phase->totals);
    json_close(json, '}');
}

void summary_print_json(const struct conversation_result *result, FILE *stream)
{
    const struct scenario *scenario = result->scenario;
    struct json json = {.stream = stream};
    json_open(&json, NULL, '{');
    json_string(&json, "title", scenario->title);
    json_string(&json, "model", scenario->llm.name);
    json_string(&json, "gpu", scenario->gpu.name);
    scenario_notes_print_json(&json, scenario);
    json_string(&json, "cluster", scenario->cluster.name);
    json_count(&json, "gpus", layout_gpus(&scenario->layout));
    json_number(&json, "memory_bytes_per_gpu", scenario->gpu.memory_bytes);
    json_open(&json, "phases", '[');
    for (uint32_t i = 0; i < result->phase_count; i++) {
        write_phase(&json, &result->phases[i]);
    }
    json_close(&json, ']');
    json_number(&json, "seconds", result->seconds);
    json_number(&json, "nvlink_bytes", result->node_bytes);
    json_number(&json, "network_bytes", result->fabric_bytes);
    json_number(&json, "joules", result->joules);
    summary_write_quality(scenario, result, &json);
    json_count(&json, "events", result->events);
    json_close(&json, '}');
}
