/* SPDX-License-Identifier: MIT
 * The keys of a scenario file. */
#include "sim/scenario/scenario.h"
#include "sim/scenario/tables.h"

const struct choice schema_choices[] = {
    {.name = "1", .value = 1, .doc = "The form that this page describes."}, {0}};

const struct field layout_fields[] = {
    {.key = "tensor",
     .kind = FIELD_COUNT,
     FIELD_AT(layout, tensor),
     .min = 1,
     .max = 1024,
     .fallback = "1",
     .doc = "GPUs that share each layer's matrices."},
    {.key = "context",
     .kind = FIELD_COUNT,
     FIELD_AT(layout, context),
     .min = 1,
     .max = 1024,
     .fallback = "1",
     .doc = "Groups of GPUs that share a sequence's tokens (ring attention). Where their hops are "
            "alike, one is played for all; else a simulation's time grows with the square of "
            "their number, and 512 take some ten seconds."},
    {.key = "pipeline",
     .kind = FIELD_COUNT,
     FIELD_AT(layout, pipeline),
     .min = 1,
     .max = 1024,
     .fallback = "1",
     .doc = "Groups of GPUs that share the layers."},
    {.key = "data",
     .kind = FIELD_COUNT,
     FIELD_AT(layout, data),
     .min = 1,
     .max = 65536,
     .fallback = "1",
     .doc = "Replicas of all that."},
    {.key = "expert",
     .kind = FIELD_COUNT,
     FIELD_AT(layout, expert),
     .min = 1,
     .max = 65536,
     .fallback = "1",
     .doc = "Parts that a layer's experts are dealt out in. In inference over a replica's tensor x "
            "attention_data GPUs of a stage: each expert is whole on one where there are as many "
            "parts, and cut over several where there are fewer. In training over so many GPUs: of "
            "a tensor group, or of expert / (tensor x context) replicas."},
    {.key = "attention_data",
     .kind = FIELD_COUNT,
     FIELD_AT(layout, attention_data),
     .min = 1,
     .max = 65536,
     .fallback = "1",
     .doc = "Groups of tensor x context GPUs in a replica that each have requests and caches of "
            "their own and share one set of experts."},
    {0}};

static const struct choice ring_choices[] = {
    {.name = "pass-kv", .value = RING_RULE_PASS_KV, .doc = "Keys and values go round the ring."},
    {.name = "pass-q", .value = RING_RULE_PASS_Q, .doc = "Queries go round the ring."},
    {.name = "algorithm-1",
     .value = RING_RULE_ALGORITHM_1,
     .doc = "The paper's Algorithm 1: by Eqs. 1 and 2."},
    {.name = "algorithm-5",
     .value = RING_RULE_ALGORITHM_5,
     .doc = "The paper's Algorithm 5: counts pass-Q's all-to-all too."},
    {.name = "heuristic",
     .value = RING_RULE_HEURISTIC,
     .doc = "The paper's fitted h(T, P) of appendix D."},
    {.name = "auto",
     .value = RING_RULE_AUTO,
     .doc = "pass-kv and pass-q are simulated, the faster is kept."},
    {.name = "mixed",
     .value = RING_RULE_MIXED,
     .doc = "Each prompt of a step by Algorithm 5 of its own: of one batch some pass keys, then "
            "others pass queries, round the same ranks."},
    {.name = "all-gather",
     .value = RING_RULE_ALL_GATHER,
     .doc = "No ring: prefill gathers all keys and values, decode all queries."},
    {.name = "tree",
     .value = RING_RULE_TREE,
     .doc = "No ring: queries are gathered, results put together by all-reduces (tree attention, "
            "arXiv 2408.04093)."},
    {0}};

static const struct field attention_fields[] = {
    {.key = "ring",
     .kind = FIELD_CHOICE,
     FIELD_AT(scenario, ring_rule),
     .fallback = "auto",
     .choices = ring_choices,
     .doc = "How context ranks share attention: a ring that passes keys and values or queries (the "
            "paper is arXiv 2411.01783), or what stands in its place."},
    {0}};

static const struct field background_fields[] = {
    {.key = "from",
     .kind = FIELD_COUNT,
     FIELD_AT(background, from_gpu),
     .required = true,
     .doc = "GPU that sends, counted from 0 over the whole cluster, node by node."},
    {.key = "to",
     .kind = FIELD_COUNT,
     FIELD_AT(background, to_gpu),
     .required = true,
     .doc = "GPU that receives."},
    {.key = "bytes",
     .kind = FIELD_BYTES,
     FIELD_AT(background, bytes),
     .required = true,
     .min = 1,
     .max = 1e18,
     .doc = "What one transfer carries."},
    {.key = "start",
     .kind = FIELD_SECONDS,
     FIELD_AT(background, start_seconds),
     .max = 1e9,
     .fallback = "0",
     .doc = "When the first transfer starts: simulated time since the run began."},
    {.key = "count",
     .kind = FIELD_COUNT,
     FIELD_AT(background, count),
     .min = 1,
     .max = 1e9,
     .fallback = "1",
     .doc = "Transfers, one after the other."},
    {0}};

