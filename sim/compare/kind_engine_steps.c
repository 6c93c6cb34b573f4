/* SPDX-License-Identifier: MIT
 * Steps of a serving engine as its scheduler logs them (analysis/engine_log.py): a whole forward
 * pass of a batch, at the engine's pace. */
#include "models/passes/step_price.h"
#include "models/passes/transformer.h"
#include "sim/compare/shapes.h"
#include "sim/compare/stack.h"

#include <math.h>

static const char *const columns[] = {
    "model",        "tensor",      "requests",  "tokens",  "chunks",
    "chunk_tokens", "chunk_pairs", "kv_tokens", "step_ms", NULL};

struct engine_step {
    uint64_t requests, tokens, chunks, chunk_tokens, kv_tokens;
    double chunk_pairs;
};

static struct engine_step read_step(struct measurement *row)
{
    struct engine_step step = {
        .requests = measurement_count(row, "requests", 1, ROW_MOST),
        .tokens = measurement_count(row, "tokens", 1, ROW_MOST),
        .chunks = measurement_count(row, "chunks", 0, ROW_MOST),
        .chunk_tokens = measurement_count(row, "chunk_tokens", 0, ROW_MOST),
        .kv_tokens = measurement_count(row, "kv_tokens", 1, 1000000000),
        .chunk_pairs = measurement_number(row, "chunk_pairs", 0, 1e15),
    };
    if (!row->wrong && step.chunks > step.requests) {
        measurement_complain(row, "chunks", "more chunks than requests");
    } else if (!row->wrong && (step.chunks > 0) != (step.chunk_tokens > 0)) {
        measurement_complain(row, "chunk_tokens", "chunks have tokens, and nothing else has");
    }
    return step;
}

/* Chunks as so many alike: of each, new tokens n and c cached have n (c + n / 2) pairs. What they
 * leave of the cached tokens is of those that decode. Returns the number of slices. */
static uint32_t slices_of(const struct engine_step *step, struct batch_slice *slices)
{
    uint32_t count = 0;
    uint64_t decodes = step->requests - step->chunks;
    double of_chunks = 0.0;
    struct batch_slice chunks = {.phase = PHASE_PREFILL, .sequences = (uint32_t)step->chunks};
    if (step->chunks > 0) {
        double each = (double)step->chunk_tokens / (double)step->chunks;
        double cached = fmax(0.0, step->chunk_pairs / (double)step->chunks / each - 0.5 * each);
        chunks.new_tokens = (uint64_t)fmax(1.0, round(each));
        chunks.cached_tokens = (uint64_t)llround(cached);
        of_chunks = (double)step->chunks * (each + cached);
    }
    if (decodes > 0) {
        double held = fmax(0.0, (double)step->kv_tokens - of_chunks);
        slices[count++] =
            (struct batch_slice){.phase = PHASE_DECODE,
                                 .sequences = (uint32_t)decodes,
                                 .new_tokens = 1,
                                 .cached_tokens = (uint64_t)llround(held / (double)decodes)};
    }
    if (step->chunks > 0) {
        slices[count++] = chunks;
    }
    return count;
}

static double price_seconds(const struct measurement *row, const struct replica *replica,
                            const struct batch *batch)
{
    size_t room = transformer_room(replica, batch->slice_count);
    struct step_scratch scratch = {
        .spans = ARENA_ARRAY(row->scratch, struct span, room),
        .works = ARENA_ARRAY(row->scratch, struct kernel_work, room),
        .counts = ARENA_ARRAY(row->scratch, double, room),
    };
    struct step_program *program = ARENA_NEW(row->scratch, struct step_program);
    transformer_build(replica, batch, RING_NONE,
                      ARENA_ARRAY(row->scratch, struct step_operator, room), program);
    step_price(replica, program, &scratch);
    double seconds = 0.0; /* with what is waited for until the host has launched a layer */
    for (uint32_t i = 0; i < program->segment_count; i++) {
        const struct step_segment *segment = &program->segments[i];
        seconds += segment->repeat * segment_play(program, segment, scratch.spans);
    }
    return seconds;
}

