/* SPDX-License-Identifier: MIT
 * A training step priced on a GPU of round numbers: what waits, what is slowed, what is sent and
 * what is written, by hand. Times of whole steps against published ones have room for each. */
#include "models/training/outer_step.h"
#include "models/training/training_bytes.h"
#include "models/training/training_checkpoint.h"
#include "models/training/training_memory.h"
#include "models/training/training_step.h"

#include "fixture.h"
#include "round_gpu.h"
#include "run_tests.h"

#include <math.h>
#include <string.h>

enum { OPERATORS = 40 * 300, CELLS = 64 };

static const struct llm small = {
    .name = "small",
    .hidden = 1024,
    .vocabulary = 16384,
    DENSE_LAYERS(4, 8, 4, 128, 4096),
};
static const struct precision bf16 = {.activations = FORMAT_BF16,
                                      .kv_cache = FORMAT_BF16,
                                      .attention_weights = {.format = FORMAT_BF16},
                                      .ffn_weights = {.format = FORMAT_BF16},
                                      .embedding = {.format = FORMAT_BF16}};
static struct gpu gpu;
static struct software software;
static struct step_operator operators[OPERATORS];
static struct span spans[OPERATORS];
static struct kernel_work works[OPERATORS];
static double counts[OPERATORS];
static struct part_cost parts[4];
static struct cell cells[CELLS];
static struct cell_span cell_spans[CELLS];
static double arrivals[CELLS], hops[4];
static struct stage_times stages[4];
static const struct training_scratch scratch = {
    .operators = operators,
    .step = {.spans = spans, .works = works, .counts = counts},
    .parts = parts,
    .pipeline = {.cells = cells, .spans = cell_spans, .arrivals = arrivals},
    .hop_seconds = hops,
    .stages = stages};

/* Free hops and perfect links; 2 bytes gathered and 4 reduced a parameter. */
static struct training training_of(const struct layout *layout)
{
    gpu = round_gpu();
    software = fixture_software;
    software.library = (struct collective_library){
        .node_efficiency = 1.0,
        .fabric_efficiency = 1.0,
        .protocol = {[PROTOCOL_LL] = {.base_seconds = 1e3, .payload_bytes_per_second = 1e30},
                     [PROTOCOL_LL128] = {.base_seconds = 1e3, .payload_bytes_per_second = 1e30},
                     [PROTOCOL_SIMPLE] = {.wire_bytes = 1.0, .fabric_crossings = 2.0}},
        .p2p = {.ll_bytes_per_second = 1.0, .self_bytes_per_second = 1e30},
        .custom = {.copy_bytes_per_second = 1e30}};
    software.matmul_efficiency = 1.0;
    software.attention_efficiency = 1.0;
    software.training = (struct training_software){.memory_passes = 1.0,
                                                   .attention_backward_efficiency = 1.0,
                                                   .ring_attention_efficiency = 1.0,
                                                   .norm_forward_bytes_per_element = 8.0,
                                                   .norm_backward_bytes_per_element = 8.0,
                                                   .optimizer_bytes_per_parameter = 28.0,
                                                   .state_bytes_per_parameter = 12.0,
                                                   .gradient_bytes_per_parameter = 4.0,
                                                   .gather_bytes_per_parameter = 2.0,
                                                   .reduce_bytes_per_parameter = 4.0};
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
        .overlap = true,
    };
}

static const struct step_operator *find(const struct step_segment *segment, const char *name)
{
    for (uint32_t i = 0; i < segment->count; i++) {
        if (strcmp(segment->operators[i].name, name) == 0) {
            return &segment->operators[i];
        }
    }
    ck_abort_msg("no operator '%s'", name);
    return NULL;
}

/* 4 context ranks, 2,048 tokens each: 2 x 4 heads x 128 x 2 B a token go round, and gradients of
 * them beside on the way back. A rank adds three partial results to its own: forward it reads two
 * and writes one, in bf16 (6 B); backward in fp32 twice 4 B. */
