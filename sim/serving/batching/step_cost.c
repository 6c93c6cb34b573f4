/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/step_cost.h"

#include "models/layout/model_stage.h"
#include "models/numeric/random.h"
#include "models/passes/adapters.h"
#include "models/passes/step_price.h"
#include "models/step/breakdown.h"
#include "sim/base/hash_table.h"
#include "sim/scenario/adapter_checks.h"
#include "sim/scenario/replica.h"
#include "sim/serving/batching/price_store.h"
#include "sim/serving/batching/step_weave.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Contexts that decode is priced at: 0, then KNOTS to an octave from FIRST_KNOT on. */
enum { KNOTS = 8, FIRST_KNOT = 64, OCTAVES = 24, ROW_KNOTS = 1 + KNOTS * OCTAVES };
/* Whole numbers are kept to so many bits after the first in a remembered shape. */
enum { KEY_BITS = 7, CONTEXT_KEY_BITS = 5, DECODE_KEY_BITS = 5 };
enum { MAX_SLICES = 3, FIRST_ENTRIES = 512, ADAPTER_ENTRIES = 1024 };
/* Tokens of all ranks that share experts, over as many each as the one that is priced has: parts of
 * an octave, and octaves either way. */
enum { SHARED_KNOTS = 8, SHARED_OCTAVES = 8, SHARED_MIDDLE = SHARED_KNOTS * SHARED_OCTAVES + 1 };

/* Decode steps of one number of sequences. */
struct decode_row {
    struct step_cost knots[ROW_KNOTS]; /* seconds 0: not priced yet */
};

struct mixed_entry {
    struct price_key key;
    struct step_cost cost;
};

/* What a step's adapters add. */
struct adapter_entry {
    uint32_t adapters; /* 0: not priced yet */
    bool graph, changed;
    uint64_t tokens;
    struct step_cost cost;
};

struct step_costs {
    const struct scenario *scenario;
    struct replica replica;
    uint32_t drafts;        /* verified for each that decodes ... */
    struct replica drafter; /* ... and who guesses them; llm NULL: no model does */
    uint32_t passes;        /* of the drafter in a step, the first one included ... */
    uint32_t branches;      /* ... that each of the others follows */
    uint32_t streams;       /* beside each token that is verified, in the drafter's layers */
    bool drafts_late;       /* who is in a prompt gets its first guesses with its next step */
    struct software drafter_software;
    double lookup_seconds;          /* of the host, to guess */
    struct adapter_entry *adapters; /* [ADAPTER_ENTRIES], by hash, a later one in another's place;
                                       NULL: the service has none */
    struct cluster cluster;
    struct model_stage stage;
    struct arena *arena;
    struct step_operator *operators;
    struct step_scratch scratch;
    struct product_memo products; /* of `replica` */
    struct decode_row **rows;     /* [shared_count * row_count], by rounded number of sequences */
    uint32_t shared_count;        /* 1: no ranks share experts */
    uint32_t row_count;
    struct hash_table table;     /* of `entries`, from 1 */
    struct mixed_entry *entries; /* [entry_count of entry_capacity] */
    uint32_t entry_count, entry_capacity;
    uint64_t built;
    struct price_store *store; /* NULL: none */
    uint64_t kind;
    step_visit *visit; /* NULL: nobody looks on */
    void *visitor;
};

/* --- pricing --- */

/* The host makes a step up once for all: a drafter's passes are launched inside it. */
static void open_drafter(struct step_costs *costs, const struct scenario *scenario)
{
    const struct service *service = &scenario->serving.service;
    const struct speculation *says = &service->speculation;
    costs->drafter = costs->replica;
    costs->drafter.llm = NULL;
    if (service->proposer == PROPOSER_NONE) {
        return;
    }
    costs->drafts = service_drafts(service);
    costs->passes = says->tokens;
    costs->branches = service->proposer == PROPOSER_TREE ? says->width : 1;
    costs->streams = service->proposer == PROPOSER_STREAMS ? says->tokens : 0;
    costs->drafts_late = service->policy == BATCHING_SGLANG || scenario->is_pool ||
                         service->policy == BATCHING_DISAGGREGATED;
    costs->lookup_seconds = says->lookup_seconds;
    costs->drafter_software = scenario->software;
    costs->drafter_software.step_seconds = costs->drafter_software.step_sequence_seconds = 0.0;
    costs->drafter.software = &costs->drafter_software;
    costs->drafter.llm = says->draft.stack.layers > 0 ? &says->draft : NULL;
}

