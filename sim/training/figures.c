/* SPDX-License-Identifier: MIT */
#include "sim/training/figures.h"

#include "models/step/time_class.h"

#include <math.h>

#define RUN(member) FIGURE_AT(struct training_run, member)
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

uint32_t training_fullest_stage(const struct training_run *run)
{
    uint32_t stages = run->training.replica.layout->pipeline, fullest = 0;
    for (uint32_t i = 1; i < stages; i++) {
        if (training_memory_total(&run->stages[i]) > training_memory_total(&run->stages[fullest])) {
            fullest = i;
        }
    }
    return fullest;
}

/* --- what rows ask --- */

static bool has_plan(const void *subject)
{
    const struct training_run *run = subject;
    return run->plan.tokens > 0.0;
}

static bool has_failures(const void *subject)
{
    const struct training_run *run = subject;
    return run->failures.mean_seconds > 0.0;
}

static bool has_widths(const void *subject)
{
    const struct training_run *run = subject;
    return run->widths.count > 0;
}

static bool has_sites(const void *subject)
{
    const struct training_run *run = subject;
    return run->scenario->cluster.sites.count > 1;
}

static double mean_step_seconds(const void *subject)
{
    return training_mean_step_seconds(subject);
}

static double whole_parameters(const void *subject)
{
    const struct training_run *run = subject;
    return outer_parameters(&run->training);
}

static bool has_batches(const void *subject)
{
    const struct training_run *run = subject;
    return run->batches.count > 0;
}

static bool has_budget(const void *subject)
{
    const struct training_run *run = subject;
    return run->budget.flop > 0.0;
}

static double run_seconds(const void *subject)
{
    const struct training_run *run = subject;
    return has_failures(run) ? run->failures.answer.seconds : run->plan.seconds;
}

static double goodput(const void *subject)
{
    const struct training_run *run = subject;
    const struct failure_answer *answer = &run->failures.answer;
    return has_failures(run) ? answer->work_seconds / answer->seconds : 1.0;
}

/* 1, but for a run that was given up. */
static double done_share(const void *subject)
{
    const struct training_run *run = subject;
    return run->failures.answer.work_seconds / run->plan.seconds;
}

static double tokens_per_second_per_gpu(const void *subject)
{
    const struct training_run *run = subject;
    return run->result.tokens_per_second / layout_gpus(run->training.replica.layout);
}

static double batch_tokens(const void *subject)
{
    const struct training_run *run = subject;
    return training_step_tokens(&run->training);
}

static double peak_memory_bytes(const void *subject)
{
    const struct training_run *run = subject;
    return training_memory_total(&run->stages[training_fullest_stage(run)]);
}

static const struct training_memory *fullest_memory(const void *subject)
{
    const struct training_run *run = subject;
    return &run->stages[training_fullest_stage(run)];
}

static double allocated_peak(const void *subject)
{
    return training_memory_allocated(fullest_memory(subject));
}

static double reserved_bytes(const void *subject)
{
    return fullest_memory(subject)->reserved_bytes;
}

static double outside_bytes(const void *subject)
{
    return fullest_memory(subject)->outside_bytes;
}

static double document_share(const void *subject)
{
    const struct training_run *run = subject;
    return run->training.mean_document_share > 0.0 ? run->training.mean_document_share : 1.0;
}

static double document_imbalance(const void *subject)
{
    const struct training_run *run = subject;
    return run->training.mean_document_share > 0.0
               ? run->training.document_share / run->training.mean_document_share
               : 1.0;
}

static double experts_dropped_share(const void *subject)
{
    const struct training_run *run = subject;
    const struct replica *replica = &run->training.replica;
    double tokens = (double)training_rank_tokens(&run->training) * replica_token_ranks(replica);
    double dropped = 0.0, layers = 0.0;
    for (uint32_t layer = 0; layer < replica->llm->stack.layers; layer++) {
        const struct ffn *ffn =
            &replica->llm->stack.kinds[stack_kind(&replica->llm->stack, layer)].ffn;
        if (ffn->kind == FFN_EXPERTS) {
            dropped += experts_dropped(ffn->experts, replica_routing(replica), tokens);
            layers += 1.0;
        }
    }
    return layers > 0.0 ? dropped / layers : 0.0;
}

