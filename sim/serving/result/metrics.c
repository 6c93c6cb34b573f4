/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/metrics.h"

#include "sim/serving/replica/protection.h"

#include <math.h>
#include <string.h>

const char *latency_name(enum latency latency)
{
    static const char *const names[LATENCY_COUNT] = {
        [LATENCY_TTFT] = "TTFT", [LATENCY_TPOT] = "TPOT",   [LATENCY_ITL] = "ITL",
        [LATENCY_E2E] = "E2E",   [LATENCY_QUEUE] = "queue",
    };
    return names[latency];
}

/* No latency is negative, and an end that may be anywhere is no figure. */
static struct steady_interval of_latency(struct steady_interval interval)
{
    return interval.known ? (struct steady_interval){.low = fmax(0.0, interval.low),
                                                     .high = interval.high,
                                                     .known = true}
                          : (struct steady_interval){.low = (double)NAN, .high = (double)NAN};
}

struct quantile {
    double share, *figure;
    struct steady_interval *interval;
};
#define QUANTILES(summary)                                                                         \
    {                                                                                              \
        {0.50, &(summary).p50, &(summary).p50_interval},                                           \
            {0.90, &(summary).p90, &(summary).p90_interval},                                       \
            {0.95, &(summary).p95, &(summary).p95_interval},                                       \
            {0.99, &(summary).p99, &(summary).p99_interval},                                       \
    }

/* `column`: in order of arrival. `scratch`: twice as long. */
static struct latency_summary summarise(double *column, size_t count, double *scratch)
{
    struct latency_summary summary = {.count = count};
    if (count == 0) {
        return summary;
    }
    double *reordered = scratch + count;
    memcpy(reordered, column, count * sizeof *reordered);
    double sum = 0.0, most = column[0];
    for (size_t i = 0; i < count; i++) {
        sum += column[i];
        most = column[i] > most ? column[i] : most;
    }
    const struct quantile quantiles[] = QUANTILES(summary);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        *quantiles[i].figure = steady_nearest_rank(reordered, count, quantiles[i].share);
        *quantiles[i].interval = of_latency(
            steady_quantile(column, count, quantiles[i].share, *quantiles[i].figure, scratch));
    }
    summary.mean = sum / (double)count;
    summary.mean_interval = of_latency(steady_mean(column, count, summary.mean));
    summary.max = most;
    return summary;
}

static struct latency_summary summarise_histogram(const struct batched_histogram *histogram)
{
    const struct histogram *all = &histogram->all;
    struct latency_summary summary = {.count = all->count};
    if (all->count == 0) {
        return summary;
    }
    const struct quantile quantiles[] = QUANTILES(summary);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        *quantiles[i].figure = histogram_quantile(all, quantiles[i].share);
        *quantiles[i].interval =
            of_latency(batched_histogram_quantile(histogram, quantiles[i].share));
    }
    summary.mean = all->sum / (double)all->count;
    summary.mean_interval = of_latency(batched_histogram_mean(histogram));
    summary.max = histogram_quantile(all, 1.0);
    return summary;
}

static bool is_of(const struct serving_metrics *metrics, const struct request *request)
{
    return metrics->class_index == ALL_CLASSES || metrics->class_index == request->class_index;
}

static bool is_measured(const struct serving_metrics *metrics, const struct request *request)
{
    return request->state == REQUEST_DONE && is_of(metrics, request) &&
           request->arrival_seconds >= metrics->run->serving->warm_up_seconds;
}

double serving_ttft_seconds(const struct request *request, double first_token_seconds)
{
    return first_token_seconds - request->arrival_seconds;
}

double serving_tpot_seconds(const struct request *request)
{
    return request->output_tokens < 2
               ? -1.0
               : (request->last_token_seconds - request->first_token_seconds) /
                     (request->output_tokens - 1);
}

static double latency_of(const struct request *request, enum latency latency)
{
    switch (latency) {
    case LATENCY_TTFT:
        return serving_ttft_seconds(request, request->first_token_seconds);
    case LATENCY_TPOT:
        return serving_tpot_seconds(request);
    case LATENCY_E2E:
        return request->last_token_seconds - request->arrival_seconds;
    case LATENCY_QUEUE:
        return request->scheduled_seconds - request->queued_seconds;
    case LATENCY_ITL:
    case LATENCY_COUNT:
        break;
    }
    return -1.0;
}

