/* SPDX-License-Identifier: MIT */
#include "models/passes/step_price.h"

#include "models/kernels/gpu_attention.h"
#include "models/kernels/gpu_matmul.h"

#include <math.h>

/* An efficiency that nobody gave is 1. */
static double given(double efficiency)
{
    return efficiency > 0.0 ? efficiency : 1.0;
}

/* A stack whose kernels stall more takes more clocks for the same work. */
static struct kernel_work at_efficiency(struct kernel_work work, double efficiency)
{
    work.sm_cycles /= efficiency;
    return work;
}

/* With packed heads a tile's rows are queries of any head that shares the keys, so tiles fill even
 * when queries are few (FlashAttention-3 does so for sequences of varying length). */
static struct kernel_work stack_attention_work(const struct replica *replica,
                                               const struct attention_shape *shape)
{
    struct attention_shape packed = *shape;
    packed.kv_splits = shape->queries == 1 ? replica->software->decode_kv_splits : 0;
    packed.masks_ragged = replica->software->masks_ragged_keys;
    packed.library = &replica->software->kernels;
    if (replica->software->packs_query_heads && !shape->causal && shape->queries > 1) {
        packed.queries = shape->queries * (shape->query_heads / shape->kv_heads);
        packed.query_heads = shape->kv_heads;
    }
    struct kernel_work work = attention_work(replica->gpu, &packed, 1);
    if (shape->queries == 1) {
        /* An engine's own kernel was measured on pages. */
        work.memory_seconds /=
            library_decode(&packed) != NULL ? 1.0 : given(replica->software->paged_efficiency);
    }
    if (shape->beside_prompts) {
        double rate = given(replica->software->mixed_decode_efficiency);
        work.memory_seconds /= rate;
        work.sm_cycles /= rate;
    }
    return work;
}

static double gemm_efficiency(const struct replica *replica, const struct gemm_shape *shape)
{
    const struct software *software = replica->software;
    double row =
        shape->scaling == SCALING_ROW ? given(software->training.row_scaled_efficiency) : 1.0;
    double scaled =
        shape->scaling == SCALING_NONE ? 1.0 : given(software->scaled_matmul_efficiency);
    return shape->m > replica->gpu->generation.few_rows ? row * scaled * software->matmul_efficiency
                                                        : 1.0;
}

static double attention_efficiency(const struct software *software,
                                   const struct attention_shape *shape)
{
    double ring = shape->ring ? software->training.ring_attention_efficiency : 1.0;
    return ring * (shape->backward ? software->training.attention_backward_efficiency
                                   : software->attention_efficiency);
}

/* Products by the engine's own kernel, if it has one, which was measured as it is. */
static struct kernel_work stack_gemm_work(const struct replica *replica,
                                          const struct gemm_shape *shape, bool graph)
{
    struct gemm_shape own = *shape;
    own.library = &replica->software->kernels;
    own.routing = replica_routing(replica);
    const struct experts_kernel *kernel = own.experts.count > 0 ? library_experts(&own) : NULL;
    struct kernel_work work = gemm_work(replica->gpu, &own);
    if (kernel != NULL) {
        work.fixed_seconds -= graph ? fmin(kernel->hidden_seconds, work.fixed_seconds) : 0.0;
        return work;
    }
    return library_product(&own) != NULL ? work
                                         : at_efficiency(work, gemm_efficiency(replica, shape));
}

static struct kernel_work remembered_gemm_work(const struct replica *replica,
                                               const struct gemm_shape *shape, bool graph,
                                               struct product_memo *memo)
{
    struct product_memo_place *place =
        memo != NULL && memo->owner == replica ? product_memo_place(memo, shape) : NULL;
    if (place == NULL) {
        return stack_gemm_work(replica, shape, graph);
    }
    if (place->rows != shape->m) {
        *place = (struct product_memo_place){.rows = shape->m,
                                             .work = stack_gemm_work(replica, shape, graph)};
    }
    return place->work;
}

static struct kernel_work operator_work(const struct replica *replica,
                                        const struct step_operator *op, bool graph,
                                        struct product_memo *memo)
{
    const struct gpu *gpu = replica->gpu;
    const struct software *software = replica->software;
    switch (op->kind) {
    case OPERATOR_GEMM:
        return remembered_gemm_work(replica, &op->gemm, graph, memo);
    case OPERATOR_ATTENTION:
        return at_efficiency(stack_attention_work(replica, &op->attention),
                             attention_efficiency(software, &op->attention));
    case OPERATOR_MEMORY:
        return memory_kernel_work(gpu, &op->memory);
    case OPERATOR_KERNEL:
        return op->kernel;
    case OPERATOR_COLLECTIVE:
    case OPERATOR_HOST:
    case OPERATOR_KIND_COUNT:
        break;
    }
    return (struct kernel_work){0};
}

static void plan_collective(const struct replica *replica, struct step_operator *op)
{
    op->plan = collective_plan(replica->cluster, replica->software, &op->collective.call);
    for (uint32_t i = 0; i < op->plan.flow_count; i++) {
        op->plan.flows[i].bytes = ceil(op->plan.flows[i].bytes); /* links carry whole bytes */
    }
    op->cost = (struct kernel_cost){
        .seconds = collective_seconds(replica->cluster, &op->plan),
        .bound = BOUND_NETWORK,
    };
}

