/* SPDX-License-Identifier: MIT
 * Formats and what follows from choosing them: one test a consequence, each worked by hand. A
 * format that changes nothing where it should, or something where it should not, shows here. */
#include "models/architecture/precision.h"
#include "models/passes/memory.h"

#include "fixture.h"
#include "round_gpu.h"
#include "run_tests.h"

#include <string.h>

enum { MAX_OPERATORS = 1024 };

struct built {
    struct step_operator operators[STEP_MAX_SEGMENTS * MAX_OPERATORS];
    struct step_program program;
    struct layout layout;
    struct replica replica;
};

static const struct number int4_blocks = {
    .format = FORMAT_INT4, .scaling = SCALING_BLOCK, .block = 128};
static const struct number fp8_rows = {.format = FORMAT_FP8, .scaling = SCALING_ROW};

static struct precision all_bf16(void)
{
    const struct number bf16 = {.format = FORMAT_BF16};
    return (struct precision){.attention_weights = bf16,
                              .ffn_weights = bf16,
                              .embedding = bf16,
                              .activations = FORMAT_BF16,
                              .kv_cache = FORMAT_BF16};
}

static struct replica replica_of(const struct precision *precision, const struct layout *layout)
{
    return (struct replica){.llm = &fixture_llm,
                            .gpu = &fixture_gpu,
                            .cluster = &fixture_cluster,
                            .software = &fixture_software,
                            .layout = layout,
                            .precision = precision};
}