struct step_costs *step_costs_create(struct arena *arena, const struct scenario *scenario,
                                     uint32_t stage, double nic_share)
{
    struct step_costs *costs = ARENA_NEW(arena, struct step_costs);
    *costs = (struct step_costs){.scenario = scenario,
                                 .replica = scenario_replica(scenario),
                                 .arena = arena,
                                 .entry_capacity = FIRST_ENTRIES};
    open_drafter(costs, scenario);
    size_t all = transformer_room(&costs->replica, MAX_SLICES);
    size_t drafted = costs->drafter.llm == NULL ? 0 : transformer_room(&costs->drafter, MAX_SLICES);
    all = all > drafted ? all : drafted;
    if (scenario->serving.service.adapters.max_adapters > 0) {
        costs->adapters = ARENA_ARRAY(arena, struct adapter_entry, ADAPTER_ENTRIES);
        size_t room = adapters_room(&costs->replica);
        all = all > room ? all : room;
    }
    costs->operators = ARENA_ARRAY(arena, struct step_operator, all);
    costs->scratch = (struct step_scratch){
        .spans = ARENA_ARRAY(arena, struct span, all),
        .works = ARENA_ARRAY(arena, struct kernel_work, all),
        .counts = ARENA_ARRAY(arena, double, all),
        .at_boost = ARENA_ARRAY(arena, struct kernel_cost, all),
        .products = &costs->products,
    };
    costs->products = (struct product_memo){
        .owner = &costs->replica,
        .room = ARENA_ARRAY(arena, struct product_memo_place,
                            PRODUCT_MEMO_SHAPES * PRODUCT_MEMO_PLACES),
    };
    costs->cluster = scenario->cluster;
    costs->cluster.nic_bytes_per_second *= nic_share;
    costs->cluster.connection_bytes_per_second =
        fmin(costs->cluster.connection_bytes_per_second, costs->cluster.nic_bytes_per_second);
    costs->replica.cluster = costs->drafter.cluster = &costs->cluster;
    costs->stage = model_stage(&scenario->llm, scenario->layout.pipeline, stage);
    costs->row_count = scenario->serving.service.max_sequences + 1;
    costs->shared_count = layout_attention_data(&scenario->layout) > 1 ? 2 * SHARED_MIDDLE : 1;
    costs->rows =
        ARENA_ARRAY(arena, struct decode_row *, (size_t)costs->shared_count * costs->row_count);
    costs->entries = ARENA_ARRAY(arena, struct mixed_entry, costs->entry_capacity);
    hash_table_create(&costs->table, arena, costs->entry_capacity);
    return costs;
}

/* Traffic of a segment's operators: over memory, and over links, with the time that they are used.
 */
static void add_operators(const struct step_segment *segment, struct step_cost *cost)
{
    for (uint32_t i = 0; i < segment->count; i++) {
        struct step_operator *op = &segment->operators[i];
        const struct step_segment alone = {.operators = op, .count = 1};
        struct traffic traffic = segment_traffic(&alone);
        cost->bytes += segment->repeat * op->cost.bytes;
        bool norms = op->kind == OPERATOR_MEMORY && op->memory.kernel == MEMORY_ADD_RMSNORM;
        cost->norm_seconds += norms ? segment->repeat * op->cost.seconds : 0.0;
        cost->nvlink_bytes += segment->repeat * traffic.node_bytes;
        cost->network_bytes += segment->repeat * traffic.fabric_bytes;
        double seconds = segment->repeat * op->cost.seconds;
        cost->parts.nvlink_seconds += traffic.node_bytes > 0.0 ? seconds : 0.0;
        cost->parts.network_seconds += traffic.fabric_bytes > 0.0 ? seconds : 0.0;
    }
}

void step_costs_share(struct step_costs *costs, struct price_store *store, uint64_t kind)
{
    costs->store = store;
    costs->kind = kind;
}

/* What the layers' launches take beyond their kernels (step_price.h). */
static double waited_seconds(const struct step_segment *segment)
{
    const struct step_operator *last = &segment->operators[segment->count - 1];
    bool launches = last->kind == OPERATOR_HOST && strcmp(last->name, STEP_LAUNCH_NAME) == 0;
    return launches ? segment->repeat * last->cost.seconds : 0.0;
}

