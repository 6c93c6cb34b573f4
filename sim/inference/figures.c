/* SPDX-License-Identifier: MIT */
#include "sim/inference/figures.h"

#include "models/step/time_class.h"
#include "sim/inference/quality_figures.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define PHASE(member) FIGURE_AT(struct phase_result, member)
#define RUN(member) FIGURE_AT(struct conversation_result, member)

static const char *ring_of(const void *subject)
{
    const struct phase_result *phase = subject;
    return ring_variant_name(phase->variant);
}

static bool has_other_ring(const void *subject)
{
    const struct phase_result *phase = subject;
    return phase->other_seconds > 0.0;
}

static const char *reads_most(const void *subject)
{
    const struct phase_result *phase = subject;
    return phase->sequences < phase->knee_sequences ? "weights" : "KV cache";
}

static double peak_memory_bytes(const void *subject)
{
    const struct conversation_result *result = subject;
    return memory_total_bytes(&result->fullest->memory);
}

/* One figure, a few lines. */
/* clang-format off */
static const struct figure prefill_figures[] = {
    {.name = "ttft_seconds", .unit = "s", PHASE(latency_seconds), .bare = true,
     .doc = "Time to first token."},
    {.name = "ring", .unit = "1", .kind = FIGURE_TEXT, .text = ring_of, .bare = true,
     .doc = "What ring attention passes round: `pass-KV`, `pass-Q`; `-` without context parallelism."},
    {.name = "other_ring_seconds", .unit = "s", PHASE(other_seconds), .applies = has_other_ring,
     .doc = "With `ring: auto`: what the other variant would take."},
};

static const struct figure decode_figures[] = {
    {.name = "tpot_seconds", .unit = "s", PHASE(latency_seconds), .bare = true,
     .doc = "Time per output token, the mean over the answer."},
    {.name = "ring", .unit = "1", .kind = FIGURE_TEXT, .text = ring_of,
     .doc = "As of a prefill; `pass-Q` always."},
    {.name = "tokens_per_second_per_gpu", .unit = "1/s", PHASE(tokens_per_second_per_gpu),
     .doc = "Output tokens of all conversations, a GPU and second."},
    {.name = "knee_sequences", .unit = "1", PHASE(knee_sequences),
     .doc = "The batch at which a step reads as many bytes of KV cache as of weights, at its mean context."},
    {.name = "reads_most", .unit = "1", .kind = FIGURE_TEXT, .text = reads_most,
     .doc = "`weights` below that batch, `KV cache` from it on."},
};

#define FORMER_RING(class) ((class) == TIME_RING)
#define CLASS(class, stem, word, heading, sentence)                                                 \
    {.name = stem "_seconds", .unit = "s", PHASE(breakdown.seconds[class]), .doc = sentence,       \
     .former_key = FORMER_RING(class) ? "phases[].seconds_by_class.ring_exposed"                   \
                                      : "phases[].seconds_by_class." stem,                         \
     .former_column = FORMER_RING(class) ? "ring_exposed_seconds" : NULL},

static const struct figure phase_figures[] = {
    {.name = "seconds", .unit = "s", PHASE(seconds), .doc = "How long it lasted."},
    TIME_CLASSES(CLASS)
    {.name = "flops", .unit = "FLOP", PHASE(flops),
     .doc = "Useful work of all GPUs; causal attention counts half the square."},
    {.name = "mfu", .unit = "1", PHASE(mfu),
     .doc = "flops / (seconds x dense bf16 peak of all GPUs)."},
    {.name = "nvlink_bytes", .unit = "B", PHASE(node_bytes), .doc = "As of the run."},
    {.name = "network_bytes", .unit = "B", PHASE(fabric_bytes), .doc = "As of the run."},
    {.name = "joules", .unit = "J", PHASE(joules), .doc = "Energy of all GPUs."},
    {.name = "sm_clock_hertz", .unit = "Hz", PHASE(clock_hertz),
     .doc = "The clock that a GPU settles to under its power limit."},
    {.name = "watts_per_gpu", .unit = "W", PHASE(watts), .doc = "Average power of a GPU."},
    {.name = "weight_bytes", .unit = "B", PHASE(memory.weight_bytes),
     .doc = "Weights in a GPU's memory.", .former_key = "phases[].memory_per_gpu.weight_bytes"},
    {.name = "kv_cache_bytes", .unit = "B", PHASE(memory.kv_cache_bytes),
     .doc = "KV cache in a GPU's memory at its end.",
     .former_key = "phases[].memory_per_gpu.kv_cache_bytes"},
    {.name = "activation_bytes", .unit = "B", PHASE(memory.activation_bytes),
     .doc = "Activations and buffers in a GPU's memory, at their largest.",
     .former_key = "phases[].memory_per_gpu.activation_bytes"},
};

