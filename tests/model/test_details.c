/* SPDX-License-Identifier: MIT
 * Folded, full and in closed form: one answer. Random valid scenarios (seeded), small enough for
 * seconds: every exchange, schedule and sharding. Catches a rank that talks to the wrong one, a
 * stand-in that stands for what is not alike, and a rule that one of the executors does not know.
 *
 * Within 1e-9 for a conversation's programs. A training step moves whole bytes where the closed
 * form moves fractions: 1e-6. Where links are shared the closed form knows nothing of it and
 * SimGrid takes no less: replicas' exchanges beside what goes to other stages, two GPUs on one
 * network card. */
#include "models/numeric/random.h"
#include "models/passes/step_price.h"
#include "run_tests.h"
#include "sim/engine/engine.h"
#include "sim/scenario/replica.h"
#include "sim/scenario/training_scratch.h"
#include "sim/scenario/training_setup.h"
#include "sim/training/training_experts.h"
#include "sim/training/training_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TRAINING_CASES = 160,
    PROGRAM_CASES = 120,
    EXPERT_CASES = 40,
    SETS = 32,
    SET_BYTES = 80,
    TRIES = 4000
};

/* A scenario as it is drawn: what --set would be given. */
struct draw {
    char sets[SETS][SET_BYTES];
    size_t count;
};

#define ADD(draw, ...) snprintf((draw)->sets[(draw)->count++], SET_BYTES, __VA_ARGS__)
#define PICK(stream, ...)                                                                          \
    ((const char *const[]){__VA_ARGS__})[random_between(                                           \
        stream, 0, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *) - 1)]

static uint32_t power(struct random_stream *stream, uint32_t most)
{
    return 1U << random_between(stream, 0, most);
}

static const struct scenario *load(struct arena *arena, const char *file, const struct draw *draw)
{
    struct override overrides[SETS];
    for (size_t i = 0; i < draw->count; i++) {
        overrides[i] = (struct override){.text = draw->sets[i]};
    }
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load(arena, arena_printf(arena, CPSIM_SOURCE_DIR "/scenarios/%s", file), overrides,
                      draw->count, diagnostics);
    diagnostics_destroy(diagnostics);
    return scenario; /* NULL: the draw is no valid scenario */
}

struct answers {
    double closed, folded, full;
};

/* One engine a process: `play` runs in a child, told `what` to do. */
static struct answers in_child(struct answers (*play)(const struct scenario *scenario,
                                                      const void *what),
                               const struct scenario *scenario, const void *what)
{
    int result[2];
    ck_assert_int_eq(pipe(result), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct answers answers = play(scenario, what);
        ssize_t written = write(result[1], &answers, sizeof answers);
        _exit(written == sizeof answers ? 0 : 1);
    }
    struct answers answers = {0};
    close(result[1]);
    ck_assert_int_eq(read(result[0], &answers, sizeof answers), sizeof answers);
    close(result[0]);
    waitpid(child, NULL, 0);
    return answers;
}

static void say(const struct draw *draw, const struct answers *answers, const char *kind)
{
    printf("%s: closed form %.12g s, folded %+.3g, full %+.3g:", kind, answers->closed,
           answers->folded / answers->closed - 1.0, answers->full / answers->closed - 1.0);
    for (size_t i = 0; i < draw->count; i++) {
        printf(" --set %s", draw->sets[i]);
    }
    printf("\n");
}

/* --- training --- */