static double ofu(const void *subject)
{
    const struct training_run *run = subject;
    const struct layout *layout = run->training.replica.layout;
    double flops = 0.0;
    for (uint32_t stage = 0; stage < layout->pipeline; stage++) {
        flops += training_stage_classes(&run->training, &run->costs, &run->scratch, stage).flops;
    }
    return flops / layout->pipeline /
           (run->result.seconds * gpu_stated_flops_per_second(run->training.replica.gpu));
}

static double host_bytes(const void *subject)
{
    const struct training_run *run = subject;
    double most = 0.0;
    for (uint32_t i = 0; i < run->training.replica.layout->pipeline; i++) {
        most = fmax(most, run->stages[i].host_bytes);
    }
    return most;
}

static double checkpoint_seconds(const void *subject)
{
    const struct training_run *run = subject;
    return run->checkpoint.seconds > 0.0 ? run->checkpoint.seconds : (double)NAN;
}

/* --- the rows --- */

#define CLASS(class, stem, word, heading, sentence)                                                \
    {.name = stem "_seconds",                                                                      \
     .unit = "s",                                                                                  \
     RUN(result.classes.seconds[class]),                                                           \
     .doc = sentence,                                                                              \
     .former_key = "step.seconds_by_class." stem},

/* clang-format off */
static const struct figure step_figures[] = {
    {.name = "step_seconds", .unit = "s", RUN(result.seconds),
     .doc = "How long a step takes.",
     .former_key = "step.seconds"},
    {.name = "tokens_per_second", .unit = "1/s", RUN(result.tokens_per_second),
     .doc = "Tokens of all GPUs.",
     .former_key = "step.tokens_per_second"},
    {.name = "tokens_per_second_per_gpu", .unit = "1/s", .number = tokens_per_second_per_gpu,
     .doc = "The same, a GPU."},
    {.name = "mfu", .unit = "1", RUN(result.mfu),
     .doc = "flops / (seconds x dense bf16 peak of all GPUs), of a step.",
     .former_key = "step.mfu"},
    {.name = "ofu", .unit = "1", .number = ofu,
     .doc = "The same of all FLOPs that GPUs execute, recomputed ones too, as their counters would say; the optimizer's are left out."},
    {.name = "bubble_seconds", .unit = "s", RUN(result.bubble_seconds),
     .doc = "The slowest stage waits for other stages.",
     .former_key = "step.seconds_by_class.bubble"},
    {.name = "exchange_seconds", .unit = "s", RUN(result.exchange_seconds),
     .doc = "Exchanges of gradients and parameters between replicas that nothing hides.",
     .former_key = "step.seconds_by_class.data_exchange"},
    {.name = "jitter_seconds", .unit = "s", RUN(result.jitter_seconds),
     .doc = "The slowest stage waits for the slowest of all GPUs (`jitter: true`)."},
    {.name = "experts_dropped_share", .unit = "1", .number = experts_dropped_share,
     .doc = "Of the rows that tokens send to experts, those dropped for want of room (`routing.capacity`); of measured loads, the fullest rank's."},
    {.name = "document_share", .unit = "1", .number = document_share,
     .doc = "Of a sequence's pairs of tokens, those within one document (`documents`); 1: all."},
    {.name = "document_imbalance", .unit = "1", .number = document_imbalance,
     .doc = "The same of the replica that has most, over the mean; the step waits for it."},
    {.name = "offload_seconds", .unit = "s", RUN(result.offload_seconds),
     .doc = "The slowest stage waits for what lies in the hosts' memory (`offload`)."},
    {.name = "svd_seconds", .unit = "s", RUN(costs.svd_seconds),
     .doc = "A step's share of finding the directions of low-rank states (`galore`)."},
    TIME_CLASSES(CLASS)
    {.name = "watts_per_gpu", .unit = "W", RUN(costs.power.watts),
     .doc = "Average power of a GPU.",
     .former_key = "step.watts_per_gpu"},
    {.name = "sm_clock_hertz", .unit = "Hz", RUN(costs.power.clock_hertz),
     .doc = "The clock that a GPU settles to under its power limit.",
     .former_key = "step.sm_clock_hertz"},
    {.name = "step_joules", .unit = "J", RUN(result.joules),
     .doc = "Energy of all GPUs, a step.",
     .former_key = "step.joules"},
    {.name = "step_flops", .unit = "FLOP", RUN(result.flops),
     .doc = "Useful work of all GPUs, a step.",
     .former_key = "step.flops"},
    {.name = "step_closed_form_seconds", .unit = "s", RUN(closed_form_seconds),
     .doc = "What a step takes when links are never shared.",
     .former_key = "step.closed_form_seconds"},
    {.name = "slowest_stage", .unit = "1", RUN(result.slowest_stage),
     .doc = "Whose times of a step these are, from 0.",
     .former_key = "step.slowest_stage"},
    {.name = "peak_memory_bytes_per_gpu", .unit = "B", .number = peak_memory_bytes,
     .doc = "Used of a GPU's memory, on the fullest stage.", .former_column = "memory_bytes_per_gpu"},
    {.name = "allocated_peak_bytes", .unit = "B", .number = allocated_peak,
     .doc = "Of it, live tensors at the fullest moment (what PyTorch calls max_memory_allocated)."},
    {.name = "allocator_reserved_bytes", .unit = "B", .number = reserved_bytes,
     .doc = "Of it, what the allocator reserves beside them."},
    {.name = "outside_allocator_bytes", .unit = "B", .number = outside_bytes,
     .doc = "Of it, what the driver and the collective library take."},
    {.name = "host_memory_bytes_per_gpu", .unit = "B", .number = host_bytes,
     .doc = "What a GPU has in its host's memory, of the stage that has most."},
    {.name = "checkpoint_bytes", .unit = "B", RUN(checkpoint.bytes),
     .doc = "A checkpoint in all.",
     .former_key = "checkpoint.bytes"},
    {.name = "checkpoint_bytes_per_gpu", .unit = "B", RUN(checkpoint.bytes_per_gpu),
     .doc = "Of it, a GPU's of the fullest stage.",
     .former_key = "checkpoint.bytes_per_gpu"},
    {.name = "checkpoint_write_seconds", .unit = "s", .number = checkpoint_seconds,
     .doc = "Writing it at the rates of the cluster's storage; `null`: it has none.",
     .former_key = "checkpoint.seconds"},
    {.name = "global_batch_tokens", .unit = "1", .number = batch_tokens,
     .doc = "Tokens of a step.",
     .former_key = "step.tokens"},
    {.name = "critical_batch_tokens", .unit = "1", RUN(critical_batch_tokens),
     .doc = "The batch beyond which more GPUs save little time, of the model and the run's tokens.",
     .former_key = "critical_batch_tokens"},
    {.name = "events", .unit = "1", RUN(events),
     .doc = "Flows and timed activities that SimGrid played.",
     .former_key = "events"},
};

