/* SPDX-License-Identifier: MIT */
#include "sim/training/training_batches.h"

#include "models/laws/batch_size.h"
#include "models/numeric/whole.h"
#include "sim/scenario/training_scratch.h"
#include "sim/scenario/training_setup.h"

#include <math.h>

static const double hour_seconds = 3600.0;

/* --- one batch's layout --- */

/* A training of its own layout. */
struct choice_of {
    struct training training;
    struct layout layout;
    struct cluster cluster;
};

static void adopt(struct choice_of *choice)
{
    uint32_t nodes =
        (uint32_t)divide_up(layout_gpus(&choice->layout), choice->cluster.gpus_per_node);
    choice->cluster.nodes = choice->cluster.nodes > nodes ? choice->cluster.nodes : nodes;
    choice->training.replica.layout = &choice->layout;
    choice->training.replica.cluster = &choice->cluster;
}

static bool divides(uint32_t part, uint32_t whole)
{
    return part > 0 && whole % part == 0;
}

/* What `check` asks of a batch on a layout (sim/scenario/training_checks.c). */
static bool batch_runs(const struct training *training)
{
    const struct layout *layout = training->replica.layout;
    if (!divides(training->micro_batch * layout->data, training->global_batch)) {
        return false;
    }
    struct pipeline pipeline = training_pipeline(training);
    bool rounds = pipeline.chunks == 1 || training->schedule->any_micro_batches ||
                  pipeline_round(&pipeline) > 0;
    bool full = !training->replica.software->training.full_rounds ||
                training->schedule != &schedule_1f1b || pipeline.micro_batches >= pipeline.stages;
    return rounds && full &&
           pipeline.micro_batches >= training->schedule->least_micro_batches * pipeline.stages;
}

/* Whether tensor ranks can cut a kind's heads and its feed-forward block. */
static bool tensor_cuts(const struct layer_kind *kind, uint32_t tensor)
{
    for (uint32_t i = 0; i < kind->mixer_count; i++) {
        const struct gqa *gqa = &kind->mixers[i].gqa;
        if (kind->mixers[i].kind != MIXER_GQA || !divides(tensor, gqa->query_heads) ||
            (!divides(tensor, gqa->kv_heads) && !divides(gqa->kv_heads, tensor))) {
            return false;
        }
    }
    return kind->ffn.kind == FFN_NONE || divides(tensor, kind->ffn.hidden);
}

/* Likewise of a layout: heads, layers, nodes, memory. */
static bool layout_runs(const struct training_run *run, const struct training *training,
                        struct arena *arena)
{
    const struct layout *layout = training->replica.layout;
    const struct stack *stack = &training->replica.llm->stack;
    uint32_t own = run->training.replica.layout->tensor;
    for (uint32_t i = 0; i < stack->kind_count; i++) {
        if (layout->tensor != own && !tensor_cuts(&stack->kinds[i], layout->tensor)) {
            return false;
        }
    }
    struct pipeline pipeline = training_pipeline(training);
    struct cell *cells =
        ARENA_ARRAY(arena, struct cell, pipeline_cell_count(training->schedule, &pipeline));
    struct training_memory memory = training_fullest_memory(training, NULL, cells);
    return training_memory_total(&memory) <=
           run->scenario->memory_fraction * run->scenario->gpu.memory_bytes;
}

static struct batch_phase price(const struct training *training, struct arena *arena)
{
    const struct layout *layout = training->replica.layout;
    struct training_scratch scratch = training_scratch_create(arena, training);
    struct training_costs costs;
    struct training_result result = training_step(training, &scratch, &costs);
    return (struct batch_phase){
        .global_batch = training->global_batch,
        .micro_batch = training->micro_batch,
        .tensor = layout->tensor,
        .pipeline = layout->pipeline,
        .data = layout->data,
        .virtual_stages = training->virtual_stages,
        .gpus = layout_gpus(layout),
        .batch_tokens = training_step_tokens(training),
        .step_seconds = result.seconds,
        .step_joules = result.joules,
    };
}

static void better(const struct training_run *run, struct choice_of *choice, struct arena *arena,
                   struct batch_phase *best)
{
    adopt(choice);
    if (batch_runs(&choice->training) && layout_runs(run, &choice->training, arena)) {
        struct batch_phase phase = price(&choice->training, arena);
        *best = phase.step_seconds < best->step_seconds ? phase : *best;
    }
}

static void set_order(const struct training_run *run, uint32_t micro_batch, uint32_t parts,
                      struct choice_of *choice)
{
    const struct training_workload *workload = &run->scenario->training;
    bool cut = choice->layout.tensor > 1;
    choice->training.micro_batch = micro_batch;
    choice->training.virtual_stages = parts;
    choice->training.sequence_parallel = workload->sequence_parallel && cut;
    choice->training.tensor_overlap = workload->tensor_overlap && cut;
    choice->training.schedule = parts > 1 ? &schedule_interleaved : &schedule_1f1b;
}