static void measure_latencies(struct serving_metrics *metrics, struct arena *arena)
{
    const struct serving_run *run = metrics->run;
    double *column = ARENA_ARRAY(arena, double, run->requests.count + 1);
    double *scratch = ARENA_ARRAY(arena, double, 2 * (size_t)run->requests.count + 1);
    for (int latency = 0; latency < LATENCY_COUNT; latency++) {
        size_t count = 0;
        for (uint32_t i = 0; i < run->requests.count; i++) {
            const struct request *request = &run->requests.all[i];
            double value = latency_of(request, (enum latency)latency);
            if (is_measured(metrics, request) && value >= 0.0) {
                column[count++] = value;
            }
        }
        metrics->latencies[latency] = summarise(column, count, scratch);
    }
    if (metrics->class_index == ALL_CLASSES) {
        metrics->latencies[LATENCY_ITL] = summarise_histogram(&run->inter_token);
    }
}

static bool is_good(const struct serving_run *run, const struct request *request)
{
    const struct request_class *of = serving_class(run->serving, request->class_index);
    bool soon = of->slo_ttft_seconds <= 0.0 ||
                serving_ttft_seconds(request, request->first_token_seconds) <= of->slo_ttft_seconds;
    bool fast =
        of->slo_tpot_seconds <= 0.0 || serving_tpot_seconds(request) <= of->slo_tpot_seconds;
    return soon && fast;
}

/* What of a stretch of time lies after `from`, as a share of it. */
static double share_after(double from, double begin, double end)
{
    return end > begin ? fmin(1.0, fmax(0.0, (end - from) / (end - begin))) : end >= from;
}

/* Adds what a request got after the warm-up, whenever it came: who still queued then is served in
 * the measured time too. A prompt is computed evenly from its first step to its first token, an
 * answer's other tokens come evenly until the last. */
static void add_served(const struct serving_run *run, const struct request *request,
                       struct serving_metrics *metrics)
{
    double from = run->serving->warm_up_seconds;
    double first = request->first_token_seconds, last = request->last_token_seconds;
    metrics->requests_per_second += last >= from;
    metrics->input_tokens_per_second +=
        request->prompt_tokens * share_after(from, request->scheduled_seconds, first);
    metrics->output_tokens_per_second +=
        (first >= from) + (request->output_tokens - 1) * share_after(from, first, last);
}

/* Whether its client did not wait for its end. */
static bool given_up(const struct request *request)
{
    return request->state == REQUEST_TIMED_OUT || request->state == REQUEST_CANCELLED;
}

/* Counts, tokens, rates of the measured requests, over metrics->seconds, or from the first to the
 * last where that is not known; useful FLOPs of all. Returns the FLOPs. */
