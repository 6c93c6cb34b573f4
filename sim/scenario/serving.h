/* SPDX-License-Identifier: MIT
 * A service under load, as a scenario describes it: who asks when for how much, how replicas batch
 * and who gets what. Part of struct scenario; canonical units. */
#ifndef CPSIM_SIM_SCENARIO_SERVING_H
#define CPSIM_SIM_SCENARIO_SERVING_H

#include "models/layout/kv_protection.h"
#include "models/numeric/rows.h"

#include "models/architecture/llm.h"
#include "models/layers/training_choices.h"
#include "models/machine/adapters.h"
#include "models/machine/software.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When requests come: an arrivals_NAME.c of sim/serving/load, with a table of keys
 * arrivals_NAME_fields in serving_table.c, and a row here. */
/* clang-format off */
#define ARRIVALS(ROW)                                                                              \
    ROW(ARRIVAL_POISSON, arrivals_poisson, "poisson",                                              \
        "Independent of each other: exponential times between requests.")                          \
    ROW(ARRIVAL_GAMMA, arrivals_gamma, "gamma",                                                    \
        "Gamma-distributed times between requests: burstier or more even than Poisson.")           \
    ROW(ARRIVAL_CONSTANT, arrivals_constant, "constant",                                           \
        "Evenly spaced.")                                                                          \
    ROW(ARRIVAL_RAMP, arrivals_ramp, "ramp",                                                       \
        "At a rate that grows or falls from request to request.")                                  \
    ROW(ARRIVAL_BURST, arrivals_burst, "burst",                                                    \
        "Many at once, again and again.")                                                          \
    ROW(ARRIVAL_AT_ONCE, arrivals_at_once, "at-once",                                              \
        "All at the beginning, as tests of offline throughput do.")                                \
    ROW(ARRIVAL_CLOSED_LOOP, arrivals_closed_loop, "closed-loop",                                  \
        "A number of clients that wait for their answers, as concurrency benchmarks do.")          \
    ROW(ARRIVAL_TRACE, arrivals_trace, "trace",                                                    \
        "Requests of a recorded trace.")
/* clang-format on */
enum arrival_kind { ARRIVALS(ROW_MEMBER) ARRIVAL_KIND_COUNT };

/* A request_trace_NAME.c of sim/serving/load and a row here. */
/* clang-format off */
#define REQUEST_TRACES(ROW)                                                                        \
    ROW(REQUEST_TRACE_CSV, trace_format_csv, "csv",                                                \
        "A table: columns prompt_tokens, output_tokens, and optionally session, class, adapter; "  \
        "arrival_seconds "                                                                         \
        "too, where the file says when they come. `columns` says what else they are called.")      \
    ROW(REQUEST_TRACE_AZURE, trace_format_azure, "azure",                                          \
        "Azure LLM inference traces: TIMESTAMP, ContextTokens, GeneratedTokens.")                  \
    ROW(REQUEST_TRACE_MOONCAKE, trace_format_mooncake, "mooncake",                                 \
        "Mooncake's JSON lines: timestamp (ms), input_length, output_length, hash_ids "            \
        "of blocks of 512 tokens.")                                                                \
    ROW(REQUEST_TRACE_BAILIAN, trace_format_bailian, "bailian",                                    \
        "Alibaba Bailian's JSON lines (qwen-bailian-usagetraces): the same with timestamps in "    \
        "seconds and blocks of 16 tokens.")                                                        \
    ROW(REQUEST_TRACE_BURSTGPT, trace_format_burstgpt, "burstgpt",                                 \
        "BurstGPT's table: Timestamp, Request tokens, Response tokens.")                           \
    ROW(REQUEST_TRACE_SERVEGEN, trace_format_servegen, "servegen",                                 \
        "What ServeGen writes (save_requests_to_csv): timestamp in seconds, input_tokens, "        \
        "output_tokens.")                                                                          \
    ROW(REQUEST_TRACE_SHAREGPT, trace_format_sharegpt, "sharegpt",                                 \
        "ShareGPT's list of conversations, as vllm bench serve takes it: the first question and "  \
        "its answer, of 4 tokens or more each, the question of 1024 at most, both of 2048. It "    \
        "does not say when requests come. No tokeniser is here: tokens are counted from "          \
        "characters (characters_per_token).")                                                      \
    ROW(REQUEST_TRACE_PROMPTS, trace_format_prompts, "prompts",                                    \
        "Prompts as vLLM's custom data set has them, JSON lines with the texts prompt and the "    \
        "numbers output_tokens; counted likewise, and without times.")
