/* SPDX-License-Identifier: MIT */
#include "sim/inference/summary.h"

#include "sim/base/quantity.h"
#include "sim/base/table.h"
#include "sim/inference/summary_quality.h"

#include <inttypes.h>
#include <math.h>

enum { NAME_BYTES = 32 };

static bool has_ring(const struct scenario *scenario)
{
    return scenario->layout.context > 1;
}

/* The columns of time: a class shows when any phase spent some. */
static bool is_shown(const struct conversation_result *result, int time_class)
{
    return result->breakdown.seconds[time_class] > 0.0 || time_class <= TIME_MEMORY;
}

static void phase_name(const struct phase_result *phase, char *name, size_t size)
{
    snprintf(name, size, "%-7s turn %" PRIu32, phase->phase == PHASE_PREFILL ? "prefill" : "decode",
             phase->turn);
}

static void add_name(const struct phase_result *phase, struct table *table)
{
    char name[NAME_BYTES];
    phase_name(phase, name, sizeof name);
    table_add(table, name);
}

static void print_table(const struct table *table, struct ink ink, FILE *stream)
{
    struct text text = {.arena = table->arena};
    table_print(table, ink.columns, &text);
    fputs(text.bytes, stream);
}

/* What one asks first. */
static void print_phases(const struct conversation_result *result, struct ink ink,
                         struct arena *arena, FILE *stream)
{
    enum { COLUMNS = 6 };
    static const char *const headings[COLUMNS] = {"phase", "new tokens", "cached",
                                                  "ring",  "latency",    "MFU"};
    struct table table = table_create(arena, COLUMNS);
    table.before = ink.dim, table.after = ink.plain;
    table.left[3] = true;
    for (size_t i = 0; i < COLUMNS; i++) {
        table_add(&table, headings[i]);
    }
    for (uint32_t i = 0; i < result->phase_count; i++) {
        const struct phase_result *phase = &result->phases[i];
        add_name(phase, &table);
        table_add(&table, quantity_count(phase->new_tokens).text);
        table_add(&table, quantity_count(phase->cached_tokens).text);
        table_add(&table, ring_variant_name(phase->variant));
        table_print_cell(&table, "%s %9s", phase->phase == PHASE_PREFILL ? "TTFT" : "TPOT",
                         quantity_seconds(phase->latency_seconds).text);
        table_add(&table, quantity_percent(phase->mfu).text);
    }
    print_table(&table, ink, stream);
}

/* ... and where the time went: the classes that any phase spent some in. */
static void print_shares(const struct conversation_result *result, struct ink ink,
                         struct arena *arena, FILE *stream)
{
    size_t shown = 0;
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        shown += is_shown(result, i);
    }
    struct table table = table_create(arena, 1 + shown);
    table.before = ink.dim, table.after = ink.plain;
    table_add(&table, "share of time");
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        if (is_shown(result, i)) {
            table_add(&table, time_class_heading((enum time_class)i));
        }
    }
    for (uint32_t i = 0; i < result->phase_count; i++) {
        const struct breakdown *breakdown = &result->phases[i].breakdown;
        double total = breakdown_total_seconds(breakdown);
        add_name(&result->phases[i], &table);
        for (int j = 0; j < TIME_CLASS_COUNT; j++) {
            if (is_shown(result, j)) {
                table_add(&table, quantity_percent(breakdown->seconds[j] / total).text);
            }
        }
    }
    print_table(&table, ink, stream);
}

/* Of the time that a phase's products would take at the bf16 peak, the share that they would take
 * at the peaks of the formats they run in. 1: all are bf16. */
static double time_at_own_peaks(const struct scenario *scenario, const struct phase_result *phase)
{
    const double *peaks = scenario->gpu.dense_flops_per_second;
    double at_bf16 = 0.0, at_own = 0.0;
    for (uint32_t i = 0; i < phase->totals->count; i++) {
        const struct operator_total *total = &phase->totals->totals[i];
        bool product = total->flops > 0.0 && total->format != FORMAT_UNSET;
        if (product && peaks[total->format] > 0.0) {
            at_bf16 += total->flops * total->repeat / peaks[FORMAT_BF16];
            at_own += total->flops * total->repeat / peaks[total->format];
        }
    }
    return at_bf16 > 0.0 ? at_own / at_bf16 : 1.0;
}

/* The column is of the bf16 peak, as people compare it; products in fp8 may pass that. */
static void print_peak(const struct scenario *scenario, const struct conversation_result *result,
                       FILE *stream)
{
    double highest = 0.0;
    bool others = false;
    for (uint32_t i = 0; i < result->phase_count; i++) {
        double share = time_at_own_peaks(scenario, &result->phases[i]);
        others = others || share != 1.0;
        highest = fmax(highest, result->phases[i].mfu * share);
    }
    if (others) {
        fprintf(stream,
                "MFU is of the bf16 peak, %s TFLOP/s; of the formats' own peaks %s at most\n",
                quantity_number(gpu_stated_flops_per_second(&scenario->gpu) / 1e12).text,
                quantity_percent(highest).text);
    }
}

