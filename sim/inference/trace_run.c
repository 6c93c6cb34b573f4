/* SPDX-License-Identifier: MIT */
#include "sim/inference/trace_run.h"

#include "sim/scenario/replica.h"
#include "sim/trace/link_series.h"
#include "sim/trace/trace_groups.h"
#include "sim/trace/trace_time.h"

#include <inttypes.h>
#include <math.h>

struct trace_run {
    struct arena *arena;
    struct trace *trace;
    const struct scenario *scenario;
    struct memory_use memory;   /* the largest so far of each kind */
    struct link_series *series; /* of links numbered by link_number(); NULL: not wanted */
};

static size_t link_number(const struct trace_run *run, enum link_kind kind, uint32_t gpu)
{
    return (size_t)conversation_stand_in(run->scenario, gpu) * LINK_KIND_COUNT + (size_t)kind;
}

struct trace_run *trace_run_begin(struct arena *arena, const struct scenario *scenario,
                                  struct trace *trace)
{
    struct trace_run *run = ARENA_NEW(arena, struct trace_run);
    run->arena = arena;
    run->trace = trace;
    run->scenario = scenario;
    if (scenario->trace.links == LINKS_SERIES) {
        size_t gpus = (size_t)scenario->cluster.nodes * scenario->cluster.gpus_per_node;
        run->series = link_series_create(arena, gpus * LINK_KIND_COUNT,
                                         scenario->trace.sample_interval_seconds);
    }
    return run;
}

static uint32_t layer_number(const struct trace_run *run, const struct step_segment *segment,
                             uint32_t repeat)
{
    return segment->part == STEP_LAYERS
               ? stack_nth_layer(&run->scenario->llm.stack, segment->kind, segment->layer, repeat)
               : segment->layer;
}

static void add_operator(struct trace_run *run, const struct step_segment *segment,
                         const struct record *record, uint32_t rank, uint32_t index,
                         uint32_t phase_index, double start_seconds)
{
    const struct span *span = &record->spans[index];
    struct trace_operator row = trace_operator_row(segment, &segment->operators[index]);
    row.phase = phase_index;
    row.layer = layer_number(run, segment, record->repeat);
    row.rank = rank;
    row.gpu = rank; /* ranks fill the GPUs in order */
    row.start_seconds = start_seconds + record->start_seconds + span->start_seconds;
    row.duration_seconds = span->end_seconds - span->start_seconds;
    trace_add_operator(run->trace, &row);
}

static void add_record(struct trace_run *run, const struct recorder *recorder,
                       const struct record *record, uint32_t rank, uint32_t phase_index,
                       double start_seconds)
{
    const struct step_segment *segment = &recorder->program->segments[record->segment];
    for (uint32_t i = 0; i < segment->count; i++) {
        add_operator(run, segment, record, rank, i, phase_index, start_seconds);
    }
}

/* Context ranks that one stands for did what it did, and have rows of their own. */
bool trace_run_operators(struct trace_run *run, const struct recorder *recorder,
                         uint32_t phase_index, double start_seconds)
{
    struct placement placement = scenario_placement(run->scenario);
    for (const struct record *record = recorder->first; record != NULL; record = record->next) {
        uint32_t played = record->role.rank;
        if (recorder->detail == OPERATORS_LAYER) { /* of the first rank alone */
            add_record(run, recorder, record, played, phase_index, start_seconds);
            continue;
        }
        for (uint32_t i = 0; i < placement.size[DIMENSION_CONTEXT]; i++) {
            uint32_t rank = placement_move(&placement, played, DIMENSION_CONTEXT, i);
            if (conversation_stand_in(run->scenario, rank) == played) {
                add_record(run, recorder, record, rank, phase_index, start_seconds);
            }
        }
    }
    return true;
}

/* Where a flow's moment in a play lies in the batch: a folded play shows each segment once, in the
 * batch its repeats follow one another. */
struct repeats {
    double shift_seconds; /* from the play to the first repeat in the batch */
    double period_seconds, count;
};