/* clang-format on */
enum request_trace_format { REQUEST_TRACES(ROW_MEMBER) REQUEST_TRACE_FORMAT_COUNT };

/* What a table of requests calls its columns; NULL: as format csv has it. */
struct trace_columns {
    const char *arrival, *prompt, *output, *session;
    int unit; /* of the times: powers of a thousandth; 0: seconds */
};

/* The keys of all kinds; each kind reads its own. */
struct arrivals {
    double rate;      /* requests per second; ramp: of the first */
    double last_rate; /* ramp: of the last request of its steps, and of all after it */
    uint64_t steps;   /* ramp: requests that it lasts for */
    bool exponential; /* ramp: by the same factor from request to request, not the same sum */
    double variation; /* gamma, ramp: standard deviation of the time between, over its mean */
    double period_seconds, first_seconds; /* burst: between two, and of the first */
    uint32_t burst;                       /* requests at once */
    uint32_t clients;                     /* closed loop */
    double think_seconds;
    const char *file; /* a trace, or requests in order; NULL: lengths are drawn */
    enum request_trace_format format;
    struct trace_columns columns;
    double characters_per_token; /* of a file of texts */
    double time_scale;           /* trace: the times between requests are multiplied by it */
    double start_seconds;        /* trace: what comes before is left out */
    uint64_t limit;              /* of a file: at most so many requests; 0: all */
};

enum length_kind {
    LENGTH_FIXED,
    LENGTH_UNIFORM,
    LENGTH_EXPONENTIAL,
    LENGTH_LOGNORMAL,
    LENGTH_EMPIRICAL,
    LENGTH_KIND_COUNT
};

struct length {
    uint64_t tokens; /* fixed */
    uint64_t least, most;
    double mean, variation; /* lognormal, exponential */
    const char *file;       /* empirical */
};

/* How a replica makes its batches: a policy_NAME.c of sim/serving/batching and a row here. */
/* clang-format off */
#define BATCHING_POLICIES(ROW)                                                                     \
    ROW(BATCHING_VLLM, policy_vllm, "vllm",                                                        \
        "vLLM v1, decision for decision: who runs first, in the order of admission, "              \
        "then who waits, in what is left of the token budget.")                                    \
    ROW(BATCHING_SGLANG, policy_sglang, "sglang",                                                  \
        "SGLang, decision for decision: prompts first, as many as an estimate of what "            \
        "running answers still need leaves room for; when it was too low, some are "               \
        "retracted.")                                                                              \
    ROW(BATCHING_NO_EVICT, policy_no_evict, "no-evict",                                            \
        "TensorRT-LLM's GUARANTEED_NO_EVICT: who decodes goes first, prompts fill what "           \
        "is left of the step, and who is let in has room to its end.")                             \
    ROW(BATCHING_MAX_UTILIZATION, policy_max_utilization, "max-utilization",                       \
        "TensorRT-LLM's MAX_UTILIZATION: the same, but a prompt's room is enough; the "            \
        "last let in gives way when the KV cache is full.")                                        \
    ROW(BATCHING_CHUNKED_PREFILL, policy_chunked_prefill, "chunked-prefill",                       \
        "Sarathi: the same, but those that decode come before prompts under way.")                 \
    ROW(BATCHING_PREFILL_FIRST, policy_prefill_first, "prefill-first",                             \
        "Orca, vLLM v0: whole prompts as soon as there is room, decode waits for them.")           \
    ROW(BATCHING_DEADLINE, policy_deadline, "deadline",                                            \
        "Earliest deadline first: who decodes goes on, and prompts get what is left of the "       \
        "time in which everybody keeps its class's targets (slo), by the predicted time of "       \
        "the step; nobody is let in who would slow the others beyond theirs.")                     \
    ROW(BATCHING_DEADLINE_ORACLE, policy_deadline_oracle, "deadline-oracle",                       \
        "The same, knowing how long each answer will be: what no scheduler can, to measure "       \
        "others against.")                                                                         \
    ROW(BATCHING_STATIC, policy_static, "static",                                                  \
        "A batch is filled, served to its last token, and only then the next.")                    \
    ROW(BATCHING_DISAGGREGATED, policy_disaggregated, "disaggregated",                             \
        "Some replicas prefill, the others decode; the KV cache moves over the network.")
