/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace_blame.h"

#include "sim/base/arena.h"
#include "sim/base/fold.h"
#include "sim/base/quantity.h"
#include "sim/base/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 3, MOST_CHUNKS = 1024 };
/* What is no accident: a stage with the head, or a layer more, differs by less from the others. */
static const double slow_pace = 1.15, slow_exchange = 0.02;

/* Of a stage. */
struct account {
    double pace;     /* of its passes, over the median stage's; of two, the faster's */
    double waits;    /* seconds between its passes */
    double exchange; /* seconds from its last pass to its gradients reduced */
};

struct step {
    const struct trace_cell *cells; /* [cell_count], stage by stage in the order they ran */
    uint64_t cell_count;
    uint32_t stages, chunks;
    double seconds;
    struct account *accounts; /* [stages] */
};

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return count % 2 == 1 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

static void read_step(struct trace_reader *reader, struct arena *arena, struct step *step)
{
    uint64_t count = trace_reader_count(reader, TRACE_CELLS), i = 0;
    struct trace_cell *cells = ARENA_ARRAY(arena, struct trace_cell, count + 1);
    TRACE_READ_EACH(reader, TRACE_CELLS, struct trace_cell, cell)
    {
        cells[i++] = *cell;
        step->stages = cell->stage >= step->stages ? cell->stage + 1 : step->stages;
        step->chunks = cell->chunk >= step->chunks ? cell->chunk + 1 : step->chunks;
        step->seconds = fmax(step->seconds, cell->start_seconds + cell->duration_seconds);
    }
    step->cells = cells;
    step->cell_count = i;
    step->accounts = ARENA_ARRAY(arena, struct account, step->stages + 1);
    uint32_t stage = 0;
    TRACE_READ_EACH(reader, TRACE_STAGES, struct trace_stage, row)
    {
        if (stage < step->stages) {
            step->accounts[stage].exchange =
                fmax(row->exchange_end_seconds - row->end_seconds, 0.0);
            step->seconds = fmax(step->seconds, row->exchange_end_seconds);
        }
        stage++;
    }
}

/* Two stages have no median: each one's first passes are held against its own operators, which are
 * those of a GPU as it should be, and the one that needs more of them than the other is slow. */
static bool find_paces_of_two(struct trace_reader *reader, struct step *step)
{
    double passes[2] = {0.0, 0.0}, kernels[2] = {0.0, 0.0};
    uint32_t first = UINT32_MAX;
    for (uint64_t i = 0; i < step->cell_count; i++) {
        const struct trace_cell *cell = &step->cells[i];
        passes[cell->stage] += cell->micro_batch == 0 ? cell->duration_seconds : 0.0;
    }
    TRACE_READ_EACH(reader, TRACE_OPERATORS, struct trace_operator, op)
    {
        first = op->gpu < first ? op->gpu : first;
        kernels[op->gpu > first] += op->stream == STREAM_COMPUTE ? op->duration_seconds : 0.0;
    }
    if (kernels[0] <= 0.0 || kernels[1] <= 0.0) {
        return false;
    }
    double paces[2] = {passes[0] / kernels[0], passes[1] / kernels[1]};
    for (int stage = 0; stage < 2; stage++) {
        step->accounts[stage].pace = paces[stage] / fmin(paces[0], paces[1]);
    }
    return true;
}

/* Passes of a kind and part are compared with those of the same number on other stages. */
static void find_paces(struct arena *arena, struct step *step)
{
    size_t kinds = (size_t)KINDS * step->chunks;
    double *sums = ARENA_ARRAY(arena, double, step->stages *kinds);
    double *ended = ARENA_ARRAY(arena, double, step->stages);
    memset(sums, 0, step->stages * kinds * sizeof *sums);
    memset(ended, 0, step->stages * sizeof *ended);
    for (uint64_t i = 0; i < step->cell_count; i++) {
        const struct trace_cell *cell = &step->cells[i];
        size_t kind = (size_t)cell->kind % KINDS;
        sums[cell->stage * kinds + kind * step->chunks + cell->chunk] += cell->duration_seconds;
        step->accounts[cell->stage].waits += fmax(cell->start_seconds - ended[cell->stage], 0.0);
        ended[cell->stage] = cell->start_seconds + cell->duration_seconds;
    }
    double *others = ARENA_ARRAY(arena, double, step->stages);
    double *whole = ARENA_ARRAY(arena, double, step->stages);
    double all = 0.0;
    memset(whole, 0, step->stages * sizeof *whole);
    for (size_t kind = 0; kind < kinds; kind++) {
        for (uint32_t stage = 0; stage < step->stages; stage++) {
            others[stage] = sums[stage * kinds + kind];
            whole[stage] += others[stage];
        }
        all += median(others, step->stages);
    }
    for (uint32_t stage = 0; stage < step->stages; stage++) {
        step->accounts[stage].pace = all > 0.0 ? whole[stage] / all : 1.0;
    }
}