/* The least step of the scenario's GPUs, context and expert ranks as they are: tensor and pipeline
 * ranks, parts of a stage and micro-batch in powers of two. A pipeline of one is a plain order. */
static void replan(const struct training_run *run, uint32_t batch, struct arena *arena,
                   struct batch_phase *best)
{
    const struct layout *own = run->training.replica.layout;
    uint32_t gpus = layout_gpus(own) / own->context, layers = run->scenario->llm.stack.layers;
    for (uint32_t tensor = 1; tensor <= run->scenario->cluster.gpus_per_node; tensor *= 2) {
        for (uint32_t pipeline = 1; pipeline <= layers; pipeline *= 2) {
            bool whole = divides(tensor * pipeline, gpus);
            for (uint32_t parts = 1; whole && parts * pipeline <= layers; parts *= 2) {
                for (uint32_t micro = 1; micro <= 8 && (pipeline > 1 || parts == 1); micro *= 2) {
                    struct choice_of choice = {.training = run->training,
                                               .layout = *own,
                                               .cluster = run->scenario->cluster};
                    choice.layout.tensor = tensor;
                    choice.layout.pipeline = pipeline;
                    choice.layout.data = gpus / (tensor * pipeline);
                    choice.training.global_batch = batch;
                    set_order(run, micro, parts, &choice);
                    better(run, &choice, arena, best);
                }
            }
        }
    }
}

/* The batch that is `times` smaller than the run's; false: no layout of the kind runs it. */
static bool phase_of(const struct training_run *run, uint32_t times, struct arena *arena,
                     struct batch_phase *phase)
{
    enum batch_width width = run->scenario->training.batches.width;
    struct choice_of choice = {.training = run->training,
                               .layout = *run->training.replica.layout,
                               .cluster = run->scenario->cluster};
    if (!divides(times, choice.training.global_batch) ||
        (width == BATCH_WIDTH_GROWING && !divides(times, choice.layout.data))) {
        return false;
    }
    choice.training.global_batch /= times;
    choice.layout.data /= width == BATCH_WIDTH_GROWING ? times : 1;
    adopt(&choice);
    bool runs = batch_runs(&choice.training) &&
                (width != BATCH_WIDTH_GROWING || layout_runs(run, &choice.training, arena));
    *phase = runs ? price(&choice.training, arena) : (struct batch_phase){.step_seconds = INFINITY};
    if (width == BATCH_WIDTH_REPLANNED) {
        replan(run, choice.training.global_batch, arena, phase);
    }
    return isfinite(phase->step_seconds);
}

/* --- the run --- */

/* The laws of the run's model that a schedule may follow. */
struct critical_law {
    enum batch_critical kind;
    double parameters;
};

static double critical_tokens(const struct critical_law *law, double tokens)
{
    return law->kind == BATCH_CRITICAL_LOCAL ? batch_local_tokens(tokens)
                                             : batch_critical_tokens(law->parameters, tokens);
}

/* Tokens so far at which that share of the critical batch is as large. */
static double tokens_of_batch(const struct critical_law *law, double batch_tokens, double most)
{
    double low = 1.0, high = most;
    if (critical_tokens(law, high) < batch_tokens) {
        return INFINITY;
    }
    for (int i = 0; i < 200; i++) {
        double middle = sqrt(low * high);
        *(critical_tokens(law, middle) < batch_tokens ? &low : &high) = middle;
    }
    return high;
}

/* Below the local critical batch a stretch takes its tokens; by the whole run's law a larger batch
 * takes more of them. */
static double steps_of(const struct critical_law *law, double batch_tokens, double from, double to)
{
    return law->kind == BATCH_CRITICAL_LOCAL
               ? (to - from) / batch_tokens
               : batch_piece_steps(law->parameters, batch_tokens, from, to);
}

static bool same_layout(const struct batch_phase *a, const struct batch_phase *b)
{
    return a->tensor == b->tensor && a->pipeline == b->pipeline && a->data == b->data &&
           a->micro_batch == b->micro_batch && a->virtual_stages == b->virtual_stages;
}

static void add_phase(struct training_batches *batches, const struct batch_phase *phase)
{
    batches->tokens += phase->steps * phase->batch_tokens;
    batches->steps += phase->steps;
    batches->seconds += phase->seconds;
    batches->gpu_hours += phase->gpu_hours;
    batches->joules += phase->steps * phase->step_joules;
}