/* At the clock of a run of `run_seconds`; `by_layer`: its host launches it so. */
static struct step_cost price_program(struct step_costs *costs, const struct replica *replica,
                                      struct step_program *program, bool by_layer,
                                      double run_seconds)
{
    struct power_state power = step_price_for(replica, program, &costs->scratch, run_seconds);
    struct step_cost cost = {.watts = power.watts};
    struct breakdown parts = {0};
    double waited = 0.0;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        const struct step_segment *segment = &program->segments[i];
        double seconds = segment_play(program, segment, costs->scratch.spans);
        cost.seconds += segment->repeat * seconds;
        if (costs->visit != NULL) {
            costs->visit(costs->visitor, segment, costs->scratch.spans, seconds);
        }
        breakdown_add(&parts, segment, costs->scratch.spans, seconds, segment->repeat);
        add_operators(segment, &cost);
        if (by_layer) {
            waited += waited_seconds(segment);
            step_launch_add(&cost, segment);
        }
    }
    cost.host_seconds = parts.seconds[TIME_HOST];
    cost.gpu_seconds = cost.seconds - waited;
    cost.parts.gemm_seconds = parts.seconds[TIME_GEMM];
    cost.parts.attention_seconds = parts.seconds[TIME_ATTENTION];
    cost.parts.memory_kernel_seconds = parts.seconds[TIME_MEMORY];
    cost.parts.communication_seconds = breakdown_communication_seconds(&parts);
    cost.parts.experts_seconds = parts.seconds[TIME_EXPERTS];
    cost.sum_seconds = parts.seconds[TIME_TENSOR];
    cost.parts.flops = parts.flops;
    cost.rested_seconds = cost.gpu_seconds;
    cost.rested_watts = cost.watts;
    costs->built++;
    return cost;
}

static struct step_cost price_for(struct step_costs *costs, const struct replica *replica,
                                  const struct batch *batch, enum ring_variant variant,
                                  double run_seconds)
{
    struct step_program program;
    transformer_build(replica, batch, variant, costs->operators, &program);
    if (replica == &costs->replica) {
        model_stage_cut(replica->llm, &costs->stage, &program);
    }
    struct step_cost cost = price_program(
        costs, replica, &program, transformer_launched_by_layer(replica, batch), run_seconds);
    cost.variant = variant;
    return cost;
}

static struct step_cost price_of(struct step_costs *costs, const struct replica *replica,
                                 const struct batch *batch, enum ring_variant variant)
{
    const struct gpu *gpu = replica->gpu;
    struct step_cost cost = price_for(costs, replica, batch, variant, INFINITY);
    bool limited = cost.watts > (1.0 - 1e-6) * gpu->power_limit_watts;
    if (limited && gpu->burst_joules > 0.0 && replica->software->schedules_ahead) {
        struct step_cost rested = price_for(costs, replica, batch, variant, cost.gpu_seconds);
        cost.rested_seconds = rested.gpu_seconds;
        cost.rested_watts = rested.watts;
    }
    return cost;
}

/* --- two halves, one's exchanges under the other's kernels --- */

/* False when there is but one token of something. */
static bool halve(const struct batch *batch, struct batch_slice slices[MAX_SLICES],
                  struct batch *half)
{
    *half = *batch;
    half->slices = slices;
    half->shared_tokens = batch->shared_tokens / 2;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        struct batch_slice *slice = &slices[i];
        *slice = batch->slices[i];
        if (slice->sequences > 1) {
            slice->sequences = (slice->sequences + 1) / 2;
        } else if (slice->new_tokens > 1) { /* its later half, which looks back at the other */
            slice->cached_tokens += slice->new_tokens / 2;
            slice->new_tokens = (slice->new_tokens + 1) / 2;
        } else {
            return false;
        }
    }
    return true;
}

static double exchange_share(const struct step_costs *costs, const struct batch *batch)
{
    const struct experts_exchange *exchange = &costs->replica.software->exchange;
    bool prompts = false;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        prompts = prompts || batch->slices[i].phase == PHASE_PREFILL;
    }
    enum exchange_kind kind = prompts ? exchange->prompts : exchange->decode;
    const struct exchange_library *library = exchange_library(exchange, kind);
    return library == NULL
               ? 0.0
               : library->multiprocessors / costs->replica.gpu->streaming_multiprocessors;
}

static struct step_cost price_group(void *context, const struct batch *batch,
                                    enum ring_variant variant)
{
    struct step_costs *costs = context;
    return price_of(costs, &costs->replica, batch, variant);
}