static double measure_requests(struct serving_metrics *metrics)
{
    const struct serving_run *run = metrics->run;
    double first = INFINITY, last = 0.0, flops = 0.0;
    uint64_t good = 0, hits = 0, of_preemptions = 0, loads = 0, found[KV_TIER_COUNT] = {0};
    for (uint32_t i = 0; i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        if (!is_of(metrics, request)) {
            continue;
        }
        metrics->requests++;
        metrics->completed += request->state == REQUEST_DONE;
        metrics->rejected += request->state == REQUEST_REJECTED;
        metrics->lost += request->state == REQUEST_LOST;
        metrics->refused += request->state == REQUEST_REFUSED;
        metrics->timed_out += request->state == REQUEST_TIMED_OUT;
        metrics->cancelled += request->state == REQUEST_CANCELLED;
        metrics->wasted_tokens += given_up(request) ? request->generated_tokens : 0;
        metrics->retries += request->retries;
        of_preemptions += request->preemptions;
        if (request->state == REQUEST_DONE) {
            metrics->max_keys =
                fmax(metrics->max_keys, (double)request->prompt_tokens + request->output_tokens);
            double cached = request->cached_tokens;
            double tokens = (double)request->prompt_tokens + request->output_tokens - 1.0 - cached;
            flops += llm_forward_flops(&run->scenario->llm, tokens, cached);
            add_served(run, request, metrics);
        }
        if (!is_measured(metrics, request)) {
            continue;
        }
        metrics->measured++;
        good += is_good(run, request);
        hits += request->cached_tokens;
        found[TIER_HOST] += request->host_tokens;
        found[TIER_REMOTE] += request->remote_tokens;
        loads += request->host_tokens + request->remote_tokens > 0;
        metrics->tier_load_seconds += (double)request->load_seconds;
        metrics->move_seconds += (double)request->move_seconds;
        metrics->room_seconds += (double)request->room_seconds;
        metrics->input_tokens += request->prompt_tokens;
        metrics->output_tokens += request->output_tokens;
        first = fmin(first, request->arrival_seconds);
        last = fmax(last, request->last_token_seconds);
    }
    if (metrics->measured > 0) {
        double warm_up = run->serving->warm_up_seconds;
        metrics->seconds =
            metrics->seconds > 0.0 ? metrics->seconds : last - (warm_up > 0.0 ? warm_up : first);
        metrics->requests_per_second /= metrics->seconds;
        metrics->input_tokens_per_second /= metrics->seconds;
        metrics->output_tokens_per_second /= metrics->seconds;
        metrics->good_share = (double)good / (double)metrics->measured;
        metrics->goodput = (double)good / metrics->seconds;
        metrics->hit_share = (double)hits / (double)metrics->input_tokens;
        for (int i = 0; i < KV_TIER_COUNT; i++) {
            metrics->tier_share[i] = (double)found[i] / (double)metrics->input_tokens;
        }
        metrics->tier_load_seconds /= loads > 0 ? (double)loads : 1.0;
        metrics->move_seconds /= (double)metrics->measured;
        metrics->room_seconds /= (double)metrics->measured;
    } else { /* what was served is of no time that was measured */
        metrics->requests_per_second = 0.0;
        metrics->input_tokens_per_second = 0.0;
        metrics->output_tokens_per_second = 0.0;
    }
    if (metrics->class_index != ALL_CLASSES) { /* of all, the servers say */
        metrics->preemptions = of_preemptions;
    }
    return flops;
}

/* Sums over the servers of a pool. */
struct pool_sums {
    double busy, sequences, pages, bytes, down, off, verified, max_sequences;
    uint64_t most_pages;
};

static struct pool_sums sum_pool(const struct pool *pool, struct serving_metrics *metrics)
{
    struct pool_sums sums = {0};
    for (uint32_t i = 0; i < pool->server_count; i++) {
        const struct server_totals *totals = &pool->servers[i].totals;
        sums.busy += totals->busy_seconds;
        sums.sequences += totals->sequence_seconds;
        sums.pages += totals->page_seconds;
        sums.bytes += totals->bytes;
        sums.down += totals->down_seconds;
        sums.off += scaling_off_seconds(&pool->servers[i], metrics->end_seconds);
        metrics->swapped_bytes += totals->swapped_bytes;
        metrics->adapter_loads += totals->adapter_loads;
        metrics->adapter_reads += totals->adapter_reads;
        metrics->adapter_bytes += totals->adapter_bytes;
        metrics->adapter_seconds += totals->adapter_seconds;
        metrics->drafts += totals->drafts;
        metrics->accepted += totals->accepted;
        sums.verified += (double)totals->verified;
        metrics->joules += totals->joules;
        metrics->preemptions += pool->servers[i].view.preemptions;
        metrics->steps += totals->steps;
        sums.max_sequences = fmax(sums.max_sequences, totals->max_sequences);
        sums.most_pages =
            totals->most_pages > sums.most_pages ? totals->most_pages : sums.most_pages;
    }
    sums.down /= pool_ranks(pool);
    return sums;
}

