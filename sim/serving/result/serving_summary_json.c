/* SPDX-License-Identifier: MIT */
#include "sim/base/json.h"
#include "sim/scenario/notes.h"
#include "sim/serving/result/serving_summary.h"

static void write_latency(struct json *json, const char *key, const struct latency_summary *summary)
{
    json_open(json, key, '{');
    json_count(json, "count", summary->count);
    json_number(json, "mean", summary->mean);
    json_number(json, "p50", summary->p50);
    json_number(json, "p90", summary->p90);
    json_number(json, "p95", summary->p95);
    json_number(json, "p99", summary->p99);
    json_number(json, "most", summary->most);
    json_close(json, '}');
}

static void write_counts(struct json *json, const struct serving_metrics *metrics)
{
    json_count(json, "requests", metrics->requests);
    json_count(json, "completed", metrics->completed);
    json_count(json, "measured", metrics->measured);
    json_count(json, "rejected", metrics->rejected);
    json_count(json, "lost", metrics->lost);
    json_count(json, "retries", metrics->retries);
    json_count(json, "faults", metrics->faults);
    json_count(json, "dropped", metrics->dropped);
    json_count(json, "input_tokens", metrics->input_tokens);
    json_count(json, "output_tokens", metrics->output_tokens);
    json_count(json, "preemptions", metrics->preemptions);
    json_count(json, "steps", metrics->steps);
    json_count(json, "sustained", metrics->sustained);
}

static void write_figures(struct json *json, const struct serving_metrics *metrics)
{
    json_number(json, "measured_seconds", metrics->seconds);
    json_number(json, "offered_requests_per_second", metrics->offered_per_second);
    json_number(json, "requests_per_second", metrics->requests_per_second);
    json_number(json, "input_tokens_per_second", metrics->input_tokens_per_second);
    json_number(json, "output_tokens_per_second", metrics->output_tokens_per_second);
    json_number(json, "goodput_requests_per_second", metrics->goodput);
    json_number(json, "good_share", metrics->good_share);
    json_number(json, "mean_batch", metrics->mean_batch);
    json_number(json, "busy_share", metrics->busy_share);
    json_number(json, "kv_mean_share", metrics->kv_mean_share);
    json_number(json, "kv_most_share", metrics->kv_most_share);
    json_number(json, "prefix_hit_share", metrics->hit_share);
    json_number(json, "kv_moved_bytes", metrics->moved_bytes);
    json_number(json, "kv_swapped_bytes", metrics->swapped_bytes);
    json_number(json, "mfu", metrics->mfu);
    json_number(json, "memory_bandwidth_share", metrics->memory_share);
    json_number(json, "watts_per_gpu", metrics->watts_per_gpu);
    json_number(json, "joules_per_output_token", metrics->joules_per_token);
    json_number(json, "dollars_per_million_output_tokens", metrics->dollars_per_million_tokens);
    json_number(json, "down_seconds", metrics->down_seconds);
}

void serving_summary_print_json(const struct serving_run *run,
                                const struct serving_metrics *metrics, FILE *stream)
{
    static const char *const keys[LATENCY_COUNT] = {
        [LATENCY_TTFT] = "ttft_seconds",   [LATENCY_TPOT] = "tpot_seconds",
        [LATENCY_ITL] = "itl_seconds",     [LATENCY_E2E] = "e2e_seconds",
        [LATENCY_QUEUE] = "queue_seconds",
    };
    const struct scenario *scenario = run->scenario;
    struct json json = {.stream = stream};
    json_open(&json, NULL, '{');
    json_string(&json, "title", scenario->title);
    json_string(&json, "model", scenario->llm.name);
    json_string(&json, "gpu", scenario->gpu.name);
    scenario_notes_print_json(&json, scenario);
    json_string(&json, "cluster", scenario->cluster.name);
    json_count(&json, "gpus", layout_gpus(&scenario->layout));
    json_number(&json, "memory_bytes_per_gpu", scenario->gpu.memory_bytes);
    json_open(&json, "service", '{');
    write_counts(&json, metrics);
    write_figures(&json, metrics);
    for (int i = 0; i < LATENCY_COUNT; i++) {
        write_latency(&json, keys[i], &metrics->latencies[i]);
    }
    json_open(&json, "memory_per_gpu", '{');
    json_number(&json, "weight_bytes", run->memory.weight_bytes);
    json_number(&json, "kv_cache_bytes", run->memory.kv_cache_bytes);
    json_number(&json, "activation_bytes", run->memory.activation_bytes);
    json_close(&json, '}');
    json_count(&json, "kv_cache_tokens_per_replica",
               run->fleet.kv_pages * scenario->serving.service.block_tokens);
    json_close(&json, '}');
    json_number(&json, "seconds", run->end_seconds);
    json_number(&json, "joules", metrics->joules);
    json_count(&json, "events", run->events);
    json_close(&json, '}');
}