/* Two halves of kernels K and exchanges E each, which take SMs' share s from what runs beside them:
 * max(2 E, 2 K + 2 E s); nothing runs beside the first dispatch and the last combine, a layer's E;
 * the host comes once. */
static struct step_cost price(struct step_costs *costs, const struct batch *batch,
                              enum ring_variant variant)
{
    struct batch_slice slices[MAX_SLICES];
    struct batch half;
    if (costs->scenario->serving.service.token_weave) {
        return step_weave(&costs->replica, batch, variant, price_group, costs);
    }
    if (!costs->scenario->serving.service.two_batch_overlap || !halve(batch, slices, &half)) {
        return price_of(costs, &costs->replica, batch, variant);
    }
    struct step_cost cost = price_of(costs, &costs->replica, &half, variant);
    double exchange = cost.parts.experts_seconds, host = cost.host_seconds;
    double kernels = cost.seconds - exchange - host;
    double both =
        fmax(2.0 * exchange, 2.0 * kernels + 2.0 * exchange * exchange_share(costs, batch)) +
        exchange / costs->replica.llm->stack.layers;
    double by_hand = cost.seconds - cost.gpu_seconds;
    struct step_parts parts = {0};
    step_parts_add(&parts, &cost.parts, 2.0);
    parts.experts_seconds = both - 2.0 * kernels;
    parts.communication_seconds += parts.experts_seconds - 2.0 * exchange;
    cost.parts = parts;
    cost.bytes *= 2.0;
    cost.nvlink_bytes *= 2.0;
    cost.network_bytes *= 2.0;
    cost.seconds = host + both;
    cost.gpu_seconds = cost.seconds - by_hand;
    cost.rested_seconds = cost.gpu_seconds;
    cost.rested_watts = cost.watts;
    return cost;
}

/* --- who guesses --- */

static void add_cost(struct step_cost *sum, const struct step_cost *cost, double times)
{
    double seconds = sum->seconds + times * cost->seconds;
    sum->watts = (sum->seconds * sum->watts + times * cost->seconds * cost->watts) / seconds;
    sum->seconds = seconds;
    double rested = sum->rested_seconds + times * cost->rested_seconds;
    sum->rested_watts = (sum->rested_seconds * sum->rested_watts +
                         times * cost->rested_seconds * cost->rested_watts) /
                        fmax(rested, 1e-300);
    sum->rested_seconds = rested;
    sum->gpu_seconds += times * cost->gpu_seconds;
    sum->launch_seconds += times * cost->launch_seconds;
    sum->experts_launch_seconds += times * cost->experts_launch_seconds;
    sum->host_seconds += times * cost->host_seconds;
    sum->bytes += times * cost->bytes;
    sum->nvlink_bytes += times * cost->nvlink_bytes;
    sum->network_bytes += times * cost->network_bytes;
    step_parts_add(&sum->parts, &cost->parts, times);
}

/* What an other one is part of, without it. */
static void take_cost(struct step_cost *sum, const struct step_cost *cost)
{
    double watts = sum->watts, rested = sum->rested_watts;
    add_cost(sum, cost, -1.0);
    sum->watts = watts;
    sum->rested_watts = rested;
}

/* What streams beside the tokens that are verified take: the layers that have them run over
 * 1 + streams times as many rows. Those of prompts have them at their last token alone. */
static void add_streams(struct step_costs *costs, const struct batch *batch, struct step_cost *cost)
{
    struct batch_slice slice = batch->slices[0];
    if (slice.phase != PHASE_DECODE) {
        return;
    }
    struct batch plain = {
        .slices = &slice, .slice_count = 1, .shared_tokens = batch->shared_tokens};
    struct step_cost without = price_of(costs, &costs->drafter, &plain, RING_NONE);
    slice.new_tokens *= 1 + costs->streams;
    plain.shared_tokens *= 1 + costs->streams;
    struct step_cost with = price_of(costs, &costs->drafter, &plain, RING_NONE);
    add_cost(cost, &with, 1.0);
    take_cost(cost, &without);
}

/* The drafter's first pass takes in what the step was about, so that its cache has it, and gives
 * the first guess of each sequence; each further guess is a pass over a token of each (vLLM,
 * v1/spec_decode/eagle.py, propose()), or of each of its branches. SGLang's, and those of pools,
 * guess before they verify, so that a prompt's step has the first pass alone. */
