/* SPDX-License-Identifier: MIT */
#include "models/training/training_step.h"

#include "models/machine/host_link.h"
#include "models/training/galore.h"
#include "models/training/training_bytes.h"
#include "models/training/training_memory.h"

#include <math.h>

static uint32_t parts_of(const struct training *training)
{
    return training->replica.layout->pipeline * training->virtual_stages;
}

static struct collective_plan plan_of(const struct training *training, enum collective_kind kind,
                                      struct group_shape group, double bytes)
{
    const struct collective_call call = {.kind = kind, .group = group, .bytes = bytes};
    struct collective_plan plan =
        collective_plan(training->replica.cluster, training->replica.software, &call);
    for (uint32_t i = 0; i < plan.flow_count; i++) {
        plan.flows[i].bytes = ceil(plan.flows[i].bytes); /* links carry whole bytes */
    }
    return plan;
}

/* A stage's activations go to the GPU in the same place of the next stage, split over the tensor
 * ranks, which hold parts (sequence parallelism) or send parts (arXiv 2104.04473, section 4.1). */
static struct collective_plan plan_send(const struct training *training, bool in_node)
{
    const struct replica *replica = &training->replica;
    double bytes = (double)training_rank_tokens(training) * replica->llm->hidden *
                   format_bytes(replica->precision->activations) / replica->layout->tensor;
    struct group_shape pair = {.ranks = 2, .ranks_per_node = in_node ? 2 : 1};
    return plan_of(training, COLLECTIVE_SEND, pair, bytes);
}

/* Whether a stage lies in one node with the next (the last with the first), in every pipeline. */
static bool hop_in_node(const struct placement *placement, uint32_t stage)
{
    uint32_t next = (stage + 1) % placement->size[DIMENSION_PIPELINE];
    uint32_t pipelines = placement_is_even(placement) ? 1 : placement_stage_ranks(placement);
    for (uint32_t i = 0; i < pipelines; i++) {
        if (!placement_in_node(placement, placement_stage_rank(placement, stage, i),
                               placement_stage_rank(placement, next, i))) {
            return false;
        }
    }
    return true;
}

/* Between neighbouring stages, over what lies between them. */
static void price_hops(const struct training *training, struct training_costs *costs,
                       double *hop_seconds)
{
    struct placement placement = training_placement(training);
    for (uint32_t i = 0; i < training->replica.layout->pipeline; i++) {
        hop_seconds[i] =
            collective_seconds(training->replica.cluster, &costs->send[hop_in_node(&placement, i)]);
    }
}

/* One bucket's gradients and parameters. */
static void plan_bucket(const struct training *training, struct group_shape group, double bucket,
                        struct collective_plan *gather, struct collective_plan *reduce)
{
    struct parameter_bytes bytes = training_layer_bytes(training);
    bool shards = training->sharding != SHARDING_NONE;
    *reduce = plan_of(training, shards ? COLLECTIVE_REDUCE_SCATTER : COLLECTIVE_ALL_REDUCE, group,
                      bucket * bytes.reduce);
    *gather = plan_of(training, COLLECTIVE_ALL_GATHER, group, shards ? bucket * bytes.gather : 0.0);
    if (!shards) {
        gather->flow_count = 0;
        gather->latency_seconds = 0.0;
    }
}

/* Experts of a layer on average; 0 where they lie as everything else does. */
static double expert_bucket(const struct training *training)
{
    uint32_t parts = parts_of(training);
    double experts = 0.0;
    for (uint32_t part = 0; part < parts; part++) {
        experts += training_part_expert_parameters(training, part);
    }
    return experts / (training->replica.llm->stack.layers + training->predicted);
}

static void plan_exchanges(const struct training *training, struct training_costs *costs)
{
    plan_bucket(training, training_data_group(training), training_bucket_parameters(training),
                &costs->gather, &costs->reduce);
    plan_bucket(training, training_expert_data_group(training), expert_bucket(training),
                &costs->expert_gather, &costs->expert_reduce);
}

/* A pass beside an exchange with replicas, over the pass alone, as long as the exchange would take
 * alone: kernels of the segment's mean length are slowed, and so is the exchange, which slows them
 * the longer. */
