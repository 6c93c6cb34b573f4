/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/metrics.h"

#include "sim/serving/replica/protection.h"
#include "sim/serving/result/fold.h"

#include "sim/scenario/replica.h"

#include <math.h>
#include <stdlib.h>
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

double serving_latency_seconds(const struct request *request, enum latency latency)
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

/* A measured request's value. */
struct timed {
    double arrival_seconds, value;
    size_t order;
};

static int by_arrival(const void *a, const void *b)
{
    const struct timed *left = a, *right = b;
    int later = (left->arrival_seconds > right->arrival_seconds) -
                (left->arrival_seconds < right->arrival_seconds);
    return later != 0 ? later : (left->order > right->order) - (left->order < right->order);
}

/* Exact, of requests that were kept; of several runs in the order in which they came. */
static void measure_kept(struct serving_metrics *metrics, const struct serving_run *runs,
                         size_t run_count)
{
    struct arena *arena = arena_create();
    size_t most = 0;
    for (size_t r = 0; r < run_count; r++) {
        most += runs[r].requests.count;
    }
    double *column = ARENA_ARRAY(arena, double, most + 1);
    double *scratch = ARENA_ARRAY(arena, double, 2 * most + 1);
    struct timed *timed = ARENA_ARRAY(arena, struct timed, most + 1);
    for (int latency = 0; latency < LATENCY_COUNT; latency++) {
        size_t count = 0;
        for (size_t r = 0; r < run_count; r++) {
            for (uint32_t i = 0; i < runs[r].requests.count; i++) {
                const struct request *request = &runs[r].requests.all[i];
                double value = serving_latency_seconds(request, (enum latency)latency);
                if (is_of(metrics, request) && tally_measures(&runs[r], request) && value >= 0.0) {
                    timed[count] = (struct timed){.arrival_seconds = request->arrival_seconds,
                                                  .value = value,
                                                  .order = count};
                    count++;
                }
            }
        }
        if (run_count > 1) {
            qsort(timed, count, sizeof *timed, by_arrival);
        }
        for (size_t i = 0; i < count; i++) {
            column[i] = timed[i].value;
        }
        metrics->latencies[latency] = summarise(column, count, scratch);
    }
    arena_destroy(arena);
}

static const struct fold_part *part_of(const struct serving_metrics *metrics)
{
    const struct fold *fold = metrics->run->fold;
    return metrics->class_index == ALL_CLASSES ? &fold->all : &fold->classes[metrics->class_index];
}

static void measure_latencies(struct serving_metrics *metrics)
{
    const struct serving_run *run = metrics->run;
    if (run->fold == NULL) {
        measure_kept(metrics, run, 1);
    }
    for (int i = 0; run->fold != NULL && i < LATENCY_COUNT; i++) {
        const struct fold_part *part = part_of(metrics);
        metrics->latencies[i] = summarise_histogram(&part->latencies[i]);
        metrics->latencies[i].max = part->most[i];
    }
    if (metrics->class_index == ALL_CLASSES) {
        metrics->latencies[LATENCY_ITL] = summarise_histogram(&run->inter_token);
    }
}

static struct request_tally tally_of(const struct serving_metrics *metrics)
{
    const struct serving_run *run = metrics->run;
    if (run->fold != NULL) {
        return part_of(metrics)->tally;
    }
    struct request_tally tally = tally_open();
    for (uint32_t i = 0; i < run->requests.count; i++) {
        if (is_of(metrics, &run->requests.all[i])) {
            tally_add(&tally, run, &run->requests.all[i]);
        }
    }
    return tally;
}

/* Counts, tokens, rates of the measured requests, over metrics->seconds, or from the first to the
 * last where that is not known. */
