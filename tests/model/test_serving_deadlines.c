/* SPDX-License-Identifier: MIT
 * Batches by deadlines (sim/serving/batching/policy_deadline.c): decisions by hand, on a replica
 * whose steps take a hundredth of a second and a thousandth more for each token of a prompt. */
#include "sim/serving/batching/policy.h"
#include "sim/serving/batching/step_cost.h"

#include "run_tests.h"
#include "serving_play.h"

#include <math.h>

#define SCENARIO CPSIM_SOURCE_DIR "/scenarios/serving-deadlines.yaml"

enum { URGENT, PATIENT, ANY };

static double step_seconds(void *data, const struct step_shape *shape)
{
    (void)data;
    return 0.01 + 0.001 * (double)shape->prompt_tokens;
}

static const struct batch_target targets[] = {
    [URGENT] = {.ttft_seconds = 0.3, .tpot_seconds = 0.051},
    [PATIENT] = {.ttft_seconds = 10.0, .tpot_seconds = 0.2},
    [ANY] = {.ttft_seconds = 0.0, .tpot_seconds = 0.0},
};

static struct request requests[8];
static struct batch_view view;
static struct decision decision;
static struct arena *arena;

static void begin(void)
{
    arena = arena_create();
    memset(requests, 0, sizeof requests);
    const struct batch_limits limits = {
        .step_tokens = 4096, .sequences = 8, .model_tokens = UINT32_MAX, .looks_again = true};
    const struct kv_layout layout = kv_layout_plain(16, false);
    batch_view_create(&view, arena, requests, &limits, 1000, &layout);
    decision_create(&decision, arena, &limits);
    view.targets = targets;
    view.target_count = 3;
    view.hooks.step_seconds = step_seconds;
}

static void come(uint32_t id, uint16_t class_index, double arrival, uint32_t prompt,
                 uint32_t output)
{
    requests[id] = (struct request){.number = id,
                                    .class_index = class_index,
                                    .arrival_seconds = arrival,
                                    .scheduled_seconds = -1.0,
                                    .prompt_tokens = prompt,
                                    .output_tokens = output,
                                    .next = REQUEST_NONE};
    batch_enqueue(&view, id);
}

static void decide_at(double now, const struct batching_policy *policy)
{
    view.now_seconds = view.begin_seconds = now;
    batch_decide(&view, policy, &decision);
}

static uint32_t tokens_of(uint32_t id)
{
    for (uint32_t i = 0; i < decision.share_count; i++) {
        if (decision.shares[i].request == id) {
            return decision.shares[i].tokens;
        }
    }
    return 0;
}

static void hand_in(double now)
{
    for (uint32_t i = 0; i < decision.share_count; i++) {
        struct request *request = &requests[decision.shares[i].request];
        uint32_t before = request->generated_tokens;
        if (batch_hand_in(&view, &decision.shares[i], 0) > 0 && before == 0) {
            request->first_token_seconds = now;
        }
    }
    batch_sweep(&view);
}

/* The patient one came first, and is due at 10 s; the urgent one at 0.4 s, and is first. Its 96
 * tokens take 0.106 s. A newcomer could come and be in time if no step is longer than half of the
 * tightest 0.3 s: 0.15 s, 140 tokens of prompts. The patient one gets what is left of them, in
 * steps of a sixteenth of an octave: 44. */
START_TEST(the_first_due_is_first)
{
    begin();
    come(0, PATIENT, 0.0, 1000, 10);
    come(1, URGENT, 0.1, 96, 10);
    decide_at(0.1, &policy_deadline);
    ck_assert_uint_eq(decision.share_count, 2);
    ck_assert_uint_eq(decision.shares[0].request, 1);
    ck_assert_uint_eq(tokens_of(1), 96);
    ck_assert_uint_ge(tokens_of(0), 36); /* 132 and 136 in all are asked for, 140 is not */
    ck_assert_uint_le(tokens_of(0), 44);
    arena_destroy(arena);
}
END_TEST

