/* SPDX-License-Identifier: MIT */
#include "sim/inference/conversation.h"

#include "models/passes/step_price.h"
#include "sim/engine/actor.h"
#include "sim/engine/background.h"
#include "sim/engine/made_nodes.h"
#include "sim/inference/recorder.h"
#include "sim/inference/trace_run.h"
#include "sim/scenario/replica.h"

#include <math.h>

/* Decode's time grows with the context: a long answer is sampled at the middle of so many parts at
 * most, one for each eighth that the context grows. */
enum { DECODE_MAX_PARTS = 8 };

struct runner {
    const struct scenario *scenario;
    struct replica replica;
    struct engine *engine;
    struct arena *arena;
    struct trace_run *trace;
    struct progress *progress;
    struct diagnostics *diagnostics;
    struct conversation_result *result;
    struct placement placement;
    const uint32_t *stand_ins;             /* [gpu] whom conversation_stand_in() names */
    struct background_traffic *background; /* NULL: none */
    struct step_operator *operators;       /* one program's */
    struct step_scratch scratch;
    double clock_seconds;
};

static struct power_state build(struct runner *runner, const struct batch *batch,
                                enum ring_variant variant, struct step_program *program)
{
    transformer_build(&runner->replica, batch, variant, runner->operators, program);
    return step_price(&runner->replica, program, &runner->scratch);
}

/* --- which variant --- */

/* Both variants by the closed-form executor, which agrees with the engine where nothing else is on
 * the links. */
static void try_both(struct runner *runner, const struct batch *batch, struct phase_result *phase)
{
    double seconds[RING_VARIANT_COUNT] = {0.0};
    struct step_program program;
    for (int variant = RING_PASS_KV; variant <= RING_PASS_Q; variant++) {
        build(runner, batch, (enum ring_variant)variant, &program);
        seconds[variant] = program_seconds(&program, runner->scratch.spans);
    }
    bool queries = seconds[RING_PASS_Q] < seconds[RING_PASS_KV];
    phase->variant = queries ? RING_PASS_Q : RING_PASS_KV;
    phase->other_seconds = seconds[queries ? RING_PASS_KV : RING_PASS_Q];
}

static void choose_variant(struct runner *runner, const struct batch *batch,
                           struct phase_result *phase)
{
    if (runner->scenario->layout.context == 1) {
        phase->variant = RING_NONE;
    } else if (phase->phase == PHASE_DECODE) {
        phase->variant =
            ring_decode_variant(runner->scenario->ring_rule, runner->scenario->layout.context);
    } else {
        phase->answer =
            scenario_ring_answer(runner->scenario, phase->new_tokens, phase->cached_tokens);
        phase->variant = phase->answer.variant;
        if (runner->scenario->ring_rule == RING_RULE_AUTO) {
            try_both(runner, batch, phase);
        }
    }
}

/* --- playing --- */

static void add_breakdown(struct breakdown *sum, const struct breakdown *part, double times)
{
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        sum->seconds[i] += times * part->seconds[i];
    }
    sum->flops += times * part->flops;
    sum->bytes += times * part->bytes;
}

/* Others' traffic comes and goes while layers are played, so each is played in its turn. */
static bool is_folded(const struct scenario *scenario)
{
    return scenario->detail == DETAIL_FOLDED && scenario->background_count == 0;
}

/* The rank that was played for `rank`. On a network of the user's own links may differ from rank to
 * rank, and none stands in for another. */
static uint32_t played_rank(const struct scenario *scenario, uint32_t rank)
{
    if (!is_folded(scenario) || scenario->platform_xml != NULL) {
        return rank;
    }
    struct placement placement = scenario_placement(scenario);
    return placement_stand_in(&placement, rank);
}

/* played_rank() repeats itself from this rank on. */
static uint32_t stand_ins_end(const struct runner *runner)
{
    bool folded = is_folded(runner->scenario) && runner->scenario->platform_xml == NULL;
    return folded ? placement_stand_ins_end(&runner->placement) : runner->placement.ranks;
}

/* The nodes of the ranks that are played and of all that they may send to; NULL: all nodes, on a
 * network whose switches are shared or which is the user's own. */
