/* SPDX-License-Identifier: MIT
 * The closed-form executor and the split of time, on programs small enough to draw. */
#include "models/step/breakdown.h"
#include "models/step/critical_path.h"

#include "fixture.h"
#include "run_tests.h"

enum { CAPACITY = 8 };

static struct step_operator compute(enum operator_kind kind, double seconds)
{
    return (struct step_operator){
        .kind = kind, .stream = STREAM_COMPUTE, .name = "compute", .cost = {.seconds = seconds}};
}

static struct step_operator wait_on_wire(enum group group, double seconds)
{
    return (struct step_operator){
        .kind = OPERATOR_COLLECTIVE,
        .stream = STREAM_COMMUNICATION,
        .name = "wire",
        .collective = {.group = group, .call = {.kind = COLLECTIVE_SEND_RECV, .group = {2, 1}}},
        .cost = {.seconds = seconds},
        .plan = {.group = {2, 1}, .latency_seconds = seconds},
    };
}

/* A ring of two: attention 3 s while the hop takes 5 s, then attention 3 s, then an all-reduce of
 * 2 s, then a GEMM of 1 s:
 *   compute  |aaa..aaa..g|
 *   wire     |hhhhh   tt |      11 s: attention 6, exposed ring 2, tensor 2, GEMM 1. */
START_TEST(exposed_time_is_what_compute_waits_for)
{
    struct step_operator operators[CAPACITY];
    struct step_segment segment = {.operators = operators, .capacity = CAPACITY, .repeat = 1};
    uint32_t hop =
        step_append(&segment, wait_on_wire(GROUP_CONTEXT, 5.0), STEP_NO_OPERATOR, STEP_NO_OPERATOR);
    uint32_t first =
        step_append(&segment, compute(OPERATOR_ATTENTION, 3.0), STEP_NO_OPERATOR, STEP_NO_OPERATOR);
    uint32_t second = step_append(&segment, compute(OPERATOR_ATTENTION, 3.0), first, hop);
    uint32_t reduce =
        step_append(&segment, wait_on_wire(GROUP_TENSOR, 2.0), second, STEP_NO_OPERATOR);
    step_append(&segment, compute(OPERATOR_GEMM, 1.0), reduce, STEP_NO_OPERATOR);
    struct span spans[CAPACITY];
    const struct step_program program = {0}; /* nothing slows anything */
    double end = segment_play(&program, &segment, spans);
    ck_assert_double_eq_tol(end, 11.0, 1e-12);
    ck_assert_double_eq_tol(spans[second].start_seconds, 5.0, 1e-12);
    struct breakdown breakdown = {0};
    breakdown_add(&breakdown, &segment, spans, end, 10.0);
    ck_assert_double_eq_tol(breakdown.seconds[TIME_ATTENTION], 60.0, 1e-9);
    ck_assert_double_eq_tol(breakdown.seconds[TIME_RING], 20.0, 1e-9);
    ck_assert_double_eq_tol(breakdown.seconds[TIME_TENSOR], 20.0, 1e-9);
    ck_assert_double_eq_tol(breakdown.seconds[TIME_GEMM], 10.0, 1e-9);
    ck_assert_double_eq_tol(breakdown.seconds[TIME_IDLE], 0.0, 1e-9);
    ck_assert_double_eq_tol(breakdown_total_seconds(&breakdown), 110.0, 1e-9);
}
END_TEST

/* A wait that no collective explains is idle, and one that ends the play is seen too. */
START_TEST(classes_add_up_to_the_whole)
{
    struct step_operator operators[CAPACITY];
    struct step_segment segment = {.operators = operators, .capacity = CAPACITY, .repeat = 1};
    step_append(&segment, compute(OPERATOR_MEMORY, 1.0), STEP_NO_OPERATOR, STEP_NO_OPERATOR);
    step_append(&segment, wait_on_wire(GROUP_TENSOR, 1.5), 0, STEP_NO_OPERATOR);
    struct span spans[] = {{2.0, 3.0}, {3.0, 4.5}};
    struct breakdown breakdown = {0};
    breakdown_add(&breakdown, &segment, spans, 4.5, 1.0);
    ck_assert_double_eq_tol(breakdown.seconds[TIME_IDLE], 2.0, 1e-12);
    ck_assert_double_eq_tol(breakdown.seconds[TIME_MEMORY], 1.0, 1e-12);
    ck_assert_double_eq_tol(breakdown.seconds[TIME_TENSOR], 1.5, 1e-12);
}
END_TEST

/* 16 ranks on nodes of 8: of a ring's 8 edges out of a node's members one crosses the fabric. A
 * flow to the next node crosses it whole; in a node none does. */
START_TEST(what_crosses_which_links)
{
    struct step_operator op = wait_on_wire(GROUP_CONTEXT, 1.0);
    op.collective.call.group = (struct group_shape){.ranks = 16, .ranks_per_node = 8};
    op.plan.flow_count = 1;
    op.plan.flows[0] = (struct collective_flow){.edge = EDGE_RING_NEXT, .bytes = 8e9};
    const struct step_segment segment = {.operators = &op, .count = 1};
    ck_assert_double_eq(segment_traffic(&segment).fabric_bytes, 1e9);
    ck_assert_double_eq(segment_traffic(&segment).node_bytes, 7e9);
    op.plan.flows[0].edge = EDGE_FABRIC_NEXT;
    ck_assert_double_eq(segment_traffic(&segment).fabric_bytes, 8e9);
    op.plan.flows[0].edge = EDGE_RING_NEXT;
    op.collective.call.group = (struct group_shape){.ranks = 8, .ranks_per_node = 8};
    ck_assert_double_eq(segment_traffic(&segment).node_bytes, 8e9);
}
END_TEST

RUN_TESTS(critical_path, exposed_time_is_what_compute_waits_for, classes_add_up_to_the_whole,
          what_crosses_which_links)
