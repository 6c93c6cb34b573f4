/* SPDX-License-Identifier: MIT */
#include "sim/run/serving_metrics.h"

static void add_latency(struct metric_list *metrics, const char *name,
                        const struct latency_summary *latency)
{
    const struct {
        const char *suffix;
        double seconds;
    } figures[] = {{"p99_seconds", latency->p99},
                   {"p50_seconds", latency->p50},
                   {"p90_seconds", latency->p90},
                   {"mean_seconds", latency->mean}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        metric_add_number(metrics, arena_printf(metrics->arena, "%s_%s", name, figures[i].suffix),
                          "s", figures[i].seconds);
    }
}

void serving_metric_list(const struct serving_metrics *found, struct metric_list *metrics)
{
    add_latency(metrics, "ttft", &found->latencies[LATENCY_TTFT]);
    add_latency(metrics, "tpot", &found->latencies[LATENCY_TPOT]);
    add_latency(metrics, "e2e", &found->latencies[LATENCY_E2E]);
    add_latency(metrics, "queue", &found->latencies[LATENCY_QUEUE]);
    metric_add_number(metrics, "goodput_requests_per_second", "1/s", found->goodput);
    metric_add_number(metrics, "requests_per_second", "1/s", found->requests_per_second);
    metric_add_number(metrics, "output_tokens_per_second", "1/s", found->output_tokens_per_second);
    metric_add_number(metrics, "good_share", "1", found->good_share);
    metric_add_number(metrics, "sustained", "1", found->sustained ? 1.0 : 0.0);
    metric_add_number(metrics, "mean_batch", "1", found->mean_batch);
    metric_add_number(metrics, "kv_most_share", "1", found->kv_most_share);
    metric_add_number(metrics, "hit_share", "1", found->hit_share);
    metric_add_number(metrics, "preemptions", "1", (double)found->preemptions);
    metric_add_number(metrics, "completed", "1", (double)found->completed);
    metric_add_number(metrics, "mfu", "1", found->mfu);
    metric_add_number(metrics, "joules_per_token", "J", found->joules_per_token);
    metric_add_number(metrics, "dollars_per_million_tokens", "1",
                      found->dollars_per_million_tokens);
}