static const char *class_of(const struct measurement *row, const struct engine_step *step,
                            uint64_t tensor)
{
    static const uint64_t sequences[] = {1, 8, 32, 128, 512};
    static const uint64_t tokens[] = {512, 2048, 8192};
    const char *ranks = tensor > 1 ? ", several ranks" : "";
    if (step->chunks == 0) {
        for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
            if (step->requests <= sequences[i]) {
                return arena_printf(row->arena, "steps that decode, up to %llu sequences%s",
                                    (unsigned long long)sequences[i], ranks);
            }
        }
        return arena_printf(row->arena, "steps that decode, more sequences%s", ranks);
    }
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        if (step->tokens <= tokens[i]) {
            return arena_printf(row->arena, "steps with prompts, up to %llu tokens%s",
                                (unsigned long long)tokens[i], ranks);
        }
    }
    return arena_printf(row->arena, "steps with prompts, more tokens%s", ranks);
}

/* The scheduler's own time, of an engine whose loop has one; logs round it to a microsecond. */
static void compare_scheduler(struct measurement *row, const struct engine_step *step)
{
    static const uint64_t sequences[] = {8, 32, 128, 512};
    const struct engine_loop *loop = &row->machine.software->loop;
    bool logged = measurement_has(row, "schedule_ms") &&
                  measurement_number(row, "schedule_ms", 0, 1e6) >= 1e-3;
    if (!logged || loop->schedule_seconds <= 0.0) {
        return;
    }
    const char *class = "scheduler, more sequences";
    for (size_t i = sizeof sequences / sizeof *sequences; i > 0; i--) {
        if (step->requests <= sequences[i - 1]) {
            class = arena_printf(row->arena, "scheduler, up to %llu sequences",
                                 (unsigned long long)sequences[i - 1]);
        }
    }
    double seconds =
        loop->schedule_seconds + (double)step->requests * loop->schedule_sequence_seconds;
    measurement_compare(row, class, "schedule_ms", 1e3 * seconds);
}

static void predict(struct measurement *row)
{
    const struct llm *llm = row_llm(row);
    uint64_t tensor = measurement_count(row, "tensor", 1, 1024);
    uint64_t expert =
        measurement_has(row, "expert") ? measurement_count(row, "expert", 1, 1024) : 1;
    struct engine_step step = read_step(row);
    if (!row->wrong && expert > 1 && tensor % expert != 0) {
        measurement_complain(row, "expert", "expert ranks are the tensor ranks, or divide them");
    }
    const struct number wide = {.format = FORMAT_BF16, .scaling = SCALING_NONE};
    struct precision precision = {.attention_weights = wide,
                                  .ffn_weights = wide,
                                  .embedding = wide,
                                  .activations = FORMAT_BF16,
                                  .kv_cache = FORMAT_BF16};
    if (csv_column(row->csv, "precision") != CSV_NO_COLUMN) {
        precision = row_precision(row);
    }
    if (row->wrong) {
        return;
    }
    struct layout layout = {.tensor = (uint32_t)tensor,
                            .context = 1,
                            .pipeline = 1,
                            .data = 1,
                            .expert = (uint32_t)expert};
    struct replica replica = {.llm = llm,
                              .gpu = row->machine.gpu,
                              .cluster = row->machine.cluster,
                              .software = row->machine.software,
                              .layout = &layout,
                              .precision = &precision};
    struct batch_slice slices[2];
    struct batch batch = {.slices = slices, .slice_count = slices_of(&step, slices)};
    double seconds = price_seconds(row, &replica, &batch);
    measurement_compare(row, class_of(row, &step, tensor), "step_ms", 1e3 * seconds);
    compare_scheduler(row, &step);
}

const struct measurement_kind kind_engine_steps = {
    .name = "engine-steps",
    .doc = "steps of a serving engine as its scheduler logs them; with one GPU, a step of more "
           "tokens than the CUDA graphs and the one before it count as each other's",
    .columns = columns,
    .cluster = true,
    .software = "vllm",
    .predict = predict,
};
