/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/figures.h"

#include "sim/scenario/replica.h"
#include "sim/serving/result/metrics.h"

#include <math.h>

#define METRIC(member) FIGURE_AT(struct serving_metrics, member)

static double sustained(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return metrics->sustained ? 1.0 : 0.0;
}

static bool has_pools(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return metrics->run->fleet.pool_count > 1;
}

static double output_tokens_per_second_per_gpu(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return metrics->output_tokens_per_second / scenario_gpus(metrics->run->scenario);
}

static bool guesses(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return metrics->run->serving->service.proposer != PROPOSER_NONE;
}

static bool has_adapters(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return metrics->run->serving->service.adapters.max_adapters > 0;
}

static bool has_tiers(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return service_has_tiers(&metrics->run->serving->service);
}

static bool is_protected(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return metrics->run->serving->service.protection.kind != PROTECTION_NONE;
}

static bool is_scaled(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return metrics->run->serving->service.scaling.target > 0.0;
}

static bool is_finetuned(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return metrics->run->serving->service.finetuning.policy != FINETUNING_NONE;
}

static bool is_switched(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return fleet_shares_gpus(&metrics->run->fleet);
}

static bool swaps_weights(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    const struct gpu_seat *seats = metrics->run->fleet.sharing.seats;
    return seats != NULL && seats[0].policy->swaps;
}

/* --- of theory.h --- */

static const struct load_theory *theory_of(const void *subject)
{
    return &((const struct serving_metrics *)subject)->theory;
}

static bool has_capacity(const void *subject)
{
    return theory_of(subject)->silent == NULL;
}

static bool has_load(const void *subject)
{
    return theory_of(subject)->silent == NULL && theory_of(subject)->load > 0.0;
}

static bool is_shared(const void *subject)
{
    return isfinite(theory_of(subject)->shared_number) && theory_of(subject)->shared_number >= 0.0;
}

static bool waits_alone(const void *subject)
{
    return isfinite(theory_of(subject)->wait_seconds) && theory_of(subject)->wait_seconds >= 0.0;
}

static const char *capacity_seats(const void *subject)
{
    return seat_limit_name(theory_of(subject)->seats);
}

static const char *capacity_bound(const void *subject)
{
    return step_bound_name(theory_of(subject)->bound);
}

static bool may_leave(const void *subject)
{
    const struct serving_metrics *metrics = subject;
    return serving_may_leave(metrics->run->serving);
}

#define ONE(stem, suffix, part, which, meaning)                                                    \
    {                                                                                              \
        .name = stem "_" suffix "_seconds", .unit = "s", METRIC(latencies[which].part),            \
        .doc = meaning, .former_key = "service." stem "_seconds." suffix                           \
    }

/* What is said of every latency, its 99th percentile first. */
#define LATENCY(which, stem, what)                                                                 \
    ONE(stem, "p99", p99, which, what " 99th percentile, nearest rank."),                          \
        ONE(stem, "p50", p50, which, "Median."), ONE(stem, "p90", p90, which, "90th percentile."), \
        ONE(stem, "p95", p95, which, "95th."), ONE(stem, "mean", mean, which, "Mean."),            \
        {.name = stem "_max_seconds",                                                              \
         .unit = "s",                                                                              \
         METRIC(latencies[which].max),                                                             \
         .doc = "Largest.",                                                                        \
         .former_key = "service." stem "_seconds.most",                                            \
         .former_name = stem "_most_seconds"},                                                     \
    {                                                                                              \
        .name = stem "_count", .unit = "1", METRIC(latencies[which].count), .doc = "Values.",      \
        .former_key = "service." stem "_seconds.count"                                             \
    }

/* A latency that nobody had has no intervals either. */
#define HAS(name, which)                                                                           \
    static bool has_##name(const void *subject)                                                    \
    {                                                                                              \
        const struct serving_metrics *metrics = subject;                                           \
        return metrics->latencies[which].count > 0;                                                \
    }
HAS(ttft, LATENCY_TTFT)
HAS(tpot, LATENCY_TPOT)
HAS(itl, LATENCY_ITL)
HAS(e2e, LATENCY_E2E)
HAS(queue, LATENCY_QUEUE)

