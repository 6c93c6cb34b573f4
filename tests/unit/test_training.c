/* SPDX-License-Identifier: MIT
 * What a training step does, counted: FLOPs, layers of a part, memory of a stage, bytes exchanged.
 * Catches a product that is missing from the backward pass or done twice; step times within their
 * bounds would not show it. */
#include "models/training/training_memory.h"
#include "models/training/training_program.h"

#include "fixture.h"
#include "run_tests.h"

#include <math.h>

static const struct llm small = {
    .name = "small",
    .hidden = 4096,
    .vocabulary = 128256,
    DENSE_LAYERS(32, 32, 8, 128, 14336),
};
static const struct precision bf16 = {.activations = FORMAT_BF16,
                                      .kv_cache = FORMAT_BF16,
                                      .attention_weights = {.format = FORMAT_BF16},
                                      .ffn_weights = {.format = FORMAT_BF16},
                                      .embedding = {.format = FORMAT_BF16}};
static const struct gpu gpu = {
    .dense_flops_per_second = {[FORMAT_BF16] = 1e15, [FORMAT_FP8] = 2e15}};
static struct software software;

static struct training training_of(const struct layout *layout)
{
    software = fixture_software;
    software.training = (struct training_software){.memory_passes = 1.0,
                                                   .norm_forward_bytes_per_element = 8.0,
                                                   .norm_backward_bytes_per_element = 8.0,
                                                   .optimizer_bytes_per_parameter = 28.0,
                                                   .state_bytes_per_parameter = 12.0,
                                                   .gradient_bytes_per_parameter = 4.0};
    return (struct training){
        .replica = {.llm = &small,
                    .gpu = &gpu,
                    .cluster = &fixture_cluster,
                    .software = &software,
                    .layout = layout,
                    .precision = &bf16},
        .global_batch = 8 * layout->data,
        .micro_batch = 1,
        .sequence_tokens = 8192,
        .schedule = &schedule_1f1b,
        .virtual_stages = 1,
        .sharding = SHARDING_ZERO1,
        .sequence_parallel = layout->tensor > 1,
    };
}

static double product_flops(const struct step_segment *segment)
{
    double flops = 0.0;
    for (uint32_t i = 0; i < segment->count; i++) {
        const struct step_operator *op = &segment->operators[i];
        if (op->kind == OPERATOR_GEMM) {
            flops += 2.0 * (double)op->gemm.m * (double)op->gemm.n * (double)op->gemm.k;
        }
    }
    return flops;
}

/* Query-key products, 2 a pair forward (scores, values) and 5 backward. */
static double attention_flops(const struct step_segment *segment)
{
    double flops = 0.0;
    for (uint32_t i = 0; i < segment->count; i++) {
        const struct step_operator *op = &segment->operators[i];
        if (op->kind == OPERATOR_ATTENTION) {
            const struct attention_shape *shape = &op->attention;
            double keys = (double)shape->keys - (shape->causal ? 0.5 * (double)shape->queries : 0);
            flops += (shape->backward ? 10.0 : 4.0) * (double)shape->sequences *
                     (double)shape->queries * keys * shape->query_heads * shape->head_size;
        }
    }
    return flops;
}

static struct step_operator operators[TRAINING_SEGMENT_COUNT * 300];
static struct step_program program;

static const struct step_segment *build(const struct training *training)
{
    ck_assert_uint_le(training_max_operators(training), 300);
    training_build(training, operators, &program);
    return program.segments;
}

/* A layer forward is 2 FLOPs a weight and token and its backward pass twice that; attention 2.5
 * times; whatever is cut over tensor and context ranks. */
