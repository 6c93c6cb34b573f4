/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace_tables.h"

#include "sim/trace/trace.h"

#include <stdint.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* Names of members, each list ended by NULL; the index is the value in C and in the file. */
static const char *const phase_kinds[] = {
    [TRACE_PREFILL] = "prefill",
    [TRACE_DECODE] = "decode",
    [TRACE_TRAINING_STEP] = "training_step",
    [TRACE_SERVING_STEP] = "serving_step",
    NULL,
};
static const char *const rings[] = {
    [TRACE_RING_NONE] = "none",     [TRACE_RING_PASS_KV] = "pass_kv",
    [TRACE_RING_PASS_Q] = "pass_q", [TRACE_RING_ALL_GATHER] = "all_gather",
    [TRACE_RING_TREE] = "tree",     NULL,
};
static const char *const operator_kinds[] = {
    [OPERATOR_GEMM] = "gemm",
    [OPERATOR_ATTENTION] = "attention",
    [OPERATOR_MEMORY] = "memory",
    [OPERATOR_COLLECTIVE] = "collective",
    [OPERATOR_HOST] = "host",
    [OPERATOR_KERNEL] = "kernel",
    NULL,
};
static const char *const streams[] = {
    [STREAM_COMPUTE] = "compute",
    [STREAM_COMMUNICATION] = "communication",
    NULL,
};
/* enum trace_collective */
static const char *const collectives[] = {"none",
                                          [1 + COLLECTIVE_ALL_REDUCE] = "all_reduce",
                                          [1 + COLLECTIVE_ALL_GATHER] = "all_gather",
                                          [1 + COLLECTIVE_REDUCE_SCATTER] = "reduce_scatter",
                                          [1 + COLLECTIVE_ALL_TO_ALL] = "all_to_all",
                                          [1 + COLLECTIVE_SEND_RECV] = "send_recv",
                                          [1 + COLLECTIVE_SEND] = "send",
                                          [1 + COLLECTIVE_DISPATCH] = "dispatch",
                                          [1 + COLLECTIVE_COMBINE] = "combine",
                                          NULL};
/* enum trace_group */
static const char *const groups[] = {"none",
                                     [1 + GROUP_TENSOR] = "tensor",
                                     [1 + GROUP_CONTEXT] = "context",
                                     [1 + GROUP_DATA] = "data",
                                     [1 + GROUP_EXPERT] = "expert",
                                     [1 + GROUP_ATTENTION] = "attention",
                                     [1 + GROUP_EXPERT_DATA] = "expert_data",
                                     [TRACE_GROUP_STAGES] = "stages",
                                     [TRACE_GROUP_ALL] = "all",
                                     NULL};
static const char *const bounds[] = {
    [BOUND_COMPUTE] = "compute",
    [BOUND_MEMORY] = "memory",
    [BOUND_LAUNCH] = "launch",
    [BOUND_NETWORK] = "network",
    NULL,
};
static const char *const link_kinds[] = {
    [TRACE_NVLINK] = "nvlink",
    [TRACE_NIC] = "nic",
    NULL,
};
static const char *const outcomes[] = {
    [TRACE_DONE] = "done",
    [TRACE_REJECTED] = "rejected",
    [TRACE_LOST] = "lost",
    [TRACE_REFUSED] = "refused",
    [TRACE_TIMED_OUT] = "timed_out",
    [TRACE_CANCELLED] = "cancelled",
    NULL,
};
static const char *const directions[] = {
    [TRACE_OUT] = "out",
    [TRACE_IN] = "in",
    NULL,
};

_Static_assert(COUNT_OF(operator_kinds) == OPERATOR_KIND_COUNT + 1, "a kind without a name");
_Static_assert(COUNT_OF(streams) == STREAM_COUNT + 1, "a stream without a name");