static const struct field background_item = {.kind = FIELD_MAPPING,
                                             .size = sizeof(struct background),
                                             .fields = background_fields,
                                             .doc = "A stream of transfers between two GPUs."};

static const struct field platform_fields[] = {
    {.key = "xml",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(scenario, platform_xml),
     .required = true,
     .doc = "A SimGrid platform file of your own, instead of the one made from the cluster."},
    {0}};

static const struct choice detail_choices[] = {
    {.name = "folded",
     .value = DETAIL_FOLDED,
     .doc = "Plays one of what is identical: layers, and ranks that never differ."},
    {.name = "full", .value = DETAIL_FULL, .doc = "Plays every layer and every rank."},
    {0}};

const struct field memory_fields[] = {{.key = "fraction",
                                       .kind = FIELD_NUMBER,
                                       FIELD_AT(scenario, memory_fraction),
                                       .min = 0.01,
                                       .max = 1,
                                       .fallback = "0.9",
                                       .doc = "Share of a GPU's memory that the run may fill."},
                                      {.key = "static_fraction",
                                       .kind = FIELD_NUMBER,
                                       FIELD_AT(scenario, memory_static_fraction),
                                       .max = 1,
                                       .fallback = "0",
                                       .doc = "In its place, of a service: the share that weights "
                                              "and KV cache take; activations lie in the rest "
                                              "(SGLang's --mem-fraction-static). 0: `fraction`."},
                                      {.key = "free_fraction",
                                       .kind = FIELD_NUMBER,
                                       FIELD_AT(scenario, memory_free_fraction),
                                       .max = 1,
                                       .fallback = "0",
                                       .doc = "In its place, of a service: the KV cache's share of "
                                              "what weights and activations leave (TensorRT-LLM's "
                                              "free_gpu_memory_fraction). 0: `fraction`."},
                                      {0}};

static const struct choice routing_choices[] = {
    {.name = "even",
     .value = ROUTING_EVEN,
     .doc = "Each token to any, on its own: an expert's rows are binomial; numbers are means."},
    {.name = "balanced",
     .value = ROUTING_BALANCED,
     .doc = "Dealt out, so that experts differ by a row at most, as benchmarks do."},
    {.name = "power-law",
     .value = ROUTING_POWER_LAW,
     .doc = "Loads of experts follow a power law; an expert stands for each quantile."},
    {.name = "measured",
     .value = ROUTING_MEASURED,
     .doc = "Loads of experts by layer, from `file`; the mean layer's, ranks the fullest first."},
    {0}};

static const struct choice placement_choices[] = {
    {.name = "dealt",
     .value = PLACEMENT_DEALT,
     .doc = "As they come: of a power law the fullest rank's others are drawn from the rest, of "
            "measured loads ranks have experts that follow each other."},
    {.name = "eplb",
     .value = PLACEMENT_EPLB,
     .doc = "DeepSeek's EPLB over all ranks: copies of the heaviest, packed evenly."},
    {.name = "eplb-node",
     .value = PLACEMENT_EPLB_NODE,
     .doc = "EPLB by nodes: the model's groups of experts stay in a node, copies are made within."},
    {.name = "grace",
     .value = PLACEMENT_TOGETHER,
     .doc = "GRACE-MoE (arXiv 2509.25041): experts that tokens choose together on one node, and "
            "there on one rank; copies of the heaviest on other nodes; tokens take the nearest. "
            "Needs tokens' choices (`routing.file`)."},
    {0}};