static struct repeats repeats_at(const struct recorder *recorder, double play_seconds)
{
    struct repeats repeats = {.count = 1.0};
    double batch_seconds = 0.0;
    for (uint32_t i = 0; recorder->folded && i < recorder->program->segment_count; i++) {
        if (i > 0 && play_seconds < recorder->segment_starts[i]) {
            break;
        }
        double count = recorder->program->segments[i].repeat;
        repeats = (struct repeats){
            .shift_seconds = batch_seconds - recorder->segment_starts[i],
            .period_seconds = recorder->segment_seconds[i],
            .count = count,
        };
        batch_seconds += count * recorder->segment_seconds[i];
    }
    return repeats;
}

static void add_flow(struct trace_run *run, const struct recorder *recorder,
                     const struct flow_seen *flow, size_t link, const double start_seconds,
                     double seconds, double times)
{
    struct repeats repeats = repeats_at(recorder, flow->start_seconds);
    double from = fmax(0.0, flow->start_seconds + repeats.shift_seconds);
    double length = flow->end_seconds - flow->start_seconds;
    double bytes = flow->bytes * flow->times / repeats.count;
    if (times > 1.0) { /* steps of decode, shorter than any stretch worth a picture */
        link_series_add(run->series, link, start_seconds, start_seconds + times * seconds,
                        times * bytes * repeats.count);
        return;
    }
    link_series_add_repeated(run->series, link, start_seconds + from, start_seconds + from + length,
                             bytes, repeats.period_seconds, repeats.count);
}

/* The two ends of a flow's way. */
struct flow_links {
    size_t out, in;
};

static struct flow_links flow_links(const struct trace_run *run, const struct flow_seen *flow)
{
    return (struct flow_links){
        .out = link_number(run, flow->in_node ? LINK_NVLINK_OUT : LINK_NIC_OUT, flow->from_gpu),
        .in = link_number(run, flow->in_node ? LINK_NVLINK_IN : LINK_NIC_IN, flow->to_gpu),
    };
}

void trace_run_others(void *context, const struct flow_seen *flow)
{
    const struct trace_run *run = context;
    struct flow_links links = flow_links(run, flow);
    link_series_add(run->series, links.out, flow->start_seconds, flow->end_seconds, flow->bytes);
    link_series_add(run->series, links.in, flow->start_seconds, flow->end_seconds, flow->bytes);
}

void trace_run_flows(struct trace_run *run, const struct recorder *recorder, double start_seconds,
                     double seconds, double times)
{
    for (const struct flow_record *record = recorder->flows; record != NULL;
         record = record->next) {
        const struct flow_seen *flow = &record->seen;
        struct flow_links links = flow_links(run, flow);
        add_flow(run, recorder, flow, links.out, start_seconds, seconds, times);
        add_flow(run, recorder, flow, links.in, start_seconds, seconds, times);
    }
}

static void keep_larger(double *kept, double value)
{
    *kept = value > *kept ? value : *kept;
}

bool trace_run_phase(struct trace_run *run, const struct phase_result *phase)
{
    bool prefill = phase->phase == PHASE_PREFILL;
    char name[32];
    snprintf(name, sizeof name, "%s turn %" PRIu32, prefill ? "prefill" : "decode", phase->turn);
    struct trace_phase row = {
        .name = name,
        .kind = prefill ? TRACE_PREFILL : TRACE_DECODE,
        .turn = phase->turn,
        .new_tokens = phase->new_tokens,
        .cached_tokens = phase->cached_tokens,
        .ring = trace_ring_of(phase->variant),
        .start_seconds = phase->start_seconds,
        .duration_seconds = phase->seconds,
        .latency_seconds = phase->latency_seconds,
        .flops = phase->flops,
        .mfu = phase->mfu,
        .nvlink_bytes = phase->node_bytes,
        .network_bytes = phase->fabric_bytes,
        .joules = phase->joules,
    };
    trace_phase_time(&row, &phase->breakdown, 0.0);
    trace_add_phase(run->trace, &row);
    keep_larger(&run->memory.weight_bytes, phase->memory.weight_bytes);
    keep_larger(&run->memory.kv_cache_bytes, phase->memory.kv_cache_bytes);
    keep_larger(&run->memory.activation_bytes, phase->memory.activation_bytes);
    return true;
}

