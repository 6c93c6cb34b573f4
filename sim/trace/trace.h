/* SPDX-License-Identifier: MIT
 * The trace of a run: an HDF5 file of tables, each a group of columns. docs/trace-format.md is for
 * those who read it. Times are simulated seconds, sizes bytes, work FLOPs, energy joules.
 *
 *     struct trace *trace = trace_open("run.h5", &attributes, diagnostics);
 *     uint64_t row = trace_add_phase(trace, &(struct trace_phase){.name = "prefill turn 1", ...});
 *     bool written = trace_close(trace);
 *
 * Rows go to run.h5.part, 64 Ki at a time, so memory is bounded whatever the length of the run: one
 * lot of a table fills while the one before is compressed and written in a thread of its own (the
 * only one that speaks to HDF5 then, on a stack large enough for it: an actor's is not).
 * trace_close() renames it to run.h5. The same rows and attributes give the same bytes.
 * Owner: whoever opened it, until trace_close() or trace_abandon(). Rows and their strings are
 * copied. */
#ifndef CPSIM_SIM_TRACE_TRACE_H
#define CPSIM_SIM_TRACE_TRACE_H

#include "models/kernels/gpu_kernel.h"
#include "models/step/step_program.h"
#include "sim/base/diagnostics.h"

#include <stdbool.h>
#include <stdint.h>

struct trace;

/* What the root of the file says of the run. */
struct trace_attributes {
    uint64_t seed;
    const char *simgrid_version; /* "3.32.0" */
    const char *scenario;        /* the resolved scenario, YAML */
    bool watch; /* beside it, `path`.live can be read while it grows: see trace_watch.h */
};

enum trace_phase_kind { TRACE_PREFILL, TRACE_DECODE, TRACE_TRAINING_STEP, TRACE_SERVING_STEP };
enum trace_ring {
    TRACE_RING_NONE,
    TRACE_RING_PASS_KV,
    TRACE_RING_PASS_Q,
    TRACE_RING_ALL_GATHER,
    TRACE_RING_TREE
};

/* A prefill, all the decode steps of one answer, a training step (of its slowest stage), or a step
 * of a service that stands for those alike (trace_step.like): its operators in closed form. The
 * seven parts of the time, gemm_seconds to other_seconds, add up to duration_seconds. */
struct trace_phase {
    const char *name; /* "prefill turn 1" */
    enum trace_phase_kind kind;
    uint32_t turn;          /* of the conversation, from 1 */
    uint64_t new_tokens;    /* prompted or generated, of one conversation */
    uint64_t cached_tokens; /* in the KV cache before, of one conversation */
    enum trace_ring ring;
    double start_seconds, duration_seconds;
    double latency_seconds; /* TTFT of a prefill, TPOT of a decode; of a service's step, what it
                               took */
    double gemm_seconds, attention_seconds, memory_kernel_seconds, tp_collective_seconds;
    double ring_exposed_seconds, host_seconds, other_seconds;
    double flops; /* of all GPUs */
    double mfu;
    double nvlink_bytes, network_bytes; /* of all GPUs */
    double joules;                      /* of all GPUs; NAN: not modelled */
};

/* An operator as one rank ran it. */
/* enum collective_kind and one: 0 of what is none. */
enum trace_collective { TRACE_NO_COLLECTIVE };
#define TRACE_COLLECTIVE(kind) ((enum trace_collective)((kind) + 1))

static inline enum trace_collective trace_collective_of(const struct step_operator *operator)
{
    return operator->kind == OPERATOR_COLLECTIVE ? TRACE_COLLECTIVE(operator->collective.call.kind)
                                                 : TRACE_NO_COLLECTIVE;
}

/* enum group and one: 0 of what is no collective; and two that no operator has. */
enum trace_group {
    TRACE_NO_GROUP,
    TRACE_GROUP_STAGES = 1 + GROUP_COUNT, /* the stages of a pipeline */
    TRACE_GROUP_ALL
};
#define TRACE_GROUP(group) ((enum trace_group)((group) + 1))