static void print_accounts(const struct step *step, struct arena *arena, size_t columns,
                           FILE *stream)
{
    static const char *const headings[] = {"stage", "pace", "waits", "exchange"};
    struct table table = table_create(arena, 4);
    for (size_t i = 0; i < 4; i++) {
        table_add(&table, headings[i]);
    }
    table.left[0] = false;
    for (uint32_t stage = 0; stage < step->stages; stage++) {
        const struct account *account = &step->accounts[stage];
        table_print_cell(&table, "%" PRIu32, stage);
        table_print_cell(&table, "%.2f", account->pace);
        table_add(&table, quantity_seconds(account->waits).text);
        table_add(&table, quantity_seconds(account->exchange).text);
    }
    struct text text = {.arena = arena};
    table_print(&table, columns, &text);
    fprintf(stream, "%s\n", text.bytes);
}

static const char *against(const struct step *step)
{
    return step->stages == 2 ? "other" : "median";
}

static const char *blame_card(const struct step *step, uint32_t stage, double usual,
                              struct arena *arena)
{
    const char *own = arena_strdup(arena, quantity_seconds(step->accounts[stage].exchange).text);
    return arena_printf(arena,
                        "blame           a network card of stage %" PRIu32
                        ": its gradients are reduced %s after its last pass, those of the %s "
                        "stage %s\n",
                        stage, own, against(step), quantity_seconds(usual).text);
}

/* A stage whose exchange ends late has a slow card, whose passes wait for parameters too; failing
 * that, the stage whose passes last longest has a slow GPU. */
static const char *verdict(const struct step *step, struct arena *arena)
{
    double *exchanges = ARENA_ARRAY(arena, double, step->stages);
    uint32_t slowest = 0, latest = 0;
    for (uint32_t stage = 0; stage < step->stages; stage++) {
        const struct account *account = &step->accounts[stage];
        slowest = account->pace > step->accounts[slowest].pace ? stage : slowest;
        latest = account->exchange > step->accounts[latest].exchange ? stage : latest;
        exchanges[stage] = account->exchange;
    }
    double usual =
        step->stages == 2 ? fmin(exchanges[0], exchanges[1]) : median(exchanges, step->stages);
    bool late = step->accounts[latest].exchange - usual >= slow_exchange * step->seconds;
    bool slow = step->accounts[slowest].pace >= slow_pace;
    if (late && (latest == slowest || !slow)) {
        return blame_card(step, latest, usual, arena);
    }
    return slow ? arena_printf(arena,
                               "blame           a GPU of stage %" PRIu32
                               ": its passes take %.2f times the %s stage's, and the others "
                               "wait for it\n",
                               slowest, step->accounts[slowest].pace, against(step))
                : arena_printf(arena,
                               "blame           nobody: no stage's passes take %.2f times the %s "
                               "stage's, and no exchange ends late\n",
                               slow_pace, against(step));
}

bool trace_blame(struct trace_reader *reader, const char *path, size_t columns, FILE *stream,
                 struct diagnostics *diagnostics)
{
    if (!trace_reader_has(reader, TRACE_CELLS) || !trace_reader_has(reader, TRACE_STAGES)) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = path}),
                       "has no passes of stages: blame reads the trace of a training run");
        return false;
    }
    struct arena *arena = arena_create();
    struct step step = {0};
    read_step(reader, arena, &step);
    if (step.stages < 2 || step.chunks > MOST_CHUNKS) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = path}),
                       "has %u stages; who is slow shows against others, of two stages or more",
                       step.stages);
        arena_destroy(arena);
        return false;
    }
    find_paces(arena, &step);
    if (step.stages == 2 && !find_paces_of_two(reader, &step)) {
        DIAGNOSE_ERROR(diagnostics, ((struct mark){.file = path}),
                       "has two stages, which are held against their operators, and none; "
                       "trace: {operators: layer} keeps some");
        arena_destroy(arena);
        return false;
    }
    print_accounts(&step, arena, columns, stream);
    struct text folded = {.arena = arena};
    fold(&folded, verdict(&step, arena), columns);
    fputs(folded.bytes, stream);
    arena_destroy(arena);
    return true;
}