/* clang-format on */
enum batching_kind { BATCHING_POLICIES(ROW_MEMBER) BATCHING_KIND_COUNT };

/* Whether a policy goes by the classes' targets. */
static inline bool batching_by_deadline(enum batching_kind kind)
{
    return kind == BATCHING_DEADLINE || kind == BATCHING_DEADLINE_ORACLE;
}

/* Which replica gets a request: a function in sim/serving/replica/router*.c and a row here. */
/* clang-format off */
#define ROUTERS(ROW)                                                                               \
    ROW(ROUTER_ROUND_ROBIN, router_round_robin, "round-robin",                                     \
        "Each in turn.")                                                                           \
    ROW(ROUTER_LEAST_OUTSTANDING, router_least_outstanding, "least-outstanding",                   \
        "The one with the fewest unfinished requests.")                                            \
    ROW(ROUTER_PREFIX_AWARE, router_prefix_aware, "prefix-aware",                                  \
        "The one that has most of the prompt cached, unless it is far busier than "                \
        "others.")                                                                                 \
    ROW(ROUTER_PREDICTED, router_predicted_completion, "predicted-completion",                     \
        "The one where the sum of all predicted completions grows least, by prices of the steps "  \
        "to come; answers are taken to be as long as those that have ended, on average.")          \
    ROW(ROUTER_ORACLE, router_oracle, "oracle",                                                    \
        "The same, knowing how long each answer will be: what no router can, to measure "          \
        "others against.")
/* clang-format on */
enum router_kind { ROUTERS(ROW_MEMBER) ROUTER_KIND_COUNT };

/* When replicas move between phases: a switching_NAME.c of sim/serving/replica and a row here. */
/* clang-format off */
#define SWITCHINGS(ROW)                                                                            \
    ROW(SWITCHING_NONE, switching_none, "none",                                                    \
        "Never: each does for the whole run what it does at its beginning.")                       \
    ROW(SWITCHING_LOAD, switching_load, "load",                                                    \
        "By thresholds, as Dynamo's load-based planner: one more prefills when more prompts wait " \
        "than `waiting_high` and caches are emptier than `cache_low`, one more decodes when "      \
        "caches are fuller than `cache_high` and fewer prompts wait than `waiting_low`.")          \
    ROW(SWITCHING_DEMAND, switching_demand, "demand",                                              \
        "Where one phase has too few all are shared out by what each asks for: replicas that "     \
        "compute all prompts `within` a time, and that have room for all whose prompts are "       \
        "computed.")
/* clang-format on */
enum switching_kind { SWITCHINGS(ROW_MEMBER) SWITCHING_KIND_COUNT };