static void play_phase(struct batch_phase *phase, const struct critical_law *law, double to)
{
    phase->steps = ceil(steps_of(law, phase->batch_tokens, phase->from_tokens, to));
    phase->seconds = phase->steps * phase->step_seconds;
    phase->gpu_hours = phase->seconds * phase->gpus / hour_seconds;
}

static void add_restart(const struct training_run *run, const struct batch_phase *phase,
                        struct training_batches *batches)
{
    double seconds = run->scenario->training.batches.restart_seconds;
    batches->restarts++;
    batches->seconds += seconds;
    batches->gpu_hours += seconds * phase->gpus / hour_seconds;
    batches->joules += seconds * phase->gpus * run->scenario->gpu.idle_watts;
}

/* Whether `before`'s layout runs the phase's batch, and is not worth a restart to leave: then the
 * phase has it. */
static void stay(const struct training_run *run, const struct batch_phase *before,
                 struct arena *arena, struct batch_phase *phase)
{
    struct choice_of choice = {.training = run->training,
                               .layout = *run->training.replica.layout,
                               .cluster = run->scenario->cluster};
    choice.layout.tensor = before->tensor;
    choice.layout.pipeline = before->pipeline;
    choice.layout.data = before->data;
    choice.training.global_batch = phase->global_batch;
    set_order(run, before->micro_batch, before->virtual_stages, &choice);
    struct batch_phase same = {.step_seconds = INFINITY};
    better(run, &choice, arena, &same);
    double won = (same.step_seconds - phase->step_seconds) * phase->steps;
    if (won < run->scenario->training.batches.restart_seconds) {
        same.from_tokens = phase->from_tokens;
        same.steps = phase->steps;
        *phase = same;
    }
}

/* The batch that a run keeps throughout in place of a growing one: by the whole run's law the last,
 * by the local one the first, which loses nothing either. */
static void play_constant(struct batch_phase constant, const struct critical_law *law, double end,
                          struct training_batches *batches)
{
    constant.from_tokens = 0.0;
    play_phase(&constant, law, end);
    batches->constant_batch_tokens = constant.batch_tokens;
    batches->constant_steps = constant.steps;
    batches->constant_seconds = constant.seconds;
    batches->constant_gpu_hours = constant.gpu_hours;
}

/* Sizes of the batch that some layout runs, the largest first. */
static uint32_t find_sizes(const struct training_run *run, struct arena *arena,
                           struct batch_phase sizes[BATCH_PHASES])
{
    const struct batch_schedule *schedule = &run->scenario->training.batches;
    const double best = (double)BATCH_BEST_SEQUENCES * BATCH_SEQUENCE_TOKENS;
    double least = fmax(best, (double)schedule->from_tokens);
    uint32_t count = 0;
    for (uint64_t times = 1;
         count < BATCH_PHASES && training_step_tokens(&run->training) >= least * (double)times &&
         phase_of(run, (uint32_t)times, arena, &sizes[count]);
         times *= schedule->growth) {
        count++;
    }
    return count;
}

struct training_batches training_batches(const struct training_run *run, struct arena *arena)
{
    const struct batch_schedule *schedule = &run->scenario->training.batches;
    struct training_batches batches = {0};
    if (schedule->growth <= 1 || !scenario_training_ends(run->scenario)) {
        return batches;
    }
    double end = scenario_training_tokens(run->scenario);
    const struct critical_law law = {schedule->critical, llm_weights(&run->scenario->llm)};
    struct batch_phase sizes[BATCH_PHASES];
    uint32_t count = find_sizes(run, arena, sizes);
    for (uint32_t i = count; i-- > 0;) {
        struct batch_phase *phase = &sizes[i];
        phase->from_tokens =
            i + 1 == count ? 0.0
                           : tokens_of_batch(&law, phase->batch_tokens / schedule->share, end);
    }
    for (uint32_t i = count; i-- > 0 && sizes[i].from_tokens < end;) {
        struct batch_phase *phase = &batches.phases[batches.count];
        *phase = sizes[i];
        double to = i > 0 ? fmin(sizes[i - 1].from_tokens, end) : end;
        play_phase(phase, &law, to);
        if (batches.count > 0 && schedule->width == BATCH_WIDTH_REPLANNED) {
            stay(run, phase - 1, arena, phase);
            play_phase(phase, &law, to);
        }
        if (batches.count > 0 && !same_layout(phase, phase - 1)) {
            add_restart(run, phase, &batches);
        }
        add_phase(&batches, phase);
        batches.count++;
    }
    if (batches.count > 0) {
        play_constant(law.kind == BATCH_CRITICAL_LOCAL ? batches.phases[0] : sizes[0], &law, end,
                      &batches);
    }
    return batches;
}
