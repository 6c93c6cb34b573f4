/* SPDX-License-Identifier: MIT */
#include "sim/base/json.h"
#include "sim/scenario/notes.h"
#include "sim/training/training_summary.h"

#include <math.h>

static void write_classes(struct json *json, const struct training_result *result)
{
    static const char *const keys[TIME_CLASS_COUNT] = {
        [TIME_GEMM] = "gemm",
        [TIME_ATTENTION] = "attention",
        [TIME_MEMORY] = "memory_kernels",
        [TIME_TENSOR] = "tensor_collectives",
        [TIME_RING] = "context_collectives",
        [TIME_HOST] = "host",
        [TIME_IDLE] = "idle",
    };
    json_open(json, "seconds_by_class", '{');
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        json_number(json, keys[i], result->classes.seconds[i]);
    }
    json_number(json, "data_exchange", result->exchange_seconds);
    json_number(json, "bubble", result->bubble_seconds);
    json_close(json, '}');
}

static void write_step(struct json *json, const struct training_run *run)
{
    const struct training_result *result = &run->result;
    json_open(json, "step", '{');
    json_number(json, "seconds", result->seconds);
    json_number(json, "closed_form_seconds", run->closed_form_seconds);
    json_number(json, "tokens", training_step_tokens(&run->training));
    json_number(json, "tokens_per_second", result->tokens_per_second);
    json_number(json, "flops", result->flops);
    json_number(json, "mfu", result->mfu);
    json_number(json, "joules", result->joules);
    json_number(json, "sm_clock_hertz", run->costs.power.clock_hertz);
    json_number(json, "watts_per_gpu", run->costs.power.watts);
    json_count(json, "slowest_stage", result->slowest_stage);
    write_classes(json, result);
    json_close(json, '}');
}

