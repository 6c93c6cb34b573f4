/* SPDX-License-Identifier: MIT
 * What the formats of training change: bytes kept, exchanged and written to checkpoints, kernels
 * that cast. One test a consequence, each worked by hand. */
#include "models/training/galore.h"
#include "models/training/training_bytes.h"
#include "models/training/training_checkpoint.h"
#include "models/training/training_memory.h"
#include "models/training/training_program.h"

#include "fixture.h"
#include "run_tests.h"

#include <string.h>

/* 4096 x (2 x 4096 + 2 x 1024 + 3 x 14336 + 2) = 218,112,000 parameters a layer, and twice
 * 128,256 x 4096 = 525,336,576 beside them. */
static const struct llm small = {
    .name = "small",
    .hidden = 4096,
    .vocabulary = 128256,
    DENSE_LAYERS(32, 32, 8, 128, 14336),
};
static const double of_layers = 32.0 * 218112000.0, of_others = 2.0 * 525336576.0;

static const struct precision bf16 = {.activations = FORMAT_BF16,
                                      .kv_cache = FORMAT_BF16,
                                      .attention_weights = {.format = FORMAT_BF16},
                                      .ffn_weights = {.format = FORMAT_BF16},
                                      .embedding = {.format = FORMAT_BF16}};
/* The preset `fp8-lm`. */
static const struct precision fp8_lm = {
    .activations = FORMAT_BF16,
    .kv_cache = FORMAT_BF16,
    .attention_weights = {.format = FORMAT_FP8, .scaling = SCALING_TENSOR},
    .ffn_weights = {.format = FORMAT_FP8, .scaling = SCALING_TENSOR},
    .embedding = {.format = FORMAT_BF16},
    .gradients = FORMAT_FP8,
    .master_weights = FORMAT_FP16,
    .first_moment = FORMAT_FP8,
    .second_moment = FORMAT_FP16,
    .gradient_reduce = FORMAT_FP8,
    .weight_gather = FORMAT_FP8,
};
static struct software software;
static struct cluster cluster;

static struct training training_of(const struct layout *layout, const struct precision *precision)
{
    cluster = fixture_cluster;
    software = fixture_software;
    software.training = (struct training_software){.memory_passes = 1.0,
                                                   .cast_bytes_per_element = 4.0,
                                                   .narrow_gradient_bytes_per_parameter = 20.0,
                                                   .fp32_gradients = true,
                                                   .state_bytes_per_parameter = 12.0,
                                                   .gradient_bytes_per_parameter = 4.0,
                                                   .gather_bytes_per_parameter = 2.0,
                                                   .reduce_bytes_per_parameter = 4.0};
    return (struct training){
        .replica = {.llm = &small,
                    .gpu = &fixture_gpu,
                    .cluster = &cluster,
                    .software = &software,
                    .layout = layout,
                    .precision = precision},
        .global_batch = 8 * layout->data,
        .micro_batch = 1,
        .sequence_tokens = 8192,
        .schedule = &schedule_1f1b,
        .virtual_stages = 1,
        .sharding = SHARDING_ZERO1,
        .sequence_parallel = layout->tensor > 1,
    };
}

static const struct layout four_replicas = {.tensor = 1, .context = 1, .pipeline = 1, .data = 4};

/* Replicas gather 2 bytes and reduce 4 a parameter, 1 and 1 in fp8, but for a quarter of their own;
 * embedding and head keep 2 and 4. */
START_TEST(replicas_exchange_their_formats)
{
    struct training training = training_of(&four_replicas, &bf16);
    ck_assert_double_eq(training_exchange_bytes(&training, of_layers, of_others),
                        0.75 * 6.0 * (of_layers + of_others));
    training = training_of(&four_replicas, &fp8_lm);
    ck_assert_double_eq(training_exchange_bytes(&training, of_layers, of_others),
                        0.75 * (2.0 * of_layers + 6.0 * of_others));
}
END_TEST

/* A layer keeps for 8192 tokens, elements and their bytes in bf16 and with fp8 copies for the
 * products: the inputs of two norms and of two products, 4096 x (2 + 2), 4096 x (2 + 1); query, key
 * and value, 6144 x 2; attention's result, 4096 x 2 and its copy; 32 sums of fp32; gate and up,
 * 28,672 x 2; their product, 14,336 x 2 or 1; two norms' statistics, 4 each. And 24 bytes of
 * attention's random state. */