static const struct step_segment *layers(struct built *built, const struct precision *precision,
                                         uint32_t context, enum ring_variant variant)
{
    built->layout = (struct layout){.tensor = 8, .context = context, .pipeline = 1, .data = 1};
    built->replica = replica_of(precision, &built->layout);
    ck_assert_uint_le(transformer_max_operators(&built->replica, 1), MAX_OPERATORS);
    struct batch_slice slice = {PHASE_PREFILL, 1, 4096, 0};
    struct batch batch = {.slices = &slice, .slice_count = 1};
    transformer_build(&built->replica, &batch, variant, built->operators, &built->program);
    return &built->program.segments[1];
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

START_TEST(formats_hold_narrower_ones_of_their_kind)
{
    ck_assert_double_eq(format_bytes(FORMAT_FP6), 0.75);
    ck_assert_double_eq_tol(format_bits(FORMAT_TERNARY), 1.585, 1e-3);
    ck_assert(format_bytes(FORMAT_TERNARY) * 8.0 >= format_bits(FORMAT_TERNARY));
    ck_assert_uint_eq(format_own_block(FORMAT_MXFP4), 32);
    ck_assert(format_holds(FORMAT_FP8, FORMAT_FP4));
    ck_assert(format_holds(FORMAT_INT8, FORMAT_INT4));
    ck_assert(!format_holds(FORMAT_FP8, FORMAT_INT4));
    ck_assert(!format_holds(FORMAT_INT8, FORMAT_FP8));
    ck_assert(format_holds(FORMAT_BF16, FORMAT_INT8));
    ck_assert(format_holds(FORMAT_MXFP8, FORMAT_NVFP4));
    ck_assert_int_eq(format_next(FORMAT_MXFP8),
                     FORMAT_BF16); /* an fp8 product has no such scales */
    ck_assert(!format_holds(FORMAT_FP8, FORMAT_BF16));
    for (int format = FORMAT_UNSET + 1; format < FORMAT_COUNT; format++) {
        enum format next = (enum format)format; /* every chain ends at fp32 */
        for (int i = 0; i < FORMAT_COUNT; i++) {
            next = format_next(next);
        }
        ck_assert_int_eq(next, FORMAT_FP32);
    }
}
END_TEST

/* [8192][1024] int4 in blocks of 128: 4 MiB and 8192 x 8 scales of 2 bytes, 4.25 bits a weight.
 * mxfp4: 8192 x 32 scales of one byte. fp8 rows: 8192 scales of 4 bytes. */
START_TEST(scales_take_bytes)
{
    ck_assert_double_eq(precision_matrix_bytes(int4_blocks, 8192, 1024), 4194304.0 + 131072.0);
    struct number mx = {.format = FORMAT_MXFP4};
    ck_assert_double_eq(precision_matrix_bytes(mx, 8192, 1024), 4194304.0 + 262144.0);
    /* Bits a weight, scales with them: 4 + 8 / 16, 6 + 8 / 32, 8 + 8 / 32. */
    static const struct {
        enum format format;
        double bits;
    } own[] = {
        {FORMAT_NVFP4, 4.5}, {FORMAT_MXFP4, 4.25}, {FORMAT_MXFP6, 6.25}, {FORMAT_MXFP8, 8.25}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct number number = {.format = own[i].format};
        ck_assert_double_eq(precision_matrix_bytes(number, 8192, 1024),
                            8192.0 * 1024.0 * own[i].bits / 8.0);
    }
    ck_assert_double_eq(precision_matrix_bytes(fp8_rows, 8192, 1024), 8388608.0 + 32768.0);
    /* Square blocks of fp8: 64 x 8 scales of 4 bytes. */
    struct number square = {.format = FORMAT_FP8, .scaling = SCALING_BLOCK, .block = 128};
    ck_assert_double_eq(precision_matrix_bytes(square, 8192, 1024), 8388608.0 + 2048.0);
    struct number tensor = {.format = FORMAT_FP8, .scaling = SCALING_TENSOR};
    ck_assert_double_eq(precision_matrix_bytes(tensor, 8192, 1024), 8388612.0);
}
END_TEST

/* An H100 has fp8 and int8 but nothing narrower; a GPU with bf16 alone dequantises fp8 too. */
START_TEST(what_a_gpu_lacks_is_computed_in_the_next_format)
{
    struct product_formats product = precision_product(&fixture_gpu, int4_blocks, FORMAT_BF16);
    ck_assert_int_eq(product.compute, FORMAT_BF16);
    ck_assert_int_eq(product.weights, FORMAT_INT4);
    ck_assert_int_eq(product.scaling, SCALING_NONE);
    ck_assert(!product.quantises_inputs);

    struct number w4a8 = int4_blocks;
    w4a8.inputs = FORMAT_INT8;
    product = precision_product(&fixture_gpu, w4a8, FORMAT_BF16);
    ck_assert_int_eq(product.compute, FORMAT_INT8);
    ck_assert_int_eq(product.weights, FORMAT_INT4);
    ck_assert(product.quantises_inputs);

    w4a8.inputs = FORMAT_FP8; /* e4m3 does not hold int4 in its matrix units: bf16 does */
    product = precision_product(&fixture_gpu, w4a8, FORMAT_BF16);
    ck_assert_int_eq(product.compute, FORMAT_BF16);

    struct number w4a4 = {
        .format = FORMAT_FP4, .scaling = SCALING_BLOCK, .block = 16, .inputs = FORMAT_FP4};
    product = precision_product(&fixture_gpu, w4a4, FORMAT_BF16);
    ck_assert_int_eq(product.compute, FORMAT_FP8);

    product = precision_product(&fixture_gpu, fp8_rows, FORMAT_BF16);
    ck_assert_int_eq(product.compute, FORMAT_FP8);
    ck_assert_int_eq(product.scaling, SCALING_ROW);
    ck_assert_int_eq(product.weights, FORMAT_UNSET);
    ck_assert(product.quantises_inputs && !product.casts_weights);

    struct gpu old = fixture_gpu;
    old.dense_flops_per_second[FORMAT_FP8] = 0.0;
    product = precision_product(&old, fp8_rows, FORMAT_BF16);
    ck_assert_int_eq(product.compute, FORMAT_BF16);
    ck_assert_int_eq(product.weights, FORMAT_FP8);
    ck_assert(!product.quantises_inputs);

    struct number cast = {.format = FORMAT_BF16, .inputs = FORMAT_FP8};
    product = precision_product(&fixture_gpu, cast, FORMAT_BF16);
    ck_assert_int_eq(product.compute, FORMAT_FP8);
    ck_assert_int_eq(product.scaling, SCALING_TENSOR);
    ck_assert(product.casts_weights && product.quantises_inputs);
}
END_TEST

/* 100 SMs at 1 GHz, 4096 bf16 FLOP a clock, 128 lanes; memory 1 TB/s. One row, so memory bounds:
 * 10,000 x 8192 int4 weights are 40.96 MB, their scales 1.28 MB, input and output 36 kB. */
static struct gpu terabyte_gpu(void)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    return gpu;
}