static const struct figure run_figures[] = {
    {.name = "run_tokens", .unit = "1", RUN(plan.tokens),
     .doc = "Tokens of the whole run; 0: the scenario says no length.",
     .former_key = "run.tokens"},
    {.name = "run_steps", .unit = "1", RUN(plan.steps),
     .doc = "Its steps.",
     .former_key = "run.steps"},
    {.name = "run_seconds", .unit = "s", .number = run_seconds,
     .doc = "Its time, failures included.",
     .former_key = "failures.seconds"},
    {.name = "run_undisturbed_seconds", .unit = "s", RUN(plan.seconds),
     .doc = "Its time without them.",
     .former_key = "run.undisturbed_seconds"},
    {.name = "run_gpu_hours", .unit = "h", RUN(plan.gpu_hours),
     .doc = "GPU-hours, failures included.",
     .former_key = "run.gpu_hours"},
    {.name = "run_joules", .unit = "J", RUN(plan.joules),
     .doc = "Energy of all GPUs, likewise.",
     .former_key = "run.joules"},
    {.name = "run_dollars", .unit = "$", RUN(plan.dollars),
     .doc = "0 without a price.",
     .former_key = "run.dollars"},
    {.name = "run_loss", .unit = "nat", RUN(plan.loss), .applies = has_plan,
     .doc = "Loss at its end, a token, by the scenario's law.",
     .former_key = "run.loss"},
    {.name = "goodput", .unit = "1", .number = goodput,
     .doc = "Share of its time that is work.",
     .former_key = "failures.goodput"},
};