/* Replicas that move between prefill and decode with the load. */
struct phase_switching {
    enum switching_kind policy;
    double look_seconds, interval_seconds; /* between looks at the load, and between decisions */
    double waiting_high, waiting_low;      /* prompts that wait, of a replica that prefills */
    double cache_high, cache_low;          /* share of the pages of those that decode */
    double within_seconds;                 /* in which all prompts are to be computed */
    uint32_t least;                        /* replicas that stay with each phase */
    double switch_seconds; /* from the end of its last request until it does the other */
};

/* How several models have the cluster's GPUs: a sharing_NAME.c of sim/serving/tenants and a row
 * here. */
/* clang-format off */
#define SHARINGS(ROW)                                                                              \
    ROW(SHARING_APART, sharing_apart, "apart",                                                     \
        "Each tenant has GPUs of its own, one after the other.")                                   \
    ROW(SHARING_RESIDENT, sharing_resident, "resident",                                            \
        "All are on the same GPUs and stay there: weights and caches of all share the memory, as " \
        "each one's memory.fraction says, and their steps go in turns.")                           \
    ROW(SHARING_SWAP, sharing_swap, "swap",                                                        \
        "All are on the same GPUs, and those whose weights have no room wait in the host's "       \
        "memory. One that is asked for comes when another has nothing to do, for `idle`; of "      \
        "several the one that was used the longest ago goes.")                                     \
    ROW(SHARING_SWAP_DRAIN, sharing_swap_drain, "swap-drain",                                      \
        "The same, but who is asked for is not kept waiting by newcomers: once the others have "   \
        "been there for `stay`, they take nothing new, end what they have, and go.")
/* clang-format on */
enum sharing_kind { SHARINGS(ROW_MEMBER) SHARING_KIND_COUNT };

/* What becomes of a prefix cache when its model's weights go. */
enum sharing_cache { SHARING_CACHE_DROP, SHARING_CACHE_HOST };

/* Several models on one cluster. */
struct gpu_sharing {
    enum sharing_kind policy;
    double idle_seconds;   /* swap: without work, before it gives way */
    double stay_seconds;   /* swap-drain: that it serves at least */
    double switch_seconds; /* of a swap, beside weights */
    bool offload;          /* weights that go are copied to the host */
    enum sharing_cache cache;
};

/* In which order SGLang tries those who wait. */
enum queue_order { QUEUE_FCFS, QUEUE_LPM, QUEUE_DFS_WEIGHT, QUEUE_LOF };

enum preemption_kind { PREEMPTION_RECOMPUTE, PREEMPTION_SWAP };

enum kv_transfer { TRANSFER_AFTER_PREFILL, TRANSFER_BY_LAYER };

/* Who guesses tokens: rows of proposers.c. */
enum proposer_kind {
    PROPOSER_NONE,
    PROPOSER_MODEL,
    PROPOSER_EAGLE,
    PROPOSER_MTP,
    PROPOSER_NGRAM,
    PROPOSER_TREE,
    PROPOSER_STREAMS,
    PROPOSER_KIND_COUNT
};

/* How many guesses come true: rows of sim/serving/load/acceptance.c. */
enum acceptance_kind {
    ACCEPTANCE_RATE,
    ACCEPTANCE_POSITIONS,
    ACCEPTANCE_FILE,
    ACCEPTANCE_KIND_COUNT
};

struct acceptance {
    double rate;
    double *rates; /* [rate_count], by position, of those whose predecessors came true */
    size_t rate_count;
    const char *file;
};

struct speculation {
    uint32_t tokens; /* guessed at once: of a tree, as deep as it is */
    enum acceptance_kind acceptance_kind;
    struct acceptance acceptance;
    uint32_t layers;       /* eagle, tree, streams */
    uint32_t nodes;        /* tree: guesses that are verified; 0: not one */
    uint32_t width;        /* tree: branches that each pass of the drafter follows */
    double lookup_seconds; /* ngram: of the host, a step */
    struct llm draft;      /* who guesses, where a model does: layers 0: none */
};