/* One column, two lines. */
/* clang-format off */
#define AT(field) .offset = offsetof(struct trace_phase, field)
static const struct trace_column phase_columns[] = {
    {.name = "name", .type = TRACE_STRING, AT(name), .units = "1",
     .long_name = "What a person calls the phase."},
    {.name = "kind", .type = TRACE_ENUM, AT(kind), .units = "1", .members = phase_kinds,
     .long_name = "A prefill, all the decode steps of one answer, a training step, or a service's step that "
                  "stands for those alike."},
    {.name = "turn", .type = TRACE_U32, AT(turn), .units = "1",
     .long_name = "Turn of the conversation, from 1; 0 of a service's step."},
    {.name = "new_tokens", .type = TRACE_U64, AT(new_tokens), .units = "1",
     .long_name = "Tokens prompted or generated, of one conversation; of a service's step, all."},
    {.name = "cached_tokens", .type = TRACE_U64, AT(cached_tokens), .units = "1",
     .long_name = "Tokens in the KV cache before the phase, of one conversation; of a service's step, of those that "
                  "decode."},
    {.name = "ring", .type = TRACE_ENUM, AT(ring), .units = "1", .members = rings,
     .long_name = "What ring attention passes round; none without context parallelism."},
    {.name = "start", .type = TRACE_F64, AT(start_seconds), .units = "s",
     .long_name = "When the phase began."},
    {.name = "duration", .type = TRACE_F64, AT(duration_seconds), .units = "s",
     .long_name = "How long it lasted; the seven parts, gemm to other, add up to it."},
    {.name = "latency", .type = TRACE_F64, AT(latency_seconds), .units = "s",
     .long_name = "TTFT of a prefill; TPOT, the mean over the steps, of a decode; of a service's step, what it took "
                  "in the run."},
    {.name = "gemm", .type = TRACE_F64, AT(gemm_seconds), .units = "s",
     .long_name = "Part of the duration spent in GEMMs."},
    {.name = "attention", .type = TRACE_F64, AT(attention_seconds), .units = "s",
     .long_name = "Part of the duration spent in attention kernels."},
    {.name = "memory_kernels", .type = TRACE_F64, AT(memory_kernel_seconds), .units = "s",
     .long_name = "Part of the duration spent in kernels bound by memory: norms, SwiGLU, copies."},
    {.name = "tp_collective", .type = TRACE_F64, AT(tp_collective_seconds), .units = "s",
     .long_name = "Part of the duration spent in collectives of tensor parallelism."},
    {.name = "ring_exposed", .type = TRACE_F64, AT(ring_exposed_seconds), .units = "s",
     .long_name = "Part of the duration spent in ring communication that nothing hides."},
    {.name = "host", .type = TRACE_F64, AT(host_seconds), .units = "s",
     .long_name = "Part of the duration in which the GPU waits for the program that drives it."},
    {.name = "other", .type = TRACE_F64, AT(other_seconds), .units = "s",
     .long_name = "Part of the duration that belongs to none of the six before."},
    {.name = "flops", .type = TRACE_F64, AT(flops), .units = "FLOP",
     .long_name = "Useful work of all GPUs; causal attention counts half the square."},
    {.name = "mfu", .type = TRACE_F64, AT(mfu), .units = "1",
     .long_name = "FLOP utilisation: flops / (duration x 16-bit peak of all GPUs, gpu.stated_rate)."},
    {.name = "nvlink_bytes", .type = TRACE_F64, AT(nvlink_bytes), .units = "B",
     .long_name = "Bytes that crossed NVLink, of all GPUs, each counted once."},
    {.name = "network_bytes", .type = TRACE_F64, AT(network_bytes), .units = "B",
     .long_name = "Bytes that crossed network cards, of all GPUs, each counted once."},
    {.name = "energy", .type = TRACE_F64, AT(joules), .units = "J", .may_be_missing = true,
     .long_name = "Energy of all GPUs; NaN when it is not modelled."},
};
#undef AT