static void draw_training(struct random_stream *stream, struct draw *draw)
{
    uint32_t tensor = power(stream, 3), context = power(stream, 1);
    uint32_t pipeline = (uint32_t)random_between(stream, 1, 4);
    uint32_t data = (uint32_t)random_between(stream, 1, 4);
    const char *schedule =
        PICK(stream, "gpipe", "1f1b", "interleaved", "zero-bubble", "zbv", "loop-bfs", "dualpipev");
    *draw = (struct draw){0};
    ADD(draw, "cluster=%s", PICK(stream, "p5", "dgx-h100", "gti"));
    ADD(draw, "cluster.nodes=16");
    ADD(draw, "cluster.nics_per_node=%s", PICK(stream, "8", "8", "8", "4"));
    ADD(draw, "gpu=h100-sxm");
    ADD(draw, "software=%s",
        PICK(stream, "pytorch-training", "pytorch-training-bf16", "megatron", "torchtitan"));
    ADD(draw, "memory.fraction=1");
    ADD(draw, "model.layers=%" PRIu64, random_between(stream, 1, 9));
    ADD(draw, "layout.tensor=%u", tensor);
    ADD(draw, "layout.context=%u", context);
    ADD(draw, "layout.pipeline=%u", pipeline);
    ADD(draw, "layout.data=%u", data);
    ADD(draw, "workload.schedule=%s", schedule);
    ADD(draw, "workload.virtual_stages=%" PRIu64,
        schedule[0] == 'g' || schedule[0] == '1' ? 1
        : schedule[0] == 'd'                     ? 2
                                                 : random_between(stream, 1, 2));
    ADD(draw, "workload.micro_batch=1");
    ADD(draw, "workload.global_batch=%" PRIu64, data * pipeline * random_between(stream, 1, 3));
    ADD(draw, "workload.sequence=%u tokens", 512U * power(stream, 3));
    ADD(draw, "workload.sharding=%s", PICK(stream, "none", "zero1", "fsdp", "fsdp"));
    ADD(draw, "workload.reshard_after_forward=%s", PICK(stream, "true", "false"));
    ADD(draw, "workload.context_exchange=%s", PICK(stream, "ring", "all-gather"));
    ADD(draw, "workload.stages_outside=%s", PICK(stream, "true", "false"));
    ADD(draw, "workload.sequence_parallel=%s", PICK(stream, "true", "false"));
    ADD(draw, "workload.recompute=%s", PICK(stream, "none", "selective", "full"));
    ADD(draw, "workload.overlap=%s", PICK(stream, "true", "true", "false"));
}

static struct answers play_training(const struct scenario *loaded, const void *detail)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct scenario *scenario = ARENA_NEW(arena, struct scenario);
    *scenario = *loaded;
    scenario->detail = *(const enum detail *)detail;
    struct training_run run;
    bool wrong_input;
    bool done = training_run(scenario, arena, NULL, &run, &wrong_input, diagnostics);
    diagnostics_print(diagnostics, stderr);
    double seconds = done ? run.result.seconds : -1.0;
    return (struct answers){.folded = seconds, .full = seconds};
}

static double closed_training(const struct scenario *scenario, struct arena *arena)
{
    struct training training = scenario_training(scenario);
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs;
    return training_step(&training, &scratch, &costs).seconds;
}

START_TEST(training)
{
    struct random_stream stream = random_open(20, "details.training");
    const enum detail folded = DETAIL_FOLDED, full = DETAIL_FULL;
    uint32_t cases = 0, alone = 0, met[TRAINING_SCHEDULE_COUNT][3] = {{0}};
    for (uint32_t i = 0; i < TRIES && cases < TRAINING_CASES; i++) {
        struct arena *arena = arena_create();
        struct draw draw;
        draw_training(&stream, &draw);
        const struct scenario *scenario = load(arena, "train-two-gpus.yaml", &draw);
        if (scenario != NULL) {
            struct placement placement = scenario_placement(scenario);
            bool alike = placement_is_even(&placement);
            bool meet = placement.size[DIMENSION_PIPELINE] > 1 &&
                        placement_group_size(&placement, GROUP_DATA) > 1;
            bool shared = placement.gpus_per_nic > 1 || meet;
            struct answers answers = {
                .closed = closed_training(scenario, arena),
                .folded = in_child(play_training, scenario, &folded).folded,
                .full = in_child(play_training, scenario, &full).full,
            };
            say(&draw, &answers, !alike ? "uneven" : shared ? "shared" : "alone");
            ck_assert_double_eq_tol(answers.folded / answers.full, 1.0, meet ? 1e-2 : 1e-6);
            if (alike && !shared) {
                ck_assert_double_eq_tol(answers.full / answers.closed, 1.0, 1e-6);
                alone++;
            } else if (alike) {
                ck_assert_double_ge(answers.full, answers.closed * (1.0 - 1e-6));
            }
            met[scenario->training.schedule][scenario->training.sharding]++;
            cases++;
        }
        arena_destroy(arena);
    }
    printf("%u of %u share nothing\n", alone, cases);
    ck_assert_uint_eq(cases, TRAINING_CASES);
    ck_assert_uint_ge(alone, TRAINING_CASES / 5);
    for (int schedule = 0; schedule < TRAINING_SCHEDULE_COUNT; schedule++) {
        for (int sharding = 0; sharding < 3; sharding++) {
            ck_assert_msg(met[schedule][sharding] > 0, "schedule %d with sharding %d was not drawn",
                          schedule, sharding);
        }
    }
}
END_TEST