static const struct figure failure_figures[] = {
    {.name = "closed_form_goodput", .unit = "1", RUN(failures.expected_share), .applies = has_failures,
     .doc = "The same by a closed form, without stragglers.",
     .former_key = "failures.closed_form_goodput"},
    {.name = "run_done_share", .unit = "1", .number = done_share, .applies = has_failures,
     .doc = "Of its work, what was done: below 1, failures come so fast that the run was given up."},
    {.name = "mean_seconds_between_interruptions", .unit = "s", RUN(failures.mean_seconds), .applies = has_failures,
     .doc = "What the causes give together.",
     .former_key = "failures.mean_seconds_between"},
    {.name = "checkpoint_interval_seconds", .unit = "s", RUN(failures.interval_seconds), .applies = has_failures,
     .doc = "Between checkpoints.",
     .former_key = "failures.checkpoint_interval_seconds"},
    {.name = "interruptions", .unit = "1", RUN(failures.answer.interruptions), .applies = has_failures,
     .doc = "Times that the run stopped.",
     .former_key = "failures.interruptions"},
    {.name = "checkpoints", .unit = "1", RUN(failures.answer.checkpoints), .applies = has_failures,
     .doc = "Checkpoints that were written.",
     .former_key = "failures.checkpoints"},
    {.name = "stragglers", .unit = "1", RUN(failures.answer.stragglers), .applies = has_failures,
     .doc = "Times that a GPU slowed the run.",
     .former_key = "failures.stragglers"},
    {.name = "run_lost_seconds", .unit = "s", RUN(failures.answer.lost_seconds), .applies = has_failures,
     .doc = "Work done again.",
     .former_key = "failures.lost_seconds"},
    {.name = "run_detection_seconds", .unit = "s", RUN(failures.answer.detection_seconds), .applies = has_failures,
     .doc = "Until failures were noticed.",
     .former_key = "failures.detection_seconds"},
    {.name = "run_restart_seconds", .unit = "s", RUN(failures.answer.restart_seconds), .applies = has_failures,
     .doc = "In restarts.",
     .former_key = "failures.restart_seconds"},
    {.name = "run_checkpoint_seconds", .unit = "s", RUN(failures.answer.checkpoint_seconds), .applies = has_failures,
     .doc = "Kept from work by checkpoints.",
     .former_key = "failures.checkpoint_seconds"},
    {.name = "run_straggler_seconds", .unit = "s", RUN(failures.answer.straggler_seconds), .applies = has_failures,
     .doc = "Lost to stragglers.",
     .former_key = "failures.straggler_seconds"},
};

static const struct figure width_figures[] = {
    {.name = "knee_gpus", .unit = "1", RUN(widths.knee_gpus), .applies = has_widths,
     .doc = "GPUs whose batch is the critical one.",
     .former_key = "widths.knee_gpus"},
    {.name = "critical_batch_for_100x_parameters", .unit = "1", RUN(widths.for_hundredfold_model), .applies = has_widths,
     .doc = "The critical batch over this run's, for 100 times the parameters on as many tokens.",
     .former_key = "widths.critical_batch_for_100x_parameters"},
    {.name = "critical_batch_for_100x_tokens", .unit = "1", RUN(widths.for_hundredfold_data), .applies = has_widths,
     .doc = "Likewise for 100 times the tokens.",
     .former_key = "widths.critical_batch_for_100x_tokens"},
};