static double beside_factor(const struct training *training, const struct training_costs *costs,
                            const struct collective_plan *plan, enum training_segment kind)
{
    const struct replica *replica = &training->replica;
    double exchange = collective_seconds(replica->cluster, plan);
    uint32_t kernels = costs->program.segments[kind].count;
    if (exchange <= 0.0 || kernels == 0) {
        return 1.0;
    }
    struct overlap_kernel kernel = {.seconds = costs->segment_seconds[kind] / kernels};
    struct overlap_collective moved = {.fabric = plan->group.ranks > plan->group.ranks_per_node,
                                       .seconds = exchange};
    struct overlap_factors factors =
        overlap_slowdown(&replica->software->library.overlap,
                         replica->gpu->streaming_multiprocessors, &kernel, &moved);
    return 1.0 + (factors.kernel - 1.0) * factors.collective;
}

/* Shares of a part's exchange that no pass hides: a piece, or what cannot be cut or is bound
 * together: the embedding's one weight, whose gradient comes last, or FSDP's root. */
static void set_edges(const struct training *training, uint32_t part, struct part_cost *cost)
{
    const struct training_software *stack = &training->replica.software->training;
    double parameters = training_part_parameters(training, part);
    double beside = parameters - training_part_layer_parameters(training, part);
    bool fsdp = training->sharding == SHARDING_FSDP;
    double embedding = part == 0 ? training_embedding_parameters(&training->replica) : 0.0;
    double root = fsdp && stack->root_group ? beside : 0.0;
    double whole = !fsdp && stack->bucket_bytes > 0.0 ? embedding : 0.0;
    if (training->adapter_rank > 0) {
        root = whole = 0.0; /* not trained */
    }
    cost->gather_edge = fmax(1.0 / cost->pieces, root / parameters);
    cost->reduce_edge = fmax(1.0 / cost->pieces, fmax(root, whole) / parameters);
}

/* One pass of all layers of a part, of `segments` seconds each. */
static double layers_sum(const struct training *training, const double *segments, uint32_t part,
                         enum training_segment pass)
{
    double seconds = 0.0;
    for (uint32_t kind = 0; kind < training->replica.llm->stack.kind_count; kind++) {
        seconds += training_part_kind_layers(training, part, kind) *
                   segments[training_segment_of(pass, kind)];
    }
    return seconds;
}

static double layers_seconds(const struct training *training, const struct training_costs *costs,
                             uint32_t part, enum training_segment pass)
{
    return layers_sum(training, costs->segment_seconds, part, pass);
}

/* Of bytes each way between a GPU and its host, both ways at once, as all GPUs do it. */
static double host_seconds(const struct training *training, double bytes)
{
    const struct replica *replica = &training->replica;
    double rate = host_links_rate(replica->cluster, layout_gpus(replica->layout), true);
    return bytes > 0.0 ? bytes / rate : 0.0;
}

/* A pass lasts as long as what it sends to the host, or what it fetches: activations go in forward
 * passes and come in backward passes, parameters come in both. Copies of an H100 take nothing from
 * its kernels (h100_host_link.csv: 55 GB/s beside a GEMM as alone). */
static void wait_for_host(const struct training *training, uint32_t part, struct part_cost *cost)
{
    const struct offload *shares = &training->offload;
    if (shares->activations <= 0.0 && shares->parameters <= 0.0) {
        return;
    }
    double kept = shares->activations * training_part_activation_bytes(training, part);
    double fetched = shares->parameters * training_part_kept_bytes(training, part);
    double forward = host_seconds(training, fmax(kept, fetched)) - cost->seconds[CELL_FORWARD];
    double back = host_seconds(training, kept + fetched) - cost->seconds[CELL_BACKWARD];
    double whole = host_seconds(training, kept + fetched) - cost->seconds[CELL_WHOLE];
    cost->seconds[CELL_FORWARD] += fmax(forward, 0.0);
    cost->seconds[CELL_BACKWARD] += fmax(back, 0.0);
    cost->seconds[CELL_WHOLE] += fmax(whole, 0.0);
    cost->offload_seconds = fmax(forward, 0.0) + fmax(back, 0.0);
}

/* The update goes through the states at the pace at which they come and go. */
static double optimizer_seconds(const struct training *training, double update)
{
    double seconds = update;
    for (uint32_t stage = 0; stage < training->replica.layout->pipeline; stage++) {
        double states = training_stage_optimizer_bytes(training, stage);
        seconds = fmax(seconds, host_seconds(training, training->offload.states * states));
    }
    return seconds;
}

