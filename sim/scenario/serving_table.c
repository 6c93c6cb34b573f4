/* SPDX-License-Identifier: MIT
 * `workload: {kind: serving}`: a service under load. */
#include "sim/scenario/class_rows.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/tables.h"

/* --- who serves them --- */

const struct choice policy_choices[] = {BATCHING_POLICIES(CHOICE_OF){0}};

static const struct choice router_choices[] = {ROUTERS(CHOICE_OF){0}};

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

static const struct choice target_choices[] = {
    {.name = "all",
     .value = ADAPTERS_ALL,
     .doc = "Every linear layer of the model's layers, but experts and routers."},
    {.name = "attention", .value = ADAPTERS_ATTENTION, .doc = "Those of attention alone."},
    {.name = "feed-forward", .value = ADAPTERS_FFN, .doc = "Those of feed-forward blocks alone."},
    {0}};

static const struct field service_adapter_fields[] = {
    {.key = "max_adapters",
     .kind = FIELD_COUNT,
     FIELD_AT(service_adapters, max_adapters),
     .max = 4096,
     .fallback = "0",
     .doc = "Different adapters of one step at most, and as many in a GPU's memory, where room for "
            "all of them is kept (--max-loras). Who asks for one more waits, others pass. 0: the "
            "service has none."},
    {.key = "rank",
     .kind = FIELD_COUNT,
     FIELD_AT(service_adapters, rank),
     .min = 1,
     .max = 4096,
     .fallback = "16",
     .doc = "Of the adapters that there are: what a load moves."},
    {.key = "max_rank",
     .kind = FIELD_COUNT,
     FIELD_AT(service_adapters, max_rank),
     .max = 4096,
     .fallback = "0",
     .doc = "The largest rank allowed: what room is kept for, and what kernels compute with "
            "(--max-lora-rank). 0: `rank`."},
    {.key = "targets",
     .kind = FIELD_CHOICE,
     FIELD_AT(service_adapters, targets),
     .fallback = "all",
     .choices = target_choices,
     .doc = "Which linear layers have adapters; room is kept and kernels run for these alone."},
    {.key = "host_adapters",
     .kind = FIELD_COUNT,
     FIELD_AT(service_adapters, host_adapters),
     .max = 1e6,
     .fallback = "0",
     .doc =
         "Adapters in the host's memory, those on the GPU included, the least recently used goes "
         "first (--max-cpu-loras, whose default is --max-loras). 0: all that there are."},
    {.key = "storage_rate",
     .kind = FIELD_BYTES_PER_SECOND,
     FIELD_AT(service_adapters, storage_bytes_per_second),
     .max = 1e13,
     .fallback = "0 B/s",
     .doc = "At which a replica gets an adapter that is not in its host's memory. Needed with "
            "`host_adapters`."},
    {0}};

static const struct field host_tier_fields[] = {
    {.key = "capacity",
     .kind = FIELD_BYTES,
     FIELD_AT(kv_tiers, capacity_bytes[TIER_HOST]),
     .max = 1e15,
     .fallback = "0 B",
     .doc =
         "Of a host's memory, for a replica's caches, or with `shared` for those of all replicas "
         "of a node (--kv-offloading-size). 0: none."},
    {.key = "shared",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(kv_tiers, host_shared),
     .fallback = "false",
     .doc =
         "Whether all replicas of a node find there what any of them has put there, in a process "
         "of its own that outlives theirs."},
    {0}};

static const struct field remote_tier_fields[] = {
    {.key = "capacity",
     .kind = FIELD_BYTES,
     FIELD_AT(kv_tiers, capacity_bytes[TIER_REMOTE]),
     .max = 1e18,
     .fallback = "0 B",
     .doc = "Of the store's memory, for all replicas. 0: none."},
    {.key = "nodes",
     .kind = FIELD_COUNT,
     FIELD_AT(kv_tiers, remote_nodes),
     .min = 1,
     .max = 1024,
     .fallback = "1",
     .doc =
         "Nodes that hold it and compute nothing, with the cluster's cards; caches lie on all of "
         "them evenly."},
    {0}};

static const struct choice tier_write_choices[] = {
    {.name = "through",
     .value = TIER_WRITE_THROUGH,
     .doc = "As soon as a page is full (vLLM's offloading connector, LMCache)."},
    {.name = "back",
     .value = TIER_WRITE_BACK,
     .doc = "When the GPUs need its room (SGLang's HiCache can)."},
    {0}};

static const struct choice tier_load_choices[] = {
    {.name = "waiting",
     .value = TIER_LOAD_WAITING,
     .doc = "While the request waits, under others' steps (vLLM's offloading connector)."},
    {.name = "by-layer",
     .value = TIER_LOAD_BY_LAYER,
     .doc = "In the step that computes the rest of its prompt, each layer's before that layer "
            "(SGLang's HiCache, LMCache's use_layerwise)."},
    {0}};
