/* SPDX-License-Identifier: MIT */
#include "sim/serving/serving_columns.h"

static void add_quantiles(struct metric_list *list, enum latency latency,
                          const struct latency_summary *summary)
{
    static const char *const names[LATENCY_COUNT] = {
        [LATENCY_TTFT] = "ttft", [LATENCY_TPOT] = "tpot",   [LATENCY_ITL] = "itl",
        [LATENCY_E2E] = "e2e",   [LATENCY_QUEUE] = "queue",
    };
    const struct {
        const char *name;
        double seconds;
    } quantiles[] = {
        {"p99", summary->p99}, {"mean", summary->mean}, {"p50", summary->p50},
        {"p90", summary->p90}, {"p95", summary->p95},   {"most", summary->most},
    };
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles && summary->count > 0; i++) {
        metric_add_number(
            list, arena_printf(list->arena, "%s_%s_seconds", names[latency], quantiles[i].name),
            "s", quantiles[i].seconds);
    }
}

void serving_columns(const struct serving_run *run, const struct serving_metrics *metrics,
                     struct metric_list *list)
{
    const struct {
        const char *name, *unit;
        double value;
    } figures[] = {
        {"output_tokens_per_second", "1/s", metrics->output_tokens_per_second},
        {"input_tokens_per_second", "1/s", metrics->input_tokens_per_second},
        {"requests_per_second", "1/s", metrics->requests_per_second},
        {"offered_requests_per_second", "1/s", metrics->offered_per_second},
        {"goodput_requests_per_second", "1/s", metrics->goodput},
        {"good_share", "1", metrics->good_share},
        {"sustained", "1", metrics->sustained},
        {"requests", "1", (double)metrics->requests},
        {"completed", "1", (double)metrics->completed},
        {"measured", "1", (double)metrics->measured},
        {"rejected", "1", (double)metrics->rejected},
        {"lost", "1", (double)metrics->lost},
        {"dropped", "1", (double)metrics->dropped},
        {"retries", "1", (double)metrics->retries},
        {"preemptions", "1", (double)metrics->preemptions},
        {"steps", "1", (double)metrics->steps},
        {"mean_batch", "1", metrics->mean_batch},
        {"busy_share", "1", metrics->busy_share},
        {"kv_mean_share", "1", metrics->kv_mean_share},
        {"kv_most_share", "1", metrics->kv_most_share},
        {"prefix_hit_share", "1", metrics->hit_share},
        {"kv_moved_bytes", "B", metrics->moved_bytes},
        {"mfu", "1", metrics->mfu},
        {"memory_bandwidth_share", "1", metrics->memory_share},
        {"joules", "J", metrics->joules},
        {"joules_per_output_token", "J", metrics->joules_per_token},
        {"watts_per_gpu", "W", metrics->watts_per_gpu},
        {"dollars_per_million_output_tokens", "1", metrics->dollars_per_million_tokens},
        {"down_seconds", "s", metrics->down_seconds},
        {"measured_seconds", "s", metrics->seconds},
        {"seconds", "s", run->end_seconds},
        {"weight_bytes", "B", run->memory.weight_bytes},
        {"kv_cache_bytes", "B", run->memory.kv_cache_bytes},
        {"activation_bytes", "B", run->memory.activation_bytes},
    };
    for (enum latency latency = LATENCY_TTFT; latency < LATENCY_COUNT; latency++) {
        add_quantiles(list, latency, &metrics->latencies[latency]);
    }
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        metric_add_number(list, figures[i].name, figures[i].unit, figures[i].value);
    }
}
