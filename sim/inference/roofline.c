/* SPDX-License-Identifier: MIT */
#include "sim/inference/roofline.h"

#include "sim/base/quantity.h"
#include "sim/base/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the time that a collective takes, what the links would need at their peak: the card, whose
 * GPUs share it, for what leaves the node, NVLink for the rest. */
struct link_shares {
    double card, node;
};

static struct link_shares link_shares(const struct cluster *cluster,
                                      const struct operator_total *total)
{
    double card = cluster->nic_bytes_per_second * cluster->nics_per_node / cluster->gpus_per_node;
    if (total->seconds <= 0.0) {
        return (struct link_shares){0};
    }
    return (struct link_shares){
        .card = total->fabric_bytes > 0.0 ? total->fabric_bytes / card / total->seconds : 0.0,
        .node =
            (total->bytes - total->fabric_bytes) / cluster->node_bytes_per_second / total->seconds};
}

static double peak_share(const struct scenario *scenario, const struct roofline_row *row)
{
    const struct operator_total *total = row->total;
    switch (total->bound) {
    case BOUND_COMPUTE:
        return row->flops_per_second / scenario->gpu.dense_flops_per_second[total->format];
    case BOUND_MEMORY:
        return row->bytes_per_second / scenario->gpu.memory_bytes_per_second;
    case BOUND_NETWORK: {
        struct link_shares shares = link_shares(&scenario->cluster, total);
        return fmax(shares.card, shares.node);
    }
    case BOUND_LAUNCH:
        break;
    }
    return 0.0;
}

static int by_seconds(const void *left, const void *right)
{
    const struct roofline_row *a = left, *b = right;
    if (a->seconds < b->seconds || a->seconds > b->seconds) {
        return a->seconds > b->seconds ? -1 : 1;
    }
    return (a->total > b->total) - (a->total < b->total);
}

struct roofline roofline_of_phase(const struct scenario *scenario, const struct phase_result *phase,
                                  struct arena *arena)
{
    const struct operator_totals *totals = phase->totals;
    struct roofline roofline = {
        .rows = ARENA_ARRAY(arena, struct roofline_row, (size_t)totals->count + 1),
        .step_seconds = totals->step_seconds,
    };
    double attributed = 0.0;
    for (uint32_t i = 0; i < totals->count; i++) {
        const struct operator_total *total = &totals->totals[i];
        struct roofline_row *row = &roofline.rows[roofline.row_count++];
        *row = (struct roofline_row){
            .total = total,
            .calls = (double)total->calls * total->repeat,
            .seconds = total->exposed_seconds * total->repeat,
            .hidden_seconds = fmax(total->seconds - total->exposed_seconds, 0.0) * total->repeat,
        };
        if (total->seconds > 0.0) {
            row->flops_per_second = total->flops / total->seconds;
            row->bytes_per_second = total->bytes / total->seconds;
        }
        row->peak_share = peak_share(scenario, row);
        roofline.bound_seconds[total->bound] += row->seconds;
        attributed += row->seconds;
    }
    roofline.wait_seconds = fmax(roofline.step_seconds - attributed, 0.0);
    if (roofline.wait_seconds > 1e-6 * roofline.step_seconds) {
        roofline.rows[roofline.row_count++] =
            (struct roofline_row){.total = NULL, .seconds = roofline.wait_seconds};
    }
    qsort(roofline.rows, roofline.row_count, sizeof *roofline.rows, by_seconds);
    return roofline;
}

/* --- text --- */

enum { NAME_BYTES = 64 };

static void row_name(const struct roofline_row *row, char *name)
{
    if (row->total == NULL) {
        snprintf(name, NAME_BYTES, "(waits for other ranks)");
        return;
    }
    bool distinct = row->total->distinct;
    snprintf(name, NAME_BYTES, "%s%s%s%s", row->total->name, distinct ? " (" : "",
             distinct ? row->total->segment : "", distinct ? ")" : "");
}

static void add_rate(struct table *table, double rate, double unit)
{
    if (rate > 0.0) {
        table_print_cell(table, rate >= 100.0 * unit ? "%.0f" : "%.3g", rate / unit);
    } else {
        table_add(table, "-");
    }
}

static void add_row(const struct roofline *roofline, const struct roofline_row *row, bool hidden,
                    struct table *table)
{
    char name[NAME_BYTES];
    row_name(row, name);
    table_add(table, name);
    table_add(table, quantity_number(row->calls).text);
    table_add(table, quantity_seconds(row->seconds).text);
    if (hidden) {
        table_add(table,
                  row->hidden_seconds > 0.0 ? quantity_seconds(row->hidden_seconds).text : "-");
    }
    table_add(table, quantity_percent(row->seconds / roofline->step_seconds).text);
    table_add(table, row->total == NULL                  ? "-"
                     : row->total->kind == OPERATOR_HOST ? "host"
                                                         : bound_name(row->total->bound));
    add_rate(table, row->flops_per_second, 1e12);
    add_rate(table, row->bytes_per_second, 1e9);
    bool from_cache = row->total != NULL && row->total->bound == BOUND_MEMORY;
    table_add(table, row->peak_share > 1.0 && from_cache ? "L2"
                     : row->peak_share > 0.0             ? quantity_percent(row->peak_share).text
                                                         : "-");
}

