/* SPDX-License-Identifier: MIT */
#include "sim/training/training_run.h"

#include "models/laws/batch_size.h"
#include "models/laws/goodput.h"
#include "sim/scenario/training_scratch.h"
#include "sim/scenario/training_setup.h"
#include "sim/training/training_batches.h"
#include "sim/training/training_budget.h"
#include "sim/training/training_play.h"
#include "sim/training/training_width.h"

#include <math.h>

static const double hour_seconds = 3600.0;

static void measure_stages(struct training_run *run, struct arena *arena)
{
    struct pipeline pipeline = training_pipeline(&run->training);
    struct cell *cells =
        ARENA_ARRAY(arena, struct cell, pipeline_cell_count(run->training.schedule, &pipeline));
    struct training_memory *stages = ARENA_ARRAY(arena, struct training_memory, pipeline.stages);
    for (uint32_t i = 0; i < pipeline.stages; i++) {
        stages[i] = training_stage_memory(&run->training, i, cells);
    }
    run->stages = stages;
    run->checkpoint = training_checkpoint_of(&run->training);
}

/* --- the whole run --- */

static double sites_of(const struct training_run *run)
{
    return run->scenario->cluster.sites.count;
}

double training_mean_step_seconds(const struct training_run *run)
{
    return run->result.seconds + run->outer.wait_seconds / run->scenario->training.inner_steps;
}

static void exchange_sites(struct training_run *run, double played_seconds)
{
    const struct training_workload *workload = &run->scenario->training;
    double hidden = workload->outer_overlap ? workload->inner_steps * run->result.seconds : 0.0;
    if (played_seconds > 0.0) {
        run->outer.seconds = played_seconds;
    }
    run->outer.wait_seconds = fmax(run->outer.seconds - hidden, 0.0);
}

static void plan_run(struct training_run *run)
{
    struct training_plan *plan = &run->plan;
    double tokens = scenario_training_tokens(run->scenario);
    if (run->budget.flop > 0.0) {
        tokens = scaling_budget_tokens(run->budget.flop, llm_weights(&run->scenario->llm),
                                       run->scenario->training.budget.served_tokens);
    }
    if (tokens <= 0.0) {
        return;
    }
    plan->steps = scenario_training_steps(run->scenario, &run->training, tokens, &plan->best_steps);
    plan->tokens = plan->best_steps > 0.0
                       ? plan->steps * training_step_tokens(&run->training) * sites_of(run)
                       : tokens;
    plan->steps = ceil(plan->steps);
    plan->loss = training_own_loss(run->scenario, scenario_scaling_law(run->scenario), tokens);
    plan->seconds = plan->steps * training_mean_step_seconds(run);
    plan->mean_gpus = layout_gpus(&run->scenario->layout) * sites_of(run);
    plan->watts = sites_of(run) * run->result.joules / training_mean_step_seconds(run);
}

/* A batch that grows makes another run of it. */
static void plan_batches(struct training_run *run, struct arena *arena)
{
    struct training_plan *plan = &run->plan;
    run->batches = training_batches(run, arena);
    if (run->batches.count > 0) {
        plan->tokens = run->batches.tokens;
        plan->steps = run->batches.steps;
        plan->seconds = run->batches.seconds;
        plan->mean_gpus = run->batches.gpu_hours * hour_seconds / plan->seconds;
        plan->watts = run->batches.joules / plan->seconds;
    }
}

/* --- failures --- */

static double job_mean_seconds(const struct training_run *run, double gpu_hours)
{
    return gpu_hours * hour_seconds / run->plan.mean_gpus;
}