/* The urgent one has its first token at 0.2 s. Its second is due at 0.251 s: a step that begins
 * at 0.2 s may take 0.051 s, 41 tokens of the patient one's prompt, and 40 in sixteenths of an
 * octave. It takes 0.0295 s in fact, and what it is ahead may be spent: 0.0725 s, 62 tokens. */
START_TEST(who_decodes_keeps_its_pace)
{
    begin();
    come(0, URGENT, 0.0, 96, 10);
    decide_at(0.09, &policy_deadline);
    hand_in(0.2);
    come(1, PATIENT, 0.1, 1000, 10);
    decide_at(0.2, &policy_deadline);
    ck_assert_uint_eq(tokens_of(0), 1);
    ck_assert_uint_eq(tokens_of(1), 40);
    hand_in(0.2295);
    decide_at(0.2295, &policy_deadline);
    ck_assert_uint_eq(tokens_of(0), 1);
    ck_assert_uint_eq(tokens_of(1), 62);
    arena_destroy(arena);
}
END_TEST

/* Its second token was due at 0.251 s and it is 0.3 s: it is lost, if answers end now as those did
 * that have ended (none), and binds nobody; the step is as long as a newcomer allows, 140
 * tokens, 136 in sixteenths of an octave.
 * When answers are known to go on for long, what is lost is won again, and until then nobody else
 * gets anything. */
START_TEST(who_is_lost_binds_nobody)
{
    begin();
    come(0, URGENT, 0.0, 96, 100);
    decide_at(0.09, &policy_deadline);
    hand_in(0.2);
    come(1, PATIENT, 0.1, 1000, 10);
    decide_at(0.3, &policy_deadline);
    ck_assert_uint_eq(tokens_of(1), 136);
    arena_destroy(arena);
    begin();
    come(0, URGENT, 0.0, 96, 100);
    decide_at(0.09, &policy_deadline);
    hand_in(0.2);
    come(1, PATIENT, 0.1, 1000, 10);
    view.ended = 1;
    view.ended_tokens = 100.0;
    decide_at(0.3, &policy_deadline);
    ck_assert_uint_eq(tokens_of(0), 1);
    ck_assert_uint_eq(tokens_of(1), 0);
    arena_destroy(arena);
}
END_TEST

/* Two urgent ones wait; the first was due at 0.3 s and it is 0.29 s: its 96 tokens come too late,
 * so the second is first. Without a target one comes behind both kinds by its arrival. */
START_TEST(who_is_late_steps_aside)
{
    begin();
    come(0, URGENT, 0.0, 96, 10);
    come(1, URGENT, 0.2, 96, 10);
    come(2, ANY, -1.0, 16, 10);
    decide_at(0.29, &policy_deadline);
    ck_assert_uint_eq(decision.shares[0].request, 1);
    ck_assert_uint_eq(decision.shares[1].request, 2);
    ck_assert_uint_eq(tokens_of(1), 96);
    ck_assert_uint_eq(tokens_of(2), 16);
    arena_destroy(arena);
}
END_TEST

/* It is 0.099 s behind. Each step without prompts wins 0.041 s, so that an answer of which three
 * more come is saved, and one of which two come is lost; nobody has ended yet, and who does not
 * know takes either for lost. */