static const struct field tiers_fields[] = {
    {.key = "load",
     .kind = FIELD_CHOICE,
     FIELD_AT(kv_tiers, load),
     .fallback = "waiting",
     .choices = tier_load_choices,
     .doc = "When pages come back."},
    {.key = "host",
     .kind = FIELD_MAPPING,
     .fields = host_tier_fields,
     .shorthand = "capacity",
     .doc = "The memory of the host."},
    {.key = "remote",
     .kind = FIELD_MAPPING,
     .fields = remote_tier_fields,
     .shorthand = "capacity",
     .doc =
         "A store on nodes of its own, reached through the network cards (Mooncake's, LMCache's)."},
    {.key = "write",
     .kind = FIELD_CHOICE,
     FIELD_AT(kv_tiers, write),
     .fallback = "through",
     .choices = tier_write_choices,
     .doc = "When pages of the prefix cache go to the tiers."},
    {0}};

static const struct choice protection_choices[] = {
    {.name = "none", .value = PROTECTION_NONE, .doc = "What is lost is computed again."},
    {.name = "copy", .value = PROTECTION_COPY, .doc = "All of the cache, by each GPU."},
    {.name = "parity",
     .value = PROTECTION_PARITY,
     .doc = "Parity of the GPUs' parts, coded on one of them by turns (GhostServe, arXiv "
            "2605.00831)."},
    {0}};

static const struct field protection_fields[] = {
    {.key = "kind",
     .kind = FIELD_CHOICE,
     FIELD_AT(protection, kind),
     .fallback = "none",
     .choices = protection_choices,
     .doc = "What of KV caches is kept in the host's memory."},
    {.key = "shards",
     .kind = FIELD_COUNT,
     FIELD_AT(protection, shards),
     .min = 1,
     .max = 64,
     .fallback = "1",
     .doc = "With `parity`: so many for the parts of all GPUs of a replica."},
    {.key = "chunk",
     .kind = FIELD_TOKENS,
     FIELD_AT(protection, chunk_tokens),
     .min = 1,
     .max = 1e8,
     .fallback = "2048 tokens",
     .doc = "Tokens of a request that are kept at once; those after the last whole chunk are "
            "computed again. The default is that of the paper's artifact."},
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
    {.key = "whole_prompts",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(service, whole_prompts),
     .fallback = "false",
     .doc = "Whether a prompt that fits into a step waits for one that has room for all of it "
            "(TensorRT-LLM without chunked context). The default is what the software file says "
            "(`server.whole_prompts`)."},
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
    {.key = "tiers",
     .kind = FIELD_MAPPING,
     FIELD_AT(service, tiers),
     .fields = tiers_fields,
     .doc = "Where the prefix cache goes on below the GPUs. None: what leaves them is computed "
            "again."},
    {.key = "protection",
     .kind = FIELD_MAPPING,
     FIELD_AT(service, protection),
     .fields = protection_fields,
     .shorthand = "kind",
     .doc = "How KV caches outlive a GPU that fails (faults of kind gpu-down)."},
    {.key = "scaling",
     .kind = FIELD_MAPPING,
     FIELD_AT(service, scaling),
     .fields = scaling_fields,
     .shorthand = "target",
     .doc = "Replicas that come and go with the load, and what a cold start takes."},
    {.key = "switching",
     .kind = FIELD_MAPPING,
     FIELD_AT(service, switching),
     .fields = switching_fields,
     .shorthand = "policy",
     .doc = "Replicas that move between prefill and decode with the load; `prefill_replicas` "
            "prefill at the beginning."},
    {.key = "finetuning",
     .kind = FIELD_MAPPING,
     FIELD_AT(service, finetuning),
     .fields = finetuning_fields,
     .shorthand = "policy",
     .doc = "Low-rank adapters that are trained on the replicas that serve, in what their steps "
            "leave (CoLLM, arXiv 2604.16400)."},
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
    {.key = "align_prompts",
     .kind = FIELD_COUNT,
     FIELD_AT(service, align_prompts),
     .max = 1e6,
     .fallback = "0",
     .doc = "Steps that ranks which share experts (layout.attention_data) hold new prompts back at "
            "most, until each of them has one and a seat for it: a prompt holds up the answers of "
            "all (TensorRT-LLM's attention_dp_config, enable_balance and timeout_iters). 0: each "
            "begins at once."},
    {.key = "two_batch_overlap",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(service, two_batch_overlap),
     .fallback = "false",
     .doc = "Whether a step is computed in two halves, one's exchange of experts under the other's "
            "kernels (SGLang's --enable-two-batch-overlap, vLLM's --enable-dbo). With DeepEP."},
    {.key = "token_weave",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(service, token_weave),
     .fallback = "false",
     .doc =
         "Whether a step's tokens go through the layers in two groups, one's all-reduce, residual "
         "sum and norm, one kernel of few SMs, under the other's kernels (TokenWeave, arXiv "
         "2505.11329). Split where waves of tiles lose least; small steps have the kernel "
         "alone. With tensor ranks of one node."},
    {.key = "kv_transfer",
     .kind = FIELD_CHOICE,
     FIELD_AT(service, kv_transfer),
     .fallback = "after-prefill",
     .choices = transfer_choices,
     .doc = "With `disaggregated`: when KV caches move. The default is what vLLM's NIXL connector "
            "does."},
    {.key = "speculation",
     .kind = FIELD_TAGGED,
     FIELD_AT(service, proposer),
     .variants = speculation_variants,
     .doc = "Tokens are guessed, and a step verifies all of them at once. None: one a step."},
    {.key = "adapters",
     .kind = FIELD_MAPPING,
     FIELD_AT(service, adapters),
     .fields = service_adapter_fields,
     .shorthand = "max_adapters",
     .doc = "Low-rank adapters (LoRA) beside the model; `workload.adapters` says who asks for "
            "which."},
    {.key = "priorities",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(service, priorities),
     .fallback = "false",
     .doc = "Whether the queue goes by the requests' `priority`, and the least important gives way "
            "when the KV cache is full (--scheduling-policy priority of vLLM, "
            "--enable-priority-scheduling of SGLang)."},
    {.key = "priority_threshold",
     .kind = FIELD_COUNT,
     FIELD_AT(service, priority_threshold),
     .max = 1e6,
     .fallback = "10",
     .doc =
         "With `sglang` and `priorities`: who is more important by more than this takes the seat "
         "of one who runs (--priority-scheduling-preemption-threshold)."},
    {.key = "max_wait",
     .kind = FIELD_SECONDS,
     FIELD_AT(service, max_wait_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "Who has waited so long in a replica's queue and was in no step yet is refused. 0: "
            "nobody is."},
    {.key = "max_waiting",
     .kind = FIELD_COUNT,
     FIELD_AT(service, max_waiting),
     .max = 1e8,
     .fallback = "0",
     .doc =
         "Who finds so many in its replica's queue is refused (--max-queued-requests of SGLang). "
         "0: nobody is."},
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
    {.name = "gpu-down",
     .value = FAULT_GPU_DOWN,
     .doc = "A GPU is gone: its replica stops until another has taken its place. What the others "
            "hold and what is in the host's memory stays where service.protection says so."},
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
                                             .doc = "To which GPU, from 0: kinds gpu, card, "
                                                    "card-down and gpu-down."},
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
    {.key = "budget_beyond",
     .kind = FIELD_TOKENS,
     FIELD_AT(client, budget_beyond),
     .max = 1e8,
     .fallback = "0 tokens",
     .doc =
         "Of benchmarks that start the engine for the load: max_batched_tokens of a service that "
         "does not say is the longest fixed prompt, a token for each client of a closed loop "
         "and so many more, in multiples of 64. 0: the engine's own."},
    {.key = "whole_beyond",
     .kind = FIELD_TOKENS,
     FIELD_AT(client, whole_beyond),
     .max = 1e8,
     .fallback = "0 tokens",
     .doc = "The same where the engine takes whole prompts (`service.whole_prompts`). 0: "
            "budget_beyond."},
    {.key = "align_prompts",
     .kind = FIELD_COUNT,
     FIELD_AT(client, align_prompts),
     .max = 1e6,
     .fallback = "0",
     .doc = "`service.align_prompts` of such an engine with ranks that share experts, where the "
            "scenario does not say."},
    {.key = "distinct",
     .kind = FIELD_NUMBER,
     FIELD_AT(client, distinct),
     .max = 1,
     .fallback = "0",
     .doc =
         "`routing.distinct` of a scenario that does not say: synthetic prompts are alike. 0: all "
         "tokens choose on their own."},
    {.key = "request",
     .kind = FIELD_SECONDS,
     FIELD_AT(client, request_seconds),
     .max = 60,
     .fallback = "0 s",
     .doc = "What the client itself takes, in its TTFT, before the engine has a request and after "
            "it has answered."},
    {0}};