static inline enum trace_group trace_group_of(const struct step_operator *operator)
{
    return operator->kind == OPERATOR_COLLECTIVE ? TRACE_GROUP(operator->collective.group)
                                                 : TRACE_NO_GROUP;
}

/* What the collective is about, B (struct collective_call). */
static inline double trace_buffer_bytes(const struct step_operator *operator)
{
    return operator->kind == OPERATOR_COLLECTIVE ? operator->collective.call.bytes : 0.0;
}

struct trace_operator {
    uint32_t phase;      /* row of /phases */
    const char *segment; /* of the step program: "layers", "head", ... */
    uint32_t layer;      /* from 0; 0 outside the layers */
    uint32_t rank;       /* of the layout */
    uint32_t gpu;        /* row of /gpus */
    const char *name;    /* "qkv", "ring hop", ... */
    enum operator_kind kind;
    enum stream stream;
    uint32_t iteration; /* of the ring, from 0 */
    double start_seconds, duration_seconds;
    double flops, bytes;
    enum bound bound;
    enum trace_collective collective;
    enum trace_group group;
    double buffer_bytes;
};

/* The row of an operator that was played: what it is and what it moved, collectives' flows too.
 * Where and when are the caller's. */
static inline struct trace_operator trace_operator_row(const struct step_segment *segment,
                                                       const struct step_operator *operator)
{
    double bytes = operator->cost.bytes;
    for (uint32_t i = 0; operator->kind == OPERATOR_COLLECTIVE && i<operator->plan.flow_count;
         i++) {
        bytes += operator->plan.flows[i].bytes;
    }
    return (struct trace_operator){
        .segment = segment->name,
        .name = operator->name,
        .kind = operator->kind,
        .stream = operator->stream,
        .iteration = operator->iteration,
        .flops = operator->cost.flops,
        .bytes = bytes,
        .bound = operator->cost.bound,
        .collective = trace_collective_of(operator),
        .group = trace_group_of(operator),
        .buffer_bytes = trace_buffer_bytes(operator),
    };
}

/* A dimension of the groups of one kind: `size` members, from each to the next `stride` ranks. A
 * group with several dimensions has a row for each, the nearest first; one rank alone has none. */
struct trace_group_dimension {
    enum trace_group group;
    uint32_t size, stride;
};

enum trace_link_kind { TRACE_NVLINK, TRACE_NIC };
enum trace_direction { TRACE_OUT, TRACE_IN };

/* One direction of a link. */
struct trace_link {
    const char *name; /* as SimGrid's platform has it */
    enum trace_link_kind kind;
    uint32_t gpu; /* row of /gpus: whose link it is; of a shared NIC, the first of its GPUs */
    enum trace_direction direction;
    double bytes;
    double capacity_bytes_per_second;
    double busy_seconds; /* in which anything moved */
    double utilisation;  /* bytes / (capacity x duration of the run) */
};

struct trace_gpu {
    uint32_t gpu;  /* in the cluster, from 0 */
    uint32_t node; /* in the cluster, from 0 */
    uint32_t tensor_rank, context_rank;
    double gemm_seconds, attention_seconds, memory_kernel_seconds, communication_seconds;
    double experts_seconds;                                  /* of communication */
    double weights_bytes, kv_cache_bytes, activations_bytes; /* at their largest */
    double capacity_bytes;
    double joules;               /* NAN: not modelled */
    double flops, traffic_bytes; /* useful work; to and from its memory */
    double mfu, memory_utilisation;
};

enum trace_outcome {
    TRACE_DONE,
    TRACE_REJECTED,
    TRACE_LOST,
    TRACE_REFUSED,
    TRACE_TIMED_OUT,
    TRACE_CANCELLED
};

/* A request of a service. Times that it never reached are NAN. */
struct trace_request {
    enum trace_outcome outcome;
    uint32_t replica, session, turn;
    uint64_t prompt_tokens, output_tokens, cached_tokens;
    double arrival_seconds, scheduled_seconds, first_token_seconds, last_token_seconds;
    uint32_t preemptions, retries;
    double room_seconds, move_seconds;
    const char *of_class; /* "": the service has none */
    uint32_t priority;
};