START_TEST(the_oracle_knows_who_is_lost)
{
    static const struct {
        uint32_t output, tokens;
        bool knows;
    } cases[] = {{5, 0, true}, {4, 136, true}, {5, 136, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        come(0, URGENT, 0.0, 96, cases[i].output);
        decide_at(0.09, &policy_deadline_oracle);
        hand_in(0.2);
        come(1, PATIENT, 0.1, 1000, 10);
        decide_at(0.34, cases[i].knows ? &policy_deadline_oracle : &policy_deadline);
        ck_assert_uint_eq(tokens_of(1), cases[i].tokens);
        arena_destroy(arena);
    }
}
END_TEST

/* Steps that all decode take 0.01 s for any number of sequences here; of one that makes them slower
 * than the tightest pace nobody is let in. */
static double crowded(void *data, const struct step_shape *shape)
{
    return step_seconds(data, shape) + 0.025 * shape->decodes;
}

START_TEST(nobody_slows_others_beyond_their_targets)
{
    begin();
    view.hooks.step_seconds = crowded;
    come(0, URGENT, 0.0, 16, 10);
    decide_at(0.0, &policy_deadline);
    hand_in(0.03);
    come(1, PATIENT, 0.03, 16, 10); /* two would take 0.06 s, and 0.051 s are the target */
    decide_at(0.03, &policy_deadline);
    ck_assert_uint_eq(decision.share_count, 1);
    ck_assert_uint_eq(view.waiting.count, 1);
    view.hooks.step_seconds = step_seconds;
    decide_at(0.03, &policy_deadline);
    ck_assert_uint_eq(tokens_of(1), 16);
    arena_destroy(arena);
}
END_TEST

/* docs/serving.md's table: shares within targets to 3 points, and what each policy is to the other.
 */
START_TEST(attainment)
{
    static const struct {
        const char *policy, *rate;
        double good;
    } rows[] = {
        {"vllm", "4 /s", 0.469}, {"deadline", "4 /s", 0.984}, {"deadline-oracle", "4 /s", 0.984},
        {"vllm", "5 /s", 0.141}, {"deadline", "5 /s", 0.669},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char policy[64], rate[64];
        snprintf(policy, sizeof policy, "workload.service.policy=%s", rows[i].policy);
        snprintf(rate, sizeof rate, "workload.arrivals.rate=%s", rows[i].rate);
        struct played played = play_serving(SCENARIO, (const char *const[]){policy, rate, NULL});
        printf("%s, %s: %.4f\n", rows[i].policy, rows[i].rate, played.metrics.good_share);
        ck_assert_double_eq_tol(played.metrics.good_share, rows[i].good, 0.03);
        ck_assert_uint_eq(played.out_of_order, 0);
        ck_assert_uint_eq(played.metrics.completed, 2000);
    }
}
END_TEST

/* Preemption, drafts, windows of a step, pools, whole prompts, faults: all are answered. */
START_TEST(it_serves_everywhere)
{
    static const char *const ways[][2] = {
        {"memory.fraction=0.3", "workload.service.max_sequences=64"},
        {"workload.service.speculation={kind: ngram, tokens: 3, acceptance: {kind: rate, rate: "
         "0.5}}",
         "software=vllm"},
        {"workload.service.long_prefill_threshold=512 tokens", "software=sglang"},
        {"workload.service.whole_prompts=true", "workload.service.max_sequences=8"},
        {"workload.classes.0.slo.ttft=1 ms", "workload.classes.1.slo.tpot=1 ms"},
        {"workload.faults=[{kind: replica, replica: 0, at: 20 s, duration: 5 s}]", "software=vllm"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct played played = play_serving(
            SCENARIO, (const char *const[]){ways[i][0], ways[i][1], "workload.requests=300", NULL});
        ck_assert_uint_eq(played.metrics.completed, 300);
        ck_assert_uint_eq(played.out_of_order, 0);
        ck_assert_uint_eq(played.over_full, 0);
    }
}
END_TEST

/* A target that no step keeps: 0.3 ms for a first token, where the shortest step is 0.01 s. Who
 * comes is served all the same, and so is a prompt that is not to be cut. */
START_TEST(impossible_targets_bind_nobody)
{
    static const struct batch_target none_keeps[] = {{.ttft_seconds = 0.0003}};
    for (int whole = 0; whole < 2; whole++) {
        begin();
        view.targets = whole ? targets : none_keeps;
        view.target_count = whole ? 3 : 1;
        view.limits.whole_prompts = whole;
        come(0, 0, 0.0, 1000, 10);
        decide_at(0.0, &policy_deadline);
        ck_assert_uint_eq(tokens_of(0), 1000);
        arena_destroy(arena);
    }
}
END_TEST

RUN_TESTS(serving_deadlines, the_first_due_is_first, who_decodes_keeps_its_pace,
          who_is_lost_binds_nobody, who_is_late_steps_aside, the_oracle_knows_who_is_lost,
          nobody_slows_others_beyond_their_targets, impossible_targets_bind_nobody, attainment,
          it_serves_everywhere)