#define AT(field) .offset = offsetof(struct trace_operator, field)
static const struct trace_column operator_columns[] = {
    {.name = "phase", .type = TRACE_U32, AT(phase), .units = "1", .row_of = "phases",
     .long_name = "The phase it ran in."},
    {.name = "segment", .type = TRACE_NAME, AT(segment), .units = "1",
     .long_name = "The run of identical layers it belongs to."},
    {.name = "layer", .type = TRACE_U32, AT(layer), .units = "1",
     .long_name = "Layer, from 0; 0 outside the layers."},
    {.name = "rank", .type = TRACE_U32, AT(rank), .units = "1",
     .long_name = "Rank of the layout: tensor rank + tensor size x context rank."},
    {.name = "gpu", .type = TRACE_U32, AT(gpu), .units = "1", .row_of = "gpus",
     .long_name = "The GPU it ran on."},
    {.name = "name", .type = TRACE_NAME, AT(name), .units = "1",
     .long_name = "What the operator does in the layer."},
    {.name = "kind", .type = TRACE_ENUM, AT(kind), .units = "1", .members = operator_kinds,
     .long_name = "What kind of work it is."},
    {.name = "stream", .type = TRACE_ENUM, AT(stream), .units = "1", .members = streams,
     .long_name = "The stream it was queued on; the two streams overlap."},
    {.name = "iteration", .type = TRACE_U32, AT(iteration), .units = "1",
     .long_name = "Step of the ring, from 0; 0 outside a ring."},
    {.name = "start", .type = TRACE_F64, AT(start_seconds), .units = "s",
     .long_name = "When it began."},
    {.name = "duration", .type = TRACE_F64, AT(duration_seconds), .units = "s",
     .long_name = "How long it ran."},
    {.name = "flops", .type = TRACE_F64, AT(flops), .units = "FLOP",
     .long_name = "Useful work of this GPU."},
    {.name = "bytes", .type = TRACE_F64, AT(bytes), .units = "B",
     .long_name = "Bytes to and from GPU memory; of a collective, those this GPU sent."},
    {.name = "bound", .type = TRACE_ENUM, AT(bound), .units = "1", .members = bounds,
     .long_name = "What kept it from being faster."},
    {.name = "collective", .type = TRACE_ENUM, AT(collective), .units = "1",
     .members = collectives, .long_name = "What kind of collective it is."},
    {.name = "group", .type = TRACE_ENUM, AT(group), .units = "1", .members = groups,
     .long_name = "Whose collective it is; /groups has the members."},
    {.name = "buffer", .type = TRACE_F64, AT(buffer_bytes), .units = "B",
     .long_name = "What a collective is about: one member's buffer; of an all-gather its result, of a "
                  "reduce-scatter its input."},
};
#undef AT

#define AT(field) .offset = offsetof(struct trace_group_dimension, field)
static const struct trace_column group_columns[] = {
    {.name = "group", .type = TRACE_ENUM, AT(group), .units = "1", .members = groups,
     .long_name = "The kind of group, as operators have it; stages of a pipeline; all ranks."},
    {.name = "size", .type = TRACE_U32, AT(size), .units = "1",
     .long_name = "Members along this dimension."},
    {.name = "stride", .type = TRACE_U32, AT(stride), .units = "1",
     .long_name = "Ranks from one to the next."},
};
#undef AT

#define AT(field) .offset = offsetof(struct trace_link, field)
static const struct trace_column link_columns[] = {
    {.name = "name", .type = TRACE_STRING, AT(name), .units = "1",
     .long_name = "The link's name in the platform."},
    {.name = "kind", .type = TRACE_ENUM, AT(kind), .units = "1", .members = link_kinds,
     .long_name = "NVLink inside a node, or a network card."},
    {.name = "gpu", .type = TRACE_U32, AT(gpu), .units = "1", .row_of = "gpus",
     .long_name = "Whose link it is; of a shared network card, the first of its GPUs."},
    {.name = "direction", .type = TRACE_ENUM, AT(direction), .units = "1", .members = directions,
     .long_name = "Out of the GPU or into it."},
    {.name = "bytes", .type = TRACE_F64, AT(bytes), .units = "B",
     .long_name = "Bytes that crossed it, protocol overhead included."},
    {.name = "capacity", .type = TRACE_F64, AT(capacity_bytes_per_second), .units = "B/s",
     .long_name = "What it can carry."},
    {.name = "busy", .type = TRACE_F64, AT(busy_seconds), .units = "s",
     .long_name = "Time in which anything moved on it."},
    {.name = "utilisation", .type = TRACE_F64, AT(utilisation), .units = "1",
     .long_name = "bytes / (capacity x duration of the run)."},
};
#undef AT