START_TEST(flops_are_conserved)
{
    static const struct layout layouts[] = {
        {.tensor = 1, .context = 1, .pipeline = 1, .data = 1},
        {.tensor = 8, .context = 1, .pipeline = 2, .data = 2},
        {.tensor = 2, .context = 4, .pipeline = 1, .data = 1},
        {.tensor = 1, .context = 8, .pipeline = 4, .data = 2},
    };
    double weights = llm_product_weights(&small) / small.stack.layers;
    double pairs = 4.0 * 32 * 128 * 8192.0 * 8192.0 / 2.0;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        for (int exchange = CONTEXT_ALL_GATHER; exchange <= CONTEXT_RING; exchange++) {
            struct training training = training_of(&layouts[i]);
            training.context_exchange = (enum context_exchange)exchange;
            const struct step_segment *segments = build(&training);
            double ranks = layouts[i].tensor * layouts[i].context;
            double linear = 2.0 * weights * 8192.0;
            ck_assert_double_eq_tol(ranks * product_flops(&segments[TRAINING_FORWARD]) / linear,
                                    1.0, 1e-12);
            ck_assert_double_eq_tol(ranks * product_flops(&segments[TRAINING_BACKWARD]) / linear,
                                    2.0, 1e-12);
            ck_assert_double_eq_tol(ranks * attention_flops(&segments[TRAINING_FORWARD]) / pairs,
                                    1.0, 1e-3);
            ck_assert_double_eq_tol(ranks * attention_flops(&segments[TRAINING_BACKWARD]) / pairs,
                                    2.5, 3e-3);
            double head = 2.0 * 8192.0 * 128256.0 * 4096.0;
            ck_assert_double_eq_tol(ranks * product_flops(&segments[TRAINING_HEAD]) / head, 1.0,
                                    1e-12);
            ck_assert_double_eq_tol(ranks * product_flops(&segments[TRAINING_HEAD_BACKWARD]) / head,
                                    2.0, 1e-12);
        }
    }
}
END_TEST

/* Gradients of weights apart: the same products, in two segments. */
START_TEST(split_backward_loses_nothing)
{
    static const struct layout layout = {.tensor = 2, .context = 1, .pipeline = 4, .data = 1};
    struct training training = training_of(&layout);
    double whole = product_flops(&build(&training)[TRAINING_BACKWARD]);
    training.schedule = &schedule_zero_bubble;
    const struct step_segment *segments = build(&training);
    double input = product_flops(&segments[TRAINING_BACKWARD]);
    ck_assert_double_eq_tol(input + product_flops(&segments[TRAINING_WEIGHT]), whole, 1.0);
    ck_assert_double_eq_tol(input / whole, 0.5, 1e-12);
}
END_TEST

/* All again but the down product, whose result nobody needs; attention alone; every second product:
 * key, out and up of query, key, value, out, gate, up, down. */
START_TEST(recomputation)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct training training = training_of(&layout);
    double kept = product_flops(&build(&training)[TRAINING_BACKWARD]);
    double attention = attention_flops(&program.segments[TRAINING_FORWARD]);
    double forward = product_flops(&program.segments[TRAINING_FORWARD]);
    training.recompute = RECOMPUTE_FULL;
    double down = 2.0 * 8192.0 * 14336.0 * 4096.0;
    ck_assert_double_eq_tol(product_flops(&build(&training)[TRAINING_BACKWARD]) - kept,
                            forward - down, 1.0);
    training.recompute = RECOMPUTE_SELECTIVE;
    software.training.selective = SELECTIVE_ATTENTION;
    build(&training);
    ck_assert_double_eq_tol(product_flops(&program.segments[TRAINING_BACKWARD]), kept, 1.0);
    ck_assert_double_eq_tol(attention_flops(&program.segments[TRAINING_BACKWARD]), 3.5 * attention,
                            1.0);
    software.training.selective = SELECTIVE_PRODUCTS;
    double again = 2.0 * 8192.0 * 4096.0 * (1024.0 + 4096.0 + 14336.0);
    ck_assert_double_eq_tol(product_flops(&build(&training)[TRAINING_BACKWARD]) - kept, again, 1.0);
}
END_TEST