/* --- a conversation's programs --- */

struct program_case {
    struct batch_slice slice;
    enum ring_variant variant;
};

static struct program_case draw_program(struct random_stream *stream, struct draw *draw)
{
    uint32_t contexts[] = {1, 2, 3, 4, 8}, context = contexts[random_between(stream, 0, 4)];
    bool decode = random_between(stream, 0, 2) == 0;
    *draw = (struct draw){0};
    ADD(draw, "cluster=%s", PICK(stream, "p5", "dgx-h100", "gti"));
    ADD(draw, "cluster.nodes=16");
    ADD(draw, "cluster.nics_per_node=%s", PICK(stream, "8", "8", "4"));
    ADD(draw, "gpu=h100-sxm");
    ADD(draw, "software=%s",
        PICK(stream, "pytorch-nccl", "vllm", "meta-context-parallel", "nccl-tests"));
    ADD(draw, "software.features=[context]");
    ADD(draw, "model=%s", PICK(stream, "llama3.1-405b", "llama3.1-8b", "llama3.2-1b"));
    ADD(draw, "model.layers=%" PRIu64, random_between(stream, 1, 4));
    ADD(draw, "precision=%s", PICK(stream, "bf16", "bf16", "fp8-ffn"));
    ADD(draw, "layout.tensor=%u", power(stream, 4));
    ADD(draw, "layout.context=%u", context);
    ADD(draw, "layout.data=%" PRIu64, random_between(stream, 1, 3));
    ADD(draw, "workload.turns.0.prompt=1000 tokens");
    static const enum ring_variant decoded[] = {RING_PASS_Q, RING_PASS_Q, RING_ALL_GATHER,
                                                RING_TREE},
                                   filled[] = {RING_PASS_Q, RING_PASS_KV, RING_ALL_GATHER,
                                               RING_TREE};
    struct batch_slice slice = {
        .phase = decode ? PHASE_DECODE : PHASE_PREFILL,
        .sequences = (uint32_t)random_between(stream, 1, decode ? 64 : 2),
        .new_tokens = decode ? 1 : random_between(stream, 1, 20000),
        .cached_tokens = random_between(stream, decode ? 1 : 0, 100000),
    };
    return (struct program_case){
        .slice = slice,
        .variant = context == 1 ? RING_NONE
                   : decode     ? decoded[random_between(stream, 0, 3)]
                                : filled[random_between(stream, 0, 3)],
    };
}

