/* SPDX-License-Identifier: MIT
 * What a service achieved: latencies of its requests, rates, use of what it has. Quantiles are
 * exact (nearest rank of the sorted column) where the run keeps its requests; where it does not
 * (fold.h), and of the time between tokens, to 0.05 % (histogram.h). */
#ifndef CPSIM_SIM_SERVING_RESULT_METRICS_H
#define CPSIM_SIM_SERVING_RESULT_METRICS_H

#include "models/numeric/steady.h"
#include "sim/serving/result/theory.h"
#include "sim/serving/serving.h"

enum latency {
    LATENCY_TTFT,  /* arrival to first token */
    LATENCY_TPOT,  /* first to last token, a token after the first */
    LATENCY_ITL,   /* between two tokens of a request */
    LATENCY_E2E,   /* arrival to last token */
    LATENCY_QUEUE, /* in a replica's queue, until first in a batch */
    LATENCY_COUNT
};

/* Seconds; `count` 0: nobody had any, and the rest is 0. */
struct latency_summary {
    uint64_t count;
    double mean, p50, p90, p95, p99, max;
    /* Where the steady state's lie, 95 of 100 times (steady.h), from 0 up; NAN where not known. */
    struct steady_interval mean_interval, p50_interval, p90_interval, p95_interval, p99_interval;
};

#define ALL_CLASSES SIZE_MAX

struct serving_metrics {
    const struct serving_run *run;
    size_t class_index; /* of one class of requests: then what is of requests is filled, and the
                             rest is 0; or ALL_CLASSES */
    struct serving_metrics *classes; /* [class_count]; NULL: the service has none */
    size_t class_count;
    uint64_t requests;  /* that came */
    uint64_t completed; /* all of them, warm-up included */
    uint64_t rejected, lost, retries, dropped;
    uint64_t refused, timed_out, cancelled;
    uint64_t wasted_tokens; /* of answers that were given up */
    uint64_t faults;        /* that struck */
    uint64_t measured;      /* completed, and came after the warm-up */
    struct latency_summary latencies[LATENCY_COUNT];
    double seconds; /* from the first measured arrival to the last token */
    double requests_per_second, input_tokens_per_second, output_tokens_per_second;
    double offered_per_second;            /* requests that came, over the time in which they came */
    double good_share;                    /* of the measured requests: within the SLO */
    double goodput;                       /* those a second; without an SLO all are good */
    uint64_t input_tokens, output_tokens; /* measured requests' */
    double mean_batch;                    /* requests in a step, by time */
    double busy_share;                    /* of the replicas' time */
    double pool_busy_share[POOL_COUNT];   /* of either pool's, where there are two */
    double kv_mean_share, kv_max_share;   /* of the KV cache, in steps; at its fullest */
    double hit_share;                     /* of prompt tokens, found in the prefix cache */
    uint64_t drafts, accepted;            /* tokens that were guessed, and came true */
    double accepted_share;
    double tokens_per_verification;   /* of a request, its own token included */
    double tier_share[KV_TIER_COUNT]; /* of prompt tokens, found in that tier */
    double protection_chunk_seconds, protection_host_share;
    uint64_t recovered, recovered_tokens;
    double recovery_seconds;                 /* of one of them */
    double tier_loaded_bytes[KV_TIER_COUNT]; /* to GPUs */
    double tier_stored_bytes[KV_TIER_COUNT]; /* from GPUs */
    double tier_load_seconds;                /* mean, of the requests that had some of it loaded */
    uint64_t adapter_loads, adapter_reads;   /* adapters that came to GPUs; of them, from storage */
    double adapter_bytes, adapter_seconds;   /* bytes to all GPUs; that steps waited for them */
    double adapter_room_bytes;               /* that a GPU keeps for them */
    double adapter_hit_share;                /* of the requests with one, found it there */
    uint64_t adapter_waits;                  /* requests that waited for others' adapters to end */
    double replicas;                         /* that held GPUs, on average */
    double prefill_replicas;                 /* that prefilled, on average over the run */
    uint64_t phase_moves;                    /* of replicas between phases ... */
    double phase_move_seconds;               /* ... one of them */
    uint64_t weight_swaps;                   /* times that a model came to GPUs it shares ... */
    double weight_swap_seconds;              /* ... one of them, ... */
    double weight_swapped_bytes;             /* ... and of all, over host links, both ways */
    uint64_t cold_starts;                    /* that have ended ... */
    double cold_start_seconds;               /* ... one of them */
    double finetuning_tokens;                /* that adapters were trained on ... */
    double finetuning_tokens_per_second;     /* ... over the run, of all replicas */
    double finetuning_share;                 /* of the replicas' time */
    double finetuning_room_bytes;            /* of a GPU */
    uint64_t preemptions;
    uint64_t steps;
    double mfu;              /* useful FLOPs of all requests over the bf16 peak, over the run */
    double memory_share;     /* bytes to and from GPU memory over its peak, over the run */
    double joules;           /* all GPUs, waiting included */
    double joules_per_token; /* of output */
    double watts_per_gpu;
    double dollars_per_million_tokens; /* of output; 0: no price */
    double moved_bytes;                /* KV caches between replicas */
    double room_seconds, move_seconds; /* of a measured request of two pools: waiting for room to
                                          decode in; its KV cache on its way there */
    double swapped_bytes;              /* KV caches to hosts and back */
    double down_seconds;               /* all replicas */
    /* Of any request: tokens in the end; of any step of a replica: requests that decode in it. */
    double max_keys, max_sequences[POOL_COUNT];
    bool sustained; /* false: the requests in the service grew as long as more came */
    double in_service_early, in_service_late; /* requests in it, by time: just after the warm-up,
                                                 and as the last ones came */
    double end_seconds;                       /* of the run */
    /* Of one GPU: weights, the whole KV cache, activations; of two pools, one that decodes. */
    struct memory_use memory;
    uint64_t kv_cache_tokens;    /* that fit a replica's */
    double full_length_requests; /* of as many tokens as the model was made for, that fill it; 0:
                                    the model does not say */
    uint64_t events;             /* that SimGrid played */
    struct load_theory theory;   /* of all classes together */
};

void serving_metrics(const struct serving_run *run, struct serving_metrics *metrics);

/* Of all tenants together: `runs` and their metrics `each`, [count]. Latencies are of all requests,
 * rates over the time from the first measured one's arrival to the last one's end, GPUs' time and
 * energy of every GPU once. `all` stands for them where somebody asks for their run; `events`:
 * beside the runs' own. What is of one model (theory, a cache's tokens) is left out; of one tenant
 * they are its own. */
void serving_metrics_together(const struct scenario *scenario, const struct serving_run runs[],
                              const struct serving_metrics each[], size_t count, uint64_t events,
                              struct serving_run *all, struct serving_metrics *metrics);

/* Of a request whose first token comes at that time; of one that has all of them (negative: a
 * single token has none). */
double serving_ttft_seconds(const struct request *request, double first_token_seconds);
double serving_tpot_seconds(const struct request *request);
/* Of one that is done; negative: it has none of that kind by itself. */
double serving_latency_seconds(const struct request *request, enum latency latency);

const char *latency_name(enum latency latency); /* "TTFT" */

#endif