static void price_part(const struct training *training, const struct training_costs *costs,
                       uint32_t part, struct part_cost *cost)
{
    const double *seconds = costs->segment_seconds;
    const struct cluster *cluster = training->replica.cluster;
    uint32_t predicted = training_part_predicted(training, part);
    uint32_t layers = training_part_layers(training, part) + predicted;
    double heads = part + 1 == parts_of(training) ? 1.0 + predicted : 0.0;
    double host = training->replica.layout->pipeline > 1
                      ? training->replica.software->training.stage_pass_seconds
                      : 0.0;
    double bucket = training_bucket_parameters(training);
    double experts = training_part_expert_parameters(training, part);
    double pieces = (training_part_trained(training, part) - experts) / bucket;
    double gathered = training->sharding == SHARDING_FSDP
                          ? (training_part_parameters(training, part) - experts) / bucket
                          : pieces;
    double of_layer = expert_bucket(training);
    double expert_pieces = of_layer > 0.0 ? experts / of_layer : 0.0;
    double expert_gather = expert_pieces * collective_seconds(cluster, &costs->expert_gather);
    double expert_reduce = expert_pieces * collective_seconds(cluster, &costs->expert_reduce);
    *cost = (struct part_cost){
        .seconds = {[CELL_FORWARD] =
                        host + layers_seconds(training, costs, part, TRAINING_FORWARD) +
                        (part == 0 ? seconds[TRAINING_EMBEDDING] : 0.0) +
                        heads * seconds[TRAINING_HEAD] + predicted * seconds[TRAINING_JOIN],
                    [CELL_BACKWARD] = host +
                                      layers_seconds(training, costs, part, TRAINING_BACKWARD) +
                                      (part == 0 ? seconds[TRAINING_EMBEDDING_BACKWARD] : 0.0) +
                                      heads * seconds[TRAINING_HEAD_BACKWARD] +
                                      predicted * seconds[TRAINING_JOIN_BACKWARD],
                    [CELL_WEIGHT] = layers_seconds(training, costs, part, TRAINING_WEIGHT)},
        .gather_seconds = gathered * collective_seconds(cluster, &costs->gather) + expert_gather,
        .reduce_seconds = pieces * collective_seconds(cluster, &costs->reduce) + expert_reduce,
        .expert_gather_seconds = expert_gather,
        .expert_reduce_seconds = expert_reduce,
        .pieces = fmax(pieces, 1.0),
        .gather_factor = beside_factor(training, costs, &costs->gather, TRAINING_FORWARD),
        .reduce_factor = beside_factor(training, costs, &costs->reduce, TRAINING_BACKWARD),
        .layers = layers > 0 ? layers : 1,
    };
    cost->seconds[CELL_WHOLE] = cost->seconds[CELL_BACKWARD] + cost->seconds[CELL_WEIGHT];
    wait_for_host(training, part, cost);
    const double *exchanges = costs->experts_seconds;
    cost->experts_seconds[CELL_FORWARD] = layers_sum(training, exchanges, part, TRAINING_FORWARD);
    cost->experts_seconds[CELL_BACKWARD] = cost->experts_seconds[CELL_WHOLE] =
        layers_sum(training, exchanges, part, TRAINING_BACKWARD);
    set_edges(training, part, cost);
}

/* That the kernels which send tokens take from those beside them. */
static double exchange_multiprocessors(const struct replica *replica)
{
    const struct exchange_library *library =
        exchange_library(&replica->software->exchange, replica->exchange);
    return library != NULL ? library->multiprocessors : 0.0;
}

/* --- the slowest of many --- */

/* Seconds that a stage on average computes in a step. */
static double stage_seconds(const struct training *training, const struct training_costs *costs)
{
    double seconds = 0.0;
    for (uint32_t part = 0; part < parts_of(training); part++) {
        seconds += layers_seconds(training, costs, part, TRAINING_FORWARD) +
                   layers_seconds(training, costs, part, TRAINING_BACKWARD) +
                   layers_seconds(training, costs, part, TRAINING_WEIGHT);
    }
    return seconds * training_pipeline(training).micro_batches / training->replica.layout->pipeline;
}