/* When blocks of the GPUs' prefix cache go to the tiers below. */
enum tier_write { TIER_WRITE_THROUGH, TIER_WRITE_BACK };

/* When they come back: while a request waits, or in the step that computes the rest of its prompt.
 */
enum tier_load { TIER_LOAD_WAITING, TIER_LOAD_BY_LAYER };

enum kv_tier_kind { TIER_HOST, TIER_REMOTE, KV_TIER_COUNT };

/* The prefix cache below the GPUs'. */
struct kv_tiers {
    double capacity_bytes[KV_TIER_COUNT]; /* 0: there is no such tier */
    bool host_shared;                     /* of a node, by its replicas; else of a replica */
    uint32_t remote_nodes;                /* that hold the store, and nothing else */
    enum tier_write write;
    enum tier_load load;
};

/* Low-rank adapters that a replica serves beside its model. */
struct service_adapters {
    uint32_t max_adapters; /* of one step, and in a GPU's memory; 0: none at all */
    uint32_t max_rank;     /* that room is kept for and kernels compute with */
    uint32_t rank;         /* of those there are */
    enum adapter_targets targets;
    uint32_t host_adapters;          /* in the host's memory; 0: all that there are */
    double storage_bytes_per_second; /* from where the others come */
};

/* Replicas that come and go with the load: of layout.data, which are the most. */
struct replica_scaling {
    double target;       /* unfinished requests of a replica; 0: all serve all the time */
    uint32_t least;      /* that stay */
    double look_seconds; /* from one look at the load to the next */
    double up_seconds, down_seconds; /* that more, or fewer, were wanted before it is done */
    double start_seconds;            /* of a replica's start, beside its weights */
};

/* How much a step trains beside what it serves: a finetuning_NAME.c of sim/serving/replica and a
 * row here. */
/* clang-format off */
#define FINETUNINGS(ROW)                                                                           \
    ROW(FINETUNING_NONE, finetuning_none, "none",                                                  \
        "Nothing: replicas serve.")                                                                \
    ROW(FINETUNING_SLACK, finetuning_slack, "slack",                                               \
        "What a step leaves of `target`: a step that is longer trains nothing.")                   \
    ROW(FINETUNING_SHARE, finetuning_share, "share",                                               \
        "A fixed `share` of each step's time, however long it is.")
/* clang-format on */
enum finetuning_kind { FINETUNINGS(ROW_MEMBER) FINETUNING_KIND_COUNT };

/* Low-rank adapters that are trained on the replicas that serve. */
struct finetuning {
    enum finetuning_kind policy;
    struct software stack; /* whose training constants price the passes */
    uint32_t rank, micro_batch;
    uint64_t sequence_tokens;
    enum recompute recompute;
    double target_seconds;   /* slack: of a step with what it trains */
    double share;            /* share: of a step's time */
    double interval_seconds; /* between two looks at whether a replica trains */
    uint32_t most_waiting;   /* in its queue then, for it to train until the next */
};