static void write_stages(struct json *json, const struct training_run *run)
{
    json_open(json, "stages", '[');
    for (uint32_t i = 0; i < run->training.replica.layout->pipeline; i++) {
        const struct training_memory *memory = &run->stages[i];
        const struct stage_times *times = &run->scratch.stages[i];
        json_open(json, NULL, '{');
        json_number(json, "busy_seconds", times->busy_seconds);
        json_number(json, "end_seconds", times->end_seconds);
        json_number(json, "exchange_end_seconds", times->exchange_seconds);
        json_number(json, "parameter_bytes", memory->parameter_bytes);
        json_number(json, "gradient_bytes", memory->gradient_bytes);
        json_number(json, "optimizer_bytes", memory->optimizer_bytes);
        json_number(json, "activation_bytes", memory->activation_bytes);
        json_count(json, "passes_in_flight", memory->passes_in_flight);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_checkpoint(struct json *json, const struct training_run *run)
{
    const struct training_checkpoint *checkpoint = &run->checkpoint;
    json_open(json, "checkpoint", '{');
    json_number(json, "bytes", checkpoint->bytes);
    json_number(json, "bytes_per_gpu", checkpoint->bytes_per_gpu);
    json_number(json, "seconds", checkpoint->seconds > 0.0 ? checkpoint->seconds : (double)NAN);
    json_close(json, '}');
}

static void write_plan(struct json *json, const struct training_run *run)
{
    const struct training_plan *plan = &run->plan;
    if (plan->tokens <= 0.0) {
        return;
    }
    json_open(json, "run", '{');
    json_number(json, "tokens", plan->tokens);
    json_number(json, "steps", plan->steps);
    json_number(json, "loss", plan->loss);
    json_number(json, "undisturbed_seconds", plan->seconds);
    json_number(json, "gpu_hours", plan->gpu_hours);
    json_number(json, "joules", plan->joules);
    json_number(json, "dollars", plan->dollars);
    json_close(json, '}');
}

static void write_widths(struct json *json, const struct training_run *run)
{
    const struct training_widths *widths = &run->widths;
    if (widths->count == 0) {
        return;
    }
    json_open(json, "widths", '{');
    json_number(json, "knee_gpus", widths->knee_gpus);
    json_number(json, "critical_batch_for_100x_parameters", widths->for_hundredfold_model);
    json_number(json, "critical_batch_for_100x_tokens", widths->for_hundredfold_data);
    json_open(json, "rows", '[');
    for (uint32_t i = 0; i < widths->count; i++) {
        const struct width_row *row = &widths->rows[i];
        json_open(json, NULL, '{');
        json_count(json, "gpus", row->gpus);
        json_number(json, "batch_tokens", row->batch_tokens);
        json_number(json, "step_seconds", row->step_seconds);
        json_number(json, "steps", row->steps);
        json_number(json, "seconds", row->seconds);
        json_number(json, "gpu_hours", row->gpu_hours);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void write_budget(struct json *json, const struct training_run *run)
{
    const struct training_budget *budget = &run->budget;
    if (budget->flop <= 0.0) {
        return;
    }
    json_open(json, "budget", '{');
    json_number(json, "flop", budget->flop);
    json_number(json, "gpu_hours", budget->gpu_hours);
    json_number(json, "seconds", budget->seconds);
    json_number(json, "joules", budget->joules);
    json_number(json, "dollars", budget->dollars);
    json_open(json, "laws", '[');
    for (int i = 0; i < SCALING_LAW_COUNT; i++) {
        const struct budget_row *row = &budget->rows[i];
        json_open(json, NULL, '{');
        json_string(json, "law", row->law->name);
        json_number(json, "parameters", row->best.parameters);
        json_number(json, "tokens", row->best.tokens);
        json_number(json, "batch_tokens", row->best.batch_tokens);
        json_number(json, "steps", row->steps);
        json_number(json, "loss", row->best.loss);
        json_number(json, "own_loss", row->own_loss);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void write_failures(struct json *json, const struct training_run *run)
{
    const struct training_failures *failures = &run->failures;
    const struct failure_settings *settings = &run->scenario->training.failures;
    const struct failure_answer *answer = &failures->answer;
    if (failures->mean_seconds <= 0.0) {
        return;
    }
    json_open(json, "failures", '{');
    json_number(json, "seconds", answer->seconds);
    json_number(json, "goodput", answer->work_seconds / answer->seconds);
    json_number(json, "closed_form_goodput", failures->expected_share);
    json_number(json, "mean_seconds_between", failures->mean_seconds);
    json_number(json, "checkpoint_interval_seconds", failures->interval_seconds);
    json_count(json, "interruptions", answer->interruptions);
    json_count(json, "checkpoints", answer->checkpoints);
    json_count(json, "stragglers", answer->stragglers);
    json_number(json, "lost_seconds", answer->lost_seconds);
    json_number(json, "detection_seconds", answer->detection_seconds);
    json_number(json, "restart_seconds", answer->restart_seconds);
    json_number(json, "checkpoint_seconds", answer->checkpoint_seconds);
    json_number(json, "straggler_seconds", answer->straggler_seconds);
    json_open(json, "causes", '[');
    for (size_t i = 0; i < settings->cause_count; i++) {
        json_open(json, NULL, '{');
        json_string(json, "name", settings->causes[i].name);
        json_count(json, "interruptions", failures->struck[i]);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_close(json, '}');
}

void training_summary_print_json(const struct training_run *run, FILE *stream)
{
    const struct scenario *scenario = run->scenario;
    struct json json = {.stream = stream};
    json_open(&json, NULL, '{');
    json_string(&json, "title", scenario->title);
    json_string(&json, "model", scenario->llm.name);
    json_string(&json, "gpu", scenario->gpu.name);
    scenario_notes_print_json(&json, scenario);
    json_string(&json, "cluster", scenario->cluster.name);
    json_string(&json, "schedule", run->training.schedule->name);
    json_count(&json, "gpus", layout_gpus(&scenario->layout));
    json_count(&json, "global_batch", run->training.global_batch);
    json_number(&json, "critical_batch_tokens", run->critical_batch_tokens);
    write_step(&json, run);
    write_stages(&json, run);
    write_checkpoint(&json, run);
    write_plan(&json, run);
    write_widths(&json, run);
    write_budget(&json, run);
    write_failures(&json, run);
    json_count(&json, "events", run->events);
    json_close(&json, '}');
}
