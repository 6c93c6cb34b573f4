/* SPDX-License-Identifier: MIT
 * `workload: {kind: serving}`: a service under load. */
#include "sim/scenario/scenario.h"
#include "sim/scenario/tables.h"

/* --- when requests come --- */

#define RATE_FIELD                                                                                 \
    {                                                                                              \
        .key = "rate", .kind = FIELD_PER_SECOND, FIELD_AT(arrivals, rate), .required = true,       \
        .min = 1e-9, .max = 1e9, .doc = "Requests per second, on average, over all replicas."      \
    }

static const struct field poisson_fields[] = {RATE_FIELD, {0}};
static const struct field constant_fields[] = {RATE_FIELD, {0}};
static const struct field gamma_fields[] = {
    RATE_FIELD,
    {.key = "variation",
     .kind = FIELD_NUMBER,
     FIELD_AT(arrivals, variation),
     .required = true,
     .min = 0.01,
     .max = 100,
     .doc = "Standard deviation of the time between requests over its mean; 1 is Poisson, more is "
            "burstier."},
    {0}};

static const struct field burst_fields[] = {{.key = "size",
                                             .kind = FIELD_COUNT,
                                             FIELD_AT(arrivals, burst),
                                             .required = true,
                                             .min = 1,
                                             .doc = "Requests that come at once."},
                                            {.key = "period",
                                             .kind = FIELD_SECONDS,
                                             FIELD_AT(arrivals, period_seconds),
                                             .required = true,
                                             .min = 1e-6,
                                             .max = 1e9,
                                             .doc = "Time between two bursts."},
                                            {0}};

static const struct choice trace_format_choices[] = {
    {.name = "csv",
     .value = REQUEST_TRACE_CSV,
     .doc =
         "Columns prompt_tokens, output_tokens, and optionally session; arrival_seconds too, where "
         "the file says when they come."},
    {.name = "azure",
     .value = REQUEST_TRACE_AZURE,
     .doc = "Azure LLM inference traces: TIMESTAMP, ContextTokens, GeneratedTokens."},
    {.name = "mooncake",
     .value = REQUEST_TRACE_MOONCAKE,
     .doc =
         "Mooncake's JSON lines: timestamp (ms), input_length, output_length, hash_ids of blocks "
         "of 512 tokens."},
    {0}};

#define REQUEST_FILE_FIELDS                                                                        \
    {.key = "file",                                                                                \
     .kind = FIELD_INPUT_FILE,                                                                     \
     FIELD_AT(arrivals, file),                                                                     \
     .doc = "Requests in the order in which they are sent; their lengths are used, and `lengths` " \
            "is not, nor their times. None: lengths are drawn."},                                  \
        {.key = "format",                                                                          \
         .kind = FIELD_CHOICE,                                                                     \
         FIELD_AT(arrivals, format),                                                               \
         .fallback = "csv",                                                                        \
         .choices = trace_format_choices,                                                          \
         .doc = "How the file is written."},                                                       \
    {                                                                                              \
        .key = "limit", .kind = FIELD_COUNT, FIELD_AT(arrivals, limit), .fallback = "0",           \
        .doc = "At most so many requests of the file; 0: all."                                     \
    }

static const struct field at_once_fields[] = {REQUEST_FILE_FIELDS, {0}};