static void measure_requests(struct serving_metrics *metrics, const struct request_tally *tally)
{
    metrics->requests = tally->requests;
    metrics->completed = tally->completed;
    metrics->rejected = tally->rejected;
    metrics->lost = tally->lost;
    metrics->refused = tally->refused;
    metrics->timed_out = tally->timed_out;
    metrics->cancelled = tally->cancelled;
    metrics->wasted_tokens = tally->wasted_tokens;
    metrics->retries = tally->retries;
    metrics->max_keys = tally->max_keys;
    metrics->measured = tally->measured;
    metrics->input_tokens = tally->input_tokens;
    metrics->output_tokens = tally->output_tokens;
    if (tally->measured > 0) { /* else what was served is of no time that was measured */
        double measured = (double)tally->measured, input = (double)tally->input_tokens;
        double warm_up = metrics->run->serving->warm_up_seconds;
        double from = warm_up > 0.0 ? warm_up : tally->first_seconds;
        metrics->seconds = metrics->seconds > 0.0 ? metrics->seconds : tally->last_seconds - from;
        metrics->requests_per_second = tally->served / metrics->seconds;
        metrics->input_tokens_per_second = tally->input_tokens_served / metrics->seconds;
        metrics->output_tokens_per_second = tally->output_tokens_served / metrics->seconds;
        metrics->good_share = (double)tally->good / measured;
        metrics->goodput = (double)tally->good / metrics->seconds;
        metrics->hit_share = (double)tally->hit_tokens / input;
        for (int i = 0; i < KV_TIER_COUNT; i++) {
            metrics->tier_share[i] = (double)tally->found_tokens[i] / input;
        }
        metrics->tier_load_seconds =
            tally->load_seconds / (tally->loads > 0 ? (double)tally->loads : 1.0);
        metrics->move_seconds = tally->move_seconds / measured;
        metrics->room_seconds = tally->room_seconds / measured;
    }
    if (metrics->class_index != ALL_CLASSES) { /* of all, the servers say */
        metrics->preemptions = tally->preemptions;
    }
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

static void measure_servers(const struct serving_run *run, const struct request_tally *tally,
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
        metrics->pool_busy_share[i] = own_time > 0.0 ? sums.busy / own_time : 0.0;
        metrics->kv_max_share =
            fmax(metrics->kv_max_share, (double)sums.most_pages / (double)pool->kv_pages);
        metrics->joules +=
            (own_time - sums.busy) * pool->gpus_per_server * pool->replica.gpu->idle_watts;
        time += own_time;
        if (run->end_seconds > 0.0) {
            metrics->replicas += own_time / run->end_seconds / pool_ranks(pool);
            metrics->prefill_replicas =
                i == POOL_PREFILL ? metrics->replicas : metrics->prefill_replicas;
        }
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
        metrics->mfu = tally->flops / peak_flops;
    } else {
        metrics->kv_max_share = 0.0;
    }
    metrics->watts_per_gpu = gpu_seconds > 0.0 ? metrics->joules / gpu_seconds : 0.0;
    if (verified > 0.0) {
        metrics->accepted_share = (double)metrics->accepted / (double)metrics->drafts;
        metrics->tokens_per_verification = 1.0 + (double)metrics->accepted / verified;
    }
    metrics->adapter_waits = tally->held_back;
    if (tally->adapted > 0) {
        metrics->adapter_hit_share =
            fmax(0.0, 1.0 - (double)metrics->adapter_loads / (double)tally->adapted);
    }
    if (tally->answer_tokens > 0) {
        double tokens = (double)tally->answer_tokens;
        metrics->joules_per_token = metrics->joules / tokens;
        metrics->dollars_per_million_tokens =
            run->serving->price_gpu_hour * gpu_seconds / 3600.0 / (tokens * 1e-6);
    }
}

/* Requests in the service by time, averaged over equal stretches from the warm-up's end to the last
 * arrival. */