START_TEST(products_keep_their_inputs_in_fp8)
{
    struct training training = training_of(&four_replicas, &bf16);
    double wide = 2.0 * 4096 * 4 + 6144 * 2 + 4096 * 2 + 32 * 4 + 28672 * 2 + 14336 * 2 + 8;
    ck_assert_double_eq(training_layer_activation_bytes(&training, 0), 8192.0 * wide + 24);
    training = training_of(&four_replicas, &fp8_lm);
    double narrow = 2.0 * 4096 * 3 + 6144 * 2 + 4096 * 3 + 32 * 4 + 28672 * 2 + 14336 + 8;
    ck_assert_double_eq(training_layer_activation_bytes(&training, 0), 8192.0 * narrow + 24);
}
END_TEST

enum { MAX_OPERATORS = 1024 };

static const struct step_segment *segment_of(const struct training *training,
                                             enum training_segment kind)
{
    static struct step_operator operators[TRAINING_SEGMENT_COUNT * MAX_OPERATORS];
    static struct step_program program;
    ck_assert_uint_le(training_max_operators(training), MAX_OPERATORS);
    training_build(training, operators, &program);
    return &program.segments[kind];
}

static const struct step_operator *find(const struct step_segment *segment, const char *name)
{
    for (uint32_t i = 0; i < segment->count; i++) {
        if (strcmp(segment->operators[i].name, name) == 0) {
            return &segment->operators[i];
        }
    }
    return NULL;
}

/* The query, key and value products' input, 8192 x 4096, 4 bytes an element for both orders. */
START_TEST(inputs_are_cast_once)
{
    struct training training = training_of(&four_replicas, &bf16);
    ck_assert_ptr_null(find(segment_of(&training, TRAINING_FORWARD), "cast"));
    training = training_of(&four_replicas, &fp8_lm);
    const struct step_operator *cast = find(segment_of(&training, TRAINING_FORWARD), "cast");
    ck_assert_double_eq(cast->memory.bytes, 8192.0 * 4096.0 * 4.0);
    ck_assert_int_eq(cast->memory.kernel, MEMORY_QUANTISE);
}
END_TEST

/* The down product's 4096 x 14336 gradients: in fp32 the product adds them up itself. */
START_TEST(narrow_gradients_are_added_by_kernels)
{
    struct training training = training_of(&four_replicas, &bf16);
    const struct step_segment *backward = segment_of(&training, TRAINING_BACKWARD);
    ck_assert_ptr_null(find(backward, "add gradients"));
    ck_assert(backward->operators[backward->count - 2].gemm.accumulates);
    training = training_of(&four_replicas, &fp8_lm);
    backward = segment_of(&training, TRAINING_BACKWARD);
    ck_assert_double_eq(find(backward, "add gradients")->memory.bytes, 4096.0 * 14336.0 * 20.0);
    for (uint32_t i = 0; i < backward->count; i++) {
        ck_assert(!backward->operators[i].gemm.accumulates);
    }
}
END_TEST

/* 8192 tokens x 4096: 2 bytes, or 1 where a product takes them with one scale a tensor. Sums stay
 * as they are. */
START_TEST(gathers_carry_what_the_product_takes)
{
    static const struct layout pair = {.tensor = 2, .context = 1, .pipeline = 1, .data = 1};
    struct training training = training_of(&pair, &bf16);
    const struct step_segment *forward = segment_of(&training, TRAINING_FORWARD);
    ck_assert_double_eq(find(forward, "ffn all-gather")->collective.call.bytes, 67108864.0);
    training = training_of(&pair, &fp8_lm);
    forward = segment_of(&training, TRAINING_FORWARD);
    ck_assert_double_eq(find(forward, "ffn all-gather")->collective.call.bytes, 33554432.0);
    ck_assert_double_eq(find(forward, "ffn sum")->collective.call.bytes, 67108864.0);
    struct precision rows = fp8_lm;
    rows.ffn_weights.scaling = SCALING_ROW;
    training = training_of(&pair, &rows);
    forward = segment_of(&training, TRAINING_FORWARD);
    ck_assert_double_eq(find(forward, "ffn all-gather")->collective.call.bytes, 67108864.0);
    ck_assert_double_eq(find(forward, "attention all-gather")->collective.call.bytes, 33554432.0);
}
END_TEST