static const struct field closed_loop_fields[] = {
    {.key = "clients",
     .kind = FIELD_COUNT,
     FIELD_AT(arrivals, clients),
     .required = true,
     .min = 1,
     .max = 1e6,
     .doc = "Clients, each with one request at a time: a benchmark's concurrency."},
    {.key = "think",
     .kind = FIELD_SECONDS,
     FIELD_AT(arrivals, think_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "Time between an answer's end and its client's next request."},
    REQUEST_FILE_FIELDS,
    {0}};

static const struct field trace_fields[] = {
    {.key = "file",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(arrivals, file),
     .required = true,
     .doc = "The trace; its lengths are used, and `lengths` is not."},
    {.key = "format",
     .kind = FIELD_CHOICE,
     FIELD_AT(arrivals, format),
     .fallback = "csv",
     .choices = trace_format_choices,
     .doc = "How the trace is written."},
    {.key = "time_scale",
     .kind = FIELD_NUMBER,
     FIELD_AT(arrivals, time_scale),
     .min = 1e-6,
     .max = 1e6,
     .fallback = "1",
     .doc = "Times between requests are multiplied by it; 0.5 doubles the load."},
    {.key = "start",
     .kind = FIELD_SECONDS,
     FIELD_AT(arrivals, start_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "Requests before this time of the trace are left out."},
    {.key = "limit",
     .kind = FIELD_COUNT,
     FIELD_AT(arrivals, limit),
     .fallback = "0",
     .doc = "At most so many requests; 0: all."},
    {0}};

#define ARRIVAL(kind_name, kind_value, table, text)                                                \
    {                                                                                              \
        .name = (kind_name), .value = (kind_value), .fields = (table),                             \
        .offset = offsetof(struct serving, arrivals), .doc = (text)                                \
    }

static const struct variant arrival_variants[] = {
    ARRIVAL("poisson", ARRIVAL_POISSON, poisson_fields,
            "Independent of each other: exponential times between requests."),
    ARRIVAL("gamma", ARRIVAL_GAMMA, gamma_fields,
            "Gamma-distributed times between requests: burstier or more even than Poisson."),
    ARRIVAL("constant", ARRIVAL_CONSTANT, constant_fields, "Evenly spaced."),
    ARRIVAL("burst", ARRIVAL_BURST, burst_fields, "Many at once, again and again."),
    ARRIVAL("at-once", ARRIVAL_AT_ONCE, at_once_fields,
            "All at the beginning, as tests of offline throughput do."),
    ARRIVAL("closed-loop", ARRIVAL_CLOSED_LOOP, closed_loop_fields,
            "A number of clients that wait for their answers, as concurrency benchmarks do."),
    ARRIVAL("trace", ARRIVAL_TRACE, trace_fields, "Requests of a recorded trace."),
    {0}};

/* --- how long they are --- */

static const struct field fixed_fields[] = {{.key = "tokens",
                                             .kind = FIELD_TOKENS,
                                             FIELD_AT(length, tokens),
                                             .required = true,
                                             .min = 1,
                                             .max = 1e9,
                                             .doc = "Every one of this length."},
                                            {0}};

static const struct field uniform_fields[] = {{.key = "least",
                                               .kind = FIELD_TOKENS,
                                               FIELD_AT(length, least),
                                               .required = true,
                                               .min = 1,
                                               .max = 1e9,
                                               .doc = "The shortest."},
                                              {.key = "most",
                                               .kind = FIELD_TOKENS,
                                               FIELD_AT(length, most),
                                               .required = true,
                                               .min = 1,
                                               .max = 1e9,
                                               .doc = "The longest."},
                                              {0}};

#define MEAN_FIELD                                                                                 \
    {                                                                                              \
        .key = "mean", .kind = FIELD_MEAN_TOKENS, FIELD_AT(length, mean), .required = true,        \
        .min = 1, .max = 1e9, .doc = "Mean length, tokens."                                        \
    }
#define MOST_FIELD                                                                                 \
    {                                                                                              \
        .key = "most", .kind = FIELD_TOKENS, FIELD_AT(length, most), .min = 1, .max = 1e9,         \
        .fallback = "1_000_000 tokens", .doc = "What is longer is cut to this."                    \
    }

static const struct field exponential_fields[] = {MEAN_FIELD, MOST_FIELD, {0}};
static const struct field lognormal_fields[] = {MEAN_FIELD,
                                                {.key = "variation",
                                                 .kind = FIELD_NUMBER,
                                                 FIELD_AT(length, variation),
                                                 .required = true,
                                                 .min = 0.001,
                                                 .max = 100,
                                                 .doc = "Standard deviation over mean."},
                                                MOST_FIELD,
                                                {0}};

static const struct field empirical_fields[] = {
    {.key = "file",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(length, file),
     .required = true,
     .doc = "A text file with one length, in tokens, a line; each is drawn alike often."},
    {0}};

#define LENGTH_VARIANTS(member)                                                                    \
    {                                                                                              \
        {.name = "fixed",                                                                          \
         .value = LENGTH_FIXED,                                                                    \
         .fields = fixed_fields,                                                                   \
         .offset = offsetof(struct serving, member),                                               \
         .doc = "All alike."},                                                                     \
            {.name = "uniform",                                                                    \
             .value = LENGTH_UNIFORM,                                                              \
             .fields = uniform_fields,                                                             \
             .offset = offsetof(struct serving, member),                                           \
             .doc = "Each whole number of a range alike often."},                                  \
            {.name = "exponential",                                                                \
             .value = LENGTH_EXPONENTIAL,                                                          \
             .fields = exponential_fields,                                                         \
             .offset = offsetof(struct serving, member),                                           \
             .doc = "Many short, few long; rounded up."},                                          \
            {.name = "lognormal",                                                                  \
             .value = LENGTH_LOGNORMAL,                                                            \
             .fields = lognormal_fields,                                                           \
             .offset = offsetof(struct serving, member),                                           \
             .doc = "What chats look like: a long tail."},                                         \
            {.name = "empirical",                                                                  \
             .value = LENGTH_EMPIRICAL,                                                            \
             .fields = empirical_fields,                                                           \
             .offset = offsetof(struct serving, member),                                           \
             .doc = "Drawn from a file."},                                                         \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct variant prompt_variants[] = LENGTH_VARIANTS(prompt);
static const struct variant output_variants[] = LENGTH_VARIANTS(output);

static const struct field lengths_fields[] = {{.key = "prompt",
                                               .kind = FIELD_TAGGED,
                                               FIELD_AT(serving, prompt_kind),
                                               .required = true,
                                               .variants = prompt_variants,
                                               .doc = "New tokens of a prompt."},
                                              {.key = "output",
                                               .kind = FIELD_TAGGED,
                                               FIELD_AT(serving, output_kind),
                                               .required = true,
                                               .variants = output_variants,
                                               .doc = "Tokens of an answer."},
                                              {0}};

static const struct field session_fields[] = {
    {.key = "turns",
     .kind = FIELD_NUMBER,
     FIELD_AT(serving, session_turns),
     .required = true,
     .min = 1,
     .max = 1e6,
     .doc = "Mean number of turns of a conversation (geometric, at least 1). Each turn's prompt "
            "comes on top of the conversation so far, whose KV stays in the prefix cache while "
            "there is room."},
    {.key = "think",
     .kind = FIELD_SECONDS,
     FIELD_AT(serving, session_think_seconds),
     .required = true,
     .max = 1e9,
     .doc = "Mean time between an answer and the next prompt (exponential)."},
    {0}};

/* --- who serves them --- */

const struct choice policy_choices[] = {
    {.name = "vllm",
     .value = BATCHING_VLLM,
     .doc = "vLLM v1, decision for decision: who runs first, in the order of admission, then who "
            "waits, in what is left of the token budget."},
    {.name = "sglang",
     .value = BATCHING_SGLANG,
     .doc = "SGLang, decision for decision: prompts first, as many as an estimate of what running "
            "answers still need leaves room for; when it was too low, some are retracted."},
    {.name = "no-evict",
     .value = BATCHING_NO_EVICT,
     .doc = "TensorRT-LLM's GUARANTEED_NO_EVICT: who decodes goes first, prompts fill what is "
            "left of the step, and who is let in has room to its end."},
    {.name = "max-utilization",
     .value = BATCHING_MAX_UTILIZATION,
     .doc = "TensorRT-LLM's MAX_UTILIZATION: the same, but a prompt's room is enough; the last let "
            "in gives way when the KV cache is full."},
    {.name = "chunked-prefill",
     .value = BATCHING_CHUNKED_PREFILL,
     .doc = "Sarathi: the same, but those that decode come before prompts under way."},
    {.name = "prefill-first",
     .value = BATCHING_PREFILL_FIRST,
     .doc = "Orca, vLLM v0: whole prompts as soon as there is room, decode waits for them."},
    {.name = "static",
     .value = BATCHING_STATIC,
     .doc = "A batch is filled, served to its last token, and only then the next."},
    {.name = "disaggregated",
     .value = BATCHING_DISAGGREGATED,
     .doc = "Some replicas prefill, the others decode; the KV cache moves over the network."},
    {0}};

static const struct choice router_choices[] = {
    {.name = "round-robin", .value = ROUTER_ROUND_ROBIN, .doc = "Each in turn."},
    {.name = "least-outstanding",
     .value = ROUTER_LEAST_OUTSTANDING,
     .doc = "The one with the fewest unfinished requests."},
    {.name = "prefix-aware",
     .value = ROUTER_PREFIX_AWARE,
     .doc = "The one that has most of the prompt cached, unless it is far busier than others."},
    {0}};

static const struct choice preemption_choices[] = {
    {.name = "recompute",
     .value = PREEMPTION_RECOMPUTE,
     .doc = "Its KV cache is dropped and computed again."},
    {.name = "swap",
     .value = PREEMPTION_SWAP,
     .doc = "Its KV cache goes to the host's memory and comes back."},
    {0}};

static const struct choice order_choices[] = {
    {.name = "fcfs", .value = QUEUE_FCFS, .doc = "As they came."},
    {.name = "lpm", .value = QUEUE_LPM, .doc = "The longest cached prefix first."},
    {.name = "dfs-weight",
     .value = QUEUE_DFS_WEIGHT,
     .doc = "Depth first through the cached prefixes, the branch that most wait for first."},
    {.name = "lof", .value = QUEUE_LOF, .doc = "The longest answer first."},
    {0}};

static const struct choice transfer_choices[] = {
    {.name = "after-prefill",
     .value = TRANSFER_AFTER_PREFILL,
     .doc = "When the whole prompt is computed."},
    {.name = "by-layer",
     .value = TRANSFER_BY_LAYER,
     .doc = "A layer's as soon as it is computed, beside the next ones (Splitwise, Mooncake), when "
            "the replica that decodes has room."},
    {0}};

const struct field service_fields[] = {
    {.key = "policy",
     .kind = FIELD_CHOICE,
     FIELD_AT(service, policy),
     .fallback = "vllm",
     .choices = policy_choices,
     .doc = "How a replica makes its batches. The default is what the software file says "
            "(`policy`)."},
    {.key = "max_batched_tokens",
     .kind = FIELD_TOKENS,
     FIELD_AT(service, max_batched_tokens),
     .min = 1,
     .max = 1e8,
     .fallback = "8192 tokens",
     .doc = "New tokens of one step at most, prompts and decode together. The default is that of "
            "vLLM's server on GPUs of 70 GiB and more (vllm/engine/arg_utils.py); elsewhere it is "
            "2048."},
    {.key = "max_sequences",
     .kind = FIELD_COUNT,
     FIELD_AT(service, max_sequences),
     .min = 1,
     .max = 65536,
     .fallback = "256",
     .doc = "Requests that a replica serves at once at most."},
    {.key = "long_prefill_threshold",
     .kind = FIELD_TOKENS,
     FIELD_AT(service, long_prefill_tokens),
     .max = 1e8,
     .fallback = "0 tokens",
     .doc = "New tokens of one request in a step at most, so that several long prompts advance "
            "together; 0: no such limit."},
    {.key = "reserve_prompt",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(service, reserve_prompt),
     .fallback = "true",
     .doc =
         "Whether a request is let in only when its whole prompt would find room in the KV cache "
         "(scheduler_reserve_full_isl of vLLM); else its first part must."},
    {.key = "watermark",
     .kind = FIELD_NUMBER,
     FIELD_AT(service, watermark),
     .max = 0.99,
     .fallback = "0",
     .doc = "Share of the KV cache's pages that must stay free when a request is let in beside "
            "others."},
    {.key = "block",
     .kind = FIELD_TOKENS,
     FIELD_AT(service, block_tokens),
     .min = 1,
     .max = 65536,
     .fallback = "16 tokens",
     .doc = "Tokens of one page of the KV cache."},
    {.key = "prefix_cache",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(service, prefix_cache),
     .fallback = "true",
     .doc = "Whether full pages stay, by the hash of what they hold, until others need the room "
            "(least recently used first)."},
    {.key = "preemption",
     .kind = FIELD_CHOICE,
     FIELD_AT(service, preemption),
     .fallback = "recompute",
     .choices = preemption_choices,
     .doc = "What becomes of a running request when the KV cache is full: the last admitted "
            "gives way."},
    {.key = "swap_rate",
     .kind = FIELD_BYTES_PER_SECOND,
     FIELD_AT(service, swap_bytes_per_second),
     .max = 1e13,
     .fallback = "0 B/s",
     .doc = "Between a GPU and its host, each way; 0: cluster.host_rate."},
    {.key = "order",
     .kind = FIELD_CHOICE,
     FIELD_AT(service, order),
     .fallback = "fcfs",
     .choices = order_choices,
     .doc = "With `sglang`: in which order those who wait are tried (--schedule-policy)."},
    {.key = "mixed_chunk",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(service, mixed_chunk),
     .fallback = "false",
     .doc = "With `sglang`: whether those that decode join every prefill "
            "(--enable-mixed-chunk); else they wait meanwhile."},
    {.key = "max_prefill_tokens",
     .kind = FIELD_TOKENS,
     FIELD_AT(service, max_prefill_tokens),
     .min = 1,
     .max = 1e8,
     .fallback = "16384 tokens",
     .doc = "With `sglang`: a prefill that has so many tokens takes in no further prompt "
            "(--max-prefill-tokens); `max_batched_tokens` cuts prompts (--chunked-prefill-size)."},
    {.key = "conservativeness",
     .kind = FIELD_NUMBER,
     FIELD_AT(service, conservativeness),
     .min = 0.01,
     .max = 10,
     .fallback = "1",
     .doc = "With `sglang`: the estimate of what running answers still need, times it "
            "(--schedule-conservativeness)."},
    {.key = "kv_transfer",
     .kind = FIELD_CHOICE,
     FIELD_AT(service, kv_transfer),
     .fallback = "after-prefill",
     .choices = transfer_choices,
     .doc = "With `disaggregated`: when KV caches move. The default is what vLLM's NIXL connector "
            "does."},
    {.key = "router",
     .kind = FIELD_CHOICE,
     FIELD_AT(service, router),
     .fallback = "least-outstanding",
     .choices = router_choices,
     .doc = "Which of the replicas (layout.data of them) gets a request."},
    {.key = "prefill_replicas",
     .kind = FIELD_COUNT,
     FIELD_AT(service, prefill_replicas),
     .max = 65536,
     .fallback = "0",
     .doc = "With `disaggregated`: so many of the replicas prefill, the first ones; the others "
            "decode."},
    {0}};

static const struct field slo_fields[] = {{.key = "ttft",
                                           .kind = FIELD_SECONDS,
                                           FIELD_AT(serving, slo_ttft_seconds),
                                           .max = 1e6,
                                           .fallback = "0 s",
                                           .doc = "Time to first token at most; 0: any."},
                                          {.key = "tpot",
                                           .kind = FIELD_SECONDS,
                                           FIELD_AT(serving, slo_tpot_seconds),
                                           .max = 1e6,
                                           .fallback = "0 s",
                                           .doc = "Time per output token at most; 0: any."},
                                          {0}};

static const struct field price_fields[] = {{.key = "gpu_hour",
                                             .kind = FIELD_NUMBER,
                                             FIELD_AT(serving, price_gpu_hour),
                                             .max = 1e6,
                                             .fallback = "0",
                                             .doc = "Dollars for one GPU and hour; 0: no costs."},
                                            {0}};

/* --- what breaks --- */

static const struct choice fault_choices[] = {
    {.name = "replica",
     .value = FAULT_REPLICA,
     .doc = "A replica stops and loses what it holds; it comes back empty."},
    {.name = "node",
     .value = FAULT_NODE,
     .doc = "A node stops, and with it every replica that has a GPU there."},
    {.name = "slow", .value = FAULT_SLOW, .doc = "Steps of a replica take `factor` times as long."},
    {.name = "gpu",
     .value = FAULT_GPU,
     .doc = "What a GPU computes takes `factor` times as long; its replica, or its stage of a "
            "pipeline, waits for it."},
    {.name = "nic",
     .value = FAULT_NIC,
     .doc = "The network cards of a replica's GPUs carry `factor` of their rate."},
    {.name = "card",
     .value = FAULT_CARD,
     .doc = "The network card of a GPU carries `factor` of its rate; its replica waits for it."},
    {.name = "card-down",
     .value = FAULT_CARD_DOWN,
     .doc = "The network card of a GPU is gone: its replica stops if it lies on several nodes or "
            "moves KV caches."},
    {0}};

static const struct field fault_fields[] = {{.key = "kind",
                                             .kind = FIELD_CHOICE,
                                             FIELD_AT(fault, kind),
                                             .required = true,
                                             .choices = fault_choices,
                                             .doc = "What happens."},
                                            {.key = "replica",
                                             .kind = FIELD_COUNT,
                                             FIELD_AT(fault, replica),
                                             .fallback = "0",
                                             .doc = "To which replica, from 0: kinds replica, slow "
                                                    "and nic."},
                                            {.key = "node",
                                             .kind = FIELD_COUNT,
                                             FIELD_AT(fault, node),
                                             .fallback = "0",
                                             .doc = "To which node, from 0: kind node."},
                                            {.key = "gpu",
                                             .kind = FIELD_COUNT,
                                             FIELD_AT(fault, gpu),
                                             .fallback = "0",
                                             .doc = "To which GPU, from 0: kinds gpu, card and "
                                                    "card-down."},
                                            {.key = "at",
                                             .kind = FIELD_SECONDS,
                                             FIELD_AT(fault, at_seconds),
                                             .required = true,
                                             .max = 1e9,
                                             .doc = "When."},
                                            {.key = "duration",
                                             .kind = FIELD_SECONDS,
                                             FIELD_AT(fault, duration_seconds),
                                             .required = true,
                                             .min = 1e-6,
                                             .max = 1e9,
                                             .doc = "For how long."},
                                            {.key = "factor",
                                             .kind = FIELD_NUMBER,
                                             FIELD_AT(fault, factor),
                                             .min = 0.001,
                                             .max = 1000,
                                             .fallback = "1",
                                             .doc = "How much: see `kind`."},
                                            {0}};

static const struct field fault_item = {.kind = FIELD_MAPPING,
                                        .size = sizeof(struct fault),
                                        .fields = fault_fields,
                                        .doc = "Something that breaks, or slows down."};

static const struct field random_fault_fields[] = {
    {.key = "kind",
     .kind = FIELD_CHOICE,
     FIELD_AT(random_faults, kind),
     .fallback = "replica",
     .choices = fault_choices,
     .doc = "What happens; see `faults`."},
    {.key = "mean_between",
     .kind = FIELD_SECONDS,
     FIELD_AT(random_faults, mean_between_seconds),
     .required = true,
     .min = 1e-3,
     .max = 1e12,
     .doc = "Mean time between two of them on one replica, node or GPU (exponential, a stream of "
            "random numbers for each)."},
    {.key = "repair",
     .kind = FIELD_SECONDS,
     FIELD_AT(random_faults, repair_seconds),
     .required = true,
     .min = 1e-6,
     .max = 1e9,
     .doc = "How long each lasts."},
    {.key = "factor",
     .kind = FIELD_NUMBER,
     FIELD_AT(random_faults, factor),
     .min = 0.001,
     .max = 1000,
     .fallback = "1",
     .doc = "How much: see `kind`."},
    {0}};

static const struct choice fate_choices[] = {
    {.name = "retry", .value = FATE_RETRY, .doc = "They begin again on another replica."},
    {.name = "lose", .value = FATE_LOSE, .doc = "They are lost."},
    {0}};

static const struct field client_fields[] = {
    {.key = "name",
     .kind = FIELD_NAME,
     FIELD_AT(client, name),
     .fallback = "none",
     .doc = "What it is called. Default: the file's name."},
    {.key = "title", .kind = FIELD_STRING, .doc = "One line on what it is."},
    {.key = "least_share",
     .kind = FIELD_NUMBER,
     FIELD_AT(client, least_share),
     .min = 0.001,
     .max = 1,
     .fallback = "1",
     .doc = "Fixed lengths of the scenario are the longest; the client draws whole numbers from so "
            "much of them up, each alike often. 1: all alike."},
    {.key = "requests_each",
     .kind = FIELD_COUNT,
     FIELD_AT(client, requests_each),
     .max = 1e6,
     .fallback = "0",
     .doc = "`requests` of a scenario that does not say, for each client of a closed loop. 0: the "
            "scenario's own default."},
    {.key = "request",
     .kind = FIELD_SECONDS,
     FIELD_AT(client, request_seconds),
     .max = 60,
     .fallback = "0 s",
     .doc = "What the client itself takes, in its TTFT, before the engine has a request and after "
            "it has answered."},
    {0}};

const struct field serving_fields[] = {
    {.key = "client",
     .kind = FIELD_MAPPING,
     FIELD_AT(serving, client),
     .fields = client_fields,
     .shorthand = "use",
     .folder = "platforms/clients",
     .doc = "The benchmark whose client asks: how it draws lengths, how much it asks, what it "
            "counts."},
    {.key = "arrivals",
     .kind = FIELD_TAGGED,
     FIELD_AT(serving, arrival),
     .required = true,
     .variants = arrival_variants,
     .doc = "When requests come."},
    {.key = "lengths",
     .kind = FIELD_MAPPING,
     .fields = lengths_fields,
     .doc = "How long prompts and answers are. Required unless a trace says."},
    {.key = "requests",
     .kind = FIELD_COUNT,
     FIELD_AT(serving, requests),
     .max = 1e8,
     .fallback = "0",
     .doc = "Requests of the run at most. 0: all of a trace, 1,000 of other arrivals."},
    {.key = "duration",
     .kind = FIELD_SECONDS,
     FIELD_AT(serving, duration_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "No request comes after this; those there are served to their end. 0: no such end."},
    {.key = "warm_up",
     .kind = FIELD_SECONDS,
     FIELD_AT(serving, warm_up_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "Requests that come before this are served, and left out of the figures."},
    {.key = "sessions",
     .kind = FIELD_MAPPING,
     .fields = session_fields,
     .doc = "Conversations of several turns. An arrival is then a conversation's first prompt."},
    {.key = "service",
     .kind = FIELD_MAPPING,
     FIELD_AT(serving, service),
     .fields = service_fields,
     .doc = "How requests are served."},
    {.key = "slo",
     .kind = FIELD_MAPPING,
     .fields = slo_fields,
     .doc = "What a good answer is; goodput counts those."},
    {.key = "price",
     .kind = FIELD_MAPPING,
     .fields = price_fields,
     .shorthand = "gpu_hour",
     .doc = "What it costs."},
    {.key = "faults",
     .kind = FIELD_LIST,
     FIELD_AT(serving, faults),
     .count_offset = offsetof(struct serving, fault_count),
     .max = 10000,
     .item = &fault_item,
     .doc = "What breaks, and when."},
    {.key = "random_faults",
     .kind = FIELD_MAPPING,
     FIELD_AT(serving, random_faults),
     .fields = random_fault_fields,
     .doc = "What breaks by chance."},
    {.key = "lost_requests",
     .kind = FIELD_CHOICE,
     FIELD_AT(serving, fate),
     .fallback = "retry",
     .choices = fate_choices,
     .doc = "What becomes of the requests of a replica that fails."},
    {0}};
