/* SPDX-License-Identifier: MIT */
#include "sim/training/training_summary_tables.h"

#include "sim/base/quantity.h"

#include <inttypes.h>

static const double day_seconds = 86400.0;

void training_print_widths(const struct training_run *run, FILE *stream)
{
    const struct training_widths *widths = &run->widths;
    if (widths->count == 0) {
        return;
    }
    fputs(
        "\n  GPUs  batch, M tokens  of critical      step    steps      days  GPU-hours  faster\n",
        stream);
    bool before = true;
    for (uint32_t i = 0; i < widths->count; i++) {
        const struct width_row *row = &widths->rows[i];
        bool past = row->gpus > widths->knee_gpus;
        if (past && before && i > 0) {
            fprintf(stream, "%6.0f  the knee: a batch of %.4g M tokens is critical\n",
                    widths->knee_gpus, run->critical_batch_tokens / 1e6);
        }
        before = !past;
        fprintf(stream, "%6" PRIu32 "  %15.4g  %11.2f  %8s  %7.0f  %8.3g  %9.4g", row->gpus,
                row->batch_tokens / 1e6, row->batch_tokens / run->critical_batch_tokens,
                quantity_seconds(row->step_seconds).text, row->steps, row->seconds / day_seconds,
                row->gpu_hours);
        if (i > 0) {
            fprintf(stream, "  %6.2f", widths->rows[i - 1].seconds / row->seconds);
        }
        fputc('\n', stream);
    }
    fprintf(stream,
            "The critical batch is %.2f times this for 100 times the parameters on as many tokens, "
            "%.3g times for\n100 times the tokens.\n\n",
            widths->for_hundredfold_model, widths->for_hundredfold_data);
}

void training_print_budget(const struct training_run *run, FILE *stream)
{
    const struct training_budget *budget = &run->budget;
    if (budget->flop <= 0.0) {
        return;
    }
    fprintf(stream, "budget          %.4g FLOPs: %.4g GPU-hours, %.4g days here, ", budget->flop,
            budget->gpu_hours, budget->seconds / day_seconds);
    fprintf(stream, "%s", quantity_joules(budget->joules).text);
    if (budget->dollars > 0.0) {
        fprintf(stream, ", %.4g dollars", budget->dollars);
    }
    fputs(
        "\n\nlaw           parameters     tokens  a parameter  batch, M tokens     steps    loss  "
        "this model's\n",
        stream);
    for (int i = 0; i < TRAINING_LAW_COUNT; i++) {
        const struct budget_row *row = &budget->rows[i];
        fprintf(stream, "%-12s  %10.4g  %9.4g  %11.4g  %15.4g  %8.0f  %6.4g  %12.4g\n",
                scaling_law_name(row->law), row->best.parameters, row->best.tokens,
                row->best.tokens / row->best.parameters, row->best.batch_tokens / 1e6, row->steps,
                row->best.loss, row->own_loss);
    }
    fputc('\n', stream);
}