static void levels_of(const struct serving_run *run, double from_seconds, double to_seconds,
                      double *levels, size_t count)
{
    double each = (to_seconds - from_seconds) / (double)count;
    for (size_t i = 0; run->fold != NULL && i < count; i++) {
        double from = from_seconds + (double)i * each;
        levels[i] = levels_mean(&run->fold->there, from, from + each);
    }
    for (uint32_t i = 0; run->fold == NULL && i < run->requests.count; i++) {
        const struct request *request = &run->requests.all[i];
        if (!tally_was_there(request)) {
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
        *of = (struct serving_metrics){.run = run, .class_index = i, .seconds = metrics->seconds};
        struct request_tally tally = tally_of(of);
        measure_latencies(of);
        measure_requests(of, &tally);
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
    if (metrics->full_length_requests > 0.0 && kv_layout_has_windows(&last->kv_layout) &&
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
    metrics->weight_swaps = run->fleet.sharing.swaps;
    metrics->weight_swapped_bytes = run->fleet.sharing.bytes;
    if (metrics->weight_swaps > 0) {
        metrics->weight_swap_seconds =
            run->fleet.sharing.swap_seconds / (double)metrics->weight_swaps;
    }
    if (run->serving->service.finetuning.policy != FINETUNING_NONE) {
        metrics->finetuning_tokens = finetuning_tokens(&run->fleet);
        metrics->finetuning_room_bytes = finetuning_room_bytes(run->scenario);
        if (run->end_seconds > 0.0) {
            metrics->finetuning_tokens_per_second = metrics->finetuning_tokens / run->end_seconds;
            metrics->finetuning_share =
                finetuning_seconds(&run->fleet) / run->end_seconds / run->fleet.server_count;
        }
    }
    metrics->phase_moves = run->fleet.switching.moves;
    if (metrics->phase_moves > 0) {
        metrics->phase_move_seconds =
            run->fleet.switching.move_seconds / (double)metrics->phase_moves;
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
    struct request_tally tally = tally_of(metrics);
    measure_latencies(metrics);
    measure_requests(metrics, &tally);
    measure_servers(run, &tally, metrics);
    measure_classes(run, metrics);
    double came = run->source.last_arrival_seconds;
    metrics->offered_per_second = came > 0.0 ? run->requests.count / came : 0.0;
    judge_load(run, metrics);
    metrics->theory =
        load_theory(run, &tally, metrics->offered_per_second, metrics->tokens_per_verification);
}

/* --- of several runs --- */

/* Sums of what each has by itself. */
static void add_each(const struct serving_metrics *each, struct serving_metrics *all)
{
    all->dropped += each->dropped;
    all->moved_bytes += each->moved_bytes;
    all->swapped_bytes += each->swapped_bytes;
    all->preemptions += each->preemptions;
    all->steps += each->steps;
    all->replicas += each->replicas;
    all->drafts += each->drafts;
    all->accepted += each->accepted;
    all->adapter_loads += each->adapter_loads;
    all->adapter_reads += each->adapter_reads;
    all->adapter_bytes += each->adapter_bytes;
    all->adapter_seconds += each->adapter_seconds;
    all->weight_swaps += each->weight_swaps;
    all->weight_swap_seconds += each->weight_swap_seconds * (double)each->weight_swaps;
    all->weight_swapped_bytes += each->weight_swapped_bytes;
    all->in_service_early += each->in_service_early;
    all->in_service_late += each->in_service_late;
    all->offered_per_second += each->offered_per_second;
    all->theory.in_service += each->theory.in_service;
    all->theory.little_number += each->theory.little_number;
    all->sustained = all->sustained && each->sustained;
    all->kv_max_share = fmax(all->kv_max_share, each->kv_max_share);
    all->end_seconds = fmax(all->end_seconds, each->end_seconds);
    all->events += each->events;
}

/* Of a GPU that all are on, of as many of them as are there at once; else the one with most. */
static void add_memory(const struct serving_run *run, const struct memory_use *own,
                       struct memory_use *all)
{
    double bytes = own->weight_bytes + own->kv_cache_bytes + own->activation_bytes;
    double most = all->weight_bytes + all->kv_cache_bytes + all->activation_bytes;
    if (run->scenario->sharing.policy == SHARING_RESIDENT) {
        all->weight_bytes += own->weight_bytes;
        all->kv_cache_bytes += own->kv_cache_bytes;
        all->activation_bytes += own->activation_bytes;
    } else if (bytes > most) {
        *all = *own;
    }
}

/* GPUs' time and energy, of every GPU once. */
static void measure_machine(const struct scenario *scenario, const struct serving_run *runs,
                            size_t count, const struct request_tally *tally,
                            struct serving_metrics *all)
{
    double busy = 0.0, sequences = 0.0, gpu_busy = 0.0, bytes = 0.0, pages = 0.0;
    for (size_t r = 0; r < count; r++) {
        for (uint32_t i = 0; i < runs[r].fleet.server_count; i++) {
            const struct server *server = &runs[r].fleet.servers[i];
            const struct server_totals *totals = &server->totals;
            busy += totals->busy_seconds;
            sequences += totals->sequence_seconds;
            pages += totals->page_seconds / (double)server->pool->kv_pages;
            gpu_busy += totals->busy_seconds * server->pool->gpus_per_server;
            bytes += totals->bytes * server->pool->gpus_per_server;
            all->joules += totals->joules;
        }
    }
    double gpu_seconds = all->end_seconds * scenario_gpus(scenario);
    if (busy <= 0.0 || gpu_seconds <= 0.0) {
        all->joules = 0.0;
        return;
    }
    all->mean_batch = sequences / busy;
    all->kv_mean_share = pages / busy;
    all->busy_share = gpu_busy / gpu_seconds;
    all->memory_share = bytes / (gpu_seconds * scenario->gpu.memory_bytes_per_second);
    all->mfu = tally->flops / (gpu_seconds * gpu_stated_flops_per_second(&scenario->gpu));
    all->joules += (gpu_seconds - gpu_busy) * scenario->gpu.idle_watts;
    all->watts_per_gpu = all->joules / gpu_seconds;
    if (tally->answer_tokens > 0) {
        double tokens = (double)tally->answer_tokens;
        all->joules_per_token = all->joules / tokens;
        all->dollars_per_million_tokens =
            scenario->serving.price_gpu_hour * gpu_seconds / 3600.0 / (tokens * 1e-6);
    }
}

/* What a figure may ask of the run of all. */
static void open_together(const struct scenario *scenario, const struct serving_run *runs,
                          size_t count, struct serving_run *all)
{
    struct serving *serving = ARENA_NEW(runs[0].arena, struct serving);
    *serving = scenario->serving;
    serving->service = (struct service){.block_tokens = 1};
    serving->every = (struct request_class){.name = NULL};
    serving->classes = NULL;
    serving->class_count = 0;
    serving->warm_up_seconds = (double)INFINITY;
    serving->pools_refuse = false;
    for (size_t i = 0; i < count; i++) {
        serving->warm_up_seconds = fmin(serving->warm_up_seconds, runs[i].serving->warm_up_seconds);
        serving->pools_refuse = serving->pools_refuse || serving_may_leave(runs[i].serving);
    }
    *all = (struct serving_run){.scenario = scenario, .serving = serving, .arena = runs[0].arena};
    all->fleet.pool_count = 0; /* none that stands for all */
    all->fleet.serving = serving;
    all->fleet.sharing = runs[0].fleet.sharing;
}

static void join_gaps(const struct serving_run *runs, size_t count, struct serving_metrics *all)
{
    struct batched_histogram joined = batched_histogram_create(runs[0].arena);
    for (size_t i = 0; i < count; i++) {
        histogram_join(&joined.all, &runs[i].inter_token.all);
    }
    all->latencies[LATENCY_ITL] = summarise_histogram(&joined);
}

void serving_metrics_together(const struct scenario *scenario, const struct serving_run runs[],
                              const struct serving_metrics each[], size_t count, uint64_t events,
                              struct serving_run *all, struct serving_metrics *metrics)
{
    if (count == 1) {
        *all = runs[0];
        *metrics = each[0];
        metrics->classes = NULL;
        metrics->class_count = 0;
        return;
    }
    open_together(scenario, runs, count, all);
    *metrics = (struct serving_metrics){
        .run = all, .class_index = ALL_CLASSES, .sustained = true, .events = events};
    metrics->theory = (struct load_theory){
        .silent = "each model has its own", .shared_number = -1.0, .wait_seconds = -1.0};
    struct request_tally tally = tally_open();
    for (size_t r = 0; r < count; r++) {
        add_each(&each[r], metrics);
        add_memory(&runs[r], &each[r].memory, &metrics->memory);
        for (uint32_t i = 0; i < runs[r].requests.count; i++) {
            tally_add(&tally, &runs[r], &runs[r].requests.all[i]);
        }
    }
    if (metrics->weight_swaps > 0) {
        metrics->weight_swap_seconds /= (double)metrics->weight_swaps;
    }
    all->end_seconds = metrics->end_seconds;
    measure_kept(metrics, runs, count);
    join_gaps(runs, count, metrics);
    measure_requests(metrics, &tally);
    measure_machine(scenario, runs, count, &tally, metrics);
    metrics->adapter_waits = tally.held_back;
    metrics->accepted_share =
        metrics->drafts > 0 ? (double)metrics->accepted / (double)metrics->drafts : 0.0;
}