START_TEST(bytes_of_a_ring)
{
    static const struct layout layout = {.tensor = 1, .context = 4, .pipeline = 1, .data = 1};
    struct training training = training_of(&layout);
    training.context_exchange = CONTEXT_RING;
    struct step_program program;
    training_build(&training, operators, &program);
    const struct step_segment *forward = &program.segments[TRAINING_FORWARD];
    const struct step_segment *backward = &program.segments[TRAINING_BACKWARD];
    double shard = 2048.0 * 2.0 * 4.0 * 128.0 * 2.0;
    ck_assert_double_eq(find(forward, "ring hop")->collective.call.bytes, shard);
    ck_assert_double_eq(find(backward, "ring hop")->collective.call.bytes, 2.0 * shard);
    ck_assert_double_eq(find(forward, "merge")->memory.bytes, 2048.0 * 1024.0 * 3.0 * 6.0);
    ck_assert_double_eq(find(backward, "merge")->memory.bytes, 2048.0 * 1024.0 * 3.0 * 8.0);
}
END_TEST

static double attention_seconds(double ring_efficiency)
{
    static const struct layout layout = {.tensor = 1, .context = 4, .pipeline = 1, .data = 1};
    struct training training = training_of(&layout);
    training.context_exchange = CONTEXT_RING;
    software.training.ring_attention_efficiency = ring_efficiency;
    struct training_costs costs = training_price(&training, &scratch);
    return find(&costs.program.segments[TRAINING_FORWARD], "attention")->cost.seconds;
}

/* Nothing but clocks of SMs: at half the efficiency, twice the time. */
START_TEST(a_ring_has_an_efficiency_of_its_own)
{
    ck_assert_double_eq_tol(attention_seconds(0.5) / attention_seconds(1.0), 2.0, 1e-9);
}
END_TEST

/* The same passes in 10 s more: 2 GPUs idle for 10 s at 100 W. */
START_TEST(who_waits_idles)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 2, .data = 1};
    struct training training = training_of(&layout);
    struct training_costs costs;
    double seconds = training_step(&training, &scratch, &costs).pipeline_seconds;
    costs.power.watts = 400.0;
    double joules = training_summarise(&training, &costs, &scratch, seconds).joules;
    double later = training_summarise(&training, &costs, &scratch, seconds + 10.0).joules;
    ck_assert_double_eq_tol(later - joules, 2000.0, 1e-6);
}
END_TEST

/* 8 micro-batches pass a stage forward and backward, 1 ms of the host each: 16 ms. */
START_TEST(the_host_works_for_every_pass)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 2, .data = 1};
    struct training training = training_of(&layout);
    software.training.stage_pass_seconds = 1e-3;
    struct training_costs costs = training_price(&training, &scratch);
    struct breakdown classes = training_stage_classes(&training, &costs, &scratch, 0);
    ck_assert_double_eq_tol(classes.seconds[TIME_HOST], 16e-3, 1e-12);
}
END_TEST

/* An exchange that holds a quarter of the SMs makes kernels last 4/3 as long, and itself lasts 1.5
 * times as long, so for each of its seconds alone a pass loses 1.5 x 1/3. */
START_TEST(an_exchange_slows_a_pass)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 2};
    struct training training = training_of(&layout);
    software.library.overlap = (struct overlap_constants){.node_multiprocessors = 25.0,
                                                          .compute_slowdown = 1.5,
                                                          .memory_slowdown = 1.5,
                                                          .largest_share = 0.9,
                                                          .wave_rows = 128,
                                                          .wave_columns = 128};
    training_price(&training, &scratch);
    ck_assert_double_eq_tol(parts[0].reduce_factor, 1.5, 1e-9);
    ck_assert_double_eq_tol(parts[0].gather_factor, 1.5, 1e-9);
}
END_TEST

/* A billion parameters of layers, 2 B gathered and 4 reduced each; of 4 replicas each has a quarter
 * already: 4.5 GB. */
START_TEST(an_own_shard_is_not_sent)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 4};
    struct training training = training_of(&layout);
    ck_assert_double_eq_tol(training_exchange_bytes(&training, 1e9, 0.0), 4.5e9, 1.0);
}
END_TEST

/* 12 B of states a parameter, and 2 of the weights that lie beside them; FSDP's weights are made
 * from the states. Two stages and two replicas write the same as one GPU would. */
START_TEST(a_checkpoint_has_weights_and_states)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 2, .data = 2};
    struct training training = training_of(&layout);
    double parameters =
        training_part_parameters(&training, 0) + training_part_parameters(&training, 1);
    ck_assert_double_eq_tol(training_checkpoint_of(&training).bytes / parameters, 14.0, 1e-9);
    training.sharding = SHARDING_FSDP;
    ck_assert_double_eq_tol(training_checkpoint_of(&training).bytes / parameters, 12.0, 1e-9);
}
END_TEST