#define AT(field) .offset = offsetof(struct trace_gpu, field)
static const struct trace_column gpu_columns[] = {
    {.name = "gpu", .type = TRACE_U32, AT(gpu), .units = "1",
     .long_name = "Number of the GPU in the cluster, from 0."},
    {.name = "node", .type = TRACE_U32, AT(node), .units = "1",
     .long_name = "Number of its node in the cluster, from 0."},
    {.name = "tensor_rank", .type = TRACE_U32, AT(tensor_rank), .units = "1",
     .long_name = "Its rank among those that share each layer's matrices, from 0."},
    {.name = "context_rank", .type = TRACE_U32, AT(context_rank), .units = "1",
     .long_name = "Its rank among those that share a sequence's tokens, from 0."},
    {.name = "busy_gemm", .type = TRACE_F64, AT(gemm_seconds), .units = "s",
     .long_name = "Time in GEMMs."},
    {.name = "busy_attention", .type = TRACE_F64, AT(attention_seconds), .units = "s",
     .long_name = "Time in attention kernels."},
    {.name = "busy_memory_kernels", .type = TRACE_F64, AT(memory_kernel_seconds), .units = "s",
     .long_name = "Time in kernels bound by memory."},
    {.name = "busy_communication", .type = TRACE_F64, AT(communication_seconds), .units = "s",
     .long_name = "Time in communication, whether something hides it or not."},
    {.name = "busy_experts", .type = TRACE_F64, AT(experts_seconds), .units = "s",
     .long_name = "Of it, time in which tokens travel to other ranks' experts and back."},
    {.name = "memory_weights", .type = TRACE_F64, AT(weights_bytes), .units = "B",
     .long_name = "Memory for weights."},
    {.name = "memory_kv_cache", .type = TRACE_F64, AT(kv_cache_bytes), .units = "B",
     .long_name = "Memory for the KV cache, at its largest."},
    {.name = "memory_activations", .type = TRACE_F64, AT(activations_bytes), .units = "B",
     .long_name = "Memory for activations and buffers, at their largest."},
    {.name = "memory_capacity", .type = TRACE_F64, AT(capacity_bytes), .units = "B",
     .long_name = "Memory the GPU has."},
    {.name = "energy", .type = TRACE_F64, AT(joules), .units = "J", .may_be_missing = true,
     .long_name = "Energy over the run; NaN when it is not modelled."},
    {.name = "flops", .type = TRACE_F64, AT(flops), .units = "FLOP",
     .long_name = "Useful work; causal attention counts half the square."},
    {.name = "traffic", .type = TRACE_F64, AT(traffic_bytes), .units = "B",
     .long_name = "Bytes to and from its memory."},
    {.name = "mfu", .type = TRACE_F64, AT(mfu), .units = "1",
     .long_name = "FLOP utilisation: flops / (duration of the run x 16-bit peak, gpu.stated_rate)."},
    {.name = "bandwidth_utilisation", .type = TRACE_F64, AT(memory_utilisation), .units = "1",
     .long_name = "traffic / (duration of the run x gpu.memory_rate)."},
};
#undef AT
#define AT(field) .offset = offsetof(struct trace_request, field)
static const struct trace_column request_columns[] = {
    {.name = "outcome", .type = TRACE_ENUM, AT(outcome), .units = "1", .members = outcomes,
     .long_name = "What became of it."},
    {.name = "replica", .type = TRACE_U32, AT(replica), .units = "1",
     .long_name = "The replica that served it last, from 0."},
    {.name = "session", .type = TRACE_U32, AT(session), .units = "1",
     .long_name = "Conversation it belongs to; 0: none."},
    {.name = "turn", .type = TRACE_U32, AT(turn), .units = "1",
     .long_name = "Turn of the conversation, from 1."},
    {.name = "prompt_tokens", .type = TRACE_U64, AT(prompt_tokens), .units = "1",
     .long_name = "Tokens of the prompt, earlier turns included."},
    {.name = "output_tokens", .type = TRACE_U64, AT(output_tokens), .units = "1",
     .long_name = "Tokens of the answer."},
    {.name = "cached_tokens", .type = TRACE_U64, AT(cached_tokens), .units = "1",
     .long_name = "Tokens of the prompt found in the prefix cache when first scheduled."},
    {.name = "arrival", .type = TRACE_F64, AT(arrival_seconds), .units = "s",
     .long_name = "When its client sent it."},
    {.name = "scheduled", .type = TRACE_F64, AT(scheduled_seconds), .units = "s", .may_be_missing = true,
     .long_name = "When it was first in a batch; NaN: never."},
    {.name = "first_token", .type = TRACE_F64, AT(first_token_seconds), .units = "s", .may_be_missing = true,
     .long_name = "When its first token was computed; NaN: never."},
    {.name = "last_token", .type = TRACE_F64, AT(last_token_seconds), .units = "s", .may_be_missing = true,
     .long_name = "When its last token was computed; NaN: never."},
    {.name = "preemptions", .type = TRACE_U32, AT(preemptions), .units = "1",
     .long_name = "Times it had to give way."},
    {.name = "retries", .type = TRACE_U32, AT(retries), .units = "1",
     .long_name = "Times it began again because its replica failed."},
    {.name = "room_wait", .type = TRACE_F64, AT(room_seconds), .units = "s",
     .long_name = "It waited, prefilled, for room in the KV cache of the replica that decodes; 0: one replica does both."},
    {.name = "kv_move", .type = TRACE_F64, AT(move_seconds), .units = "s",
     .long_name = "Its KV cache was on its way from the replica that prefilled to the one that decodes; 0: one replica does both."},
    {.name = "class", .type = TRACE_NAME, AT(of_class), .units = "1",
     .long_name = "Of workload.classes; empty: the service has none."},
    {.name = "priority", .type = TRACE_U32, AT(priority), .units = "1",
     .long_name = "A lower one is served first where priorities count."},
};
#undef AT