static void add_drafts(struct step_costs *costs, const struct batch *batch, struct step_cost *cost)
{
    cost->seconds += costs->lookup_seconds;
    if (costs->drafter.llm == NULL) {
        return;
    }
    if (costs->streams > 0) {
        add_streams(costs, batch, cost);
        return;
    }
    struct batch_slice next = {.phase = PHASE_DECODE, .new_tokens = 1};
    double context = 0.0, tokens = 0.0;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        const struct batch_slice *slice = &batch->slices[i];
        tokens += slice->sequences * (double)slice->new_tokens;
        if (slice->phase == PHASE_DECODE || !costs->drafts_late) {
            next.sequences += slice->sequences;
            context += slice->sequences * (double)(slice->cached_tokens + slice->new_tokens);
        }
    }
    struct step_cost first = price_of(costs, &costs->drafter, batch, RING_NONE);
    add_cost(cost, &first, 1.0);
    if (costs->passes > 1 && next.sequences > 0) {
        next.cached_tokens = (uint64_t)(context / next.sequences);
        next.new_tokens = costs->branches;
        double all = (double)batch->shared_tokens / tokens * next.sequences * costs->branches;
        const struct batch further = {
            .slices = &next, .slice_count = 1, .shared_tokens = (uint64_t)(all + 0.5)};
        struct step_cost pass = price_of(costs, &costs->drafter, &further, RING_NONE);
        add_cost(cost, &pass, costs->passes - 1.0);
    }
}

/* Prompts of different lengths as so many alike, with as many new tokens and as many pairs of a
 * query and a key. */
static void alike(uint32_t prompts, double tokens, double pairs, uint64_t *new_tokens,
                  uint64_t *cached_tokens)
{
    if (prompts > 0) {
        double each = tokens / prompts;
        double cached = pairs / prompts / each - 0.5 * each;
        *new_tokens = (uint64_t)fmax(round(each), 1.0);
        *cached_tokens = cached > 0.5 ? (uint64_t)llround(cached) : 0;
    }
}

/* What a rule that knows one answer for a batch takes for it: its prompts as so many alike. */
static struct ring_answer answer_of(const struct step_costs *costs, const struct batch *batch)
{
    double count = 0.0, tokens = 0.0, pairs = 0.0;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        const struct batch_slice *slice = &batch->slices[i];
        if (slice->phase == PHASE_PREFILL) {
            double fresh = (double)slice->new_tokens;
            count += slice->sequences;
            tokens += slice->sequences * fresh;
            pairs += slice->sequences * fresh * ((double)slice->cached_tokens + 0.5 * fresh);
        }
    }
    uint64_t new_tokens = 1, cached_tokens = 0;
    alike((uint32_t)count, tokens, pairs, &new_tokens, &cached_tokens);
    return scenario_ring_answer(costs->scenario, new_tokens, cached_tokens);
}

/* Tries what the scenario's rule allows: with `auto` both, and keeps the faster. `classes`: the
 * batch's prompts are of both kinds, those that Algorithm 5 passes by their queries last. */
static struct step_cost price_best(struct step_costs *costs, struct batch *batch, bool prompts,
                                   bool classes)
{
    const struct scenario *scenario = costs->scenario;
    if (scenario->layout.context == 1) {
        return price(costs, batch, RING_NONE);
    }
    if (!prompts) {
        return price(costs, batch,
                     ring_decode_variant(scenario->ring_rule, scenario->layout.context));
    }
    if (scenario->ring_rule == RING_RULE_MIXED && classes) {
        batch->query_slices = 1;
        return price(costs, batch, RING_PASS_KV);
    }
    if (scenario->ring_rule != RING_RULE_AUTO) {
        return price(costs, batch, answer_of(costs, batch).variant);
    }
    struct step_cost keys = price(costs, batch, RING_PASS_KV);
    struct step_cost queries = price(costs, batch, RING_PASS_Q);
    return queries.seconds < keys.seconds ? queries : keys;
}

double step_cost_tokens(const struct step_costs *costs, const struct step_shape *shape)
{
    return (1.0 + costs->drafts) * shape->decodes + (double)shape->prompt_tokens;
}

/* 0: as many each. */
static uint32_t shared_step(const struct step_costs *costs, const struct step_shape *shape)
{
    double own = step_cost_tokens(costs, shape);
    double ranks = layout_attention_data(&costs->scenario->layout);
    if (costs->shared_count == 1 || shape->shared_tokens <= 0.0 || own <= 0.0) {
        return 0;
    }
    double steps = round(SHARED_KNOTS * log2(shape->shared_tokens / (own * ranks)));
    double most = SHARED_KNOTS * SHARED_OCTAVES;
    steps = fmin(fmax(steps, -most), most);
    return steps == 0.0 ? 0 : (uint32_t)(SHARED_MIDDLE + steps);
}

