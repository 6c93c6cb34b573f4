/* SPDX-License-Identifier: MIT
 * What a software stack does in training, switch by switch, worked by hand: buckets of gradients,
 * products of their own, launches that bound a layer, what memory holds and when, adapters. Catches
 * a constant that is read but not used, which no table of whole steps would show. */
#include "models/training/training_bytes.h"
#include "models/training/training_memory.h"
#include "models/training/training_program.h"
#include "models/training/training_step.h"

#include "fixture.h"
#include "platform_files.h"
#include "run_tests.h"
#include "sim/scenario/training_scratch.h"

#include <math.h>
#include <string.h>

/* 16 layers of 8 x 128 x (2 x 1024 + 2 x 512) + 3 x 1024 x 4096 weights and two norms. */
static const struct llm small = {
    .name = "small",
    .hidden = 1024,
    .vocabulary = 32000,
    DENSE_LAYERS(16, 8, 4, 128, 4096),
};
static const double layer_parameters = 1024.0 * (2.0 * 1024.0 + 2.0 * 512.0 + 3.0 * 4096.0 + 2.0);
static const double embedding_parameters = 32000.0 * 1024.0;
static const struct precision bf16 = {.activations = FORMAT_BF16,
                                      .kv_cache = FORMAT_BF16,
                                      .attention_weights = {.format = FORMAT_BF16},
                                      .ffn_weights = {.format = FORMAT_BF16},
                                      .embedding = {.format = FORMAT_BF16}};
static struct gpu gpu;
static struct software software;
static struct layout layout;

static struct training training_of(uint32_t pipeline, uint32_t data)
{
    gpu = fixture_gpu;
    software = fixture_software;
    software.training = (struct training_software){.memory_passes = 1.0,
                                                   .attention_backward_efficiency = 1.0,
                                                   .ring_attention_efficiency = 1.0,
                                                   .norm_forward_bytes_per_element = 8.0,
                                                   .norm_backward_bytes_per_element = 8.0,
                                                   .gather_bytes_per_parameter = 2.0,
                                                   .reduce_bytes_per_parameter = 4.0,
                                                   .optimizer_bytes_per_parameter = 28.0,
                                                   .state_bytes_per_parameter = 12.0,
                                                   .gradient_bytes_per_parameter = 4.0};
    layout = (struct layout){.tensor = 1, .context = 1, .pipeline = pipeline, .data = data};
    return (struct training){
        .replica = {.llm = &small,
                    .gpu = &gpu,
                    .cluster = &fixture_cluster,
                    .software = &software,
                    .layout = &layout,
                    .precision = &bf16},
        .global_batch = 8 * data,
        .micro_batch = 1,
        .sequence_tokens = 2048,
        .schedule = &schedule_1f1b,
        .virtual_stages = 1,
        .sharding = SHARDING_ZERO1,
        .overlap = true,
    };
}

/* A layer; DDP's 25 MiB of fp32; 1e6 a rank above 40 ranks. FSDP gathers layers whatever the
 * buckets. */
START_TEST(buckets)
{
    struct training training = training_of(1, 64);
    ck_assert_double_eq_tol(training_bucket_parameters(&training), layer_parameters, 0.5);
    software.training.bucket_parameters = 40e6;
    software.training.bucket_parameters_per_rank = 1e6;
    ck_assert_double_eq_tol(training_bucket_parameters(&training), 64e6, 0.5);
    layout.data = 8;
    ck_assert_double_eq_tol(training_bucket_parameters(&training), 40e6, 0.5);
    training.sharding = SHARDING_FSDP;
    ck_assert_double_eq_tol(training_bucket_parameters(&training), layer_parameters, 0.5);
    training.sharding = SHARDING_NONE;
    software.training.bucket_bytes = 25.0 * 1048576.0;
    ck_assert_double_eq_tol(training_bucket_parameters(&training), 25.0 * 1048576.0 / 4.0, 0.5);
    training.sharding = SHARDING_FSDP;
    ck_assert_double_eq_tol(training_bucket_parameters(&training), layer_parameters, 0.5);
}
END_TEST

enum { MAX_OPERATORS = 300 };
static struct step_operator operators[TRAINING_SEGMENT_COUNT * MAX_OPERATORS];
static struct step_program program;