#define BETWEEN(has, stem, of, part, which)                                                        \
    {.name = stem "_" of "_low_seconds",                                                           \
     .unit = "s",                                                                                  \
     METRIC(latencies[which].part##_interval.low),                                                 \
     .applies = (has),                                                                             \
     .doc = "Lower end of its 95 % interval."},                                                    \
    {                                                                                              \
        .name = stem "_" of "_high_seconds", .unit = "s",                                          \
        METRIC(latencies[which].part##_interval.high), .applies = (has), .doc = "Upper end."       \
    }

/* Where the steady state's figures lie in 19 of 20 runs. */
#define INTERVALS(has, which, stem)                                                                \
    BETWEEN(has, stem, "p99", p99, which), BETWEEN(has, stem, "p50", p50, which),                  \
        BETWEEN(has, stem, "p90", p90, which), BETWEEN(has, stem, "p95", p95, which),              \
        BETWEEN(has, stem, "mean", mean, which)

/* Of requests that ended without their answer: of all, and of a class. */
#define LEFT(stem, member, meaning)                                                                \
    {                                                                                              \
        .name = stem, .unit = "1", METRIC(member), .applies = may_leave, .doc = meaning            \
    }
#define LEFT_ROWS                                                                                  \
    LEFT("refused", refused,                                                                       \
         "They waited too long in a queue, or too many did (service.max_wait, max_waiting)."),     \
        LEFT("timed_out", timed_out, "Their clients waited no longer (timeout)."),                 \
        LEFT("cancelled", cancelled, "Their clients closed the connection (cancel)."),             \
        LEFT("wasted_output_tokens", wasted_tokens,                                                \
             "Of answers that clients gave up, timed out or cancelled.")

/* clang-format off */
static const struct figure figures[] = {
    LATENCY(LATENCY_TTFT, "ttft",
            "Time to first token: arrival to first token, the way to the engine and back included."),
    INTERVALS(has_ttft, LATENCY_TTFT, "ttft"),
    LATENCY(LATENCY_TPOT, "tpot",
            "Time per output token: first to last token over the tokens after the first."),
    INTERVALS(has_tpot, LATENCY_TPOT, "tpot"),
    LATENCY(LATENCY_ITL, "itl", "Between two tokens of a request, every pair computed after the "
            "warm-up; quantiles to 0.1 %."),
    INTERVALS(has_itl, LATENCY_ITL, "itl"),
    LATENCY(LATENCY_E2E, "e2e", "Arrival to last token."),
    INTERVALS(has_e2e, LATENCY_E2E, "e2e"),
    LATENCY(LATENCY_QUEUE, "queue", "In a replica's queue, until first in a batch."),
    INTERVALS(has_queue, LATENCY_QUEUE, "queue"),
    {.name = "goodput_requests_per_second", .unit = "1/s", METRIC(goodput),
     .doc = "Those within the SLO a second; without an SLO all are.",
     .former_key = "service.goodput_requests_per_second"},
    {.name = "requests_per_second", .unit = "1/s", METRIC(requests_per_second),
     .doc = "Measured requests over measured_seconds.",
     .former_key = "service.requests_per_second"},
    {.name = "offered_requests_per_second", .unit = "1/s", METRIC(offered_per_second),
     .doc = "Requests that arrived, over the time in which they did.",
     .former_key = "service.offered_requests_per_second"},
    {.name = "input_tokens_per_second", .unit = "1/s", METRIC(input_tokens_per_second),
     .doc = "Prompt tokens of the measured requests over measured_seconds.",
     .former_key = "service.input_tokens_per_second"},
    {.name = "output_tokens_per_second", .unit = "1/s", METRIC(output_tokens_per_second),
     .doc = "Their output tokens, likewise.",
     .former_key = "service.output_tokens_per_second"},
    {.name = "output_tokens_per_second_per_gpu", .unit = "1/s", .number = output_tokens_per_second_per_gpu,
     .doc = "The same, a GPU."},
    {.name = "good_share", .unit = "1", METRIC(good_share),
     .doc = "Share of the measured requests within the SLO.",
     .former_key = "service.good_share"},
    {.name = "sustained", .unit = "1", .number = sustained,
     .doc = "1; 0 when the queue grew as long as requests arrived.",
     .former_key = "service.sustained"},
    {.name = "theory_capacity_requests_per_second", .unit = "1/s", METRIC(theory.capacity_per_second),
     .applies = has_capacity,
     .doc = "What all replicas complete while more requests wait, in the fluid limit (docs/serving.md)."},
    {.name = "theory_capacity_sequences", .unit = "1", METRIC(theory.capacity_sequences), .applies = has_capacity,
     .doc = "Sequences that a replica, or a rank with requests of its own, then has."},
    {.name = "theory_capacity_step_seconds", .unit = "s", METRIC(theory.capacity_step_seconds), .applies = has_capacity,
     .doc = "Mean step then."},
    {.name = "theory_capacity_seats", .unit = "1", .kind = FIGURE_TEXT, .text = capacity_seats, .applies = has_capacity,
     .doc = "What allows no more sequences: max-sequences, kv-room, step-tokens, clients; none: more would not pay."},
    {.name = "theory_capacity_bound", .unit = "1", .kind = FIGURE_TEXT, .text = capacity_bound, .applies = has_capacity,
     .doc = "What those steps are nearest to the limit of: bandwidth, compute, communication, host."},
    {.name = "theory_load", .unit = "1", METRIC(theory.load), .applies = has_load,
     .doc = "offered_requests_per_second over that capacity."},
    {.name = "theory_in_service", .unit = "1", METRIC(theory.shared_number), .applies = is_shared,
     .doc = "Requests in the service on average, all of them sharing it (Poisson arrivals, one replica)."},
    {.name = "theory_e2e_mean_seconds", .unit = "s", METRIC(theory.shared_seconds), .applies = is_shared,
     .doc = "Arrival to last token then."},
    {.name = "theory_queue_mean_seconds", .unit = "s", METRIC(theory.wait_seconds), .applies = waits_alone,
     .doc = "Wait by Pollaczek and Khinchine, where one sequence at a time is served."},
    {.name = "in_service", .unit = "1", METRIC(theory.in_service),
     .doc = "Requests in the service on average, counted between warm-up and last arrival."},
    {.name = "little_in_service", .unit = "1", METRIC(theory.little_number),
     .doc = "The same by Little's law: those that came then, a second, x their mean time; differs where the run is no steady state."},
    {.name = "mean_batch", .unit = "1", METRIC(mean_batch),
     .doc = "Requests in a step, by time.",
     .former_key = "service.mean_batch"},
    {.name = "busy_share", .unit = "1", METRIC(busy_share),
     .doc = "Of the replicas' time, in steps.",
     .former_key = "service.busy_share"},
    {.name = "prefill_busy_share",
     .unit = "1",
     METRIC(pool_busy_share[POOL_PREFILL]),
     .applies = has_pools,
     .doc = "Of the time of replicas that prefill."},
    {.name = "decode_busy_share",
     .unit = "1",
     METRIC(pool_busy_share[POOL_DECODE]),
     .applies = has_pools,
     .doc = "Of those that decode."},
    {.name = "kv_mean_share", .unit = "1", METRIC(kv_mean_share),
     .doc = "Of the KV cache, held by requests in steps.",
     .former_key = "service.kv_mean_share"},
    {.name = "kv_max_share", .unit = "1", METRIC(kv_max_share),
     .doc = "The same at the fullest.",
     .former_key = "service.kv_most_share", .former_name = "kv_most_share"},
    {.name = "prefix_hit_share", .unit = "1", METRIC(hit_share),
     .doc = "Of prompt tokens, found in the prefix cache.",
     .former_key = "service.prefix_hit_share", .former_column = "hit_share"},
    {.name = "host_hit_share", .unit = "1", METRIC(tier_share[TIER_HOST]), .applies = has_tiers,
     .doc = "Of it, what came from the host's memory (service.tiers)."},
    {.name = "remote_hit_share", .unit = "1", METRIC(tier_share[TIER_REMOTE]), .applies = has_tiers,
     .doc = "Of it, what came from the store."},
    {.name = "tier_load_mean_seconds", .unit = "s", METRIC(tier_load_seconds), .applies = has_tiers,
     .doc = "Of requests that had some of their prompt loaded, how long that took; part of their wait in the queue."},
    {.name = "host_loaded_bytes", .unit = "B", METRIC(tier_loaded_bytes[TIER_HOST]), .applies = has_tiers,
     .doc = "From the hosts' memory to all GPUs."},
    {.name = "remote_loaded_bytes", .unit = "B", METRIC(tier_loaded_bytes[TIER_REMOTE]), .applies = has_tiers,
     .doc = "From the store."},
    {.name = "host_stored_bytes", .unit = "B", METRIC(tier_stored_bytes[TIER_HOST]), .applies = has_tiers,
     .doc = "From all GPUs to the hosts' memory."},
    {.name = "remote_stored_bytes", .unit = "B", METRIC(tier_stored_bytes[TIER_REMOTE]), .applies = has_tiers,
     .doc = "To the store."},
    {.name = "protection_chunk_seconds", .unit = "s", METRIC(protection_chunk_seconds), .applies = is_protected,
     .doc = "From the end of a chunk of KV cache until it is safe in the host's memory (service.protection)."},
    {.name = "protection_host_share", .unit = "1", METRIC(protection_host_share), .applies = is_protected,
     .doc = "Bytes that go to the host's memory for every byte of KV cache."},
    {.name = "recovered_requests", .unit = "1", METRIC(recovered), .applies = is_protected,
     .doc = "Requests that went on from their caches after a GPU had failed."},
    {.name = "recovered_tokens", .unit = "1", METRIC(recovered_tokens), .applies = is_protected,
     .doc = "Of their caches, what was recovered and not computed again."},
    {.name = "recovery_mean_seconds", .unit = "s", METRIC(recovery_seconds), .applies = is_protected,
     .doc = "Of one of them, what its recovery took."},
    {.name = "mean_replicas", .unit = "1", METRIC(replicas), .applies = is_scaled,
     .doc = "Replicas that held GPUs, on average over the run; costs and energy are of these (service.scaling)."},
    {.name = "cold_starts", .unit = "1", METRIC(cold_starts), .applies = is_scaled,
     .doc = "Replicas that started and came to serve."},
    {.name = "cold_start_mean_seconds", .unit = "s", METRIC(cold_start_seconds), .applies = is_scaled,
     .doc = "From the decision that one starts until it serves."},
    {.name = "finetuning_tokens", .unit = "1", METRIC(finetuning_tokens), .applies = is_finetuned,
     .doc = "Tokens that adapters were trained on beside the service, all replicas (service.finetuning)."},
    {.name = "finetuning_tokens_per_second", .unit = "1/s", METRIC(finetuning_tokens_per_second), .applies = is_finetuned,
     .doc = "Those a second, over the run."},
    {.name = "finetuning_share", .unit = "1", METRIC(finetuning_share), .applies = is_finetuned,
     .doc = "Of the replicas' time, what they trained in: in steps and while nobody asked for anything."},
    {.name = "finetuning_room_bytes", .unit = "B", METRIC(finetuning_room_bytes), .applies = is_finetuned,
     .doc = "Taken from a GPU's KV cache by adapters, their gradients and states, and what a micro-batch keeps."},
    {.name = "mean_prefill_replicas", .unit = "1", METRIC(prefill_replicas), .applies = is_switched,
     .doc = "Replicas that prefilled, on average over the run (service.switching)."},
    {.name = "phase_moves", .unit = "1", METRIC(phase_moves), .applies = is_switched,
     .doc = "Times that a replica came to serve in the other phase."},
    {.name = "phase_move_mean_seconds", .unit = "s", METRIC(phase_move_seconds), .applies = is_switched,
     .doc = "From the decision that one moves until it serves in the other phase: its last requests, and `switch`."},
    {.name = "weight_swaps", .unit = "1", METRIC(weight_swaps), .applies = swaps_weights,
     .doc = "Times that a model's weights came to GPUs that it shares (sharing)."},
    {.name = "weight_swap_mean_seconds", .unit = "s", METRIC(weight_swap_seconds), .applies = swaps_weights,
     .doc = "From the moment that another gives way until the model serves: weights that go, `switch`, weights that come."},
    {.name = "weight_swapped_bytes", .unit = "B", METRIC(weight_swapped_bytes), .applies = swaps_weights,
     .doc = "Of the model, over host links both ways, its kept caches among them; of all GPUs."},
    {.name = "requests", .unit = "1", METRIC(requests),
     .doc = "Requests that arrived.",
     .former_key = "service.requests"},
    {.name = "completed", .unit = "1", METRIC(completed),
     .doc = "Of them, answered to the last token.",
     .former_key = "service.completed"},
    {.name = "measured", .unit = "1", METRIC(measured),
     .doc = "Of those, arrived after the warm-up.",
     .former_key = "service.measured"},
    {.name = "rejected", .unit = "1", METRIC(rejected),
     .doc = "Too long for a replica's KV cache, or a prompt of `model.context` tokens or more.",
     .former_key = "service.rejected"},
    {.name = "lost", .unit = "1", METRIC(lost),
     .doc = "Lost with a replica that failed.",
     .former_key = "service.lost"},
    LEFT_ROWS,
    {.name = "retries", .unit = "1", METRIC(retries),
     .doc = "Times a request began again because its replica failed.",
     .former_key = "service.retries"},
    {.name = "faults", .unit = "1", METRIC(faults),
     .doc = "Faults that struck; each is a row of the trace's `/faults`.",
     .former_key = "service.faults"},
    {.name = "dropped", .unit = "1", METRIC(dropped),
     .doc = "Of a trace, ask for no token and are left out.",
     .former_key = "service.dropped"},
    {.name = "draft_tokens", .unit = "1", METRIC(drafts), .applies = guesses,
     .doc = "Tokens that were guessed (service.speculation)."},
    {.name = "accepted_draft_share", .unit = "1", METRIC(accepted_share), .applies = guesses,
     .doc = "Of them, came true."},
    {.name = "tokens_per_verification", .unit = "1", METRIC(tokens_per_verification), .applies = guesses,
     .doc = "Tokens that a step gave a request whose guesses it verified, the one it would have given anyway included."},
    {.name = "adapter_hit_share", .unit = "1", METRIC(adapter_hit_share), .applies = has_adapters,
     .doc = "Of requests with an adapter, found it on their GPUs: 1 less adapter_loads over them."},
    {.name = "adapter_loads", .unit = "1", METRIC(adapter_loads), .applies = has_adapters,
     .doc = "Times an adapter came to a replica's GPUs."},
    {.name = "adapter_reads", .unit = "1", METRIC(adapter_reads), .applies = has_adapters,
     .doc = "Of them, it came from storage, through the host's memory."},
    {.name = "adapter_loaded_bytes", .unit = "B", METRIC(adapter_bytes), .applies = has_adapters,
     .doc = "Bytes of adapters to all GPUs."},
    {.name = "adapter_load_seconds", .unit = "s", METRIC(adapter_seconds), .applies = has_adapters,
     .doc = "That steps of all replicas waited for adapters."},
    {.name = "adapter_waits", .unit = "1", METRIC(adapter_waits), .applies = has_adapters,
     .doc = "Requests that waited while a step had service.adapters.max_adapters others."},
    {.name = "adapter_room_bytes", .unit = "B", METRIC(adapter_room_bytes), .applies = has_adapters,
     .doc = "Of a GPU's memory, kept for adapters; among its weights."},
    {.name = "preemptions", .unit = "1", METRIC(preemptions),
     .doc = "Times a running request gave way because the KV cache was full.",
     .former_key = "service.preemptions"},
    {.name = "steps", .unit = "1", METRIC(steps),
     .doc = "Forward passes of all replicas.",
     .former_key = "service.steps"},
    {.name = "input_tokens", .unit = "1", METRIC(input_tokens),
     .doc = "Prompt tokens of the measured requests.",
     .former_key = "service.input_tokens"},
    {.name = "output_tokens", .unit = "1", METRIC(output_tokens),
     .doc = "Output tokens of the measured requests.",
     .former_key = "service.output_tokens"},
    {.name = "measured_seconds", .unit = "s", METRIC(seconds),
     .doc = "First measured arrival to last token.",
     .former_key = "service.measured_seconds"},
    {.name = "down_seconds", .unit = "s", METRIC(down_seconds),
     .doc = "Replicas' time lost to faults.",
     .former_key = "service.down_seconds"},
    {.name = "kv_moved_bytes", .unit = "B", METRIC(moved_bytes),
     .doc = "KV caches moved between replicas.",
     .former_key = "service.kv_moved_bytes"},
    {.name = "room_wait_mean_seconds", .unit = "s", METRIC(room_seconds), .applies = has_pools,
     .doc = "A measured request waited so long, prefilled, for room in a KV cache to decode in."},
    {.name = "kv_move_mean_seconds", .unit = "s", METRIC(move_seconds), .applies = has_pools,
     .doc = "Its KV cache was so long on its way there."},
    {.name = "kv_swapped_bytes", .unit = "B", METRIC(swapped_bytes),
     .doc = "KV caches of preempted requests that went to hosts and came back.",
     .former_key = "service.kv_swapped_bytes"},
    {.name = "mfu", .unit = "1", METRIC(mfu),
     .doc = "Useful FLOPs of all requests over the bf16 peak of all GPUs.",
     .former_key = "service.mfu"},
    {.name = "memory_bandwidth_share", .unit = "1", METRIC(memory_share),
     .doc = "Bytes to and from GPU memory over its peak.",
     .former_key = "service.memory_bandwidth_share"},
    {.name = "joules", .unit = "J", METRIC(joules),
     .doc = "Energy of all GPUs, waiting included.",
     .former_key = "joules"},
    {.name = "joules_per_output_token", .unit = "J", METRIC(joules_per_token),
     .doc = "The same, an output token.",
     .former_key = "service.joules_per_output_token", .former_column = "joules_per_token"},
    {.name = "watts_per_gpu", .unit = "W", METRIC(watts_per_gpu),
     .doc = "Average power of a GPU, waiting included.",
     .former_key = "service.watts_per_gpu"},
    {.name = "dollars_per_million_output_tokens", .unit = "$", METRIC(dollars_per_million_tokens),
     .doc = "0 without a price.",
     .former_key = "service.dollars_per_million_output_tokens", .former_column = "dollars_per_million_tokens"},
    {.name = "weight_bytes", .unit = "B", METRIC(memory.weight_bytes),
     .doc = "Weights in a GPU's memory.",
     .former_key = "service.memory_per_gpu.weight_bytes"},
    {.name = "kv_cache_bytes", .unit = "B", METRIC(memory.kv_cache_bytes),
     .doc = "What is left of it for the KV cache.",
     .former_key = "service.memory_per_gpu.kv_cache_bytes"},
    {.name = "activation_bytes", .unit = "B", METRIC(memory.activation_bytes),
     .doc = "Activations of the largest step, and buffers.",
     .former_key = "service.memory_per_gpu.activation_bytes"},
    {.name = "kv_cache_tokens_per_replica", .unit = "1", METRIC(kv_cache_tokens),
     .doc = "Tokens that fit a replica's KV cache; with vLLM's scheduler and windows, those of `full_length_requests`.",
     .former_key = "service.kv_cache_tokens_per_replica"},
    {.name = "full_length_requests", .unit = "1", METRIC(full_length_requests),
     .doc = "Requests of as many tokens as the model was made for (model.context) that fill a replica's KV cache, as "
            "vLLM's maximum concurrency; 0: the model does not say."},
    {.name = "seconds", .unit = "s", METRIC(end_seconds),
     .doc = "Simulated, of the whole run.",
     .former_key = "seconds"},
    {.name = "events", .unit = "1", METRIC(events),
     .doc = "Flows and timed activities that SimGrid played.",
     .former_key = "events"},
};
/* clang-format on */

/* --- of a class of requests: those that are of requests --- */

#define PART(stem, suffix, part, which, meaning)                                                   \
    {                                                                                              \
        .name = stem "_" suffix "_seconds", .unit = "s", METRIC(latencies[which].part),            \
        .doc = meaning                                                                             \
    }
#define OF_CLASS(which, stem, what)                                                                \
    PART(stem, "p99", p99, which, what " 99th percentile."),                                       \
        PART(stem, "p50", p50, which, "Median."),                                                  \
        PART(stem, "p90", p90, which, "90th percentile."), PART(stem, "p95", p95, which, "95th."), \
        PART(stem, "mean", mean, which, "Mean."), PART(stem, "max", max, which, "Largest.")

/* clang-format off */
static const struct figure of_class[] = {
    OF_CLASS(LATENCY_TTFT, "ttft", "Time to first token."),
    OF_CLASS(LATENCY_TPOT, "tpot", "Time per output token."),
    OF_CLASS(LATENCY_E2E, "e2e", "Arrival to last token."),
    OF_CLASS(LATENCY_QUEUE, "queue", "In a replica's queue, until first in a batch."),
    {.name = "goodput_requests_per_second", .unit = "1/s", METRIC(goodput),
     .doc = "Those within the class's SLO a second; without an SLO all are."},
    {.name = "requests_per_second", .unit = "1/s", METRIC(requests_per_second),
     .doc = "Over the service's measured_seconds, as all rates here."},
    {.name = "input_tokens_per_second", .unit = "1/s", METRIC(input_tokens_per_second),
     .doc = "Prompt tokens."},
    {.name = "output_tokens_per_second", .unit = "1/s", METRIC(output_tokens_per_second),
     .doc = "Output tokens."},
    {.name = "good_share", .unit = "1", METRIC(good_share),
     .doc = "Share of the class's measured requests within its SLO."},
    {.name = "prefix_hit_share", .unit = "1", METRIC(hit_share),
     .doc = "Of its prompt tokens, found in the prefix cache."},
    {.name = "requests", .unit = "1", METRIC(requests), .doc = "Requests that arrived."},
    {.name = "completed", .unit = "1", METRIC(completed), .doc = "Of them, answered."},
    {.name = "measured", .unit = "1", METRIC(measured), .doc = "Of those, arrived after the warm-up."},
    {.name = "rejected", .unit = "1", METRIC(rejected), .doc = "Too long for a replica's KV cache, or a prompt of `model.context` tokens or more."},
    {.name = "lost", .unit = "1", METRIC(lost), .doc = "Lost with a replica that failed."},
    LEFT_ROWS,
    {.name = "preemptions", .unit = "1", METRIC(preemptions),
     .doc = "Times that one of them gave way."},
    {.name = "input_tokens", .unit = "1", METRIC(input_tokens),
     .doc = "Prompt tokens of the measured requests."},
    {.name = "output_tokens", .unit = "1", METRIC(output_tokens), .doc = "Their output tokens."},
};
/* clang-format on */

/* --- of a tenant: those that are of its requests, and what it has of the GPUs --- */

/* clang-format off */
static const struct figure of_tenant[] = {
    OF_CLASS(LATENCY_TTFT, "ttft", "Time to first token."),
    OF_CLASS(LATENCY_TPOT, "tpot", "Time per output token."),
    OF_CLASS(LATENCY_ITL, "itl", "Between two tokens of a request."),
    OF_CLASS(LATENCY_E2E, "e2e", "Arrival to last token."),
    OF_CLASS(LATENCY_QUEUE, "queue", "In a queue, until first in a batch; for its model's weights too."),
    {.name = "goodput_requests_per_second", .unit = "1/s", METRIC(goodput),
     .doc = "Those within the tenant's SLO a second; without an SLO all are."},
    {.name = "requests_per_second", .unit = "1/s", METRIC(requests_per_second),
     .doc = "Over the time from its first measured arrival to its last token, as all rates here."},
    {.name = "input_tokens_per_second", .unit = "1/s", METRIC(input_tokens_per_second),
     .doc = "Prompt tokens."},
    {.name = "output_tokens_per_second", .unit = "1/s", METRIC(output_tokens_per_second),
     .doc = "Output tokens."},
    {.name = "good_share", .unit = "1", METRIC(good_share),
     .doc = "Share of its measured requests within its SLO."},
    {.name = "sustained", .unit = "1", .number = sustained,
     .doc = "1; 0 when its queue grew as long as requests arrived."},
    {.name = "mean_batch", .unit = "1", METRIC(mean_batch), .doc = "Requests in a step, by time."},
    {.name = "busy_share", .unit = "1", METRIC(busy_share),
     .doc = "Of the time in which its replicas held GPUs, in steps."},
    {.name = "kv_max_share", .unit = "1", METRIC(kv_max_share), .doc = "Of its KV cache, at the fullest."},
    {.name = "prefix_hit_share", .unit = "1", METRIC(hit_share),
     .doc = "Of its prompt tokens, found in the prefix cache."},
    {.name = "weight_swaps", .unit = "1", METRIC(weight_swaps), .applies = swaps_weights,
     .doc = "Times that its weights came to GPUs that it shares."},
    {.name = "weight_swap_mean_seconds", .unit = "s", METRIC(weight_swap_seconds), .applies = swaps_weights,
     .doc = "From the moment that another gives way until it serves."},
    {.name = "weight_swapped_bytes", .unit = "B", METRIC(weight_swapped_bytes), .applies = swaps_weights,
     .doc = "Of it, over host links both ways."},
    {.name = "requests", .unit = "1", METRIC(requests), .doc = "Requests that arrived."},
    {.name = "completed", .unit = "1", METRIC(completed), .doc = "Of them, answered."},
    {.name = "measured", .unit = "1", METRIC(measured), .doc = "Of those, arrived after the warm-up."},
    {.name = "rejected", .unit = "1", METRIC(rejected),
     .doc = "Too long for a replica's KV cache, or a prompt of `model.context` tokens or more."},
    {.name = "preemptions", .unit = "1", METRIC(preemptions), .doc = "Times that one of them gave way."},
    {.name = "steps", .unit = "1", METRIC(steps), .doc = "Forward passes of its replicas."},
    {.name = "input_tokens", .unit = "1", METRIC(input_tokens),
     .doc = "Prompt tokens of the measured requests."},
    {.name = "output_tokens", .unit = "1", METRIC(output_tokens), .doc = "Their output tokens."},
    {.name = "weight_bytes", .unit = "B", METRIC(memory.weight_bytes),
     .doc = "Its weights in a GPU's memory."},
    {.name = "kv_cache_bytes", .unit = "B", METRIC(memory.kv_cache_bytes), .doc = "Its KV cache there."},
    {.name = "kv_cache_tokens_per_replica", .unit = "1", METRIC(kv_cache_tokens),
     .doc = "Tokens that fit it."},
};
/* clang-format on */

static const char *const class_parts[] = {"class_NAME_", NULL};
static const char *const tenant_parts[] = {"tenant_NAME_", NULL};

const struct figure_table serving_tables[] = {
    [SERVING_ALL] = {.heading = "A service",
                     .doc =
                         "Latencies are of the measured requests: those that completed and arrived "
                         "after the warm-up. An interval says where the steady state's figure lies "
                         "in 19 of 20 runs (`null`: too few requests to say). Of more than "
                         "1,000,000 requests quantiles are right to 0.05 % (docs/serving.md).",
                     .key = "figures",
                     .figures = figures,
                     .count = sizeof figures / sizeof *figures},
    [SERVING_CLASS] = {.heading = "A class of a service's requests",
                       .doc = "With `workload.classes`: an object for each, beside its `name`. In "
                              "sweeps, plans and traces `class_`, the class's name ('-' and '.' as "
                              "'_') and `_` stand before a figure.",
                       .key = "classes[]",
                       .parts = class_parts,
                       .figures = of_class,
                       .count = sizeof of_class / sizeof *of_class},
    [SERVING_TENANT] = {.heading = "A tenant of several",
                        .doc = "With `tenants`: an object for each, beside its `name` and "
                               "`model`, with `classes` where it has some. Those in "
                               "`figures` are then of all together: latencies of all requests, "
                               "time and energy of every GPU once. In sweeps and traces `tenant_`, "
                               "the tenant's name ('-' and '.' as '_') and `_` stand before a "
                               "figure.",
                        .key = "tenants[]",
                        .parts = tenant_parts,
                        .figures = of_tenant,
                        .count = sizeof of_tenant / sizeof *of_tenant},
    [SERVING_TABLE_COUNT] = {.count = 0},
};
