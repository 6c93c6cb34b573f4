/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/need.h"

#include "sim/scenario/notes.h"
#include "sim/scenario/replica.h"
#include "sim/serving/serving.h"

#include <math.h>
#include <stdlib.h>

/* Sequences that decode together are priced as so many, rounded to this share (step_cost.h). */
enum { PRICE_ROUNDING = 256 };

/* Whether limits are asked for nothing but a seat and blocks: by vLLM's scheduler and Sarathi's, of
 * one pool of replicas that are always there, each a cache of its own without windows, tiers or
 * guesses. Others look at what is free (SGLang), fill batches (static) or plan with seats. */
static bool is_plain(const struct scenario *scenario)
{
    const struct serving *serving = &scenario->serving;
    const struct service *service = &serving->service;
    struct kv_grouping grouping;
    struct mark said;
    return scenario->workload == WORKLOAD_SERVING && scenario->tenant_count == 0 &&
           (service->policy == BATCHING_VLLM || service->policy == BATCHING_CHUNKED_PREFILL) &&
           service->router != ROUTER_PREDICTED && service->router != ROUTER_ORACLE &&
           service->proposer == PROPOSER_NONE && service->adapters.max_adapters == 0 &&
           !service_has_tiers(service) && service->scaling.target <= 0.0 &&
           service->switching.policy == SWITCHING_NONE && serving->fault_count == 0 &&
           serving->random_faults.mean_between_seconds <= 0.0 && !serving_may_leave(serving) &&
           scenario_pool_count(scenario) == 1 && layout_attention_data(&scenario->layout) == 1 &&
           !scenario_serving_kv_grouping(scenario, &grouping) &&
           !scenario_says_context(scenario, &said);
}

/* Admissions leave the watermark's blocks free, and no request takes vLLM's null block. */
struct serving_need serving_room(const struct scenario *scenario)
{
    const struct service *service = &scenario->serving.service;
    if (!is_plain(scenario)) {
        return (struct serving_need){0};
    }
    double pages = (double)scenario_serving_kv_pages(scenario);
    double spare = floor(service->watermark * (pages + 1.0)) + 1.0;
    return (struct serving_need){.known = pages > spare,
                                 .sequences = service->max_sequences,
                                 .blocks = (uint64_t)fmax(pages - spare, 0.0)};
}

bool serving_need_fits(const struct serving_need *need, const struct serving_need *room)
{
    return need->known && room->known && need->sequences <= room->sequences &&
           need->blocks <= room->blocks;
}

/* A request comes to its replica, or leaves it. */
struct passing {
    double seconds;
    uint32_t replica;
    int sign;
    uint64_t blocks;
};

/* By replica and time; at one time those who come are first. */
static int by_place(const void *left, const void *right)
{
    const struct passing *a = left, *b = right;
    if (a->replica != b->replica) {
        return a->replica < b->replica ? -1 : 1;
    }
    if (a->seconds < b->seconds || a->seconds > b->seconds) {
        return a->seconds < b->seconds ? -1 : 1;
    }
    return b->sign - a->sign;
}

/* False: somebody's tokens may be found by others, so that what is kept of them matters. */
static bool list_passings(const struct serving_run *run, struct passing *passings)
{
    const struct kv_layout *layout = &run->fleet.pools[0].kv_layout;
    bool own = layout->group_count == 1 && layout->beside.window_tokens == 0 &&
               !kv_layout_has_windows(layout);
    for (uint32_t i = 0; i < run->requests.count && own; i++) {
        const struct request *request = &run->requests.all[i];
        uint64_t tokens = (uint64_t)request->prompt_tokens + request->output_tokens;
        struct passing comes = {.seconds = request->arrival_seconds,
                                .replica = request->replica,
                                .sign = 1,
                                .blocks = kv_layout_blocks(layout, tokens) + 1};
        own = request_is_own(request) && request->state != REQUEST_REJECTED;
        passings[2 * i] = comes;
        comes.sign = -1;
        comes.seconds = request_is_over(request) ? request->last_token_seconds : (double)INFINITY;
        passings[2 * i + 1] = comes;
    }
    return own;
}

struct serving_need serving_need(const struct serving_run *run, struct arena *arena)
{
    struct serving_need room = serving_room(run->scenario), need = {.known = true};
    size_t count = 2 * (size_t)run->requests.count;
    struct passing *passings = ARENA_ARRAY(arena, struct passing, count + 1);
    if (!room.known || run->requests.reuses || !list_passings(run, passings)) {
        return (struct serving_need){0};
    }
    qsort(passings, count, sizeof *passings, by_place);
    uint32_t there = 0;
    uint64_t blocks = 0;
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || passings[i].replica != passings[i - 1].replica;
        there = first ? 0 : there;
        blocks = first ? 0 : blocks;
        there += (uint32_t)passings[i].sign;
        blocks = passings[i].sign > 0 ? blocks + passings[i].blocks : blocks - passings[i].blocks;
        need.sequences = there > need.sequences ? there : need.sequences;
        need.blocks = blocks > need.blocks ? blocks : need.blocks;
    }
    need.sequences += need.sequences / PRICE_ROUNDING;
    need.known = serving_need_fits(&need, &room);
    return need;
}