static uint64_t shared_tokens(const struct step_costs *costs, const struct price_key *key)
{
    if (key->shared == 0) {
        return 0;
    }
    double own = (1.0 + costs->drafts) * key->decodes +
                 (double)key->prompts * (double)key->new_tokens +
                 (double)key->query_prompts * (double)key->query_new_tokens;
    double ranks = layout_attention_data(&costs->scenario->layout);
    double steps = (double)key->shared - SHARED_MIDDLE;
    return (uint64_t)fmax(1.0, round(own * ranks * exp2(steps / SHARED_KNOTS)));
}

static struct batch batch_of(const struct step_costs *costs, const struct price_key *key,
                             struct batch_slice slices[MAX_SLICES])
{
    uint32_t count = 0;
    if (key->decodes > 0) {
        slices[count++] = (struct batch_slice){.phase = PHASE_DECODE,
                                               .sequences = key->decodes,
                                               .new_tokens = 1 + costs->drafts,
                                               .cached_tokens = key->decode_context};
    }
    if (key->prompts > 0) {
        slices[count] = (struct batch_slice){.phase = PHASE_PREFILL,
                                             .sequences = key->prompts,
                                             .new_tokens = key->new_tokens,
                                             .cached_tokens = key->cached_tokens};
        count++;
    }
    if (key->query_prompts > 0) {
        slices[count] = (struct batch_slice){.phase = PHASE_PREFILL,
                                             .sequences = key->query_prompts,
                                             .new_tokens = key->query_new_tokens,
                                             .cached_tokens = key->query_cached_tokens};
        count++;
    }
    return (struct batch){
        .slices = slices, .slice_count = count, .shared_tokens = shared_tokens(costs, key)};
}

static struct step_cost price_key(struct step_costs *costs, const struct price_key *key)
{
    struct batch_slice slices[MAX_SLICES];
    struct batch batch = batch_of(costs, key, slices);
    bool classes = key->prompts > 0 && key->query_prompts > 0;
    bool prompts = key->prompts > 0 || key->query_prompts > 0;
    struct step_cost cost = price_best(costs, &batch, prompts, classes);
    if (costs->drafts > 0) {
        add_drafts(costs, &batch, &cost);
    }
    return cost;
}

/* By way of the store, where there is one. */
static struct step_cost remembered_price(struct step_costs *costs, struct price_key key)
{
    struct step_cost cost;
    key.kind = costs->kind;
    if (costs->store != NULL && price_store_find(costs->store, &key, &cost)) {
        return cost;
    }
    cost = price_key(costs, &key);
    if (costs->store != NULL) {
        price_store_put(costs->store, &key, &cost);
    }
    return cost;
}

/* --- rounding --- */

/* To `bits` bits after the first. */
static uint64_t round_bits(uint64_t value, unsigned bits)
{
    unsigned shift = 0;
    while ((value >> shift) >> (bits + 1) != 0) {
        shift++;
    }
    uint64_t half = shift > 0 ? 1ULL << (shift - 1) : 0;
    return ((value + half) >> shift) << shift;
}

static struct price_key exact_key(const struct step_shape *shape)
{
    struct price_key key = {.decodes = shape->decodes,
                            .decode_context = (uint64_t)llround(shape->decode_context),
                            .prompts = shape->prompts - shape->query_prompts,
                            .query_prompts = shape->query_prompts};
    alike(key.prompts, (double)(shape->prompt_tokens - shape->query_tokens),
          shape->prompt_pairs - shape->query_pairs, &key.new_tokens, &key.cached_tokens);
    alike(key.query_prompts, (double)shape->query_tokens, shape->query_pairs, &key.query_new_tokens,
          &key.query_cached_tokens);
    return key;
}

/* --- adapters --- */

static struct step_cost price_adapters(struct step_costs *costs, const struct adapter_entry *entry)
{
    const struct service_adapters *says = &costs->scenario->serving.service.adapters;
    const struct adapter_batch batch = {.targets = says->targets,
                                        .rank = adapters_rank(says),
                                        .adapters = entry->adapters,
                                        .places = says->max_adapters,
                                        .tokens = (double)entry->tokens,
                                        .graph = entry->graph,
                                        .changed = entry->changed};
    struct step_program program;
    adapters_build(&costs->replica, &costs->stage, &batch, costs->operators, &program);
    struct step_cost cost = price_program(costs, &costs->replica, &program, false, INFINITY);
    cost.parts.gemm_seconds += cost.parts.attention_seconds; /* kernels of a library's own */
    cost.parts.attention_seconds = 0.0;
    return cost;
}