struct service {
    enum batching_kind policy;
    enum proposer_kind proposer;
    struct speculation speculation;
    struct service_adapters adapters;
    struct kv_tiers tiers;
    struct protection protection; /* of caches against the loss of a GPU */
    struct replica_scaling scaling;
    struct phase_switching switching;
    struct finetuning finetuning;
    uint64_t max_batched_tokens;  /* of a step */
    uint32_t max_sequences;       /* of a replica at once */
    uint64_t long_prefill_tokens; /* of one request in a step; 0: no such limit */
    bool whole_prompts;           /* a prompt that fits a step is not cut */
    bool reserve_prompt;          /* who is let in finds room for all of its prompt */
    double watermark;             /* share of the KV cache that admissions leave free */
    uint32_t block_tokens;        /* of a page of the KV cache */
    bool prefix_cache;
    enum preemption_kind preemption;
    enum queue_order order;       /* sglang */
    bool mixed_chunk;             /* sglang: who decodes joins prefills */
    uint64_t max_prefill_tokens;  /* sglang: after so many a prefill takes no more */
    double conservativeness;      /* sglang: the estimate of what running answers need, times it */
    double swap_bytes_per_second; /* between a GPU and its host; 0: as the cluster says */
    bool
        token_weave; /* tokens in two groups, one's all-reduce and norm under the other's kernels */
    uint32_t align_prompts; /* steps that ranks which share experts hold prompts back, until each
                               has one; 0: none */
    bool two_batch_overlap; /* a step in two halves, one's exchanges of experts under the other's
                               kernels */
    enum kv_transfer kv_transfer; /* disaggregated */
    bool priorities;              /* classes' priorities count */
    uint32_t priority_threshold;  /* sglang: who is more important by more than this takes a seat */
    double max_wait_seconds;      /* in the queue, not once scheduled; 0: any time */
    uint32_t max_waiting;         /* requests in a replica's queue; 0: any number */
    enum router_kind router;
    uint32_t prefill_replicas; /* disaggregated: so many of layout.data prefill */
};

/* Guesses that a step verifies for each sequence that decodes. */
static inline uint32_t service_drafts(const struct service *service)
{
    const struct speculation *says = &service->speculation;
    bool tree = service->proposer == PROPOSER_TREE && says->tokens > 0;
    return service->proposer == PROPOSER_NONE ? 0 : tree ? says->nodes : says->tokens;
}

static inline bool service_has_tiers(const struct service *service)
{
    return service->tiers.capacity_bytes[TIER_HOST] > 0.0 ||
           service->tiers.capacity_bytes[TIER_REMOTE] > 0.0;
}

enum fault_kind {
    FAULT_REPLICA,   /* stops, loses what it holds, comes back empty */
    FAULT_NODE,      /* every replica with a GPU on it stops */
    FAULT_SLOW,      /* steps of a replica take `factor` times as long */
    FAULT_GPU,       /* what a GPU computes does; its replica, or pipeline stage, waits for it */
    FAULT_NIC,       /* the cards of a replica carry `factor` of their rate */
    FAULT_CARD,      /* the card of a GPU does; its replica waits for it */
    FAULT_CARD_DOWN, /* the card of a GPU is gone: a replica that needs the network stops */
    FAULT_GPU_DOWN,  /* a GPU is gone and replaced: its replica stops meanwhile */
    FAULT_KIND_COUNT
};
enum fault_fate { FATE_RETRY, FATE_LOSE };

struct fault {
    enum fault_kind kind;
    uint32_t replica, node, gpu; /* the one that the kind speaks of */
    double at_seconds, duration_seconds;
    double factor;
};

/* One kind by chance, on each replica, node or GPU that it can strike. */
struct random_faults {
    enum fault_kind kind;
    double mean_between_seconds; /* for one of them; 0: none */
    double repair_seconds;
    double factor;
};

/* How a benchmark's client asks and what it counts (platforms/clients/ *.yaml). */
struct client {
    const char *name;
    double least_share;     /* lengths that the scenario says are drawn from so much of them on */
    uint64_t requests_each; /* of each client of a closed loop; 0: it does not say */
    uint64_t budget_beyond; /* a step's tokens are a prompt, one for each client and these; 0: it
                               does not say */
    uint64_t whole_beyond;  /* the same of engines that take whole prompts; 0: budget_beyond */
    uint32_t align_prompts; /* of a service of such an engine that does not say */
    double distinct;        /* routing.distinct of its prompts; 0: it does not say */
    double request_seconds; /* of its own in TTFT, before a request is on its way */
};

/* Which adapters requests ask for: one of `count` from number `first` on, the k-th of them as often
 * as 1 / k^skew says. */
struct adapter_choice {
    uint32_t count; /* 0: none asks for one */
    uint32_t first; /* from 0 */
    double skew;
    double base_share; /* of requests that ask for none */
};