static void print_rows(const struct roofline *roofline, size_t width, struct text *text)
{
    bool hidden = false;
    for (size_t i = 0; i < roofline->row_count; i++) {
        hidden = hidden || roofline->rows[i].hidden_seconds > 0.0;
    }
    struct table table = table_create(text->arena, hidden ? 9 : 8);
    table.left[hidden ? 5 : 4] = true;
    static const char *const headings[] = {"operator", "calls",   "time", "hidden", "share",
                                           "bound",    "TFLOP/s", "GB/s", "of peak"};
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++) {
        if (i != 3 || hidden) {
            table_add(&table, headings[i]);
        }
    }
    for (size_t i = 0; i < roofline->row_count; i++) {
        add_row(roofline, &roofline->rows[i], hidden, &table);
    }
    table_print(&table, width, text);
}

/* A GPU under its power limit runs faster than the clock that its data sheet counts by. */
static void print_boost(const struct gpu *gpu, const struct roofline *roofline, struct text *text)
{
    for (size_t i = 0; i < roofline->row_count; i++) {
        const struct roofline_row *row = &roofline->rows[i];
        if (row->total != NULL && row->total->bound == BOUND_COMPUTE && row->peak_share > 1.0) {
            text_print(text,
                       "Over 100 %%: the peak is the data sheet's, at %.2f GHz; the clock goes up "
                       "to %.2f GHz.\n",
                       gpu->rated_clock_hertz / 1e9, gpu->boost_clock_hertz / 1e9);
            return;
        }
    }
}

/* What the longest operator is held up by. */
static void print_culprit(const struct scenario *scenario, const struct phase_result *phase,
                          const struct roofline_row *row, struct text *text)
{
    if (row->total == NULL) {
        text_add(text, "the GPU waits for other ranks");
        return;
    }
    if (row->total->kind == OPERATOR_HOST) {
        text_add(text, "the GPU waits for its host there");
        return;
    }
    double call = row->calls > 0.0 ? row->seconds / row->calls : 0.0;
    switch (row->total->bound) {
    case BOUND_COMPUTE:
        text_print(text, "it computes at %.3g TFLOP/s, %s of the %s peak",
                   row->flops_per_second / 1e12, quantity_percent(row->peak_share).text,
                   format_name(row->total->format));
        if (phase->clock_hertz < 0.995 * scenario->gpu.boost_clock_hertz) {
            text_print(text, ", with the clock at %.2f of %.2f GHz under the power limit",
                       phase->clock_hertz / 1e9, scenario->gpu.boost_clock_hertz / 1e9);
        }
        break;
    case BOUND_MEMORY:
        text_print(text, "it reads and writes at %.0f GB/s, %s of the memory's peak",
                   row->bytes_per_second / 1e9, quantity_percent(row->peak_share).text);
        break;
    case BOUND_NETWORK: {
        struct link_shares shares = link_shares(&scenario->cluster, row->total);
        text_print(text, "a call takes %s and reaches %s of the %s's rate: %s",
                   quantity_seconds(call).text, quantity_percent(row->peak_share).text,
                   shares.card > shares.node ? "network card" : "NVLink",
                   row->peak_share < 0.5 ? "latency" : "bandwidth");
        break;
    }
    case BOUND_LAUNCH:
        text_print(text, "its %.0f calls of %s are mostly launch", row->calls,
                   quantity_seconds(call).text);
        break;
    }
}

static void print_why(const struct scenario *scenario, const struct phase_result *phase,
                      const struct roofline *roofline, struct text *text)
{
    const struct roofline_row *longest = &roofline->rows[0];
    char name[NAME_BYTES];
    row_name(longest, name);
    text_print(text, "Why: %s takes %s of the step; ", name,
               quantity_percent(longest->seconds / roofline->step_seconds).text);
    print_culprit(scenario, phase, longest, text);
    text_add(text, ". By bound:");
    for (int bound = BOUND_COMPUTE; bound <= BOUND_NETWORK; bound++) {
        text_print(text, "%s %s %s", bound == BOUND_COMPUTE ? "" : ",",
                   bound == BOUND_LAUNCH ? "launch and host" : bound_name((enum bound)bound),
                   quantity_percent(roofline->bound_seconds[bound] / roofline->step_seconds).text);
    }
    if (roofline->wait_seconds > 1e-3 * roofline->step_seconds) {
        text_print(text, ", waits for other ranks %s",
                   quantity_percent(roofline->wait_seconds / roofline->step_seconds).text);
    }
    text_add(text, ".\n");
}

void roofline_print(const struct scenario *scenario, const struct conversation_result *result,
                    size_t width, struct text *text)
{
    text_print(text, "%s\n", scenario->title);
    for (uint32_t i = 0; i < result->phase_count; i++) {
        const struct phase_result *phase = &result->phases[i];
        struct roofline roofline = roofline_of_phase(scenario, phase, text->arena);
        text_print(text, "\n%s turn %" PRIu32 ": %s new tokens on %s cached, a step takes %s\n",
                   phase->phase == PHASE_PREFILL ? "prefill" : "decode", phase->turn,
                   quantity_count(phase->new_tokens).text,
                   quantity_count(phase->cached_tokens).text,
                   quantity_seconds(roofline.step_seconds).text);
        print_rows(&roofline, width, text);
        print_boost(&scenario->gpu, &roofline, text);
        print_why(scenario, phase, &roofline, text);
    }
}
