/* SPDX-License-Identifier: MIT
 * A calendar plays actors as SimGrid does: of random actors that sleep, wait, wake each other and
 * start others, every step comes in the same order at the same bits of the clock. An order that
 * differs where two things are due at once would move results of services, by the way they are
 * played. Programs are of few kinds of durations, so that much is due at once. */
#include "fixture.h"
#include "models/numeric/random.h"
#include "run_tests.h"
#include "sim/base/arena.h"
#include "sim/engine/actor.h"

#include <string.h>

enum { ACTORS = 24, STEPS = 30, LINES = 8192, PROGRAMS = 100 };

enum action { SLEEP, WAIT_UNTIL, WAIT, WAKE, START, LOOK, ACTION_COUNT };

struct step {
    enum action action;
    double seconds;
    uint32_t other;
};

struct line {
    uint32_t actor, step;
    double clock_s;
    bool woken;
};

struct scene {
    struct engine *engine;
    struct player {
        struct scene *scene;
        uint32_t number, steps;
        bool daemon, started;
        struct actor_signal signal;
        struct step program[STEPS];
    } players[ACTORS];
    struct line *lines; /* [LINES] */
    uint32_t line_count;
};

static void note(struct player *player, uint32_t step, bool woken)
{
    struct scene *scene = player->scene;
    ck_assert_uint_lt(scene->line_count, LINES);
    scene->lines[scene->line_count++] = (struct line){
        .actor = player->number, .step = step, .clock_s = engine_clock(), .woken = woken};
}

static void start(struct player *player);

static void run(void *data)
{
    struct player *player = data;
    for (uint32_t i = 0; i < player->steps; i++) {
        const struct step *step = &player->program[i];
        struct player *other = &player->scene->players[step->other];
        bool woken = false;
        switch (step->action) {
        case SLEEP:
            actor_sleep(step->seconds);
            break;
        case WAIT_UNTIL:
            woken = signal_wait_until(&player->signal, step->other % 2, step->seconds);
            break;
        case WAIT:
            if (player->daemon) { /* nobody else may wait for what never comes */
                signal_wait(&player->signal, step->other % 2);
            }
            break;
        case WAKE:
            signal_wake(&other->signal, i % 2);
            break;
        case START:
            if (!other->started) {
                start(other);
            }
            break;
        case LOOK:
        case ACTION_COUNT:
            break;
        }
        note(player, i, woken);
    }
}

static void start(struct player *player)
{
    player->started = true;
    actor_start(player->scene->engine, player->number % 8, run, player, player->daemon);
}

/* 0.1 and 0.3 are not whole in binary, so that sums of theirs meet and miss each other by a bit;
 * below 1e-11 s SimGrid counts nothing. */
static double duration(struct random_stream *random)
{
    static const double some[] = {0.1, 0.2, 0.3, 0.5, 1.0, 1e-12, 3e-11, 0.1 + 4e-12, 7e4};
    return some[random_between(random, 0, sizeof some / sizeof *some - 1)];
}

static void play(uint64_t seed, bool sends_nothing, struct scene *scene)
{
    struct cluster cluster = fixture_cluster;
    struct diagnostics *diagnostics = diagnostics_create();
    const struct engine_setup setup = {
        .cluster = &cluster, .nodes = 1, .sends_nothing = sends_nothing};
    struct random_stream random = random_open(seed, "actors");
    scene->line_count = 0;
    scene->engine = engine_open(&setup, diagnostics);
    ck_assert_ptr_nonnull(scene->engine);
    for (uint32_t i = 0; i < ACTORS; i++) {
        struct player *player = &scene->players[i];
        *player = (struct player){.scene = scene,
                                  .number = i,
                                  .steps = (uint32_t)random_between(&random, 1, STEPS),
                                  .daemon = i > 0 && random_between(&random, 0, 2) == 0};
        signal_init(&player->signal);
        for (uint32_t k = 0; k < player->steps; k++) {
            player->program[k] =
                (struct step){.action = random_between(&random, 0, ACTION_COUNT - 1),
                              .seconds = duration(&random),
                              .other = (uint32_t)random_between(&random, 0, ACTORS - 1)};
        }
    }
    for (uint32_t i = 0; i < ACTORS; i++) { /* SimGrid counts a daemon that ends at once for ever */
        struct step *first = &scene->players[i].program[0];
        first->action = scene->players[i].daemon ? SLEEP : first->action;
    }
    for (uint32_t i = 0; i < ACTORS / 2; i++) {
        start(&scene->players[i]);
    }
    engine_run(scene->engine);
    for (uint32_t i = 0; i < ACTORS; i++) {
        signal_destroy(&scene->players[i].signal);
    }
    engine_close(scene->engine);
    diagnostics_destroy(diagnostics);
}

START_TEST(order_and_clock_are_simgrids)
{
    struct arena *arena = arena_create();
    struct scene *own = ARENA_NEW(arena, struct scene), *theirs = ARENA_NEW(arena, struct scene);
    own->lines = ARENA_ARRAY(arena, struct line, LINES);
    theirs->lines = ARENA_ARRAY(arena, struct line, LINES);
    uint32_t lines = 0, at_once = 0, woken = 0;
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        play(seed, false, theirs);
        play(seed, true, own);
        for (uint32_t i = 0; i < theirs->line_count && i < own->line_count; i++) {
            const struct line *a = &own->lines[i], *b = &theirs->lines[i];
            ck_assert_msg(a->actor == b->actor && a->step == b->step && a->woken == b->woken &&
                              memcmp(&a->clock_s, &b->clock_s, sizeof a->clock_s) == 0,
                          "program %llu, line %u: actor %u step %u at %.17g, SimGrid's: actor %u "
                          "step %u at %.17g",
                          (unsigned long long)seed, i, a->actor, a->step, a->clock_s, b->actor,
                          b->step, b->clock_s);
            at_once += i > 0 && b[0].clock_s == b[-1].clock_s && b[0].actor != b[-1].actor;
            woken += b->woken;
        }
        ck_assert_uint_eq(own->line_count, theirs->line_count);
        lines += theirs->line_count;
    }
    /* They have something to say. */
    ck_assert_uint_gt(lines, 100 * PROGRAMS);
    ck_assert_uint_gt(at_once, 30 * PROGRAMS);
    ck_assert_uint_gt(woken, PROGRAMS);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(calendar, order_and_clock_are_simgrids)