static void make_nodes(const struct runner *runner, struct engine_setup *setup)
{
    const struct scenario *scenario = runner->scenario;
    if (!is_folded(scenario) || scenario->platform_xml != NULL ||
        scenario->cluster.nodes_per_leaf > 0) {
        return;
    }
    struct made_nodes made = made_nodes_none(&runner->placement, runner->arena);
    struct group_shape shapes[GROUP_COUNT];
    for (int group = 0; group < GROUP_COUNT; group++) {
        shapes[group] = placement_group_shape(&runner->placement, (enum group)group);
    }
    for (uint32_t rank = 0; rank < stand_ins_end(runner); rank++) {
        if (placement_stand_in(&runner->placement, rank) != rank) {
            continue;
        }
        made_nodes_add(&made, rank);
        for (int i = 0; i < GROUP_COUNT * EDGE_COUNT; i++) {
            made_nodes_add_peer(&made, rank, (enum group)(i / EDGE_COUNT), shapes[i / EDGE_COUNT],
                                (enum collective_edge)(i % EDGE_COUNT));
        }
    }
    made_nodes_sort(&made);
    setup->made = made.nodes;
    setup->made_count = made.count;
}

uint32_t conversation_stand_in(const struct scenario *scenario, uint32_t gpu)
{
    return gpu < layout_gpus(&scenario->layout) ? played_rank(scenario, gpu) : gpu;
}

/* What crossed one kind of link, of each class of ranks by its stand-in. What a played rank sends
 * may arrive at one that nobody played, and counts for the stand-in of that one: among alike ranks
 * each receives what any of them does. */
struct class_use {
    double bytes, busy_seconds;
};

static void gather_links(const struct runner *runner, enum link_kind kind, struct class_use *uses)
{
    for (uint32_t gpu = 0; gpu < runner->result->gpu_count; gpu++) {
        struct class_use *use = &uses[runner->stand_ins[gpu]];
        use->bytes += engine_link_bytes(runner->engine, kind, gpu);
        use->busy_seconds =
            fmax(use->busy_seconds, engine_link_busy_seconds(runner->engine, kind, gpu));
    }
}

/* Ranks that were folded moved what their stand-ins moved. */
static void add_links(struct runner *runner, struct phase_result *phase, double times)
{
    struct arena *arena = arena_create();
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
        struct class_use *uses = ARENA_ARRAY(arena, struct class_use, runner->result->gpu_count);
        gather_links(runner, (enum link_kind)kind, uses);
        for (uint32_t gpu = 0; gpu < runner->result->gpu_count; gpu++) {
            const struct class_use *use = &uses[runner->stand_ins[gpu]];
            double bytes = times * use->bytes;
            runner->result->link_bytes[kind][gpu] += bytes;
            runner->result->link_busy_seconds[kind][gpu] += times * use->busy_seconds;
            phase->node_bytes += kind == LINK_NVLINK_OUT ? bytes : 0.0;
            phase->fabric_bytes += kind == LINK_NIC_OUT ? bytes : 0.0;
        }
    }
    arena_destroy(arena);
}

static void add_rank_breakdowns(struct runner *runner, const struct recorder *recorder,
                                double times)
{
    const struct scenario *scenario = runner->scenario;
    for (uint32_t rank = 0; rank < layout_gpus(&scenario->layout); rank++) {
        uint32_t played = runner->stand_ins[rank];
        add_breakdown(&runner->result->rank_breakdowns[rank], &recorder->breakdowns[played], times);
    }
}

/* Phases of the whole run, and records that one play of a program makes. */
static double phases_of(const struct runner *runner)
{
    return 2.0 * (double)runner->scenario->conversation.turn_count;
}

static double records_of(const struct scenario *scenario, const struct step_program *program)
{
    double plays = 0.0;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        plays += is_folded(scenario) ? 1.0 : program->segments[i].repeat;
    }
    return plays * layout_gpus(&scenario->layout);
}

/* Steps of `most` alike that the one just played stands for. Beside others' traffic the rest of
 * their time passes now, and a step stands for more than itself only while no stream begins or
 * ends.
 */
static double steps_alike(const struct runner *runner, uint64_t changes, double seconds,
                          double most)
{
    if (runner->background == NULL) {
        return most;
    }
    if (background_changes(runner->background) != changes || most <= 1.0) {
        return 1.0;
    }
    double passed = background_sleep(runner->background, (most - 1.0) * seconds);
    double steps = ceil(passed / seconds - 1e-9);
    actor_sleep(fmax(steps * seconds - passed, 0.0));
    return 1.0 + fmin(steps, most - 1.0);
}