/* 2 + 12 bytes a parameter, 1 + 2 + 1 + 2 of the layers' in FP8-LM; where parameters are sharded,
 * their shards are the master copy and nothing is beside them. */
START_TEST(checkpoints_hold_every_parameter_once)
{
    struct training training = training_of(&four_replicas, &bf16);
    struct training_checkpoint checkpoint = training_checkpoint_of(&training);
    ck_assert_double_eq(checkpoint.bytes, 14.0 * (of_layers + of_others));
    ck_assert_double_eq(checkpoint.bytes_per_gpu, 3.5 * (of_layers + of_others));
    ck_assert_double_eq(checkpoint.seconds, 0.0); /* the cluster has no storage */
    training.sharding = SHARDING_FSDP;
    ck_assert_double_eq(training_checkpoint_of(&training).bytes, 12.0 * (of_layers + of_others));
    training = training_of(&four_replicas, &fp8_lm);
    ck_assert_double_eq(training_checkpoint_of(&training).bytes,
                        6.0 * of_layers + 14.0 * of_others);

    /* Two stages of two tensor ranks: the same bytes but for each layer's 2 x 4096 of norms, which
     * every tensor rank has. The fuller stages hold 16 layers and the embedding or the head. */
    static const struct layout split = {.tensor = 2, .context = 1, .pipeline = 2, .data = 2};
    training = training_of(&split, &bf16);
    checkpoint = training_checkpoint_of(&training);
    double norms = 32.0 * 2.0 * 4096.0;
    ck_assert_double_eq(checkpoint.bytes, 14.0 * (of_layers + of_others + norms));
    ck_assert_double_eq(checkpoint.bytes_per_gpu,
                        14.0 * (of_layers + norms + of_others) / (2.0 * 2.0) / 2.0);
}
END_TEST

/* 112.4236 GB at 2 GB/s of the storage, or at 1 GB/s of the one node that four GPUs are in. */
START_TEST(checkpoints_take_the_storage_s_time)
{
    struct training training = training_of(&four_replicas, &bf16);
    cluster.storage_bytes_per_second = 2e9;
    ck_assert_double_eq_tol(training_checkpoint_of(&training).seconds, 56.2118, 1e-4);
    cluster.node_storage_bytes_per_second = 4e9;
    ck_assert_double_eq_tol(training_checkpoint_of(&training).seconds, 56.2118, 1e-4);
    cluster.node_storage_bytes_per_second = 1e9;
    ck_assert_double_eq_tol(training_checkpoint_of(&training).seconds, 112.4236, 1e-4);
    static const struct layout nodes = {.tensor = 1, .context = 1, .pipeline = 1, .data = 32};
    training.replica.layout = &nodes; /* four nodes push as much again */
    ck_assert_double_eq_tol(training_checkpoint_of(&training).seconds, 56.2118, 1e-4);
}
END_TEST

static const struct layout alone = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};

/* Moments in 8 bits: 4 of the master copy, 1 each, and a scale of 4 for each 2,048; embedding and
 * head keep 12. An update moves 28 B a parameter, of which 2 x 8 are the moments. */
START_TEST(eight_bit_moments)
{
    struct precision narrow = bf16;
    narrow.first_moment = narrow.second_moment = FORMAT_INT8;
    struct training training = training_of(&alone, &narrow);
    software.training.optimizer_bytes_per_parameter = 28.0;
    double states = 4.0 + 2.0 * (1.0 + 4.0 / 2048.0);
    ck_assert_double_eq_tol(training_stage_optimizer_bytes(&training, 0),
                            states * of_layers + 12.0 * of_others, 1.0);
    const struct step_operator *update =
        find(segment_of(&training, TRAINING_OPTIMIZER), "optimizer");
    double bytes = 28.0 * (of_layers + of_others) - 2.0 * (12.0 - states) * of_layers;
    ck_assert_double_eq_tol(update->memory.bytes, bytes, 1e-9 * bytes);
}
END_TEST

/* Rank 512: query and output of 4096 x 4096, key and value of 1024 x 4096, gate, up and down of
 * 4096 x 14336. A moment has 512 x (4 x 4096 + 3 x 14336) elements of a layer's 4096 x (2 x 4096 +
 * 2 x 1024 + 3 x 14336), directions 512 x (2 x 4096 + 2 x 1024 + 3 x 4096), in bf16. Projecting and
 * back: 4 FLOPs an element and direction. Four ranks of ZeRO-1 take a quarter each. */