/* Half a rate each way is left while both are busy. At a link that takes 10 s for a part's
 * activations a pass takes 10 s each way, a link without end costs nothing, and parameters beside
 * activations come back with them: 2 of bf16 a parameter. The update waits for 12 B of states a
 * parameter. */
START_TEST(the_host_keeps_some)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct training training = training_of(&layout);
    struct cluster cluster = fixture_cluster;
    cluster.host_bytes_per_second = 1e30;
    cluster.host_both_share = 0.5;
    training.replica.cluster = &cluster;
    struct training_costs costs = training_price(&training, &scratch);
    double forward = parts[0].seconds[CELL_FORWARD], update = costs.optimizer_seconds;
    ck_assert_double_lt(fmax(forward, parts[0].seconds[CELL_BACKWARD]), 10.0);
    training.offload = (struct offload){.states = 1.0, .activations = 1.0, .parameters = 1.0};
    costs = training_price(&training, &scratch);
    ck_assert_double_eq(parts[0].seconds[CELL_FORWARD], forward);
    ck_assert_double_eq(costs.optimizer_seconds, update);
    double kept = training_part_activation_bytes(&training, 0);
    double parameters = training_part_parameters(&training, 0);
    cluster.host_bytes_per_second = kept / 5.0;
    costs = training_price(&training, &scratch);
    double fetched = 10.0 * 2.0 * parameters / kept;
    ck_assert_double_eq_tol(parts[0].seconds[CELL_FORWARD], fmax(10.0, fetched), 1e-9);
    ck_assert_double_eq_tol(parts[0].seconds[CELL_BACKWARD], 10.0 + fetched, 1e-9);
    ck_assert_double_eq_tol(costs.optimizer_seconds, 10.0 * 12.0 * parameters / kept, 1e-9);
    training.offload.activations = 0.5;
    training.offload.parameters = 0.0;
    training_price(&training, &scratch);
    ck_assert_double_eq_tol(parts[0].seconds[CELL_FORWARD], 5.0, 1e-9);
}
END_TEST

/* 4 layers, one micro-batch under way. On the host: the states, 12 B a parameter, and what four
 * layers keep. Here: of states and parameters two layers of four, of activations the two layers' at
 * work and on their way. */
START_TEST(memory_on_the_host)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct training training = training_of(&layout);
    struct training_memory all = training_stage_memory(&training, 0, cells);
    ck_assert_double_eq(all.host_bytes, 0.0);
    training.offload = (struct offload){.states = 1.0, .activations = 0.5, .parameters = 1.0};
    struct training_memory rest = training_stage_memory(&training, 0, cells);
    double layer = training_layer_activation_bytes(&training, 0);
    double parameters = training_part_parameters(&training, 0);
    ck_assert_double_eq_tol(all.optimizer_bytes, 12.0 * parameters, 1.0);
    ck_assert_double_eq_tol(rest.optimizer_bytes, 6.0 * parameters, 1.0);
    ck_assert_double_eq_tol(rest.parameter_bytes, 0.5 * all.parameter_bytes, 1.0);
    ck_assert_double_eq_tol(rest.host_bytes, 14.0 * parameters + 2.0 * layer, 1.0);
    ck_assert_double_le(rest.activation_bytes, all.activation_bytes - 2.0 * layer + layer + 1.0);
}
END_TEST

/* Four sites: 2 x 3 / 4 of the model's parameters at 4 B each, both tensor ranks' and both stages',
 * over 1 GB/s, and six times 10 ms. Steps that follow hide of it what they take. */