static void measure_servers(const struct serving_run *run, double flops,
                            struct serving_metrics *metrics)
{
    const struct fleet *fleet = &run->fleet;
    double verified = 0.0;
    double busy = 0.0, sequences = 0.0, bytes = 0.0, time = 0.0, gpu_seconds = 0.0;
    double peak_flops = 0.0, peak_bytes = 0.0, pages[POOL_COUNT] = {0.0};
    for (uint32_t i = 0; i < fleet->pool_count; i++) {
        const struct pool *pool = &fleet->pools[i];
        struct pool_sums sums = sum_pool(pool, metrics);
        double of_pool = (double)pool->server_count * pool->gpus_per_server;
        double own_time = pool->server_count * run->end_seconds - sums.off;
        busy += sums.busy;
        sequences += sums.sequences;
        pages[i] = sums.pages;
        bytes += sums.bytes * pool->gpus_per_server;
        metrics->down_seconds += sums.down;
        verified += sums.verified;
        metrics->max_sequences[i] = sums.max_sequences;
        metrics->pool_busy_share[i] = sums.busy / own_time;
        metrics->kv_max_share =
            fmax(metrics->kv_max_share, (double)sums.most_pages / (double)pool->kv_pages);
        metrics->joules +=
            (own_time - sums.busy) * pool->gpus_per_server * pool->replica.gpu->idle_watts;
        time += own_time;
        metrics->replicas += own_time / run->end_seconds / pool_ranks(pool);
        gpu_seconds += run->end_seconds * of_pool - sums.off * pool->gpus_per_server;
        peak_flops += (run->end_seconds * of_pool - sums.off * pool->gpus_per_server) *
                      gpu_stated_flops_per_second(pool->replica.gpu);
        peak_bytes += own_time * pool->gpus_per_server * pool->replica.gpu->memory_bytes_per_second;
    }
    if (busy > 0.0) {
        metrics->mean_batch = sequences / busy;
        for (uint32_t i = 0; i < fleet->pool_count; i++) {
            metrics->kv_mean_share += pages[i] / busy / (double)fleet->pools[i].kv_pages;
        }
        metrics->busy_share = busy / time;
        metrics->memory_share = bytes / peak_bytes;
        metrics->mfu = flops / peak_flops;
        metrics->watts_per_gpu = metrics->joules / gpu_seconds;
    } else {
        metrics->joules = metrics->kv_max_share = 0.0;
    }
    if (verified > 0.0) {
        metrics->accepted_share = (double)metrics->accepted / (double)metrics->drafts;
        metrics->tokens_per_verification = 1.0 + (double)metrics->accepted / verified;
    }
    uint64_t tokens = 0, adapted = 0;
    for (uint32_t i = 0; i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        tokens += request->state == REQUEST_DONE ? request->output_tokens : 0;
        adapted += request->adapter > 0 && request->scheduled_seconds >= 0.0;
        metrics->adapter_waits += request->held;
    }
    if (adapted > 0) {
        metrics->adapter_hit_share =
            fmax(0.0, 1.0 - (double)metrics->adapter_loads / (double)adapted);
    }
    if (tokens > 0) {
        metrics->joules_per_token = metrics->joules / (double)tokens;
        metrics->dollars_per_million_tokens =
            run->serving->price_gpu_hour * gpu_seconds / 3600.0 / ((double)tokens * 1e-6);
    }
}

/* Requests in the service by time, averaged over equal stretches from the warm-up's end to the last
 * arrival. A request that was lost or rejected was never served. */
static void levels_of(const struct serving_run *run, double from_seconds, double to_seconds,
                      double *levels, size_t count)
{
    double each = (to_seconds - from_seconds) / (double)count;
    for (uint32_t i = 0; i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        bool was_there = request->state == REQUEST_DONE || request->state == REQUEST_REFUSED ||
                         given_up(request);
        if (!was_there) {
            continue;
        }
        double begin = fmax(request->arrival_seconds, from_seconds);
        double end = fmin(request->last_token_seconds, to_seconds);
        for (size_t at = (size_t)((begin - from_seconds) / each); at < count && begin < end; at++) {
            double until = fmin(end, from_seconds + (double)(at + 1) * each);
            levels[at] += fmax(0.0, until - begin) / each;
            begin = until;
        }
    }
}

/* A load that is too much shows in a service that fills as long as requests come (steady.h). A
 * level that grows by less than half of its mean, or by no more than a request, is let pass. */