/* What the rule compared: Algorithms 1 and 5 ask whether a hop hides under attention, and whether Q
 * is smaller than KV. */
static void print_comparison(const struct ring_answer *answer, const struct phase_result *phase,
                             FILE *stream)
{
    double tokens = (double)phase->new_tokens;
    fprintf(stream, "T = %s is %s %s, ", quantity_count(phase->new_tokens).text,
            tokens >= answer->tokens_threshold ? "at least" : "under",
            quantity_number(answer->tokens_threshold).text);
    fprintf(stream, "T/(T+P) = %s is %s %s", quantity_percent(answer->miss_rate).text,
            answer->miss_rate >= answer->miss_threshold ? "at least" : "under",
            quantity_percent(answer->miss_threshold > 0.0 ? answer->miss_threshold : 0.0).text);
}

static void print_reason(const struct scenario *scenario, const struct phase_result *phase,
                         FILE *stream)
{
    const char *variant = ring_variant_name(phase->variant);
    fprintf(stream, "turn %" PRIu32 " prefill: %s", phase->turn, variant);
    switch (scenario->ring_rule) {
    case RING_RULE_PASS_KV:
    case RING_RULE_PASS_Q:
    case RING_RULE_ALL_GATHER:
    case RING_RULE_TREE:
        fputs(", as the scenario says", stream);
        break;
    case RING_RULE_AUTO:
        fprintf(stream, " is the faster: %s would take %s. ",
                ring_variant_name(phase->variant == RING_PASS_KV ? RING_PASS_Q : RING_PASS_KV),
                quantity_seconds(phase->other_seconds).text);
        fprintf(stream, "Algorithm 5 says %s: ", ring_variant_name(phase->answer.variant));
        print_comparison(&phase->answer, phase, stream);
        break;
    case RING_RULE_HEURISTIC:
        fprintf(stream, ", since appendix D's h(T, P) = %.3f is %s", phase->answer.heuristic,
                phase->answer.heuristic > 0.0 ? "positive" : "not positive");
        break;
    case RING_RULE_ALGORITHM_1:
    case RING_RULE_ALGORITHM_5:
    case RING_RULE_MIXED:
        fprintf(stream,
                " by Algorithm %c: ", scenario->ring_rule == RING_RULE_ALGORITHM_1 ? '1' : '5');
        print_comparison(&phase->answer, phase, stream);
        break;
    case RING_RULE_COUNT:
        break;
    }
    fputs(".\n", stream);
}

static void print_reasons(const struct scenario *scenario, const struct conversation_result *result,
                          FILE *stream)
{
    bool decodes = false;
    for (uint32_t i = 0; i < result->phase_count; i++) {
        const struct phase_result *phase = &result->phases[i];
        if (phase->phase == PHASE_PREFILL) {
            print_reason(scenario, phase, stream);
        }
        decodes = decodes || phase->phase == PHASE_DECODE;
    }
    bool ring =
        scenario->ring_rule != RING_RULE_ALL_GATHER && scenario->ring_rule != RING_RULE_TREE;
    if (decodes && !ring) {
        fputs("decode: queries are gathered, each rank attends to its own share of the cache.\n",
              stream);
    } else if (decodes) {
        fputs("decode: pass-Q always, for one query is smaller than any cache (Algorithm 4).\n",
              stream);
    }
}

static void print_memory(const struct scenario *scenario, const struct conversation_result *result,
                         FILE *stream)
{
    const struct phase_result *fullest = result->fullest;
    const struct memory_use *use = &fullest->memory;
    char name[NAME_BYTES];
    phase_name(fullest, name, sizeof name);
    fprintf(stream, "memory per GPU  weights %s, KV cache %s, activations %s: ",
            quantity_bytes(use->weight_bytes).text, quantity_bytes(use->kv_cache_bytes).text,
            quantity_bytes(use->activation_bytes).text);
    fprintf(stream, "%s of %s at most (%s)\n", quantity_bytes(memory_total_bytes(use)).text,
            quantity_bytes(scenario->gpu.memory_bytes).text, name);
}

void summary_print(const struct conversation_result *result, struct ink ink, FILE *stream)
{
    const struct scenario *scenario = result->scenario;
    struct arena *arena = arena_create();
    print_phases(result, ink, arena, stream);
    print_peak(scenario, result, stream);
    fputc('\n', stream);
    print_shares(result, ink, arena, stream);
    arena_destroy(arena);
    if (has_ring(scenario)) {
        fputs("* exposed: ring time not hidden under attention\n\n", stream);
        print_reasons(scenario, result, stream);
    }
    fputc('\n', stream);
    print_memory(scenario, result, stream);
    fprintf(stream, "bytes moved     %s over NVLink", quantity_bytes(result->node_bytes).text);
    fprintf(stream, ", %s between nodes\n", quantity_bytes(result->fabric_bytes).text);
    fprintf(stream, "energy          %s\n", quantity_joules(result->joules).text);
    summary_print_quality(result, stream);
    fprintf(stream, "total           %s simulated\n", quantity_seconds(result->seconds).text);
}
