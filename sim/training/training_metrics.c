/* SPDX-License-Identifier: MIT */
#include "sim/training/training_metrics.h"

static double fullest_bytes(const struct training_run *run)
{
    double most = 0.0;
    for (uint32_t i = 0; i < run->training.replica.layout->pipeline; i++) {
        double bytes = training_memory_total(&run->stages[i]);
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* Where the seconds of a step of the slowest stage go. */
static void add_classes(const struct training_result *result, struct metric_list *metrics)
{
    static const char *const names[TIME_CLASS_COUNT] = {
        [TIME_GEMM] = "gemm_seconds",
        [TIME_ATTENTION] = "attention_seconds",
        [TIME_MEMORY] = "memory_kernels_seconds",
        [TIME_TENSOR] = "tensor_collectives_seconds",
        [TIME_RING] = "context_collectives_seconds",
        [TIME_HOST] = "host_seconds",
        [TIME_IDLE] = "idle_seconds",
    };
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        metric_add_number(metrics, names[i], "s", result->classes.seconds[i]);
    }
}

void training_metrics(const struct training_run *run, struct metric_list *metrics)
{
    const struct training_result *result = &run->result;
    double gpus = layout_gpus(run->training.replica.layout);
    metric_add_number(metrics, "step_seconds", "s", result->seconds);
    metric_add_number(metrics, "tokens_per_second", "1/s", result->tokens_per_second);
    metric_add_number(metrics, "tokens_per_second_per_gpu", "1/s",
                      result->tokens_per_second / gpus);
    metric_add_number(metrics, "mfu", "1", result->mfu);
    metric_add_number(metrics, "bubble_seconds", "s", result->bubble_seconds);
    metric_add_number(metrics, "exchange_seconds", "s", result->exchange_seconds);
    add_classes(result, metrics);
    metric_add_number(metrics, "watts_per_gpu", "W", run->costs.power.watts);
    metric_add_number(metrics, "sm_clock_hertz", "Hz", run->costs.power.clock_hertz);
    metric_add_number(metrics, "step_joules", "J", result->joules);
    metric_add_number(metrics, "memory_bytes_per_gpu", "B", fullest_bytes(run));
    metric_add_number(metrics, "global_batch_tokens", "1", training_step_tokens(&run->training));
    metric_add_number(metrics, "critical_batch_tokens", "1", run->critical_batch_tokens);
    metric_add_number(metrics, "run_tokens", "1", run->plan.tokens);
    metric_add_number(metrics, "run_steps", "1", run->plan.steps);
    metric_add_number(metrics, "run_seconds", "s",
                      run->failures.mean_seconds > 0.0 ? run->failures.answer.seconds
                                                       : run->plan.seconds);
    metric_add_number(metrics, "run_gpu_hours", "h", run->plan.gpu_hours);
    metric_add_number(metrics, "run_joules", "J", run->plan.joules);
    metric_add_number(metrics, "run_dollars", "1", run->plan.dollars);
    metric_add_number(metrics, "goodput", "1",
                      run->failures.mean_seconds > 0.0
                          ? run->failures.answer.work_seconds / run->failures.answer.seconds
                          : 1.0);
}