START_TEST(narrow_weights_are_read_at_their_size)
{
    struct gpu gpu = terabyte_gpu();
    struct gemm_shape shape = {.m = 1, .n = 10000, .k = 8192, .format = FORMAT_BF16};
    gpu.lanes = 12800; /* enough that they are not waited for */
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 163.876e-6, 1e-8);
    shape.weights = FORMAT_INT4;
    shape.scale_bytes = precision_scale_bytes(int4_blocks, 10000, 8192);
    ck_assert_double_eq(shape.scale_bytes, 10000.0 * 64.0 * 2.0);
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).bytes, 40.96e6 + 1.28e6 + 36384.0, 1.0);
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 42.276e-6, 1e-8);
}
END_TEST

/* 25,600 x 12,800 outputs on 100 SMs: 80 waves of tiles of 320 x 128, 1024 steps of 20 clocks each,
 * as long as 100 waves of 256 x 128. int4 weights lie along the narrow side: 128 x 2.75 slots on
 * 128 lanes are 2.75 clocks more, least often with the larger tile. */
START_TEST(dequantising_takes_the_lanes_time)
{
    struct gpu gpu = terabyte_gpu();
    gpu.memory_bytes_per_second = 1e18;
    struct gemm_shape shape = {.m = 25600, .n = 12800, .k = 1024, .format = FORMAT_BF16};
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 80 * 1024 * 20e-9, 1e-8);
    shape.weights = FORMAT_INT4;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 80 * 1024 * 22.75e-9, 1e-8);
}
END_TEST

/* One wave of 100 tiles of 128 x 128, 4 clocks each step along k. Scales of blocks: the tile's
 * 16,384 sums are scaled and added on 128 lanes every 128 steps, one clock a step, or every 64,
 * two. */
START_TEST(sums_of_blocks_go_through_the_lanes)
{
    struct gpu gpu = terabyte_gpu();
    gpu.memory_bytes_per_second = 1e18;
    struct gemm_shape shape = {
        .m = 12800, .n = 128, .k = 8192, .format = FORMAT_FP8, .scaling = SCALING_ROW};
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 8192 * 4e-9, 1e-9);
    shape.scaling = SCALING_BLOCK;
    shape.block = 128;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 8192 * 5e-9, 1e-9);
    shape.block = 64;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 8192 * 6e-9, 1e-9);
    /* A product of experts has tiles of 128 x 256: 8 clocks a step, and 2. */
    gpu.grouped_efficiency = 1.0;
    shape.experts = (struct experts){.count = 1, .per_token = 1};
    shape.n = 256;
    shape.block = 128;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 8192 * 10e-9, 1e-9);
}
END_TEST

/* int8 has twice bf16's rate here, and half of it is reached: 8 clocks a step. */
START_TEST(integers_have_an_efficiency_of_their_own)
{
    struct gpu gpu = terabyte_gpu();
    gpu.memory_bytes_per_second = 1e18;
    gpu.dense_flops_per_second[FORMAT_INT8] = 819.2e12;
    struct gemm_shape shape = {
        .m = 12800, .n = 128, .k = 8192, .format = FORMAT_INT8, .scaling = SCALING_ROW};
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 8192 * 4e-9, 1e-9);
    gpu.matmul_integer_efficiency = 0.5;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 8192 * 8e-9, 1e-9);
}
END_TEST

/* A whole waits for its memory at few tokens: 16 bits over 4 and 16 of a scale for 128, the 3.87
 * times that Marlin's authors call ideal and reach at up to 16 to 32 tokens. */
START_TEST(int4_weights_read_3_88_times_less)
{
    struct gpu gpu = terabyte_gpu();
    gpu.lanes = 12800;
    struct gemm_shape shape = {.m = 1, .n = 100000, .k = 8192, .format = FORMAT_BF16};
    double wide = gemm_cost(&gpu, &shape, 1e9).seconds;
    shape.weights = FORMAT_INT4;
    shape.scale_bytes = precision_scale_bytes(int4_blocks, 100000, 8192);
    ck_assert_double_eq_tol(wide / gemm_cost(&gpu, &shape, 1e9).seconds, 16.0 / 4.125, 1e-2);
}
END_TEST

/* 12,800 queries of one head are one block an SM: 8192 keys x 4 x 128 x 128 FLOP at 4096 a clock,
 * 16 clocks a key in bf16, 8 in fp8. Keys kept in fp8 for bf16 products: 2 x 128 x 4 on 128
 * lanes, 8 clocks more. */