/* Of a dense layer two norms and an activation: no product. With a latent of 512, 256 of queries,
 * its two up-projections: 2 x 8192 x 32 heads x (256 x (128 + 64) + 512 x (128 + 128)). What is not
 * kept then, 2 bytes each: two norms' outputs (4096), the activation's (14336); of a latent those
 * of its norms (256 + 512), and query, key and value of its heads, query and key as they were
 * turned. */
START_TEST(cheap_recomputation)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct training training = training_of(&layout);
    double kept = product_flops(&build(&training)[TRAINING_BACKWARD]);
    uint32_t count = program.segments[TRAINING_BACKWARD].count;
    double bytes = training_layer_activation_bytes(&training, 0);
    training.recompute = RECOMPUTE_CHEAP;
    ck_assert_double_eq_tol(product_flops(&build(&training)[TRAINING_BACKWARD]), kept, 1.0);
    ck_assert_uint_eq(program.segments[TRAINING_BACKWARD].count, count + 3);
    ck_assert_double_eq_tol(bytes - training_layer_activation_bytes(&training, 0),
                            8192.0 * 2.0 * (2.0 * 4096.0 + 14336.0), 1.0);
    struct llm latent = small;
    latent.stack.kinds[0].mixers[0] = (struct mixer){.kind = MIXER_LATENT,
                                                     .latent = {.query_heads = 32,
                                                                .query_rank = 256,
                                                                .kv_rank = 512,
                                                                .nope_size = 128,
                                                                .rope_size = 64,
                                                                .value_head_size = 128}};
    training.replica.llm = &latent;
    double again = product_flops(&build(&training)[TRAINING_BACKWARD]);
    double left = training_layer_activation_bytes(&training, 0);
    training.recompute = RECOMPUTE_NONE;
    double up = 2.0 * 8192.0 * 32.0 * (256.0 * 192.0 + 512.0 * 256.0);
    ck_assert_double_eq_tol(again - product_flops(&build(&training)[TRAINING_BACKWARD]), up, 1.0);
    double heads = 32.0 * (192.0 + 128.0 + 192.0);
    ck_assert_double_eq_tol(training_layer_activation_bytes(&training, 0) - left,
                            8192.0 * 2.0 * (2.0 * 4096.0 + 14336.0 + 256.0 + 512.0 + heads), 1.0);
}
END_TEST

/* Three passes over 8 sequences of 8,192 tokens: 2 x 8192 x 32 layers x 218,103,808 weights, 4 x
 * 4096 for each of 8192^2 / 2 pairs and layer, and the head's 2 x 8192 x 128256 x 4096. */
START_TEST(flops_of_a_step_have_the_head)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct training training = training_of(&layout);
    double layers = 2.0 * 8192.0 * 32.0 * 218103808.0;
    double attention = 32.0 * 4.0 * 4096.0 * 8192.0 * 8192.0 / 2.0;
    double head = 2.0 * 8192.0 * 128256.0 * 4096.0;
    ck_assert_double_eq_tol(
        training_step_flops(&training) / (3.0 * 8.0 * (layers + attention + head)), 1.0, 1e-12);
}
END_TEST

/* One exchange of a pass instead of two when blocks run side by side: forward a gather and a sum;
 * without them two each. */
START_TEST(parallel_blocks_exchange_once)
{
    static const struct layout layout = {.tensor = 8, .context = 1, .pipeline = 1, .data = 1};
    struct training training = training_of(&layout);
    struct llm parallel = small;
    only_kind(&parallel)->residual = RESIDUAL_PARALLEL;
    uint32_t exchanges[2][2] = {{0}};
    for (int i = 0; i < 2; i++) {
        training.replica.llm = i == 0 ? &small : &parallel;
        for (int pass = 0; pass < 2; pass++) {
            const struct step_segment *segment = &build(&training)[TRAINING_FORWARD + pass];
            for (uint32_t j = 0; j < segment->count; j++) {
                exchanges[i][pass] += segment->operators[j].kind == OPERATOR_COLLECTIVE;
            }
        }
    }
    ck_assert_uint_eq(exchanges[0][0], 4);
    ck_assert_uint_eq(exchanges[1][0], 2);
    /* Backward: gradients gathered, inputs gathered again, gradients summed. */
    ck_assert_uint_eq(exchanges[0][1], 6);
    ck_assert_uint_eq(exchanges[1][1], 3);
}
END_TEST