#define AT(field) .offset = offsetof(struct trace_step, field)
static const struct trace_column step_columns[] = {
    {.name = "replica", .type = TRACE_U32, AT(replica), .units = "1",
     .long_name = "The replica, from 0."},
    {.name = "start", .type = TRACE_F64, AT(start_seconds), .units = "s",
     .long_name = "When the first of them began."},
    {.name = "duration", .type = TRACE_F64, AT(duration_seconds), .units = "s",
     .long_name = "How long they lasted together."},
    {.name = "steps", .type = TRACE_U64, AT(steps), .units = "1",
     .long_name = "Steps: 1 with prompts, or several alike of decode alone."},
    {.name = "decodes", .type = TRACE_U32, AT(decodes), .units = "1",
     .long_name = "Sequences that decode."},
    {.name = "prompts", .type = TRACE_U32, AT(prompts), .units = "1",
     .long_name = "Prompts, or parts of prompts, in the step."},
    {.name = "decode_context", .type = TRACE_F64, AT(decode_context_tokens), .units = "1",
     .long_name = "Mean cached tokens of a sequence that decodes."},
    {.name = "prompt_tokens", .type = TRACE_U64, AT(prompt_tokens), .units = "1",
     .long_name = "New tokens of the prompts."},
    {.name = "waiting", .type = TRACE_U32, AT(waiting), .units = "1",
     .long_name = "Requests in the queue at the end."},
    {.name = "kv_tokens", .type = TRACE_U64, AT(kv_tokens), .units = "1",
     .long_name = "Room held in the KV cache at the end, tokens."},
    {.name = "power", .type = TRACE_F64, AT(watts), .units = "W",
     .long_name = "Average power of one GPU."},
    {.name = "like", .type = TRACE_U32, AT(like), .units = "1", .row_of = "phases",
     .long_name = "The step that shows the operators of those alike."},
};
#undef AT

