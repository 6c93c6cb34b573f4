/* SPDX-License-Identifier: MIT */
#include "sim/training/figures.h"
#include "sim/training/training_summary.h"

/* Keys of the release before this one, into the object that is open. */
static void write_former(const struct training_run *run, const char *path, struct json *json)
{
    for (int i = 0; i < TRAINING_TABLE_COUNT; i++) {
        figures_write_former(&training_tables[i], run, path, json);
    }
}

static void write_former_object(const struct training_run *run, const char *path, struct json *json)
{
    json_open(json, path, '{');
    write_former(run, path, json);
    json_close(json, '}');
}

static void write_step(struct json *json, const struct training_run *run)
{
    json_open(json, "step", '{');
    write_former(run, "step", json);
    json_open(json, "seconds_by_class", '{');
    write_former(run, "step.seconds_by_class", json);
    json_close(json, '}');
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
        json_number(json, "allocated_peak_bytes", training_memory_allocated(memory));
        json_string(json, "allocated_peak_moment", training_moment_names[memory->moment]);
        json_count(json, "passes_in_flight", memory->passes_in_flight);
        json_close(json, '}');
    }
    json_close(json, ']');
}

/* What a layer of each kind keeps for its backward pass, part by part. */
static void write_kept(struct json *json, const struct training_run *run)
{
    const struct stack *stack = &run->training.replica.llm->stack;
    struct layer_training training = training_of_layers(&run->training);
    json_open(json, "layer_activations", '[');
    for (uint32_t i = 0; i < stack->kind_count; i++) {
        struct kept kept =
            train_layer_kept(&training, &stack->kinds[i], train_recompute(&training));
        json_open(json, NULL, '{');
        json_string(json, "kind", stack->kinds[i].name);
        json_number(json, "bytes", train_kept_total(&training, &kept));
        json_open(json, "parts", '[');
        for (int part = 0; part < KEPT_PART_COUNT; part++) {
            if (kept.token_bytes[part] > 0.0) {
                json_open(json, NULL, '{');
                json_string(json, "part", kept_rows[part].name);
                json_number(json, "bytes_per_token", kept.token_bytes[part]);
                json_string(json, "why", kept_rows[part].doc);
                json_close(json, '}');
            }
        }
        json_close(json, ']');
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_widths(struct json *json, const struct training_run *run)
{
    const struct training_widths *widths = &run->widths;
    if (widths->count == 0) {
        return;
    }
    json_open(json, "widths", '{');
    write_former(run, "widths", json);
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

static void write_batches(struct json *json, const struct training_run *run)
{
    const struct training_batches *batches = &run->batches;
    if (batches->count == 0) {
        return;
    }
    json_open(json, "batches", '[');
    for (uint32_t i = 0; i < batches->count; i++) {
        const struct batch_phase *phase = &batches->phases[i];
        json_open(json, NULL, '{');
        json_number(json, "from_tokens", phase->from_tokens);
        json_count(json, "global_batch", phase->global_batch);
        json_count(json, "gpus", phase->gpus);
        json_count(json, "tensor", phase->tensor);
        json_count(json, "pipeline", phase->pipeline);
        json_count(json, "data", phase->data);
        json_count(json, "virtual_stages", phase->virtual_stages);
        json_count(json, "micro_batch", phase->micro_batch);
        json_number(json, "step_seconds", phase->step_seconds);
        json_number(json, "steps", phase->steps);
        json_number(json, "seconds", phase->seconds);
        json_number(json, "gpu_hours", phase->gpu_hours);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void write_budget(struct json *json, const struct training_run *run)
{
    const struct training_budget *budget = &run->budget;
    if (budget->flop <= 0.0) {
        return;
    }
    json_open(json, "budget", '{');
    write_former(run, "budget", json);
    json_open(json, "laws", '[');
    for (int i = 0; i < TRAINING_LAW_COUNT; i++) {
        const struct budget_row *row = &budget->rows[i];
        json_open(json, NULL, '{');
        json_string(json, "law", scaling_law_name(row->law));
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
    if (failures->mean_seconds <= 0.0) {
        return;
    }
    json_open(json, "failures", '{');
    write_former(run, "failures", json);
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

void training_summary_write_json(const struct training_run *run, struct json *json)
{
    json_string(json, "schedule", pipeline_schedule_name(run->training.schedule));
    json_count(json, "global_batch", run->training.global_batch);
    write_step(json, run);
    write_stages(json, run);
    write_kept(json, run);
    write_former_object(run, "checkpoint", json);
    if (run->plan.tokens > 0.0) {
        write_former_object(run, "run", json);
    }
    write_widths(json, run);
    write_batches(json, run);
    write_budget(json, run);
    write_failures(json, run);
    write_former(run, "", json);
}
