/* SPDX-License-Identifier: MIT */
#include "sim/training/training_summary.h"

#include "models/laws/scaling_law.h"
#include "models/step/time_class.h"
#include "sim/base/quantity.h"
#include "sim/scenario/notes.h"
#include "sim/training/figures.h"
#include "sim/training/training_summary_tables.h"

#include <inttypes.h>

static void print_step(const struct training_run *run, FILE *stream)
{
    const struct training *training = &run->training;
    const struct layout *layout = training->replica.layout;
    struct pipeline pipeline = training_pipeline(training);
    double gpus = layout_gpus(layout);
    fprintf(stream,
            "layout          TP%" PRIu32 " x CP%" PRIu32 " x PP%" PRIu32 " x DP%" PRIu32
            ", %s, %" PRIu32 " micro-batches of %" PRIu32 " a replica\n",
            layout->tensor, layout->context, layout->pipeline, layout->data,
            pipeline_schedule_name(training->schedule), pipeline.micro_batches,
            training->micro_batch);
    fprintf(stream, "batch           %s sequences of %s tokens: %s tokens; ",
            quantity_count(training->global_batch).text,
            quantity_count(training->sequence_tokens).text,
            quantity_large(training_step_tokens(training)).text);
    fprintf(stream, "the critical batch is %s\n", quantity_large(run->critical_batch_tokens).text);
    if (training->mean_document_share > 0.0) {
        fprintf(stream, "documents       %s of attention's pairs are within one; ",
                quantity_percent(training->mean_document_share).text);
        fprintf(
            stream, "the fullest replica has %s more than the mean\n",
            quantity_percent(training->document_share / training->mean_document_share - 1.0).text);
    }
    fprintf(stream, "step            %s: ", quantity_seconds(run->result.seconds).text);
    fprintf(stream, "%s tokens/s a GPU, %s TFLOP/s a GPU, MFU %s\n",
            quantity_number(
                figure_value(&training_tables[TRAINING_STEP], run, "tokens_per_second_per_gpu"))
                .text,
            quantity_number(run->result.flops / run->result.seconds / gpus / 1e12).text,
            quantity_percent(run->result.mfu).text);
}

static const char *print_share(FILE *stream, const char *before, const char *name, double seconds,
                               double whole)
{
    if (seconds <= 0.0005 * whole) {
        return before;
    }
    fprintf(stream, "%s%s %s", before, name, quantity_percent(seconds / whole).text);
    return ", ";
}

static void print_classes(const struct training_run *run, FILE *stream)
{
    const struct training_result *result = &run->result;
    const char *before = "";
    fprintf(stream, "stage %-3" PRIu32 "       ", result->slowest_stage);
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        before = print_share(stream, before, time_class_word((enum time_class)i),
                             result->classes.seconds[i], result->seconds);
    }
    before = print_share(stream, before, "slower GPUs", result->jitter_seconds, result->seconds);
    before = print_share(stream, before, "host memory", result->offload_seconds, result->seconds);
    before = print_share(stream, before, "SVD", run->costs.svd_seconds, result->seconds);
    before = print_share(stream, before, "DP", result->exchange_seconds, result->seconds);
    print_share(stream, before, "bubble", result->bubble_seconds, result->seconds);
    fputs(" (exposed times)\n", stream);
}

static void print_memory(const struct training_run *run, FILE *stream)
{
    uint32_t fullest = training_fullest_stage(run);
    const struct training_memory *memory = &run->stages[fullest];
    fprintf(stream, "memory per GPU  stage %" PRIu32 ": parameters %s", fullest,
            quantity_bytes(memory->parameter_bytes).text);
    fprintf(stream, ", gradients %s", quantity_bytes(memory->gradient_bytes).text);
    fprintf(stream, ", optimizer %s", quantity_bytes(memory->optimizer_bytes).text);
    fprintf(stream, ", activations %s", quantity_bytes(memory->activation_bytes).text);
    fprintf(stream, " (%" PRIu32 " in flight): ", memory->passes_in_flight);
    fprintf(stream, "%s", quantity_bytes(training_memory_total(memory)).text);
    fprintf(stream, " of %s\n", quantity_bytes(run->scenario->gpu.memory_bytes).text);
    double host = figure_value(&training_tables[TRAINING_STEP], run, "host_memory_bytes_per_gpu");
    if (host > 0.0) {
        fprintf(stream, "host memory     %s a GPU, ", quantity_bytes(host).text);
        fprintf(stream, "%s a node\n",
                quantity_bytes(host * run->scenario->cluster.gpus_per_node).text);
    }
}

static void print_sites(const struct training_run *run, FILE *stream)
{
    const struct outer_step *outer = &run->outer;
    uint32_t count = run->scenario->cluster.sites.count;
    if (count < 2) {
        return;
    }
    double mean = training_mean_step_seconds(run);
    fprintf(stream, "sites           %" PRIu32 ", each as above; every %s steps ", count,
            quantity_count(run->scenario->training.inner_steps).text);
    if (run->training.paths.levels > 0) {
        fprintf(stream, "(a path each of a model of %s) ",
                quantity_large(outer_parameters(&run->training)).text);
    }
    fprintf(stream, "each sends %s, ", quantity_bytes(outer->bytes).text);
    fprintf(stream, "in %s: ", quantity_seconds(outer->seconds).text);
    fprintf(stream, "%s of the time\n", quantity_percent((mean - run->result.seconds) / mean).text);
}