/* Tensor and context ranks wait for each other in every layer; their groups, stage by stage and
 * replica by replica, once a step: what micro-batches leave between stages is room. Ranks that
 * experts lie on meet in every layer too. */
static double slowdown_of(const struct training *training, const struct training_costs *costs)
{
    const struct layout *layout = training->replica.layout;
    double together = (double)layout->tensor * layout->context;
    struct jitter_ranks ranks = {
        .group = fmax(together, layout_experts(layout)),
        .seconds = stage_seconds(training, costs),
        .limited = costs->power.clock_hertz < training->replica.gpu->boost_clock_hertz,
    };
    ranks.groups = fmax(layout_gpus(layout) / ranks.group, 1.0);
    return jitter_slowdown(&training->replica.gpu->jitter, &ranks);
}

static void slow_down(const struct training *training, struct training_costs *costs,
                      const double *kernel_seconds)
{
    costs->slowdown = training->jitter ? slowdown_of(training, costs) : 0.0;
    for (uint32_t i = 0; i < costs->program.segment_count; i++) {
        costs->jitter_seconds[i] = kernel_seconds[i] * costs->slowdown;
        costs->segment_seconds[i] += costs->jitter_seconds[i];
    }
}

/* All tensor and context ranks of a stage wait for its slow GPU in every layer, and so do the
 * stages, and other replicas at the step's end. */
static void slow_stage(const struct training *training, struct part_cost *parts)
{
    struct pipeline pipeline = training_pipeline(training);
    for (uint32_t chunk = 0; chunk < pipeline.chunks && training->stage_slowdown > 1.0; chunk++) {
        struct part_cost *cost =
            &parts[pipeline_part(training->schedule, &pipeline, training->slow_stage, chunk)];
        for (int kind = 0; kind < CELL_KIND_COUNT; kind++) {
            cost->seconds[kind] *= training->stage_slowdown;
        }
    }
}

struct training_costs training_price(const struct training *training,
                                     const struct training_scratch *scratch)
{
    struct training_costs costs;
    double kernel_seconds[STEP_MAX_SEGMENTS];
    training_build(training, scratch->operators, &costs.program);
    costs.power = step_price(&training->replica, &costs.program, &scratch->step);
    for (uint32_t i = 0; i < costs.program.segment_count; i++) {
        const struct step_segment *segment = &costs.program.segments[i];
        struct breakdown classes = {0};
        costs.segment_seconds[i] = segment_play(&costs.program, segment, scratch->step.spans);
        breakdown_add(&classes, segment, scratch->step.spans, costs.segment_seconds[i], 1.0);
        costs.experts_seconds[i] = classes.seconds[TIME_EXPERTS];
        kernel_seconds[i] = costs.segment_seconds[i] - breakdown_communication_seconds(&classes) -
                            classes.seconds[TIME_HOST];
    }
    slow_down(training, &costs, kernel_seconds);
    for (int in_node = 0; in_node < 2; in_node++) {
        costs.send[in_node] = plan_send(training, in_node != 0);
    }
    price_hops(training, &costs, scratch->hop_seconds);
    plan_exchanges(training, &costs);
    for (uint32_t part = 0; part < parts_of(training); part++) {
        price_part(training, &costs, part, &scratch->parts[part]);
    }
    slow_stage(training, scratch->parts);
    costs.play = (struct pipeline_play){
        .schedule = training->schedule,
        .pipeline = training_pipeline(training),
        .parts = scratch->parts,
        .hop_seconds = scratch->hop_seconds,
        .in_order = training->replica.software->training.ordered_messages &&
                    pipeline_order(training->schedule),
        .overlap = training->overlap,
        .pairs = training->overlap_experts,
        .exchange_share = exchange_multiprocessors(&training->replica) /
                          training->replica.gpu->streaming_multiprocessors,
        .keeps_gathered = training->keeps_gathered,
        .every_pass =
            training->sharding == SHARDING_FSDP && training->replica.layout->pipeline == 1,
    };
    costs.optimizer_seconds =
        optimizer_seconds(training, costs.segment_seconds[TRAINING_OPTIMIZER]);
    costs.svd_seconds =
        training->galore.rank > 0 ? galore_svd_seconds(training) / training->galore.period : 0.0;
    costs.host_seconds = training->replica.software->training.step_seconds;
    return costs;
}