static uint32_t gemms(const struct training *training, enum training_segment kind, double *flops)
{
    ck_assert_uint_le(training_max_operators(training), MAX_OPERATORS);
    training_build(training, operators, &program);
    uint32_t count = 0;
    *flops = 0.0;
    for (uint32_t i = 0; i < program.segments[kind].count; i++) {
        const struct step_operator *op = &program.segments[kind].operators[i];
        if (op->kind == OPERATOR_GEMM) {
            *flops += 2.0 * (double)op->gemm.m * (double)op->gemm.n * (double)op->gemm.k;
            count++;
        }
    }
    return count;
}

/* Four products become seven, the same FLOPs; backward twice as many. */
START_TEST(products_apart)
{
    struct training training = training_of(1, 1);
    double joined, apart;
    ck_assert_uint_eq(gemms(&training, TRAINING_FORWARD, &joined), 4);
    software.training.products_apart = true;
    ck_assert_uint_eq(gemms(&training, TRAINING_FORWARD, &apart), 7);
    ck_assert_double_eq_tol(apart / joined, 1.0, 1e-12);
    ck_assert_uint_eq(gemms(&training, TRAINING_BACKWARD, &apart), 14);
    ck_assert_double_eq_tol(apart / joined, 2.0, 1e-12);
}
END_TEST

static const struct step_segment *built(const struct training *training, enum training_segment kind)
{
    ck_assert_uint_le(training_max_operators(training), MAX_OPERATORS);
    training_build(training, operators, &program);
    return &program.segments[kind];
}

/* Bytes of the kernels that are called so in a segment. */
static double named_bytes(const struct step_segment *segment, const char *name)
{
    double bytes = 0.0;
    for (uint32_t i = 0; i < segment->count; i++) {
        const struct step_operator *op = &segment->operators[i];
        if (op->kind == OPERATOR_MEMORY && strcmp(op->name, name) == 0) {
            bytes += op->memory.bytes;
        }
    }
    return bytes;
}

/* Eight experts of 512, two a token: 4,096 rows of 2 x 512 gates and ups are clamped at 8 bytes
 * each forward and 10 backward, 8 more where activations are computed again; their 1,024 outputs
 * get a bias at 12 and 16. Counts, so `memory_passes` leaves them alone. A stack that fuses them,
 * or a model without, has no such kernel. */
START_TEST(kernels_beside_experts)
{
    struct llm experts = small;
    struct ffn *ffn = &experts.stack.kinds[0].ffn;
    ffn->kind = FFN_EXPERTS;
    ffn->hidden = 512;
    ffn->experts = (struct experts){.count = 8, .per_token = 2};
    ffn->clamp = ffn->bias = true;
    struct training training = training_of(1, 1);
    training.replica.llm = &experts;
    software.training.memory_passes = 1.42;
    ck_assert_double_eq(named_bytes(built(&training, TRAINING_FORWARD), "clamp"), 0.0);
    software.training.clamp_forward_bytes_per_element = 8.0;
    software.training.clamp_backward_bytes_per_element = 10.0;
    software.training.expert_bias_forward_bytes_per_element = 12.0;
    software.training.expert_bias_backward_bytes_per_element = 16.0;
    const double gates = 4096.0 * 2.0 * 512.0, outputs = 4096.0 * 1024.0;
    const struct step_segment *forward = built(&training, TRAINING_FORWARD);
    ck_assert_double_eq(named_bytes(forward, "clamp"), 8.0 * gates);
    ck_assert_double_eq(named_bytes(forward, "experts bias"), 12.0 * outputs);
    const struct step_segment *backward = built(&training, TRAINING_BACKWARD);
    ck_assert_double_eq(named_bytes(backward, "clamp"), 10.0 * gates);
    ck_assert_double_eq(named_bytes(backward, "experts bias"), 16.0 * outputs);
    training.recompute = RECOMPUTE_CHEAP;
    backward = built(&training, TRAINING_BACKWARD);
    ck_assert_double_eq(named_bytes(backward, "clamp"), 18.0 * gates);
    ck_assert_double_eq(named_bytes(backward, "experts bias"), 16.0 * outputs);
    ffn->clamp = ffn->bias = false;
    ck_assert_double_eq(named_bytes(built(&training, TRAINING_BACKWARD), "clamp"), 0.0);
    ck_assert_double_eq(named_bytes(built(&training, TRAINING_FORWARD), "experts bias"), 0.0);
}
END_TEST