static void print_checkpoint(const struct training_run *run, FILE *stream)
{
    const struct training_checkpoint *checkpoint = &run->checkpoint;
    fprintf(stream, "checkpoint      %s", quantity_bytes(checkpoint->bytes).text);
    fprintf(stream, ", %s a GPU", quantity_bytes(checkpoint->bytes_per_gpu).text);
    if (checkpoint->seconds > 0.0) {
        fprintf(stream, "; %s at the storage's rate", quantity_seconds(checkpoint->seconds).text);
    }
    fputc('\n', stream);
}

static void print_law(const struct training_run *run, FILE *stream)
{
    struct arena *arena = arena_create();
    const char *note = scenario_law_note(arena, run->scenario);
    if (note != NULL) {
        fprintf(stream, "extrapolated    %s\n", note);
    }
    arena_destroy(arena);
}

static void print_plan(const struct training_run *run, FILE *stream)
{
    const struct training_plan *plan = &run->plan;
    if (plan->tokens <= 0.0) {
        fprintf(stream, "energy          %s a step\n", quantity_joules(run->result.joules).text);
        return;
    }
    double seconds = figure_value(&training_tables[TRAINING_RUN], run, "run_seconds");
    fprintf(stream, "run             %s tokens in %s steps, loss %.4g (%s)\n",
            quantity_large(plan->tokens).text, quantity_count((uint64_t)plan->steps).text,
            plan->loss, scaling_law_name(&scaling_laws[run->scenario->training.law]));
    fprintf(stream, "                %s, %s GPU-hours, ", quantity_duration(seconds).text,
            quantity_number(plan->gpu_hours).text);
    fprintf(stream, "%s", quantity_joules(plan->joules).text);
    if (plan->dollars > 0.0) {
        fprintf(stream, ", %s", quantity_dollars(plan->dollars).text);
    }
    fputc('\n', stream);
}

static void print_failures(const struct training_run *run, FILE *stream)
{
    const struct training_failures *failures = &run->failures;
    const struct failure_settings *settings = &run->scenario->training.failures;
    if (failures->mean_seconds <= 0.0) {
        return;
    }
    const struct failure_answer *answer = &failures->answer;
    double done = figure_value(&training_tables[TRAINING_FAILURES], run, "run_done_share");
    if (done < 1.0) {
        fprintf(stream,
                "run             NOT FINISHED: given up with %s of its work done, after %s "
                "interruptions and %s checkpoints\n",
                quantity_percent(done).text, quantity_count(answer->interruptions).text,
                quantity_count(answer->checkpoints).text);
    }
    fprintf(stream, "failures        %s interruptions, one in %s; ",
            quantity_count(answer->interruptions).text,
            quantity_duration(failures->mean_seconds).text);
    fprintf(stream, "a checkpoint every %s\n", quantity_duration(failures->interval_seconds).text);
    fprintf(stream, "goodput         %s",
            quantity_percent(figure_value(&training_tables[TRAINING_RUN], run, "goodput")).text);
    if (failures->expected_share > 0.0) {
        fprintf(stream, " (closed form %s)", quantity_percent(failures->expected_share).text);
    }
    fprintf(stream, ": done again %s",
            quantity_percent(answer->lost_seconds / answer->seconds).text);
    fprintf(stream, ", detection %s",
            quantity_percent(answer->detection_seconds / answer->seconds).text);
    fprintf(stream, ", restart %s",
            quantity_percent(answer->restart_seconds / answer->seconds).text);
    fprintf(stream, ", checkpoints %s",
            quantity_percent(answer->checkpoint_seconds / answer->seconds).text);
    fprintf(stream, ", stragglers %s\n",
            quantity_percent(answer->straggler_seconds / answer->seconds).text);
    for (size_t i = 0; i < settings->cause_count; i++) {
        fprintf(stream, "%s%s %" PRIu64, i == 0 ? "by cause        " : ", ",
                settings->causes[i].name, failures->struck[i]);
    }
    fputs(settings->cause_count > 0 ? "\n" : "", stream);
}

void training_summary_print(const struct training_run *run, struct ink ink, FILE *stream)
{
    print_step(run, stream);
    print_classes(run, stream);
    print_memory(run, stream);
    print_sites(run, stream);
    print_checkpoint(run, stream);
    print_plan(run, stream);
    print_law(run, stream);
    training_print_widths(run, ink, stream);
    training_print_batches(run, ink, stream);
    training_print_budget(run, ink, stream);
    print_failures(run, stream);
    fprintf(stream, "total           %s simulated\n", quantity_duration(run->result.seconds).text);
}