START_TEST(between_sites)
{
    static const struct layout layout = {.tensor = 2, .context = 1, .pipeline = 2, .data = 1};
    struct training training = training_of(&layout);
    struct cluster cluster = fixture_cluster;
    training.replica.cluster = &cluster;
    cluster.sites =
        (struct cluster_sites){.count = 4, .bytes_per_second = 1e9, .latency_seconds = 0.01};
    double parameters = llm_weights(&small), seconds = 1.5 * parameters * 4.0 / 1e9 + 0.06;
    struct outer_step outer = outer_step(&training, 0.0);
    ck_assert_double_eq_tol(outer.bytes / (6.0 * parameters), 1.0, 1e-3); /* norms are whole */
    ck_assert_double_eq_tol(outer.seconds / seconds, 1.0, 1e-3);
    ck_assert_double_eq(outer.wait_seconds, outer.seconds);
    ck_assert_double_eq_tol(outer_step(&training, 0.5).wait_seconds, outer.seconds - 0.5, 1e-9);
    ck_assert_double_eq(outer_step(&training, 1e3).wait_seconds, 0.0);
    cluster.sites.count = 1;
    ck_assert_double_eq(outer_step(&training, 0.0).seconds, 0.0);
}
END_TEST

/* 27 sites, a path each through three levels of three modules, a tenth of a path its own: three
 * rings of nine, each of three tenths of the parameters, 2 x 8 / 9 times at 4 B over 1 GB/s, and 16
 * hops of 10 ms. Site 14 is 112 in base 3 from the last level on: its ring of the first level has
 * all that end in 2, so 122 is next, after that 202; of the last those that begin with 1. */
START_TEST(between_paths)
{
    static const struct layout layout = {.tensor = 2, .context = 1, .pipeline = 2, .data = 1};
    struct training training = training_of(&layout);
    struct cluster cluster = fixture_cluster;
    training.replica.cluster = &cluster;
    cluster.sites =
        (struct cluster_sites){.count = 27, .bytes_per_second = 1e9, .latency_seconds = 0.01};
    training.paths = (struct paths){.levels = 3, .modules = 3, .own = 0.1};
    double parameters = llm_weights(&small), ring = 16.0 / 9.0 * 0.3 * parameters * 4.0;
    struct outer_step outer = outer_step(&training, 0.0);
    ck_assert_uint_eq(outer.rings, 3);
    ck_assert_uint_eq(outer.members, 9);
    ck_assert_double_eq_tol(outer.ring_bytes / ring, 1.0, 1e-3);
    ck_assert_double_eq_tol(outer.seconds / (3.0 * ring / 1e9 + 0.16), 1.0, 1e-3);
    ck_assert_uint_eq(outer_next(&training, 14, 0), 17);
    ck_assert_uint_eq(outer_next(&training, 17, 0), 20);
    ck_assert_uint_eq(outer_next(&training, 14, 2), 15);
    ck_assert_double_eq_tol(outer_parameters(&training), (0.9 * 3 + 0.1 * 27) * parameters, 1.0);
    for (uint32_t i = 0; i < outer.rings; i++) { /* it comes back after as many hops as members */
        uint32_t site = 5;
        for (uint32_t hop = 0; hop < outer.members; hop++) {
            ck_assert(hop == 0 || site != 5);
            site = outer_next(&training, site, i);
        }
        ck_assert_uint_eq(site, 5);
    }
}
END_TEST

/* Two stages, the second with a GPU 1.5 times as slow: its passes take 1.5 times as long, the
 * first's as before, and the step, which waits for it in each of 8 micro-batches, between 1.25
 * and 1.5 times. */
START_TEST(a_slow_gpu)
{
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 2, .data = 1};
    struct training training = training_of(&layout);
    struct training_costs costs;
    double step = training_step(&training, &scratch, &costs).seconds;
    double first = parts[0].seconds[CELL_FORWARD], second = parts[1].seconds[CELL_FORWARD];
    training.slow_stage = 1;
    training.stage_slowdown = 1.5;
    struct training_result slow = training_step(&training, &scratch, &costs);
    ck_assert_double_eq(parts[0].seconds[CELL_FORWARD], first);
    ck_assert_double_eq_tol(parts[1].seconds[CELL_FORWARD], 1.5 * second, 1e-12);
    ck_assert_double_gt(slow.seconds, 1.25 * step);
    ck_assert_double_lt(slow.seconds, 1.5 * step);
    ck_assert_uint_eq(slow.slowest_stage, 1);
}
END_TEST

RUN_TESTS(training_step, bytes_of_a_ring, a_ring_has_an_efficiency_of_its_own, who_waits_idles,
          the_host_works_for_every_pass, an_exchange_slows_a_pass, an_own_shard_is_not_sent,
          a_checkpoint_has_weights_and_states, the_host_keeps_some, memory_on_the_host,
          between_sites, between_paths, a_slow_gpu)