#define AT(field) .offset = offsetof(struct trace_sample, field)
static const struct trace_column sample_columns[] = {
    {.name = "time", .type = TRACE_F64, AT(time_seconds), .units = "s",
     .long_name = "The middle of the stretch of time that the row is for."},
    {.name = "duration", .type = TRACE_F64, AT(duration_seconds), .units = "s",
     .long_name = "Length of the stretch; the last ends with the run."},
    {.name = "replica", .type = TRACE_U32, AT(replica), .units = "1",
     .long_name = "The replica, from 0."},
    {.name = "waiting", .type = TRACE_F64, AT(waiting), .units = "1",
     .long_name = "Requests in the queue, on average."},
    {.name = "running", .type = TRACE_F64, AT(running), .units = "1",
     .long_name = "Requests in service, on average."},
    {.name = "kv_tokens", .type = TRACE_F64, AT(kv_tokens), .units = "1",
     .long_name = "Room held in the KV cache, tokens, on average."},
    {.name = "power", .type = TRACE_F64, AT(watts), .units = "W",
     .long_name = "Average power of one GPU."},
};
#undef AT

#define AT(field) .offset = offsetof(struct trace_fault, field)
static const struct trace_column fault_columns[] = {
    {.name = "kind", .type = TRACE_NAME, AT(kind), .units = "1",
     .long_name = "What happened: a kind of workload.faults."},
    {.name = "target", .type = TRACE_U32, AT(target), .units = "1",
     .long_name = "The replica, node or GPU that the kind speaks of, from 0."},
    {.name = "start", .type = TRACE_F64, AT(start_seconds), .units = "s",
     .long_name = "When it struck."},
    {.name = "duration", .type = TRACE_F64, AT(duration_seconds), .units = "s",
     .long_name = "How long it lasts, beyond the end of the run perhaps."},
    {.name = "factor", .type = TRACE_F64, AT(factor), .units = "1",
     .long_name = "How many times as long work takes, or the share of a rate that is left."},
    {.name = "replicas", .type = TRACE_U32, AT(replicas), .units = "1",
     .long_name = "Replicas that it hit."},
    {.name = "requests", .type = TRACE_U64, AT(requests), .units = "1",
     .long_name = "Requests that it threw out, to begin again or to be lost."},
};
#undef AT

static const char *const cell_kinds[] = {
    [TRACE_CELL_FORWARD] = "forward",
    [TRACE_CELL_BACKWARD] = "backward",
    [TRACE_CELL_WEIGHT] = "weight",
    NULL,
};

#define AT(field) .offset = offsetof(struct trace_cell, field)
static const struct trace_column cell_columns[] = {
    {.name = "stage", .type = TRACE_U32, AT(stage), .units = "1", .row_of = "stages",
     .long_name = "The stage that ran it, from 0."},
    {.name = "chunk", .type = TRACE_U32, AT(chunk), .units = "1",
     .long_name = "Which of the stage's parts of the model, from 0."},
    {.name = "micro_batch", .type = TRACE_U32, AT(micro_batch), .units = "1",
     .long_name = "The micro-batch, from 0."},
    {.name = "kind", .type = TRACE_ENUM, AT(kind), .units = "1", .members = cell_kinds,
     .long_name = "Forward, backward, or gradients of weights on their own."},
    {.name = "start", .type = TRACE_F64, AT(start_seconds), .units = "s",
     .long_name = "When it began, from the step's start."},
    {.name = "duration", .type = TRACE_F64, AT(duration_seconds), .units = "s",
     .long_name = "How long it lasted, waits for parameters included."},
};
#undef AT