/* --- the result --- */

static void add_segment(const struct training_costs *costs, const struct training_scratch *scratch,
                        uint32_t index, double times, struct breakdown *classes)
{
    const struct step_segment *segment = &costs->program.segments[index];
    double seconds = segment_play(&costs->program, segment, scratch->step.spans);
    breakdown_add(classes, segment, scratch->step.spans, seconds, times);
}

/* How often a stage plays each segment in the passes of a step. */
struct stage_plays {
    double times[STEP_MAX_SEGMENTS];
};

static struct stage_plays stage_plays(const struct training *training,
                                      const struct training_costs *costs, uint32_t stage)
{
    struct stage_plays plays = {0};
    uint32_t parts = parts_of(training);
    double passes = costs->play.pipeline.micro_batches;
    for (uint32_t chunk = 0; chunk < costs->play.pipeline.chunks; chunk++) {
        uint32_t part = pipeline_part(training->schedule, &costs->play.pipeline, stage, chunk);
        for (uint32_t kind = 0; kind < training->replica.llm->stack.kind_count; kind++) {
            double layers = training_part_kind_layers(training, part, kind) * passes;
            plays.times[training_segment_of(TRAINING_FORWARD, kind)] += layers;
            plays.times[training_segment_of(TRAINING_BACKWARD, kind)] += layers;
            plays.times[training_segment_of(TRAINING_WEIGHT, kind)] += layers;
        }
        if (part == 0) {
            plays.times[TRAINING_EMBEDDING] = plays.times[TRAINING_EMBEDDING_BACKWARD] = passes;
        }
        if (part + 1 == parts) {
            double predicted = passes * training->predicted;
            plays.times[TRAINING_HEAD] = plays.times[TRAINING_HEAD_BACKWARD] = passes + predicted;
            plays.times[TRAINING_JOIN] = plays.times[TRAINING_JOIN_BACKWARD] = predicted;
        }
    }
    return plays;
}

/* Of the exchanges of experts in a stage's passes, what runs under other passes' kernels. */
static double hidden_seconds(const struct training_costs *costs,
                             const struct training_scratch *scratch, uint32_t stage)
{
    const struct pipeline_play *play = &costs->play;
    uint32_t count = pipeline_cell_count(play->schedule, &play->pipeline);
    const struct cell *cells = scratch->pipeline.cells + (size_t)stage * count;
    double hidden = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t part = pipeline_part(play->schedule, &play->pipeline, stage, cells[i].chunk);
        hidden += cells[i].pace > 0.0
                      ? (1.0 - cells[i].pace) * play->parts[part].seconds[cells[i].kind]
                      : 0.0;
    }
    return hidden;
}

struct breakdown training_stage_classes(const struct training *training,
                                        const struct training_costs *costs,
                                        const struct training_scratch *scratch, uint32_t stage)
{
    struct breakdown classes = {0};
    struct stage_plays plays = stage_plays(training, costs, stage);
    for (uint32_t i = 0; i < costs->program.segment_count; i++) {
        if (plays.times[i] > 0.0) {
            add_segment(costs, scratch, i, plays.times[i], &classes);
        }
    }
    if (costs->play.pairs) {
        classes.seconds[TIME_EXPERTS] -= hidden_seconds(costs, scratch, stage);
    }
    classes.seconds[TIME_EXPERTS] += scratch->stages[stage].late_seconds;
    if (costs->play.pipeline.stages > 1) { /* forward and backward, each part */
        classes.seconds[TIME_HOST] += 2.0 * costs->play.pipeline.micro_batches *
                                      costs->play.pipeline.chunks *
                                      training->replica.software->training.stage_pass_seconds;
    }
    return classes;
}

/* What a stage's passes of a step wait for the host. */
static double stage_offload_seconds(const struct training *training,
                                    const struct training_costs *costs,
                                    const struct training_scratch *scratch, uint32_t stage)
{
    double seconds = 0.0;
    for (uint32_t chunk = 0; chunk < costs->play.pipeline.chunks; chunk++) {
        uint32_t part = pipeline_part(training->schedule, &costs->play.pipeline, stage, chunk);
        seconds += costs->play.pipeline.micro_batches * scratch->parts[part].offload_seconds;
    }
    return seconds;
}

