/* SPDX-License-Identifier: MIT */
#include "sim/scenario/engine_defaults.h"

/* The node of a key that nobody has said; NULL: somebody has, or it was wrong. */
static struct node *unsaid(struct node *root, const char *path)
{
    struct node *node = node_find(root, path);
    return node != NULL && node->accepted && node->origin == ORIGIN_DEFAULT ? node : NULL;
}

/* Says in the tree that the value is the software's. */
static void take_over(struct node *root, const char *path, const char *from, const char *text)
{
    struct node *node = node_find(root, path);
    const struct node *origin = node_find(root, from);
    if (origin != NULL) {
        node->mark = origin->mark;
        node->origin = origin->origin;
        node->source = origin->source;
    }
    node->text = text;
}

/* The batching policy of a service that names none. */
static void policy_default(struct node *root, struct scenario *scenario)
{
    const struct node *engine = node_find(root, "software.policy");
    struct node *own = unsaid(root, "workload.service.policy");
    if (own != NULL && (scenario->is_pool || node_get(root, "pools") != NULL)) {
        scenario->serving.service.policy = BATCHING_DISAGGREGATED;
        own->text = "disaggregated";
        return;
    }
    if (unsaid(root, "workload.service.policy") == NULL || engine == NULL || !engine->accepted ||
        engine->origin == ORIGIN_DEFAULT) {
        return;
    }
    scenario->serving.service.policy = (enum batching_kind)scenario->software.policy;
    take_over(root, "workload.service.policy", "software.policy", engine->text);
}

static void share_default(struct arena *arena, struct node *root, struct scenario *scenario)
{
    double share = scenario->software.memory.share;
    if (share > 0.0 && unsaid(root, "memory.fraction") != NULL) {
        scenario->memory_fraction = share;
        take_over(root, "memory.fraction", "software.memory.share",
                  arena_printf(arena, "%.15g", share));
    }
}

static void free_share_default(struct arena *arena, struct node *root, struct scenario *scenario)
{
    double share = scenario->software.memory.free_share;
    if (share > 0.0 && unsaid(root, "memory.fraction") != NULL &&
        unsaid(root, "memory.static_fraction") != NULL &&
        unsaid(root, "memory.free_fraction") != NULL) {
        scenario->memory_free_fraction = share;
        take_over(root, "memory.free_fraction", "software.memory.free_share",
                  arena_printf(arena, "%.15g", share));
    }
}

static void whole_prompts_default(struct node *root, struct scenario *scenario)
{
    if (scenario->software.server.whole_prompts &&
        unsaid(root, "workload.service.whole_prompts") != NULL) {
        scenario->serving.service.whole_prompts = true;
        take_over(root, "workload.service.whole_prompts", "software.server.whole_prompts", "true");
    }
}

static void limit_defaults(struct arena *arena, struct node *root, struct scenario *scenario)
{
    const struct engine_limits *limits =
        software_limits(&scenario->software, scenario->gpu.memory_bytes);
    bool large = limits == &scenario->software.server.large;
    struct service *service = &scenario->serving.service;
    if (limits->max_batched_tokens > 0 &&
        unsaid(root, "workload.service.max_batched_tokens") != NULL) {
        service->max_batched_tokens = limits->max_batched_tokens;
        take_over(
            root, "workload.service.max_batched_tokens",
            large ? "software.server.max_batched_tokens"
                  : "software.server.small_max_batched_tokens",
            arena_printf(arena, "%llu tokens", (unsigned long long)limits->max_batched_tokens));
    }
    if (limits->max_sequences > 0 && unsaid(root, "workload.service.max_sequences") != NULL) {
        uint64_t most = service->max_batched_tokens;
        service->max_sequences =
            limits->max_sequences < most ? limits->max_sequences : (uint32_t)most;
        take_over(root, "workload.service.max_sequences",
                  large ? "software.server.max_sequences" : "software.server.small_max_sequences",
                  arena_printf(arena, "%u", service->max_sequences));
    }
}

/* --- what the client says --- */