/* Between stages a micro-batch's residual travels: 2,048 tokens x 1,024 x 2 bytes. */
START_TEST(stages_send_a_residual)
{
    struct training training = training_of(2, 1);
    struct arena *arena = arena_create();
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", &gpu);
    software.library = load_software(arena, "pytorch-nccl")->library;
    software.matmul_efficiency = software.attention_efficiency = 1.0;
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs = training_price(&training, &scratch);
    const struct collective_call call = {.kind = COLLECTIVE_SEND,
                                         .group = {.ranks = 2, .ranks_per_node = 2},
                                         .bytes = 2048.0 * 1024.0 * 2.0};
    struct collective_plan plan = collective_plan(&fixture_cluster, &software, &call);
    ck_assert_uint_eq(costs.send[1].flow_count, plan.flow_count);
    ck_assert_double_eq(costs.send[1].flows[0].bytes, ceil(plan.flows[0].bytes));
    arena_destroy(arena);
}
END_TEST

/* Every second layer has a feed-forward block twice as wide. On two stages of 8 layers each 4 are
 * of either kind; a step's parameters and seconds are the sums of both. */
START_TEST(two_kinds_of_layers)
{
    static const uint32_t kinds[] = {0, 1};
    static const struct layer_run run = {.kinds = kinds, .kind_count = 2, .repeat = 8};
    struct llm mixed = small;
    mixed.stack.kinds[1] = mixed.stack.kinds[0];
    mixed.stack.kinds[1].ffn.hidden = 8192;
    mixed.stack.kind_count = 2;
    mixed.stack.runs = &run;
    mixed.stack.run_count = 1;
    struct training training = training_of(2, 1);
    training.replica.llm = &mixed;
    ck_assert_double_eq(training_part_layer_parameters(&training, 0),
                        8.0 * layer_parameters + 4.0 * 3.0 * 1024.0 * 4096.0);
    struct arena *arena = arena_create();
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", &gpu);
    software.library = load_software(arena, "pytorch-nccl")->library;
    software.matmul_efficiency = software.attention_efficiency = 1.0;
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs = training_price(&training, &scratch);
    uint32_t wide = training_segment_of(TRAINING_FORWARD, 1);
    ck_assert_uint_eq(training_segment_count(&training), wide + 3);
    ck_assert_double_gt(costs.segment_seconds[wide], costs.segment_seconds[TRAINING_FORWARD]);
    double layers = 4.0 * (costs.segment_seconds[wide] + costs.segment_seconds[TRAINING_FORWARD]);
    ck_assert_double_eq_tol(scratch.parts[1].seconds[CELL_FORWARD] -
                                costs.segment_seconds[TRAINING_HEAD],
                            layers, 1e-9);
    arena_destroy(arena);
}
END_TEST

/* Documents mask attention alone. Where they mask all of it, products are left: of a mixture's
 * those of the experts that a token is sent to, here two of 64. */
START_TEST(documents_mask_attention)
{
    struct llm mixture = small;
    mixture.stack.kinds[0].ffn.kind = FFN_EXPERTS;
    mixture.stack.kinds[0].ffn.experts = (struct experts){.count = 64, .per_token = 2};
    struct training training = training_of(1, 1);
    training.replica.llm = &mixture;
    training.mean_document_share = 1e-9;
    double tokens = 8.0 * (double)training.sequence_tokens;
    double layer = 1024.0 * (2.0 * 1024.0 + 2.0 * 512.0 + 64.0 + 2.0 * 3.0 * 4096.0);
    double products = 2.0 * tokens * (16.0 * layer + embedding_parameters);
    ck_assert_double_eq_tol(training_step_flops(&training) / (3.0 * products), 1.0, 1e-8);
    training.mean_document_share = 1.0;
    double whole = training_step_flops(&training);
    training.mean_document_share = 0.0;
    ck_assert_double_eq_tol(training_step_flops(&training) / whole, 1.0, 1e-12);
}
END_TEST

/* A layer more that predicts a further token: on the second of two stages it brings a layer, a
 * product of 2 x 1024 by 1024 with three norms before it and behind it, and a copy of the first
 * stage's embedding; its passes are a layer's, the product's and the head's again. */
