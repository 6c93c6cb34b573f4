/* SPDX-License-Identifier: MIT */
#include "sim/training/training_summary_tables.h"

#include "sim/base/quantity.h"
#include "sim/base/table.h"

#include <inttypes.h>

static struct table table_of(struct arena *arena, struct ink ink, const char *const *headings,
                             size_t columns)
{
    struct table table = table_create(arena, columns);
    table.before = ink.dim, table.after = ink.plain;
    for (size_t i = 0; i < columns; i++) {
        table_add(&table, headings[i]);
    }
    return table;
}

/* After an empty line. */
static void print_table(const struct table *table, struct ink ink, FILE *stream)
{
    struct text text = {.arena = table->arena};
    table_print(table, ink.columns, &text);
    fprintf(stream, "\n%s", text.bytes);
}

static void print_knee(const struct training_run *run, FILE *stream)
{
    const struct training_widths *widths = &run->widths;
    fprintf(stream, "knee            %s GPUs: a batch of %s tokens is critical\n",
            quantity_number(widths->knee_gpus).text,
            quantity_large(run->critical_batch_tokens).text);
    fprintf(stream,
            "                The critical batch is %.2f times this for 100 times the parameters on "
            "as many tokens, %.3g times for 100 times the tokens.\n\n",
            widths->for_hundredfold_model, widths->for_hundredfold_data);
}

void training_print_widths(const struct training_run *run, struct ink ink, FILE *stream)
{
    enum { COLUMNS = 8 };
    static const char *const headings[COLUMNS] = {"GPUs",  "batch", "of critical", "step",
                                                  "steps", "time",  "GPU-hours",   "faster"};
    const struct training_widths *widths = &run->widths;
    if (widths->count == 0) {
        return;
    }
    struct arena *arena = arena_create();
    struct table table = table_of(arena, ink, headings, COLUMNS);
    table.left[0] = false;
    for (uint32_t i = 0; i < widths->count; i++) {
        const struct width_row *row = &widths->rows[i];
        table_add(&table, quantity_count(row->gpus).text);
        table_add(&table, quantity_large(row->batch_tokens).text);
        table_print_cell(&table, "%.2f", row->batch_tokens / run->critical_batch_tokens);
        table_add(&table, quantity_seconds(row->step_seconds).text);
        table_add(&table, quantity_count((uint64_t)row->steps).text);
        table_add(&table, quantity_duration(row->seconds).text);
        table_add(&table, quantity_number(row->gpu_hours).text);
        if (i > 0) {
            table_print_cell(&table, "%.2f", widths->rows[i - 1].seconds / row->seconds);
        } else {
            table_add(&table, "-");
        }
    }
    print_table(&table, ink, stream);
    print_knee(run, stream);
    arena_destroy(arena);
}

static void print_constant(const struct training_run *run, FILE *stream)
{
    const struct training_batches *batches = &run->batches;
    fprintf(stream, "growing batch   %s steps, ", quantity_count((uint64_t)batches->steps).text);
    fprintf(stream, "%s, ", quantity_duration(batches->seconds).text);
    fprintf(stream, "%s GPU-hours, %" PRIu32 " changes of layout\n",
            quantity_number(batches->gpu_hours).text, batches->restarts);
    fprintf(stream, "constant batch  %s steps, ",
            quantity_count((uint64_t)batches->constant_steps).text);
    fprintf(stream, "%s, ", quantity_duration(batches->constant_seconds).text);
    fprintf(stream, "%s GPU-hours\n", quantity_number(batches->constant_gpu_hours).text);
    if (run->scenario->training.batches.critical == BATCH_CRITICAL_LOCAL) {
        fprintf(stream,
                "                of %s tokens each: the growing batch takes %s fewer steps, and by "
                "arXiv 2505.23971 as many tokens to a loss\n",
                quantity_large(batches->constant_batch_tokens).text,
                quantity_percent(1.0 - batches->steps / batches->constant_steps).text);
    }
    fputc('\n', stream);
}

void training_print_batches(const struct training_run *run, struct ink ink, FILE *stream)
{
    enum { COLUMNS = 10 };
    static const char *const headings[COLUMNS] = {"from tokens", "batch", "GPUs", "TP",   "PP",
                                                  "DP",          "VS",    "MB",   "step", "steps"};
    const struct training_batches *batches = &run->batches;
    if (batches->count == 0) {
        return;
    }
    struct arena *arena = arena_create();
    struct table table = table_of(arena, ink, headings, COLUMNS);
    table.left[0] = false;
    for (uint32_t i = 0; i < batches->count; i++) {
        const struct batch_phase *phase = &batches->phases[i];
        const uint32_t layout[] = {phase->gpus, phase->tensor,         phase->pipeline,
                                   phase->data, phase->virtual_stages, phase->micro_batch};
        table_add(&table, quantity_large(phase->from_tokens).text);
        table_add(&table, quantity_large(phase->batch_tokens).text);
        for (size_t j = 0; j < sizeof layout / sizeof *layout; j++) {
            table_print_cell(&table, "%" PRIu32, layout[j]);
        }
        table_add(&table, quantity_seconds(phase->step_seconds).text);
        table_add(&table, quantity_count((uint64_t)phase->steps).text);
    }
    print_table(&table, ink, stream);
    print_constant(run, stream);
    arena_destroy(arena);
}

static void print_laws(const struct training_budget *budget, struct ink ink, FILE *stream)
{
    enum { COLUMNS = 8 };
    static const char *const headings[COLUMNS] = {"law",   "params", "tokens", "per param",
                                                  "batch", "steps",  "loss",   "own loss"};
    struct arena *arena = arena_create();
    struct table table = table_of(arena, ink, headings, COLUMNS);
    for (int i = 0; i < TRAINING_LAW_COUNT; i++) {
        const struct budget_row *row = &budget->rows[i];
        table_add(&table, scaling_law_name(row->law));
        table_add(&table, quantity_large(row->best.parameters).text);
        table_add(&table, quantity_large(row->best.tokens).text);
        table_add(&table, quantity_number(row->best.tokens / row->best.parameters).text);
        table_add(&table, quantity_large(row->best.batch_tokens).text);
        table_add(&table, quantity_count((uint64_t)row->steps).text);
        table_print_cell(&table, "%.4g", row->best.loss);
        table_print_cell(&table, "%.4g", row->own_loss);
    }
    print_table(&table, ink, stream);
    fputc('\n', stream);
    arena_destroy(arena);
}

void training_print_budget(const struct training_run *run, struct ink ink, FILE *stream)
{
    const struct training_budget *budget = &run->budget;
    if (budget->flop <= 0.0) {
        return;
    }
    fprintf(stream, "budget          %.4g FLOPs: %s GPU-hours, ", budget->flop,
            quantity_number(budget->gpu_hours).text);
    fprintf(stream, "%s here, ", quantity_duration(budget->seconds).text);
    fprintf(stream, "%s", quantity_joules(budget->joules).text);
    if (budget->dollars > 0.0) {
        fprintf(stream, ", %s", quantity_dollars(budget->dollars).text);
    }
    fputc('\n', stream);
    double served = run->scenario->training.budget.served_tokens;
    if (served > 0.0) {
        fprintf(stream, "served          %s tokens over its life, 2 FLOPs a parameter each: ",
                quantity_large(served).text);
        fprintf(
            stream, "%s of the budget with this model\n",
            quantity_percent(2.0 * llm_weights(&run->scenario->llm) * served / budget->flop).text);
    }
    print_laws(budget, ink, stream);
}