static void give_room(struct operator_totals *totals, const struct step_program *program,
                      struct arena *arena)
{
    for (uint32_t i = 0; i < program->segment_count; i++) {
        totals->capacity += program->segments[i].count;
    }
    totals->totals = ARENA_ARRAY(arena, struct operator_total, totals->capacity);
}

/* Plays the batch once and counts it into the phase, `*times` times at most; says how often. */
static bool play_batch(struct runner *runner, const struct batch *batch, double *times_counted,
                       struct phase_result *phase, uint32_t phase_index)
{
    const struct scenario *scenario = runner->scenario;
    struct step_program program;
    struct power_state power = build(runner, batch, phase->variant, &program);
    struct arena *records = arena_create();
    struct recorder recorder = {
        .program = &program,
        .progress = runner->progress,
        .progress_what = phase->phase == PHASE_PREFILL ? "prefill" : "decode",
        .progress_from = phase_index / phases_of(runner),
        .progress_step = 1.0 / (phases_of(runner) * records_of(scenario, &program)),
        .folded = is_folded(scenario),
        .detail = runner->trace == NULL ? OPERATORS_NONE : scenario->trace.operators,
        .arena = records,
        .breakdowns = ARENA_ARRAY(records, struct breakdown, layout_gpus(&scenario->layout)),
        .totals = phase->seconds > 0.0 ? NULL : phase->totals,
    };
    if (recorder.totals != NULL) {
        give_room(recorder.totals, &program, runner->arena);
    }
    struct play play = {
        .program = &program,
        .placement = &runner->placement,
        .folded = recorder.folded,
        .every_rank = scenario->platform_xml != NULL,
        .observer = recorder_observe,
        .context = &recorder,
    };
    double seconds = 0.0;
    bool follow = runner->trace != NULL && scenario->trace.links == LINKS_SERIES;
    engine_observe_flows(runner->engine, follow ? recorder_flow : NULL, &recorder);
    uint64_t changes = runner->background == NULL ? 0 : background_changes(runner->background);
    bool played = engine_play(runner->engine, &play, &seconds, runner->diagnostics);
    engine_observe_flows(runner->engine, NULL, NULL);
    if (played) {
        double times = steps_alike(runner, changes, seconds, *times_counted);
        *times_counted = times;
        double start = phase->start_seconds + phase->seconds;
        phase->seconds += times * seconds;
        phase->clock_hertz = power.clock_hertz;
        phase->watts = power.watts;
        phase->joules += times * seconds * power.watts * layout_gpus(&scenario->layout);
        add_breakdown(&phase->breakdown, &recorder.breakdowns[0], times);
        add_rank_breakdowns(runner, &recorder, times);
        add_links(runner, phase, times);
        if (follow) {
            trace_run_flows(runner->trace, &recorder, start, seconds, times);
        }
        played = runner->trace == NULL ||
                 trace_run_operators(runner->trace, &recorder, phase_index, start);
    }
    arena_destroy(records);
    return played;
}

static struct phase_result *open_phase(struct runner *runner, enum phase kind, uint32_t turn,
                                       uint64_t new_tokens, uint64_t cached_tokens)
{
    struct conversation_result *result = runner->result;
    struct phase_result *phase = &result->phases[result->phase_count++];
    *phase = (struct phase_result){
        .phase = kind,
        .turn = turn,
        .sequences = runner->scenario->conversation.batch,
        .new_tokens = new_tokens,
        .cached_tokens = cached_tokens,
        .start_seconds = runner->clock_seconds,
        .totals = ARENA_NEW(runner->arena, struct operator_totals),
    };
    return phase;
}

