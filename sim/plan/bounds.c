/* SPDX-License-Identifier: MIT */
#include "sim/plan/bounds.h"

#include "sim/scenario/replica.h"
#include "sim/serving/result/goal.h"

#include <math.h>
#include <stdlib.h>

/* --- a replica at its peak --- */

double bound_flops_per_second(const struct scenario *scenario)
{
    const struct gpu *gpu = &scenario->gpu;
    const struct precision *precision = &scenario->precision;
    const struct number numbers[] = {precision->attention_weights,
                                     precision->ffn_weights,
                                     precision->embedding,
                                     {.format = precision->activations}};
    double most = gpu->dense_flops_per_second[precision_attention_compute(gpu, precision)];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        enum format compute = precision_product(gpu, numbers[i], precision->activations).compute;
        most = fmax(most, gpu->dense_flops_per_second[compute]);
    }
    return most * gpu->boost_clock_hertz / gpu->rated_clock_hertz;
}

struct bound_replica bound_replica_of(const struct scenario *scenario)
{
    struct replica replica = scenario_replica(scenario);
    const struct layout *layout = &scenario->layout;
    const struct service *service = &scenario->serving.service;
    double bytes_per_second = scenario->gpu.memory_bytes_per_second;
    bool pools = service->policy == BATCHING_DISAGGREGATED;
    bool apart = pools && service->switching.policy == SWITCHING_NONE; /* else all may do either */
    return (struct bound_replica){
        .llm = &scenario->llm,
        .weight_seconds = memory_step_weight_bytes(&replica, 1.0) / bytes_per_second,
        .batch_weight_seconds =
            memory_step_weight_bytes(&replica,
                                     fmax(1.0, (double)service->max_sequences / layout->context)) /
            layout->pipeline / bytes_per_second,
        .kv_seconds_per_token = memory_kv_bytes_per_token(&replica) / layout->context /
                                layout->pipeline / bytes_per_second,
        .flops_per_second =
            bound_flops_per_second(scenario) * layout->tensor * layout->context * layout->pipeline,
        .kv_tokens = (double)scenario_serving_kv_pages(scenario) * service->block_tokens,
        .request_seconds = scenario->software.request_seconds,
        .max_sequences = service->max_sequences,
        .prefill_replicas = apart ? service->prefill_replicas : layout->data,
        .decode_replicas = apart ? layout->data - service->prefill_replicas : layout->data,
        .pools = pools,
    };
}

double bound_tpot_seconds(const struct bound_replica *replica)
{
    return replica->weight_seconds;
}

double bound_ttft_seconds(const struct bound_replica *replica, uint32_t prompt_tokens)
{
    double flops = llm_forward_flops(replica->llm, prompt_tokens, 0.0);
    return fmax(flops / replica->flops_per_second, replica->weight_seconds) +
           replica->request_seconds;
}

/* --- load --- */

/* Work that must be done by a moment. */
struct duty {
    double deadline_seconds;
    double work; /* seconds of one replica */
};

static int by_deadline(const void *left, const void *right)
{
    const struct duty *a = left, *b = right;
    return (a->deadline_seconds > b->deadline_seconds) -
           (a->deadline_seconds < b->deadline_seconds);
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

/* Whether `replicas` can do it all from `start_seconds` on, when any `exempt` duties may be left.
 */
static bool can_keep(struct duty *duties, size_t count, uint64_t exempt, double replicas,
                     double start_seconds, double *scratch)
{
    double largest = 0.0, sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        scratch[i] = duties[i].work;
    }
    qsort(scratch, count, sizeof *scratch, by_size);
    for (size_t i = 0; i < count && i < exempt; i++) {
        largest += scratch[i];
    }
    qsort(duties, count, sizeof *duties, by_deadline);
    for (size_t i = 0; i < count; i++) {
        sum += duties[i].work;
        if (sum - largest > replicas * (duties[i].deadline_seconds - start_seconds)) {
            return false;
        }
    }
    return true;
}

enum work { WORK_PROMPT, WORK_COMPUTE, WORK_BANDWIDTH, WORK_KV_ROOM, WORK_COUNT };

static double work_of(const struct bound_replica *replica, const struct previewed_request *request,
                      enum work work)
{
    double prompt = request->prompt_tokens, decoded = request->output_tokens - 1.0;
    /* Keys and values read, or held, added up over its decode steps. */
    double cached = decoded * (prompt + 0.5 * decoded);
    switch (work) {
    case WORK_PROMPT:
        return llm_forward_flops(replica->llm, prompt, 0.0) / replica->flops_per_second;
    case WORK_COMPUTE:
        return llm_forward_flops(replica->llm, prompt + decoded, 0.0) / replica->flops_per_second;
    case WORK_BANDWIDTH: /* a step reads the weights once for all sequences that decode in it;
                            experts too are the fewer a sequence the more there are */
        return decoded * replica->batch_weight_seconds / replica->max_sequences +
               cached * replica->kv_seconds_per_token;
    case WORK_KV_ROOM: /* each step lasts as long as the weights take to read, at least */
        return cached * replica->weight_seconds / replica->kv_tokens;
    case WORK_COUNT:
        break;
    }
    return 0.0;
}

enum shortage bound_load(const struct bound_replica *replica, const struct bound_limits *limits,
                         const struct serving_preview *preview, double warm_up_seconds,
                         struct arena *arena)
{
    struct duty *duties = ARENA_ARRAY(arena, struct duty, preview->count + 1);
    double *scratch = ARENA_ARRAY(arena, double, preview->count + 1);
    static const enum shortage answers[WORK_COUNT] = {
        [WORK_PROMPT] = SHORTAGE_COMPUTE,
        [WORK_COMPUTE] = SHORTAGE_COMPUTE,
        [WORK_BANDWIDTH] = SHORTAGE_BANDWIDTH,
        [WORK_KV_ROOM] = SHORTAGE_KV_ROOM,
    };
    for (uint32_t i = 0; i < preview->count; i++) {
        const struct previewed_request *request = &preview->requests[i];
        if ((double)request->prompt_tokens + request->output_tokens > replica->kv_tokens) {
            return SHORTAGE_KV_ROOM; /* it is turned away */
        }
    }
    for (enum work work = 0; work < WORK_COUNT; work++) {
        if (work == WORK_COMPUTE && replica->pools) {
            continue; /* the two parts are of different replicas */
        }
        size_t count = 0;
        for (uint32_t i = 0; i < preview->count; i++) {
            const struct previewed_request *request = &preview->requests[i];
            if (request->arrival_seconds < warm_up_seconds) {
                continue;
            }
            double last =
                work == WORK_PROMPT ? 0.0 : limits->tpot_seconds * (request->output_tokens - 1.0);
            duties[count++] = (struct duty){
                .deadline_seconds = request->arrival_seconds + limits->ttft_seconds + last,
                .work = work_of(replica, request, work),
            };
        }
        uint64_t exempt = (work == WORK_PROMPT ? 1 : 2) * goal_misses_allowed(count);
        bool prefill = work == WORK_PROMPT || work == WORK_COMPUTE;
        double replicas = prefill ? replica->prefill_replicas : replica->decode_replicas;
        if (!can_keep(duties, count, exempt, replicas, warm_up_seconds, scratch)) {
            return answers[work];
        }
    }
    return SHORTAGE_NONE;
}