static const struct figure site_figures[] = {
    {.name = "outer_exchange_bytes", .unit = "B", RUN(outer.bytes), .applies = has_sites,
     .doc = "What a site sends to others, an exchange."},
    {.name = "outer_rings", .unit = "1", RUN(outer.rings), .applies = has_sites,
     .doc = "Rings that it goes round in: one, or with `paths` one a level."},
    {.name = "outer_ring_sites", .unit = "1", RUN(outer.members), .applies = has_sites,
     .doc = "Sites of each."},
    {.name = "outer_parameters", .unit = "1", .number = whole_parameters, .applies = has_sites,
     .doc = "Parameters of the model of all paths."},
    {.name = "outer_exchange_seconds", .unit = "s", RUN(outer.seconds), .applies = has_sites,
     .doc = "How long an exchange takes."},
    {.name = "outer_wait_seconds", .unit = "s", RUN(outer.wait_seconds), .applies = has_sites,
     .doc = "Of it, what no step hides."},
    {.name = "mean_step_seconds", .unit = "s", .number = mean_step_seconds, .applies = has_sites,
     .doc = "A step with its share of that."},
};

static const struct figure batch_figures[] = {
    {.name = "batch_phases", .unit = "1", RUN(batches.count), .applies = has_batches,
     .doc = "Stretches of the run with one batch each."},
    {.name = "batch_restarts", .unit = "1", RUN(batches.restarts), .applies = has_batches,
     .doc = "Changes of the layout between them."},
    {.name = "constant_batch_tokens", .unit = "1", RUN(batches.constant_batch_tokens), .applies = has_batches,
     .doc = "The batch that a run might keep instead: the last; with `critical: local` the first."},
    {.name = "constant_batch_steps", .unit = "1", RUN(batches.constant_steps), .applies = has_batches,
     .doc = "Steps of the same run with that batch throughout."},
    {.name = "constant_batch_seconds", .unit = "s", RUN(batches.constant_seconds), .applies = has_batches,
     .doc = "Its time, undisturbed."},
    {.name = "constant_batch_gpu_hours", .unit = "h", RUN(batches.constant_gpu_hours), .applies = has_batches,
     .doc = "Its GPU-hours, undisturbed."},
};

static const struct figure budget_figures[] = {
    {.name = "budget_flop", .unit = "FLOP", RUN(budget.flop), .applies = has_budget,
     .doc = "What may be spent: 6 N D.",
     .former_key = "budget.flop"},
    {.name = "budget_gpu_hours", .unit = "h", RUN(budget.gpu_hours), .applies = has_budget,
     .doc = "GPU-hours that it takes here, undisturbed.",
     .former_key = "budget.gpu_hours"},
    {.name = "budget_seconds", .unit = "s", RUN(budget.seconds), .applies = has_budget,
     .doc = "Time, likewise.",
     .former_key = "budget.seconds"},
    {.name = "budget_joules", .unit = "J", RUN(budget.joules), .applies = has_budget,
     .doc = "Energy, likewise.",
     .former_key = "budget.joules"},
    {.name = "budget_dollars", .unit = "$", RUN(budget.dollars), .applies = has_budget,
     .doc = "0 without a price.",
     .former_key = "budget.dollars"},
};
/* clang-format on */

#define TABLE(title, sentence, array)                                                              \
    {                                                                                              \
        .heading = (title), .doc = (sentence), .key = "figures", .figures = (array),               \
        .count = COUNT_OF(array)                                                                   \
    }

const struct figure_table training_tables[TRAINING_TABLE_COUNT + 1] = {
    [TRAINING_STEP] =
        TABLE("A training step",
              "Where its time goes is the slowest stage's: the seven classes, the bubble, the "
              "exchange, the jitter, what waits for the host and singular value decompositions.",
              step_figures),
    [TRAINING_RUN] = TABLE("A whole training run", "", run_figures),
    [TRAINING_FAILURES] =
        TABLE("Its failures", "With `failures:` in the scenario.", failure_figures),
    [TRAINING_WIDTHS] = TABLE("Its width", "With `target_loss`.", width_figures),
    [TRAINING_SITES] = TABLE("Several sites", "With `cluster.sites`.", site_figures),
    [TRAINING_BATCHES] = TABLE("A growing batch", "With `batch_schedule`.", batch_figures),
    [TRAINING_BUDGET] = TABLE("A compute budget", "With `compute_budget`.", budget_figures),
};