/* Remembered until another of the same hash is asked for. */
static const struct step_cost *adapter_cost(struct step_costs *costs,
                                            const struct step_shape *shape)
{
    struct batch_slice slices[MAX_SLICES];
    struct price_key key = exact_key(shape);
    struct batch batch = batch_of(costs, &key, slices);
    bool graph = !transformer_launched_by_hand(&costs->replica, &batch);
    uint64_t tokens = round_bits(shape->adapter_tokens, KEY_BITS);
    bool changed = shape->prompts > 0; /* who comes and goes */
    uint64_t hash =
        random_mix(tokens << 20 | (uint64_t)shape->adapters << 2 | (changed ? 2U : 0U) | graph);
    struct adapter_entry *entry = &costs->adapters[hash % ADAPTER_ENTRIES];
    if (entry->adapters != shape->adapters || entry->tokens != tokens || entry->graph != graph ||
        entry->changed != changed) {
        *entry = (struct adapter_entry){
            .adapters = shape->adapters, .graph = graph, .changed = changed, .tokens = tokens};
        entry->cost = price_adapters(costs, entry);
    }
    return &entry->cost;
}

/* --- decode --- */

static double knot_context(uint32_t knot)
{
    if (knot == 0) {
        return 0.0;
    }
    uint32_t octave = (knot - 1) / KNOTS, part = (knot - 1) % KNOTS;
    return ldexp(FIRST_KNOT * (1.0 + (double)part / KNOTS), (int)octave);
}

/* The knot at or under a context. */
static uint32_t knot_under(double context)
{
    if (context < FIRST_KNOT) {
        return 0;
    }
    int exponent = 0;
    double mantissa = 2.0 * frexp(context / FIRST_KNOT, &exponent); /* 1 to 2 */
    uint32_t knot =
        1 + (uint32_t)(exponent - 1) * KNOTS + (uint32_t)((mantissa - 1.0) * (double)KNOTS);
    assert(knot + 1 < ROW_KNOTS && "a context that a table of decode steps holds");
    return knot;
}

static const struct step_cost *knot_cost(struct step_costs *costs, uint32_t decodes,
                                         uint32_t shared, uint32_t knot)
{
    uint32_t sequences = (uint32_t)round_bits(decodes, KEY_BITS);
    uint32_t row = sequences < costs->row_count ? sequences : costs->row_count - 1;
    struct decode_row **place = &costs->rows[(size_t)shared * costs->row_count + row];
    if (*place == NULL) {
        *place = ARENA_NEW(costs->arena, struct decode_row);
    }
    struct step_cost *cost = &(*place)->knots[knot];
    if (cost->seconds <= 0.0) {
        struct price_key key = {
            .decodes = row, .shared = shared, .decode_context = (uint64_t)knot_context(knot)};
        *cost = remembered_price(costs, key);
    }
    return cost;
}

static double part_between(uint32_t knot, double context)
{
    double low = knot_context(knot), high = knot_context(knot + 1);
    return (context - low) / (high - low);
}

double step_cost_decode_seconds(struct step_costs *costs, const struct step_shape *shape,
                                double context)
{
    uint32_t decodes = shape->decodes, shared = shared_step(costs, shape);
    uint32_t knot = knot_under(context);
    double part = part_between(knot, context);
    double adapters = shape->adapters > 0 ? adapter_cost(costs, shape)->seconds : 0.0;
    return (1.0 - part) * knot_cost(costs, decodes, shared, knot)->seconds +
           part * knot_cost(costs, decodes, shared, knot + 1)->seconds + adapters;
}