static bool is_kernel(const struct step_operator *op)
{
    return op->kind == OPERATOR_GEMM || op->kind == OPERATOR_ATTENTION ||
           op->kind == OPERATOR_MEMORY || op->kind == OPERATOR_KERNEL;
}

/* What the clock does not change, and the work of every kernel: [operators of all segments]. */
static size_t gather_works(const struct replica *replica, struct step_program *program,
                           const struct step_scratch *scratch)
{
    size_t count = 0;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        struct step_segment *segment = &program->segments[i];
        for (uint32_t j = 0; j < segment->count; j++) {
            struct step_operator *op = &segment->operators[j];
            if (op->kind == OPERATOR_COLLECTIVE) {
                plan_collective(replica, op);
            } else if (op->kind == OPERATOR_HOST) {
                op->cost = (struct kernel_cost){.seconds = op->host_seconds, .bound = BOUND_LAUNCH};
            }
            scratch->works[count] = operator_work(replica, op, program->graph, scratch->products);
            scratch->counts[count++] = is_kernel(op) ? segment->repeat : 0.0;
        }
    }
    return count;
}

/* Prices every kernel at a clock; returns the seconds they take together. */
static double price_kernels(const struct replica *replica, struct step_program *program,
                            const struct step_scratch *scratch, double clock_hertz)
{
    size_t count = 0;
    double seconds = 0.0;
    bool known = scratch->at_boost != NULL && clock_hertz >= replica->gpu->boost_clock_hertz;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        struct step_segment *segment = &program->segments[i];
        for (uint32_t j = 0; j < segment->count; j++, count++) {
            struct step_operator *op = &segment->operators[j];
            if (is_kernel(op)) {
                op->cost = known
                               ? scratch->at_boost[count]
                               : kernel_cost_at(replica->gpu, &scratch->works[count], clock_hertz);
                seconds += segment->repeat * op->cost.seconds;
            }
        }
    }
    return seconds;
}

/* Launched one by one, kernels cannot end faster than the host starts them, nor a layer faster than
 * the host gets through it: what is missing is waited for at the segment's end. The host runs
 * ahead, so within the segment nothing shows. */
static void wait_for_launches(const struct replica *replica, const struct step_program *program,
                              struct step_segment *segment, struct span *scratch)
{
    double floor_seconds = segment->launch_seconds > 0.0 ? segment->launch_seconds
                           : program->graph
                               ? 0.0
                               : segment->count * replica->software->eager_launch_seconds;
    double missing =
        floor_seconds <= 0.0 ? 0.0 : floor_seconds - segment_play(program, segment, scratch);
    if (missing > 0.0) {
        struct step_operator op = step_host_operator(STEP_LAUNCH_NAME, 0, missing);
        op.cost = (struct kernel_cost){.seconds = missing, .bound = BOUND_LAUNCH};
        step_append(segment, op, segment->count - 1, STEP_NO_OPERATOR);
    }
}

/* Time that no kernel fills lets the clock rise, and the clock decides how much there is of it: two
 * rounds settle it to well under a per cent. */
struct power_state step_price_for(const struct replica *replica, struct step_program *program,
                                  const struct step_scratch *scratch, double run_seconds)
{
    enum { ROUNDS = 2 };
    const struct gpu *gpu = replica->gpu;
    program->overlap = replica->software->library.overlap;
    program->streaming_multiprocessors = gpu->streaming_multiprocessors;
    struct power_load load = {.works = scratch->works,
                              .counts = scratch->counts,
                              .work_count = gather_works(replica, program, scratch),
                              .at_boost = scratch->at_boost};
    for (size_t i = 0; scratch->at_boost != NULL && i < load.work_count; i++) {
        if (scratch->counts[i] > 0.0) {
            scratch->at_boost[i] = kernel_cost_at(gpu, &scratch->works[i], gpu->boost_clock_hertz);
        }
    }
    struct power_state state = {.clock_hertz = gpu->boost_clock_hertz};
    double priced_hertz = 0.0;
    for (int round = 0; round < ROUNDS && state.clock_hertz != priced_hertz; round++) {
        priced_hertz = state.clock_hertz;
        double busy = price_kernels(replica, program, scratch, priced_hertz);
        double whole = program_seconds(program, scratch->spans);
        load.idle_seconds = fmax(whole - busy, 0.0);
        state = power_settle(gpu, &load, power_allowance_watts(gpu, run_seconds));
    }
    if (state.clock_hertz != priced_hertz) { /* otherwise another round would find the same */
        price_kernels(replica, program, scratch, state.clock_hertz);
    }
    for (uint32_t i = 0; i < program->segment_count; i++) {
        wait_for_launches(replica, program, &program->segments[i], scratch->spans);
    }
    return state;
}

struct power_state step_price(const struct replica *replica, struct step_program *program,
                              const struct step_scratch *scratch)
{
    return step_price_for(replica, program, scratch, INFINITY);
}