START_TEST(attention_computes_in_its_format)
{
    struct gpu gpu = terabyte_gpu();
    gpu.memory_bytes_per_second = 1e18;
    struct attention_shape shape = {.sequences = 1,
                                    .queries = 12800,
                                    .keys = 8192,
                                    .query_heads = 1,
                                    .kv_heads = 1,
                                    .head_size = 128,
                                    .format = FORMAT_BF16};
    ck_assert_double_eq_tol(attention_cost(&gpu, &shape, 1e9).seconds, 8192 * 16e-9, 1e-9);
    shape.format = FORMAT_FP8;
    ck_assert_double_eq_tol(attention_cost(&gpu, &shape, 1e9).seconds, 8192 * 24e-9, 1e-9);
    shape.compute = FORMAT_FP8;
    ck_assert_double_eq_tol(attention_cost(&gpu, &shape, 1e9).seconds, 8192 * 8e-9, 1e-9);
}
END_TEST

/* The norm before qkv may, what attention writes for `out` may not. */
START_TEST(compilers_join_casts_to_norms)
{
    static struct built built;
    static const struct {
        bool fused, rows, separate;
        uint32_t casts;
    } cases[] = {{true, true, false, 1},
                 {true, false, false, 2},
                 {false, true, false, 2},
                 {true, true, true, 2}};
    struct precision precision = all_bf16();
    precision.attention_weights = fp8_rows;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct software software = fixture_software;
        software.fused_kernels = cases[i].fused;
        software.fuses_row_scales = cases[i].rows;
        software.separate_quantisation = cases[i].separate;
        const struct step_segment *segment = layers(&built, &precision, 1, RING_NONE);
        built.replica.software = &software;
        struct batch_slice slice = {PHASE_PREFILL, 1, 4096, 0};
        struct batch batch = {.slices = &slice, .slice_count = 1};
        transformer_build(&built.replica, &batch, RING_NONE, built.operators, &built.program);
        uint32_t casts = 0;
        for (uint32_t j = 0; j < segment->count; j++) {
            casts += strcmp(segment->operators[j].name, "quantise") == 0;
        }
        ck_assert_uint_eq(casts, cases[i].casts);
    }
}
END_TEST

START_TEST(kernels_convert_what_products_need)
{
    static struct built built;
    struct precision precision = all_bf16();
    const struct step_segment *segment = layers(&built, &precision, 1, RING_NONE);
    ck_assert_ptr_null(find(segment, "quantise"));
    ck_assert_int_eq(find(segment, "qkv")->gemm.weights, FORMAT_UNSET);

    precision.attention_weights = fp8_rows; /* 4096 x 16384 read in bf16, written in fp8 */
    segment = layers(&built, &precision, 1, RING_NONE);
    ck_assert_int_eq(find(segment, "quantise")->memory.kernel, MEMORY_QUANTISE_ROW);
    ck_assert_double_eq(find(segment, "quantise")->memory.bytes, 4096.0 * 16384.0 * 3.0);

    precision.attention_weights.scaling = SCALING_BLOCK; /* 128 runs of 128 a token */
    precision.attention_weights.block = 128;
    segment = layers(&built, &precision, 1, RING_NONE);
    ck_assert_uint_eq(find(segment, "quantise")->memory.columns, 128);
    ck_assert_uint_eq(find(segment, "qkv")->gemm.block, 128);
    ck_assert_double_eq(find(segment, "quantise")->memory.bytes, 4096.0 * 16384.0 * 3.0);

    precision.attention_weights = int4_blocks;
    segment = layers(&built, &precision, 1, RING_NONE);
    ck_assert_ptr_null(find(segment, "quantise"));
    ck_assert_int_eq(find(segment, "qkv")->gemm.format, FORMAT_BF16);
    ck_assert_int_eq(find(segment, "qkv")->gemm.weights, FORMAT_INT4);

    precision.attention_weights = (struct number){.format = FORMAT_BF16, .inputs = FORMAT_FP8};
    segment = layers(&built, &precision, 1, RING_NONE); /* 16 + 2 heads of 128 columns a rank */
    ck_assert_double_eq(find(segment, "cast weights")->memory.bytes, 18.0 * 128.0 * 16384.0 * 3.0);
}
END_TEST