static void play_failures(struct training_run *run, struct arena *arena)
{
    const struct failure_settings *settings = &run->scenario->training.failures;
    struct training_failures *failures = &run->failures;
    size_t count = settings->cause_count;
    if (run->plan.seconds <= 0.0 || (count == 0 && settings->straggler_gpu_hours <= 0.0)) {
        return;
    }
    struct failure_source *sources = ARENA_ARRAY(arena, struct failure_source, count + 1);
    struct random_stream *streams = ARENA_ARRAY(arena, struct random_stream, count + 1);
    double rate = 0.0, lost = 0.0;
    for (size_t i = 0; i < count; i++) {
        const struct failure_cause *cause = &settings->causes[i];
        sources[i] = (struct failure_source){
            .mean_seconds = job_mean_seconds(run, cause->gpu_hours),
            .detection_seconds = cause->detection_seconds,
            .restart_seconds = cause->restart_seconds,
        };
        streams[i] = random_open(run->scenario->seed,
                                 arena_printf(arena, "failures.%zu.%s", i, cause->name));
        rate += 1.0 / sources[i].mean_seconds;
        lost += (cause->detection_seconds + cause->restart_seconds) / sources[i].mean_seconds;
    }
    streams[count] = random_open(run->scenario->seed, "stragglers");
    failures->mean_seconds = count > 0 ? 1.0 / rate : (double)INFINITY;
    failures->interval_seconds = settings->checkpoint_interval_seconds;
    failures->checkpoint_seconds =
        settings->checkpoint_seconds > 0.0 ? settings->checkpoint_seconds : run->checkpoint.seconds;
    if (failures->interval_seconds <= 0.0) {
        failures->interval_seconds =
            count > 0 ? goodput_daly_seconds(failures->checkpoint_seconds, failures->mean_seconds)
                      : run->plan.seconds;
    }
    /* A checkpoint is of a whole step. */
    failures->interval_seconds = fmax(failures->interval_seconds, training_mean_step_seconds(run));
    if (count > 0) {
        const struct goodput_question question = {
            .mean_seconds = failures->mean_seconds,
            .lost_seconds = lost / rate,
            .interval_seconds = failures->interval_seconds,
            .checkpoint_seconds = failures->checkpoint_seconds,
        };
        failures->expected_share = goodput_share(&question);
    }
    const struct failure_question question = {
        .work_seconds = run->plan.seconds,
        .interval_seconds = failures->interval_seconds,
        .checkpoint_seconds = failures->checkpoint_seconds,
        .sources = sources,
        .source_count = count,
        .straggler_mean_seconds = job_mean_seconds(run, settings->straggler_gpu_hours),
        .straggler_seconds = settings->straggler_seconds,
        .straggler_slowdown = settings->straggler_slowdown,
    };
    uint64_t *struck = ARENA_ARRAY(arena, uint64_t, count + 1);
    failures->answer =
        failures_play(&question, streams, ARENA_ARRAY(arena, double, count + 1), struck);
    failures->struck = struck;
}

static void total(struct training_run *run)
{
    struct training_plan *plan = &run->plan;
    double gpus = plan->mean_gpus;
    double seconds =
        run->failures.mean_seconds > 0.0 ? run->failures.answer.seconds : plan->seconds;
    /* Work that is done again draws what work draws; waiting idles. */
    double worked = run->failures.mean_seconds > 0.0
                        ? run->failures.answer.work_seconds + run->failures.answer.lost_seconds
                        : plan->seconds;
    plan->gpu_hours = gpus * seconds / hour_seconds;
    plan->joules = worked * plan->watts + (seconds - worked) * gpus * run->scenario->gpu.idle_watts;
    plan->dollars = plan->gpu_hours * run->scenario->training.price_per_gpu_hour;
}

bool training_run(const struct scenario *scenario, struct arena *arena, struct progress *progress,
                  struct training_run *run, bool *wrong_input, struct diagnostics *diagnostics)
{
    *wrong_input = false;
    *run = (struct training_run){.scenario = scenario, .training = scenario_training(scenario)};
    scenario_pack_documents(scenario, arena, &run->training);
    run->scratch = training_scratch_create(arena, &run->training);
    run->critical_batch_tokens = scenario_critical_batch_tokens(scenario);
    struct training_result closed = training_step(&run->training, &run->scratch, &run->costs);
    run->closed_form_seconds = closed.seconds;
    struct stage_links *links = ARENA_ARRAY(arena, struct stage_links, scenario->layout.pipeline);
    run->outer = outer_step(&run->training, 0.0);
    double outer_seconds = 0.0;
    const struct training_play play = {.training = &run->training,
                                       .costs = &run->costs,
                                       .folded = scenario->detail == DETAIL_FOLDED,
                                       .degraded_link = scenario->training.degraded_link,
                                       .platform_xml = scenario->platform_xml,
                                       .background = scenario->background,
                                       .background_count = scenario->background_count,
                                       .progress = progress,
                                       .outer = &run->outer,
                                       .outer_seconds = &outer_seconds,
                                       .links = links};
    run->links = links;
    double seconds = 0.0;
    if (!training_play(&play, &run->scratch, arena, &seconds, &run->events, diagnostics)) {
        *wrong_input = scenario->platform_xml != NULL && run->events == 0;
        return false;
    }
    run->result = training_summarise(&run->training, &run->costs, &run->scratch, seconds);
    measure_stages(run, arena);
    exchange_sites(run, outer_seconds);
    run->budget = training_budget(run);
    plan_run(run);
    run->widths = training_widths(run, arena);
    plan_batches(run, arena);
    play_failures(run, arena);
    if (run->plan.tokens > 0.0) {
        total(run);
    }
    return true;
}