/* What a stage's passes of a step take longer because some GPU is slower. */
static double stage_jitter_seconds(const struct training *training,
                                   const struct training_costs *costs, uint32_t stage)
{
    double seconds = 0.0;
    struct stage_plays plays = stage_plays(training, costs, stage);
    for (uint32_t i = 0; i < costs->program.segment_count; i++) {
        seconds += plays.times[i] * costs->jitter_seconds[i];
    }
    return seconds;
}

struct traffic training_stage_traffic(const struct training *training,
                                      const struct training_costs *costs, uint32_t stage)
{
    struct traffic sum = {0};
    struct stage_plays plays = stage_plays(training, costs, stage);
    for (uint32_t i = 0; i < costs->program.segment_count; i++) {
        const struct step_segment *segment = &costs->program.segments[i];
        for (uint32_t j = 0; j < segment->count; j++) {
            const struct step_operator *op = &segment->operators[j];
            if (op->kind == OPERATOR_COLLECTIVE && op->collective.group != GROUP_EXPERT) {
                struct traffic once = operator_traffic(op);
                sum.node_bytes += plays.times[i] * once.node_bytes;
                sum.fabric_bytes += plays.times[i] * once.fabric_bytes;
            }
        }
    }
    return sum;
}

struct training_result training_summarise(const struct training *training,
                                          const struct training_costs *costs,
                                          const struct training_scratch *scratch,
                                          double pipeline_seconds)
{
    const struct gpu *gpu = training->replica.gpu;
    double gpus = layout_gpus(training->replica.layout);
    struct training_result result = {
        .seconds =
            pipeline_seconds + costs->optimizer_seconds + costs->svd_seconds + costs->host_seconds,
        .pipeline_seconds = pipeline_seconds,
        .flops = training_step_flops(training),
    };
    for (uint32_t i = 1; i < costs->play.pipeline.stages; i++) {
        if (scratch->stages[i].busy_seconds > scratch->stages[result.slowest_stage].busy_seconds) {
            result.slowest_stage = i;
        }
    }
    const struct stage_times *slowest = &scratch->stages[result.slowest_stage];
    result.classes = training_stage_classes(training, costs, scratch, result.slowest_stage);
    double passes = breakdown_total_seconds(&result.classes);
    double waits = stage_jitter_seconds(training, costs, result.slowest_stage);
    result.offload_seconds = stage_offload_seconds(training, costs, scratch, result.slowest_stage);
    waits += result.offload_seconds;
    if (training->stage_slowdown > 1.0 && result.slowest_stage == training->slow_stage) {
        waits += (training->stage_slowdown - 1.0) * (passes + waits);
    }
    double exposed = fmax(slowest->busy_seconds - passes - waits, 0.0) +
                     fmax(slowest->exchange_seconds - slowest->end_seconds, 0.0);
    result.exchange_seconds = exposed;
    result.bubble_seconds = fmax(pipeline_seconds - passes - waits - exposed, 0.0);
    result.jitter_seconds =
        waits - result.offload_seconds + costs->jitter_seconds[TRAINING_OPTIMIZER];
    result.offload_seconds += costs->optimizer_seconds - costs->segment_seconds[TRAINING_OPTIMIZER];
    add_segment(costs, scratch, TRAINING_OPTIMIZER, 1.0, &result.classes);
    result.classes.seconds[TIME_HOST] += costs->host_seconds;
    result.tokens_per_second = training_step_tokens(training) / result.seconds;
    result.mfu = result.flops / (result.seconds * gpus * gpu_stated_flops_per_second(gpu));
    /* In a pass the GPU draws what it settles to, waiting for others it idles. */
    double busy = fmin(passes + costs->optimizer_seconds + costs->svd_seconds, result.seconds);
    result.joules = gpus * (busy * costs->power.watts + (result.seconds - busy) * gpu->idle_watts);
    return result;
}

struct training_result training_step(const struct training *training,
                                     const struct training_scratch *scratch,
                                     struct training_costs *costs)
{
    *costs = training_price(training, scratch);
    double seconds = pipeline_play(&costs->play, &scratch->pipeline, scratch->stages);
    return training_summarise(training, costs, scratch, seconds);
}