/* 4096 tokens x 16384 x 2 bytes; in fp8 half of that, and a kernel on either side. */
START_TEST(all_reduces_carry_their_format)
{
    static struct built built;
    struct precision precision = all_bf16();
    const struct step_segment *segment = layers(&built, &precision, 1, RING_NONE);
    ck_assert_double_eq(find(segment, "ffn all-reduce")->collective.call.bytes, 134217728.0);
    ck_assert_ptr_null(find(segment, "quantise sum"));
    precision.tensor_collectives = FORMAT_FP8;
    segment = layers(&built, &precision, 1, RING_NONE);
    ck_assert_double_eq(find(segment, "ffn all-reduce")->collective.call.bytes, 67108864.0);
    ck_assert_double_eq(find(segment, "quantise sum")->memory.bytes, 3.0 * 67108864.0);
    ck_assert_double_eq(find(segment, "dequantise sum")->memory.bytes, 3.0 * 67108864.0);
    ck_assert_int_eq(find(segment, "dequantise sum")->memory.kernel, MEMORY_DEQUANTISE);
}
END_TEST

/* 1024 tokens of 4 ranks: pass-KV 2 x 1 head x 128, pass-Q 16 heads x 128. */
START_TEST(ring_hops_carry_their_format)
{
    static struct built built;
    struct precision precision = all_bf16();
    const struct step_segment *segment = layers(&built, &precision, 4, RING_PASS_KV);
    ck_assert_double_eq(find(segment, "ring hop")->collective.call.bytes, 1024.0 * 256.0 * 2.0);
    precision.kv_cache = FORMAT_FP8; /* the cache's format travels */
    segment = layers(&built, &precision, 4, RING_PASS_KV);
    ck_assert_double_eq(find(segment, "ring hop")->collective.call.bytes, 1024.0 * 256.0);
    segment = layers(&built, &precision, 4, RING_PASS_Q);
    ck_assert_double_eq(find(segment, "ring hop")->collective.call.bytes, 1024.0 * 2048.0 * 2.0);
    precision.kv_cache = FORMAT_BF16;
    precision.ring_hops = FORMAT_FP8;
    segment = layers(&built, &precision, 4, RING_PASS_KV);
    ck_assert_double_eq(find(segment, "ring hop")->collective.call.bytes, 1024.0 * 256.0);
    ck_assert_double_eq(find(segment, "quantise hops")->memory.bytes, 1024.0 * 256.0 * 3.0);
    segment = layers(&built, &precision, 4, RING_PASS_Q);
    ck_assert_double_eq(find(segment, "ring hop")->collective.call.bytes, 1024.0 * 2048.0);
}
END_TEST

/* TP8: 401.65e9 weights of the layers at 0.5 + 2/128 bytes are 25.9 GB a rank; embedding and head
 * stay bf16, 1.05 GB. fp8 halves the KV cache of 64,512 bytes a token; int4 in blocks of 64 is
 * 128 x 0.5 + 2 x 2 bytes a head: 126 x 2 x 68. */
START_TEST(memory_holds_the_bytes)
{
    struct precision precision = all_bf16();
    struct layout layout = {.tensor = 8, .context = 1, .pipeline = 1, .data = 1};
    struct replica replica = replica_of(&precision, &layout);
    double layers_bytes = memory_weight_bytes(&replica);
    ck_assert_double_eq_tol(layers_bytes, 101.46e9, 0.05e9);
    precision.attention_weights = precision.ffn_weights = int4_blocks;
    ck_assert_double_eq_tol(memory_weight_bytes(&replica), 25.89e9 + 1.05e9, 0.05e9);
    precision.kv_cache = FORMAT_FP8;
    ck_assert_double_eq(memory_kv_bytes_per_token(&replica), 32256.0);
    precision.kv_cache = FORMAT_INT4;
    precision.kv_scaling = SCALING_BLOCK;
    precision.kv_block = 64;
    ck_assert_double_eq(memory_kv_bytes_per_token(&replica), 126.0 * 2.0 * 68.0);
}
END_TEST

RUN_TESTS(precision, formats_hold_narrower_ones_of_their_kind, scales_take_bytes,
          what_a_gpu_lacks_is_computed_in_the_next_format, narrow_weights_are_read_at_their_size,
          dequantising_takes_the_lanes_time, sums_of_blocks_go_through_the_lanes,
          integers_have_an_efficiency_of_their_own, int4_weights_read_3_88_times_less,
          attention_computes_in_its_format, compilers_join_casts_to_norms,
          kernels_convert_what_products_need, all_reduces_carry_their_format,
          ring_hops_carry_their_format, memory_holds_the_bytes)