/* Requests of one kind: when they come, how long they are, what they have in common and what a good
 * answer to them is. */
struct request_class {
    const char *name;  /* NULL: all requests, of a service without classes */
    double share;      /* of the workload's arrivals, over the sum of all shares */
    bool has_arrivals; /* of its own; else its share of the workload's */
    enum arrival_kind arrival;
    struct arrivals arrivals;
    uint64_t requests; /* of its own arrivals at most; 0: no such limit */
    enum length_kind prompt_kind, output_kind;
    struct length prompt, output;
    uint64_t system_tokens; /* with which every prompt begins, the same for all of the class */
    double session_turns;   /* mean number of turns of a conversation, 0: no sessions */
    double session_think_seconds;
    struct adapter_choice adapters;
    uint32_t priority;           /* a lower one is served first */
    double timeout_seconds;      /* its client waits no longer for the whole answer; 0: for ever */
    double first_token_seconds;  /* ... nor for its first token */
    double cancel_share;         /* so many of them are given up before their time ... */
    double cancel_after_seconds; /* ... on average so long after they were sent */
    double slo_ttft_seconds, slo_tpot_seconds; /* 0: none */
};

struct serving {
    struct request_class every; /* what the workload says: of every request, or of the classes that
                                   leave it out. Its rows are read into either, so it is first */
    struct request_class *classes; /* [class_count]; none: a service of one class, `every` */
    size_t class_count;
    struct client client;
    uint64_t requests;       /* of one run; traces may have fewer */
    double duration_seconds; /* arrivals end then; 0: no such end */
    double warm_up_seconds;  /* requests that arrive before are not measured */
    struct service service;
    bool pools_refuse;     /* a pool with settings of its own does (service_refuses()) */
    double price_gpu_hour; /* dollars; 0: not given */
    struct fault *faults;  /* [fault_count] */
    size_t fault_count;
    struct random_faults random_faults;
    enum fault_fate fate;
};

_Static_assert(offsetof(struct serving, every) == 0, "the rows of a class are read into it");

/* The classes that there are, one at least. */
static inline size_t serving_class_count(const struct serving *serving)
{
    return serving->class_count > 0 ? serving->class_count : 1;
}

static inline const struct request_class *serving_class(const struct serving *serving, size_t index)
{
    return serving->class_count > 0 ? &serving->classes[index] : &serving->every;
}

/* What says when requests of a class come: its own arrivals, or the workload's. */
static inline const struct request_class *serving_caller(const struct serving *serving,
                                                         const struct request_class *of)
{
    return of->has_arrivals ? of : &serving->every;
}

/* Whether who waits too long, or finds too many waiting, is refused. */
static inline bool service_refuses(const struct service *service)
{
    return service->max_wait_seconds > 0.0 || service->max_waiting > 0;
}

/* Whether requests may end before their answers do, because clients give them up or are refused. */
static inline bool serving_may_leave(const struct serving *serving)
{
    bool leave = serving->pools_refuse || service_refuses(&serving->service);
    for (size_t i = 0; i < serving_class_count(serving); i++) {
        const struct request_class *of = serving_class(serving, i);
        leave = leave || of->timeout_seconds > 0.0 || of->first_token_seconds > 0.0 ||
                of->cancel_share > 0.0;
    }
    return leave;
}

/* One more than the largest number of an adapter that classes name; 0: none has any. */
static inline uint32_t serving_adapter_count(const struct serving *serving)
{
    uint32_t count = 0;
    for (size_t i = 0; i < serving_class_count(serving); i++) {
        const struct adapter_choice *of = &serving_class(serving, i)->adapters;
        count = of->count > 0 && of->first + of->count > count ? of->first + of->count : count;
    }
    return count;
}

/* Whether a file says what requests of these arrivals are. */
static inline bool class_reads_requests(const struct request_class *caller)
{
    const char *file = caller->arrivals.file;
    return file != NULL && file[0] != '\0';
}

#endif