static void add_gpus(struct trace_run *run, const struct conversation_result *result)
{
    const struct scenario *scenario = run->scenario;
    struct placement placement = scenario_placement(scenario);
    for (uint32_t rank = 0; rank < placement.ranks; rank++) {
        struct rank_role role = placement_role(&placement, rank);
        const struct breakdown *busy = &result->rank_breakdowns[rank];
        struct trace_gpu row = {
            .gpu = role.gpu,
            .node = placement_node(&placement, role.gpu),
            .tensor_rank = role.tensor_rank,
            .context_rank = role.context_rank,
            .weights_bytes = run->memory.weight_bytes,
            .kv_cache_bytes = run->memory.kv_cache_bytes,
            .activations_bytes = run->memory.activation_bytes,
            .capacity_bytes = scenario->gpu.memory_bytes,
            .joules = result->joules / placement.ranks,
            .flops = busy->flops,
            .traffic_bytes = busy->bytes,
            .mfu = busy->flops / (result->seconds * gpu_stated_flops_per_second(&scenario->gpu)),
            .memory_utilisation =
                busy->bytes / (result->seconds * scenario->gpu.memory_bytes_per_second),
        };
        trace_gpu_time(&row, busy);
        trace_add_gpu(run->trace, &row);
    }
}

static void add_link(struct trace_run *run, const struct conversation_result *result,
                     enum link_kind kind, uint32_t gpu)
{
    const struct cluster *cluster = &run->scenario->cluster;
    bool nvlink = kind == LINK_NVLINK_OUT || kind == LINK_NVLINK_IN;
    bool out = kind == LINK_NVLINK_OUT || kind == LINK_NIC_OUT;
    uint32_t per_nic = cluster->gpus_per_node / cluster->nics_per_node;
    if (!nvlink && gpu % per_nic != 0) {
        return; /* counted with the first GPU of its card */
    }
    double bytes = 0.0, busy = 0.0;
    for (uint32_t i = gpu; i < gpu + (nvlink ? 1 : per_nic); i++) {
        bytes += result->link_bytes[kind][i];
        keep_larger(&busy, result->link_busy_seconds[kind][i]);
    }
    double rate = nvlink ? cluster->node_bytes_per_second : cluster->nic_bytes_per_second;
    char name[32];
    snprintf(name, sizeof name, "%s%" PRIu32 "_%s", nvlink ? "nvlink" : "nic",
             nvlink ? gpu : gpu / per_nic, out ? "UP" : "DOWN");
    uint64_t row = trace_add_link(run->trace, &(struct trace_link){
                                                  .name = name,
                                                  .kind = nvlink ? TRACE_NVLINK : TRACE_NIC,
                                                  .gpu = gpu,
                                                  .direction = out ? TRACE_OUT : TRACE_IN,
                                                  .bytes = bytes,
                                                  .capacity_bytes_per_second = rate,
                                                  .busy_seconds = busy,
                                                  .utilisation = bytes / (rate * result->seconds),
                                              });
    if (run->series != NULL) {
        uint32_t count = nvlink ? 1 : per_nic;
        size_t *links = ARENA_ARRAY(run->arena, size_t, count);
        for (uint32_t i = 0; i < count; i++) {
            links[i] = link_number(run, kind, gpu + i);
        }
        link_series_write(run->series, links, count, (uint32_t)row, result->seconds, run->trace);
    }
}

void trace_run_end(struct trace_run *run, const struct conversation_result *result)
{
    add_gpus(run, result);
    struct placement placement = scenario_placement(run->scenario);
    trace_groups_write(run->trace, &placement);
    uint32_t ranks = layout_gpus(&run->scenario->layout);
    for (uint32_t gpu = 0; gpu < ranks && run->scenario->trace.links != LINKS_NONE; gpu++) {
        for (int kind = 0; kind < LINK_KIND_COUNT; kind++) {
            add_link(run, result, (enum link_kind)kind, gpu);
        }
    }
}