START_TEST(layers_that_predict)
{
    struct training training = training_of(2, 1);
    double before = training_part_parameters(&training, 1), flops = training_step_flops(&training);
    training.predicted = 1;
    ck_assert_uint_eq(training_part_kind_layers(&training, 0, 0), 8);
    ck_assert_uint_eq(training_part_kind_layers(&training, 1, 0), 9);
    double join = 2.0 * 1024.0 * 1024.0 + 3.0 * 1024.0;
    ck_assert_double_eq_tol(training_part_parameters(&training, 1) - before,
                            layer_parameters + join + embedding_parameters, 1e-3);
    double sequence = (double)training.sequence_tokens;
    double layer = llm_forward_flops(training.replica.llm, sequence, 0.0) / 16.0;
    double more = layer + 4.0 * sequence * 1024.0 * 1024.0 + 2.0 * sequence * embedding_parameters;
    ck_assert_double_eq_tol(
        (training_step_flops(&training) - flops) / (3.0 * training.global_batch * more), 1.0, 1e-9);
    struct arena *arena = arena_create();
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", &gpu);
    software.library = load_software(arena, "pytorch-nccl")->library;
    software.matmul_efficiency = software.attention_efficiency = 1.0;
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs = training_price(&training, &scratch);
    const double *seconds = costs.segment_seconds;
    ck_assert_double_gt(seconds[TRAINING_JOIN], 0.0);
    ck_assert_double_eq_tol(scratch.parts[1].seconds[CELL_FORWARD],
                            9.0 * seconds[TRAINING_FORWARD] + seconds[TRAINING_JOIN] +
                                2.0 * seconds[TRAINING_HEAD],
                            1e-12);
    ck_assert_double_eq_tol(scratch.parts[1].seconds[CELL_BACKWARD],
                            9.0 * seconds[TRAINING_BACKWARD] + seconds[TRAINING_JOIN_BACKWARD] +
                                2.0 * seconds[TRAINING_HEAD_BACKWARD],
                            1e-12);
    ck_assert_double_eq_tol(scratch.parts[0].seconds[CELL_FORWARD],
                            8.0 * seconds[TRAINING_FORWARD] + seconds[TRAINING_EMBEDDING], 1e-12);
    /* Kept of a micro-batch: a layer, the loss's softmax and last norm again, and 4 x 1024
     * elements of the join. */
    struct cell cells[64];
    double with = training_stage_memory(&training, 1, cells).activation_bytes;
    training.predicted = 0;
    double without = training_stage_memory(&training, 1, cells).activation_bytes;
    double tokens = (double)training_rank_tokens(&training);
    double kept = training_layer_activation_bytes(&training, 0) +
                  tokens * (4.0 * embedding_parameters / 1024.0 + 4.0 * 1024.0 * 2.0);
    ck_assert_double_ge(with - without, kept);
    ck_assert_double_le(with - without, 1.05 * kept);
    arena_destroy(arena);
}
END_TEST

/* Adapters of rank 16: a layer's backward pass has gradients of inputs, one product each, and of
 * the two adapters; nothing else is trained. 16 x (2 x 1024 + 2 x 1024 + 2 x 512) parameters. */
START_TEST(adapters)
{
    struct training training = training_of(1, 1);
    double forward, whole, backward;
    gemms(&training, TRAINING_FORWARD, &forward);
    double flops = training_step_flops(&training);
    training.adapter_rank = 16;
    ck_assert_double_eq_tol(training_part_trained(&training, 0), 16.0 * 16.0 * 5120.0, 1e-6);
    ck_assert_uint_eq(gemms(&training, TRAINING_FORWARD, &whole), 4 + 4);
    double thin = 2.0 * 2048.0 * 16.0 * (1024.0 + 2048.0 + 1024.0 + 1024.0);
    ck_assert_double_eq_tol(whole - forward, thin, 1.0);
    ck_assert_uint_eq(gemms(&training, TRAINING_BACKWARD, &backward), 4 + 8);
    ck_assert_double_eq_tol(backward, forward + 2.0 * thin, 1.0);
    ck_assert_double_eq_tol(training_step_flops(&training) / flops, 2.0 / 3.0, 1e-12);
    struct cell cells[64];
    struct training_memory memory = training_stage_memory(&training, 0, cells);
    ck_assert_double_eq_tol(memory.gradient_bytes, 4.0 * 16.0 * 16.0 * 5120.0, 1e-3);
    ck_assert_double_eq_tol(memory.parameter_bytes,
                            2.0 * (16.0 * layer_parameters + 2.0 * embedding_parameters), 1.0);
}
END_TEST

/* The host launches 24 kernels at 100 us: a layer takes no less than 2.4 ms forward, 5 ms backward,
 * and 1 ms more of each when it is sharded. */