static bool close_phase(struct runner *runner, const struct batch *batch,
                        struct phase_result *phase)
{
    const struct scenario *scenario = runner->scenario;
    struct conversation_result *result = runner->result;
    double gpus = layout_gpus(&scenario->layout);
    double peak = gpu_stated_flops_per_second(&scenario->gpu);
    phase->flops =
        (double)phase->sequences * scenario->layout.data *
        llm_forward_flops(&scenario->llm, (double)phase->new_tokens, (double)phase->cached_tokens);
    phase->mfu = phase->flops / (phase->seconds * gpus * peak);
    if (phase->phase == PHASE_DECODE) {
        phase->tokens_per_second_per_gpu =
            (double)phase->sequences * scenario->layout.data / phase->latency_seconds / gpus;
        phase->knee_sequences = memory_knee_sequences(
            &runner->replica, phase->cached_tokens + (phase->new_tokens + 1) / 2);
    }
    uint64_t context = phase->cached_tokens + phase->new_tokens;
    phase->memory = (struct memory_use){
        .weight_bytes = memory_weight_bytes(&runner->replica),
        .kv_cache_bytes =
            memory_kv_cache_bytes(&runner->replica, scenario_rank_conversations(scenario), context),
        .activation_bytes = scenario_activation_bytes(runner->scenario, batch, phase->variant),
    };
    add_breakdown(&result->breakdown, &phase->breakdown, 1.0);
    result->node_bytes += phase->node_bytes;
    result->fabric_bytes += phase->fabric_bytes;
    result->joules += phase->joules;
    runner->clock_seconds += phase->seconds;
    if (result->fullest == NULL ||
        memory_total_bytes(&phase->memory) > memory_total_bytes(&result->fullest->memory)) {
        result->fullest = phase;
    }
    result->seconds = runner->clock_seconds;
    return runner->trace == NULL || trace_run_phase(runner->trace, phase);
}

static bool run_prefill(struct runner *runner, uint32_t turn, uint64_t tokens, uint64_t cached)
{
    uint32_t index = runner->result->phase_count;
    struct phase_result *phase = open_phase(runner, PHASE_PREFILL, turn, tokens, cached);
    struct batch_slice slice = {.phase = PHASE_PREFILL,
                                .sequences = scenario_rank_conversations(runner->scenario),
                                .new_tokens = tokens,
                                .cached_tokens = cached};
    struct batch batch = {.slices = &slice,
                          .slice_count = 1,
                          .shared_tokens = scenario_shared_tokens(runner->scenario, &slice)};
    choose_variant(runner, &batch, phase);
    double times = 1.0;
    if (!play_batch(runner, &batch, &times, phase, index)) {
        return false;
    }
    phase->latency_seconds = phase->seconds;
    return close_phase(runner, &batch, phase);
}

/* `tokens` steps of one token a sequence, in parts priced at their middle. */
static bool run_decode(struct runner *runner, uint32_t turn, uint64_t tokens, uint64_t cached)
{
    uint32_t index = runner->result->phase_count;
    struct phase_result *phase = open_phase(runner, PHASE_DECODE, turn, tokens, cached);
    double growth = (double)tokens / (double)(cached > 0 ? cached : 1);
    uint64_t parts = (uint64_t)fmin(fmax(ceil(8.0 * growth), 1.0), DECODE_MAX_PARTS);
    parts = parts < tokens ? parts : tokens;
    struct batch_slice slice = {.phase = PHASE_DECODE,
                                .sequences = scenario_rank_conversations(runner->scenario),
                                .new_tokens = 1};
    struct batch batch = {.slices = &slice,
                          .slice_count = 1,
                          .shared_tokens = scenario_shared_tokens(runner->scenario, &slice)};
    choose_variant(runner, &batch, phase);
    for (uint64_t part = 0; part < parts; part++) {
        uint64_t from = tokens * part / parts, to = tokens * (part + 1) / parts;
        slice.cached_tokens = cached + (from + to - 1) / 2;
        for (double left = (double)(to - from), times; left > 0.0; left -= times) {
            times = left;
            if (!play_batch(runner, &batch, &times, phase, index)) {
                return false;
            }
        }
    }
    phase->latency_seconds = phase->seconds / (double)tokens;
    return close_phase(runner, &batch, phase);
}

static bool run_turns(struct runner *runner)
{
    const struct conversation *conversation = &runner->scenario->conversation;
    uint64_t cached = conversation->cached_tokens;
    for (uint32_t i = 0; i < conversation->turn_count; i++) {
        const struct turn *turn = &conversation->turns[i];
        if (!run_prefill(runner, i + 1, turn->prompt_tokens, cached)) {
            return false;
        }
        cached += turn->prompt_tokens;
        if (turn->output_tokens > 0 && !run_decode(runner, i + 1, turn->output_tokens, cached)) {
            return false;
        }
        cached += turn->output_tokens;
    }
    return true;
}

/* --- beside others' traffic --- */

/* All turns in simulated time without a break, others' traffic beside them. */
struct drive {
    struct runner *runner;
    bool done;
};

static void drive_turns(void *data)
{
    struct drive *drive = data;
    drive->done = run_turns(drive->runner);
}