const struct field routing_fields[] = {
    {.key = "kind",
     .kind = FIELD_CHOICE,
     FIELD_AT(routing_keys, routing.kind),
     .choices = routing_choices,
     .fallback = "even",
     .doc = "What is known of it."},
    {.key = "exponent",
     .kind = FIELD_NUMBER,
     FIELD_AT(routing_keys, routing.exponent),
     .min = 1.01,
     .max = 10,
     .fallback = "1.2",
     .doc = "Of the power law: the density of a load x is x^-exponent, between 1 and 80 % of the "
            "tokens."},
    {.key = "file",
     .kind = FIELD_INPUT_FILE,
     FIELD_AT(routing_keys, file),
     .doc =
         "Measured loads: a CSV with the columns layer, expert and load (tokens that came to it, "
         "in any unit), every expert of every layer that it has. Or tokens' choices: a token a "
         "row, "
         "columns layer and experts (their numbers, blanks between them); where tokens go is then "
         "what they were seen to do, not what is expected of random ones. As many tokens a layer "
         "as a step has, or more: the fullest rank's share is theirs."},
    {.key = "placement",
     .kind = FIELD_CHOICE,
     FIELD_AT(routing_keys, routing.placement),
     .choices = placement_choices,
     .fallback = "dealt",
     .doc = "Which rank has which experts, where `layout.expert` deals them out."},
    {.key = "redundant",
     .kind = FIELD_COUNT,
     FIELD_AT(routing_keys, routing.redundant),
     .max = 65536,
     .fallback = "0",
     .doc =
         "Copies of experts beside the first of each, in all; of those with the most load. Their "
         "weights are in every rank's memory."},
    {.key = "nearest",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(routing_keys, routing.nearest),
     .fallback = "false",
     .doc = "Whether tokens take a copy in their own node where there is one (GRACE-MoE, arXiv "
            "2509.25041; SGLang's static dispatch), or any. Copies of an expert are then taken to "
            "lie on nodes of their own."},
    {.key = "distinct",
     .kind = FIELD_NUMBER,
     FIELD_AT(routing_keys, routing.distinct),
     .min = 0.01,
     .max = 1,
     .fallback = "1",
     .doc =
         "With `even`: so much of a step's tokens choose on their own; the others go where one of "
         "those goes, as tokens of prompts that are alike do. Fewer experts are read then."},
    {.key = "capacity",
     .kind = FIELD_NUMBER,
     FIELD_AT(routing_keys, routing.capacity),
     .min = 0,
     .max = 1000,
     .fallback = "0",
     .doc = "In training: an expert takes so many times its even share of a micro-batch's rows at "
            "most and drops what comes beyond (arXiv 2101.03961, section 2.2; Megatron's "
            "--moe-expert-capacity-factor), 1 or more. 0: it takes all, dropless."},
    {0}};

static const struct choice operator_choices[] = {
    {.name = "none", .value = OPERATORS_NONE, .doc = "No operators."},
    {.name = "layer",
     .value = OPERATORS_LAYER,
     .doc = "The operators of one layer a phase; of a service, of up to 64 "
            "steps that stand for those alike."},
    {.name = "all", .value = OPERATORS_ALL, .doc = "Every operator that was played."},
    {0}};

static const struct choice link_choices[] = {
    {.name = "none", .value = LINKS_NONE, .doc = "No links."},
    {.name = "total", .value = LINKS_TOTAL, .doc = "Each link's bytes and use over the run."},
    {.name = "series",
     .value = LINKS_SERIES,
     .doc = "And its rate over time, in stretches of sample_interval; of a conversation."},
    {0}};

static const struct field trace_fields[] = {
    {.key = "file",
     .kind = FIELD_OUTPUT_FILE,
     FIELD_AT(trace_options, file),
     .doc = "The HDF5 file to write; without it, or with none, there is no trace."},
    {.key = "operators",
     .kind = FIELD_CHOICE,
     FIELD_AT(trace_options, operators),
     .fallback = "layer",
     .choices = operator_choices,
     .doc = "Which operators the trace keeps."},
    {.key = "links",
     .kind = FIELD_CHOICE,
     FIELD_AT(trace_options, links),
     .fallback = "total",
     .choices = link_choices,
     .doc = "What the trace keeps of links."},
    {.key = "requests",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(trace_options, requests),
     .fallback = "true",
     .doc = "Whether it keeps a service's requests, a row each."},
    {.key = "steps",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(trace_options, steps),
     .fallback = "true",
     .doc = "Whether it keeps a service's steps, a row each or for a run of steps alike."},
    {.key = "sample_interval",
     .kind = FIELD_SECONDS,
     FIELD_AT(trace_options, sample_interval_seconds),
     .max = 1e9,
     .fallback = "0 s",
     .doc = "Length of one stretch of time of a series, a service's or links'; 0: short enough for "
            "512 to 1,024 of them."},
    {0}};