START_TEST(launches_bound_a_layer)
{
    struct training training = training_of(1, 2);
    struct arena *arena = arena_create();
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", &gpu);
    software.library = load_software(arena, "pytorch-nccl")->library;
    software.matmul_efficiency = software.attention_efficiency = 1.0;
    software.eager_launch_seconds = 100e-6;
    software.training.forward_kernels = 24.0;
    software.training.backward_kernels = 50.0;
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs = training_price(&training, &scratch);
    ck_assert_double_eq_tol(costs.segment_seconds[TRAINING_FORWARD], 2.4e-3, 1e-9);
    ck_assert_double_eq_tol(costs.segment_seconds[TRAINING_BACKWARD], 5.0e-3, 1e-9);
    training.sharding = SHARDING_FSDP;
    software.training.sharded_layer_seconds = 1e-3;
    costs = training_price(&training, &scratch);
    ck_assert_double_eq_tol(costs.segment_seconds[TRAINING_FORWARD], 3.4e-3, 1e-9);
    arena_destroy(arena);
}
END_TEST

/* FSDP gathers for both passes, or keeps what the forward pass gathered; root first and last. */
START_TEST(fsdp_gathers)
{
    struct training training = training_of(1, 2);
    struct arena *arena = arena_create();
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", &gpu);
    software.library = load_software(arena, "pytorch-nccl")->library;
    software.matmul_efficiency = software.attention_efficiency = 1.0;
    training.sharding = SHARDING_FSDP;
    software.training.root_group = true;
    struct training_scratch scratch = training_scratch_create(arena, &training);
    struct training_costs costs = training_price(&training, &scratch);
    const struct cell forward = {.kind = CELL_FORWARD}, backward = {.kind = CELL_BACKWARD};
    ck_assert(pipeline_cell_run(&costs.play, &forward, scratch.parts).gathers);
    ck_assert(pipeline_cell_run(&costs.play, &backward, scratch.parts).gathers);
    double all = 16.0 * layer_parameters + 2.0 * embedding_parameters;
    ck_assert_double_eq_tol(scratch.parts[0].gather_edge, 2.0 * embedding_parameters / all, 1e-12);
    ck_assert_double_eq_tol(scratch.parts[0].reduce_edge, 2.0 * embedding_parameters / all, 1e-12);
    training.keeps_gathered = true;
    costs = training_price(&training, &scratch);
    ck_assert(pipeline_cell_run(&costs.play, &forward, scratch.parts).gathers);
    ck_assert(!pipeline_cell_run(&costs.play, &backward, scratch.parts).gathers);
    arena_destroy(arena);
}
END_TEST

/* Gradients that no step keeps are there when activations are gone: one micro-batch holds the
 * larger of the two. The last stage keeps every micro-batch's logits, and joins them. */
START_TEST(what_is_held_when)
{
    static struct cell cells[64];
    struct training training = training_of(1, 1);
    training.global_batch = 1;
    struct training_memory kept = training_stage_memory(&training, 0, cells);
    double gradients = 4.0 * (16.0 * layer_parameters + 2.0 * embedding_parameters);
    ck_assert_double_eq_tol(kept.gradient_bytes, gradients, 1.0);
    software.training.gradients_dropped = true;
    struct training_memory dropped = training_stage_memory(&training, 0, cells);
    ck_assert_double_eq_tol(dropped.gradient_bytes + dropped.activation_bytes,
                            fmax(gradients, kept.activation_bytes), 1.0);
    struct training staged = training_of(2, 1);
    struct training_memory before = training_stage_memory(&staged, 1, cells);
    software.training.pipeline_outputs = true;
    struct training_memory after = training_stage_memory(&staged, 1, cells);
    double outputs = 8.0 * 2048.0 * 32000.0 * 2.0;
    ck_assert_double_eq_tol(after.activation_bytes,
                            fmax(before.activation_bytes + outputs, 2.0 * outputs), 1.0);
}
END_TEST

/* DDP's buckets hold copies beside; whole gradients of a pipeline are not shared by its replicas.
 */
START_TEST(copies_of_gradients)
{
    static struct cell cells[64];
    struct training training = training_of(1, 2);
    training.sharding = SHARDING_NONE;
    double gradients = 4.0 * (16.0 * layer_parameters + 2.0 * embedding_parameters);
    software.training.bucket_copies = 2.0;
    ck_assert_double_eq_tol(training_stage_memory(&training, 0, cells).gradient_bytes,
                            3.0 * gradients, 1.0);
    struct training staged = training_of(2, 4);
    staged.sharding = SHARDING_FSDP;
    double stage = 4.0 * (8.0 * layer_parameters + embedding_parameters);
    ck_assert_double_eq_tol(training_stage_memory(&staged, 0, cells).gradient_bytes, stage / 4.0,
                            1.0);
    software.training.whole_gradients = true;
    ck_assert_double_eq_tol(training_stage_memory(&staged, 0, cells).gradient_bytes, stage, 1.0);
}
END_TEST