static const struct field class_item = {.kind = FIELD_MAPPING,
                                        .size = sizeof(struct request_class),
                                        .fields = request_class_fields,
                                        .doc = "Requests of one kind. A key that it leaves out is "
                                               "the workload's."};

const struct field serving_fields[] = {
    {.key = "client",
     .kind = FIELD_MAPPING,
     FIELD_AT(serving, client),
     .fields = client_fields,
     .shorthand = "use",
     .folder = "platforms/clients",
     .doc = "The benchmark whose client asks: how it draws lengths, how much it asks, what it "
            "counts."},
    ARRIVALS_ROW("When requests come. Required unless every class has arrivals of its own."),
    LENGTHS_ROW("How long prompts and answers are. Required unless a file or every class says."),
    SYSTEM_PROMPT_ROW,
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
    SESSIONS_ROW,
    ADAPTERS_ROW,
    {.key = "classes",
     .kind = FIELD_LIST,
     FIELD_AT(serving, classes),
     .count_offset = offsetof(struct serving, class_count),
     .max = 1000,
     .item = &class_item,
     .doc = "Kinds of requests in one service, with figures of their own. None: all are of one."},
    {.key = "service",
     .kind = FIELD_MAPPING,
     FIELD_AT(serving, service),
     .fields = service_fields,
     .doc = "How requests are served."},
    PRIORITY_ROW,
    TIMEOUT_ROW,
    CANCEL_ROW,
    SLO_ROW,
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