/* 126 layers in 16 x 8 parts: one each, the first and the last none, for the embedding and the head
 * (arXiv 2407.21783, section 3.3.2). In 16 parts: 8 each, the first and the last one less. */
START_TEST(layers_of_parts)
{
    static const struct layout layout = {.tensor = 8, .context = 1, .pipeline = 16, .data = 1};
    struct training training = training_of(&layout);
    training.replica.llm = &fixture_llm;
    for (uint32_t chunks = 1; chunks <= 8; chunks += 7) {
        training.virtual_stages = chunks;
        uint32_t parts = 16 * chunks, sum = 0;
        for (uint32_t part = 0; part < parts; part++) {
            uint32_t layers = training_part_layers(&training, part);
            ck_assert_uint_eq(layers, 8 / chunks - (part == 0 || part + 1 == parts));
            sum += layers;
        }
        ck_assert_uint_eq(sum, 126);
    }
}
END_TEST

/* 8.03e9 parameters alone on a GPU: 2 bytes each and 4 of gradients; of the optimizer's 12 each of
 * 4 replicas holds a quarter. */
START_TEST(memory_of_a_stage)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 4};
    static struct cell cells[16];
    struct training training = training_of(&layout);
    struct training_memory memory = training_stage_memory(&training, 0, cells);
    double parameters = llm_weights(&small) - small.hidden; /* the last norm's are left out */
    ck_assert_double_eq_tol(memory.parameter_bytes / parameters, 2.0, 1e-9);
    ck_assert_double_eq_tol(memory.gradient_bytes / parameters, 4.0, 1e-9);
    ck_assert_double_eq_tol(memory.optimizer_bytes / parameters, 3.0, 1e-9);
    ck_assert_uint_eq(memory.passes_in_flight, 1);
    /* At the loss, 12 bytes a logit: a quarter of the gradients and of the optimizer, which is the
     * share of parameters too; the head gathered in bf16. */
    training.sharding = SHARDING_FSDP;
    software.training.loss_kept_bytes_per_logit = 12.0;
    software.training.gather_bytes_per_parameter = 2.0;
    memory = training_stage_memory(&training, 0, cells);
    ck_assert_uint_eq(memory.moment, MOMENT_LOSS);
    ck_assert_double_eq_tol(memory.gradient_bytes / parameters, 1.0, 1e-9);
    ck_assert_double_eq_tol(memory.optimizer_bytes / parameters, 3.0, 1e-9);
    ck_assert_double_eq_tol(memory.parameter_bytes, 2.0 * 128256.0 * 4096.0, 1.0);
    double norm = 8192.0 * (2.0 * 4096.0 * 2.0 + 4.0), logits = 8192.0 * 128256.0 * 12.0;
    double layers = 32.0 * training_layer_activation_bytes(&training, 0);
    ck_assert_double_eq_tol(memory.activation_bytes, layers + norm + logits, 1.0);
    /* Full recomputation keeps 8,192 x 4,096 bf16 a layer. */
    training.recompute = RECOMPUTE_FULL;
    ck_assert_double_eq_tol(training_layer_activation_bytes(&training, 0), 67108864.0, 1.0);
}
END_TEST

RUN_TESTS(training, flops_are_conserved, split_backward_loses_nothing, recomputation,
          cheap_recomputation, parallel_blocks_exchange_once, layers_of_parts, memory_of_a_stage,
          flops_of_a_step_have_the_head)