/* What others sent over each link joins what the ranks did. */
static void add_others(const struct runner *runner)
{
    struct conversation_result *result = runner->result;
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
        for (uint32_t gpu = 0; gpu < result->gpu_count; gpu++) {
            enum link_kind link = (enum link_kind)kind;
            double busy = engine_others_busy_seconds(runner->engine, link, gpu);
            result->link_bytes[kind][gpu] += engine_others_bytes(runner->engine, link, gpu);
            result->link_busy_seconds[kind][gpu] =
                fmin(result->link_busy_seconds[kind][gpu] + busy, result->seconds);
        }
    }
}

static bool run_beside_others(struct runner *runner)
{
    const struct scenario *scenario = runner->scenario;
    struct drive drive = {.runner = runner};
    if (runner->trace != NULL && scenario->trace.links == LINKS_SERIES) {
        engine_observe_others(runner->engine, trace_run_others, runner->trace);
    }
    runner->background = background_start(runner->engine, runner->arena, scenario->background,
                                          scenario->background_count);
    bool ended = engine_drive(runner->engine, drive_turns, &drive);
    if (!ended) {
        DIAGNOSE_ERROR(runner->diagnostics, ((struct mark){0}),
                       "the simulation stalled: ranks wait for each other; this is a fault of "
                       "cpsim, please report the scenario");
        return false;
    }
    background_end(runner->background);
    add_others(runner);
    return drive.done;
}

bool conversation_run(const struct scenario *scenario, struct arena *arena, struct trace_run *trace,
                      struct progress *progress, struct conversation_result *result,
                      struct diagnostics *diagnostics)
{
    struct runner runner = {
        .scenario = scenario,
        .replica = scenario_replica(scenario),
        .placement = scenario_placement(scenario),
        .arena = arena,
        .trace = trace,
        .progress = progress,
        .diagnostics = diagnostics,
        .result = result,
    };
    uint32_t nodes = scenario_nodes(scenario);
    *result = (struct conversation_result){
        .scenario = scenario,
        .phases =
            ARENA_ARRAY(arena, struct phase_result, 2 * scenario->conversation.turn_count + 1),
        .gpu_count = nodes * scenario->cluster.gpus_per_node,
    };
    for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
        result->link_bytes[kind] = ARENA_ARRAY(arena, double, result->gpu_count);
        result->link_busy_seconds[kind] = ARENA_ARRAY(arena, double, result->gpu_count);
    }
    result->rank_breakdowns = ARENA_ARRAY(arena, struct breakdown, layout_gpus(&scenario->layout));
    uint32_t *stand_ins = ARENA_ARRAY(arena, uint32_t, result->gpu_count);
    uint32_t ranks = layout_gpus(&scenario->layout), end = stand_ins_end(&runner);
    for (uint32_t gpu = 0; gpu < result->gpu_count; gpu++) {
        bool repeats = gpu >= end && gpu < ranks;
        stand_ins[gpu] = repeats ? stand_ins[gpu % end] : conversation_stand_in(scenario, gpu);
    }
    runner.stand_ins = stand_ins;
    size_t all = transformer_room(&runner.replica, 1);
    runner.operators = ARENA_ARRAY(arena, struct step_operator, all);
    runner.scratch = (struct step_scratch){
        .spans = ARENA_ARRAY(arena, struct span, all),
        .works = ARENA_ARRAY(arena, struct kernel_work, all),
        .counts = ARENA_ARRAY(arena, double, all),
    };
    bool others = scenario->background_count > 0;
    struct engine_setup setup = {.cluster = &scenario->cluster,
                                 .nodes = nodes,
                                 .lanes = others ? LANE_COUNT : 1,
                                 .platform_xml = scenario->platform_xml};
    make_nodes(&runner, &setup);
    runner.engine = engine_open(&setup, diagnostics);
    if (runner.engine == NULL) {
        return false;
    }
    bool done = others ? run_beside_others(&runner) : run_turns(&runner);
    result->quality_asked = scenario->quality.tokens > 0;
    if (result->quality_asked) {
        struct quality_question question =
            quality_question_of(&scenario->llm, &scenario->precision, &scenario->quality);
        result->quality = quality_of(&question);
        result->over_trained = (double)scenario->quality.tokens > result->quality.critical_tokens;
    }
    result->events = engine_event_count(runner.engine);
    engine_close(runner.engine);
    return done;
}