static void requests_default(struct arena *arena, struct node *root, struct scenario *scenario)
{
    struct serving *serving = &scenario->serving;
    uint64_t each = serving->client.requests_each;
    if (each > 0 && serving->every.arrival == ARRIVAL_CLOSED_LOOP &&
        unsaid(root, "workload.requests") != NULL) {
        serving->requests = each * serving->every.arrivals.clients;
        take_over(root, "workload.requests", "workload.client.requests_each",
                  arena_printf(arena, "%llu", (unsigned long long)serving->requests));
    }
}

static void routing_default(struct arena *arena, struct node *root, struct scenario *scenario)
{
    double distinct = scenario->serving.client.distinct;
    if (distinct > 0.0 && unsaid(root, "routing.distinct") != NULL) {
        scenario->routing_keys.routing.distinct = distinct;
        take_over(root, "routing.distinct", "workload.client.distinct",
                  arena_printf(arena, "%.15g", distinct));
    }
}

/* What a benchmark starts its engine with; read before the engine's own limits. */
static void budget_default(struct arena *arena, struct node *root, struct scenario *scenario)
{
    enum { STEP = 64 };
    struct serving *serving = &scenario->serving;
    bool whole = serving->service.whole_prompts && serving->client.whole_beyond > 0;
    uint64_t beyond = whole ? serving->client.whole_beyond : serving->client.budget_beyond;
    if (beyond > 0 && serving->every.arrival == ARRIVAL_CLOSED_LOOP &&
        serving->every.prompt_kind == LENGTH_FIXED &&
        unsaid(root, "workload.service.max_batched_tokens") != NULL) {
        uint64_t tokens = serving->every.prompt.tokens + serving->every.arrivals.clients + beyond;
        serving->service.max_batched_tokens = (tokens + STEP - 1) / STEP * STEP;
        take_over(root, "workload.service.max_batched_tokens",
                  whole ? "workload.client.whole_beyond" : "workload.client.budget_beyond",
                  arena_printf(arena, "%llu tokens",
                               (unsigned long long)serving->service.max_batched_tokens));
    }
}

static void align_default(struct arena *arena, struct node *root, struct scenario *scenario)
{
    struct serving *serving = &scenario->serving;
    bool shared = layout_attention_data(&scenario->layout) > 1;
    if (shared && serving->service.whole_prompts && serving->client.align_prompts > 0 &&
        unsaid(root, "workload.service.align_prompts") != NULL) {
        serving->service.align_prompts = serving->client.align_prompts;
        take_over(root, "workload.service.align_prompts", "workload.client.align_prompts",
                  arena_printf(arena, "%u", serving->service.align_prompts));
    }
}

/* The tree keeps the lengths as they were said: read again, they are drawn again. */
static void draw(enum length_kind *kind, struct length *length, double least_share)
{
    if (*kind == LENGTH_FIXED && least_share < 1.0) {
        *kind = LENGTH_UNIFORM;
        length->most = length->tokens;
        length->least = (uint64_t)((double)length->tokens * least_share);
        length->least = length->least > 0 ? length->least : 1;
    }
}

static void draw_lengths(struct scenario *scenario)
{
    struct serving *serving = &scenario->serving;
    double share = serving->client.least_share;
    for (size_t i = 0; i <= serving->class_count && share > 0.0; i++) {
        struct request_class *of = i == 0 ? &serving->every : &serving->classes[i - 1];
        draw(&of->prompt_kind, &of->prompt, share);
        draw(&of->output_kind, &of->output, share);
    }
}

void engine_defaults(struct arena *arena, struct node *root, struct scenario *scenario)
{
    if (scenario->workload == WORKLOAD_SERVING) { /* before share_default() says the other */
        free_share_default(arena, root, scenario);
    }
    if (scenario->workload != WORKLOAD_TRAINING) {
        share_default(arena, root, scenario);
    }
    if (scenario->workload == WORKLOAD_SERVING) {
        policy_default(root, scenario);
        whole_prompts_default(root, scenario);
        budget_default(arena, root, scenario);
        align_default(arena, root, scenario);
        routing_default(arena, root, scenario);
        requests_default(arena, root, scenario);
        draw_lengths(scenario);
        limit_defaults(arena, root, scenario);
    }
}