static void judge_load(const struct serving_run *run, struct serving_metrics *metrics)
{
    enum { STRETCHES = 12, REQUESTS_LEAST = 4 * STRETCHES };
    static const double LEAST_GROWTH = 0.5;
    double levels[STRETCHES] = {0.0};
    double from = run->serving->warm_up_seconds, to = run->source.last_arrival_seconds;
    bool open = !source_follows(&run->source);
    metrics->sustained = true;
    if (to <= from) {
        return;
    }
    levels_of(run, from, to, levels, STRETCHES);
    metrics->in_service_early = levels[0];
    metrics->in_service_late = levels[STRETCHES - 1];
    metrics->sustained = !open || metrics->measured < REQUESTS_LEAST ||
                         levels[STRETCHES - 1] < levels[0] + 1.0 ||
                         !steady_grows(levels, STRETCHES, LEAST_GROWTH);
}

static uint64_t fault_count(const struct serving_run *run)
{
    uint64_t count = 0;
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        count += run->faults.counts[kind];
    }
    return count;
}

/* Rates are over the time of all, so that those of the classes add up to them. */
static void measure_classes(const struct serving_run *run, struct serving_metrics *metrics)
{
    if (run->serving->class_count == 0) {
        return;
    }
    metrics->class_count = run->serving->class_count;
    metrics->classes = ARENA_ARRAY(run->arena, struct serving_metrics, metrics->class_count);
    for (size_t i = 0; i < metrics->class_count; i++) {
        struct serving_metrics *of = &metrics->classes[i];
        struct arena *arena = arena_create();
        *of = (struct serving_metrics){.run = run, .class_index = i, .seconds = metrics->seconds};
        measure_latencies(of, arena);
        measure_requests(of);
        arena_destroy(arena);
    }
}

void serving_metrics(const struct serving_run *run, struct serving_metrics *metrics)
{
    const struct pool *last = &run->fleet.pools[run->fleet.pool_count - 1];
    uint32_t block = last->scenario->serving.service.block_tokens;
    *metrics = (struct serving_metrics){
        .run = run,
        .class_index = ALL_CLASSES,
        .faults = fault_count(run),
        .dropped = source_dropped(&run->source),
        .moved_bytes = run->fleet.moved_bytes,
        .end_seconds = run->end_seconds,
        .memory = last->memory,
        .kv_cache_tokens = last->kv_pages * block,
        .adapter_room_bytes = last->adapter_room_bytes,
        .events = run->events,
    };
    metrics->full_length_requests = pool_full_length_requests(last);
    if (metrics->full_length_requests > 0.0 && last->kv_beside.window_tokens > 0 &&
        last->scenario->serving.service.policy == BATCHING_VLLM) {
        metrics->kv_cache_tokens =
            (uint64_t)(metrics->full_length_requests * (double)run->scenario->llm.context);
    }
    for (int i = 0; i < KV_TIER_COUNT; i++) {
        metrics->tier_loaded_bytes[i] = run->fleet.tiers.loaded_bytes[i];
        metrics->tier_stored_bytes[i] = run->fleet.tiers.stored_bytes[i];
    }
    metrics->cold_starts = run->fleet.scaling.starts;
    if (metrics->cold_starts > 0) {
        metrics->cold_start_seconds =
            run->fleet.scaling.start_seconds / (double)metrics->cold_starts;
    }
    if (run->serving->service.protection.kind != PROTECTION_NONE) {
        metrics->protection_chunk_seconds = protection_chunk_seconds(&run->fleet);
        metrics->protection_host_share = protection_host_share(&run->serving->service.protection,
                                                               run->fleet.pools[0].gpus_per_server);
        metrics->recovered = run->fleet.recovered;
        metrics->recovered_tokens = run->fleet.recovered_tokens;
        metrics->recovery_seconds = run->fleet.recovered > 0
                                        ? run->fleet.recovery_seconds / (double)run->fleet.recovered
                                        : 0.0;
    }
    struct arena *arena = arena_create();
    measure_latencies(metrics, arena);
    arena_destroy(arena);
    measure_servers(run, measure_requests(metrics), metrics);
    measure_classes(run, metrics);
    double came = run->source.last_arrival_seconds;
    metrics->offered_per_second = came > 0.0 ? run->requests.count / came : 0.0;
    judge_load(run, metrics);
    metrics->theory =
        load_theory(run, metrics->offered_per_second, metrics->tokens_per_verification);
}