/* Steps of a replica that serves: one with prompts in it, or several of decode alone, alike. */
struct trace_step {
    uint32_t replica;
    double start_seconds, duration_seconds; /* of all of them */
    uint64_t steps;
    uint32_t decodes, prompts;
    double decode_context_tokens;
    uint64_t prompt_tokens;
    uint32_t waiting;
    uint64_t kv_tokens;
    double watts;
    uint32_t like; /* row of /phases: the step that shows its operators */
};

/* Something that broke, or slowed down, while a service ran. */
struct trace_fault {
    const char *kind; /* "node": as the scenario has it */
    uint32_t target;  /* the replica, node or GPU that the kind speaks of */
    double start_seconds, duration_seconds;
    double factor;
    uint32_t replicas; /* that it hit */
    uint64_t requests; /* that it threw out */
};

/* A pass of a micro-batch through a part of the model, in a training step. */
enum trace_cell_kind { TRACE_CELL_FORWARD, TRACE_CELL_BACKWARD, TRACE_CELL_WEIGHT };
struct trace_cell {
    uint32_t stage, chunk, micro_batch;
    enum trace_cell_kind kind;
    double start_seconds, duration_seconds; /* of the step */
};

/* A stage of a training step's pipeline; bytes of one GPU. */
struct trace_stage {
    double busy_seconds, end_seconds, exchange_end_seconds;
    double parameter_bytes, gradient_bytes, optimizer_bytes, activation_bytes;
    double capacity_bytes;
    uint32_t passes_in_flight;
};

/* A replica over a stretch of time. */
struct trace_sample {
    double time_seconds; /* its middle */
    double duration_seconds;
    uint32_t replica;
    double waiting, running; /* requests */
    double kv_tokens;        /* room held in the KV cache */
    double watts;            /* of one GPU */
};

/* A link over a stretch of time in which anything moved on it. */
struct trace_link_sample {
    uint32_t link;       /* row of /links */
    double time_seconds; /* its middle */
    double duration_seconds;
    double bytes_per_second;
};

/* Creates `path`.part. On failure NULL and a diagnostic: `path` cannot be written, which is the
 * user's to mend (exit status 2). `diagnostics` must outlive the trace. */
struct trace *trace_open(const char *path, const struct trace_attributes *attributes,
                         struct diagnostics *diagnostics);

/* Each adds a row and returns its number, from 0. What goes wrong is reported once, as a
 * diagnostic, and remembered for trace_close(). */
uint64_t trace_add_phase(struct trace *trace, const struct trace_phase *phase);
uint64_t trace_add_operator(struct trace *trace, const struct trace_operator *operator_run);
uint64_t trace_add_link(struct trace *trace, const struct trace_link *link);
uint64_t trace_add_gpu(struct trace *trace, const struct trace_gpu *gpu);
uint64_t trace_add_request(struct trace *trace, const struct trace_request *request);
uint64_t trace_add_step(struct trace *trace, const struct trace_step *step);
uint64_t trace_add_sample(struct trace *trace, const struct trace_sample *sample);
uint64_t trace_add_fault(struct trace *trace, const struct trace_fault *fault);
uint64_t trace_add_group_dimension(struct trace *trace,
                                   const struct trace_group_dimension *dimension);
uint64_t trace_add_cell(struct trace *trace, const struct trace_cell *cell);
uint64_t trace_add_stage(struct trace *trace, const struct trace_stage *stage);
uint64_t trace_add_link_sample(struct trace *trace, const struct trace_link_sample *sample);

/* Attributes of the root, once a name, beside those of trace_open(). */
void trace_set_number(struct trace *trace, const char *name, double value);
void trace_set_text(struct trace *trace, const char *name, const char *text);

/* Writes what is left and renames `path`.part to `path`. false and a diagnostic when that, or
 * anything since trace_open(), failed (exit status 1); then neither file stays. */
bool trace_close(struct trace *trace);

/* For a run that was broken off: leaves `path`.part, readable as far as it goes, and no `path`. */
void trace_abandon(struct trace *trace);

#endif