/* A token of autocast: the residual stream twice in fp32 in place of bf16 (2 x 2 bytes), casts of
 * its norm for key and value (2 x 2) and for up (2); all weights but the embedding's twice. */
START_TEST(autocast_keeps_casts)
{
    static struct cell cells[64];
    struct training training = training_of(1, 1);
    double plain = training_layer_activation_bytes(&training, 0);
    double weights = training_stage_memory(&training, 0, cells).parameter_bytes;
    software.training.autocast = true;
    ck_assert_double_eq_tol(training_layer_activation_bytes(&training, 0) - plain,
                            2048.0 * 1024.0 * 10.0, 1.0);
    ck_assert_double_eq_tol(training_stage_memory(&training, 0, cells).parameter_bytes - weights,
                            2.0 * (16.0 * layer_parameters + embedding_parameters), 1.0);
}
END_TEST

/* Two tensor ranks: up keeps its own gathered input, and the loss is that of 32000 logits in place
 * of 16000, 12 bytes each when most is held. */
START_TEST(tensor_ranks_keep_whole_tensors)
{
    static struct cell cells[64];
    struct training training = training_of(1, 1);
    layout.tensor = 2;
    training.sequence_parallel = true;
    software.training.gathered_inputs = true;
    software.training.loss_kept_bytes_per_logit = 12.0;
    double layer = training_layer_activation_bytes(&training, 0);
    software.training.gathers_apart = true;
    ck_assert_double_eq_tol(training_layer_activation_bytes(&training, 0) - layer,
                            2048.0 * 1024.0 * 2.0, 1.0);
    double part = training_stage_memory(&training, 0, cells).activation_bytes;
    software.training.whole_logits = true;
    ck_assert_double_eq_tol(training_stage_memory(&training, 0, cells).activation_bytes - part,
                            2048.0 * 16000.0 * 12.0, 1.0);
}
END_TEST

/* A split backward pass leaves gradients of query (1024), key and value (2 x 512), out, down and
 * two norms (4 x 1024), gate and up (2 x 4096), in bf16, and no logits. */
START_TEST(split_passes_keep_gradients)
{
    static struct cell cells[64];
    struct training training = training_of(1, 1);
    training.schedule = &schedule_zero_bubble;
    struct training_memory memory = training_stage_memory(&training, 0, cells);
    double waiting = 2048.0 * 2.0 * (1024.0 + 2.0 * 512.0 + 4.0 * 1024.0 + 2.0 * 4096.0);
    ck_assert_uint_eq(memory.passes_in_flight, 1);
    ck_assert_double_eq_tol(memory.activation_bytes,
                            16.0 * (training_layer_activation_bytes(&training, 0) + waiting), 1.0);
}
END_TEST

/* GPipe, 8 micro-batches on the first of two stages: gradients come with the first backward pass,
 * when one pass of the 8 is gone. */
START_TEST(gradients_come_with_a_pass)
{
    static struct cell cells[64];
    struct training training = training_of(2, 1);
    training.schedule = &schedule_gpipe;
    double gradients = 4.0 * (8.0 * layer_parameters + embedding_parameters);
    double pass = 8.0 * training_layer_activation_bytes(&training, 0);
    struct training_memory kept = training_stage_memory(&training, 0, cells);
    ck_assert_double_eq_tol(kept.gradient_bytes, gradients, 1.0);
    software.training.gradients_dropped = true;
    struct training_memory dropped = training_stage_memory(&training, 0, cells);
    ck_assert_double_eq_tol(dropped.activation_bytes, kept.activation_bytes, 1.0);
    ck_assert_double_eq_tol(dropped.gradient_bytes, fmax(gradients - pass, 0.0), 1.0);
}
END_TEST

RUN_TESTS(training_stacks, buckets, products_apart, adapters, launches_bound_a_layer, fsdp_gathers,
          what_is_held_when, copies_of_gradients, autocast_keeps_casts,
          tensor_ranks_keep_whole_tensors, split_passes_keep_gradients, gradients_come_with_a_pass,
          stages_send_a_residual, kernels_beside_experts, two_kinds_of_layers,
          documents_mask_attention, layers_that_predict)