START_TEST(low_rank_moments)
{
    struct training training = training_of(&alone, &bf16);
    software.training.optimizer_bytes_per_parameter = 28.0;
    software.training.svd_flops_per_second = 1e12;
    training.galore = (struct galore){.rank = 512, .period = 200};
    double projected = 4096.0 * (2 * 4096 + 2 * 1024 + 3 * 14336);
    double moment = 512.0 * (4 * 4096 + 3 * 14336);
    double directions = 512.0 * (2 * 4096 + 2 * 1024 + 3 * 4096);
    double states =
        12.0 * (of_layers + of_others) + 32.0 * (2.0 * directions + 8.0 * (moment - projected));
    ck_assert_double_eq(training_stage_optimizer_bytes(&training, 0), states);
    ck_assert_double_eq(training_checkpoint_of(&training).bytes,
                        states + 2.0 * (of_layers + of_others));
    double bytes = 28.0 * (of_layers + of_others) - 2.0 * 8.0 * 32.0 * (projected - moment);
    const struct step_segment *update = segment_of(&training, TRAINING_OPTIMIZER);
    ck_assert_double_eq_tol(find(update, "optimizer")->memory.bytes, bytes, 1e-9 * bytes);
    double flops = 0.0;
    for (uint32_t i = 0; i < update->count; i++) {
        const struct step_operator *op = &update->operators[i];
        flops += op->kind == OPERATOR_GEMM
                     ? 2.0 * (double)op->gemm.m * (double)op->gemm.n * (double)op->gemm.k
                     : 0.0;
    }
    ck_assert_double_eq(flops, 32.0 * 4.0 * 512.0 * projected);
    double cube = 4096.0 * 4096 * 4096, square = 1024.0 * 1024;
    double svd = 2 * 26 * cube + 2 * square * (6.0 * 4096 + 20.0 * 1024) +
                 3 * (6.0 * 14336 * 4096 * 4096 + 20 * cube);
    ck_assert_double_eq_tol(galore_svd_seconds(&training), 32.0 * svd / 1e12, 1e-9);

    training = training_of(&four_replicas, &bf16);
    training.galore.rank = 512;
    ck_assert_double_eq(training_stage_optimizer_bytes(&training, 0), states / 4.0);
    /* Nothing is smaller than its rank. */
    training.galore.rank = 4096;
    ck_assert_double_eq(training_stage_optimizer_bytes(&training, 0),
                        3.0 * (of_layers + of_others));
}
END_TEST

/* Of GaLore's Llama 1B (24 layers of 2048 and 5461, 32,000 tokens), moments in bf16: the paper says
 * up to 65.5 % less in its abstract; counted 61. */
START_TEST(galore_s_own_model)
{
    static const struct llm one = {
        .name = "1b", .hidden = 2048, .vocabulary = 32000, DENSE_LAYERS(24, 32, 32, 64, 5461)};
    struct training training = training_of(&alone, &bf16);
    training.replica.llm = &one;
    software.training.state_bytes_per_parameter = 4.0;
    double whole = training_stage_optimizer_bytes(&training, 0);
    training.galore.rank = 512;
    ck_assert_double_eq_tol(training_stage_optimizer_bytes(&training, 0) / whole, 0.389, 0.0005);
}
END_TEST

/* Updated as it is made, one layer's gradient is there at a time, or the embedding's: 4 x
 * 525,336,576. */
START_TEST(gradients_go_with_their_update)
{
    static struct cell cells[64];
    struct training training = training_of(&alone, &bf16);
    training.sharding = SHARDING_NONE;
    training.global_batch = 1;
    double kept = training_stage_memory(&training, 0, cells).gradient_bytes;
    ck_assert_double_eq(kept, 4.0 * (of_layers + of_others));
    training.layer_updates = true;
    ck_assert_double_eq(training_stage_memory(&training, 0, cells).gradient_bytes,
                        4.0 * 525336576.0);
}
END_TEST

RUN_TESTS(training_precision, replicas_exchange_their_formats, products_keep_their_inputs_in_fp8,
          inputs_are_cast_once, narrow_gradients_are_added_by_kernels,
          gathers_carry_what_the_product_takes, checkpoints_hold_every_parameter_once,
          checkpoints_take_the_storage_s_time, eight_bit_moments, low_rank_moments,
          galore_s_own_model, gradients_go_with_their_update)