static struct step_cost decode_cost(struct step_costs *costs, const struct step_shape *shape)
{
    uint32_t decodes = shape->decodes, shared = shared_step(costs, shape);
    double context = shape->decode_context;
    uint32_t knot = knot_under(context);
    double part = part_between(knot, context), rest = 1.0 - part;
    struct step_cost low = *knot_cost(costs, decodes, shared, knot);
    const struct step_cost *high = knot_cost(costs, decodes, shared, knot + 1);
    low.seconds = rest * low.seconds + part * high->seconds;
    low.host_seconds = rest * low.host_seconds + part * high->host_seconds;
    low.gpu_seconds = rest * low.gpu_seconds + part * high->gpu_seconds;
    low.launch_seconds = rest * low.launch_seconds + part * high->launch_seconds;
    low.experts_launch_seconds =
        rest * low.experts_launch_seconds + part * high->experts_launch_seconds;
    low.watts = rest * low.watts + part * high->watts;
    low.rested_seconds = rest * low.rested_seconds + part * high->rested_seconds;
    low.rested_watts = rest * low.rested_watts + part * high->rested_watts;
    low.bytes = rest * low.bytes + part * high->bytes;
    low.nvlink_bytes = rest * low.nvlink_bytes + part * high->nvlink_bytes;
    low.network_bytes = rest * low.network_bytes + part * high->network_bytes;
    struct step_parts parts = {0};
    step_parts_add(&parts, &low.parts, rest);
    step_parts_add(&parts, &high->parts, part);
    low.parts = parts;
    return low;
}

/* --- prompts --- */

static struct price_key rounded_key(const struct step_shape *shape)
{
    struct price_key key = exact_key(shape);
    key.decodes = (uint32_t)round_bits(key.decodes, DECODE_KEY_BITS);
    key.prompts = (uint32_t)round_bits(key.prompts, KEY_BITS);
    key.decode_context = round_bits(key.decode_context, CONTEXT_KEY_BITS - 1);
    key.new_tokens = round_bits(key.new_tokens, KEY_BITS);
    key.cached_tokens = round_bits(key.cached_tokens, CONTEXT_KEY_BITS);
    key.query_prompts = (uint32_t)round_bits(key.query_prompts, KEY_BITS);
    key.query_new_tokens = round_bits(key.query_new_tokens, KEY_BITS);
    key.query_cached_tokens = round_bits(key.query_cached_tokens, CONTEXT_KEY_BITS);
    return key;
}

static void add_entry(struct step_costs *costs, const struct mixed_entry *entry)
{
    if (costs->entry_count == costs->entry_capacity) {
        const struct mixed_entry *old = costs->entries;
        costs->entry_capacity *= 2;
        costs->entries = ARENA_ARRAY(costs->arena, struct mixed_entry, costs->entry_capacity);
        memcpy(costs->entries, old, costs->entry_count * sizeof *old);
    }
    costs->entries[costs->entry_count++] = *entry;
    hash_table_add(&costs->table, price_key_hash(&entry->key), costs->entry_count);
}

static struct step_cost plain_cost(struct step_costs *costs, const struct step_shape *shape)
{
    if (shape->prompts == 0) {
        return decode_cost(costs, shape);
    }
    struct price_key key = rounded_key(shape);
    key.shared = shared_step(costs, shape);
    struct hash_walk walk = hash_walk(&costs->table, price_key_hash(&key));
    for (uint32_t item; (item = hash_next(&walk)) != HASH_NONE;) {
        if (price_key_same(&costs->entries[item - 1].key, &key)) {
            return costs->entries[item - 1].cost;
        }
    }
    struct mixed_entry entry = {.key = key, .cost = remembered_price(costs, key)};
    add_entry(costs, &entry);
    return entry.cost;
}

static struct step_cost with_adapters(struct step_costs *costs, const struct step_shape *shape,
                                      struct step_cost cost)
{
    if (shape->adapters > 0) {
        add_cost(&cost, adapter_cost(costs, shape), 1.0);
    }
    return cost;
}

struct step_cost step_cost(struct step_costs *costs, const struct step_shape *shape)
{
    return with_adapters(costs, shape, plain_cost(costs, shape));
}

struct step_cost step_cost_exact(struct step_costs *costs, const struct step_shape *shape)
{
    struct price_key key = exact_key(shape);
    key.shared = shared_step(costs, shape);
    return with_adapters(costs, shape, price_key(costs, &key));
}

struct step_cost step_cost_show(struct step_costs *costs, const struct step_shape *shape,
                                step_visit *visit, void *context)
{
    struct batch_slice slices[MAX_SLICES];
    struct price_key key = exact_key(shape);
    key.shared = shared_step(costs, shape);
    enum ring_variant variant = price_key(costs, &key).variant;
    struct batch batch = batch_of(costs, &key, slices);
    costs->visit = visit;
    costs->visitor = context;
    struct step_cost cost = price_for(costs, &costs->replica, &batch, variant, INFINITY);
    costs->visit = NULL;
    return cost;
}

uint64_t step_costs_built(const struct step_costs *costs)
{
    return costs->built;
}
