/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/serving_metric_list.h"

#include <math.h>

static void add_latency(struct metric_list *metrics, const char *name,
                        const struct latency_summary *latency)
{
    const struct {
        const char *suffix;
        double seconds;
    } figures[] = {{"p99_seconds", latency->p99},   {"p50_seconds", latency->p50},
                   {"p90_seconds", latency->p90},   {"p95_seconds", latency->p95},
                   {"mean_seconds", latency->mean}, {"most_seconds", latency->most}};
    const struct {
        const char *name;
        const struct steady_interval *interval;
    } intervals[] = {{"p99", &latency->p99_interval},
                     {"p50", &latency->p50_interval},
                     {"p90", &latency->p90_interval},
                     {"p95", &latency->p95_interval},
                     {"mean", &latency->mean_interval}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        metric_add_number(metrics, arena_printf(metrics->arena, "%s_%s", name, figures[i].suffix),
                          "s", figures[i].seconds);
    }
    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        const struct {
            const char *end;
            double seconds;
        } ends[] = {{"low", fmax(0.0, intervals[i].interval->low)},
                    {"high", intervals[i].interval->high}};
        for (size_t k = 0; k < 2 && latency->count > 0; k++) {
            metric_add_number(metrics,
                              arena_printf(metrics->arena, "%s_%s_%s_seconds", name,
                                           intervals[i].name, ends[k].end),
                              "s", ends[k].seconds);
        }
    }
}

void serving_metric_list(const struct serving_metrics *found, struct metric_list *metrics)
{
    add_latency(metrics, "ttft", &found->latencies[LATENCY_TTFT]);
    add_latency(metrics, "tpot", &found->latencies[LATENCY_TPOT]);
    add_latency(metrics, "itl", &found->latencies[LATENCY_ITL]);
    add_latency(metrics, "e2e", &found->latencies[LATENCY_E2E]);
    add_latency(metrics, "queue", &found->latencies[LATENCY_QUEUE]);
    const struct {
        const char *name, *unit;
        double value;
    } figures[] = {
        {"goodput_requests_per_second", "1/s", found->goodput},
        {"requests_per_second", "1/s", found->requests_per_second},
        {"offered_requests_per_second", "1/s", found->offered_per_second},
        {"input_tokens_per_second", "1/s", found->input_tokens_per_second},
        {"output_tokens_per_second", "1/s", found->output_tokens_per_second},
        {"good_share", "1", found->good_share},
        {"sustained", "1", found->sustained ? 1.0 : 0.0},
        {"mean_batch", "1", found->mean_batch},
        {"busy_share", "1", found->busy_share},
        {"kv_mean_share", "1", found->kv_mean_share},
        {"kv_most_share", "1", found->kv_most_share},
        {"hit_share", "1", found->hit_share},
        {"preemptions", "1", (double)found->preemptions},
        {"completed", "1", (double)found->completed},
        {"rejected", "1", (double)found->rejected},
        {"lost", "1", (double)found->lost},
        {"kv_moved_bytes", "B", found->moved_bytes},
        {"mfu", "1", found->mfu},
        {"memory_bandwidth_share", "1", found->memory_share},
        {"joules", "J", found->joules},
        {"joules_per_token", "J", found->joules_per_token},
        {"watts_per_gpu", "W", found->watts_per_gpu},
        {"dollars_per_million_tokens", "1", found->dollars_per_million_tokens},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        metric_add_number(metrics, figures[i].name, figures[i].unit, figures[i].value);
    }
}