const struct field scenario_fields[] = {
    SCHEMA_FIELD,
    TITLE_FIELD(scenario, title, "the scenario asks"),
    {.key = "seed",
     .kind = FIELD_COUNT,
     FIELD_AT(scenario, seed),
     .fallback = "0",
     .doc =
         "Of whatever is random. The same scenario and seed give the same result, byte for byte."},
    {.key = "jitter",
     .kind = FIELD_BOOLEAN,
     FIELD_AT(scenario, jitter),
     .fallback = "false",
     .doc = "Whether GPUs differ and drift as `gpu.jitter` says, so that whoever waits for others "
            "waits for the slowest: in a training run, and in a service. false: all are the GPU in "
            "the middle."},
    {.key = "model",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, llm),
     .required = true,
     .fields = llm_fields,
     .shorthand = "use",
     .folder = "models/llm",
     .doc =
         "The language model: a name of cpsim models, a file like them, or the config.json that a "
         "model is published with."},
    {.key = "cluster",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, cluster),
     .required = true,
     .fields = cluster_fields,
     .shorthand = "use",
     .folder = "platforms/clusters",
     .doc =
         "Nodes and the network between them. It may name its GPU and its software with `gpu:` and "
         "`software:`, as the scenario may."},
    {.key = "gpu",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, gpu),
     .fields = gpu_fields,
     .shorthand = "use",
     .folder = "platforms/gpus",
     .doc = "The GPU in the nodes. Default: the cluster's; a mapping without `use` changes keys of "
            "the cluster's."},
    {.key = "software",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, software),
     .fields = software_fields,
     .shorthand = "use",
     .folder = "platforms/software",
     .doc =
         "The program that drives the GPUs. Default: the cluster's, if it names one; else vllm for "
         "a conversation or a service, and pytorch-nccl for training. A mapping without `use` "
         "changes keys of that."},
    {.key = "layout",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, layout),
     .fields = layout_fields,
     .doc = "How the model is spread over GPUs: tensor inside context inside attention_data inside "
            "pipeline inside data."},
    {.key = "precision",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, precision),
     .fields = precision_fields,
     .shorthand = "preset",
     .presets = precision_presets,
     .doc = "The format of each class of tensor."},
    {.key = "quality",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, quality),
     .fields = quality_fields,
     .shorthand = "tokens",
     .doc = "How the model was trained: with it, a conversation's result says what the precision "
            "costs in quality, by the scaling laws of arXiv 2411.04330."},
    {.key = "attention",
     .kind = FIELD_MAPPING,
     .fields = attention_fields,
     .shorthand = "ring",
     .doc = "How attention is computed over context-parallel ranks."},
    {.key = "workload",
     .kind = FIELD_TAGGED,
     FIELD_AT(scenario, workload),
     .required = true,
     .variants = workload_variants,
     .doc = "What the machine is asked to do."},
    {.key = "background",
     .kind = FIELD_LIST,
     FIELD_AT(scenario, background),
     .count_offset = offsetof(struct scenario, background_count),
     .max = 100000,
     .item = &background_item,
     .doc = "Traffic of others on the same links, while the workload runs. A transfer goes as fast "
            "as one connection between its GPUs."},
    {.key = "platform",
     .kind = FIELD_MAPPING,
     .fields = platform_fields,
     .shorthand = "xml",
     .doc = "A network of your own."},
    {.key = "detail",
     .kind = FIELD_CHOICE,
     FIELD_AT(scenario, detail),
     .fallback = "folded",
     .choices = detail_choices,
     .doc = "How much is played. Both give the same times."},
    {.key = "memory", .kind = FIELD_MAPPING, .fields = memory_fields, .doc = "Use of GPU memory."},
    {.key = "routing",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, routing_keys),
     .fields = routing_fields,
     .shorthand = "kind",
     .doc = "How the workload's tokens go to a model's experts."},
    {.key = "pools",
     .kind = FIELD_KEYS,
     .fields = pools_fields,
     .doc = "Of a service whose prompts and answers are computed by replicas of their own (its "
            "policy is then `disaggregated`): what is different about either kind. Both are "
            "joined by one fabric, the decoding replicas' GPUs after the prefilling ones'."},
    {.key = "tenants",
     .kind = FIELD_LIST,
     FIELD_AT(scenario, tenants),
     .count_offset = offsetof(struct scenario, tenant_count),
     .max = 64,
     .item = &tenant_item,
     .doc =
         "Several models on one cluster, each a service with requests, targets and figures of its "
         "own. None: the scenario's model has all GPUs."},
    {.key = "sharing",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, sharing),
     .fields = sharing_fields,
     .shorthand = "policy",
     .doc = "How tenants have the cluster's GPUs."},
    {.key = "trace",
     .kind = FIELD_MAPPING,
     FIELD_AT(scenario, trace),
     .fields = trace_fields,
     .shorthand = "file",
     .doc = "The record of the run."},
    {0}};