static double play_program(struct engine *engine, const struct placement *placement,
                           const struct step_program *program, bool folded)
{
    struct diagnostics *diagnostics = diagnostics_create();
    struct play play = {.program = program, .placement = placement, .folded = folded};
    double seconds = -1.0;
    engine_play(engine, &play, &seconds, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    return seconds;
}

static struct answers play_programs(const struct scenario *scenario, const void *drawn)
{
    const struct program_case *program_case = drawn;
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct replica replica = scenario_replica(scenario);
    struct placement placement = scenario_placement(scenario);
    struct batch batch = {.slices = &program_case->slice, .slice_count = 1};
    size_t all = (size_t)STEP_MAX_SEGMENTS * transformer_max_operators(&replica, 1);
    struct step_operator *operators = ARENA_ARRAY(arena, struct step_operator, all);
    struct step_scratch scratch = {.spans = ARENA_ARRAY(arena, struct span, all),
                                   .works = ARENA_ARRAY(arena, struct kernel_work, all),
                                   .counts = ARENA_ARRAY(arena, double, all)};
    struct step_program program;
    transformer_build(&replica, &batch, program_case->variant, operators, &program);
    step_price(&replica, &program, &scratch);
    const struct engine_setup setup = {.cluster = &scenario->cluster,
                                       .nodes = placement_nodes(&placement)};
    struct engine *engine = engine_open(&setup, diagnostics);
    struct answers answers = {
        .closed = program_seconds(&program, scratch.spans),
        .folded = play_program(engine, &placement, &program, true),
        .full = play_program(engine, &placement, &program, false),
    };
    engine_close(engine);
    return answers;
}

START_TEST(programs)
{
    struct random_stream stream = random_open(20, "details.programs");
    uint32_t cases = 0, alone = 0, rings[2] = {0}, met[RING_VARIANT_COUNT][2] = {{0}};
    for (uint32_t i = 0; i < TRIES && cases < PROGRAM_CASES; i++) {
        struct arena *arena = arena_create();
        struct draw draw;
        struct program_case drawn = draw_program(&stream, &draw);
        const struct scenario *scenario = load(arena, "llama405b.yaml", &draw);
        if (scenario != NULL) {
            struct placement placement = scenario_placement(scenario);
            bool even = placement_is_even(&placement);
            bool shared = placement.gpus_per_nic > 1;
            struct answers answers = in_child(play_programs, scenario, &drawn);
            say(&draw, &answers, !even ? "uneven" : shared ? "shared" : "alone");
            ck_assert_double_eq_tol(answers.folded / answers.full, 1.0, 1e-9);
            if (even && !shared) {
                ck_assert_double_eq_tol(answers.full / answers.closed, 1.0, 1e-9);
                alone++;
            }
            uint32_t next = placement.stride[DIMENSION_CONTEXT];
            if (placement.size[DIMENSION_CONTEXT] > 1) {
                rings[placement_stand_in(&placement, next) == 0]++;
            }
            met[drawn.variant][drawn.slice.phase]++;
            cases++;
        }
        arena_destroy(arena);
    }
    printf("%u of %u share nothing\n", alone, cases);
    ck_assert_uint_eq(cases, PROGRAM_CASES);
    ck_assert_uint_ge(alone, PROGRAM_CASES / 4);
    ck_assert_uint_gt(rings[0], PROGRAM_CASES / 10); /* each rank played ... */
    ck_assert_uint_gt(rings[1], PROGRAM_CASES / 10); /* ... and one for all */
    ck_assert_uint_gt(met[RING_ALL_GATHER][PHASE_PREFILL] * met[RING_TREE][PHASE_PREFILL] *
                          met[RING_ALL_GATHER][PHASE_DECODE] * met[RING_TREE][PHASE_DECODE],
                      0);
    ck_assert_uint_gt(met[RING_NONE][PHASE_PREFILL] * met[RING_PASS_KV][PHASE_PREFILL] *
                          met[RING_PASS_Q][PHASE_PREFILL] * met[RING_PASS_Q][PHASE_DECODE],
                      0);
}
END_TEST

/* --- a layer of experts on 64 GPUs --- */

/* One layer of DeepSeek-V3 whose 256 experts lie on eight nodes, every exchange: prompts and
 * decode. */
START_TEST(experts)
{
    static const char *const exchanges[] = {"all-gather", "all-to-all", "deepep-normal",
                                            "deepep-low-latency"};
    for (size_t i = 0; i < 8; i++) {
        struct arena *arena = arena_create();
        struct draw draw = {.count = 0};
        ADD(&draw, "cluster.nodes=8");
        ADD(&draw, "layout={attention_data: 64, expert: 64}");
        ADD(&draw, "model.stack=[{pattern: [experts], repeat: 1}]");
        ADD(&draw, "software.exchange=%s", exchanges[i / 2]);
        struct program_case drawn = {.slice = {.phase = i % 2 == 0 ? PHASE_PREFILL : PHASE_DECODE,
                                               .sequences = i % 2 == 0 ? 2 : 32,
                                               .new_tokens = i % 2 == 0 ? 700 : 1,
                                               .cached_tokens = 1000}};
        const struct scenario *scenario = load(arena, "decode-deepseek-v3.yaml", &draw);
        ck_assert_ptr_nonnull(scenario);
        struct answers answers = in_child(play_programs, scenario, &drawn);
        say(&draw, &answers, "experts");
        ck_assert_double_eq_tol(answers.folded / answers.full, 1.0, 1e-9);
        ck_assert_double_eq_tol(answers.full / answers.closed, 1.0, 1e-9);
        arena_destroy(arena);
    }
}
END_TEST

/* The same layer's training, all gradients with it. */
START_TEST(experts_training)
{
    const enum detail folded = DETAIL_FOLDED, full = DETAIL_FULL;
    struct arena *arena = arena_create();
    struct draw draw = {.count = 0};
    ADD(&draw, "cluster.nodes=8");
    ADD(&draw, "layout={pipeline: 1, data: 64, expert: 64}");
    ADD(&draw, "model.stack=[{pattern: [experts], repeat: 1}]");
    ADD(&draw, "workload.schedule=gpipe");
    ADD(&draw, "workload.virtual_stages=1");
    ADD(&draw, "workload.overlap_experts=false");
    ADD(&draw, "workload.overlap=false");
    ADD(&draw, "workload.global_batch=128");
    const struct scenario *scenario = load(arena, "train-deepseek-v3.yaml", &draw);
    ck_assert_ptr_nonnull(scenario);
    struct answers answers = {
        .closed = closed_training(scenario, arena),
        .folded = in_child(play_training, scenario, &folded).folded,
        .full = in_child(play_training, scenario, &full).full,
    };
    say(&draw, &answers, "experts");
    ck_assert_double_gt(answers.full, 0.0);
    ck_assert_double_eq_tol(answers.folded / answers.full, 1.0, 1e-6);
    ck_assert_double_eq_tol(answers.full / answers.closed, 1.0, 1e-6);
    arena_destroy(arena);
}
END_TEST

/* One layer of experts on two nodes, one micro-batch: its dispatch leaves the nodes when the
 * layer's attention has ended, and the tokens come back when their experts have. What others send
 * between two network cards before either delays nothing; what they send from its beginning on
 * delays the step, by no longer than it takes itself. */
START_TEST(others_meet_a_dispatch)
{
    const enum detail detail = DETAIL_FULL;
    struct arena *arena = arena_create();
    struct draw draw = {.count = 0};
    ADD(&draw, "cluster={use: dgx-h100, nodes: 2}");
    ADD(&draw, "software.exchange=all-to-all");
    ADD(&draw, "model.layers=1");
    ADD(&draw, "layout={data: 16, expert: 16}");
    ADD(&draw, "workload.schedule=gpipe");
    ADD(&draw, "workload.virtual_stages=1");
    ADD(&draw, "workload.overlap=false");
    ADD(&draw, "workload.sharding=none");
    ADD(&draw, "workload.global_batch=16");
    const struct scenario *loaded = load(arena, "train-qwen3-235b.yaml", &draw);
    ck_assert_ptr_nonnull(loaded);
    struct training of = scenario_training(loaded);
    struct training_scratch scratch = training_scratch_create(arena, &of);
    struct training_costs costs;
    training_step(&of, &scratch, &costs);
    const struct expert_exchange *exchanges =
        expert_exchanges_create(&of, &costs, &scratch, arena)[CELL_FORWARD].list;
    struct scenario scenario = *loaded;
    double alone = in_child(play_training, &scenario, &detail).full;
    double rate = loaded->cluster.nic_bytes_per_second;
    double long_seconds = 0.05 * exchanges[0].seconds; /* of what others send */
    struct background others = {
        .from_gpu = 0, .to_gpu = 8, .bytes = long_seconds * rate, .count = 1};
    scenario.background = &others;
    scenario.background_count = 1;
    for (int i = 0; i < 2; i++) {
        others.start_seconds = exchanges[i].start_seconds - 1.5 * long_seconds;
        double before = in_child(play_training, &scenario, &detail).full;
        others.start_seconds = exchanges[i].start_seconds;
        double beside = in_child(play_training, &scenario, &detail).full;
        printf("tokens travel from %.3f ms on for %.3f ms: the step takes %.3f ms, %+.4f with "
               "others before, %+.4f beside\n",
               1e3 * exchanges[i].start_seconds, 1e3 * exchanges[i].seconds, 1e3 * alone,
               1e3 * (before - alone), 1e3 * (beside - alone));
        ck_assert_double_eq_tol(before / alone, 1.0, 1e-9);
        ck_assert_double_gt(beside - alone, 0.5 * long_seconds);
        ck_assert_double_le(beside - alone, 1.01 * long_seconds);
    }
    arena_destroy(arena);
}
END_TEST

/* Experts beside tensor, context and pipeline ranks, in every order of passes that may run in
 * pairs.
 */
static void draw_experts(struct random_stream *stream, struct draw *draw)
{
    uint32_t tensor = power(stream, 2), context = power(stream, 1), pipeline = power(stream, 2);
    uint32_t ranks = tensor * context, shares = power(stream, 3), data = shares * power(stream, 1);
    const char *schedule =
        pipeline == 1 ? "gpipe" : PICK(stream, "1f1b", "interleaved", "dualpipev");
    uint32_t chunks = schedule[0] == 'i' || schedule[0] == 'd' ? 2 : 1;
    *draw = (struct draw){0};
    ADD(draw, "cluster=%s", PICK(stream, "p5", "dgx-h100"));
    ADD(draw, "cluster.nodes=32");
    ADD(draw, "software.exchange=%s", PICK(stream, "deepep", "all-to-all"));
    ADD(draw, "model.layers=%" PRIu32, pipeline * chunks);
    ADD(draw, "layout.tensor=%u", tensor);
    ADD(draw, "layout.context=%u", context);
    ADD(draw, "layout.pipeline=%u", pipeline);
    ADD(draw, "layout.data=%u", data);
    ADD(draw, "layout.expert=%u", ranks * shares);
    ADD(draw, "workload.schedule=%s", schedule);
    ADD(draw, "workload.virtual_stages=%u", chunks);
    ADD(draw, "workload.overlap_experts=%s", chunks > 1 ? PICK(stream, "true", "false") : "false");
    ADD(draw, "workload.global_batch=%u", data * pipeline * 2);
    ADD(draw, "workload.sequence=%u tokens", 1024U * power(stream, 2));
    ADD(draw, "workload.sequence_parallel=%s", tensor > 1 ? "true" : "false");
    ADD(draw, "workload.sharding=%s", PICK(stream, "none", "zero1"));
    ADD(draw, "workload.stages_outside=%s", PICK(stream, "true", "false"));
    ADD(draw, "workload.recompute=%s", PICK(stream, "none", "full"));
    ADD(draw, "workload.overlap=%s", PICK(stream, "true", "false"));
}

/* Dispatches are flows: alone they take what the closed form says; beside what goes to other stages
 * or replicas, over the same cards, no less. */
START_TEST(experts_layouts)
{
    struct random_stream stream = random_open(21, "details.experts");
    const enum detail folded = DETAIL_FOLDED, full = DETAIL_FULL;
    uint32_t cases = 0, alone = 0, late = 0, paired = 0;
    for (uint32_t i = 0; i < TRIES && cases < EXPERT_CASES; i++) {
        struct arena *arena = arena_create();
        struct draw draw;
        draw_experts(&stream, &draw);
        const struct scenario *scenario = load(arena, "train-qwen3-235b.yaml", &draw);
        if (scenario != NULL && layout_experts(&scenario->layout) > 1) {
            bool shared = scenario->layout.pipeline > 1 || scenario->training.overlap;
            struct answers answers = {
                .closed = closed_training(scenario, arena),
                .folded = in_child(play_training, scenario, &folded).folded,
                .full = in_child(play_training, scenario, &full).full,
            };
            say(&draw, &answers, shared ? "shared" : "alone");
            ck_assert_double_eq_tol(answers.folded / answers.full, 1.0, shared ? 1e-2 : 1e-6);
            ck_assert_double_ge(answers.full, answers.closed * (1.0 - 1e-6));
            if (!shared) {
                ck_assert_double_eq_tol(answers.full / answers.closed, 1.0, 1e-6);
                alone++;
            }
            late += answers.full > answers.closed * 1.001;
            paired += scenario->training.overlap_experts;
            cases++;
        }
        arena_destroy(arena);
    }
    printf("%u of %u share nothing, %u are late, %u run in pairs\n", alone, cases, late, paired);
    ck_assert_uint_eq(cases, EXPERT_CASES);
    ck_assert_uint_ge(alone, 3);
    ck_assert_uint_ge(late, 1);
    ck_assert_uint_ge(paired, 3);
}
END_TEST

RUN_TESTS(details, training, programs, experts, experts_training, others_meet_a_dispatch,
          experts_layouts)
