/* SPDX-License-Identifier: MIT */
#include "sim/inference/metrics.h"

#include <inttypes.h>
#include <stdio.h>

struct naming {
    struct metric_list *metrics;
    uint32_t turn;
    const char *phase; /* "prefill_" */
};

static const char *name_of(const struct naming *naming, const char *phase, const char *name)
{
    struct arena *arena = naming->metrics->arena;
    return naming->turn == 1
               ? arena_printf(arena, "%s%s", phase, name)
               : arena_printf(arena, "turn%" PRIu32 "_%s%s", naming->turn, phase, name);
}

/* `phase` says which of a turn's two phases it is of, where the name alone does not. */
static void add(const struct naming *naming, const char *name, const char *unit, double value)
{
    metric_add_number(naming->metrics, name_of(naming, naming->phase, name), unit, value);
}

static void add_latency(struct metric_list *metrics, const struct phase_result *phase)
{
    const struct naming naming = {.metrics = metrics, .turn = phase->turn};
    const char *name = phase->phase == PHASE_PREFILL ? "ttft_seconds" : "tpot_seconds";
    metric_add_number(metrics, name_of(&naming, "", name), "s", phase->latency_seconds);
}

static void add_phase(struct metric_list *metrics, const struct phase_result *phase)
{
    static const char *const classes[TIME_CLASS_COUNT] = {
        [TIME_GEMM] = "gemm_seconds",
        [TIME_ATTENTION] = "attention_seconds",
        [TIME_MEMORY] = "memory_kernels_seconds",
        [TIME_TENSOR] = "tensor_collectives_seconds",
        [TIME_RING] = "ring_exposed_seconds",
        [TIME_HOST] = "host_seconds",
        [TIME_IDLE] = "idle_seconds",
    };
    bool prefill = phase->phase == PHASE_PREFILL;
    const struct naming naming = {
        .metrics = metrics, .turn = phase->turn, .phase = prefill ? "prefill_" : "decode_"};
    if (prefill) {
        metric_add_text(metrics, name_of(&naming, "", "ring"), ring_variant_name(phase->variant));
        if (phase->other_seconds > 0.0) {
            add(&naming, "other_ring_seconds", "s", phase->other_seconds);
        }
    }
    add(&naming, "seconds", "s", phase->seconds);
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        add(&naming, classes[i], "s", phase->breakdown.seconds[i]);
    }
    add(&naming, "mfu", "1", phase->mfu);
    if (!prefill) {
        add(&naming, "tokens_per_second_per_gpu", "1/s", phase->tokens_per_second_per_gpu);
        add(&naming, "knee_sequences", "1", phase->knee_sequences);
        metric_add_text(metrics, name_of(&naming, naming.phase, "reads_most"),
                        phase->sequences < phase->knee_sequences ? "weights" : "KV cache");
    }
    add(&naming, "nvlink_bytes", "B", phase->node_bytes);
    add(&naming, "network_bytes", "B", phase->fabric_bytes);
    add(&naming, "joules", "J", phase->joules);
    add(&naming, "watts_per_gpu", "W", phase->watts);
    add(&naming, "weight_bytes", "B", phase->memory.weight_bytes);
    add(&naming, "kv_cache_bytes", "B", phase->memory.kv_cache_bytes);
    add(&naming, "activation_bytes", "B", phase->memory.activation_bytes);
}

void conversation_metrics(const struct conversation_result *result, struct metric_list *metrics)
{
    double fullest = 0.0;
    for (uint32_t i = 0; i < result->phase_count; i++) {
        double bytes = memory_total_bytes(&result->phases[i].memory);
        fullest = bytes > fullest ? bytes : fullest;
        add_latency(metrics, &result->phases[i]);
    }
    metric_add_number(metrics, "seconds", "s", result->seconds);
    metric_add_number(metrics, "joules", "J", result->joules);
    metric_add_number(metrics, "nvlink_bytes", "B", result->node_bytes);
    metric_add_number(metrics, "network_bytes", "B", result->fabric_bytes);
    metric_add_number(metrics, "memory_bytes_per_gpu", "B", fullest);
    if (result->quality_asked) {
        const struct quality_answer *quality = &result->quality;
        metric_add_number(metrics, "loss_nats_per_token", "1", quality->loss);
        metric_add_number(metrics, "precision_loss_nats_per_token", "1",
                          quality->training_penalty + quality->post_penalty);
    }
    for (uint32_t i = 0; i < result->phase_count; i++) {
        add_phase(metrics, &result->phases[i]);
    }
}