#define AT(field) .offset = offsetof(struct trace_stage, field)
static const struct trace_column stage_columns[] = {
    {.name = "busy", .type = TRACE_F64, AT(busy_seconds), .units = "s",
     .long_name = "Time in passes."},
    {.name = "end", .type = TRACE_F64, AT(end_seconds), .units = "s",
     .long_name = "When its last pass ended, from the step's start."},
    {.name = "exchange_end", .type = TRACE_F64, AT(exchange_end_seconds), .units = "s",
     .long_name = "When its gradients were reduced."},
    {.name = "parameters", .type = TRACE_F64, AT(parameter_bytes), .units = "B",
     .long_name = "Parameters on one GPU."},
    {.name = "gradients", .type = TRACE_F64, AT(gradient_bytes), .units = "B",
     .long_name = "Gradients on one GPU."},
    {.name = "optimizer", .type = TRACE_F64, AT(optimizer_bytes), .units = "B",
     .long_name = "Master copy and moments on one GPU."},
    {.name = "activations", .type = TRACE_F64, AT(activation_bytes), .units = "B",
     .long_name = "Activations on one GPU at their most."},
    {.name = "capacity", .type = TRACE_F64, AT(capacity_bytes), .units = "B",
     .long_name = "What a GPU has."},
    {.name = "passes_in_flight", .type = TRACE_U32, AT(passes_in_flight), .units = "1",
     .long_name = "The most forward passes whose backward pass, or that of weights, was to come."},
};
#undef AT

#define AT(field) .offset = offsetof(struct trace_link_sample, field)
static const struct trace_column link_sample_columns[] = {
    {.name = "link", .type = TRACE_U32, AT(link), .units = "1", .row_of = "links",
     .long_name = "The link."},
    {.name = "time", .type = TRACE_F64, AT(time_seconds), .units = "s",
     .long_name = "The middle of the stretch of time that the row is for."},
    {.name = "duration", .type = TRACE_F64, AT(duration_seconds), .units = "s",
     .long_name = "Length of the stretch; the last ends with the run."},
    {.name = "rate", .type = TRACE_F64, AT(bytes_per_second), .units = "B/s",
     .long_name = "Mean rate over the stretch; rate x duration adds up to the link's bytes."},
};
#undef AT

/* clang-format on */