static const struct figure run_figures[] = {
    {.name = "seconds", .unit = "s", RUN(seconds), .doc = "Simulated, of the whole run.",
     .former_key = "seconds"},
    {.name = "joules", .unit = "J", RUN(joules), .doc = "Energy of all GPUs.",
     .former_key = "joules"},
    {.name = "nvlink_bytes", .unit = "B", RUN(node_bytes), .former_key = "nvlink_bytes",
     .doc = "Crossed NVLink, of all GPUs, each byte counted once; protocol overhead included."},
    {.name = "network_bytes", .unit = "B", RUN(fabric_bytes), .former_key = "network_bytes",
     .doc = "Crossed network cards, likewise."},
    {.name = "peak_memory_bytes_per_gpu", .unit = "B", .number = peak_memory_bytes,
     .doc = "Used of a GPU's memory, in the fullest phase.",
     .former_column = "memory_bytes_per_gpu"},
    {.name = "events", .unit = "1", RUN(events), .former_key = "events",
     .doc = "Flows and timed activities that SimGrid played."},
};
/* clang-format on */

static const char *const either_phase[] = {"prefill_", "decode_", NULL};
static const char *const prefill[] = {"prefill_", NULL};
static const char *const decode[] = {"decode_", NULL};

const struct figure_table conversation_tables[CONVERSATION_TABLE_COUNT + 1] = {
    [CONVERSATION_PREFILL] = {.heading = "A prefill",
                              .doc = "",
                              .key = "phases[]",
                              .parts = prefill,
                              .figures = prefill_figures,
                              .count = COUNT_OF(prefill_figures)},
    [CONVERSATION_DECODE] = {.heading = "The decode of an answer",
                             .doc = "",
                             .key = "phases[]",
                             .parts = decode,
                             .figures = decode_figures,
                             .count = COUNT_OF(decode_figures)},
    [CONVERSATION_PHASE] = {.heading = "Either of the two",
                            .doc = "Where its time went is rank 0's; the seven parts, "
                                   "`gemm_seconds` to `idle_seconds`, add up to `seconds`.",
                            .key = "phases[]",
                            .parts = either_phase,
                            .figures = phase_figures,
                            .count = COUNT_OF(phase_figures)},
    [CONVERSATION_RUN] = {.heading = "A conversation",
                          .doc = "",
                          .key = "figures",
                          .figures = run_figures,
                          .count = COUNT_OF(run_figures)},
    [CONVERSATION_QUALITY] = {.heading = "The quality of its model",
                              .doc = "When the scenario has `quality:`. By the laws of arXiv "
                                     "2411.04330; `null` where they or the paper's tables say "
                                     "nothing.",
                              .key = "figures",
                              .figures = quality_figures,
                              .count = QUALITY_FIGURE_COUNT},
};

/* The first figures of a table, or those after them. */
static struct figure_table first_of(enum conversation_table which)
{
    struct figure_table table = conversation_tables[which];
    table.count = 1;
    return table;
}

static struct figure_table rest_of(enum conversation_table which)
{
    struct figure_table table = conversation_tables[which];
    table.figures++;
    table.count--;
    return table;
}

static enum conversation_table table_of(const struct phase_result *phase)
{
    return phase->phase == PHASE_PREFILL ? CONVERSATION_PREFILL : CONVERSATION_DECODE;
}

void conversation_figures(const struct conversation_result *result, bool former,
                          struct metric_list *figures)
{
    struct figure_naming naming = {.former = former};
    for (uint32_t i = 0; i < result->phase_count; i++) {
        const struct phase_result *phase = &result->phases[i];
        const struct figure_table latency = first_of(table_of(phase));
        naming.turn = phase->turn;
        figures_collect(&latency, phase, naming, figures);
    }
    naming.turn = 0;
    figures_collect(&conversation_tables[CONVERSATION_RUN], result, naming, figures);
    figures_collect(&conversation_tables[CONVERSATION_QUALITY], result, naming, figures);
    for (uint32_t i = 0; i < result->phase_count; i++) {
        const struct phase_result *phase = &result->phases[i];
        const struct figure_table own = rest_of(table_of(phase));
        naming =
            (struct figure_naming){.turn = phase->turn, .part = own.parts[0], .former = former};
        figures_collect(&own, phase, naming, figures);
        figures_collect(&conversation_tables[CONVERSATION_PHASE], phase, naming, figures);
    }
}