const struct trace_table_layout trace_tables[TRACE_TABLE_COUNT] = {
    [TRACE_PHASES] =
        {
            .name = "phases",
            .long_name = "What the run did, one row a prefill or decode.",
            .row_bytes = sizeof(struct trace_phase),
            .columns = phase_columns,
            .column_count = COUNT_OF(phase_columns),
        },
    [TRACE_OPERATORS] =
        {
            .name = "operators",
            .long_name = "The timeline, one row an operator on a rank.",
            .row_bytes = sizeof(struct trace_operator),
            .columns = operator_columns,
            .column_count = COUNT_OF(operator_columns),
        },
    [TRACE_LINKS] =
        {
            .name = "links",
            .long_name = "The network, one row a link and direction.",
            .row_bytes = sizeof(struct trace_link),
            .columns = link_columns,
            .column_count = COUNT_OF(link_columns),
        },
    [TRACE_GPUS] =
        {
            .name = "gpus",
            .long_name = "The GPUs, one row each.",
            .row_bytes = sizeof(struct trace_gpu),
            .columns = gpu_columns,
            .column_count = COUNT_OF(gpu_columns),
        },
    [TRACE_REQUESTS] =
        {
            .name = "requests",
            .long_name = "A service's requests, one row each. Only in traces of services.",
            .row_bytes = sizeof(struct trace_request),
            .columns = request_columns,
            .column_count = COUNT_OF(request_columns),
            .optional = true,
        },
    [TRACE_STEPS] =
        {
            .name = "steps",
            .long_name = "What replicas of a service did, one row a step with prompts or a run of "
                         "decode steps alike. Only in traces of services.",
            .row_bytes = sizeof(struct trace_step),
            .columns = step_columns,
            .column_count = COUNT_OF(step_columns),
            .optional = true,
        },
    [TRACE_SERIES] =
        {
            .name = "series",
            .long_name = "Replicas of a service over time, one row a replica and stretch of time. "
                         "Only in traces of services.",
            .row_bytes = sizeof(struct trace_sample),
            .columns = sample_columns,
            .column_count = COUNT_OF(sample_columns),
            .optional = true,
        },
    [TRACE_CELLS] =
        {
            .name = "cells",
            .long_name = "Passes of micro-batches through the stages of the first pipeline, one "
                         "row a pass, stage by stage. Only in traces of training.",
            .row_bytes = sizeof(struct trace_cell),
            .columns = cell_columns,
            .column_count = COUNT_OF(cell_columns),
            .optional = true,
        },
    [TRACE_STAGES] =
        {
            .name = "stages",
            .long_name = "Stages of the first pipeline. Only in traces of training.",
            .row_bytes = sizeof(struct trace_stage),
            .columns = stage_columns,
            .column_count = COUNT_OF(stage_columns),
            .optional = true,
        },
    [TRACE_LINK_SERIES] =
        {
            .name = "link_series",
            .long_name = "Links over time, one row a link and stretch of time in which anything "
                         "moved on it, link by link. Only with trace: {links: series}.",
            .row_bytes = sizeof(struct trace_link_sample),
            .columns = link_sample_columns,
            .column_count = COUNT_OF(link_sample_columns),
            .optional = true,
        },
    [TRACE_FAULTS] =
        {
            .name = "faults",
            .long_name = "What broke while a service ran, one row a fault. Only in traces of "
                         "services that had any.",
            .row_bytes = sizeof(struct trace_fault),
            .columns = fault_columns,
            .column_count = COUNT_OF(fault_columns),
            .optional = true,
        },
    [TRACE_GROUPS] =
        {
            .name = "groups",
            .long_name =
                "Who talks to whom, one row a kind of group and dimension: a rank's group is "
                "the ranks whose numbers differ in these dimensions alone.",
            .row_bytes = sizeof(struct trace_group_dimension),
            .columns = group_columns,
            .column_count = COUNT_OF(group_columns),
            .optional = true,
        },
};

size_t trace_member_count(const struct trace_column *column)
{
    size_t count = 0;
    while (column->members[count] != NULL) {
        count++;
    }
    return count;
}

size_t trace_cell_bytes(enum trace_type type)
{
    static const size_t bytes[TRACE_TYPE_COUNT] = {
        [TRACE_F64] = sizeof(double),    [TRACE_U64] = sizeof(uint64_t),
        [TRACE_U32] = sizeof(uint32_t),  [TRACE_ENUM] = sizeof(uint8_t),
        [TRACE_STRING] = sizeof(char *), [TRACE_NAME] = sizeof(uint16_t),
    };
    return bytes[type];
}

void trace_gather_cells(const struct trace_table_layout *layout, size_t index, const void *rows,
                        size_t count, void *cells)
{
    const struct trace_column *column = &layout->columns[index];
    const char *field = (const char *)rows + column->offset;
    size_t cell_bytes = trace_cell_bytes(column->type);
    if (column->type == TRACE_ENUM) {
        for (size_t row = 0; row < count; row++, field += layout->row_bytes) {
            unsigned value;
            memcpy(&value, field, sizeof value);
            ((uint8_t *)cells)[row] = (uint8_t)value;
        }
    } else {
        for (size_t row = 0; row < count; row++, field += layout->row_bytes) {
            memcpy((char *)cells + row * cell_bytes, field, cell_bytes);
        }
    }
}

const char *trace_type_name(enum trace_type type)
{
    static const char *const names[TRACE_TYPE_COUNT] = {
        [TRACE_F64] = "float64", [TRACE_U64] = "uint64",    [TRACE_U32] = "uint32",
        [TRACE_ENUM] = "enum",   [TRACE_STRING] = "string", [TRACE_NAME] = "name",
    };
    return names[type];
}
